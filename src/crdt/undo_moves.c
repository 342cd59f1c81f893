/*
 * Where dots live that were put back: a hash table of ids, so that a step costs the same after ten thousand.
 */
#include "crdt/undo.h"
#include <assert.h>
#include <stdlib.h>

static size_t slot_of(const struct qr_moves *moves, uint64_t from)
{
    size_t slot = (size_t)(from * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (moves->capacity - 1);
    while (moves->slots[slot].from != from && moves->slots[slot].from != QR_ID_NONE) {
        slot = (slot + 1) & (moves->capacity - 1);
    }
    return slot;
}

/** The next id of a chain, or QR_ID_NONE. */
static uint64_t next_of(const struct qr_moves *moves, uint64_t id)
{
    return moves->count == 0 ? QR_ID_NONE : moves->slots[slot_of(moves, id)].to;
}

static void put(struct qr_moves *moves, uint64_t from, uint64_t to)
{
    assert(2 * moves->count < moves->capacity);
    struct qr_move *slot = &moves->slots[slot_of(moves, from)];
    moves->count += slot->from == QR_ID_NONE ? 1 : 0;
    *slot = (struct qr_move){from, to};
}

uint64_t qr_undo_moved(struct quire_undo *undo, uint64_t own)
{
    struct qr_moves *moves = &undo->moves;
    uint64_t last = own;
    for (uint64_t next; (next = next_of(moves, last)) != QR_ID_NONE;) {
        last = next;
    }
    for (uint64_t at = own; at != last;) { /* the next time the way is short */
        struct qr_move *move = &moves->slots[slot_of(moves, at)];
        at = move->to;
        move->to = last;
    }
    return last;
}

void qr_undo_move(struct quire_undo *undo, uint64_t from, uint64_t to)
{
#ifdef QR_FAILPOINT_FORGETS_MOVES /* a deliberate bug, which tests/graphs must find */
    return;
#endif
    size_t before = undo->moves.count;
    put(&undo->moves, from, to);
    undo->size += (undo->moves.count - before) * sizeof(struct qr_move);
}

/** Moves all into a table of `capacity` slots. */
static enum quire_status resize(struct quire_undo *undo, size_t capacity)
{
    struct qr_moves old = undo->moves;
    struct qr_move *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return QUIRE_ENOMEM;
    }
    undo->moves = (struct qr_moves){.slots = slots, .capacity = capacity, .kept = old.kept};
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].from != QR_ID_NONE) {
            put(&undo->moves, old.slots[i].from, old.slots[i].to);
        }
    }
    free(old.slots);
    return QUIRE_OK;
}

enum quire_status qr_undo_reserve_moves(struct quire_undo *undo, size_t extra)
{
    size_t capacity = undo->moves.capacity < 16 ? 16 : undo->moves.capacity;
    while (2 * (undo->moves.count + extra) >= capacity) {
        capacity *= 2;
    }
    return capacity == undo->moves.capacity ? QUIRE_OK : resize(undo, capacity);
}

static void keep_named(
    struct quire_undo *undo, const struct qr_moves *old, const struct qr_stack *stack)
{
    for (size_t i = 0; i < stack->count; i++) {
        for (size_t j = 0; j < stack->steps[i].count; j++) {
            const struct qr_change *change = &stack->steps[i].changes[j];
            uint64_t to = change->kind < QR_CHANGE_PUT ? QR_ID_NONE : next_of(old, change->id);
            for (uint64_t next; to != QR_ID_NONE && (next = next_of(old, to)) != QR_ID_NONE;) {
                to = next;
            }
            if (to != QR_ID_NONE) {
                put(&undo->moves, change->id, to);
            }
        }
    }
}

void qr_undo_forget_moves(struct quire_undo *undo)
{
    struct qr_moves old = undo->moves;
    if (old.count < old.kept + 64) {
        return;
    }
    struct qr_move *slots = calloc(old.capacity, sizeof *slots);
    if (slots == NULL) {
        return;
    }
    undo->moves = (struct qr_moves){.slots = slots, .capacity = old.capacity};
    keep_named(undo, &old, &undo->done);
    keep_named(undo, &old, &undo->undone);
    undo->moves.kept = 2 * undo->moves.count;
    undo->size -= (old.count - undo->moves.count) * sizeof *slots;
    free(old.slots);
}

void qr_undo_clear_moves(struct quire_undo *undo)
{
    undo->size -= undo->moves.count * sizeof(struct qr_move);
    free(undo->moves.slots);
    undo->moves = (struct qr_moves){0};
}
