/*
 * The visible text in blocks.
 */
#include "crdt/rope.h"
#include "crdt/utf8.h"
#include <assert.h>
#include <stdlib.h>

#define NO_SLOT UINT32_MAX
#define JOIN_SIZE (QR_BLOCK_SIZE / 2)

void qr_rope_init(struct qr_rope *rope)
{
    *rope = (struct qr_rope){.free_slot = NO_SLOT};
}

void qr_rope_finish(struct qr_rope *rope)
{
    free(rope->blocks);
    free(rope->data);
    qr_rope_init(rope);
}

static uint8_t *bytes_of(const struct qr_rope *rope, const struct qr_block *block)
{
    return rope->data + (size_t)block->slot * QR_BLOCK_SIZE;
}

/** The bytes after the gap. */
static uint8_t *tail_of(const struct qr_rope *rope, const struct qr_block *block)
{
    return bytes_of(rope, block) + QR_BLOCK_SIZE - block->after;
}

static size_t size_of(const struct qr_block *block)
{
    return (size_t)block->before + block->after;
}

static size_t count_of(const struct qr_block *block)
{
    return (size_t)block->before_count + block->after_count;
}

static bool is_plain(const struct qr_block *block)
{
    return size_of(block) == count_of(block);
}

enum quire_status qr_rope_reserve(struct qr_rope *rope, size_t size, size_t pieces)
{
    /* A block is left with less than four bytes free, and each insertion may cut one in two. */
    size_t extra = size / (QR_BLOCK_SIZE - 3) + 2 * pieces;
    size_t needed = rope->block_count + extra;
    if (needed >= UINT32_MAX / 2) {
        return QUIRE_ENOMEM;
    }
    if (needed > rope->block_capacity) {
        size_t capacity = needed + rope->block_capacity / 2;
        struct qr_block *blocks = realloc(rope->blocks, capacity * sizeof *blocks);
        if (blocks == NULL) {
            return QUIRE_ENOMEM;
        }
        rope->blocks = blocks;
        rope->block_capacity = (uint32_t)capacity;
    }
    if (needed > rope->slot_capacity) {
        size_t capacity = needed + rope->slot_capacity / 4;
        uint8_t *data = realloc(rope->data, capacity * QR_BLOCK_SIZE);
        if (data == NULL) {
            return QUIRE_ENOMEM;
        }
        rope->data = data;
        rope->slot_capacity = (uint32_t)capacity;
    }
    return QUIRE_OK;
}

/* ---- blocks ------------------------------------------------------------------------------- */

/** A new empty block at a place in the index. */
static struct qr_block *add_block(struct qr_rope *rope, uint32_t index)
{
    assert(rope->block_count < rope->block_capacity);
    uint32_t slot = rope->free_slot;
    if (slot == NO_SLOT) {
        assert(rope->slot_count < rope->slot_capacity);
        slot = rope->slot_count++;
    } else {
        memcpy(&rope->free_slot, rope->data + (size_t)slot * QR_BLOCK_SIZE, sizeof rope->free_slot);
    }
    struct qr_block *block = &rope->blocks[index];
    memmove(block + 1, block, (rope->block_count - index) * sizeof *block);
    rope->block_count++;
    *block = (struct qr_block){.slot = slot};
    return block;
}

static void remove_block(struct qr_rope *rope, uint32_t index)
{
    struct qr_block *block = &rope->blocks[index];
    memcpy(bytes_of(rope, block), &rope->free_slot, sizeof rope->free_slot);
    rope->free_slot = block->slot;
    rope->block_count--;
    memmove(block, block + 1, (rope->block_count - index) * sizeof *block);
}

/** Bytes of the first `count` code points, which stand before the gap; counted from the nearer end. */
static size_t size_in_front(const uint8_t *bytes, const struct qr_block *block, size_t count)
{
    size_t rest = block->before_count - count;
    return count < rest ? qr_utf8_size(bytes, count)
                        : block->before - qr_utf8_size_back(bytes + block->before, rest);
}

