/*
 * Memory for the length of one call: pieces are handed out one after another and given back all at
 * once. The first block is kept for the next call, so that merging small deltas asks nobody for memory.
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

/** Gives back all that was taken. */
void qr_arena_clear(struct qr_arena *arena);

#endif
