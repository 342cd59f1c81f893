/*
 * What was done here and may be taken back: the stacks and what is noted on them.
 */
#include "crdt/undo.h"
#include "crdt/list.h"
#include "crdt/utf8.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- stacks ------------------------------------------------------------------------------- */

static size_t step_size(const struct qr_step *step)
{
    return step->capacity * sizeof *step->changes + step->bytes.capacity;
}

static void finish_step(struct quire_undo *undo, struct qr_step *step)
{
    undo->size -= step_size(step);
    free(step->changes);
    quire_buffer_finish(&step->bytes);
}

static void clear(struct quire_undo *undo, struct qr_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        finish_step(undo, &stack->steps[i]);
    }
    stack->count = 0;
    stack->open = false;
}

static void drop_oldest(struct quire_undo *undo, struct qr_stack *stack)
{
    finish_step(undo, &stack->steps[0]);
    stack->count--;
    memmove(stack->steps, stack->steps + 1, stack->count * sizeof *stack->steps);
    stack->open = stack->open && stack->count > 0;
}

void qr_undo_trim(struct quire_undo *undo)
{
    while (undo->size > undo->size_max && undo->done.count + undo->undone.count > 0) {
        struct qr_stack *stack = undo->done.count > 0 ? &undo->done : &undo->undone;
        undo->overflowed = undo->overflowed || (stack == undo->target && stack->count == 1 && stack->open);
        drop_oldest(undo, stack);
    }
    if (undo->done.count + undo->undone.count == 0) {
        undo->size -= undo->move_count * sizeof *undo->moves;
        undo->move_count = 0;
    }
}

void qr_undo_pop(struct quire_undo *undo, struct qr_stack *stack, size_t changes)
{
    struct qr_step *step = &stack->steps[stack->count - 1];
    assert(changes <= step->count);
    step->count -= changes;
    if (step->count == 0) {
        finish_step(undo, step);
        stack->count--;
        stack->open = false;
    }
}

/** The step that takes the next change. Room was reserved. */
static struct qr_step *open_step(struct quire_undo *undo)
{
    struct qr_stack *stack = undo->target;
    if (!stack->open) {
        assert(stack->count < stack->capacity);
        stack->steps[stack->count++] = (struct qr_step){0};
        stack->open = true;
    }
    return &stack->steps[stack->count - 1];
}

/* ---- ids ---------------------------------------------------------------------------------- */

uint64_t qr_undo_id(const struct quire_undo *undo, uint64_t own)
{
    uint32_t number = qr_replicas_find(&undo->document->replicas, undo->names[qr_id_replica(own)]);
    bool seen = number != 0 && qr_id_counter(own) <= undo->document->replicas.at[number].seen;
    return seen ? qr_id(number, qr_id_counter(own)) : QR_ID_NONE;
}

/** The undo's number of a replica, or 0. The latest are asked for most. */
static uint32_t find_name(const struct quire_undo *undo, const uint8_t *name)
{
    uint32_t number = undo->name_count;
    while (number > 0 && memcmp(undo->names[number], name, QUIRE_REPLICA_SIZE) != 0) {
        number--;
    }
    return number;
}

uint64_t qr_undo_own_id(const struct quire_undo *undo, uint64_t id)
{
    uint32_t number = find_name(undo, undo->document->replicas.at[qr_id_replica(id)].name);
    return number == 0 ? QR_ID_NONE : qr_id(number, qr_id_counter(id));
}

/** The same, of a replica that may be new here. Room was reserved. */
static uint64_t add_id(struct quire_undo *undo, uint64_t id)
{
    uint64_t own = qr_undo_own_id(undo, id);
    if (own == QR_ID_NONE) {
        assert(undo->name_count + 1 < undo->name_capacity);
        memcpy(undo->names[++undo->name_count],
            undo->document->replicas.at[qr_id_replica(id)].name, QUIRE_REPLICA_SIZE);
        own = qr_id(undo->name_count, qr_id_counter(id));
    }
    return own;
}

uint64_t qr_undo_moved(const struct quire_undo *undo, uint64_t own, uint64_t *length)
{
    /* A move only leads to ids that did not exist when older moves were made, so one pass is all. */
    for (size_t i = 0; i < undo->move_count; i++) {
        const struct qr_move *move = &undo->moves[i];
        if (own >= move->from && own - move->from < move->length) {
            uint64_t rest = move->length - (own - move->from);
            *length = *length < rest ? *length : rest;
            own = move->to + (own - move->from);
        } else if (own < move->from && move->from - own < *length) {
            *length = move->from - own;
        }
    }
    return own;
}

