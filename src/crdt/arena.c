/*
 * Memory for the length of one call.
 */
#include "crdt/arena.h"
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16 /* of what malloc gives, and enough for all that is kept here */

void qr_arena_back(struct qr_arena *arena, struct qr_arena_mark mark)
{
    while (arena->more != mark.more) {
        void *block = arena->more;
        memcpy(&arena->more, block, sizeof arena->more);
        free(block);
    }
    arena->used = mark.used;
}

void qr_arena_finish(struct qr_arena *arena)
{
    qr_arena_back(arena, (struct qr_arena_mark){0, NULL});
    free(arena->first);
    *arena = (struct qr_arena){0};
}

void *qr_arena_take(struct qr_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t needed = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (needed <= QR_ARENA_SIZE - arena->used) {
        if (arena->first == NULL) {
            arena->first = malloc(QR_ARENA_SIZE);
        }
        if (arena->first == NULL) {
            return NULL;
        }
        uint8_t *taken = arena->first + arena->used;
        arena->used += needed;
        return memset(taken, 0, needed);
    }
    uint8_t *block = calloc(1, ALIGNMENT + needed);
    if (block == NULL) {
        return NULL;
    }
    memcpy(block, &arena->more, sizeof arena->more);
    arena->more = block;
    return block + ALIGNMENT;
}
