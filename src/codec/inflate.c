/*
 * Inflate: raw deflate of any program, with its plain size known ahead.
 */
#include "codec/deflate.h"
#include "codec/huffman.h"
#include <string.h>

#define TABLE_BITS 10
#define SYMBOL_END 256

/** A code: the shorter ones by a table of the next bits, the others bit by bit. */
struct code {
    uint16_t table[1 << TABLE_BITS]; /* symbol · 16 + length; 0: longer, or none */
    uint16_t counts[QR_HUFFMAN_BITS_MAX + 1];
    uint16_t symbols[QR_HUFFMAN_SYMBOLS_MAX]; /* by length, then number */
};

struct inflater {
    const uint8_t *next, *end;
    uint64_t bits; /* read ahead, first lowest; zeros beyond the end */
    unsigned bit_count;
    size_t missing; /* bytes that were read ahead beyond the end */
    uint8_t *out;
    size_t size, written;
    struct code literals, distances;
    bool failed;
};

/* ---- bits ------------------------------------------------------------------------------------- */

static void refill(struct inflater *inflater)
{
    while (inflater->bit_count <= 56) {
        if (inflater->next < inflater->end) {
            inflater->bits |= (uint64_t)*inflater->next++ << inflater->bit_count;
        } else {
            inflater->missing++;
        }
        inflater->bit_count += 8;
    }
}

static void drop(struct inflater *inflater, unsigned count)
{
    inflater->bits >>= count;
    inflater->bit_count -= count;
}

/* At most 16 bits. */
static unsigned take(struct inflater *inflater, unsigned count)
{
    refill(inflater);
    unsigned value = (unsigned)(inflater->bits & ((UINT64_C(1) << count) - 1));
    drop(inflater, count);
    return value;
}

/* Were bits used that are not there? */
static bool is_past_end(const struct inflater *inflater)
{
    return inflater->missing * 8 > inflater->bit_count;
}

/* ---- codes ------------------------------------------------------------------------------------ */

/* False: the lengths are no code in which every row of bits means something. A code of distances may
 * have nothing, or one symbol of one bit. */
static bool make_code(
    struct code *code, const uint8_t *lengths, size_t symbol_count, bool of_distances)
{
    uint16_t codes[QR_HUFFMAN_SYMBOLS_MAX], offsets[QR_HUFFMAN_BITS_MAX + 1] = {0};
    memset(code->counts, 0, sizeof code->counts);
    memset(code->table, 0, sizeof code->table);
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        code->counts[lengths[symbol]] += lengths[symbol] > 0;
    }
    int left = 1;
    size_t used = 0;
    for (unsigned bits = 1; bits <= QR_HUFFMAN_BITS_MAX; bits++) {
        left = 2 * left - code->counts[bits];
        if (left < 0) {
            return false;
        }
        offsets[bits] = (uint16_t)used;
        used += code->counts[bits];
    }
    if (left > 0 && !(of_distances && (used == 0 || (used == 1 && code->counts[1] == 1)))) {
        return false;
    }
    qr_huffman_codes(lengths, symbol_count, codes);
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        unsigned bits = lengths[symbol];
        if (bits == 0) {
            continue;
        }
        code->symbols[offsets[bits]++] = (uint16_t)symbol;
        for (size_t i = codes[symbol]; bits <= TABLE_BITS && i < 1 << TABLE_BITS;
             i += (size_t)1 << bits) {
            code->table[i] = (uint16_t)(symbol << 4 | bits);
        }
    }
    return true;
}

