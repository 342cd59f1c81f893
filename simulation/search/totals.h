/*
 * What many runs come to.
 */
#ifndef SIMULATION_TOTALS_H
#define SIMULATION_TOTALS_H

#include "run.h"

struct totals {
    uint64_t runs, failures, steps, acts, frames, bytes_scanned, batches, verified;
    uint64_t quiet_most_ms, trace_hash;
    uint64_t cpu_us;       /* of a processor, all jobs together */
    uint64_t simulated_ms; /* of all worlds together */
    uint64_t marks[MARK_COUNT];
};

void totals_add(struct totals *totals, const struct run_result *result);
/** The summary; `seconds` by a clock on the wall. */
void totals_print(const struct totals *totals, double seconds, bool json);
/** The same of one run. */
void totals_print_one(const struct run_result *result, bool json);

#endif
