/*
 * What import and export share. (export.c)
 */
#ifndef QR_CLIENT_CLI_MOVING_H
#define QR_CLIENT_CLI_MOVING_H

#include "client/cli/cli.h"

/** From now on SIGINT, SIGTERM and SIGHUP only set a flag. */
void qr_cli_catch_interrupts(void);
bool qr_cli_interrupted(void);

/** A line on a terminal's stderr, which the next one replaces. */
void qr_cli_show_progress(struct qr_cli *cli, const char *what, uint64_t done, uint64_t all);

/** For status: what is left of an import that broke off; nothing if there is none. */
void qr_cli_print_import_mark(const struct qr_cli *cli);

#endif
