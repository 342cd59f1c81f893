#include "kit/log.h"
#include "kit/need.h"
#include <stdlib.h>
#include <string.h>

void kit_log_append(struct kit_log *log, const struct qr_log_record *record)
{
    KIT_NEED(record->entry.lsn == log->count + 1 && record->entry.size == record->bytes.size);
    if (log->count == log->capacity) {
        log->capacity = log->capacity == 0 ? 64 : 2 * log->capacity;
        log->records = realloc(log->records, log->capacity * sizeof *log->records);
        KIT_NEED(log->records != NULL);
    }
    struct kit_log_record *stored = &log->records[log->count++];
    *stored = (struct kit_log_record){.entry = record->entry};
    memcpy(stored->user, record->user, sizeof stored->user);
    KIT_OK(quire_buffer_append(&stored->bytes, record->bytes.data, record->bytes.size));
}

void kit_log_cut(struct kit_log *log, size_t count)
{
    while (log->count > count) {
        quire_buffer_finish(&log->records[--log->count].bytes);
    }
    log->durable = log->durable < count ? log->durable : count;
}

void kit_log_forget(struct kit_log *log, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    for (size_t i = (size_t)lsn - 1; i < log->count; i++) {
        if (memcmp(log->records[i].user, user, QR_USER_SIZE) == 0) {
            log->records[i].entry.lsn = 0;
        }
    }
}

void kit_log_finish(struct kit_log *log)
{
    kit_log_cut(log, 0);
    free(log->records);
    *log = (struct kit_log){0};
}

/* ---- the hub's reader ------------------------------------------------------------------------- */

static enum quire_status some(void *context, const uint8_t user[QR_USER_SIZE], uint64_t first_lsn,
    size_t most, enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    const struct kit_log *log = context;
    enum quire_status status = QUIRE_OK;
    size_t first = first_lsn > 0 ? (size_t)first_lsn - 1 : 0;
    for (size_t i = first; i < log->durable && most > 0 && status == QUIRE_OK; i++) {
        const struct kit_log_record *record = &log->records[i];
        if (record->entry.lsn > 0 && memcmp(record->user, user, QR_USER_SIZE) == 0) {
            status = visit(visit_context, &record->entry);
            most--;
        }
    }
    return status;
}

static enum quire_status each(void *context, const uint8_t user[QR_USER_SIZE],
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    return some(context, user, 0, SIZE_MAX, visit, visit_context);
}

static enum quire_status read_record(void *context, uint64_t lsn, struct quire_bytes *out_bytes)
{
    struct kit_log *log = context;
    log->reads++;
    if (lsn == 0 || lsn > log->durable) {
        return QUIRE_ENOTFOUND;
    }
    if (log->records[lsn - 1].damaged) {
        return QUIRE_ECORRUPT;
    }
    *out_bytes = quire_buffer_bytes(&log->records[lsn - 1].bytes);
    return QUIRE_OK;
}

struct qr_log_reader kit_log_reader(struct kit_log *log)
{
    return (struct qr_log_reader){.context = log, .each = each, .read = read_record, .some = some};
}
