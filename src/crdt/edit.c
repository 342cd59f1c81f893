/*
 * Local edits of registers and sets, and the delete. Each first makes sure of its memory, then
 * changes the document and the pending list together.
 */
#include "crdt/undo.h"
#include "base/plant.h"
#include <stdlib.h>
#include <string.h>

enum quire_status qr_edit_begin(struct quire_document *document, const struct quire_stamp *stamp,
    uint64_t ticks, size_t records)
{
    uint32_t session = qr_sessions_find(&document->sessions, stamp->session);
    if (session == 0) {
        enum quire_status status = qr_sessions_reserve(&document->sessions, 1);
        if (status != QUIRE_OK) {
            return status;
        }
    } else if (document->sessions.at[session].seen > QR_COUNTER_MAX - ticks) {
        return QUIRE_ELIMIT;
    }
    return qr_pending_reserve(&document->pending, records + 1);
}

uint64_t qr_edit_tick(struct quire_document *document, const struct quire_stamp *stamp,
    uint64_t ticks)
{
    uint32_t session = qr_sessions_add(&document->sessions, stamp->session);
    if (stamp->wall_ms > document->wall_ms) {
        document->wall_ms = stamp->wall_ms;
    }
    if (stamp->wall_ms > document->pending.wall_ms) {
        document->pending.wall_ms = stamp->wall_ms;
    }
    return qr_pending_tick(&document->pending, &document->sessions, session, ticks);
}

static void forget_content(struct qr_pending *pending, size_t size)
{
    pending->content_size -= size < pending->content_size ? size : pending->content_size;
}

static bool is_in_cell(const void *context, const struct qr_dot *dot)
{
    const struct qr_cell *cell = context;
    return dot->field == cell->field && quire_bytes_equal(qr_dot_name(dot), cell->name)
        && (cell->only == QR_ID_NONE || dot->id == cell->only);
}

enum quire_status qr_edit_overwrite(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_cell *cell, struct qr_put *put)
{
    struct qr_pending *pending = &document->pending;
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    size_t first;
    size_t count = qr_cells_find(&document->cells, cell->field, cell->name, &first);
    const struct qr_dot *before = NULL;
    size_t records = 0;
    for (size_t i = first; i < first + count; i++) {
        uint64_t id = document->cells.dots[i]->id;
        if (!is_in_cell(cell, document->cells.dots[i])) {
            continue;
        }
        before = before == NULL ? document->cells.dots[i] : before;
        records += qr_pending_has(&document->sessions, id) ? qr_pending_inheritance(pending, id)
                                                           : 1;
    }
    status = qr_edit_begin(document, stamp, 1, records);
    if (status == QUIRE_OK) {
        status = qr_cells_reserve(&document->cells, put == NULL ? 0 : 1);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, 1,
            cell->name.size + (before == NULL ? 0 : before->text_size));
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_dot *dot = NULL;
    if (put != NULL) {
        memcpy(put->session, stamp->session, sizeof put->session);
        put->wall_ms = stamp->wall_ms;
        dot = qr_dot_create(put);
        if (dot == NULL) {
            return QUIRE_ENOMEM;
        }
    }
    for (size_t i = first; i < first + count; i++) {
        const struct qr_dot *old = document->cells.dots[i];
        if (!is_in_cell(cell, old) || (QR_PLANTED(CLOCK_WINS) && old->wall_ms > stamp->wall_ms)) {
            continue;
        }
        if (qr_pending_has(&document->sessions, old->id)) {
            qr_pending_inherit(pending, old->id);
            forget_content(pending, qr_dot_size(old));
        } else {
            qr_pending_push(pending, QR_PENDING_REMOVE, old->id, 1);
        }
    }
    uint64_t id = qr_edit_tick(document, stamp, 1);
    if (dot != NULL) {
        dot->id = id;
        pending->content_size += qr_dot_size(dot);
    }
    qr_undo_wrote(document, dot, before);
    qr_cells_change(&document->cells, is_in_cell, cell, &dot, dot == NULL ? 0 : 1);
    return QUIRE_OK;
}

enum quire_status quire_document_set_register(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_register field, const struct quire_value *value)
{
    if ((unsigned)field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    struct qr_put put = {.field = (uint8_t)field};
    if (field == QUIRE_REGISTER_TITLE) {
        put.text = value->text;
    } else {
        put.number = value->number;
    }
    enum quire_status status = qr_put_check(&put);
    struct qr_cell cell = {.field = put.field};
    return status == QUIRE_OK ? qr_edit_overwrite(document, stamp, &cell, &put) : status;
}

enum quire_status quire_document_clear_register(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_register field)
{
    if ((unsigned)field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    if (quire_document_register_count(document, field) == 0) {
        return QUIRE_OK;
    }
    struct qr_cell cell = {.field = (uint8_t)field};
    return qr_edit_overwrite(document, stamp, &cell, NULL);
}

enum quire_status quire_document_add_element(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_set set, struct quire_bytes name, int64_t value)
{
    if ((unsigned)set >= QUIRE_SET_COUNT) {
        return QUIRE_EINVALID;
    }
    struct qr_put put = {.field = qr_field_of_set(set), .name = name, .number = value};
    enum quire_status status = qr_put_check(&put);
    if (status != QUIRE_OK) {
        return status;
    }
    size_t first;
    if (qr_cells_find(&document->cells, put.field, name, &first) == 0
        && quire_document_set_count(document, set) >= QUIRE_ELEMENTS_MAX) {
        return QUIRE_ELIMIT;
    }
    /* The name may be borrowed from the dot that is about to go. */
    struct qr_dot *copy = qr_dot_create(&put);
    if (copy == NULL) {
        return QUIRE_ENOMEM;
    }
    struct qr_cell cell = {.field = put.field, .name = qr_dot_name(copy)};
    status = qr_edit_overwrite(document, stamp, &cell, &put);
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
    enum quire_status status = qr_edit_overwrite(document, stamp, &cell, NULL);
    free(copy);
    return status;
}

enum quire_status quire_document_delete(struct quire_document *document,
    const struct quire_stamp *stamp)
{
    enum quire_status status = qr_document_settle(document);
    if (status == QUIRE_OK) {
        status = qr_edit_begin(document, stamp, 1, document->sessions.count + 1);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, 1, 0);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    qr_edit_tick(document, stamp, 1);
    for (uint32_t number = 1; number <= document->sessions.count; number++) {
        struct qr_session *session = &document->sessions.at[number];
        session->deleted = session->seen;
        qr_pending_push(&document->pending, QR_PENDING_DELETED, qr_id(number, session->seen), 1);
    }
    qr_undo_deleted(document, false);
    return QUIRE_OK;
}
