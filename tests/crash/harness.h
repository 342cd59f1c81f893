/*
 * Folders in memory, and the workload as a process of its own under the recorder.
 */
#ifndef TESTS_CRASH_HARNESS_H
#define TESTS_CRASH_HARNESS_H

#include "model.h"
#include <stdio.h>

struct harness {
    const char *workload, *recorder; /* paths */
    char base[64];                   /* removed at the end */
    char live[80], state[80], trace[80];
};

void harness_init(struct harness *harness, const char *workload, const char *recorder);
void harness_finish(struct harness *harness);
/** Empties the folder in which the workload works, and the trace. */
void harness_clear(struct harness *harness);
void harness_empty_folder(const char *folder);

struct harness_run {
    uint64_t seed;
    unsigned session;
    unsigned long exit_at; /* 0: never */
    const char *fail;      /* for TRACE_ENV_FAIL, or NULL */
    bool faults;
    const char *mistake; /* an option of the workload, or NULL */
};
/** Runs the workload; the trace grows. False: it ended in another way than it should. */
bool harness_run(const struct harness *harness, const struct harness_run *run);

/** The whole trace; its bytes, freed by the caller. */
uint8_t *harness_trace(const struct harness *harness, size_t *out_size);
/** The event at *at and its bytes, and moves on; false: the end. */
bool harness_next(const uint8_t *trace, size_t size, size_t *at, struct trace_event *out_event,
    const uint8_t **out_bytes);

double harness_seconds(void);
/** "--name value" among the arguments, or `otherwise`. */
uint64_t harness_number(int argc, char **argv, const char *name, uint64_t otherwise);
const char *harness_text(int argc, char **argv, const char *name);

#endif
