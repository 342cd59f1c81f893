/*
 * quire-sim-mutants defences: each defence is taken out, and its attack must succeed; with all of them in,
 * it must not. A row that has not been seen to break counts as not tested.
 */
#include "search.h"

#include "adversary/mallory.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY_MOST (UINT64_C(512) << 20) /* a bomb that is let in asks for more */

static const char usage[] =
    "usage: quire-sim-mutants defences [--starts N] [--most K] [--jobs J] [DEFENCE…]\n"
    "\n"
    "Takes the defences out, one at a time, and counts how many seeds its attack needs until a checker\n"
    "notices that it succeeded: N searches (3) from different first seeds, each of at most K seeds\n"
    "(200), J at once (1). Then the attack with all defences in, on the same seeds up to the last that\n"
    "broke: the column \"whole\" counts its failures, which are to be 0. Ends with 0 if every defence\n"
    "is needed so.\n"
    "\n"
    "To look at one: quire-sim-mutants --failpoint DEFENCE attack STRATEGY --seed S --trace\n"
    "\n"
    "Defences, the strategy that succeeds without each, and what they stand for:\n"
#define ONE(name, strategy, text) "  " #name ", " strategy ": " text "\n"
    QR_DEFENCES(ONE) MALLORY_MORE_DEFENCES(ONE)
#undef ONE
    ;

static const struct {
    enum qr_failpoint failpoint;
    const char *strategy;
} defences[] = {
#define ONE(name, strategy, text) {QR_FAILPOINT_##name, strategy},
    QR_DEFENCES(ONE) MALLORY_MORE_DEFENCES(ONE)
#undef ONE
};
#define DEFENCE_COUNT (sizeof defences / sizeof *defences)

static bool measure(size_t which, const struct search_plan *plan)
{
    uint32_t number = strategy_by_name(defences[which].strategy);
    struct search like = {
        .failpoint = defences[which].failpoint, .strategy = number, .memory_most = MEMORY_MOST};
    struct search *searches = searches_from(plan, &like);
    like.failpoint = QR_FAILPOINT_COUNT;
    struct search *whole = searches_from(plan, &like);
    uint64_t failures = 0;
    if (number != 0) {
        searches_run(searches, plan->starts, plan->jobs);
        for (uint64_t i = 0; i < plan->starts; i++) {
            whole[i].most = searches[i].seeds > 0 ? searches[i].seeds : plan->most;
        }
        searches_run(whole, plan->starts, plan->jobs);
    }
    for (uint64_t i = 0; i < plan->starts; i++) {
        failures += whole[i].seeds > 0;
    }
    printf("%-16s %-7s %-20s %5llu ", defences[which].strategy,
        number > 0 ? strategies[number - 1].rows : "?", failpoint_name(defences[which].failpoint),
        (unsigned long long)failures);
    bool all = searches_print(searches, plan->starts) && failures == 0;
    for (uint64_t i = 0; i < plan->starts; i++) {
        if (whole[i].seeds > 0) {
            printf("  with all defences in, seed %llu: %s: %s\n", (unsigned long long)whole[i].seed,
                whole[i].claim, whole[i].text);
        }
    }
    free(searches);
    free(whole);
    return all;
}

static const char *take_defence(void *context, const char *word)
{
    struct search_plan *plan = context;
    for (size_t i = 0; i < DEFENCE_COUNT; i++) {
        if (strcmp(failpoint_name(defences[i].failpoint), word) == 0) {
            plan->any = plan->chosen[defences[i].failpoint] = true;
            return NULL;
        }
    }
    return "is no defence to take out";
}

int command_defences(int count, char **words)
{
    struct search_plan plan = {.starts = 3, .most = 200, .jobs = 1};
    bool all = true;
    search_plan_read(&plan, "quire-sim-mutants defences", usage, take_defence, count, words);
    printf("%-16s %-7s %-20s %5s ", "attack", "rows", "without", "whole");
    searches_print_head();
    for (size_t i = 0; i < DEFENCE_COUNT; i++) {
        if (search_plan_wants(&plan, defences[i].failpoint)) {
            all &= measure(i, &plan);
        }
    }
    return all ? 0 : 1;
}
