/*
 * Command lines by table: the same rows parse the options and print the help.
 */
#ifndef QR_CLIENT_CLI_OPTIONS_H
#define QR_CLIENT_CLI_OPTIONS_H

#include "client/dates.h"
#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_CLI_GIVEN_MAX 1024 /* options on one command line */
#define QR_CLI_VALUES_MAX 2

/** One option. A table ends with a row whose name is NULL. */
struct qr_cli_option {
    const char *name;   /* without the dashes */
    const char *values; /* names of its values, as in "POS TEXT"; "" for none */
    const char *help;
};

/** The letter that stands for an option, as 'n' for "limit" in "-n 5"; 0: none does. */
char qr_cli_letter(const char *name);

struct qr_cli_given {
    const struct qr_cli_option *option;
    const char *values[QR_CLI_VALUES_MAX];
};

/** Borrowed from the command line. Zero-initialise; qr_cli_args_finish. */
struct qr_cli_args {
    struct qr_cli_given *given; /* in order */
    size_t given_count;
    const char **operands;
    size_t operand_count;
};

/**
 * Reads arguments: "--name VALUE…", "--name=VALUE", "-n VALUE", operands, and "--", after which all
 * are operands. An option is looked for in `first`, then in `second` (may be NULL). With stop_at_operand
 * the first operand ends it. out_used: how many arguments were read. EINVALID: `error` (of
 * error_size) says why. ENOMEM.
 */
QUIRE_CHECKED enum quire_status qr_cli_parse(const struct qr_cli_option *first,
    const struct qr_cli_option *second, int count, char **arguments, bool stop_at_operand,
    struct qr_cli_args *args, int *out_used, char *error, size_t error_size);

void qr_cli_args_finish(struct qr_cli_args *args);

/** The option was given. */
bool qr_cli_has(const struct qr_cli_args *args, const char *name);
/** Its last first value, or NULL. */
const char *qr_cli_value(const struct qr_cli_args *args, const char *name);

/** A whole decimal number between two bounds, nothing else. */
bool qr_cli_number(const char *text, int64_t min, int64_t max, int64_t *out_number);
/** "name=number", split at the last '='. The name's size goes to out_name_size. */
bool qr_cli_pair(
    const char *text, int64_t min, int64_t max, size_t *out_name_size, int64_t *out_number);
/** "2024-03-01", "2024-03-01 12:30", with 'T', with seconds: milliseconds since 1970, no zone. */
bool qr_cli_date(const char *text, int64_t *out_ms);
/** A date as people say it (dates.h), against the clock, the time zone and the locale of the process.
 * EINVALID: `error` says why not, in one sentence. */
QUIRE_CHECKED enum quire_status qr_cli_when(
    const char *text, struct qr_client_span *out_span, char *error, size_t error_size);
/** The same where one moment is wanted: the start of the minute or the day; false: `error` says why. */
bool qr_cli_moment(const char *text, int64_t *out_ms, char *error, size_t error_size);
/** The same back, "2024-03-01 12:30"; out_text holds 32. Years that do not fit become "?". */
void qr_cli_date_text(int64_t ms, char out_text[48]);

#endif
