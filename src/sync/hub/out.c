/*
 * The actions of a step of the hub.
 */
#include "sync/hub/out.h"
#include <stdlib.h>

#define CLOSE_POLICY 1008

void hub_out_clear(struct hub_out *out)
{
    out->count = 0;
    out->job_count = 0;
    out->record_count = 0;
    quire_buffer_clear(&out->bytes);
    out->failed = false;
}

void hub_out_finish(struct hub_out *out)
{
    free(out->items);
    free(out->jobs);
    free(out->records);
    quire_buffer_finish(&out->bytes);
}

/* Room for one more item of an array; false: out of memory, and the step will say so. */
static bool grow(
    struct hub_out *out, void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(*items, wanted * item_size);
    if (grown == NULL) {
        out->failed = true;
        return false;
    }
    *items = grown;
    *capacity = wanted;
    return true;
}

static struct qr_hub_action *add_action(struct hub_out *out, enum qr_hub_action_kind kind)
{
    void *items = out->items;
    if (!grow(out, &items, out->count, &out->capacity, sizeof *out->items)) {
        return NULL;
    }
    out->items = items;
    struct qr_hub_action *action = &out->items[out->count++];
    *action = (struct qr_hub_action){.kind = kind};
    return action;
}

/* While a step runs, pointers are offsets: the arrays may still move. */
static const uint8_t *as_offset(size_t offset)
{
    return (const uint8_t *)(uintptr_t)offset;
}

static const uint8_t *from_offset(const struct hub_out *out, const uint8_t *offset)
{
    return out->bytes.data + (uintptr_t)offset;
}

enum quire_status hub_out_end(struct hub_out *out, struct qr_hub_actions *out_actions)
{
    if (out->failed) {
        return QUIRE_ENOMEM;
    }
    size_t job = 0;
    for (size_t i = 0; i < out->record_count; i++) {
        out->records[i].bytes.data = from_offset(out, out->records[i].bytes.data);
    }
    for (size_t i = 0; i < out->count; i++) {
        struct qr_hub_action *action = &out->items[i];
        if (action->kind == QR_HUB_SEND) {
            action->bytes.data = from_offset(out, action->bytes.data);
        } else if (action->kind == QR_HUB_VERIFY) {
            action->jobs = out->jobs + job;
            job += action->job_count;
        } else if (action->kind == QR_HUB_PERSIST) {
            action->records = out->records;
            action->record_count = out->record_count;
        }
    }
    *out_actions = (struct qr_hub_actions){out->items, out->count};
    return QUIRE_OK;
}

void hub_close(struct qr_hub *hub, struct hub_connection *connection, uint16_t code)
{
    if (connection->state == HUB_CLOSING) {
        return;
    }
    hub_set_state(hub, connection, HUB_CLOSING);
    struct qr_hub_action *action = add_action(&hub->out, QR_HUB_CLOSE);
    if (action != NULL) {
        action->connection = connection->id;
        action->code = code;
    }
}

/* The SEND of the frame; NULL: it was not made. */
static struct qr_hub_action *send_frame(
    struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    if (connection->state == HUB_CLOSING) {
        return NULL;
    }
    struct hub_out *out = &hub->out;
    size_t offset = out->bytes.size;
    if (qr_frame_write(frame, &out->bytes) != QUIRE_OK) {
        out->failed = true;
        return NULL;
    }
    size_t size = out->bytes.size - offset;
    if (connection->unsent + size > QR_HUB_UNSENT_MAX) {
        /* It asks and never reads: what it is owed is in the log, and it may come back for it. */
        out->bytes.size = offset;
        hub_close(hub, connection, CLOSE_POLICY);
        return NULL;
    }
    struct qr_hub_action *action = add_action(out, QR_HUB_SEND);
    if (action != NULL) {
        action->connection = connection->id;
        action->bytes = (struct quire_bytes){as_offset(offset), size};
        if (connection->unsent == 0) {
            connection->sent_ms = hub->now_ms;
        }
        connection->unsent += size;
    }
    return action;
}

void hub_send(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    (void)send_frame(hub, connection, frame);
}

void hub_refuse(
    struct qr_hub *hub, struct hub_connection *connection, const struct hub_refusal *refusal)
{
    struct qr_frame frame = {.type = QR_FRAME_ERROR};
    frame.error.code = refusal->code;
    frame.error.fatal = refusal->fatal;
    frame.error.retry_ms = refusal->retry_ms;
    frame.error.replica = refusal->replica;
    frame.error.seq = refusal->seq;
    frame.error.data = refusal->data;
    struct qr_hub_action *action = send_frame(hub, connection, &frame);
    if (action != NULL && refusal->cause != NULL) {
        const uint8_t *user =
            connection->user != NULL ? connection->user->user : connection->handshake.claimed_user;
        action->code = (uint16_t)refusal->code;
        action->cause = refusal->cause;
        memcpy(action->user, user, QR_USER_SIZE);
        memcpy(action->device, connection->device, QR_DEVICE_SIZE);
    }
    if (refusal->fatal) {
        hub_close(hub, connection, CLOSE_POLICY);
    }
}

void hub_fatal(struct qr_hub *hub, struct hub_connection *connection, enum qr_error_code code,
    const char *cause)
{
    hub_refuse(hub, connection, &(struct hub_refusal){.code = code, .fatal = true, .cause = cause});
}

void hub_verify(struct qr_hub *hub, uint64_t token, const struct qr_verify_job *jobs, size_t count,
    bool stranger)
{
    struct hub_out *out = &hub->out;
    for (size_t i = 0; i < count; i++) {
        void *items = out->jobs;
        if (!grow(out, &items, out->job_count, &out->job_capacity, sizeof *out->jobs)) {
            return;
        }
        out->jobs = items;
        out->jobs[out->job_count++] = jobs[i];
    }
    struct qr_hub_action *action = add_action(out, QR_HUB_VERIFY);
    if (action != NULL) {
        action->token = token;
        action->job_count = count;
        action->stranger = stranger;
        hub->counters.pending_verify++;
    }
}

void hub_persist(struct qr_hub *hub, const struct hub_user *user, const struct qr_log_entry *entry,
    struct quire_bytes bytes)
{
    struct hub_out *out = &hub->out;
    void *items = out->records;
    if (!grow(out, &items, out->record_count, &out->record_capacity, sizeof *out->records)) {
        return;
    }
    out->records = items;
    size_t offset = out->bytes.size;
    if (quire_buffer_append(&out->bytes, bytes.data, bytes.size) != QUIRE_OK) {
        out->failed = true;
        return;
    }
    if (out->record_count == 0) {
        add_action(out, QR_HUB_PERSIST);
    }
    struct qr_log_record *record = &out->records[out->record_count++];
    *record = (struct qr_log_record){.entry = *entry, .bytes = {as_offset(offset), bytes.size}};
    memcpy(record->user, user->user, QR_USER_SIZE);
}

void hub_forget(struct qr_hub *hub, const struct hub_user *user, uint64_t lsn)
{
    struct qr_hub_action *action = add_action(&hub->out, QR_HUB_FORGET);
    if (action != NULL) {
        action->lsn = lsn;
        memcpy(action->user, user->user, QR_USER_SIZE);
    }
}
