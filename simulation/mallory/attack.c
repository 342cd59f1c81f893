/*
 * quire-sim attack: every strategy of Mallory over many seeds, and what came of it.
 */
#include "mallory.h"

#include "commands.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MOST 64u

static const char usage[] =
    "usage: quire-sim attack [--seed S] [--seeds N] [--jobs J] [--trace] [--list] [--rows]\n"
    "                        [STRATEGY…]\n"
    "\n"
    "Puts a hostile server in the place of the honest one. A seed draws her targets, her moments and\n"
    "how often she acts; until the faults end, when she turns honest and all must heal. Checked at\n"
    "every step: phones apply what enrolled devices of their user signed, causes before effects, once;\n"
    "nobody reads what was sealed after its revocation; no key and no typed letter leaves a phone; a\n"
    "phone that says it has everything has what was named to it. At the end: what had to be noticed\n"
    "was, nothing else raised an alarm, and all phones show what people wrote.\n"
    "\n"
    "  --seed S    the first seed (1)\n"
    "  --seeds N   for each strategy (100)\n"
    "  --jobs J    processes at once (1)\n"
    "  --trace     one seed of one strategy, line by line\n"
    "  --list      what the strategies do\n"
    "  --rows      the classes of attacks: the strategies that stand for each, their teeth (the defences\n"
    "              without which one succeeds), or why it cannot be tried; ends with 1 if one could and\n"
    "              is not\n"
    "\n"
    "Columns: seeds; runs in which she misbehaved; runs in which she did what must be noticed; how\n"
    "many of these were (the rest fail); failures. Ends with 1 if a run failed.\n";

struct tally {
    uint64_t runs, misbehaved, struck, named, failures, cpu_us;
    uint64_t first_failure; /* seed */
    char claim[32], text[512];
};

struct arguments {
    uint64_t seed, seeds, jobs;
    bool tracing;
};

static void prepare(uint64_t number, uint64_t seed, struct options *out_options)
{
    options_draw(out_options, seed, 8);
    mallory_prepare(out_options, number, seed);
}

static void run_one(uint64_t number, uint64_t seed, bool tracing, struct run_result *result)
{
    struct options options;
    prepare(number, seed, &options);
    run_once(seed, &options, tracing, NULL, result);
}

static void run_some(uint64_t number, const struct arguments *arguments, uint64_t job,
    struct tally *tally)
{
    struct run_result result;
    clock_t begin = clock();
    for (uint64_t i = job; i < arguments->seeds; i += arguments->jobs) {
        run_one(number, arguments->seed + i, false, &result);
        tally->runs++;
        tally->misbehaved += result.misdeeds > 0;
        tally->struck += result.strikes > 0;
        tally->named += result.strikes > 0 && result.named > 0;
        if (result.failed && tally->failures++ == 0) {
            tally->first_failure = arguments->seed + i;
            memcpy(tally->claim, result.claim, sizeof tally->claim);
            snprintf(tally->text, sizeof tally->text, "%.*s", (int)sizeof tally->text - 1, result.text);
        }
    }
    tally->cpu_us = (uint64_t)(clock() - begin) * 1000000 / CLOCKS_PER_SEC;
}

static void add(struct tally *sum, const struct tally *part)
{
    if (part->failures > 0 && sum->failures == 0) {
        sum->first_failure = part->first_failure;
        memcpy(sum->claim, part->claim, sizeof sum->claim);
        memcpy(sum->text, part->text, sizeof sum->text);
    }
    sum->runs += part->runs;
    sum->misbehaved += part->misbehaved;
    sum->struck += part->struck;
    sum->named += part->named;
    sum->failures += part->failures;
    sum->cpu_us += part->cpu_us;
}

/* Each job is a process over memory that is shared with this one. */
static struct tally attack(uint64_t number, const struct arguments *arguments)
{
    struct tally sum = {0};
    size_t size = arguments->jobs * sizeof sum;
    struct tally *parts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (parts == MAP_FAILED) {
        abort();
    }
    fflush(stdout);
    uint64_t running = 0;
    for (uint64_t job = 0; job < arguments->jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            run_some(number, arguments, job, &parts[job]);
            _exit(0);
        }
        running += child > 0;
    }
    for (int status = 0; running > 0; running--) {
        if (wait(&status) < 0 || !WIFEXITED(status)) {
            sum.failures++;
            snprintf(sum.text, sizeof sum.text, "a process died: run the seeds alone to see which");
        }
    }
    for (uint64_t job = 0; job < arguments->jobs; job++) {
        add(&sum, &parts[job]);
    }
    munmap(parts, size);
    return sum;
}

