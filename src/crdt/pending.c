/*
 * Local edits that no delta has taken yet.
 */
#include "crdt/pending.h"
#include "crdt/list.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void qr_pending_finish(struct qr_pending *pending)
{
    free(pending->memory);
    *pending = (struct qr_pending){0};
}

enum quire_status qr_pending_reserve(struct qr_pending *pending, size_t extra)
{
    size_t taken = (size_t)(pending->records - pending->memory);
    size_t needed = pending->count + extra;
    if (taken + needed <= pending->capacity) {
        return QUIRE_OK;
    }
    if (taken > pending->count / 2 && needed <= pending->capacity) {
        memmove(pending->memory, pending->records, pending->count * sizeof *pending->memory);
        pending->records = pending->memory;
        return QUIRE_OK;
    }
    struct qr_pending_record *memory =
        qr_list_grown(pending->memory, taken + needed, &pending->capacity, sizeof *memory);
    if (memory == NULL) {
        return QUIRE_ENOMEM;
    }
    pending->memory = memory;
    pending->records = memory + taken;
    return QUIRE_OK;
}

static uint64_t steps_of(enum qr_pending_kind kind, uint64_t length)
{
    return kind == QR_PENDING_SPAN ? length : 1;
}

static void append(
    struct qr_pending *pending, enum qr_pending_kind kind, uint64_t id, uint64_t length)
{
    struct qr_pending_record *end = pending->records + pending->count++;
    assert(end < pending->memory + pending->capacity);
    *end = (struct qr_pending_record){id, length, (uint8_t)kind};
    pending->steps += steps_of(kind, length);
}

/** Makes a range longer at either end; erasing forwards and backwards are both one range. */
static bool extend(
    struct qr_pending_record *record, enum qr_pending_kind kind, uint64_t id, uint64_t length)
{
    if (record->kind != kind) {
        return false;
    }
    if (record->id + record->length == id) {
        record->length += length;
        return true;
    }
    if (kind == QR_PENDING_ERASE && id + length == record->id) {
        record->id = id;
        record->length += length;
        return true;
    }
    return false;
}

void qr_pending_push(
    struct qr_pending *pending, enum qr_pending_kind kind, uint64_t id, uint64_t length)
{
    struct qr_pending_record *end = pending->records + pending->count;
    bool ranges = kind == QR_PENDING_SPAN || kind == QR_PENDING_ERASE;
    if (ranges && pending->count >= 1 && extend(end - 1, kind, id, length)) {
        pending->steps += kind == QR_PENDING_SPAN ? length : 0;
        return;
    }
    /* Backspace after backspace is ERASE SPAN ERASE SPAN: two records that grow. */
    if (kind == QR_PENDING_ERASE && pending->count >= 2 && end[-1].kind == QR_PENDING_SPAN
        && extend(end - 2, kind, id, length)) {
        return;
    }
    append(pending, kind, id, length);
}

void qr_pending_push_turned(struct qr_pending *pending, uint64_t id, uint64_t length, bool revived)
{
    if (!revived) {
        qr_pending_push(pending, QR_PENDING_ERASE, id, length);
        return;
    }
    while (length > 0) {
        uint64_t here = length < QR_REVIVED_MAX ? length : QR_REVIVED_MAX;
        qr_pending_push(pending, QR_PENDING_REVIVE, id, here);
        id += here;
        length -= here;
    }
}

uint64_t qr_pending_tick(
    struct qr_pending *pending, struct qr_replicas *replicas, uint32_t replica, uint64_t length)
{
    struct qr_replica *own = &replicas->at[replica];
    uint64_t first = own->seen + 1;
    own->seen += length;
    if (own->pending_first == 0) {
        own->pending_first = first;
    }
    /* If others delivered counters of ours meanwhile (a profile that lives twice), the span holds
     * them too: their content is here, and a delta's range has no holes. */
    uint64_t from = own->pending_last >= own->pending_first ? own->pending_last + 1 : first;
    own->pending_last = own->seen;
    qr_pending_push(pending, QR_PENDING_SPAN, qr_id(replica, from), own->seen - from + 1);
    return qr_id(replica, first);
}

bool qr_pending_has(const struct qr_replicas *replicas, uint64_t id)
{
    const struct qr_replica *replica = &replicas->at[qr_id_replica(id)];
    uint64_t counter = qr_id_counter(id);
    return replica->pending_first != 0 && counter >= replica->pending_first
        && counter <= replica->pending_last;
}

