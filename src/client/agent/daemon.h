/*
 * How a running daemon is found, asked and told (the process itself is in cli/daemon.c).
 *
 * It listens on a socket in the runtime folder (mode 0600), named by the profile, and answers processes of
 * the same user alone.
 *
 *     request:  u8 's' the state | 'w' something was written | 'l' lock: give the key up | 'q' end
 *     reply:    struct qr_client_daemon_state, of this machine
 */
#ifndef QR_CLIENT_DAEMON_H
#define QR_CLIENT_DAEMON_H

#include "client/error.h"
#include <stdbool.h>
#include <stdint.h>

enum qr_client_daemon_request {
    QR_CLIENT_DAEMON_STATE = 's',
    QR_CLIENT_DAEMON_WRITTEN = 'w',
    QR_CLIENT_DAEMON_LOCK = 'l',
    QR_CLIENT_DAEMON_END = 'q',
};

struct qr_client_daemon_state {
    int64_t pid;
    int64_t since_ms; /* wall clock: of `online` and `text` */
    bool online;
    char text[256]; /* why it is not online, a sentence; "" if it is */
};

struct sockaddr_un;
/** The path of its socket. ELIMIT, EIO. */
QUIRE_CHECKED enum quire_status qr_client_daemon_address(
    const char *profile, struct sockaddr_un *out_address, struct qr_client_error *error);

/** Asks or tells the daemon of a profile's folder. False: there is none. */
bool qr_client_daemon_ask(const char *profile, enum qr_client_daemon_request request,
    struct qr_client_daemon_state *out_state);

/** After a write: wakes it, or starts it where a service manager listens in its place. Waits for nothing. */
void qr_client_daemon_nudge(const char *profile);

#endif