/** Moves the gap of a block to `count` code points from its start. */
static void move_gap(struct qr_rope *rope, struct qr_block *block, size_t count)
{
    uint8_t *bytes = bytes_of(rope, block);
    uint8_t *tail = tail_of(rope, block);
    if (count < block->before_count) {
        size_t keeps = is_plain(block) ? count : size_in_front(bytes, block, count);
        size_t moved = block->before - keeps;
        memmove(tail - moved, bytes + keeps, moved);
        block->after += (uint16_t)moved;
        block->before = (uint16_t)keeps;
    } else if (count > block->before_count) {
        size_t more = count - block->before_count;
        size_t moved = is_plain(block) ? more : qr_utf8_size(tail, more);
        memmove(bytes + block->before, tail, moved);
        block->after -= (uint16_t)moved;
        block->before += (uint16_t)moved;
    } else {
        return;
    }
    block->after_count = (uint16_t)(count_of(block) - count);
    block->before_count = (uint16_t)count;
}

/** Joins a block and the next one if they are small. The caret's block is named anew by who calls. */
static bool join_next(struct qr_rope *rope, uint32_t index)
{
    if (index + 1 >= rope->block_count) {
        return false;
    }
    struct qr_block *block = &rope->blocks[index];
    struct qr_block *next = block + 1;
    if (size_of(block) + size_of(next) > JOIN_SIZE) {
        return false;
    }
    /* All of the first before its gap, all of the second behind its own, or it would overlap. */
    move_gap(rope, block, count_of(block));
    move_gap(rope, next, 0);
    memcpy(bytes_of(rope, block) + QR_BLOCK_SIZE - next->after, tail_of(rope, next), next->after);
    block->after = next->after;
    block->after_count = next->after_count;
    block->wide += next->wide;
    remove_block(rope, index + 1);
    return true;
}

/** Takes the caret to the block that holds a position; at a border to the one before or after it. */
static void seek(struct qr_rope *rope, size_t position, bool after)
{
    size_t from = position - rope->start;
    if (from > 0 && from < count_of(&rope->blocks[rope->at])) {
        return;
    }
    if (position < rope->start / 2) {
        rope->at = 0;
        rope->start = 0;
    } else if (position - rope->start > (rope->total.points - rope->start) / 2
        && position >= rope->start) {
        rope->at = rope->block_count - 1;
        rope->start = rope->total.points - count_of(&rope->blocks[rope->at]);
    }
    while (rope->at > 0 && (position < rope->start || (!after && position == rope->start))) {
        rope->start -= count_of(&rope->blocks[--rope->at]);
    }
    for (size_t count; rope->at + 1 < rope->block_count
         && (count = count_of(&rope->blocks[rope->at]),
            position > rope->start + count || (after && position == rope->start + count));) {
        rope->start += count;
        rope->at++;
    }
}

/* ---- editing ------------------------------------------------------------------------------ */

/** Fills the gap of the caret's block, which has room. */
static void fill(struct qr_rope *rope, const uint8_t *text, size_t size, size_t count, size_t wide)
{
    struct qr_block *block = &rope->blocks[rope->at];
    memcpy(bytes_of(rope, block) + block->before, text, size);
    block->before += (uint16_t)size;
    block->before_count += (uint16_t)count;
    block->wide += (uint16_t)wide;
}

/** Bytes of as many whole code points as fit. */
static size_t fitting(struct quire_bytes text, size_t room)
{
    if (text.size <= room) {
        return text.size;
    }
    while (room > 0 && (text.data[room] & 0xc0) == 0x80) {
        room--;
    }
    return room;
}

/** Puts what is behind the gap of the caret's block into a block of its own. */
static void cut(struct qr_rope *rope)
{
    struct qr_block *rest = add_block(rope, rope->at + 1);
    struct qr_block *block = &rope->blocks[rope->at];
    memcpy(bytes_of(rope, rest) + QR_BLOCK_SIZE - block->after, tail_of(rope, block), block->after);
    rest->after = block->after;
    rest->after_count = block->after_count;
    if (block->wide > 0) {
        rest->wide = (uint16_t)qr_utf8_wide(tail_of(rope, rest), rest->after);
        block->wide -= rest->wide;
    }
    block->after = 0;
    block->after_count = 0;
    join_next(rope, rope->at + 1);
}

