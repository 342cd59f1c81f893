/*
 * From a world that fails to a smaller one that fails in the same way.
 */
#ifndef SIMULATION_SHRINK_H
#define SIMULATION_SHRINK_H

#include "run.h"

/** Prints the smallest world found, as a command. */
void shrink(uint64_t seed, const struct options *options, const struct run_result *failure,
    FILE *out);

/** Reads "1-45,47". False: it is not that, or too many. */
bool skips_read(const char *text, struct skips *out_skips);
/** Writes " --skip 1-45,47", or nothing. */
void skips_print(const struct skips *skips, FILE *out);

#endif
