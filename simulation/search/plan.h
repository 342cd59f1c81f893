/*
 * Which seeds are to be run and what their worlds are like: what a command line asks for, and what prints
 * such a command line again.
 */
#ifndef SIMULATION_PLAN_H
#define SIMULATION_PLAN_H

#include "run.h"

#define PLAN_SETTINGS_MAX 128u
#define PLAN_KNOWN_MAX 4096u

struct plan_setting {
    char name[40];
    uint64_t value;
};

/** A seed that once found something: with the options of its world then, so that it is the same
 * world for as long as each option means the same, or with none, so that it draws them. */
struct plan_known {
    uint64_t seed;
    bool exact; /* options are all of them, those that are not named are 0 */
    struct options options;
};

struct plan {
    uint64_t first_seed, run_count, minutes;
    uint64_t job_count; /* processes at once */
    struct plan_setting settings[PLAN_SETTINGS_MAX];
    size_t setting_count;
    bool limits;              /* every drawn world has lowered limits */
    bool exact;               /* options that are not set are 0 instead of drawn */
    uint32_t strategy;        /* of Mallory, target the drawn options are fitted to; 0: none */
    struct plan_known *known; /* run first; owned */
    size_t known_count, known_capacity;
    struct skips skips; /* of every run */
};

/** Reads "name=value", for arguments.h. Returns what is wrong with it, or NULL. */
const char *plan_take_setting(void *plan, const char *text);
/** Reads "NUMBER [name=value]… WHY"; other lines are passed over. Returns what is wrong, or NULL. */
const char *plan_add_known(struct plan *plan, const char *line);

/** Reads "1-45,47". False: it is not that, or too many. */
bool skips_read(const char *text, struct skips *out_skips);
/** Writes " --skip 1-45,47", or nothing. */
void skips_print(const struct skips *skips, FILE *out);

/** How many runs it asks for: the known ones first, then from the first seed on. */
uint64_t plan_count(const struct plan *plan);
/** The seed and the options of the index-th run. */
uint64_t plan_seed_at(const struct plan *plan, uint64_t index);
void plan_options_at(const struct plan *plan, uint64_t index, struct options *out_options);
/** The options of a seed that is not a known one. */
void plan_options(const struct plan *plan, uint64_t seed, struct options *out_options);

/** What failed, and the command that shows it again. */
void plan_print_failure(const struct plan *plan, const struct run_result *result, FILE *out);
/** Writes the report of a run of that seed with these options. False: it cannot be written. */
bool plan_report(
    const struct plan *plan, uint64_t seed, const struct options *options, const char *path);

#endif