void qr_undo_move(struct quire_undo *undo, uint64_t from, uint64_t to, uint64_t length)
{
    for (size_t i = 0; i < undo->move_count; i++) {
        struct qr_move *move = &undo->moves[i];
        if (move->to == from && move->length == length) {
            move->to = to; /* so that `from` may be forgotten once no step names it */
        }
    }
#ifdef QR_FAILPOINT_FORGETS_MOVES
    return;
#endif
    assert(undo->move_count < undo->move_capacity);
    undo->moves[undo->move_count++] = (struct qr_move){from, to, length};
    undo->size += sizeof *undo->moves;
}

static bool names(const struct qr_stack *stack, const struct qr_move *move)
{
    for (size_t i = 0; i < stack->count; i++) {
        for (size_t j = 0; j < stack->steps[i].count; j++) {
            const struct qr_change *change = &stack->steps[i].changes[j];
            bool in_text = change->kind == QR_CHANGE_INSERTED
                && change->id < move->from + move->length && move->from < change->id + change->length;
            bool in_cell = change->kind >= QR_CHANGE_PUT && change->id == move->from;
            if (in_text || in_cell) {
                return true;
            }
        }
    }
    return false;
}

void qr_undo_forget_moves(struct quire_undo *undo)
{
    if (undo->move_count < undo->moves_kept) {
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < undo->move_count; i++) {
        bool reached = false; /* by way of another move */
        for (size_t j = 0; j < i && !reached; j++) {
            reached = undo->moves[j].to < undo->moves[i].from + undo->moves[i].length
                && undo->moves[i].from < undo->moves[j].to + undo->moves[j].length;
        }
        if (reached || names(&undo->done, &undo->moves[i]) || names(&undo->undone, &undo->moves[i])) {
            undo->moves[count++] = undo->moves[i];
        }
    }
    undo->size -= (undo->move_count - count) * sizeof *undo->moves;
    undo->move_count = count;
    undo->moves_kept = 2 * count + 64;
}

/* ---- room --------------------------------------------------------------------------------- */

enum quire_status qr_undo_reserve_moves(struct quire_undo *undo, size_t extra)
{
    struct qr_move *moves = qr_list_grown(undo->moves, undo->move_count + extra, &undo->move_capacity,
        sizeof *moves);
    if (moves == NULL) {
        return QUIRE_ENOMEM;
    }
    undo->moves = moves;
    return QUIRE_OK;
}

static enum quire_status grow_step(struct quire_undo *undo, struct qr_step *step, size_t changes,
    size_t bytes)
{
    undo->size -= step_size(step);
    struct qr_change *list = qr_list_grown(step->changes, step->count + changes, &step->capacity, sizeof *list);
    step->changes = list != NULL ? list : step->changes;
    enum quire_status status = list != NULL ? quire_buffer_reserve(&step->bytes, bytes) : QUIRE_ENOMEM;
    undo->size += step_size(step);
    return status;
}

enum quire_status qr_undo_reserve(struct quire_document *document, size_t changes, size_t bytes)
{
    struct quire_undo *undo = document->undo;
    if (undo == NULL || (undo->overflowed && !undo->replaying)) {
        return QUIRE_OK;
    }
    struct qr_stack *stack = undo->target;
    struct qr_step *steps = qr_list_grown(stack->steps, stack->count + 1, &stack->capacity, sizeof *steps);
    if (steps == NULL) {
        return QUIRE_ENOMEM;
    }
    stack->steps = steps;
    size_t replicas = changes < QR_REPLICAS_MAX ? changes : QR_REPLICAS_MAX;
    uint8_t (*names)[QUIRE_REPLICA_SIZE] = qr_list_grown(undo->names, undo->name_count + 2 + replicas,
        &undo->name_capacity, sizeof *names);
    if (names == NULL) {
        return QUIRE_ENOMEM;
    }
    undo->names = names;
    return grow_step(undo, open_step(undo), changes, bytes);
}

/* ---- noting ------------------------------------------------------------------------------- */

