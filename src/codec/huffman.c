/*
 * Huffman codes of deflate.
 */
#include "codec/huffman.h"
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define ITEMS_MAX (2 * QR_HUFFMAN_SYMBOLS_MAX)

const struct qr_deflate_range qr_deflate_lengths[QR_DEFLATE_LENGTHS] = {{3, 0}, {4, 0}, {5, 0},
    {6, 0}, {7, 0}, {8, 0}, {9, 0}, {10, 0}, {11, 1}, {13, 1}, {15, 1}, {17, 1}, {19, 2}, {23, 2},
    {27, 2}, {31, 2}, {35, 3}, {43, 3}, {51, 3}, {59, 3}, {67, 4}, {83, 4}, {99, 4}, {115, 4},
    {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}};

const struct qr_deflate_range qr_deflate_distances[QR_DEFLATE_DISTANCES] = {{1, 0}, {2, 0}, {3, 0},
    {4, 0}, {5, 1}, {7, 1}, {9, 2}, {13, 2}, {17, 3}, {25, 3}, {33, 4}, {49, 4}, {65, 5}, {97, 5},
    {129, 6}, {193, 6}, {257, 7}, {385, 7}, {513, 8}, {769, 8}, {1025, 9}, {1537, 9}, {2049, 10},
    {3073, 10}, {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}};

const uint8_t qr_deflate_order[19] = {
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

void qr_deflate_fixed(uint8_t out_lengths[QR_HUFFMAN_SYMBOLS_MAX])
{
    memset(out_lengths, 8, 144);
    memset(out_lengths + 144, 9, 112);
    memset(out_lengths + 256, 7, 24);
    memset(out_lengths + 280, 8, 8);
}

/** The used symbols, ascending by count, then by number. */
struct leaves {
    uint16_t symbols[QR_HUFFMAN_SYMBOLS_MAX];
    uint32_t weights[QR_HUFFMAN_SYMBOLS_MAX];
    size_t count;
};

static void sort_leaves(struct leaves *leaves, const uint32_t *counts, size_t symbol_count)
{
    leaves->count = 0;
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        if (counts[symbol] == 0) {
            continue;
        }
        size_t place = leaves->count++;
        while (place > 0 && leaves->weights[place - 1] > counts[symbol]) {
            leaves->weights[place] = leaves->weights[place - 1];
            leaves->symbols[place] = leaves->symbols[place - 1];
            place--;
        }
        leaves->weights[place] = counts[symbol];
        leaves->symbols[place] = (uint16_t)symbol;
    }
}

/** One level's list of leaves and packages, ascending; only its weights are needed by the next level. */
struct level {
    uint32_t weights[ITEMS_MAX];
    size_t count;
};

/* The leaves, and pairs of the level below: a leaf before a package of the same weight. */
static void merge_level(const struct leaves *leaves, const struct level *below, struct level *level,
    bool is_leaf[ITEMS_MAX])
{
    size_t leaf = 0, package = 0, packages = below->count / 2;
    level->count = 0;
    while (leaf < leaves->count || package < packages) {
        uint32_t pair = package < packages
            ? below->weights[2 * package] + below->weights[2 * package + 1]
            : UINT32_MAX;
        bool take_leaf = leaf < leaves->count && leaves->weights[leaf] <= pair;
        is_leaf[level->count] = take_leaf;
        level->weights[level->count++] = take_leaf ? leaves->weights[leaf] : pair;
        leaf += take_leaf;
        package += !take_leaf;
    }
}

void qr_huffman_lengths(uint32_t *counts, size_t symbol_count, unsigned limit, uint8_t *out_lengths)
{
    static const struct level none;
    struct leaves leaves;
    struct level levels[2];
    bool is_leaf[QR_HUFFMAN_BITS_MAX][ITEMS_MAX];
    size_t used = 0;
    assert(symbol_count >= 2 && symbol_count <= QR_HUFFMAN_SYMBOLS_MAX);
    assert(limit <= QR_HUFFMAN_BITS_MAX);
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        used += counts[symbol] > 0;
    }
    for (size_t symbol = 0; used < 2; symbol++) {
        used += counts[symbol] == 0;
        counts[symbol] += counts[symbol] == 0;
    }
    sort_leaves(&leaves, counts, symbol_count);
    for (unsigned i = 0; i < limit; i++) {
        merge_level(&leaves, i == 0 ? &none : &levels[(i - 1) % 2], &levels[i % 2], is_leaf[i]);
    }
    memset(out_lengths, 0, symbol_count);
    size_t wanted = 2 * leaves.count - 2;
    for (unsigned i = limit; i-- > 0;) {
        size_t taken = 0; /* leaves among the items of this level that are wanted */
        for (size_t item = 0; item < wanted; item++) {
            taken += is_leaf[i][item];
        }
        for (size_t leaf = 0; leaf < taken; leaf++) {
            out_lengths[leaves.symbols[leaf]]++;
        }
        wanted = 2 * (wanted - taken);
    }
}

static uint16_t reversed(unsigned code, unsigned bits)
{
    unsigned out = 0;
    for (unsigned i = 0; i < bits; i++) {
        out = out << 1 | (code >> i & 1);
    }
    return (uint16_t)out;
}

void qr_huffman_codes(const uint8_t *lengths, size_t symbol_count, uint16_t *out_codes)
{
    unsigned counts[QR_HUFFMAN_BITS_MAX + 1] = {0}, next[QR_HUFFMAN_BITS_MAX + 1] = {0};
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        counts[lengths[symbol]] += lengths[symbol] > 0;
    }
    for (unsigned bits = 2; bits <= QR_HUFFMAN_BITS_MAX; bits++) {
        next[bits] = (next[bits - 1] + counts[bits - 1]) << 1;
    }
    for (size_t symbol = 0; symbol < symbol_count; symbol++) {
        unsigned bits = lengths[symbol];
        out_codes[symbol] = bits == 0 ? 0 : reversed(next[bits]++, bits);
    }
}
