/*
 * Whole-number helpers: hashing, drawing, roots, rounding. No floating point is used in this folder, so
 * every compiler and machine computes the same bytes.
 *
 * Hash and generator: splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators",
 * 2014).
 */
#ifndef QR_INSIGHT_NUMBER_H
#define QR_INSIGHT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/** Mixes 64 bits, one to one. */
static inline uint64_t qr_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/** A hash of code points, step by step: begin, a step for each, then qr_mix. */
static inline uint64_t qr_hash_begin(uint64_t seed)
{
    return seed * UINT64_C(0x9e3779b97f4a7c15) + 0x1234567;
}

static inline uint64_t qr_hash_step(uint64_t hash, uint32_t point)
{
    hash = (hash ^ point) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

/** Hashes code points; different seeds give independent hashes. */
uint64_t qr_hash_points(const uint32_t *points, size_t count, uint64_t seed);

/** The next 64 bits of a generator; any state is a good one. */
uint64_t qr_draw(uint64_t *state);

/** A number below n, n ≥ 1. */
uint32_t qr_draw_below(uint64_t *state, uint32_t n);

/** The root, rounded down. */
uint64_t qr_root(uint64_t x);

/** a/b rounded to the nearest, halves away from zero; b > 0. */
int64_t qr_divide(int64_t a, int64_t b);

/** Sorts ascending, in place, without memory. */
void qr_sort_numbers(int64_t *numbers, size_t count);

#endif
