#include "kit/random.h"

uint64_t kit_random_next(struct kit_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

uint64_t kit_random_below(struct kit_random *random, uint64_t below)
{
    return below == 0 ? 0 : kit_random_next(random) % below;
}

void kit_random_fill(struct kit_random *random, void *out, size_t size)
{
    uint8_t *bytes = out;
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number = i % 8 == 0 ? kit_random_next(random) : number >> 8;
        bytes[i] = (uint8_t)number;
    }
}
