/*
 * The only source of chance in the simulation: xoshiro256** (Blackman, Vigna, 2018), seeded by
 * splitmix64. Whole numbers only, so that every compiler draws the same.
 */
#ifndef SIMULATION_PRNG_H
#define SIMULATION_PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PER_MILLION 1000000u

struct prng {
    uint64_t state[4];
};

/** A stream of its own for each (seed, stream): drawing more here never changes what comes there. */
void prng_seed(struct prng *prng, uint64_t seed, uint64_t stream);
uint64_t prng_next(struct prng *prng);
/** 0 … bound − 1; 0 for bound 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);
/** low … high, both included. */
uint64_t prng_range(struct prng *prng, uint64_t low, uint64_t high);
/** True `per_million` times in a million. */
bool prng_chance(struct prng *prng, uint64_t per_million);
/** 1 … 2 × mean, so `mean` on average: how long until something happens again. */
uint64_t prng_about(struct prng *prng, uint64_t mean);
void prng_bytes(struct prng *prng, uint8_t *out, size_t size);

#endif
