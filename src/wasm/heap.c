/*
 * See heap.h. A piece is named by the offset of what its owner sees, four bytes after its word.
 */
#include "wasm/heap.h"
#include <assert.h>
#include <string.h>

#define UNIT 16u
#define FLAGS (HEAP_FREE | HEAP_BEFORE_FREE)
#define FIT_STEPS 8 /* pieces that are looked at in a bin whose pieces may be too small */

static uint32_t *word_at(const struct heap *heap, uint32_t offset)
{
    return (uint32_t *)(void *)(heap->base + offset);
}

static uint32_t *head_of(const struct heap *heap, uint32_t piece)
{
    return word_at(heap, piece - 4);
}

static uint32_t size_of(const struct heap *heap, uint32_t piece)
{
    return *head_of(heap, piece) & ~FLAGS;
}

static uint32_t bin_of(uint32_t size)
{
    uint32_t units = size / UNIT;
    if (units < 16) {
        return units;
    }
    uint32_t power = 31 - (uint32_t)__builtin_clz(units);
    return 4 * power + (units >> (power - 2) & 3);
}

static void put(struct heap *heap, uint32_t piece, uint32_t size)
{
    uint32_t bin = bin_of(size);
    uint32_t next = heap->bins[bin];
    *head_of(heap, piece) = size | HEAP_FREE; /* what stands before it is in use */
    *head_of(heap, piece + size) |= HEAP_BEFORE_FREE;
    *word_at(heap, piece + size - 8) = size;
    word_at(heap, piece)[0] = next;
    word_at(heap, piece)[1] = 0;
    if (next != 0) {
        word_at(heap, next)[1] = piece;
    }
    heap->bins[bin] = piece;
    heap->filled[bin / 32] |= 1u << bin % 32;
}

static void unlink_piece(struct heap *heap, uint32_t piece)
{
    uint32_t next = word_at(heap, piece)[0];
    uint32_t before = word_at(heap, piece)[1];
    if (next != 0) {
        word_at(heap, next)[1] = before;
    }
    if (before != 0) {
        word_at(heap, before)[0] = next;
        return;
    }
    uint32_t bin = bin_of(size_of(heap, piece));
    heap->bins[bin] = next;
    if (next == 0) {
        heap->filled[bin / 32] &= ~(1u << bin % 32);
    }
}

/** A free piece that is large enough, or 0. */
static uint32_t find(const struct heap *heap, uint32_t size)
{
    uint32_t bin = bin_of(size);
    uint32_t piece = heap->bins[bin];
    for (uint32_t step = 0; piece != 0 && step < FIT_STEPS; step++) {
        if (size_of(heap, piece) >= size) {
            return piece;
        }
        piece = word_at(heap, piece)[0];
    }
    uint32_t later = bin + 1; /* whose pieces are all large enough */
    uint32_t bits = heap->filled[later / 32] >> later % 32 << later % 32;
    for (uint32_t i = later / 32;; bits = heap->filled[i]) {
        if (bits != 0) {
            return heap->bins[32 * i + (uint32_t)__builtin_ctz(bits)];
        }
        if (++i == HEAP_WORDS) {
            return 0;
        }
    }
}

/** Frees `size` bytes from `piece` on, whose word says whether the piece before it is free. */
static void give(struct heap *heap, uint32_t piece, uint32_t size)
{
    uint32_t next = piece + size;
    if (*head_of(heap, next) & HEAP_FREE) {
        unlink_piece(heap, next);
        size += size_of(heap, next);
    }
    if (*head_of(heap, piece) & HEAP_BEFORE_FREE) {
        uint32_t before = *word_at(heap, piece - 8);
        piece -= before;
        size += before;
        unlink_piece(heap, piece);
    }
    put(heap, piece, size);
}

/** Uses `size` bytes of a range of `room` that is in no bin; gives back what is left over. */
static void use(struct heap *heap, uint32_t piece, uint32_t room, uint32_t size)
{
    uint32_t *head = head_of(heap, piece);
    if (room - size < UNIT) {
        size = room;
    }
    *head = size | (*head & HEAP_BEFORE_FREE);
    if (size < room) {
        *head_of(heap, piece + size) = 0;
        give(heap, piece + size, room - size);
    } else {
        *head_of(heap, piece + size) &= ~HEAP_BEFORE_FREE;
    }
}

/** Makes the range longer, so that its last piece is free and of at least this size. */
static bool extend(struct heap *heap, uint32_t size)
{
    if (heap->end > 0 && *head_of(heap, heap->end) & HEAP_BEFORE_FREE) {
        uint32_t last = *word_at(heap, heap->end - 8);
        size = size > last ? size - last : UNIT;
    }
    uint32_t first = heap->end == 0 ? UNIT : 0; /* before the first piece there is only its word */
    uint32_t more = heap->grow(heap, size + first);
    if (more == 0) {
        return false;
    }
    uint32_t piece = heap->end + first;
    if (first > 0) {
        *head_of(heap, piece) = 0;
    }
    heap->end += more;
    *head_of(heap, heap->end) = 0;
    give(heap, piece, heap->end - piece);
    return true;
}

static uint32_t needed(size_t size)
{
    return size > HEAP_PIECE_MAX - 2 * UNIT ? 0 : ((uint32_t)size + 4 + UNIT - 1) / UNIT * UNIT;
}

void *heap_take(struct heap *heap, size_t size)
{
    uint32_t need = needed(size);
    if (need == 0) {
        return NULL;
    }
    uint32_t piece = find(heap, need);
    if (piece == 0) {
        if (!extend(heap, need)) {
            return NULL;
        }
        piece = heap->end - *word_at(heap, heap->end - 8);
    }
    unlink_piece(heap, piece);
    use(heap, piece, size_of(heap, piece), need);
    return heap->base + piece;
}

void heap_give(struct heap *heap, void *memory)
{
    if (memory != NULL) {
        uint32_t piece = (uint32_t)((uint8_t *)memory - heap->base);
        assert(!(*head_of(heap, piece) & HEAP_FREE)); /* not twice */
        give(heap, piece, size_of(heap, piece));
    }
}

void *heap_resize(struct heap *heap, void *memory, size_t size)
{
    if (memory == NULL) {
        return heap_take(heap, size);
    }
    uint32_t need = needed(size);
    if (need == 0) {
        return NULL;
    }
    uint32_t piece = (uint32_t)((uint8_t *)memory - heap->base);
    uint32_t room = size_of(heap, piece);
    uint32_t next = piece + room;
    uint32_t spare = *head_of(heap, next) & HEAP_FREE ? size_of(heap, next) : 0;
    if (room + spare < need && next + spare == heap->end && extend(heap, need - room)) {
        spare = size_of(heap, next);
    }
    if (room >= need) {
        use(heap, piece, room, need);
        return memory;
    }
    if (room + spare >= need) {
        unlink_piece(heap, next);
        use(heap, piece, room + spare, need);
        return memory;
    }
    void *other = heap_take(heap, size);
    if (other != NULL) {
        memcpy(other, memory, room - 4);
        heap_give(heap, memory);
    }
    return other;
}
