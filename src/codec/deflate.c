/*
 * Deflate with one output. Every choice here (candidates, lazy matching, blocks, code lengths, the header)
 * is written down in protocol/history.md, Deflate: changing one changes the names of all states.
 */
#include "codec/deflate.h"
#include "codec/huffman.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BITS 15
#define WINDOW 32768u     /* greatest distance */
#define CANDIDATES_MAX 64 /* earlier positions that are looked at */
#define MATCH_MIN 3u
#define MATCH_MAX 258u
#define SHORT_DISTANCE 4096u /* of a match of three bytes, at most */
#define LONG_ENOUGH 64u      /* a match that is taken without a look at the next position */
#define TOKENS_MAX 16384u    /* of a block */

#define LITERALS 286
#define END_OF_BLOCK 256
#define LENGTH_LIMIT 15
#define CODE_LENGTH_LIMIT 7

/** A literal, or a match: `length` bytes from `value` bytes back. */
struct token {
    uint16_t length; /* 0: a literal */
    uint16_t value;
};

struct match {
    unsigned length; /* 0: none */
    unsigned distance;
};

struct deflater {
    struct quire_bytes plain;
    uint32_t heads[1 << HASH_BITS]; /* 1 + the last position with that hash; 0: none */
    uint32_t before[WINDOW];        /* of the position before it with the same hash, likewise */
    struct token tokens[TOKENS_MAX];
    size_t token_count;
    struct quire_buffer *out; /* has room for all that comes */
    uint32_t bits;            /* that are not a whole byte yet, first lowest */
    unsigned bit_count;
};

/** The codes of one block. */
struct codes {
    uint8_t literal_lengths[QR_HUFFMAN_SYMBOLS_MAX];
    uint8_t distance_lengths[QR_DEFLATE_DISTANCES];
};

/** The header of a block with codes of its own. */
struct header {
    size_t literal_count, distance_count, order_count;
    uint8_t code_lengths[19];
    uint8_t symbols[QR_HUFFMAN_SYMBOLS_MAX + QR_DEFLATE_DISTANCES]; /* 0 … 18 */
    uint8_t extras[QR_HUFFMAN_SYMBOLS_MAX + QR_DEFLATE_DISTANCES];
    size_t symbol_count;
};

/* ---- matches ---------------------------------------------------------------------------------- */

static uint32_t hash_at(const struct deflater *deflater, size_t position)
{
    const uint8_t *at = deflater->plain.data + position;
    uint32_t three = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return (three * 2654435761u) >> (32 - HASH_BITS);
}

static bool has_hash(const struct deflater *deflater, size_t position)
{
    return position + MATCH_MIN <= deflater->plain.size;
}

static void insert(struct deflater *deflater, size_t position)
{
    if (has_hash(deflater, position)) {
        uint32_t hash = hash_at(deflater, position);
        deflater->before[position % WINDOW] = deflater->heads[hash];
        deflater->heads[hash] = (uint32_t)position + 1;
    }
}

/* The longest match of the candidates, the nearest of those. All positions before this one, and not
 * itself, have been inserted. */
static struct match find(const struct deflater *deflater, size_t position)
{
    struct match best = {0};
    if (!has_hash(deflater, position)) {
        return best;
    }
    const uint8_t *here = deflater->plain.data + position;
    size_t left = deflater->plain.size - position;
    unsigned longest = left < MATCH_MAX ? (unsigned)left : MATCH_MAX;
    uint32_t next = deflater->heads[hash_at(deflater, position)];
    for (int i = 0; i < CANDIDATES_MAX && next > 0 && position - (next - 1) <= WINDOW; i++) {
        const uint8_t *there = deflater->plain.data + (next - 1);
        if (best.length == 0 || there[best.length] == here[best.length]) {
            unsigned length = 0;
            while (length < longest && there[length] == here[length]) {
                length++;
            }
            if (length > best.length) {
                best = (struct match){length, (unsigned)(here - there)};
                if (length == longest) {
                    break;
                }
            }
        }
        next = deflater->before[(next - 1) % WINDOW];
    }
    bool counts =
        best.length > MATCH_MIN || (best.length == MATCH_MIN && best.distance <= SHORT_DISTANCE);
    return counts ? best : (struct match){0};
}

/* ---- bits ------------------------------------------------------------------------------------- */

static void put(struct deflater *deflater, uint32_t value, unsigned count)
{
    deflater->bits |= value << deflater->bit_count;
    deflater->bit_count += count;
    while (deflater->bit_count >= 8) {
        assert(deflater->out->size < deflater->out->capacity);
        deflater->out->data[deflater->out->size++] = (uint8_t)deflater->bits;
        deflater->bits >>= 8;
        deflater->bit_count -= 8;
    }
}

