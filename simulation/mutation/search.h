/*
 * How many seeds until a run fails: searches with a failpoint on, several at once, each in a
 * process of its own, so that a deliberate bug may also crash.
 */
#ifndef SIMULATION_MUTATION_SEARCH_H
#define SIMULATION_MUTATION_SEARCH_H

#include "base/failpoint.h"
#include "run.h"

#define SEARCH_STEP UINT64_C(1000000) /* between the first seeds of two searches for one thing */

struct search {
    enum qr_failpoint failpoint; /* QR_FAILPOINT_COUNT: nothing */
    uint64_t first_seed, most;
    uint64_t minutes;     /* simulated, of a run */
    uint32_t strategy;    /* of Mallory, target the drawn options are fitted to; 0: none */
    uint64_t memory_most; /* bytes of the process; 0: any */

    /* found: */
    uint64_t seeds; /* how many it took; 0: none of them failed */
    uint64_t seed;
    char claim[32];
    char text[200];
};

extern bool qr_failpoints[QR_FAILPOINT_COUNT];

/** Fills in what was found. `most` processes at once. */
void searches_run(struct search *searches, size_t count, size_t processes);
/** The index of a failpoint by name, or QR_FAILPOINT_COUNT. */
enum qr_failpoint failpoint_by_name(const char *name);
const char *failpoint_name(enum qr_failpoint failpoint);
/** Takes `--failpoint NAME` from the front of the words, any number of times; switches it on. Returns how
 * many words that were, or −1 after a complaint. */
int failpoints_enable(int count, char **words);

/** What a command is asked for: --starts N, --most K, --jobs J, and names. */
struct search_plan {
    uint64_t starts, most, jobs;
    bool any;                        /* a name was said */
    bool chosen[QR_FAILPOINT_COUNT]; /* without any: all */
};
/** Reads it as arguments.h does; `take_name` is given the plan and chooses. */
void search_plan_read(struct search_plan *plan, const char *command, const char *usage,
    const char *(*take_name)(void *context, const char *word), int count, char **words);
bool search_plan_wants(const struct search_plan *plan, enum qr_failpoint failpoint);
/** A search like this one from each start; the caller frees them. */
struct search *searches_from(const struct search_plan *plan, const struct search *like);
/** The last columns of a table: mean, seeds of each search, found by. */
void searches_print_head(void);
/** The searches of one thing in these columns; returns whether all were found. */
bool searches_print(const struct search *searches, size_t count);

int command_failpoints(int count, char **words);
int command_defences(int count, char **words);
int command_model(int count, char **words);

#endif
