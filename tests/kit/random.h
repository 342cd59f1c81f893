/*
 * Pseudo-random numbers of tests. They follow from the seed alone, with every compiler.
 * Source: splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
 */
#ifndef QR_TESTS_KIT_RANDOM_H
#define QR_TESTS_KIT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/** Set state to the seed before the first use. */
struct kit_random {
    uint64_t state;
};

uint64_t kit_random_next(struct kit_random *random);

/** 0 … below - 1; 0 where below is 0. */
uint64_t kit_random_below(struct kit_random *random, uint64_t below);

/** Fills size bytes; big-endian and little-endian machines get the same. */
void kit_random_fill(struct kit_random *random, void *out, size_t size);

#endif
