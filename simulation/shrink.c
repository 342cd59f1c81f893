/*
 * Tries options one after another: none of it, or less of it. What still fails in the same claim is
 * kept. Each attempt is a whole run, so the number of rounds is small.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "shrink.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ROUNDS 3

/* The least value that makes sense. */
static uint64_t least(const char *name)
{
    static const char *const ones[] = {"minutes", "users", "phones", "entries", "acts_per_minute",
        "writing_s", "resting_s", "delay_ms", "bytes_per_ms", "stall_length_s", "offline_length_s",
        "server_down_s", "server_disk_ms", "server_memory", "pushes_per_second", "pushes_burst", "phone_down_s", "phone_disk_ms",
        "text_length"};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        if (strcmp(name, ones[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

static bool still_fails(uint64_t seed, const struct options *options,
    const struct run_result *failure)
{
    struct run_result result;
    run_once(seed, options, false, NULL, &result);
    return result.failed && strcmp(result.claim, failure->claim) == 0;
}

void shrink(uint64_t seed, const struct options *options, const struct run_result *failure,
    FILE *out)
{
    struct options smallest = *options;
    struct options drawn;
    for (int round = 0; round < ROUNDS; round++) {
        bool smaller = false;
        for (size_t i = 0; i < options_count(); i++) {
            uint64_t now = *options_at(&smallest, i);
            uint64_t to[] = {least(options_name(i)), now / 2};
            for (size_t j = 0; j < 2; j++) {
                struct options attempt = smallest;
                *options_at(&attempt, i) = to[j];
                if (to[j] < now && to[j] >= to[0] && still_fails(seed, &attempt, failure)) {
                    smallest = attempt;
                    smaller = true;
                    break;
                }
            }
        }
        if (!smaller) {
            break;
        }
    }
    options_draw(&drawn, seed, smallest.minutes);
    fprintf(out, "smallest: %s --seed %" PRIu64 " --minutes-simulated %" PRIu64,
        program_invocation_short_name, seed, smallest.minutes);
    for (size_t i = 0; i < options_count(); i++) {
        if (*options_at(&smallest, i) != *options_at(&drawn, i)) {
            fprintf(out, " --set %s=%" PRIu64, options_name(i), *options_at(&smallest, i));
        }
    }
    fputc('\n', out);
}