static bool print_row(const struct strategy *strategy, const struct tally *tally)
{
    printf("%-16s %-8s %7" PRIu64 " %8" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %8.1f\n",
        strategy->name, strategy->rows, tally->runs, tally->misbehaved, tally->struck, tally->named,
        tally->failures, 1e6 * (double)tally->runs / ((double)tally->cpu_us + 1));
    if (tally->failures > 0) {
        printf("  FAILED %s, seed %" PRIu64 ": %s\n  again: quire-sim attack %s --seed %" PRIu64
               " --trace\n",
            tally->claim, tally->first_failure, tally->text, strategy->name, tally->first_failure);
    }
    fflush(stdout);
    return tally->failures == 0;
}

static bool take_number(uint64_t *out, const char *text)
{
    char *end = NULL;
    *out = text == NULL || *text < '0' || *text > '9' ? 0 : strtoull(text, &end, 10);
    return end != NULL && *end == 0;
}

static int trace_one(uint64_t number, const struct arguments *arguments)
{
    struct run_result result;
    struct options options;
    prepare(number, arguments->seed, &options);
    options_print(&options, stdout); /* for a line in simulation/seeds.txt */
    run_one(number, arguments->seed, true, &result);
    if (result.failed) {
        printf("FAILED %s, seed %" PRIu64 ": %s\n", result.claim, arguments->seed, result.text);
    }
    printf("%" PRIu64 " misdeeds, %" PRIu64 " to be noticed, noticed %" PRIu64 " times\n",
        result.misdeeds, result.strikes, result.named);
    return result.failed;
}

int command_attack(int count, char **words)
{
    struct arguments arguments = {.seed = 1, .seeds = 100, .jobs = 1};
    uint64_t chosen[64];
    size_t chosen_count = 0;
    for (int i = 0; i < count; i++) {
        const char *next = i + 1 < count ? words[i + 1] : NULL;
        uint64_t *number = strcmp(words[i], "--seed") == 0    ? &arguments.seed
                           : strcmp(words[i], "--seeds") == 0 ? &arguments.seeds
                           : strcmp(words[i], "--jobs") == 0  ? &arguments.jobs
                                                              : NULL;
        if (number != NULL && take_number(number, next)) {
            i++;
        } else if (strcmp(words[i], "--trace") == 0) {
            arguments.tracing = true;
        } else if (strcmp(words[i], "--list") == 0) {
            for (size_t s = 0; s < strategy_count; s++) {
                printf("%-16s %-8s %s\n", strategies[s].name, strategies[s].rows, strategies[s].text);
            }
            return 0;
        } else if (strcmp(words[i], "--rows") == 0) {
            return mallory_print_rows() ? 0 : 1;
        } else if (words[i][0] != '-' && chosen_count < 64 && strategy_by_name(words[i]) != 0) {
            chosen[chosen_count++] = strategy_by_name(words[i]);
        } else {
            fputs(usage, strcmp(words[i], "--help") == 0 ? stdout : stderr);
            return strcmp(words[i], "--help") == 0 ? 0 : 2;
        }
    }
    if (arguments.jobs == 0 || arguments.jobs > JOBS_MOST || (arguments.tracing && chosen_count != 1)) {
        fputs(usage, stderr);
        return 2;
    }
    if (arguments.tracing) {
        return trace_one(chosen[0], &arguments);
    }
    bool well = true;
    printf("%-16s %-8s %7s %8s %7s %7s %7s %8s\n", "Mallory", "rows", "seeds", "misdeeds", "struck",
        "noticed", "failed", "seeds/s");
    for (uint64_t i = 0; i < (chosen_count > 0 ? chosen_count : strategy_count); i++) {
        uint64_t number = chosen_count > 0 ? chosen[i] : i + 1;
        struct tally tally = attack(number, &arguments);
        well &= print_row(&strategies[number - 1], &tally);
    }
    return well ? 0 : 1;
}
