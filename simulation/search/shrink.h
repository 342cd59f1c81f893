/*
 * From a world that fails to a smaller one that fails in the same way.
 */
#ifndef SIMULATION_SHRINK_H
#define SIMULATION_SHRINK_H

#include "run.h"

/** Prints the smallest world found, as a command; it fails with these options and
 * without these operations. */
void shrink(uint64_t seed, const struct options *options, const struct skips *skips,
    const struct run_result *failure, FILE *out);

#endif
