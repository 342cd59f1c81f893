/*
 * Asks the daemon.
 */
#define _GNU_SOURCE
#include "client/agent/daemon.h"
#include "client/agent/agent.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 3

enum quire_status qr_client_daemon_address(
    const char *profile, struct sockaddr_un *out_address, struct qr_client_error *error)
{
    return qr_client_socket_address(profile, "daemon", out_address, error);
}

static int connect_to(const char *profile)
{
    struct sockaddr_un address;
    struct qr_client_error ignored;
    struct stat info;
    if (qr_client_daemon_address(profile, &address, &ignored) != QUIRE_OK
        || stat(address.sun_path, &info) != 0) {
        return -1;
    }
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection >= 0
        && (connect(connection, (const struct sockaddr *)&address, sizeof address) != 0
            || !qr_client_agent_is_ours(connection))) {
        close(connection);
        return -1;
    }
    return connection;
}

bool qr_client_daemon_ask(const char *profile, enum qr_client_daemon_request request,
    struct qr_client_daemon_state *out_state)
{
    uint8_t byte = (uint8_t)request;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int connection = connect_to(profile);
    if (connection < 0) {
        return false;
    }
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool good = send(connection, &byte, 1, MSG_NOSIGNAL) == 1
        && recv(connection, out_state, sizeof *out_state, MSG_WAITALL) == sizeof *out_state;
    out_state->text[sizeof out_state->text - 1] = 0;
    close(connection);
    return good;
}

void qr_client_daemon_nudge(const char *profile)
{
    uint8_t byte = QR_CLIENT_DAEMON_WRITTEN;
    int connection = connect_to(profile);
    if (connection >= 0) {
        ssize_t sent = send(connection, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)sent; /* it looks by itself, too */
        close(connection);
    }
}
