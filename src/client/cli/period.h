/*
 * --from, --to and --on: the part of the journal that list, search and export are about. (period.c)
 */
#ifndef QR_CLIENT_CLI_PERIOD_H
#define QR_CLIENT_CLI_PERIOD_H

#include "client/cli/cli.h"

/** The rows of a command's table of options. */
#define QR_CLI_PERIOD_OPTIONS \
    {"from", "DATE", "entries of this day, month or year and later only"}, \
        {"to", "DATE", "entries up to the end of this day, month or year only"}, \
    { \
        "on", "DATE", "entries of this day, month or year only" \
    }

/** Civil milliseconds, from_ms inclusive, until_ms exclusive. */
struct qr_cli_period {
    bool limited; /* false: all entries, those without a date, too */
    int64_t from_ms, until_ms;
};

/** Reads the options; a usage error where one is no date, or nothing can lie between them. */
enum qr_cli_exit qr_cli_read_period(struct qr_cli *cli, struct qr_cli_period *out_period);

/** The entry lies in it. */
bool qr_cli_in_period(const struct qr_cli_period *period, const struct quire_summary *summary);

#endif
