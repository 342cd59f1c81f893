/*
 * From a story that fails to a shorter one that fails in the same way.
 */
#ifndef SIMULATION_STORY_SHRINK_H
#define SIMULATION_STORY_SHRINK_H

#include "interpreter.h"

/** Writes the shortest story found: fewer lines, devices, edits and shorter times. */
void story_shrink(
    const struct story *story, uint64_t seed, const struct verdict *failure, FILE *out);

#endif
