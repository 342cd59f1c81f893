/*
 * Local edits of registers and sets, and the delete. Each first makes sure of its memory, then
 * changes the document and the pending list together.
 */
#include "crdt/undo.h"
#include "base/failpoint.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

enum quire_status qr_edit_begin(struct quire_document *document, const struct quire_stamp *stamp,
    uint64_t ticks, size_t records)
{
    uint32_t replica = qr_replicas_find(&document->replicas, stamp->replica);
    if (replica == 0) {
        enum quire_status status = qr_replicas_reserve(&document->replicas, 1);
        if (status != QUIRE_OK) {
            return status;
        }
    } else if (document->replicas.at[replica].seen > QR_COUNTER_MAX - ticks) {
        return QUIRE_ELIMIT;
    }
    return qr_pending_reserve(&document->pending, records + 1);
}

uint64_t qr_edit_tick(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks)
{
    uint32_t replica = qr_replicas_add(&document->replicas, stamp->replica);
    if (stamp->wall_ms > document->wall_ms) {
        document->wall_ms = stamp->wall_ms;
    }
    if (stamp->wall_ms > document->pending.wall_ms) {
        document->pending.wall_ms = stamp->wall_ms;
    }
    return qr_pending_tick(&document->pending, &document->replicas, replica, ticks);
}

static bool is_overwritten(const void *context, const struct qr_dot *dot)
{
    const struct qr_cell *cell = context;
    return dot->field == cell->field && quire_bytes_equal(qr_dot_name(dot), cell->name)
        && (dot->goes || !cell->some);
}

/** Makes sure of the memory for a write to a cell of so many dots, and of an element's place. */
static enum quire_status prepare_write(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_cell *cell, size_t first, size_t count,
    size_t put_count)
{
    bool replaying =
        document->undo != NULL && document->undo->replaying; /* restores what was there */
    if (count == 0 && !replaying && cell->field >= QUIRE_REGISTER_COUNT
        && cell->field < QR_FIELD_UNREAD
        && quire_document_set_count(document, (enum quire_set)(cell->field - QUIRE_REGISTER_COUNT))
            >= QR_WRITTEN_ELEMENTS_MAX) {
        return QUIRE_ELIMIT;
    }
    size_t records = 0;
    size_t bytes = (count + put_count) * cell->name.size;
    for (size_t i = first; i < first + count; i++) {
        const struct qr_dot *dot = document->cells.dots[i];
        if (is_overwritten(cell, dot)) {
            bytes += dot->text_size;
            records += qr_pending_has(&document->replicas, dot->id)
                ? qr_pending_inheritance(&document->pending, dot->id)
                : 1;
        }
    }
    enum quire_status status = qr_edit_begin(document, stamp, put_count + 1, records);
    if (status == QUIRE_OK) {
        status = qr_cells_reserve(&document->cells, put_count);
    }
    return status == QUIRE_OK ? qr_undo_reserve(document, count + put_count, bytes) : status;
}

enum quire_status qr_edit_overwrite(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_cell *cell, struct qr_put *puts,
    size_t put_count)
{
    struct qr_pending *pending = &document->pending;
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    size_t first;
    size_t count = qr_cells_find(&document->cells, cell->field, cell->name, &first);
    status = prepare_write(document, stamp, cell, first, count, put_count);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_dot **added = document->cells.dots + document->cells.count;
    for (size_t i = 0; i < put_count; i++) {
        memcpy(puts[i].replica, stamp->replica, sizeof puts[i].replica);
        added[i] = qr_dot_create(&puts[i]);
        if (added[i] == NULL) {
            while (i > 0) {
                free(added[--i]);
            }
            return QUIRE_ENOMEM;
        }
    }
    for (size_t i = first; i < first + count; i++) {
        const struct qr_dot *old = document->cells.dots[i];
        bool goes = is_overwritten(cell, old);
        qr_undo_wrote(document, goes ? QR_CHANGE_REMOVED : QR_CHANGE_LEFT, old, i > first);
        if (!goes || (QR_FAILPOINT_ON(CLOCK_WINS) && old->wall_ms > stamp->wall_ms)) {
            continue;
        }
        if (qr_pending_has(&document->replicas, old->id)) {
            qr_pending_inherit(pending, old->id);
            qr_pending_forget_content(pending, qr_dot_size(old));
        } else {
            qr_pending_push(pending, QR_PENDING_REMOVE, old->id, 1);
        }
    }
    uint64_t id = qr_edit_tick(document, stamp, put_count > 0 ? put_count : 1);
    for (size_t i = 0; i < put_count; i++) {
        puts[i].id = added[i]->id = id + i;
        pending->content_size += qr_dot_size(added[i]);
        qr_undo_wrote(document, QR_CHANGE_PUT, added[i], count + i > 0);
    }
    qr_cells_change(&document->cells, is_overwritten, cell, added, put_count);
    return QUIRE_OK;
}

