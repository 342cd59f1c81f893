/*
 * Memory for the length of one call: pieces are handed out one after another and given back all at
 * once. The first block is kept for the next call, so that merging small deltas asks for no memory.
 */
#ifndef QR_CRDT_ARENA_H
#define QR_CRDT_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define QR_ARENA_SIZE 4096 /* bytes of the first block */

struct qr_arena {
    uint8_t *first;
    size_t used; /* of the first block */
    void *more;  /* blocks for what did not fit there; each begins with the next one's address */
};

void qr_arena_finish(struct qr_arena *arena);

/** Zeroed room for `count` things, aligned for any; also for none. NULL: no memory. */
void *qr_arena_take(struct qr_arena *arena, size_t count, size_t size);

/** How much was taken so far. */
struct qr_arena_mark {
    size_t used;
    const void *more;
};

static inline struct qr_arena_mark qr_arena_mark(const struct qr_arena *arena)
{
    return (struct qr_arena_mark){arena->used, arena->more};
}

/** Gives back what was taken since; all of it: since {0, NULL}. */
void qr_arena_back(struct qr_arena *arena, struct qr_arena_mark mark);

#endif
