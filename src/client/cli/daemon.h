/*
 * What other commands want to know of the daemon.
 */
#ifndef QR_CLIENT_CLI_DAEMON_H
#define QR_CLIENT_CLI_DAEMON_H

#include "client/agent/daemon.h"
#include "client/cli/cli.h"

/** False: none runs. */
bool qr_cli_daemon_state(struct qr_cli *cli, struct qr_client_daemon_state *out_state);
/** "in the background, connected since …", and a line feed. */
void qr_cli_daemon_print(const struct qr_client_daemon_state *state);
/** An object; null if none runs. */
json_t *qr_cli_daemon_json(bool runs, const struct qr_client_daemon_state *state);
/** After a command that may have written: the daemon sends it. */
void qr_cli_nudge(struct qr_cli *cli);

#endif
