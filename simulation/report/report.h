/*
 * A run as one HTML file: a diagram of space and time, every frame decoded, readable from a disk
 * without a network.
 */
#ifndef SIMULATION_REPORT_H
#define SIMULATION_REPORT_H

#include "world/world.h"

struct report_line {
    uint32_t number; /* in the file, from 1 */
    const char *source;
};

/** What the report says above the diagram; texts are borrowed. */
struct report {
    const char *title, *again, *claim, *text;
    const struct report_line *lines; /* of the story that was told; NULL: none was */
    size_t line_count;
    const char *user_names[USERS_MAX]; /* NULL: its number, where there are several */
    uint32_t line;                     /* of the story that failed, or 0 */
    uint64_t trace_hash;
    bool failed, with_options;
};

/** Writes the world and its recording; the devices must still live, as they open what they sealed.
 * False: the file cannot be written. */
bool report_write(struct world *world, const struct report *report, const char *path);

/** Runs that seed recorded, and writes its report. `again`: the command that
 * shows it again. */
bool report_seed(uint64_t seed, const struct options *options, const struct skips *skips,
    const char *again, const char *path);

#endif