/** Whether changes are noted. A new edit takes what was undone off the table. */
static bool notes(const struct quire_document *document)
{
    struct quire_undo *undo = document->undo;
    if (undo == NULL) {
        return false;
    }
    if (undo->replaying) {
        return true;
    }
    clear(undo, &undo->undone);
    undo->unfinished = NULL;
    return !undo->overflowed;
}

static void put_bytes(struct qr_step *step, const uint8_t *data, size_t size)
{
    assert(size <= step->bytes.capacity - step->bytes.size);
    if (size > 0) {
        memcpy(step->bytes.data + step->bytes.size, data, size);
        step->bytes.size += size;
    }
}

static void note(struct quire_undo *undo, struct qr_change change)
{
    struct qr_step *step = open_step(undo);
    assert(step->count < step->capacity);
    step->changes[step->count++] = change;
    if (!undo->replaying) {
        qr_undo_trim(undo);
    }
}

void qr_undo_inserted(struct quire_document *document, uint64_t id, uint32_t length)
{
    if (!notes(document)) {
        return;
    }
    struct quire_undo *undo = document->undo;
    struct qr_step *step = open_step(undo);
    uint64_t own = add_id(undo, id);
    struct qr_change *last = step->count > 0 ? &step->changes[step->count - 1] : NULL;
    if (last != NULL && last->kind == QR_CHANGE_INSERTED && last->id + last->length == own
        && last->length <= UINT32_MAX - length) {
        last->length += length;
        return;
    }
    note(undo, (struct qr_change){.kind = QR_CHANGE_INSERTED, .id = own, .length = length});
}

void qr_undo_erased(struct quire_document *document, uint64_t id, uint32_t length,
    struct quire_bytes letters)
{
    if (!notes(document) || letters.size == 0) {
        return;
    }
    struct quire_undo *undo = document->undo;
    struct qr_step *step = open_step(undo);
    uint64_t own = add_id(undo, id);
    struct qr_change *last = step->count > 0 ? &step->changes[step->count - 1] : NULL;
    size_t start = step->bytes.size;
    put_bytes(step, letters.data, letters.size);
    if (last != NULL && last->kind == QR_CHANGE_ERASED && last->id + last->length == own
        && last->bytes + last->size == start) {
        last->length += length;
        last->size += (uint32_t)letters.size;
        return;
    }
    note(undo, (struct qr_change){.kind = QR_CHANGE_ERASED, .id = own, .length = length,
        .bytes = start, .size = (uint32_t)letters.size});
}

void qr_undo_wrote(struct quire_document *document, enum qr_change_kind kind,
    const struct qr_dot *dot, bool joined)
{
    if (!notes(document)) {
        return;
    }
    struct quire_undo *undo = document->undo;
    struct qr_step *step = open_step(undo);
    struct qr_change change = {.kind = (uint8_t)kind, .field = dot->field, .joined = joined,
        .length = 1, .id = add_id(undo, dot->id), .number = dot->number, .wall_ms = dot->wall_ms,
        .name_size = dot->name_size, .bytes = step->bytes.size,
        .size = dot->name_size + (kind == QR_CHANGE_REMOVED ? dot->text_size : 0)};
    put_bytes(step, dot->bytes, change.size);
    note(undo, change);
}

void qr_undo_deleted(struct quire_document *document, bool revived)
{
    if (notes(document)) {
        note(document->undo,
            (struct qr_change){.kind = revived ? QR_CHANGE_REVIVED : QR_CHANGE_DELETED});
    }
}

/** Takes a range out of an erasure: its head stays, its tail follows as another change. What cannot be
 * kept for want of memory is not brought back. */
static void cut(struct quire_undo *undo, struct qr_step *step, size_t index, uint64_t id, uint64_t end)
{
    struct qr_change *head = &step->changes[index];
    struct qr_change tail = *head;
    const uint8_t *letters = step->bytes.data + head->bytes;
    uint32_t skipped = end < head->id + head->length ? (uint32_t)(end - head->id) : head->length;
    uint32_t skipped_size = (uint32_t)qr_utf8_size(letters, skipped);
    head->length = id > head->id ? (uint32_t)(id - head->id) : 0;
    head->size = (uint32_t)qr_utf8_size(letters, head->length);
    tail.id += skipped;
    tail.length -= skipped;
    tail.size -= skipped_size;
    tail.bytes += skipped_size;
    if (tail.length > 0 && grow_step(undo, step, 1, 0) == QUIRE_OK) {
        memmove(&step->changes[index + 2], &step->changes[index + 1],
            (step->count - index - 1) * sizeof tail);
        step->changes[index + 1] = tail;
        step->count++;
    }
}

