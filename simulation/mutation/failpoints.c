/*
 * quire-sim-mutants failpoints: how many fresh seeds each deliberate bug takes to be found.
 */
#include "search.h"

#include <stdlib.h>
#include <string.h>

#define MINUTES 30

static const char usage[] =
    "usage: quire-sim-mutants failpoints [--starts N] [--most K] [--jobs J] [BUG…]\n"
    "\n"
    "Switches on bugs of the core, one at a time, and counts how many seeds the simulation needs to find\n"
    "each: N searches (5) from different first seeds, each of at most K seeds (2000), J at once (1).\n"
    "Without names: all. Ends with 0 if all searches found their bug.\n"
    "\n"
    "To look at one: quire-sim-mutants --failpoint BUG seeds --seed S --trace\n"
    "\n"
    "Bugs:\n"
#define ONE(name, text) "  " #name ", in " text "\n"
    QR_DELIBERATE_BUGS(ONE)
#undef ONE
    ;

static const enum qr_failpoint bugs[] = {
#define ONE(name, text) QR_FAILPOINT_##name,
    QR_DELIBERATE_BUGS(ONE)
#undef ONE
};

static bool measure(enum qr_failpoint bug, const struct search_plan *plan)
{
    struct search *searches =
        searches_from(plan, &(struct search){.failpoint = bug, .minutes = MINUTES});
    searches_run(searches, plan->starts, plan->jobs);
    printf("%-20s", failpoint_name(bug));
    bool all = searches_print(searches, plan->starts);
    free(searches);
    return all;
}

static const char *take_bug(void *context, const char *word)
{
    struct search_plan *plan = context;
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        if (strcmp(failpoint_name(bugs[i]), word) == 0) {
            plan->any = plan->chosen[bugs[i]] = true;
            return NULL;
        }
    }
    return "is no bug to switch on";
}

int command_failpoints(int count, char **words)
{
    struct search_plan plan = {.starts = 5, .most = 2000, .jobs = 1};
    bool all = true;
    search_plan_read(&plan, "quire-sim-mutants failpoints", usage, take_bug, count, words);
    printf("%-20s", "deliberate bug");
    searches_print_head();
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs; i++) {
        if (search_plan_wants(&plan, bugs[i])) {
            all &= measure(bugs[i], &plan);
        }
    }
    return all ? 0 : 1;
}
