/*
 * The device for a host: its records behind two imports, its actions as rows.
 */
#include "wasm/exports.h"
#include "wasm/rows.h"
#include <string.h>

/* ---- records --------------------------------------------------------------------------------- */

/** One scan under way: the visitor that the host's scan_visit calls. */
struct quire_wasm_scan {
    bool (*visit)(void *context, struct quire_bytes key, struct quire_bytes value);
    void *context;
};

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    return (enum quire_status)quire_host_get(
        (uint32_t)(uintptr_t)context, key.data, key.size, out_value);
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    struct quire_wasm_scan under_way = {visit, visit_context};
    return (enum quire_status)quire_host_scan(
        (uint32_t)(uintptr_t)context, prefix.data, prefix.size, &under_way);
}

int quire_wasm_scan_visit(struct quire_wasm_scan *under_way, const uint8_t *key, size_t key_size,
    const uint8_t *value, size_t value_size)
{
    return under_way->visit(under_way->context, (struct quire_bytes){key, key_size},
        (struct quire_bytes){value, value_size});
}

/* ---- life ------------------------------------------------------------------------------------ */

static void actions_onto(struct rows *rows, const struct quire_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct quire_action *action = &actions->items[i];
        rows_u8(rows, (uint8_t)action->kind);
        rows_u8(rows, (uint8_t)action->notice);
        rows_u32(rows, action->code);
        rows_u32(rows, action->retry_ms);
        rows_u64(rows, action->token);
        rows_fixed(rows, action->entry, QUIRE_ENTRY_SIZE);
        rows_fixed(rows, action->device, QUIRE_DEVICE_SIZE);
        rows_bytes(rows, action->bytes);
        rows_u32(rows, (uint32_t)action->write_count);
        for (size_t j = 0; j < action->write_count; j++) {
            const struct quire_write *write = &action->writes[j];
            rows_u8(rows, write->erase);
            rows_bytes(rows, write->key);
            rows_bytes(rows, write->erase ? (struct quire_bytes){0} : write->value);
        }
    }
}

static struct quire_device_options options_of(uint32_t reader, const uint8_t *profile_key,
    const uint8_t *entropy, int64_t wall_ms, struct quire_bytes replica_record)
{
    struct quire_device_options options = {.wall_ms = wall_ms, .replica_record = replica_record};
    options.reader = (struct quire_reader){(void *)(uintptr_t)reader, get, scan};
    memcpy(options.profile_key, profile_key, QUIRE_PROFILE_KEY_SIZE);
    memcpy(options.entropy, entropy, QUIRE_ENTROPY_SIZE);
    return options;
}

/* Through a volatile pointer, so that it is not left out as a store without a reader. */
static void wipe(void *secret, size_t size)
{
    volatile uint8_t *byte = secret;
    while (size-- > 0) {
        *byte++ = 0;
    }
}

int quire_wasm_device_init(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *replica_record, size_t replica_record_size, const uint8_t *name,
    size_t name_size, struct quire_buffer *out_kit, struct quire_buffer *out_actions,
    struct quire_device **out_device)
{
    struct quire_device_options options = options_of(reader, profile_key, entropy, wall_ms,
        (struct quire_bytes){replica_record, replica_record_size});
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_device *device = NULL;
    struct quire_actions actions = {0};
    struct rows kit_rows = rows_begin(out_kit), rows = rows_begin(out_actions);
    enum quire_status status =
        quire_device_init(&options, (struct quire_bytes){name, name_size}, kit, &device, &actions);
    if (status == QUIRE_OK) {
        rows_fixed(&kit_rows, kit, QUIRE_KIT_TEXT_SIZE - 1);
        actions_onto(&rows, &actions);
    }
    status = rows_end(&kit_rows, status);
    status = rows_end(&rows, status);
    if (status == QUIRE_OK) {
        *out_device = device;
    } else {
        if (out_kit->capacity > 0) {
            wipe(out_kit->data, out_kit->capacity);
        }
        quire_buffer_clear(out_kit);
        quire_device_destroy(device);
    }
    wipe(kit, sizeof kit);
    wipe(&options, sizeof options);
    return (int)status;
}

int quire_wasm_device_join(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *name, size_t name_size, const uint8_t *code, size_t code_size,
    struct quire_device **out_device)
{
    struct quire_device_options options =
        options_of(reader, profile_key, entropy, wall_ms, (struct quire_bytes){0});
    enum quire_status status = quire_device_join(&options, (struct quire_bytes){name, name_size},
        (struct quire_bytes){code, code_size}, out_device);
    wipe(&options, sizeof options);
    return (int)status;
}

int quire_wasm_device_recover(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *name, size_t name_size, const uint8_t *kit, size_t kit_size,
    struct quire_device **out_device)
{
    struct quire_device_options options =
        options_of(reader, profile_key, entropy, wall_ms, (struct quire_bytes){0});
    enum quire_status status = quire_device_recover(&options, (struct quire_bytes){name, name_size},
        (struct quire_bytes){kit, kit_size}, out_device);
    wipe(&options, sizeof options);
    return (int)status;
}

int quire_wasm_device_open(uint32_t reader, const uint8_t *profile_key, const uint8_t *entropy,
    int64_t wall_ms, const uint8_t *replica_record, size_t replica_record_size,
    struct quire_device **out_device)
{
    struct quire_device_options options = options_of(reader, profile_key, entropy, wall_ms,
        (struct quire_bytes){replica_record, replica_record_size});
    enum quire_status status = quire_device_open(&options, out_device);
    wipe(&options, sizeof options);
    return (int)status;
}

int quire_wasm_device_rejoin(
    struct quire_device *device, const uint8_t *code, size_t code_size, const uint8_t *entropy)
{
    return (int)quire_device_rejoin(device, (struct quire_bytes){code, code_size}, entropy);
}

