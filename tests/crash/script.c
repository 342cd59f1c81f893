#include "script.h"

#include <stdio.h>
#include <stdlib.h>

void script_init(struct script *out_script, uint64_t seed)
{
    static const uint32_t tails[] = {4, 16, 64, 0};
    struct kit_random state = {seed};
    *out_script = (struct script){.seed = seed};
    out_script->users = 1 + (unsigned)(kit_random_next(&state) % SCRIPT_USERS_MAX);
    out_script->tail_max = tails[kit_random_next(&state) % 4];
    out_script->outgrows = kit_random_next(&state) % 5 == 0;
    out_script->sessions = 1 + (unsigned)(kit_random_next(&state) % 3);
    out_script->steps = 8 + (unsigned)(kit_random_next(&state) % 24);
}

struct qr_store_options script_options(const struct script *script, const char *folder)
{
    struct qr_store_options options = {.path = folder,
        .map_size = 1 << 20,
        .map_size_max = SCRIPT_MAP_SIZE_MAX,
        .tail_max = script->tail_max};
    memset(options.log_id, 0x4c, sizeof options.log_id);
    return options;
}

void script_user(unsigned number, uint8_t out_user[QR_USER_SIZE])
{
    memset(out_user, 0x55, QR_USER_SIZE);
    out_user[3] = (uint8_t)number;
}

unsigned script_user_number(const uint8_t user[QR_USER_SIZE])
{
    return user[3];
}

static size_t draw_size(const struct script *script, struct kit_random *state)
{
    uint64_t sort = kit_random_next(state) % 100;
    size_t most = sort < 80 ? 300 : sort < 97 ? 2000 : 9000; /* the last two: pages of their own */
    if (script->outgrows && sort < 40) {
        most = SCRIPT_SIZE_MAX;
    }
    return 1 + (size_t)(kit_random_next(state) % most);
}

struct qr_log_record *script_record(const struct script *script, uint64_t lsn, unsigned attempt)
{
    struct kit_random state = {script->seed ^ (lsn << 16) ^ ((uint64_t)attempt << 56)};
    (void)kit_random_next(&state);
    size_t size = draw_size(script, &state);
    struct qr_log_record *record = calloc(1, sizeof *record + size);
    if (record == NULL) {
        abort();
    }
    uint8_t *bytes = (uint8_t *)(record + 1);
    script_user((unsigned)(kit_random_next(&state) % script->users), record->user);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = kit_random_next(&state);
        memcpy(bytes + at, &word, size - at < 8 ? size - at : 8);
    }
    bytes[0] = (uint8_t)attempt;
    record->bytes = (struct quire_bytes){bytes, size};
    record->entry = (struct qr_log_entry){
        .lsn = lsn, .seq = lsn * 3 + attempt, .size = (uint32_t)size, .kind = QR_LOG_BATCH};
    uint64_t names[QR_HASH_SIZE / 8];
    for (size_t i = 0; i < QR_HASH_SIZE / 8; i++) {
        names[i] = kit_random_next(&state);
    }
    memcpy(record->entry.replica, names, QR_REPLICA_SIZE);
    memcpy(record->entry.device, names, QR_DEVICE_SIZE);
    memcpy(record->entry.hash, names, sizeof names);
    return record;
}
