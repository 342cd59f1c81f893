/*
 * One run: a world from a seed, its faults, their end, and the verdict.
 */
#ifndef SIMULATION_RUN_H
#define SIMULATION_RUN_H

#include "world/world.h"

/** What is left of a run; plain bytes, so that it goes through a pipe. */
struct run_result {
    uint64_t seed;
    uint64_t trace_hash;
    uint64_t steps, acts, frames, bytes_scanned, batches, verified;
    uint64_t operations;     /* edits and faults, those that were skipped too */
    uint64_t quiet_after_ms; /* from healing until all were quiet */
    uint64_t simulated_ms;
    uint64_t cpu_us; /* of a processor; jobs.c fills it in, since a run knows no real clock */
    uint64_t marks[MARK_COUNT];
    uint64_t misdeeds, strikes,
        named; /* of Mallory: all, those a device must name, and how often one did */
    bool failed;
    char claim[32];
    char text[1536];
};

/** A world at time 0 without server and phones; what it holds is freed with it. */
struct world *world_create(uint64_t seed, const struct options *options, bool tracing);
void world_destroy(struct world *world);
/** The core's limits are those of these options: in the world that was made last, the only one. */
void run_lower_limits(const struct options *options);
/** Its server starts, the shipping one or an adversary in its place. */
void run_begin(struct world *world);
/** Lets it run until all are quiet for a while; fails it when that takes too long. Returns how long
 * it took, in milliseconds. */
uint64_t run_until_quiet_within(struct world *world, uint64_t within_ms);
/** Everything that must hold once all are quiet. */
void run_check_end(struct world *world);

/** From the first account to the verdict, in a world that nothing has happened in yet. */
void run_in(struct world *world, struct run_result *out_result);
/** Runs; on failure the last lines of the trace go to `report`. */
void run_once(uint64_t seed, const struct options *options, bool tracing, FILE *report,
    struct run_result *out_result);

/** The same without some operations; skips may be NULL. */
void run_without(uint64_t seed, const struct options *options, const struct skips *skips,
    bool tracing, FILE *report, struct run_result *out_result);

#endif
