/*
 * The actions of a step of the device, and its one transaction.
 */
#include "sync/device/state.h"
#include <stdlib.h>

void device_out_clear(struct device_out *out)
{
    out->count = 0;
    out->write_count = 0;
    quire_buffer_clear(&out->bytes);
    out->failed = false;
}

void device_out_finish(struct device_out *out)
{
    free(out->items);
    free(out->writes);
    quire_buffer_finish(&out->bytes);
}

bool device_ok(struct quire_device *device, enum quire_status status)
{
    if (status != QUIRE_OK && device->failure == QUIRE_OK) {
        device->failure = status;
    }
    return status == QUIRE_OK;
}

void device_random(struct quire_device *device, uint8_t out[QR_ENTROPY_SIZE])
{
    qr_entropy_expand(out, device->entropy, device->entropy_count++);
}

/* While a step runs, pointers are offsets: the bytes may still move. */
static struct quire_bytes keep(struct device_out *out, struct quire_bytes bytes)
{
    size_t offset = out->bytes.size;
    if (quire_buffer_append(&out->bytes, bytes.data, bytes.size) != QUIRE_OK) {
        out->failed = true;
    }
    return (struct quire_bytes){(const uint8_t *)(uintptr_t)offset, bytes.size};
}

static struct quire_bytes settle(const struct device_out *out, struct quire_bytes kept)
{
    return (struct quire_bytes){out->bytes.data + (uintptr_t)kept.data, kept.size};
}

static struct quire_action *add(struct device_out *out, enum quire_action_kind kind)
{
    if (out->count == out->capacity) {
        size_t capacity = out->capacity == 0 ? 16 : out->capacity * 2;
        struct quire_action *items = realloc(out->items, capacity * sizeof *items);
        if (items == NULL) {
            out->failed = true;
            return NULL;
        }
        out->items = items;
        out->capacity = capacity;
    }
    struct quire_action *action = &out->items[out->count++];
    *action = (struct quire_action){.kind = kind};
    return action;
}

/* `value` is kept already. */
static void add_write(struct device_out *out, struct quire_bytes key, struct quire_bytes value,
    bool erase)
{
    if (out->write_count == out->write_capacity) {
        size_t capacity = out->write_capacity == 0 ? 16 : out->write_capacity * 2;
        struct quire_write *writes = realloc(out->writes, capacity * sizeof *writes);
        if (writes == NULL) {
            out->failed = true;
            return;
        }
        out->writes = writes;
        out->write_capacity = capacity;
    }
    out->writes[out->write_count++] = (struct quire_write){keep(out, key), value, erase};
}

void device_put(struct quire_device *device, struct quire_bytes key, struct quire_bytes value)
{
    add_write(&device->out, key, keep(&device->out, value), false);
}

void device_put_made(struct quire_device *device, struct quire_bytes key, size_t offset)
{
    struct device_out *out = &device->out;
    add_write(out, key,
        (struct quire_bytes){(const uint8_t *)(uintptr_t)offset, out->bytes.size - offset}, false);
}

void device_erase(struct quire_device *device, struct quire_bytes key)
{
    add_write(&device->out, key, (struct quire_bytes){0}, true);
}

void device_send(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->link == LINK_NONE) {
        return;
    }
    struct device_out *out = &device->out;
    size_t offset = out->bytes.size;
    device->said_ms = device->now_ms;
    if (!device_ok(device, qr_frame_write(frame, &out->bytes))) {
        return;
    }
    struct quire_action *action = add(out, QUIRE_ACTION_SEND);
    if (action != NULL) {
        action->bytes = (struct quire_bytes){
            (const uint8_t *)(uintptr_t)offset, out->bytes.size - offset};
    }
}

void device_close(struct quire_device *device, uint32_t retry_ms)
{
    if (device->link == LINK_NONE) {
        return;
    }
    struct quire_action *action = add(&device->out, QUIRE_ACTION_CLOSE);
    if (action != NULL) {
        action->retry_ms = retry_ms < DEVICE_RETRY_MAX_MS ? retry_ms : DEVICE_RETRY_MAX_MS;
    }
    device_disconnected(device);
}

void device_emit_replica(struct quire_device *device)
{
    if (!QR_FAILPOINT_ON(STAMP_KEPT)) {
        device_random(device, device->replica_stamp);
    }
    device_put_state(device);
    const struct device_chain *chain = device_chain_find(device, device->replica);
    uint8_t record[QUIRE_REPLICA_RECORD_SIZE];
    memcpy(record, device->replica, QR_REPLICA_SIZE);
    qr_store_u64(record + QR_REPLICA_SIZE, chain == NULL ? 0 : chain->head);
    memcpy(record + QR_REPLICA_SIZE + 8, device->replica_stamp, QR_HASH_SIZE);
    struct quire_bytes kept = keep(&device->out, (struct quire_bytes){record, sizeof record});
    struct quire_action *action = add(&device->out, QUIRE_ACTION_REPLICA);
    if (action != NULL) {
        action->bytes = kept;
    }
}

void device_notice(struct quire_device *device, enum quire_notice_kind notice, uint32_t code)
{
    struct quire_action *action = add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        action->code = code;
    }
}

void device_notice_entry(struct quire_device *device, const uint8_t *entry)
{
    struct quire_action *action = add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = QUIRE_NOTICE_ENTRY;
        memcpy(action->entry, entry, QR_ENTRY_SIZE);
    }
}

void device_notice_device(struct quire_device *device, enum quire_notice_kind notice,
    const uint8_t *who)
{
    struct quire_action *action = add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        memcpy(action->device, who, QR_DEVICE_SIZE);
    }
}

void device_notice_text(struct quire_device *device, enum quire_notice_kind notice, const char *text)
{
    struct quire_bytes kept = keep(&device->out, quire_bytes_of_text(text));
    struct quire_action *action = add(&device->out, QUIRE_ACTION_NOTICE);
    if (action != NULL) {
        action->notice = notice;
        action->bytes = kept;
    }
}

void device_alarm(struct quire_device *device, enum quire_alarm_kind alarm)
{
    device->alarms[alarm]++;
    device_put_state(device);
    device_notice(device, QUIRE_NOTICE_ALARM, alarm);
}

enum quire_status device_out_end(struct quire_device *device, struct quire_actions *out_actions)
{
    struct device_out *out = &device->out;
    if (out->write_count > 0 && !out->failed) {
        /* First of all: what follows may rest on it. */
        struct quire_action *last = add(out, QUIRE_ACTION_PERSIST);
        if (last != NULL) {
            memmove(out->items + 1, out->items, (out->count - 1) * sizeof *out->items);
            out->items[0] =
                (struct quire_action){.kind = QUIRE_ACTION_PERSIST, .token = ++device->token};
            device_chains_persisting(device, device->token);
        }
    }
    if (out->failed) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < out->write_count; i++) {
        out->writes[i].key = settle(out, out->writes[i].key);
        out->writes[i].value = settle(out, out->writes[i].value);
    }
    for (size_t i = 0; i < out->count; i++) {
        struct quire_action *action = &out->items[i];
        if (action->kind == QUIRE_ACTION_PERSIST) {
            action->writes = out->writes;
            action->write_count = out->write_count;
        } else if (action->bytes.size > 0) {
            action->bytes = settle(out, action->bytes);
        }
    }
    *out_actions = (struct quire_actions){out->items, out->count};
    return QUIRE_OK;
}
