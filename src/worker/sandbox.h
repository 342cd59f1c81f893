/*
 * Shuts the core in: no dump, no new privileges, no swap, and the dozen system calls that it needs.
 *
 * Allowed: read and write on one descriptor, anonymous memory that is not executable, the clock, random bytes,
 * and to end. Anything else ends the process with SIGSYS, abort() included.
 */
#ifndef QR_WORKER_SANDBOX_H
#define QR_WORKER_SANDBOX_H

#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>

struct qr_sandbox_options {
    int descriptor; /* the only one that is left open, besides standard error before the filter */
    bool allow_unlocked; /* go on if memory cannot be locked */
    bool no_filter;      /* of tests: to see that they notice */
};

/**
 * Closes all descriptors but that one and standard error, then shuts the process in. In this order: no dump, no
 * new privileges, limits, memory locked, filter. Never undone. EIO: out_error says what failed and what to do;
 * the caller must end.
 */
QUIRE_CHECKED enum quire_status qr_sandbox_enter(
    const struct qr_sandbox_options *options, char *out_error, size_t error_size);

/** Clears the stack below the caller: what functions that have returned left there. */
void qr_sandbox_clear_stack(void);

#endif