/* The next symbol; fails where the bits are none. */
static unsigned decode(struct inflater *inflater, const struct code *code)
{
    refill(inflater);
    unsigned entry = code->table[inflater->bits & ((1 << TABLE_BITS) - 1)];
    if (entry > 0) {
        drop(inflater, entry & 15);
        return entry >> 4;
    }
    unsigned value = 0, first = 0, index = 0;
    for (unsigned bits = 1; bits <= QR_HUFFMAN_BITS_MAX; bits++) {
        value |= (unsigned)(inflater->bits >> (bits - 1)) & 1;
        unsigned count = code->counts[bits];
        if (value < first + count) {
            drop(inflater, bits);
            return code->symbols[index + value - first];
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    inflater->failed = true;
    return SYMBOL_END;
}

static bool read_codes(struct inflater *inflater)
{
    uint8_t lengths[QR_HUFFMAN_SYMBOLS_MAX + 32] = {0};
    size_t literal_count = 257 + take(inflater, 5);
    size_t distance_count = 1 + take(inflater, 5);
    size_t order_count = 4 + take(inflater, 4);
    size_t count = literal_count + distance_count, next = 0;
    if (literal_count > 286 || distance_count > QR_DEFLATE_DISTANCES) {
        return false;
    }
    for (size_t i = 0; i < order_count; i++) {
        lengths[qr_deflate_order[i]] = (uint8_t)take(inflater, 3);
    }
    if (!make_code(&inflater->literals, lengths, 19, false)) {
        return false;
    }
    memset(lengths, 0, sizeof lengths);
    while (next < count && !inflater->failed && !is_past_end(inflater)) {
        unsigned symbol = decode(inflater, &inflater->literals);
        size_t run = 1;
        uint8_t length = (uint8_t)symbol;
        if (symbol >= 16) {
            if (symbol == 16 && next == 0) {
                return false;
            }
            length = symbol == 16 ? lengths[next - 1] : 0;
            run = symbol == 16 ? 3 + take(inflater, 2)
                : symbol == 17 ? 3 + take(inflater, 3)
                               : 11 + take(inflater, 7);
        }
        if (run > count - next) {
            return false;
        }
        memset(lengths + next, length, run);
        next += run;
    }
    return next == count && !inflater->failed && lengths[SYMBOL_END] > 0
        && make_code(&inflater->distances, lengths + literal_count, distance_count, true)
        && make_code(&inflater->literals, lengths, literal_count, false);
}

static bool fixed_codes(struct inflater *inflater)
{
    uint8_t lengths[QR_HUFFMAN_SYMBOLS_MAX], distances[32];
    qr_deflate_fixed(lengths);
    memset(distances, 5, sizeof distances);
    return make_code(&inflater->literals, lengths, QR_HUFFMAN_SYMBOLS_MAX, false)
        && make_code(&inflater->distances, distances, 32, true);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static bool copy_match(struct inflater *inflater, unsigned length_symbol)
{
    if (length_symbol - SYMBOL_END - 1 >= QR_DEFLATE_LENGTHS) {
        return false;
    }
    struct qr_deflate_range range = qr_deflate_lengths[length_symbol - SYMBOL_END - 1];
    size_t length = range.base + take(inflater, range.extra);
    unsigned symbol = decode(inflater, &inflater->distances);
    if (inflater->failed || symbol >= QR_DEFLATE_DISTANCES) {
        return false;
    }
    range = qr_deflate_distances[symbol];
    size_t distance = range.base + take(inflater, range.extra);
    if (distance > inflater->written || length > inflater->size - inflater->written) {
        return false;
    }
    uint8_t *out = inflater->out + inflater->written;
    const uint8_t *from = out - distance;
    for (size_t i = 0; i < length; i++) { /* the two may overlap */
        out[i] = from[i];
    }
    inflater->written += length;
    return true;
}

static bool inflate_coded(struct inflater *inflater)
{
    while (!is_past_end(inflater)) {
        unsigned symbol = decode(inflater, &inflater->literals);
        if (inflater->failed) {
            return false;
        }
        if (symbol == SYMBOL_END) {
            return true;
        }
        if (symbol > SYMBOL_END) {
            if (!copy_match(inflater, symbol)) {
                return false;
            }
        } else if (inflater->written == inflater->size) {
            return false;
        } else {
            inflater->out[inflater->written++] = (uint8_t)symbol;
        }
    }
    return false;
}

static bool inflate_stored(struct inflater *inflater)
{
    drop(inflater, inflater->bit_count % 8);
    unsigned size = take(inflater, 16), inverse = take(inflater, 16);
    if (size != (~inverse & 0xffffu) || size > inflater->size - inflater->written) {
        return false;
    }
    for (unsigned i = 0; i < size && !is_past_end(inflater); i++) {
        inflater->out[inflater->written++] = (uint8_t)take(inflater, 8);
    }
    return !is_past_end(inflater);
}

static bool inflate_block(struct inflater *inflater, unsigned type)
{
    switch (type) {
    case 0: return inflate_stored(inflater);
    case 1: return fixed_codes(inflater) && inflate_coded(inflater);
    case 2: return read_codes(inflater) && inflate_coded(inflater);
    default: return false;
    }
}

/* Nothing but less than a byte of zeros is left. */
static bool is_at_end(struct inflater *inflater)
{
    unsigned left = inflater->bit_count - (unsigned)(8 * inflater->missing);
    return !is_past_end(inflater) && inflater->next == inflater->end && left < 8
        && inflater->bits == 0;
}

enum quire_status qr_inflate(
    struct quire_bytes deflated, size_t plain_size, struct quire_buffer *out_plain)
{
    if (plain_size > QR_OBJECT_MAX || plain_size / QR_INFLATE_RATIO > deflated.size
        || plain_size > deflated.size * QR_INFLATE_RATIO) {
        return QUIRE_ELIMIT;
    }
    if (deflated.size == 0) {
        return QUIRE_EMALFORMED;
    }
    enum quire_status status = quire_buffer_reserve(out_plain, plain_size);
    if (status != QUIRE_OK) {
        return status;
    }
    struct inflater inflater;
    memset(&inflater, 0, offsetof(struct inflater, literals));
    inflater.next = deflated.data;
    inflater.end = deflated.data + deflated.size;
    inflater.out = out_plain->size == 0 ? out_plain->data : out_plain->data + out_plain->size;
    inflater.size = plain_size;
    inflater.failed = false;
    bool final = false, well = true;
    while (well && !final) {
        final = take(&inflater, 1);
        well = inflate_block(&inflater, take(&inflater, 2)) && !is_past_end(&inflater);
    }
    if (!well || inflater.written != plain_size || !is_at_end(&inflater)) {
        return QUIRE_EMALFORMED;
    }
    out_plain->size += plain_size;
    return QUIRE_OK;
}
