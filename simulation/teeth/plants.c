/*
 * quire-sim-teeth plants: how many fresh seeds each planted bug takes to be found.
 */
#include "search.h"

#include <stdlib.h>

#define MINUTES 30

static const char usage[] =
    "usage: quire-sim-teeth plants [--starts N] [--most K] [--jobs J] [BUG…]\n"
    "\n"
    "Plants bugs into the core, one at a time, and counts how many seeds the simulation needs to find\n"
    "each: N searches (5) from different first seeds, each of at most K seeds (2000), J at once (1).\n"
    "Without names: all. Ends with 0 if all searches found their bug.\n"
    "\n"
    "To look at one: quire-sim-teeth --plant BUG seeds --seed S --trace\n"
    "\n"
    "Bugs:\n"
#define ONE(name, text) "  " #name ", in " text "\n"
    QR_PLANTED_BUGS(ONE)
#undef ONE
    ;

static const enum qr_plant bugs[] = {
#define ONE(name, text) QR_PLANT_##name,
    QR_PLANTED_BUGS(ONE)
#undef ONE
};

static bool measure(enum qr_plant bug, const struct search_plan *plan)
{
    struct search *searches = searches_from(plan, &(struct search){.plant = bug, .minutes = MINUTES});
    searches_run(searches, plan->starts, plan->jobs);
    printf("%-20s", plant_name(bug));
    bool all = searches_print(searches, plan->starts);
    free(searches);
    return all;
}

int command_plants(int count, char **words)
{
    struct search_plan plan = {.starts = 5, .starts_max = 100, .most = 2000, .jobs = 1};
    int refused = search_plan_read(&plan, count, words, usage);
    if (refused >= 0) {
        return refused;
    }
    bool all = true;
    printf("%-20s", "planted bug");
    searches_print_head();
    for (int i = 0; i < plan.name_count; i++) {
        enum qr_plant bug = plant_by_name(plan.names[i]);
        if (bug == QR_PLANT_COUNT) {
            fprintf(stderr, "quire-sim-teeth: there is no bug %s to plant; see --help\n",
                plan.names[i]);
            return 2;
        }
        all &= measure(bug, &plan);
    }
    for (size_t i = 0; i < sizeof bugs / sizeof *bugs && plan.name_count == 0; i++) {
        all &= measure(bugs[i], &plan);
    }
    return all ? 0 : 1;
}