void qr_rope_insert(struct qr_rope *rope, size_t position, struct quire_bytes text, size_t count)
{
    if (rope->block_count == 0) {
        add_block(rope, 0);
    }
    size_t wide = text.size > count ? qr_utf8_wide(text.data, text.size) : 0;
    seek(rope, position, false);
    rope->total.points += count;
    rope->total.bytes += text.size;
    rope->total.units += count + wide;
    struct qr_block *block = &rope->blocks[rope->at];
    move_gap(rope, block, position - rope->start);
    if (text.size <= QR_BLOCK_SIZE - size_of(block)) {
        fill(rope, text.data, text.size, count, wide);
        return;
    }
    bool plain = text.size == count; /* one byte each */
    if (block->after > 0) {
        cut(rope);
    }
    while (text.size > 0) {
        block = &rope->blocks[rope->at];
        size_t size = fitting(text, QR_BLOCK_SIZE - size_of(block));
        if (size == 0) {
            rope->start += count_of(block);
            rope->at++;
            add_block(rope, rope->at);
            continue;
        }
        size_t points = plain ? size : qr_utf8_points(text.data, size);
        fill(rope, text.data, size, points, wide == 0 ? 0 : qr_utf8_wide(text.data, size));
        text.data += size;
        text.size -= size;
    }
    join_next(rope, rope->at);
}

/** Takes out code points on both sides of the gap of the caret's block. */
static void shrink(struct qr_rope *rope, size_t before, size_t after)
{
    struct qr_block *block = &rope->blocks[rope->at];
    bool plain = is_plain(block);
    size_t keeps = block->before_count - before;
    size_t kept_size = plain ? keeps : size_in_front(bytes_of(rope, block), block, keeps);
    size_t gone_size = plain ? after : qr_utf8_size(tail_of(rope, block), after);
    if (block->wide > 0) {
        size_t wide = qr_utf8_wide(bytes_of(rope, block) + kept_size, block->before - kept_size)
            + qr_utf8_wide(tail_of(rope, block), gone_size);
        block->wide -= (uint16_t)wide;
        rope->total.units -= wide;
    }
    rope->total.bytes -= block->before - kept_size + gone_size;
    rope->total.units -= before + after;
    rope->total.points -= before + after;
    block->before = (uint16_t)kept_size;
    block->before_count = (uint16_t)keeps;
    block->after -= (uint16_t)gone_size;
    block->after_count -= (uint16_t)after;
}

/** Keeps blocks from becoming many and small, round the caret's. */
static void tidy(struct qr_rope *rope)
{
    struct qr_block *block = &rope->blocks[rope->at];
    if (size_of(block) > JOIN_SIZE) {
        return;
    }
    if (size_of(block) == 0) {
        remove_block(rope, rope->at);
        if (rope->at > 0) {
            rope->start -= count_of(&rope->blocks[--rope->at]);
        }
        if (rope->block_count > 0) {
            join_next(rope, rope->at);
        }
        return;
    }
    join_next(rope, rope->at);
    if (rope->at > 0) {
        size_t count = count_of(&rope->blocks[rope->at - 1]);
        if (join_next(rope, rope->at - 1)) {
            rope->at--;
            rope->start -= count;
        }
    }
}

void qr_rope_erase(struct qr_rope *rope, size_t position, size_t count)
{
    while (count > 0) {
        seek(rope, position, true);
        struct qr_block *block = &rope->blocks[rope->at];
        size_t from = position - rope->start;
        size_t here = count_of(block) - from;
        here = here < count ? here : count;
        if (from + here < block->before_count || from > block->before_count) {
            move_gap(rope, block, from);
        }
        size_t before = block->before_count > from ? block->before_count - from : 0;
        shrink(rope, before, here - before);
        tidy(rope);
        count -= here;
    }
}