bool qr_pending_part(const struct qr_replicas *replicas, uint64_t id, uint64_t *length)
{
    const struct qr_replica *replica = &replicas->at[qr_id_replica(id)];
    uint64_t counter = qr_id_counter(id);
    if (replica->pending_first == 0 || counter > replica->pending_last
        || counter + *length <= replica->pending_first) {
        return false;
    }
    bool pending = counter >= replica->pending_first;
    uint64_t end = pending ? replica->pending_last + 1 : replica->pending_first;
    if (counter + *length > end) {
        *length = end - counter;
    }
    return pending;
}

/** The span that begins with this id, or NULL; found from the end, where it usually is. */
static struct qr_pending_record *span_from(const struct qr_pending *pending, uint64_t id)
{
    for (size_t i = pending->count; i > 0; i--) {
        struct qr_pending_record *record = &pending->records[i - 1];
        if (record->kind == QR_PENDING_SPAN && id - record->id < record->length) {
            return record->id == id ? record : NULL;
        }
    }
    return NULL;
}

size_t qr_pending_inheritance(const struct qr_pending *pending, uint64_t id)
{
    const struct qr_pending_record *span = span_from(pending, id);
    size_t count = 0;
    while (span != NULL && span - count > pending->records
        && span[-1 - (ptrdiff_t)count].kind == QR_PENDING_REMOVE) {
        count++;
    }
    return count;
}

void qr_pending_inherit(struct qr_pending *pending, uint64_t id)
{
    size_t count = qr_pending_inheritance(pending, id);
    if (count == 0) {
        return;
    }
    /* They stand before the span, which moves up; they go to the end, before the next edit's. */
    size_t span = (size_t)(span_from(pending, id) - pending->records);
    size_t first = span - count;
    assert(pending->records + pending->count + count <= pending->memory + pending->capacity);
    memcpy(pending->records + pending->count, pending->records + first,
        count * sizeof *pending->records);
    memmove(pending->records + first, pending->records + span,
        pending->count * sizeof *pending->records - first * sizeof *pending->records);
    /* The span may now follow the one it continues. */
    if (first > 0) {
        struct qr_pending_record *before = &pending->records[first - 1];
        struct qr_pending_record moved = pending->records[first];
        if (extend(before, QR_PENDING_SPAN, moved.id, moved.length)) {
            pending->count--;
            memmove(before + 1, before + 2, (pending->count - first) * sizeof *before);
        }
    }
}

uint64_t qr_pending_boundary(const struct qr_pending *pending, uint64_t steps)
{
    uint64_t passed = 0;
    uint64_t boundary = 0;
    for (size_t i = 0; i < pending->count; i++) {
        const struct qr_pending_record *record = &pending->records[i];
        if (record->kind != QR_PENDING_REMOVE) {
            if (passed >= steps) {
                break;
            }
            passed += steps_of(record->kind, record->length);
            boundary = passed < steps ? passed : steps;
        } else {
            passed++;
        }
    }
    return boundary > 0 ? boundary : steps;
}

void qr_pending_drop(struct qr_pending *pending, struct qr_replicas *replicas, uint64_t steps)
{
    while (pending->count > 0 && steps > 0) {
        struct qr_pending_record *record = pending->records;
        uint64_t here = steps_of(record->kind, record->length);
        uint64_t taken = here < steps ? here : steps;
        if (record->kind == QR_PENDING_SPAN) {
            struct qr_replica *replica = &replicas->at[qr_id_replica(record->id)];
            uint64_t last = qr_id_counter(record->id) + taken - 1;
            if (replica->pending_first != 0 && last >= replica->pending_first) {
                replica->pending_first = last + 1;
            }
            if (replica->pending_first > replica->pending_last) {
                replica->pending_first = replica->pending_last = 0;
            }
        }
        steps -= taken;
        pending->steps -= taken;
        if (taken < here) {
            record->id += taken;
            record->length -= taken;
            break;
        }
        pending->records++;
        pending->count--;
    }
    if (pending->count == 0) {
        assert(pending->steps == 0);
        pending->records = pending->memory;
        pending->content_size = 0;
        pending->wall_ms = INT64_MIN;
    }
}