void quire_wasm_device_destroy(struct quire_device *device)
{
    quire_device_destroy(device);
}

int quire_wasm_device_step(struct quire_device *device, uint32_t kind, uint64_t now_ms,
    int64_t wall_ms, const uint8_t *entropy, const uint8_t *bytes, size_t size, uint64_t token,
    const uint8_t *id, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    if (kind > QUIRE_EVENT_INDEX
        || ((kind == QUIRE_EVENT_SAVE || kind == QUIRE_EVENT_REVOKE) && id == NULL)) {
        return QUIRE_EINVALID;
    }
    struct quire_event event = {
        .kind = kind, .now_ms = now_ms, .wall_ms = wall_ms, .bytes = {bytes, size}, .token = token};
    memcpy(event.entropy, entropy, QUIRE_ENTROPY_SIZE);
    if (kind == QUIRE_EVENT_SAVE) {
        memcpy(event.entry, id, QUIRE_ENTRY_SIZE);
    } else if (kind == QUIRE_EVENT_REVOKE) {
        memcpy(event.device, id, QUIRE_DEVICE_SIZE);
    }
    struct quire_actions actions = {0};
    enum quire_status status = quire_device_step(device, &event, &actions);
    wipe(&event, sizeof event);
    if (status == QUIRE_OK) {
        actions_onto(&rows, &actions);
    }
    return (int)rows_end(&rows, status);
}

uint64_t quire_wasm_device_wake_ms(const struct quire_device *device)
{
    return quire_device_wake_ms(device);
}

/* ---- entries, devices, state ----------------------------------------------------------------- */

int quire_wasm_device_document(struct quire_device *device, const uint8_t *entry, int create,
    struct quire_document **out_document)
{
    return (int)quire_device_document(device, entry, create != 0, out_document);
}

void quire_wasm_device_replica(const struct quire_device *device, uint8_t *out_replica)
{
    struct quire_stamp stamp = quire_device_stamp(device, 0);
    memcpy(out_replica, stamp.replica, QUIRE_REPLICA_SIZE);
}

static bool entry_onto(void *context, const struct quire_summary *summary)
{
    struct rows *rows = context;
    rows_fixed(rows, summary->entry, QUIRE_ENTRY_SIZE);
    rows_u8(rows,
        (uint8_t)(summary->has_date | summary->has_mood << 1 | summary->deleted << 2
            | summary->unsealed << 3));
    rows_u64(rows, (uint64_t)summary->date);
    rows_u64(rows, (uint64_t)summary->mood);
    rows_u64(rows, (uint64_t)summary->changed_wall_ms);
    rows_u64(rows, summary->text_length);
    rows_bytes(rows, summary->title);
    rows_bytes(rows, summary->snippet);
    return !rows->failed;
}

int quire_wasm_device_entries(struct quire_device *device, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    enum quire_status status = quire_device_each_entry(device, entry_onto, &rows);
    return (int)rows_end(&rows, status);
}

static bool device_onto(void *context, const struct quire_device_info *info)
{
    struct rows *rows = context;
    rows_fixed(rows, info->device, QUIRE_DEVICE_SIZE);
    rows_u8(rows, (uint8_t)(info->self | info->active << 1));
    rows_u64(rows, info->batches);
    rows_u64(rows, (uint64_t)info->last_heard_ms);
    rows_bytes(rows, info->name);
    return !rows->failed;
}

int quire_wasm_device_devices(struct quire_device *device, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    enum quire_status status = quire_device_each_device(device, device_onto, &rows);
    return (int)rows_end(&rows, status);
}

static bool rejection_onto(void *context, const struct quire_rejection *rejection)
{
    struct rows *rows = context;
    rows_fixed(rows, rejection->replica, QUIRE_REPLICA_SIZE);
    rows_u64(rows, rejection->seq);
    rows_u32(rows, rejection->code);
    rows_bytes(rows, quire_bytes_of_text(rejection->name));
    return !rows->failed;
}

int quire_wasm_device_rejections(const struct quire_device *device, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    quire_device_each_rejection(device, rejection_onto, &rows);
    return (int)rows_end(&rows, QUIRE_OK);
}

int quire_wasm_device_state(struct quire_device *device, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    struct quire_device_state state;
    quire_device_state(device, &state);
    rows_fixed(&rows, state.user, QUIRE_USER_SIZE);
    rows_fixed(&rows, state.device, QUIRE_DEVICE_SIZE);
    rows_u8(&rows,
        (uint8_t)(state.joined | state.revoked << 1 | state.connected << 2 | state.caught_up << 3));
    rows_u32(&rows, state.epoch);
    rows_u32(&rows, state.roster_count);
    rows_u32(&rows, state.lost_op_count);
    rows_u64(&rows, state.batch_count);
    rows_u64(&rows, state.chain_count);
    rows_u64(&rows, state.unsealed_count);
    rows_u64(&rows, state.unacknowledged_count);
    rows_u64(&rows, state.not_on_server_count);
    rows_u64(&rows, state.unread_count);
    rows_u64(&rows, (uint64_t)state.caught_up_ms);
    rows_u32(&rows, state.presence);
    rows_bytes(&rows, quire_bytes_of_text(state.words));
    for (size_t i = 1; i < QUIRE_ALARM_COUNT; i++) {
        rows_u64(&rows, state.alarms[i]);
    }
    return (int)rows_end(&rows, QUIRE_OK);
}

const char *quire_wasm_alarm_text(uint32_t alarm)
{
    return quire_alarm_text(alarm);
}

const char *quire_wasm_error_text(uint32_t code)
{
    return quire_error_text(code);
}
