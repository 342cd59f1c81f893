/*
 * Mailboxes: an old device waits at one, a new device that knows the secret writes to it. The hub
 * passes bytes that it cannot read, for at most one of each at a time.
 */
#include "sync/hub/pair.h"
#include "sync/hub/out.h"

static struct hub_connection *find_waiting(struct qr_hub *hub, const uint8_t *name)
{
    struct hub_connection *connection = hub->waiting; /* at most HUB_MAILBOXES_MAX */
    while (connection != NULL
        && (connection->state != HUB_READY
            || memcmp(connection->mailbox.name, name, QR_MAILBOX_SIZE) != 0)) {
        connection = connection->mailbox.next_waiting;
    }
    return connection;
}

static void pass_on(struct qr_hub *hub, struct hub_connection *to, const uint8_t *name,
    enum qr_pair_step step, struct quire_bytes data)
{
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = step;
    frame.pair.mailbox = name;
    frame.pair.data = data;
    hub_send(hub, to, &frame);
}

static struct hub_connection *peer_of(struct qr_hub *hub, const struct hub_connection *connection)
{
    struct hub_connection *peer = NULL;
    uint64_t id = connection->mailbox.peer;
    HASH_FIND(hh, hub->connections, &id, sizeof id, peer);
    return peer != NULL && peer->mailbox.peer == connection->id ? peer : NULL;
}

void hub_pair_closed(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_mailbox *mailbox = &connection->mailbox;
    struct hub_connection *peer = peer_of(hub, connection);
    if (peer != NULL) {
        peer->mailbox.peer = 0;
        if (mailbox->waits) {
            pass_on(hub, peer, mailbox->name, QR_PAIR_CLOSE, (struct quire_bytes){0});
        }
    }
    mailbox->peer = 0;
    if (mailbox->waits) {
        DL_DELETE2(hub->waiting, connection, mailbox.prev_waiting, mailbox.next_waiting);
        hub->mailbox_count--;
        mailbox->waits = false;
    }
}

/* Closes a mailbox that its device may still wait at. */
static void evict(struct qr_hub *hub, struct hub_connection *connection)
{
    hub_pair_closed(hub, connection);
    pass_on(hub, connection, connection->mailbox.name, QR_PAIR_CLOSE, (struct quire_bytes){0});
}

static void make_room(struct qr_hub *hub, const struct hub_user *user)
{
    struct hub_connection *connection, *oldest = NULL; /* the list has the oldest first */
    size_t count = 0;
    DL_FOREACH2 (hub->waiting, connection, mailbox.next_waiting) {
        if (connection->user == user) {
            oldest = oldest == NULL ? connection : oldest;
            count++;
        }
    }
    if (count >= HUB_MAILBOXES_PER_USER) {
        evict(hub, oldest);
    }
}

static void open_mailbox(struct qr_hub *hub, struct hub_connection *connection, const uint8_t *name)
{
    hub_pair_closed(hub, connection);
    make_room(hub, connection->user);
    if (hub->mailbox_count >= HUB_MAILBOXES_MAX || find_waiting(hub, name) != NULL) {
        pass_on(hub, connection, name, QR_PAIR_CLOSE, (struct quire_bytes){0});
        return;
    }
    memcpy(connection->mailbox.name, name, sizeof connection->mailbox.name);
    connection->mailbox.waits = true;
    connection->mailbox.opened_ms = hub->now_ms;
    DL_APPEND2(hub->waiting, connection, mailbox.prev_waiting, mailbox.next_waiting);
    hub->mailbox_count++;
}

void hub_pair_expire(struct qr_hub *hub)
{
    while (hub->waiting != NULL
        && hub->now_ms - hub->waiting->mailbox.opened_ms > hub->limits.mailbox_ms) {
        evict(hub, hub->waiting);
    }
}

void hub_on_pair(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    const uint8_t *name = frame->pair.mailbox;
    bool ready = connection->state == HUB_READY;
    struct hub_connection *peer;
    (void)bytes;
    if (frame->pair.step == QR_PAIR_OPEN && ready) {
        open_mailbox(hub, connection, name);
    } else if (frame->pair.step == QR_PAIR_CLOSE && ready) {
        hub_pair_closed(hub, connection);
    } else if (frame->pair.step == QR_PAIR_REQUEST && !ready) {
        peer = find_waiting(hub, name);
        if (peer == NULL || peer_of(hub, peer) != NULL) {
            pass_on(hub, connection, name, QR_PAIR_CLOSE, (struct quire_bytes){0});
            return;
        }
        hub_pair_closed(hub, connection); /* the device that it asked before is free again */
        peer->mailbox.peer = connection->id;
        connection->mailbox.peer = peer->id;
        pass_on(hub, peer, name, QR_PAIR_REQUEST, frame->pair.data);
    } else if (frame->pair.step == QR_PAIR_REPLY && ready && connection->mailbox.waits) {
        peer = peer_of(hub, connection);
        if (peer != NULL) {
            pass_on(hub, peer, connection->mailbox.name, QR_PAIR_REPLY, frame->pair.data);
        }
    } else {
        hub_fatal(hub, connection, QR_ERROR_PROTO, "a PAIR out of turn");
    }
}
