/*
 * What the desktop and systemd offer a daemon. None of it is needed: what is not there is done without.
 */
#ifndef QR_CLIENT_CLI_SERVICE_H
#define QR_CLIENT_CLI_SERVICE_H

#include "client/cli/cli.h"

/** Tells the service manager, if $NOTIFY_SOCKET names one (sd_notify's protocol). */
void qr_cli_service_tell(const char *text);
/** The socket that the service manager listens on in the daemon's place, or −1 ($LISTEN_FDS). */
int qr_cli_service_socket(void);
/** Shows a text on the desktop through notify-send or gdbus, whichever is there. Waits for nothing. */
void qr_cli_service_notify(const char *text);
/** Writes or removes the units of this profile in the user's systemd folder, and says what to do next. */
enum qr_cli_exit qr_cli_service_install(struct qr_cli *cli, const char *profile, bool install);

#endif
