/*
 * Listening and accepting.
 */
#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPT_AT_ONCE 64 /* then the other connections have their turn */

static uint16_t port_of(int socket_file)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (getsockname(socket_file, (struct sockaddr *)&bound, &size) != 0) {
        return 0;
    }
    if (bound.ss_family == AF_INET) {
        memcpy(&v4, &bound, sizeof v4);
        return ntohs(v4.sin_port);
    }
    memcpy(&v6, &bound, sizeof v6);
    return ntohs(v6.sin6_port);
}

/* both: IPv4 connections are accepted on the IPv6 socket, too. */
static int bind_one(const struct addrinfo *info, bool both)
{
    const int on = 1;
    int file = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0) {
        return -1;
    }
    (void)setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6) {
        const int only = !both;
        (void)setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
    }
    if (bind(file, info->ai_addr, info->ai_addrlen) != 0 || listen(file, BACKLOG) != 0) {
        int error = errno;
        close(file);
        errno = error;
        return -1;
    }
    return file;
}

/* Where a name has several addresses, they all get the same port. */
static void set_port(const struct addrinfo *info, uint16_t port)
{
    const uint16_t wire = htons(port);
    size_t offset = info->ai_family == AF_INET ? offsetof(struct sockaddr_in, sin_port)
                                               : offsetof(struct sockaddr_in6, sin6_port);
    memcpy((uint8_t *)info->ai_addr + offset, &wire, sizeof wire);
}

void qr_listener_init(struct qr_listener *listener)
{
    listener->count = 0;
    listener->loopback = true;
    listener->port = 0;
    listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

enum quire_status qr_listener_bind(struct qr_listener *listener, const char *host, uint16_t port,
    char *out_error, size_t error_size)
{
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    unsigned before = listener->count;
    bool both = strcmp(host, "::") == 0;
    int code = getaddrinfo(host, "0", &hints, &found);
    if (code != 0) {
        (void)snprintf(out_error, error_size, "--listen: \"%.100s\" is not an address: %s.", host,
            gai_strerror(code));
        return QUIRE_EINVALID;
    }
    int error = EAFNOSUPPORT;
    for (const struct addrinfo *info = found; info != NULL && listener->count < QR_LISTENER_SOCKETS;
         info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6) {
            continue;
        }
        set_port(info, port);
        int file = bind_one(info, both);
        if (file < 0) {
            error = errno;
            continue;
        }
        listener->sockets[listener->count++] = file;
        listener->loopback = listener->loopback && qr_address_of(info->ai_addr).loopback;
        port = port_of(file);
        listener->port = listener->count == 1 ? port : listener->port;
    }
    freeaddrinfo(found);
    if (listener->count == before) {
        (void)snprintf(out_error, error_size, "Cannot listen on %.100s port %u: %s.%s", host, port,
            strerror(error), error == EADDRINUSE ? " Is another quired running there?" : "");
        return QUIRE_EIO;
    }
    return QUIRE_OK;
}

/* Out of files: take the connection all the same and end it, or it stays at the head of the queue
 * and wakes us for ever. */
static void refuse_one(struct qr_listener *listener, int socket_file)
{
    if (listener->reserve >= 0) {
        close(listener->reserve);
        int refused = accept4(socket_file, NULL, NULL, SOCK_CLOEXEC);
        if (refused >= 0) {
            close(refused);
        }
        listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct qr_listener *listener = poll->data;
    int socket_file = listener->sockets[poll - listener->polls];
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        int file =
            accept4(socket_file, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (file < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                refuse_one(listener, socket_file);
            }
            return;
        }
        const int on = 1;
        (void)setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(file, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        listener->accepted(listener->context, file, (const struct sockaddr *)&peer);
    }
}

enum quire_status qr_listener_start(struct qr_listener *listener, uv_loop_t *loop)
{
    for (unsigned i = 0; i < listener->count; i++) {
        if (uv_poll_init(loop, &listener->polls[i], listener->sockets[i]) != 0) {
            return QUIRE_EIO;
        }
        listener->polls[i].data = listener;
        if (uv_poll_start(&listener->polls[i], UV_READABLE, on_readable) != 0) {
            return QUIRE_EIO;
        }
    }
    listener->listening = true;
    return QUIRE_OK;
}

void qr_listener_stop(struct qr_listener *listener)
{
    for (unsigned i = 0; i < listener->count; i++) {
        if (listener->listening) {
            uv_poll_stop(&listener->polls[i]);
            uv_close((uv_handle_t *)&listener->polls[i], NULL);
        }
        close(listener->sockets[i]);
    }
    if (listener->reserve >= 0) {
        close(listener->reserve);
        listener->reserve = -1;
    }
    listener->listening = false;
    listener->count = 0;
}
