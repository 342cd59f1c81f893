/*
 * Claim: nothing that a person typed is readable in what the server sees or keeps, nor on a disk.
 *
 * Everything typed has runs of letters of plane 15, each F3 B0…BF 80…BF 80…BF in UTF-8. Four in a
 * row come up in random bytes once in 2^64 places, so ciphertext never looks like it.
 */
#include "checkers.h"

#include <string.h>

#define LETTER_SIZE 4u
#define IN_A_ROW 4u

static bool is_canary(const uint8_t *at)
{
    for (size_t i = 0; i < IN_A_ROW; i++, at += LETTER_SIZE) {
        if (at[0] != 0xf3 || at[1] < 0xb0 || at[1] > 0xbf || (at[2] & 0xc0) != 0x80
            || (at[3] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

static void check(struct world *world, const char *where, struct quire_bytes bytes)
{
    world->bytes_scanned += bytes.size;
    if (bytes.size < LETTER_SIZE * IN_A_ROW) {
        return;
    }
    const uint8_t *at = bytes.data;
    size_t left = bytes.size - LETTER_SIZE * IN_A_ROW + 1;
    for (;;) {
        const uint8_t *found = memchr(at, 0xf3, left);
        if (found == NULL) {
            return;
        }
        if (is_canary(found)) {
            world_fail(world, "canary", "what a person typed is readable in %s, at byte %zu of %zu",
                where, (size_t)(found - bytes.data), bytes.size);
            return;
        }
        left -= (size_t)(found - at) + 1;
        at = found + 1;
        if (left == 0) {
            return;
        }
    }
}

const struct observer canary_observer = {.bytes_exposed = check};
