/*
 * Tries options one after another: none of it, or less of it. What still fails in the same claim is
 * kept. Then leaves out edits and faults: half of them, a quarter, … down to each one alone (Zeller,
 * Hildebrandt: delta debugging, 2002). Each attempt is a whole run, so their number is bounded.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "shrink.h"

#include "plan.h"
#include "report/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 3
#define PASSES 2
#define ATTEMPTS_MAX 600u /* runs to find out which edits and faults matter */
#define DEEDS_MAX 20000u
#define STORY_LINES_AT_MOST 80u

/* The least value that makes sense. */
static uint64_t least(const char *name)
{
    static const char *const ones[] = {"minutes", "users", "phones", "entries", "acts_per_minute",
        "writing_s", "resting_s", "delay_ms", "bytes_per_ms", "stall_length_s", "offline_length_s",
        "server_down_s", "server_disk_ms", "server_memory", "pushes_per_second", "pushes_burst",
        "phone_down_s", "phone_disk_ms", "text_length"};
    for (size_t i = 0; i < sizeof ones / sizeof *ones; i++) {
        if (strcmp(name, ones[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Of the same claim; "is not quiet" and "shows something else" are two ways not to converge. */
static bool same_way(const struct run_result *a, const struct run_result *b)
{
    size_t word = strcmp(a->claim, "converge") == 0 ? strcspn(a->text, " ") : 0;
    return strcmp(a->claim, b->claim) == 0 && strncmp(a->text, b->text, word) == 0;
}

static bool still_fails(uint64_t seed, const struct options *options, const struct skips *skips,
    const struct run_result *failure)
{
    struct run_result result;
    run_without(seed, options, skips, false, NULL, &result);
    return result.failed && same_way(failure, &result);
}

/* ---- edits and faults ------------------------------------------------------------------------ */

/* without[0] is never true. False: there are too many ranges. */
static bool skips_of(const bool *without, uint64_t count, struct skips *out_skips)
{
    out_skips->count = 0;
    for (uint64_t i = 1; i <= count; i++) {
        if (!without[i]) {
            continue;
        }
        if (!without[i - 1]) {
            if (out_skips->count == SKIPS_MAX) {
                return false;
            }
            out_skips->ranges[out_skips->count++].from = i;
        }
        out_skips->ranges[out_skips->count - 1].to = i;
    }
    return true;
}

/* Adds to skips. */
static void leave_out(uint64_t seed, const struct options *options,
    const struct run_result *failure, struct skips *skips)
{
    struct run_result whole;
    run_without(seed, options, skips, false, NULL, &whole);
    uint64_t count = whole.operations < DEEDS_MAX ? whole.operations : DEEDS_MAX;
    bool *without = sim_alloc(2 * ((size_t)count + 1));
    bool *before = without + count + 1;
    for (size_t r = 0; r < skips->count; r++) {
        for (uint64_t d = skips->ranges[r].from; d <= skips->ranges[r].to && d <= count; d++) {
            without[d] = true;
        }
    }
    unsigned attempts = 0;
    for (uint64_t size = (count + 1) / 2; size > 0; size = size == 1 ? 0 : (size + 1) / 2) {
        for (uint64_t from = 1; from <= count && attempts < ATTEMPTS_MAX; from += size) {
            struct skips attempt;
            uint64_t to = from + size - 1 < count ? from + size - 1 : count, news = 0;
            memcpy(before, without, (size_t)count + 1);
            for (uint64_t i = from; i <= to; i++) {
                news += !without[i];
                without[i] = true;
            }
            attempts += news > 0;
            if (news > 0
                && (!skips_of(without, count, &attempt)
                    || !still_fails(seed, options, &attempt, failure))) {
                memcpy(without, before, (size_t)count + 1);
            }
        }
    }
    (void)skips_of(without, count, skips);
    free(without);
}

/* ---- what is left ---------------------------------------------------------------------------- */

static void print_command(
    uint64_t seed, const struct options *options, const struct skips *skips, FILE *out)
{
    struct options copy = *options, drawn;
    options_draw(&drawn, seed, options->minutes);
    fprintf(out, "smallest: %s --seed %" PRIu64 " --minutes-simulated %" PRIu64,
        program_invocation_short_name, seed, options->minutes);
    for (size_t i = 0; i < options_count(); i++) {
        if (*options_at(&copy, i) != *options_at(&drawn, i)) {
            fprintf(out, " --set %s=%" PRIu64, options_name(i), *options_at(&copy, i));
        }
    }
    skips_print(skips, out);
    fputc('\n', out);
}

static void print_story(
    uint64_t seed, const struct options *options, const struct skips *skips, FILE *out)
{
    struct world *world = world_create(seed, options, false);
    struct run_result result;
    world->skips = skips;
    recording_begin(world);
    run_in(world, &result);
    const struct recording *recording = world->recording;
    size_t told = 0, edits = 0;
    fputs("what is left of it:\n", out);
    for (size_t i = 0; i < recording->line_count; i++) {
        const struct recorded_line *line = &recording->lines[i];
        edits += line->kind == LINE_EDIT;
        if (line->kind == LINE_NOTE || line->kind == LINE_NOTICE || told++ >= STORY_LINES_AT_MOST) {
            continue;
        }
        fprintf(out, "  %9.3f s  ", (double)line->at_ms / 1000);
        if (line->lane < PHONES_MAX && strncmp(line->text, "phone ", 6) != 0) {
            fprintf(out, "phone %" PRIu32 ": ", line->lane);
        }
        fprintf(out, "%s\n", line->text);
    }
    if (told > STORY_LINES_AT_MOST) {
        fprintf(out, "  and %zu more\n", told - STORY_LINES_AT_MOST);
    }
    fprintf(out, "  %zu edits, %" PRIu32 " phones; %s: %s\n", edits, world->phone_count,
        result.claim, result.text);
    world_destroy(world);
}

static bool make_smaller(uint64_t seed, const struct skips *skips, const struct run_result *failure,
    struct options *options)
{
    bool any = false, smaller = true;
    for (int round = 0; round < ROUNDS && smaller; round++) {
        smaller = false;
        for (size_t i = 0; i < options_count(); i++) {
            uint64_t now = *options_at(options, i);
            uint64_t to[] = {least(options_name(i)), now / 2};
            for (size_t j = 0; j < 2; j++) {
                struct options attempt = *options;
                *options_at(&attempt, i) = to[j];
                if (to[j] < now && to[j] >= to[0] && still_fails(seed, &attempt, skips, failure)) {
                    *options = attempt;
                    any = smaller = true;
                    break;
                }
            }
        }
    }
    return any;
}

void shrink(uint64_t seed, const struct options *options, const struct skips *skips,
    const struct run_result *failure, FILE *out)
{
    struct options smallest = *options;
    struct skips most = *skips;
    (void)make_smaller(seed, &most, failure, &smallest);
    print_command(seed, &smallest, &most, out); /* in case that the rest takes too long */
    fflush(out);
    leave_out(seed, &smallest, failure, &most);
    for (int pass = 0; pass < PASSES && make_smaller(seed, &most, failure, &smallest); pass++) {
        leave_out(seed, &smallest, failure, &most);
    }
    if (most.count > 0) {
        print_command(seed, &smallest, &most, out);
    }
    print_story(seed, &smallest, &most, out);
}