static size_t range_of(const struct qr_deflate_range *ranges, size_t count, unsigned value)
{
    size_t low = 0, high = count; /* the last whose base is at most value */
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].base <= value) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t length_code(unsigned length)
{
    return range_of(qr_deflate_lengths, QR_DEFLATE_LENGTHS, length);
}

static size_t distance_code(unsigned distance)
{
    return range_of(qr_deflate_distances, QR_DEFLATE_DISTANCES, distance);
}

/* ---- blocks ----------------------------------------------------------------------------------- */

static void count_tokens(const struct deflater *deflater, uint32_t *literals, uint32_t *distances)
{
    literals[END_OF_BLOCK] = 1;
    for (size_t i = 0; i < deflater->token_count; i++) {
        const struct token *token = &deflater->tokens[i];
        if (token->length == 0) {
            literals[token->value]++;
        } else {
            literals[END_OF_BLOCK + 1 + length_code(token->length)]++;
            distances[distance_code(token->value)]++;
        }
    }
}

static size_t trimmed(const uint8_t *lengths, size_t count, size_t least)
{
    while (count > least && lengths[count - 1] == 0) {
        count--;
    }
    return count;
}

static void add_run(struct header *header, uint8_t symbol, size_t extra)
{
    header->symbols[header->symbol_count] = symbol;
    header->extras[header->symbol_count++] = (uint8_t)extra;
}

static size_t at_most(size_t value, size_t limit)
{
    return value < limit ? value : limit;
}

/* `run` times the same length, as deflate's symbols of lengths and repetitions. */
static void add_lengths(struct header *header, uint8_t length, size_t run)
{
    if (length > 0) {
        add_run(header, length, 0);
        run--;
    }
    while (run >= 3) {
        size_t part = length > 0 ? at_most(run, 6) : at_most(run, 138);
        if (length > 0) {
            add_run(header, 16, part - 3);
        } else if (part >= 11) {
            add_run(header, 18, part - 11);
        } else {
            add_run(header, 17, part - 3);
        }
        run -= part;
    }
    for (; run > 0; run--) {
        add_run(header, length, 0);
    }
}

static void make_header(struct header *header, const struct codes *codes)
{
    uint8_t all[QR_HUFFMAN_SYMBOLS_MAX + QR_DEFLATE_DISTANCES];
    uint32_t counts[19] = {0};
    header->literal_count = trimmed(codes->literal_lengths, LITERALS, 257);
    header->distance_count = trimmed(codes->distance_lengths, QR_DEFLATE_DISTANCES, 1);
    header->symbol_count = 0;
    size_t count = header->literal_count + header->distance_count;
    memcpy(all, codes->literal_lengths, header->literal_count);
    memcpy(all + header->literal_count, codes->distance_lengths, header->distance_count);
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && all[end] == all[start]; end++) {
        }
        add_lengths(header, all[start], end - start);
    }
    for (size_t i = 0; i < header->symbol_count; i++) {
        counts[header->symbols[i]]++;
    }
    qr_huffman_lengths(counts, 19, CODE_LENGTH_LIMIT, header->code_lengths);
    header->order_count = 19;
    while (header->order_count > 4
        && header->code_lengths[qr_deflate_order[header->order_count - 1]] == 0) {
        header->order_count--;
    }
}

static unsigned extra_bits_of(uint8_t symbol)
{
    return symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0;
}

static size_t header_bits(const struct header *header)
{
    size_t bits = 5 + 5 + 4 + 3 * header->order_count;
    for (size_t i = 0; i < header->symbol_count; i++) {
        uint8_t symbol = header->symbols[i];
        bits += header->code_lengths[symbol] + extra_bits_of(symbol);
    }
    return bits;
}

static void put_header(struct deflater *deflater, const struct header *header)
{
    uint16_t codes[19];
    put(deflater, (uint32_t)(header->literal_count - 257), 5);
    put(deflater, (uint32_t)(header->distance_count - 1), 5);
    put(deflater, (uint32_t)(header->order_count - 4), 4);
    for (size_t i = 0; i < header->order_count; i++) {
        put(deflater, header->code_lengths[qr_deflate_order[i]], 3);
    }
    qr_huffman_codes(header->code_lengths, 19, codes);
    for (size_t i = 0; i < header->symbol_count; i++) {
        uint8_t symbol = header->symbols[i];
        put(deflater, codes[symbol], header->code_lengths[symbol]);
        put(deflater, header->extras[i], extra_bits_of(symbol));
    }
}

