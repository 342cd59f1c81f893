/*
 * Huffman codes of deflate: the lengths that fit some counts, and the codes that the lengths give.
 */
#ifndef QR_CODEC_HUFFMAN_H
#define QR_CODEC_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

#define QR_HUFFMAN_SYMBOLS_MAX 288
#define QR_HUFFMAN_BITS_MAX 15

#define QR_DEFLATE_LENGTHS 29   /* codes of lengths, from 257 on */
#define QR_DEFLATE_DISTANCES 30 /* codes of distances */

/** A code of lengths or distances: its least value, and how many bits follow it. */
struct qr_deflate_range {
    uint16_t base;
    uint8_t extra;
};
extern const struct qr_deflate_range qr_deflate_lengths[QR_DEFLATE_LENGTHS];
extern const struct qr_deflate_range qr_deflate_distances[QR_DEFLATE_DISTANCES];
/** In which order the lengths of the code of code lengths are written. */
extern const uint8_t qr_deflate_order[19];
/** The fixed code's lengths of 288 literals and lengths; all of its distances have 5. */
void qr_deflate_fixed(uint8_t out_lengths[QR_HUFFMAN_SYMBOLS_MAX]);

/**
 * The code lengths, at most `limit`, with the fewest bits for these counts (package-merge; Larmore and
 * Hirschberg 1990); 0 for what is not used. At least two symbols are used: symbol 0, then 1 count once
 * where there are fewer, and `counts` says so afterwards. Sums of counts are below 2^24.
 */
void qr_huffman_lengths(
    uint32_t *counts, size_t symbol_count, unsigned limit, uint8_t *out_lengths);

/** The canonical codes of lengths, first bit lowest, as deflate writes them. */
void qr_huffman_codes(const uint8_t *lengths, size_t symbol_count, uint16_t *out_codes);

#endif
