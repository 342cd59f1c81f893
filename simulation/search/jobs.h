/*
 * Many runs, in several processes.
 */
#ifndef SIMULATION_JOBS_H
#define SIMULATION_JOBS_H

#include "plan.h"

#define JOBS_MAX 64u

/** Runs all in processes of their own. `take` hears of each run, in no certain order; a process that
 * ends in the midst of one, or says nothing for `patience_s`, is a run that failed in the claim
 * "died" or "hung". `report` is the end of a failed run's trace. When `take` returns false, no more
 * is run. */
void jobs_each(const struct plan *plan, uint64_t patience_s,
    bool (*take)(void *context, const struct run_result *result, const char *report),
    void *context);

#endif
