/*
 * The module's allocator, on a range of our own: what is handed out never overlaps and keeps what was
 * written to it, and the range is in order after every step.
 */
#include "kit/random.h"
#include "wasm/heap.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define RANGE (1u << 20)
#define SLOTS 256
#define CHUNK 4096u /* the range becomes longer by so much at a time */

static _Alignas(16) uint8_t range[RANGE];
static uint32_t limit = RANGE;

static uint32_t grow(struct heap *heap, uint32_t size)
{
    uint32_t more = (size + CHUNK - 1) / CHUNK * CHUNK;
    return more > limit - heap->end ? 0 : more;
}

static struct heap fresh(uint32_t size)
{
    limit = size;
    memset(range, 0xa5, sizeof range);
    return (struct heap){.base = range, .grow = grow};
}

static uint32_t word(const struct heap *heap, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, heap->base + offset, sizeof value);
    return value;
}

/** Walks the range and the bins; returns how many pieces are in use. */
static size_t walk(const struct heap *heap)
{
    size_t used = 0, free_count = 0, binned = 0;
    bool before_free = false;
    uint32_t at = 16;
    while (at < heap->end) {
        uint32_t head = word(heap, at - 4), size = head & ~15u;
        cr_assert(size >= 16 && size <= heap->end - at);
        cr_assert_eq((head & HEAP_BEFORE_FREE) != 0, before_free);
        cr_assert_not(before_free && (head & HEAP_FREE), "two free pieces touch at %u", at);
        before_free = head & HEAP_FREE;
        if (before_free) {
            cr_assert_eq(word(heap, at + size - 8), size);
            free_count++;
        } else {
            used++;
        }
        at += size;
    }
    cr_assert(heap->end == 0 || at == heap->end);
    cr_assert(heap->end == 0 || word(heap, heap->end - 4) == (before_free ? HEAP_BEFORE_FREE : 0));
    for (uint32_t bin = 0; bin < HEAP_BINS; bin++) {
        cr_assert_eq(heap->filled[bin / 32] >> bin % 32 & 1, heap->bins[bin] != 0);
        for (uint32_t piece = heap->bins[bin], before = 0; piece != 0; piece = word(heap, piece)) {
            cr_assert(word(heap, piece - 4) & HEAP_FREE);
            cr_assert_eq(word(heap, piece + 4), before);
            before = piece;
            binned++;
        }
    }
    cr_assert_eq(binned, free_count);
    return used;
}

static uint32_t draw(struct kit_random *random)
{
    return (uint32_t)kit_random_next(random);
}

static uint32_t size_drawn(struct kit_random *random)
{
    uint32_t most = 1u << draw(random) % 15;
    return draw(random) % most;
}

struct slot {
    uint8_t *memory;
    uint32_t size;
    uint8_t fill;
};

static void check_slot(const struct slot *slot, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        cr_assert_eq(slot->memory[i], slot->fill);
    }
}

static void play(uint64_t seed, uint32_t size, size_t *out_refused)
{
    struct heap heap = fresh(size);
    struct slot slots[SLOTS] = {0};
    struct kit_random random = {seed};
    size_t used = 0;
    for (size_t step = 0; step < 20000; step++) {
        struct slot *slot = &slots[draw(&random) % SLOTS];
        uint32_t wanted = size_drawn(&random);
        uint8_t fill = (uint8_t)draw(&random);
        if (slot->memory != NULL && draw(&random) % 3 > 0) {
            check_slot(slot, slot->size);
            heap_give(&heap, slot->memory);
            *slot = (struct slot){0};
            used--;
        } else {
            uint8_t *memory = heap_resize(&heap, slot->memory, wanted);
            if (memory == NULL) {
                ++*out_refused; /* and what is in the slot is as it was */
            } else {
                used += slot->memory == NULL;
                slot->memory = memory;
                check_slot(slot, slot->size < wanted ? slot->size : wanted);
                cr_assert_eq((uintptr_t)memory % 16, 0);
                cr_assert(memory + wanted <= range + heap.end);
                memset(memory, fill, wanted);
                slot->size = wanted;
                slot->fill = fill;
            }
        }
        if (step % 64 == 0) {
            cr_assert_eq(walk(&heap), used);
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        check_slot(&slots[i], slots[i].size);
        heap_give(&heap, slots[i].memory);
    }
    cr_assert_eq(walk(&heap), 0);
    cr_assert_eq(
        word(&heap, 12), (heap.end - 16) | HEAP_FREE, "what was given back is one piece again");
}

Test(heap, what_is_taken_stays_and_what_is_given_back_joins)
{
    size_t refused = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        play(seed, RANGE, &refused);
    }
    cr_assert_eq(refused, 0);
}

Test(heap, without_memory_nothing_changes)
{
    size_t refused = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        play(seed, RANGE / 8, &refused);
    }
    cr_assert_gt(refused, 100);
}

Test(heap, a_size_that_cannot_be_is_refused)
{
    struct heap heap = fresh(RANGE);
    const size_t sizes[] = {HEAP_PIECE_MAX - 32 + 1, HEAP_PIECE_MAX, UINT32_MAX - 16, UINT32_MAX,
        SIZE_MAX - 3, SIZE_MAX};
    void *kept = heap_take(&heap, 100);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert_null(heap_take(&heap, sizes[i]));
        cr_assert_null(heap_resize(&heap, kept, sizes[i]));
    }
    cr_assert_eq(walk(&heap), 1);
}

Test(heap, the_last_piece_grows_where_it_is)
{
    struct heap heap = fresh(RANGE);
    uint8_t *first = heap_take(&heap, 16);
    uint8_t *last = heap_take(&heap, 16);
    for (size_t size = 16; size < RANGE - 3 * CHUNK; size += size / 2) {
        cr_assert_eq(heap_resize(&heap, last, size), last);
    }
    cr_assert_lt(heap.end, RANGE);
    cr_assert_eq(heap_resize(&heap, last, 8), last);
    cr_assert_not_null(heap_take(&heap, RANGE / 2)); /* of what was given back */
    cr_assert_eq(walk(&heap), 3);
    heap_give(&heap, last + 16);
    heap_give(&heap, first);
    heap_give(&heap, last);
    cr_assert_eq(walk(&heap), 0);
}

Test(heap, memory_is_used_again)
{
    struct heap heap = fresh(RANGE);
    for (size_t round = 0; round < 1000; round++) {
        void *pieces[32];
        for (size_t i = 0; i < 32; i++) {
            cr_assert_not_null(pieces[i] = heap_take(&heap, 64 + 97 * i));
        }
        for (size_t i = 0; i < 32; i++) {
            heap_give(&heap, pieces[(i * 13 + round) % 32]);
        }
    }
    cr_assert_leq(heap.end, 32 * (64 + 97 * 16 + 32) + 2 * CHUNK);
}
