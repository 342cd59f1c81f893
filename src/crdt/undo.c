/*
 * What was done here and may be taken back: the stacks and what is noted on them.
 */
#include "crdt/undo.h"
#include "crdt/list.h"
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
    stack->steps++;
    stack->open = stack->open && stack->count > 0;
}

void qr_undo_trim(struct quire_undo *undo)
{
    while (undo->size > undo->size_max && undo->done.count + undo->undone.count > 0) {
        struct qr_stack *stack = undo->done.count > 0 ? &undo->done : &undo->undone;
        undo->overflowed =
            undo->overflowed || (stack == undo->target && stack->count == 1 && stack->open);
        drop_oldest(undo, stack);
    }
    if (undo->done.count + undo->undone.count == 0) {
        qr_undo_clear_moves(undo);
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
        memcpy(undo->names[++undo->name_count], undo->document->replicas.at[qr_id_replica(id)].name,
            QUIRE_REPLICA_SIZE);
        own = qr_id(undo->name_count, qr_id_counter(id));
    }
    return own;
}

/* ---- room --------------------------------------------------------------------------------- */

/** Room for one more step: behind the last, or where the forgotten ones stood. */
static enum quire_status grow_stack(struct qr_stack *stack)
{
    size_t forgotten = (size_t)(stack->steps - stack->memory);
    if (forgotten + stack->count < stack->capacity) {
        return QUIRE_OK;
    }
    if (forgotten > stack->count / 2) {
        memmove(stack->memory, stack->steps, stack->count * sizeof *stack->steps);
        stack->steps = stack->memory;
        return QUIRE_OK;
    }
    struct qr_step *memory = qr_list_grown(
        stack->memory, forgotten + stack->count + 1, &stack->capacity, sizeof *memory);
    if (memory == NULL) {
        return QUIRE_ENOMEM;
    }
    stack->memory = memory;
    stack->steps = memory + forgotten;
    return QUIRE_OK;
}

static enum quire_status grow_step(
    struct quire_undo *undo, struct qr_step *step, size_t changes, size_t bytes)
{
    undo->size -= step_size(step);
    struct qr_change *list =
        qr_list_grown(step->changes, step->count + changes, &step->capacity, sizeof *list);
    step->changes = list != NULL ? list : step->changes;
    enum quire_status status =
        list != NULL ? quire_buffer_reserve(&step->bytes, bytes) : QUIRE_ENOMEM;
    undo->size += step_size(step);
    return status;
}

enum quire_status qr_undo_reserve(struct quire_document *document, size_t changes, size_t bytes)
{
    struct quire_undo *undo = document->undo;
    if (undo == NULL || (undo->overflowed && !undo->replaying)) {
        return QUIRE_OK;
    }
    if (grow_stack(undo->target) != QUIRE_OK) {
        return QUIRE_ENOMEM;
    }
    size_t replicas = changes < QR_REPLICAS_MAX ? changes : QR_REPLICAS_MAX;
    uint8_t(*names)[QUIRE_REPLICA_SIZE] = qr_list_grown(
        undo->names, undo->name_count + 2 + replicas, &undo->name_capacity, sizeof *names);
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

void qr_undo_erased(struct quire_document *document, uint64_t id, uint32_t length, uint32_t turn,
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
        && last->bytes + last->size == start && last->number == turn) {
        last->length += length;
        last->size += (uint32_t)letters.size;
        return;
    }
    note(undo,
        (struct qr_change){.kind = QR_CHANGE_ERASED,
            .id = own,
            .length = length,
            .number = turn,
            .bytes = start,
            .size = (uint32_t)letters.size});
}

void qr_undo_wrote(struct quire_document *document, enum qr_change_kind kind,
    const struct qr_dot *dot, bool joined)
{
    if (!notes(document)) {
        return;
    }
    struct quire_undo *undo = document->undo;
    struct qr_step *step = open_step(undo);
    struct qr_change change = {.kind = (uint8_t)kind,
        .field = dot->field,
        .joined = joined,
        .length = 1,
        .id = add_id(undo, dot->id),
        .number = dot->number,
        .wall_ms = dot->wall_ms,
        .name_size = dot->name_size,
        .bytes = step->bytes.size,
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

static void lose(const struct qr_stack *stack, uint64_t own)
{
    for (size_t i = 0; i < stack->count; i++) {
        const struct qr_step *step = &stack->steps[i];
        for (size_t j = 0; j < step->count; j++) {
            if (step->changes[j].kind == QR_CHANGE_REMOVED && step->changes[j].id == own) {
                step->changes[j].kind = QR_CHANGE_LOST;
            }
        }
    }
}

void qr_undo_removed_elsewhere(struct quire_document *document, uint64_t id)
{
    struct quire_undo *undo = document->undo;
    uint64_t own = undo == NULL ? QR_ID_NONE : qr_undo_own_id(undo, id);
#ifdef QR_FAILPOINT_BACK_FROM_THE_DEAD
    own = QR_ID_NONE;
#endif
    if (own != QR_ID_NONE) {
        lose(&undo->done, own);
        lose(&undo->undone, own);
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
    free(undo->done.memory);
    free(undo->undone.memory);
    free(undo->moves.slots);
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
    enum quire_status status =
        has_strokes(undo->document) ? qr_document_settle(undo->document) : QUIRE_OK;
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
    enum quire_status status =
        has_strokes(undo->document) ? qr_document_settle(undo->document) : QUIRE_OK;
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
    return has_strokes(undo->document) ? 0
                                       : undo->undone.count - (has_empty(&undo->undone) ? 1 : 0);
}
