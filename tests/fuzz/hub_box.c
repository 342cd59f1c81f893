#include "hub_box.h"
#include "crypto/sign.h"
#include "kit/hub.h"
#include <assert.h>
#include <stdlib.h>

#define LOG_MAX 3500 /* records; a longer script ends here: it would show nothing new */

struct hub_box {
    struct kit_hub server;
    uint64_t connections[HUB_BOX_CONNECTIONS]; /* 0: none */
    uint64_t next_connection, now_ms, drawn;
    uint64_t sent_bytes[HUB_BOX_CONNECTIONS];
    struct qr_frame_space space;
    void (*sent)(void *context, uint8_t which, struct quire_bytes message);
    void *context;
};

static void start_hub(struct hub_box *box)
{
    static const uint8_t log_id[QR_LOG_SIZE] = "a log for fuzz.";
    static const uint8_t seed[QR_ENTROPY_SIZE] = "hub";
    kit_hub_start(&box->server, log_id, seed);
}

/* The process ends; what was not durable is gone, and so is everybody. */
static void restart(struct hub_box *box)
{
    memset(box->connections, 0, sizeof box->connections);
    memset(box->sent_bytes, 0, sizeof box->sent_bytes);
    start_hub(box);
}

struct hub_box *hub_box_create(void)
{
    struct hub_box *box = calloc(1, sizeof *box);
    bool begun = qr_crypto_init();
    assert(box != NULL && begun);
    box->now_ms = 1000;
    box->server.trust_batches = true;
    qr_hub_limits_default(&box->server.limits);
    box->server.limits.check_all = true;
    box->server.limits.pushes_burst = 100000;
    start_hub(box);
    return box;
}

void hub_box_destroy(struct hub_box *box)
{
    kit_hub_finish(&box->server);
    free(box);
}

static int which_of(const struct hub_box *box, uint64_t connection)
{
    for (int i = 0; i < HUB_BOX_CONNECTIONS; i++) {
        if (connection != 0 && box->connections[i] == connection) {
            return i;
        }
    }
    return -1;
}

