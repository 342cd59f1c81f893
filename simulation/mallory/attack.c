/*
 * quire-sim attack: every strategy of Mallory over many seeds, and what came of it.
 */
#include "mallory.h"

#include "arguments.h"
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
#define CHOSEN_MOST 64u

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

struct wishes {
    uint64_t seed, seeds, jobs;
    bool tracing;
    uint32_t chosen[CHOSEN_MOST]; /* numbers of strategies; none: all of them */
    size_t chosen_count;
};

static void prepare(uint32_t number, uint64_t seed, struct options *out_options)
{
    options_draw(out_options, seed, 8);
    mallory_prepare(out_options, number, seed);
}

static void run_one(uint32_t number, uint64_t seed, bool tracing, struct run_result *result)
{
    struct options options;
    prepare(number, seed, &options);
    run_once(seed, &options, tracing, NULL, result);
}

static void run_some(uint32_t number, const struct wishes *wishes, uint64_t job,
    struct tally *tally)
{
    struct run_result result;
    clock_t begin = clock();
    for (uint64_t i = job; i < wishes->seeds; i += wishes->jobs) {
        run_one(number, wishes->seed + i, false, &result);
        tally->runs++;
        tally->misbehaved += result.misdeeds > 0;
        tally->struck += result.strikes > 0;
        tally->named += result.strikes > 0 && result.named > 0;
        if (result.failed && tally->failures++ == 0) {
            tally->first_failure = wishes->seed + i;
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
static struct tally attack(uint32_t number, const struct wishes *wishes)
{
    struct tally sum = {0};
    size_t size = wishes->jobs * sizeof sum;
    struct tally *parts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (parts == MAP_FAILED) {
        abort();
    }
    fflush(stdout);
    uint64_t running = 0;
    for (uint64_t job = 0; job < wishes->jobs; job++) {
        pid_t child = fork();
        if (child == 0) {
            run_some(number, wishes, job, &parts[job]);
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
    for (uint64_t job = 0; job < wishes->jobs; job++) {
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

static int trace_one(uint32_t number, const struct wishes *wishes)
{
    struct run_result result;
    struct options options;
    prepare(number, wishes->seed, &options);
    options_print(&options, stdout); /* for a line in simulation/seeds.txt */
    run_one(number, wishes->seed, true, &result);
    if (result.failed) {
        printf("FAILED %s, seed %" PRIu64 ": %s\n", result.claim, wishes->seed, result.text);
    }
    printf("%" PRIu64 " misdeeds, %" PRIu64 " to be noticed, noticed %" PRIu64 " times\n",
        result.misdeeds, result.strikes, result.named);
    return result.failed;
}

static const char *take_strategy(void *context, const char *word)
{
    struct wishes *wishes = context;
    uint32_t number = strategy_by_name(word);
    if (number == 0 || wishes->chosen_count == CHOSEN_MOST) {
        return number == 0 ? "is no strategy; --list says which there are" : "is one strategy too many";
    }
    wishes->chosen[wishes->chosen_count++] = number;
    return NULL;
}

static void print_list(void)
{
    for (size_t i = 0; i < strategy_count; i++) {
        printf("%-16s %-8s %s\n", strategies[i].name, strategies[i].rows, strategies[i].text);
    }
}

static bool attack_with_all(const struct wishes *wishes)
{
    bool well = true;
    printf("%-16s %-8s %7s %8s %7s %7s %7s %8s\n", "Mallory", "rows", "seeds", "misdeeds", "struck",
        "noticed", "failed", "seeds/s");
    for (uint32_t i = 0; i < (wishes->chosen_count > 0 ? wishes->chosen_count : strategy_count); i++) {
        uint32_t number = wishes->chosen_count > 0 ? wishes->chosen[i] : i + 1;
        struct tally tally = attack(number, wishes);
        well &= print_row(&strategies[number - 1], &tally);
    }
    return well;
}

int command_attack(int count, char **words)
{
    struct wishes wishes = {.seed = 1, .seeds = 100, .jobs = 1};
    bool list = false, rows = false;
    const struct argument known[] = {
        {"--seed", .number = &wishes.seed},
        {"--seeds", .number = &wishes.seeds},
        {"--jobs", .number = &wishes.jobs, .least = 1, .most = JOBS_MOST},
        {"--trace", .flag = &wishes.tracing},
        {"--list", .flag = &list},
        {"--rows", .flag = &rows},
        {NULL, .take = take_strategy, .context = &wishes},
    };
    arguments_read("quire-sim attack", usage, known, sizeof known / sizeof *known, count, words);
    if (wishes.tracing && wishes.chosen_count != 1) {
        fputs("quire-sim attack: --trace takes one strategy; see quire-sim attack --help\n", stderr);
        return 2;
    }
    if (list) {
        print_list();
        return 0;
    }
    if (rows) {
        return mallory_print_rows() ? 0 : 1;
    }
    if (wishes.tracing) {
        return trace_one(wishes.chosen[0], &wishes);
    }
    return attack_with_all(&wishes) ? 0 : 1;
}