static void cut_stack(struct quire_undo *undo, const struct qr_stack *stack, uint64_t id, uint64_t end)
{
    for (size_t i = 0; i < stack->count; i++) {
        struct qr_step *step = &stack->steps[i];
        for (size_t j = step->count; j > 0; j--) {
            struct qr_change *change = &step->changes[j - 1];
            if (end <= change->id || id >= change->id + change->length) {
                continue;
            }
            if (change->kind == QR_CHANGE_ERASED) {
                cut(undo, step, j - 1, id, end);
            } else if (change->kind == QR_CHANGE_REMOVED) {
                change->kind = QR_CHANGE_LOST;
            }
        }
    }
}

void qr_undo_gone_elsewhere(struct quire_document *document, uint64_t id, uint64_t length)
{
    struct quire_undo *undo = document->undo;
    uint64_t own = undo == NULL ? QR_ID_NONE : qr_undo_own_id(undo, id);
#ifdef QR_FAILPOINT_BACK_FROM_THE_DEAD
    own = QR_ID_NONE;
#endif
    if (own != QR_ID_NONE) {
        cut_stack(undo, &undo->done, own, own + length);
        cut_stack(undo, &undo->undone, own, own + length);
        qr_undo_trim(undo);
    }
}

/* ---- life --------------------------------------------------------------------------------- */

enum quire_status quire_undo_create(size_t size_max, struct quire_undo **out_undo)
{
    struct quire_undo *undo = calloc(1, sizeof *undo);
    if (undo == NULL) {
        return QUIRE_ENOMEM;
    }
    undo->size_max = size_max;
    undo->target = &undo->done;
    *out_undo = undo;
    return QUIRE_OK;
}

void quire_undo_destroy(struct quire_undo *undo)
{
    if (undo == NULL) {
        return;
    }
    if (undo->document != NULL) {
        undo->document->undo = NULL;
    }
    clear(undo, &undo->done);
    clear(undo, &undo->undone);
    free(undo->done.steps);
    free(undo->undone.steps);
    free(undo->moves);
    free(undo->names);
    free(undo);
}

/** An encoded document has none, and is not woken for that. */
static bool has_strokes(const struct quire_document *document)
{
    return document != NULL && document->typing.count > 0;
}

enum quire_status quire_undo_attach(struct quire_undo *undo, struct quire_document *document)
{
    if (document != NULL && document->undo != NULL && document->undo != undo) {
        return QUIRE_ESTATE;
    }
    if (undo->document == document) {
        return QUIRE_OK;
    }
    /* What was typed before belongs to before. */
    enum quire_status status = has_strokes(undo->document) ? qr_document_settle(undo->document) : QUIRE_OK;
    if (status == QUIRE_OK && has_strokes(document)) {
        status = qr_document_settle(document);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    if (undo->document != NULL) {
        undo->document->undo = NULL;
    }
    undo->document = document;
    if (document != NULL) {
        document->undo = undo;
    }
    undo->done.open = false;
    undo->overflowed = false;
    return QUIRE_OK;
}

enum quire_status quire_undo_close_step(struct quire_undo *undo)
{
    enum quire_status status = has_strokes(undo->document) ? qr_document_settle(undo->document) : QUIRE_OK;
    if (status == QUIRE_OK) {
        undo->done.open = false;
        undo->overflowed = false;
    }
    return status;
}

/** Room was made in a step that then took nothing. */
static bool has_empty(const struct qr_stack *stack)
{
    return stack->count > 0 && stack->steps[stack->count - 1].count == 0;
}

size_t quire_undo_count(const struct quire_undo *undo)
{
    bool typed = has_strokes(undo->document) && !undo->overflowed
        && (!undo->done.open || has_empty(&undo->done));
    return undo->done.count - (has_empty(&undo->done) ? 1 : 0) + (typed ? 1 : 0);
}

size_t quire_undo_redo_count(const struct quire_undo *undo)
{
    return has_strokes(undo->document) ? 0 : undo->undone.count - (has_empty(&undo->undone) ? 1 : 0);
}