enum quire_status quire_document_set_register(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_register field, const struct quire_value *value)
{
    if ((unsigned)field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    struct qr_put put = {.field = (uint8_t)field, .wall_ms = stamp->wall_ms};
    if (field == QUIRE_REGISTER_TITLE) {
        put.text = value->text;
    } else {
        put.number = value->number;
    }
    enum quire_status status = qr_put_check(&put);
    struct qr_cell cell = {.field = put.field};
    return status == QUIRE_OK ? qr_edit_overwrite(document, stamp, &cell, &put, 1) : status;
}

enum quire_status quire_document_clear_register(
    struct quire_document *document, const struct quire_stamp *stamp, enum quire_register field)
{
    if ((unsigned)field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    if (quire_document_register_count(document, field) == 0) {
        return QUIRE_OK;
    }
    struct qr_cell cell = {.field = (uint8_t)field};
    return qr_edit_overwrite(document, stamp, &cell, NULL, 0);
}

enum quire_status quire_document_add_element(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_set set, struct quire_bytes name, int64_t value)
{
    if ((unsigned)set >= QUIRE_SET_COUNT) {
        return QUIRE_EINVALID;
    }
    struct qr_put put = {
        .field = qr_field_of_set(set), .name = name, .number = value, .wall_ms = stamp->wall_ms};
    struct qr_cell cell = {.field = put.field, .name = name};
    enum quire_status status = qr_put_check(&put);
    if (status != QUIRE_OK) {
        return status;
    }
    /* The name may be borrowed from the dot that is about to go. */
    struct qr_dot *copy = qr_dot_create(&put);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    cell.name = qr_dot_name(copy);
    status = qr_edit_overwrite(document, stamp, &cell, &put, 1);
    free(copy);
    return status;
}

enum quire_status quire_document_remove_element(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_set set, struct quire_bytes name)
{
    size_t first;
    if ((unsigned)set >= QUIRE_SET_COUNT) {
        return QUIRE_EINVALID;
    }
    struct qr_put put = {.field = qr_field_of_set(set), .name = name};
    if (qr_cells_find(&document->cells, put.field, name, &first) == 0) {
        return QUIRE_OK;
    }
    struct qr_dot *copy = qr_dot_create(&put);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    struct qr_cell cell = {.field = put.field, .name = qr_dot_name(copy)};
    enum quire_status status = qr_edit_overwrite(document, stamp, &cell, NULL, 0);
    free(copy);
    return status;
}

enum quire_status quire_document_set_journal(
    struct quire_document *document, const struct quire_stamp *stamp, struct quire_bytes name)
{
    size_t first, points;
    struct qr_put put = {.field = QR_FIELD_JOURNAL, .text = name, .wall_ms = stamp->wall_ms};
    struct qr_cell cell = {.field = QR_FIELD_JOURNAL};
    if (name.size > QUIRE_JOURNAL_MAX) {
        return QUIRE_ELIMIT;
    }
    if (!qr_utf8_count(name, &points)) {
        return QUIRE_EINVALID;
    }
    if (name.size == 0) {
        return qr_cells_find(&document->cells, QR_FIELD_JOURNAL, name, &first) == 0
            ? QUIRE_OK
            : qr_edit_overwrite(document, stamp, &cell, NULL, 0);
    }
    return qr_edit_overwrite(document, stamp, &cell, &put, 1);
}

enum quire_status quire_document_delete(
    struct quire_document *document, const struct quire_stamp *stamp)
{
    enum quire_status status = qr_document_settle(document);
    if (status == QUIRE_OK) {
        status = qr_edit_begin(document, stamp, 1, document->replicas.count + 1);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, 1, 0);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    qr_edit_tick(document, stamp, 1);
    for (uint32_t number = 1; number <= document->replicas.count; number++) {
        struct qr_replica *replica = &document->replicas.at[number];
        replica->deleted = replica->seen;
        qr_pending_push(&document->pending, QR_PENDING_DELETED, qr_id(number, replica->seen), 1);
    }
    qr_undo_deleted(document, false);
    return QUIRE_OK;
}