static bool is_durable(const struct hub_box *box, const uint8_t *replica, uint64_t seq)
{
    for (size_t i = 0; i < box->server.log.durable; i++) {
        const struct qr_log_entry *entry = &box->server.log.records[i].entry;
        if (entry->kind == QR_LOG_BATCH && entry->seq == seq
            && memcmp(entry->replica, replica, QR_REPLICA_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_stored(const struct hub_box *box, struct quire_bytes bytes)
{
    for (size_t i = 0; i < box->server.log.durable; i++) {
        if (quire_bytes_equal(quire_buffer_bytes(&box->server.log.records[i].bytes), bytes)) {
            return true;
        }
    }
    return false;
}

/* What is acknowledged or passed on is durable. */
static void check_sent(struct hub_box *box, struct quire_bytes message)
{
    struct qr_frame frame;
    enum quire_status status = qr_frame_read(message, &box->space, &frame);
    assert(status == QUIRE_OK);
    switch (frame.type) {
    case QR_FRAME_ACK:
        for (size_t i = 0; i < frame.ack.range_count; i++) {
            assert(is_durable(box, frame.ack.ranges[i].replica, frame.ack.ranges[i].to));
        }
        break;
    case QR_FRAME_CAUGHT_UP:
        for (size_t i = 0; i < frame.caught_up.position_count; i++) {
            assert(is_durable(
                box, frame.caught_up.positions[i].replica, frame.caught_up.positions[i].seq));
        }
        break;
    case QR_FRAME_DELTA:
        for (size_t i = 0; i < frame.delta.batch_count; i++) {
            assert(is_stored(box, frame.delta.batches[i]));
        }
        break;
    case QR_FRAME_ROSTER_RECORDS:
        for (size_t i = 0; i < frame.roster_records.record_count; i++) {
            assert(is_stored(box, frame.roster_records.records[i]));
        }
        break;
    default: break;
    }
}

static void act(struct hub_box *box, const struct qr_hub_action *action)
{
    int which = which_of(box, action->connection);
    switch (action->kind) {
    case QR_HUB_SEND:
        if (which >= 0) {
            box->sent_bytes[which] += action->bytes.size;
            assert(action->bytes.size <= QR_FRAME_MAX);
            assert(box->sent_bytes[which] <= QR_HUB_UNSENT_MAX);
            check_sent(box, action->bytes);
            if (box->sent != NULL) {
                box->sent(box->context, (uint8_t)which, action->bytes);
            }
        }
        break;
    case QR_HUB_CLOSE: break;
    default: kit_hub_carry_out(&box->server, action); break;
    }
}

static void feed(struct hub_box *box, struct qr_hub_event event)
{
    struct qr_hub_actions actions;
    event.now_ms = box->now_ms;
    event.wall_ms = 1700000000000u + box->now_ms;
    if (qr_hub_step(box->server.hub, &event, &actions) != QUIRE_OK) {
        return;
    }
    uint64_t closing[HUB_BOX_CONNECTIONS] = {0};
    for (size_t i = 0; i < actions.count; i++) {
        act(box, &actions.items[i]);
        int which = which_of(box, actions.items[i].connection);
        if (actions.items[i].kind == QR_HUB_CLOSE && which >= 0) {
            closing[which] = box->connections[which];
        }
    }
    for (int i = 0; i < HUB_BOX_CONNECTIONS; i++) {
        if (closing[i] != 0 && box->connections[i] == closing[i]) {
            box->connections[i] = 0;
            feed(box, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = closing[i]});
        }
    }
}

/* Answers what the hub waits for, until it waits for nothing that may be answered. */
static void settle(struct hub_box *box)
{
    for (bool moved = true; moved;) {
        moved = false;
        struct qr_hub_event event;
        if (kit_hub_answer(&box->server, &event)) {
            feed(box, event);
            moved = true;
        }
        for (int i = 0; i < HUB_BOX_CONNECTIONS; i++) {
            if (i != HUB_BOX_DEAF && box->connections[i] != 0 && box->sent_bytes[i] > 0) {
                event = (struct qr_hub_event){.kind = QR_HUB_SENT,
                    .connection = box->connections[i],
                    .size = (size_t)box->sent_bytes[i]};
                box->sent_bytes[i] = 0;
                feed(box, event);
                moved = true;
            }
        }
    }
}

void hub_box_run(struct hub_box *box, const struct script_step *step,
    void (*sent)(void *context, uint8_t which, struct quire_bytes message), void *context)
{
    static const uint8_t seed[QR_ENTROPY_SIZE] = "connections";
    uint64_t *connection = &box->connections[step->which];
    struct qr_hub_event event = {.connection = *connection, .bytes = step->bytes};
    uint8_t mode = step->bytes.size > 0 ? step->bytes.data[0] % 3 : 0;
    box->sent = sent;
    box->context = context;
    switch (step->what) {
    case HUB_BOX_OPEN:
        if (*connection != 0 || box->server.log.count >= LOG_MAX) {
            return;
        }
        *connection = ++box->next_connection;
        box->sent_bytes[step->which] = 0;
        event.kind = QR_HUB_OPEN;
        event.connection = *connection;
        event.bytes = quire_bytes_of_text("localhost:7433");
        qr_entropy_expand(event.entropy, seed, box->drawn++);
        break;
    case HUB_BOX_FRAME:
        if (*connection == 0 || box->server.log.count >= LOG_MAX) {
            return;
        }
        event.kind = QR_HUB_FRAME;
        break;
    case HUB_BOX_CLOSE:
        if (*connection == 0) {
            return;
        }
        event.kind = QR_HUB_CLOSED;
        *connection = 0;
        break;
    case HUB_BOX_TICK:
        box->now_ms += 100 * step->bytes.size;
        event.kind = QR_HUB_TICK;
        break;
    case HUB_BOX_VERIFY:
        box->server.deny_verify = mode != 0;
        settle(box);
        return;
    case HUB_BOX_COMMIT:
        box->server.hold_commits = mode == 1;
        box->server.refuse_commits = mode == 2 ? QUIRE_EFULL : QUIRE_OK;
        settle(box);
        return;
    case HUB_BOX_DRAIN:
        if (step->bytes.size > 0) {
            restart(box);
            return;
        }
        event.kind = QR_HUB_DRAIN;
        break;
    default: return;
    }
    feed(box, event);
    settle(box);
}
