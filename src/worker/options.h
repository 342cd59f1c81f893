/*
 * What the worker's operator may set.
 */
#ifndef QR_WORKER_OPTIONS_H
#define QR_WORKER_OPTIONS_H

#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qr_worker_options {
    const char *profile, *key_file; /* NULL: as `quire` finds them */
    const char *metrics;            /* NULL: none */
    uint32_t credit_kib;
    uint32_t rotate_hours;
    bool allow_unlocked, insecure, check, show_analyser, version, help;
    int as_core;           /* descriptor of the core's end; −1: the gate */
    const char *failpoint; /* of test builds */
};

/** EINVALID: out_error says what is wrong. Texts are borrowed from argv. */
QUIRE_CHECKED enum quire_status qr_worker_options_read(int argc, char *const *argv,
    struct qr_worker_options *out_options, char *out_error, size_t error_size);

void qr_worker_options_help(FILE *out);

#endif
