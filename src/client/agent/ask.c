/*
 * Asks the agent.
 */
#define _GNU_SOURCE
#include "client/agent/agent.h"
#include "client/files.h"
#include "client/runtime.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_S 2

enum quire_status qr_client_socket_address(const char *named, const char *kind,
    struct sockaddr_un *out_address, struct qr_client_error *error)
{
    struct qr_client_path folder, path;
    char name[17];
    char *real = realpath(named, NULL);
    qr_client_path_name(real != NULL ? real : named, name);
    free(real);
    enum quire_status status = qr_client_runtime_folder(&folder, error);
    if (status == QUIRE_OK) {
        status = qr_client_path(&path, error, "%s/%s.%s", folder.text, name, kind);
    }
    if (status == QUIRE_OK && strlen(path.text) >= sizeof out_address->sun_path) {
        status = qr_client_fail(error, QUIRE_ELIMIT,
            "The runtime folder %s has too long a path for a socket. Set XDG_RUNTIME_DIR to a "
            "shorter one.",
            folder.text);
    }
    if (status == QUIRE_OK) {
        *out_address = (struct sockaddr_un){.sun_family = AF_UNIX};
        strcpy(out_address->sun_path, path.text);
    }
    return status;
}

enum quire_status qr_client_agent_address(
    const char *key_file, struct sockaddr_un *out_address, struct qr_client_error *error)
{
    return qr_client_socket_address(key_file, "agent", out_address, error);
}

bool qr_client_agent_is_ours(int connection)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && size == sizeof peer
        && peer.uid == geteuid();
}

static bool exchange(int connection, uint8_t request, struct qr_client_agent_reply *out_reply)
{
    uint8_t *cursor = (uint8_t *)out_reply;
    size_t got = 0;
    struct timeval patience = {.tv_sec = PATIENCE_S};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (send(connection, &request, 1, MSG_NOSIGNAL) != 1) {
        return false;
    }
    while (got < sizeof *out_reply) {
        ssize_t size = recv(connection, cursor + got, sizeof *out_reply - got, 0);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return false;
        }
        got += (size_t)size;
    }
    return out_reply->good == 1;
}

/* An agent that died leaves a socket that refuses: there is none. */
static bool ask(const char *key_file, uint8_t request, struct qr_client_agent_reply *out_reply)
{
    struct sockaddr_un address;
    struct qr_client_error ignored;
    if (qr_client_agent_address(key_file, &address, &ignored) != QUIRE_OK) {
        return false;
    }
    int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = connection >= 0
        && connect(connection, (const struct sockaddr *)&address, sizeof address) == 0
        && qr_client_agent_is_ours(connection) && exchange(connection, request, out_reply);
    if (good && request == QR_CLIENT_AGENT_FORGET) {
        uint8_t byte; /* it closes once it has wiped the key */
        good = recv(connection, &byte, 1, 0) == 0;
    }
    if (connection >= 0) {
        close(connection);
    }
    return good;
}

bool qr_client_agent_key(const char *key_file, const uint8_t check[QR_CLIENT_KEYBOX_CHECK],
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE])
{
    struct qr_client_agent_reply reply = {0};
    uint8_t found[QR_CLIENT_KEYBOX_CHECK];
    bool good = ask(key_file, QR_CLIENT_AGENT_KEY, &reply);
    if (good) {
        qr_client_keybox_check(reply.key, found);
        good = memcmp(found, check, sizeof found) == 0;
    }
    if (good) {
        memcpy(out_key, reply.key, sizeof reply.key);
    }
    qr_client_wipe(&reply, sizeof reply);
    return good;
}

uint32_t qr_client_agent_seconds(const char *key_file)
{
    struct qr_client_agent_reply reply = {0};
    return ask(key_file, QR_CLIENT_AGENT_STATE, &reply) ? reply.seconds : 0;
}

bool qr_client_agent_forget(const char *key_file)
{
    struct qr_client_agent_reply reply = {0};
    return ask(key_file, QR_CLIENT_AGENT_FORGET, &reply);
}
