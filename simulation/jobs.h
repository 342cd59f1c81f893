/*
 * Many runs in several processes, and their summary.
 */
#ifndef SIMULATION_JOBS_H
#define SIMULATION_JOBS_H

#include "run.h"

#define JOBS_SETTINGS_MAX 128u
#define JOBS_KNOWN_MAX 4096u
#define JOBS_MAX 64u

struct jobs_setting {
    char name[40];
    uint64_t value;
};

/** A seed that once found something: with the options of its world then, so that it is the same
 * world for as long as each option means the same, or with none, so that it draws them. */
struct jobs_known {
    uint64_t seed;
    bool exact; /* options are all of them, those that are not named are 0 */
    struct options options;
};

struct jobs_plan {
    uint64_t first_seed, run_count, job_count, minutes;
    struct jobs_setting settings[JOBS_SETTINGS_MAX];
    size_t setting_count;
    bool exact; /* options that are not set are 0 instead of drawn */
    uint32_t strategy; /* of Mallory, whom the drawn options are fitted to; 0: nobody's */
    struct jobs_known *known; /* run first; owned */
    size_t known_count, known_capacity;
    bool stop_at_failure; /* the first one ends it all; one process only */
};

/** Reads "name=value", for arguments.h. Returns what is wrong with it, or NULL. */
const char *jobs_take_setting(void *plan, const char *text);
/** Reads "NUMBER [name=value]… WHY". False: too many seeds. Other lines are passed over. */
bool jobs_add_known(struct jobs_plan *plan, const char *line);
/** The options of a seed, with what the plan sets. */
void jobs_options(const struct jobs_plan *plan, uint64_t seed, struct options *out_options);
/** Runs all in processes of their own. `take` hears of each run, in no certain order; a process that
 * ends in the midst of one, or says nothing for `patience_s`, is a run that failed in the claim
 * "died" or "hung". `report` is the end of a failed run's trace. When `take` returns false, no more
 * is run. */
void jobs_each(const struct jobs_plan *plan, uint64_t patience_s,
    bool (*take)(void *context, const struct run_result *result, const char *report), void *context);
/** Runs all; prints failures and a summary. The exit code. */
int jobs_run(const struct jobs_plan *plan, bool json);
/** The command that runs that seed again, without a newline. */
void jobs_print_again(const struct jobs_plan *plan, uint64_t seed, FILE *out);
/** What failed, and the command that shows it again. */
void jobs_print_failure(const struct jobs_plan *plan, const struct run_result *result, FILE *out);

#endif
