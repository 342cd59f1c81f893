/*
 * xoshiro256** and splitmix64, both from the public domain.
 */
#include "prng.h"

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void prng_seed(struct prng *prng, uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;
    uint64_t mixed = splitmix(&state) ^ (stream * 0xd1342543de82ef95u);
    for (size_t i = 0; i < 4; i++) {
        prng->state[i] = splitmix(&mixed);
    }
}

static uint64_t rotate(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    /* The bias of a remainder is below 2^-40 for the bounds used here. */
    return bound == 0 ? 0 : prng_next(prng) % bound;
}

uint64_t prng_range(struct prng *prng, uint64_t low, uint64_t high)
{
    return low + prng_below(prng, high - low + 1);
}

bool prng_chance(struct prng *prng, uint64_t per_million)
{
    return prng_below(prng, PER_MILLION) < per_million;
}

uint64_t prng_about(struct prng *prng, uint64_t mean)
{
    return prng_range(prng, 1, 2 * mean);
}

void prng_bytes(struct prng *prng, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint64_t word = prng_next(prng);
        for (size_t j = 0; j < 8 && i < size; j++, i++) {
            out[i] = (uint8_t)(word >> (8 * j));
        }
    }
}
