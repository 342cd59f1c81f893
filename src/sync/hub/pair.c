/*
 * Mailboxes: an old device waits at one, a new device that knows the secret writes to it. The hub
 * passes bytes that it cannot read, for at most one of each at a time.
 */
#include "sync/hub/pair.h"
#include "sync/hub/out.h"

static struct hub_connection *find_waiting(struct qr_hub *hub, const uint8_t *mailbox)
{
    struct hub_connection *connection = hub->waiting; /* at most HUB_PAIR_MAILBOXES */
    while (connection != NULL && (connection->state != HUB_READY ||
               memcmp(connection->mailbox, mailbox, QR_MAILBOX_SIZE) != 0)) {
        connection = connection->next_waiting;
    }
    return connection;
}

static void pass_on(struct qr_hub *hub, struct hub_connection *to, const uint8_t *mailbox,
    enum qr_pair_step step, struct quire_bytes data)
{
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = step;
    frame.pair.mailbox = mailbox;
    frame.pair.data = data;
    hub_send(hub, to, &frame);
}

static struct hub_connection *peer_of(struct qr_hub *hub, const struct hub_connection *connection)
{
    struct hub_connection *peer = NULL;
    HASH_FIND(hh, hub->connections, &connection->pair_peer, sizeof connection->pair_peer, peer);
    return peer != NULL && peer->pair_peer == connection->id ? peer : NULL;
}

void hub_pair_closed(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_connection *peer = peer_of(hub, connection);
    if (peer != NULL) {
        peer->pair_peer = 0;
        if (connection->waits_at_mailbox) {
            pass_on(hub, peer, connection->mailbox, QR_PAIR_CLOSE, (struct quire_bytes){0});
        }
    }
    connection->pair_peer = 0;
    if (connection->waits_at_mailbox) {
        DL_DELETE2(hub->waiting, connection, prev_waiting, next_waiting);
        hub->mailbox_count--;
        connection->waits_at_mailbox = false;
    }
}

static void open_mailbox(struct qr_hub *hub, struct hub_connection *connection,
    const uint8_t *mailbox)
{
    hub_pair_closed(hub, connection);
    if (hub->mailbox_count >= HUB_PAIR_MAILBOXES || find_waiting(hub, mailbox) != NULL) {
        pass_on(hub, connection, mailbox, QR_PAIR_CLOSE, (struct quire_bytes){0});
        return;
    }
    memcpy(connection->mailbox, mailbox, sizeof connection->mailbox);
    connection->waits_at_mailbox = true;
    DL_APPEND2(hub->waiting, connection, prev_waiting, next_waiting);
    hub->mailbox_count++;
}

void hub_on_pair(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    const uint8_t *mailbox = frame->pair.mailbox;
    bool ready = connection->state == HUB_READY;
    struct hub_connection *peer;
    if (frame->pair.step == QR_PAIR_OPEN && ready) {
        open_mailbox(hub, connection, mailbox);
    } else if (frame->pair.step == QR_PAIR_CLOSE && ready) {
        hub_pair_closed(hub, connection);
    } else if (frame->pair.step == QR_PAIR_REQUEST && !ready) {
        peer = find_waiting(hub, mailbox);
        if (peer == NULL || peer_of(hub, peer) != NULL) {
            pass_on(hub, connection, mailbox, QR_PAIR_CLOSE, (struct quire_bytes){0});
            return;
        }
        hub_pair_closed(hub, connection); /* whom it asked before is free for others */
        peer->pair_peer = connection->id;
        connection->pair_peer = peer->id;
        pass_on(hub, peer, mailbox, QR_PAIR_REQUEST, frame->pair.data);
    } else if (frame->pair.step == QR_PAIR_REPLY && ready && connection->waits_at_mailbox) {
        peer = peer_of(hub, connection);
        if (peer != NULL) {
            pass_on(hub, peer, connection->mailbox, QR_PAIR_REPLY, frame->pair.data);
        }
    } else {
        hub_fatal(hub, connection, QR_ERROR_PROTO);
    }
}
