#include "hub_box.h"
#include "crypto/sign.h"
#include <assert.h>
#include <stdlib.h>

#define LOG_MAX 4096
#define VERIFY_MAX 64

struct stored {
    uint8_t user[QR_USER_SIZE];
    struct qr_log_entry entry;
    struct quire_buffer bytes;
};

struct hub_box {
    struct qr_hub *hub;
    struct stored log[LOG_MAX];
    size_t log_count, durable;
    uint64_t connections[HUB_BOX_CONNECTIONS]; /* 0: none */
    uint64_t next_connection, now_ms, drawn;
    uint8_t verify, commit;
    struct {
        uint64_t token;
        size_t good; /* jobs, from the first on, that are said to hold */
    } verifying[VERIFY_MAX];
    size_t verifying_count;
    uint64_t failed_lsn; /* 0: none */
    uint64_t sent_bytes[HUB_BOX_CONNECTIONS];
    struct qr_frame_space space;
    void (*sent)(void *context, uint8_t which, struct quire_bytes message);
    void *context;
};

static enum quire_status each(void *context, const uint8_t user[QR_USER_SIZE],
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry), void *visit_context)
{
    struct hub_box *box = context;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; i < box->durable && status == QUIRE_OK; i++) {
        if (memcmp(box->log[i].user, user, QR_USER_SIZE) == 0) {
            status = visit(visit_context, &box->log[i].entry);
        }
    }
    return status;
}

static enum quire_status read_record(void *context, uint64_t lsn, struct quire_bytes *out_bytes)
{
    struct hub_box *box = context;
    if (lsn == 0 || lsn > box->durable) {
        return QUIRE_ENOTFOUND;
    }
    *out_bytes = quire_buffer_bytes(&box->log[lsn - 1].bytes);
    return QUIRE_OK;
}

static void make_hub(struct hub_box *box)
{
    static const uint8_t log[QR_LOG_SIZE] = "a log for fuzz.";
    static const uint8_t seed[QR_ENTROPY_SIZE] = "hub";
    struct qr_hub_limits limits;
    qr_hub_limits_default(&limits);
    limits.pushes_burst = 100000;
    struct qr_log_reader reader = {.context = box, .each = each, .read = read_record};
    enum quire_status status = qr_hub_create(&limits, &reader, log, box->durable, seed, &box->hub);
    assert(status == QUIRE_OK);
}

/* The process ends; what was not durable is gone, and so is everybody. */
static void restart(struct hub_box *box)
{
    qr_hub_destroy(box->hub);
    while (box->log_count > box->durable) {
        quire_buffer_finish(&box->log[--box->log_count].bytes);
    }
    memset(box->connections, 0, sizeof box->connections);
    memset(box->sent_bytes, 0, sizeof box->sent_bytes);
    box->verifying_count = 0;
    make_hub(box);
}

struct hub_box *hub_box_create(void)
{
    struct hub_box *box = calloc(1, sizeof *box);
    bool begun = qr_crypto_init();
    assert(box != NULL && begun);
    box->now_ms = 1000;
    make_hub(box);
    return box;
}

