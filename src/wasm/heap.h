/*
 * The module's memory, handed out in pieces: small code, constant work for each call, and pieces that
 * are given back join their neighbours at once. In place of the C library's allocator, which is a
 * sixth of a module that holds documents alone.
 *
 * Memory is one range that only grows. A piece has a word before it: its size, word included, a
 * multiple of 16; bit 0: it is free; bit 1: the piece before it is. A free piece also begins with the
 * free pieces after and before it in its bin, and ends with its size, for the piece that follows. The
 * last word of the range is that of a piece of no size, in use. Two free pieces never touch.
 *
 * Bins hold free pieces of like size: one for each size below 256, then four for each power of two.
 */
#ifndef QUIRE_WASM_HEAP_H
#define QUIRE_WASM_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_BINS 112
#define HEAP_WORDS ((HEAP_BINS + 31) / 32)
#define HEAP_FREE 1u
#define HEAP_BEFORE_FREE 2u
#define HEAP_PIECE_MAX UINT32_C(0x7ffffff0)

struct heap {
    uint8_t *base;               /* what all offsets count from; a multiple of 16 */
    uint32_t end;                /* of the range, an offset; 0: there is none yet */
    uint32_t bins[HEAP_BINS];    /* the first free piece, or 0 */
    uint32_t filled[HEAP_WORDS]; /* a bit for each bin that holds one */
    /** Makes the range at least so many bytes longer, and returns by how many: a multiple of 16; 0: no memory. */
    uint32_t (*grow)(struct heap *heap, uint32_t size);
};

/** At least one byte, at a multiple of 16. NULL: no memory. */
void *heap_take(struct heap *heap, size_t size);

/** The same piece, or another one with what it held. NULL: no memory, and the piece is as it was. */
void *heap_resize(struct heap *heap, void *memory, size_t size);

void heap_give(struct heap *heap, void *memory);

#endif