/* Bits of all codes, without those that follow them: they are the same under any codes. */
static size_t content_bits(
    const struct codes *codes, const uint32_t *literals, const uint32_t *distances)
{
    size_t bits = 0;
    for (size_t i = 0; i < LITERALS; i++) {
        bits += (size_t)literals[i] * codes->literal_lengths[i];
    }
    for (size_t i = 0; i < QR_DEFLATE_DISTANCES; i++) {
        bits += (size_t)distances[i] * codes->distance_lengths[i];
    }
    return bits;
}

static void put_tokens(struct deflater *deflater, const struct codes *codes)
{
    uint16_t literals[QR_HUFFMAN_SYMBOLS_MAX], distances[QR_DEFLATE_DISTANCES];
    qr_huffman_codes(codes->literal_lengths, QR_HUFFMAN_SYMBOLS_MAX, literals);
    qr_huffman_codes(codes->distance_lengths, QR_DEFLATE_DISTANCES, distances);
    for (size_t i = 0; i < deflater->token_count; i++) {
        const struct token *token = &deflater->tokens[i];
        if (token->length == 0) {
            put(deflater, literals[token->value], codes->literal_lengths[token->value]);
            continue;
        }
        size_t length = length_code(token->length), distance = distance_code(token->value);
        size_t symbol = END_OF_BLOCK + 1 + length;
        put(deflater, literals[symbol], codes->literal_lengths[symbol]);
        put(deflater, (uint32_t)(token->length - qr_deflate_lengths[length].base),
            qr_deflate_lengths[length].extra);
        put(deflater, distances[distance], codes->distance_lengths[distance]);
        put(deflater, (uint32_t)(token->value - qr_deflate_distances[distance].base),
            qr_deflate_distances[distance].extra);
    }
    put(deflater, literals[END_OF_BLOCK], codes->literal_lengths[END_OF_BLOCK]);
}

static void put_block(struct deflater *deflater, bool final)
{
    uint32_t literals[LITERALS] = {0}, distances[QR_DEFLATE_DISTANCES] = {0};
    struct codes fixed, own = {0};
    struct header header;
    count_tokens(deflater, literals, distances);
    qr_deflate_fixed(fixed.literal_lengths);
    memset(fixed.distance_lengths, 5, sizeof fixed.distance_lengths);
    size_t fixed_bits = content_bits(&fixed, literals, distances);
    qr_huffman_lengths(literals, LITERALS, LENGTH_LIMIT, own.literal_lengths);
    qr_huffman_lengths(distances, QR_DEFLATE_DISTANCES, LENGTH_LIMIT, own.distance_lengths);
    make_header(&header, &own);
    /* what counts once so that there are two symbols is in the counts by now */
    size_t own_bits = header_bits(&header) + content_bits(&own, literals, distances);
    bool dynamic = own_bits < fixed_bits;
    put(deflater, final, 1);
    put(deflater, dynamic ? 2 : 1, 2);
    if (dynamic) {
        put_header(deflater, &header);
    }
    put_tokens(deflater, dynamic ? &own : &fixed);
    deflater->token_count = 0;
}

static void add_token(struct deflater *deflater, struct token token)
{
    if (deflater->token_count == TOKENS_MAX) {
        put_block(deflater, false);
    }
    deflater->tokens[deflater->token_count++] = token;
}

static void deflate_all(struct deflater *deflater)
{
    size_t position = 0;
    struct match match = find(deflater, 0);
    while (position < deflater->plain.size) {
        struct match next = {0};
        insert(deflater, position);
        if (match.length < LONG_ENOUGH) {
            next = find(deflater, position + 1);
        }
        if (match.length == 0 || next.length > match.length) {
            add_token(deflater, (struct token){0, deflater->plain.data[position]});
            position++;
            match = next;
            continue;
        }
        add_token(deflater, (struct token){(uint16_t)match.length, (uint16_t)match.distance});
        for (unsigned i = 1; i < match.length; i++) {
            insert(deflater, position + i);
        }
        position += match.length;
        match = find(deflater, position);
    }
    put_block(deflater, true);
    put(deflater, 0, (8 - deflater->bit_count) % 8);
}

enum quire_status qr_deflate(struct quire_bytes plain, struct quire_buffer *out_deflated)
{
    if (plain.size > QR_OBJECT_MAX) {
        return QUIRE_ELIMIT;
    }
    enum quire_status status = quire_buffer_reserve(out_deflated, plain.size + plain.size / 8 + 16);
    struct deflater *deflater = status == QUIRE_OK ? malloc(sizeof *deflater) : NULL;
    if (deflater == NULL) {
        return QUIRE_ENOMEM;
    }
    memset(deflater->heads, 0, sizeof deflater->heads);
    deflater->plain = plain;
    deflater->token_count = 0;
    deflater->out = out_deflated;
    deflater->bits = deflater->bit_count = 0;
    deflate_all(deflater);
    free(deflater);
    return QUIRE_OK;
}
