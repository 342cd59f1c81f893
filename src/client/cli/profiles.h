/*
 * Several profiles of one user.
 */
#ifndef QR_CLIENT_CLI_PROFILES_H
#define QR_CLIENT_CLI_PROFILES_H

#include "client/cli/cli.h"

/** The folder that --profile means: a name stands for a folder in the data folder. NULL: the option was not
 * given. Borrowed from cli. A failure is said. */
enum qr_cli_exit qr_cli_find_profile(struct qr_cli *cli, const char **out_profile);

#endif
