/*
 * quire-sim attack: every strategy of Mallory over many seeds, and what came of it.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "mallory.h"

#include "arguments.h"
#include "commands.h"
#include "search/jobs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define PATIENCE_S 300u /* for one run */
#define CHOSEN_MOST 64u

static const char usage[] =
    "usage: quire-sim attack [--seed S] [--seeds N] [--jobs J] [--trace] [--list] [--rows]\n"
    "                        [STRATEGY…]\n"
    "\n"
    "Puts a hostile server in the place of the honest one. A seed draws her targets, her moments and\n"
    "how often she acts; until the faults end, when she turns honest and all must heal. Checked at\n"
    "every step: phones apply what enrolled devices of their user signed, deps before effects, once;\n"
    "no device reads what was sealed after its revocation; no key and no typed letter leaves a phone; a\n"
    "phone that says it has everything has what was named to it. At the end: what had to be noticed\n"
    "was, nothing else raised an alarm, and all phones show what people wrote.\n"
    "\n"
    "  --seed S    the first seed (1)\n"
    "  --seeds N   for each strategy (100)\n"
    "  --jobs J    processes at once (1)\n"
    "  --trace     one seed of one strategy, line by line\n"
    "  --list      what the strategies do\n"
    "  --rows      the classes of attacks: the strategies that stand for each, their mutation checks (the defences\n"
    "              without which one succeeds), or why it cannot be tried; ends with 1 if one could and\n"
    "              is not\n"
    "\n"
    "Columns: seeds; runs in which she misbehaved; runs in which she did what must be noticed; how\n"
    "many of these were (the rest fail); failures. Ends with 1 if a run failed.\n";

struct tally {
    uint64_t runs, misbehaved, struck, named, failures, cpu_us;
    struct run_result first_failure; /* of the lowest seed */
};

struct wishes {
    struct plan plan;
    bool tracing;
    uint32_t chosen[CHOSEN_MOST]; /* numbers of strategies; none: all of them */
    size_t chosen_count;
};

static bool take_run(void *context, const struct run_result *result, const char *report)
{
    struct tally *tally = context;
    (void)report;
    tally->runs++;
    tally->misbehaved += result->misdeeds > 0;
    tally->struck += result->strikes > 0;
    tally->named += result->strikes > 0 && result->named > 0;
    tally->cpu_us += result->cpu_us;
    if (result->failed && (tally->failures++ == 0 || result->seed < tally->first_failure.seed)) {
        tally->first_failure = *result;
    }
    return true;
}

static bool print_row(const struct strategy *strategy, const struct tally *tally)
{
    printf("%-16s %-8s %7" PRIu64 " %8" PRIu64 " %7" PRIu64 " %7" PRIu64 " %7" PRIu64 " %8.1f\n",
        strategy->name, strategy->rows, tally->runs, tally->misbehaved, tally->struck, tally->named,
        tally->failures, 1e6 * (double)tally->runs / ((double)tally->cpu_us + 1));
    if (tally->failures > 0) {
        const struct run_result *failure = &tally->first_failure;
        printf("  FAILED %s, seed %" PRIu64 ": %s\n  again: %s attack %s --seed %" PRIu64
               " --trace\n",
            failure->claim, failure->seed, failure->text, program_invocation_short_name,
            strategy->name, failure->seed);
    }
    fflush(stdout);
    return tally->failures == 0;
}

static bool trace_one(const struct plan *plan)
{
    struct run_result result;
    struct options options;
    plan_options(plan, plan->first_seed, &options);
    options_print(&options, stdout); /* for a line in simulation/seeds.txt */
    run_once(plan->first_seed, &options, true, NULL, &result);
    if (result.failed) {
        printf("FAILED %s, seed %" PRIu64 ": %s\n", result.claim, result.seed, result.text);
    }
    printf("%" PRIu64 " misdeeds, %" PRIu64 " to be noticed, noticed %" PRIu64 " times\n",
        result.misdeeds, result.strikes, result.named);
    return !result.failed;
}

/* False: a run failed, or there was none of some seed. */
static bool attack(struct plan *plan, uint32_t strategy)
{
    struct tally tally = {0};
    plan->strategy = strategy;
    jobs_each(plan, PATIENCE_S, take_run, &tally);
    return print_row(&strategies[strategy - 1], &tally) && tally.runs == plan->run_count;
}

static const char *take_strategy(void *context, const char *word)
{
    struct wishes *wishes = context;
    uint32_t number = strategy_by_name(word);
    if (number == 0 || wishes->chosen_count == CHOSEN_MOST) {
        return number == 0 ? "is no strategy; --list says which there are"
                           : "is one strategy too many";
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

static bool attack_with_all(struct wishes *wishes)
{
    bool well = true;
    printf("%-16s %-8s %7s %8s %7s %7s %7s %8s\n", "Mallory", "rows", "seeds", "misdeeds", "struck",
        "noticed", "failed", "seeds/s");
    for (uint32_t i = 0; i < (wishes->chosen_count > 0 ? wishes->chosen_count : strategy_count);
         i++) {
        well &= attack(&wishes->plan, wishes->chosen_count > 0 ? wishes->chosen[i] : i + 1);
    }
    return well;
}

int command_attack(int count, char **words)
{
    struct wishes wishes = {.plan = {.first_seed = 1, .run_count = 100, .job_count = 1}};
    bool list = false, rows = false;
    const struct argument known[] = {
        {"--seed", .number = &wishes.plan.first_seed},
        {"--seeds", .number = &wishes.plan.run_count},
        {"--jobs", .number = &wishes.plan.job_count, .least = 1, .most = JOBS_MAX},
        {"--trace", .flag = &wishes.tracing},
        {"--list", .flag = &list},
        {"--rows", .flag = &rows},
        {NULL, .take = take_strategy, .context = &wishes},
    };
    arguments_read("quire-sim attack", usage, known, sizeof known / sizeof *known, count, words);
    if (wishes.tracing && wishes.chosen_count != 1) {
        fputs(
            "quire-sim attack: --trace takes one strategy; see quire-sim attack --help\n", stderr);
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
        wishes.plan.strategy = wishes.chosen[0];
        return trace_one(&wishes.plan) ? 0 : 1;
    }
    return attack_with_all(&wishes) ? 0 : 1;
}
