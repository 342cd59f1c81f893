/*
 * The visible text, apart from everything that is known about it: blocks of 2 KiB in a row, each
 * with a gap where it was last edited, and an index that says of each block how many code points,
 * bytes, and code points above U+FFFF it holds.
 *
 *   blocks   [ 12 ][ 3 ][ 7 ] …                     in the order of the text; 16 bytes each
 *   block 3  The quick brown ▒▒▒▒▒▒▒▒▒▒▒ fox jumps   before │ gap │ after
 *
 * One block holds the caret. To type at the caret is to fill the gap; a caret that moves walks the
 * index from where it was, 16 bytes a block, and moves what lies between inside of one block. A
 * neighbour is joined once both would leave half of a block free, or, where letters go one by one, once
 * a block is below 256 bytes. What is cut off a full block stays beside small ones until an edit there, so
 * a text of n bytes takes some n / 256 blocks, and no more than n / 128 + 2.
 */
#ifndef QR_CRDT_ROPE_H
#define QR_CRDT_ROPE_H

#include <quire/bytes.h>
#include <stddef.h>
#include <string.h>

#define QR_BLOCK_SIZE 2048
#define QR_BLOCK_SMALL 256 /* bytes; a block that has fewer is joined with another */

struct qr_block {
    uint32_t slot;   /* where its bytes are: slot · QR_BLOCK_SIZE */
    uint16_t before; /* bytes before the gap; those after it end where the slot ends */
    uint16_t after;
    uint16_t before_count; /* code points */
    uint16_t after_count;
    uint16_t wide; /* code points above U+FFFF in all of it: two units of UTF-16 */
};

/** A place in the text, in each unit. */
struct qr_offsets {
    size_t points;
    size_t bytes;
    size_t units; /* of UTF-16 */
};

struct qr_rope {
    struct qr_block *blocks; /* none: the text is empty */
    uint8_t *data;
    uint32_t block_count;
    uint32_t block_capacity;
    uint32_t slot_count; /* that were ever in use */
    uint32_t slot_capacity;
    uint32_t free_slot; /* the first of those free again, each names the next; UINT32_MAX: none */
    uint32_t at;        /* the block that holds the caret */
    size_t start;       /* code points before that block */
    struct qr_offsets total;
};

void qr_rope_init(struct qr_rope *rope);
void qr_rope_finish(struct qr_rope *rope);

/** Room for `pieces` insertions of so many bytes in all. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_rope_reserve(struct qr_rope *rope, size_t size, size_t pieces);

/** Inserts well-formed UTF-8, of `count` code points, before a code point. Room was reserved. */
void qr_rope_insert(struct qr_rope *rope, size_t position, struct quire_bytes text, size_t count);

/** Takes out `count` code points from a position on; all of them are there. */
void qr_rope_erase(struct qr_rope *rope, size_t position, size_t count);

/** Appends all of it. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_rope_append(
    const struct qr_rope *rope, struct quire_buffer *out_text);

/** A code point's place in each unit; position ≤ all. */
struct qr_offsets qr_rope_at_point(const struct qr_rope *rope, size_t position);

/** The same of an offset in bytes, or in UTF-16 units. False: past the end or inside of a code point. */
bool qr_rope_at_byte(const struct qr_rope *rope, size_t offset, struct qr_offsets *out_place);
bool qr_rope_at_unit(const struct qr_rope *rope, size_t offset, struct qr_offsets *out_place);

/** Types one code point, of so many bytes, at the caret. False: it is elsewhere, or its block is full. */
static inline bool qr_rope_type(
    struct qr_rope *rope, size_t position, const uint8_t *letter, size_t size)
{
    struct qr_block *block = rope->blocks + rope->at;
    if (rope->block_count == 0 || position != rope->start + block->before_count
        || block->before + block->after + size > QR_BLOCK_SIZE) {
        return false;
    }
    uint8_t *out = rope->data + (size_t)block->slot * QR_BLOCK_SIZE + block->before;
    for (size_t i = 0; i < size; i++) {
        out[i] = letter[i];
    }
    unsigned wide = size == 4 ? 1 : 0;
    block->before = (uint16_t)(block->before + size);
    block->before_count++;
    block->wide = (uint16_t)(block->wide + wide);
    rope->total.points++;
    rope->total.bytes += size;
    rope->total.units += 1 + wide;
    return true;
}

/** Whether the caret's block may lose a code point without a look at its neighbours. */
static inline bool qr_rope_may_shrink(const struct qr_rope *rope)
{
    size_t size = rope->block_count == 0
        ? 0
        : (size_t)rope->blocks[rope->at].before + rope->blocks[rope->at].after;
    return size > QR_BLOCK_SMALL || (size > 4 && rope->block_count == 1);
}

static inline void qr_rope_lose_one(struct qr_rope *rope, struct qr_block *block, size_t size)
{
    unsigned wide = size == 4 ? 1 : 0;
    block->wide = (uint16_t)(block->wide - wide);
    rope->total.points--;
    rope->total.bytes -= size;
    rope->total.units -= 1 + wide;
}

/** Takes out the code point before the caret, which is now at `position`. False: it is not. */
static inline bool qr_rope_untype(struct qr_rope *rope, size_t position)
{
    struct qr_block *block = rope->blocks + rope->at;
    if (!qr_rope_may_shrink(rope) || block->before == 0
        || position + 1 != rope->start + block->before_count) {
        return false;
    }
    const uint8_t *end = rope->data + (size_t)block->slot * QR_BLOCK_SIZE + block->before;
    size_t size = 1;
    while ((end[-(ptrdiff_t)size] & 0xc0) == 0x80) {
        size++;
    }
    block->before = (uint16_t)(block->before - size);
    block->before_count--;
    qr_rope_lose_one(rope, block, size);
    return true;
}

/** Takes out the code point behind the caret, which is at `position`. False: it is not. */
static inline bool qr_rope_delete(struct qr_rope *rope, size_t position)
{
    struct qr_block *block = rope->blocks + rope->at;
    if (!qr_rope_may_shrink(rope) || block->after == 0
        || position != rope->start + block->before_count) {
        return false;
    }
    uint8_t lead = rope->data[((size_t)block->slot + 1) * QR_BLOCK_SIZE - block->after];
    size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    block->after = (uint16_t)(block->after - size);
    block->after_count--;
    qr_rope_lose_one(rope, block, size);
    return true;
}

#endif