void hub_box_destroy(struct hub_box *box)
{
    qr_hub_destroy(box->hub);
    for (size_t i = 0; i < box->log_count; i++) {
        quire_buffer_finish(&box->log[i].bytes);
    }
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

static void keep(struct hub_box *box, const struct qr_hub_action *action)
{
    for (size_t i = 0; i < action->record_count; i++) {
        const struct qr_log_record *record = &action->records[i];
        assert(record->entry.lsn == box->log_count + 1);
        assert(box->log_count < LOG_MAX);
        struct stored *stored = &box->log[box->log_count++];
        memcpy(stored->user, record->user, sizeof stored->user);
        stored->entry = record->entry;
        enum quire_status status =
            quire_buffer_append(&stored->bytes, record->bytes.data, record->bytes.size);
        assert(status == QUIRE_OK && record->entry.size == record->bytes.size);
    }
}

static bool is_durable(const struct hub_box *box, const uint8_t *replica, uint64_t seq)
{
    for (size_t i = 0; i < box->durable; i++) {
        const struct qr_log_entry *entry = &box->log[i].entry;
        if (entry->kind == QR_LOG_BATCH && entry->seq == seq &&
            memcmp(entry->replica, replica, QR_REPLICA_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_stored(const struct hub_box *box, struct quire_bytes bytes)
{
    for (size_t i = 0; i < box->durable; i++) {
        if (quire_bytes_equal(quire_buffer_bytes(&box->log[i].bytes), bytes)) {
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
            assert(is_durable(box, frame.caught_up.positions[i].replica,
                frame.caught_up.positions[i].seq));
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
    default:
        break;
    }
}

/* Roster records are read back from the log and checked again then, so their signatures must hold; of
 * the others a fuzzer could make none. */
static size_t jobs_that_hold(const struct qr_hub_action *action)
{
    size_t good = 0;
    for (; good < action->job_count; good++) {
        const struct qr_verify_job *job = &action->jobs[good];
        if (job->context == QR_CONTEXT_ROSTER_SIGN &&
            !qr_verify(job->public_key, QR_CONTEXT_ROSTER_SIGN,
                &(struct quire_bytes){job->message, sizeof job->message}, 1, job->signature)) {
            break;
        }
    }
    return good;
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
    case QR_HUB_VERIFY:
        assert(box->verifying_count < VERIFY_MAX && action->job_count > 0);
        box->verifying[box->verifying_count].token = action->token;
        box->verifying[box->verifying_count++].good = jobs_that_hold(action);
        break;
    case QR_HUB_PERSIST:
        keep(box, action);
        break;
    case QR_HUB_CLOSE:
    case QR_HUB_FORGET:
        break;
    }
}

static void feed(struct hub_box *box, struct qr_hub_event event)
{
    struct qr_hub_actions actions;
    event.now_ms = box->now_ms;
    event.wall_ms = 1700000000000u + box->now_ms;
    if (qr_hub_step(box->hub, &event, &actions) != QUIRE_OK) {
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
        if (box->verifying_count > 0) {
            struct qr_hub_event event = {.kind = QR_HUB_VERIFIED, .token = box->verifying[0].token,
                .size = box->verify == 0 ? box->verifying[0].good : 0};
            box->verifying_count--;
            memmove(box->verifying, box->verifying + 1, box->verifying_count * sizeof box->verifying[0]);
            feed(box, event);
            moved = true;
        }
        if (box->durable < box->log_count && box->commit == 0) {
            box->durable = box->log_count;
            feed(box, (struct qr_hub_event){.kind = QR_HUB_PERSISTED, .lsn = box->durable});
            moved = true;
        }
        if (box->durable < box->log_count && box->commit == 2) {
            while (box->log_count > box->durable) {
                quire_buffer_finish(&box->log[--box->log_count].bytes);
            }
            feed(box, (struct qr_hub_event){.kind = QR_HUB_PERSIST_FAILED, .lsn = box->durable + 1,
                .code = QUIRE_EFULL});
            moved = true;
        }
        for (int i = 0; i < HUB_BOX_CONNECTIONS; i++) {
            if (i != HUB_BOX_DEAF && box->connections[i] != 0 && box->sent_bytes[i] > 0) {
                struct qr_hub_event event = {.kind = QR_HUB_SENT, .connection = box->connections[i],
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
        if (*connection != 0 || box->log_count + 600 > LOG_MAX) {
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
        if (*connection == 0 || box->log_count + 600 > LOG_MAX) {
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
        box->verify = mode;
        settle(box);
        return;
    case HUB_BOX_COMMIT:
        box->commit = mode;
        settle(box);
        return;
    case HUB_BOX_DRAIN:
        if (step->bytes.size > 0) {
            restart(box);
            return;
        }
        event.kind = QR_HUB_DRAIN;
        break;
    default:
        return;
    }
    feed(box, event);
    settle(box);
}
