/*
 * Taking steps back, and making them again: ordinary edits, from what the steps say. Registers, sets and the
 * delete are here, text is in undo_text.c.
 */
#include "crdt/undo.h"
#include <stdlib.h>

/* ---- registers, sets, delete --------------------------------------------------------------- */

/** Marks a dot as going or not. False: the cell does not hold it. */
static bool mark(struct qr_dot **dots, size_t count, uint64_t id, bool goes)
{
    size_t i = 0;
    while (i < count && dots[i]->id != id) {
        i++;
    }
    if (i < count) {
        dots[i]->goes = goes;
    }
    return i < count;
}

/** One write to a cell: what it put goes, if all of that is there still, and what it overwrote comes
 * back; others' values stay. A write that put nothing is only taken back where no write came since. */
static enum quire_status replay_cell(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct qr_step *step, size_t start)
{
    struct quire_document *document = undo->document;
    const struct qr_change *change = &step->changes[start];
    struct qr_cell cell = {.field = change->field,
        .some = true,
        .name = {qr_change_bytes(step, change), change->name_size}};
    size_t first;
    size_t strangers = qr_cells_find(&document->cells, cell.field, cell.name, &first);
    size_t here = strangers;
    size_t ours = 0;
    size_t put_count = 0;
    bool wanted = true;
    struct qr_put *puts = calloc(step->count - start, sizeof *puts);
    enum quire_status status =
        puts == NULL ? QUIRE_ENOMEM : qr_undo_reserve_moves(undo, step->count - start);
    for (size_t i = first; i < first + here; i++) {
        document->cells.dots[i]->goes = false;
    }
    for (size_t i = step->count; status == QUIRE_OK && i > start;
         i--) { /* the last is shown first */
        change = &step->changes[i - 1];
        if (change->kind == QR_CHANGE_REMOVED) {
            puts[put_count++] = (struct qr_put){.field = cell.field,
                .name = cell.name,
                .number = change->number,
                .wall_ms = change->wall_ms};
            if (change->size > change->name_size) {
                puts[put_count - 1].text =
                    (struct quire_bytes){qr_change_bytes(step, change) + change->name_size,
                        change->size - change->name_size};
            }
        } else if (change->kind != QR_CHANGE_LOST) {
            bool is_ours = change->kind == QR_CHANGE_PUT;
            bool stands = mark(document->cells.dots + first, here,
                qr_undo_id(undo, qr_undo_moved(undo, change->id)), is_ours);
#ifndef QR_FAILPOINT_NOT_BESIDE
            strangers -= stands;
#endif
            ours += is_ours;
            wanted = wanted && (stands || !is_ours);
        }
    }
    if (status == QUIRE_OK && wanted && (ours > 0 || (put_count > 0 && strangers == 0))) {
        status = qr_edit_overwrite(document, stamp, &cell, puts, put_count);
        for (size_t i = start; status == QUIRE_OK && i < step->count; i++) {
            if (step->changes[i].kind == QR_CHANGE_REMOVED) {
                qr_undo_move(undo, step->changes[i].id, qr_undo_own_id(undo, puts[--put_count].id));
            }
        }
    }
    free(puts);
    return status;
}

/** An edit that leaves nothing but its counter: what no delete has seen brings an entry back. */
static enum quire_status revive(struct quire_undo *undo, const struct quire_stamp *stamp)
{
    struct quire_document *document = undo->document;
    if (!quire_document_deleted(document)) {
        return QUIRE_OK;
    }
    enum quire_status status = qr_edit_begin(document, stamp, 1, 0);
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, 1, 0);
    }
    if (status == QUIRE_OK) {
        qr_edit_tick(document, stamp, 1);
        qr_undo_deleted(document, true);
    }
    return status;
}

/* ---- steps -------------------------------------------------------------------------------- */

/** Takes back the last changes of a step that are of one sort, all or nothing; says how many. */
static enum quire_status replay_block(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct qr_step *step, size_t *out_count)
{
    const struct qr_change *last = &step->changes[step->count - 1];
    bool text = last->kind == QR_CHANGE_INSERTED || last->kind == QR_CHANGE_ERASED;
    size_t first = step->count - 1;
    while (first > 0
        && (text ? step->changes[first - 1].kind == last->kind : step->changes[first].joined)) {
        first--;
    }
    *out_count = step->count - first;
    switch (last->kind) {
    case QR_CHANGE_INSERTED:
        return qr_undo_take_out(undo, stamp, &step->changes[first], *out_count);
    case QR_CHANGE_ERASED: return qr_undo_put_back(undo, stamp, step, first);
    case QR_CHANGE_DELETED: return revive(undo, stamp);
    case QR_CHANGE_REVIVED: return quire_document_delete(undo->document, stamp);
    default: return replay_cell(undo, stamp, step, first);
    }
}

static enum quire_status replay(struct quire_undo *undo, const struct quire_stamp *stamp,
    struct qr_stack *from, struct qr_stack *to)
{
    if (undo->document == NULL) {
        return QUIRE_ESTATE;
    }
    enum quire_status status = qr_document_settle(undo->document);
    if (status != QUIRE_OK) {
        return status;
    }
    while (from->count > 0 && from->steps[from->count - 1].count == 0) {
        qr_undo_pop(undo, from, 0);
    }
    if (from->count == 0) {
        return QUIRE_ENOTFOUND;
    }
    from->open = false;
    to->open = to->open && undo->unfinished == from;
    undo->unfinished = NULL;
    undo->replaying = true;
    undo->target = to;
    for (size_t left = from->count; from->count == left && status == QUIRE_OK;) {
        size_t count;
        status = replay_block(undo, stamp, &from->steps[from->count - 1], &count);
        if (status == QUIRE_OK) {
            qr_undo_pop(undo, from, count);
        }
    }
    undo->replaying = false;
    undo->target = &undo->done;
    undo->overflowed = false;
    if (to->count > 0 && to->steps[to->count - 1].count == 0) {
        qr_undo_pop(undo, to, 0);
    }
    if (status == QUIRE_OK) {
        to->open = false;
        qr_undo_forget_moves(undo);
        qr_undo_trim(undo);
    } else {
        undo->unfinished = from;
    }
    return status;
}

enum quire_status quire_undo_undo(struct quire_undo *undo, const struct quire_stamp *stamp)
{
    return replay(undo, stamp, &undo->done, &undo->undone);
}

enum quire_status quire_undo_redo(struct quire_undo *undo, const struct quire_stamp *stamp)
{
    return replay(undo, stamp, &undo->undone, &undo->done);
}