enum quire_status qr_rope_append(const struct qr_rope *rope, struct quire_buffer *out_text)
{
    enum quire_status status = quire_buffer_reserve(out_text, rope->total.bytes);
    if (status != QUIRE_OK) {
        return status;
    }
    for (uint32_t i = 0; i < rope->block_count; i++) {
        const struct qr_block *block = &rope->blocks[i];
        uint8_t *out = out_text->data + out_text->size;
        memcpy(out, bytes_of(rope, block), block->before);
        memcpy(out + block->before, tail_of(rope, block), block->after);
        out_text->size += size_of(block);
    }
    return QUIRE_OK;
}

/* ---- units -------------------------------------------------------------------------------- */

/** What the first `size` bytes of a block hold; false: they end inside of a code point. */
static bool measure(
    const struct qr_rope *rope, const struct qr_block *block, size_t size, struct qr_offsets *place)
{
    const uint8_t *head = bytes_of(rope, block);
    const uint8_t *tail = tail_of(rope, block);
    size_t in_head = size < block->before ? size : block->before;
    size_t in_tail = size - in_head;
    if (size < size_of(block)) {
        uint8_t next = size < block->before ? head[size] : tail[in_tail];
        if ((next & 0xc0) == 0x80) {
            return false;
        }
    }
    size_t points =
        is_plain(block) ? size : qr_utf8_points(head, in_head) + qr_utf8_points(tail, in_tail);
    size_t wide = block->wide == 0 ? 0 : qr_utf8_wide(head, in_head) + qr_utf8_wide(tail, in_tail);
    place->points += points;
    place->bytes += size;
    place->units += points + wide;
    return true;
}

static bool pass(const struct qr_block *block, struct qr_offsets *place)
{
    place->points += count_of(block);
    place->bytes += size_of(block);
    place->units += count_of(block) + block->wide;
    return true;
}

struct qr_offsets qr_rope_at_point(const struct qr_rope *rope, size_t position)
{
    struct qr_offsets place = {0};
    for (uint32_t i = 0; i < rope->block_count; i++) {
        const struct qr_block *block = &rope->blocks[i];
        if (position - place.points < count_of(block)) {
            size_t count = position - place.points;
            size_t more = count > block->before_count ? count - block->before_count : 0;
            size_t size = is_plain(block) ? count
                : more > 0                ? block->before + qr_utf8_size(tail_of(rope, block), more)
                                          : qr_utf8_size(bytes_of(rope, block), count);
            measure(rope, block, size, &place);
            break;
        }
        pass(block, &place);
    }
    return place;
}

bool qr_rope_at_byte(const struct qr_rope *rope, size_t offset, struct qr_offsets *out_place)
{
    struct qr_offsets place = {0};
    if (offset > rope->total.bytes) {
        return false;
    }
    for (uint32_t i = 0; i < rope->block_count; i++) {
        const struct qr_block *block = &rope->blocks[i];
        if (offset - place.bytes < size_of(block)) {
            if (!measure(rope, block, offset - place.bytes, &place)) {
                return false;
            }
            break;
        }
        pass(block, &place);
    }
    *out_place = place;
    return true;
}

bool qr_rope_at_unit(const struct qr_rope *rope, size_t offset, struct qr_offsets *out_place)
{
    struct qr_offsets place = {0};
    if (offset > rope->total.units) {
        return false;
    }
    for (uint32_t i = 0; i < rope->block_count; i++) {
        const struct qr_block *block = &rope->blocks[i];
        size_t left = offset - place.units;
        if (left >= count_of(block) + block->wide) {
            pass(block, &place);
            continue;
        }
        size_t size = 0;
        while (left > 0) {
            uint8_t lead = size < block->before ? bytes_of(rope, block)[size]
                                                : tail_of(rope, block)[size - block->before];
            size_t units = lead >= 0xf0 ? 2 : 1;
            if (units > left) {
                return false;
            }
            left -= units;
            size += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        }
        measure(rope, block, size, &place);
        break;
    }
    *out_place = place;
    return true;
}
