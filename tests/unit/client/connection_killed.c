/*
 * A server that is killed while the client dials: each dial ends, and is reported once.
 */
#define _GNU_SOURCE
#include "client/connection.h"
#include "client/url.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DIALS 700
#define PATIENCE_MS 5000

/* When the server goes, as seen by libwebsockets. */
enum moment { LATER, AFTER_CONNECT, BEFORE_SEND, AFTER_SEND, NEVER_THERE, MOMENTS };

/* Ends the program if something does not hold. */
static void hold(bool holds, const char *what, unsigned dial)
{
    if (!holds) {
        (void)fprintf(
            stderr, "dial %u, server killed at moment %u: %s\n", dial, dial % MOMENTS, what);
        exit(1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* On a free port of loopback, whose number is kept so that it can listen there again. */
static int listen_on(uint16_t *port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    hold(listener >= 0, "socket", 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    hold(bind(listener, (struct sockaddr *)&address, size) == 0, "bind", 0);
    hold(listen(listener, 8) == 0, "listen", 0);
    hold(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname", 0);
    *port = ntohs(address.sin_port);
    return listener;
}

/* As the kernel does for a killed process: with a reset if anything was not read. */
static void cut(int listener, bool reset)
{
    struct linger at_once = {.l_onoff = 1};
    int connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (connection < 0) {
        return;
    }
    if (reset) {
        setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(connection);
}

/* connect and send below stand before those of libc. */
static struct {
    enum moment moment;
    bool reset;
    int listener; /* −1: gone */
} killer = {LATER, false, -1};

static void kill_server(void)
{
    if (killer.listener >= 0) {
        cut(killer.listener, killer.reset);
        close(killer.listener);
        killer.listener = -1;
    }
}

__attribute__((visibility("default"))) int connect(
    int socket, __CONST_SOCKADDR_ARG address, socklen_t size)
{
    int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "connect");
    int result = real(socket, address, size);
    int error = errno;
    if (killer.moment == AFTER_CONNECT) {
        kill_server();
    }
    errno = error;
    return result;
}

__attribute__((visibility("default"))) ssize_t send(
    int socket, const void *data, size_t size, int flags)
{
    ssize_t (*real)(int, const void *, size_t, int) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "send");
    if (killer.moment == BEFORE_SEND) {
        kill_server();
    }
    ssize_t result = real(socket, data, size, flags);
    int error = errno;
    if (killer.moment == AFTER_SEND) {
        kill_server();
    }
    errno = error;
    return result;
}

struct heard {
    unsigned up, down;
};

static void on_up(void *context)
{
    ((struct heard *)context)->up++;
}

static void on_down(void *context, enum qr_client_down reason, const char *why)
{
    (void)reason;
    hold(why[0] != 0, "no reason is given", 0);
    ((struct heard *)context)->down++;
}

static void on_message(void *context, struct quire_bytes message)
{
    (void)context;
    (void)message;
}

int main(void)
{
    uint16_t port = 0;
    struct heard heard = {0};
    struct qr_client_connection_events events = {&heard, on_up, on_message, on_down, NULL, NULL};
    const struct qr_client_pin none = {.certificate = ""};
    for (unsigned i = 0; i < DIALS; i++) {
        int listener = listen_on(&port);
        char text[64];
        struct qr_client_url url;
        struct qr_client_error error = {0};
        struct qr_client_connection *connection = NULL;
        snprintf(text, sizeof text, "ws://127.0.0.1:%u", port);
        hold(qr_client_url_parse(text, &url) == QUIRE_OK, "url", i);
        hold(qr_client_connection_create(&url, &none, "", &events, &connection, &error) == QUIRE_OK,
            "no connection", i);
        heard = (struct heard){0};
        killer.listener = listener;
        killer.moment = (enum moment)(i % MOMENTS);
        killer.reset = i / MOMENTS % 2 == 0;
        if (killer.moment == NEVER_THERE) {
            kill_server();
        }
        qr_client_connection_dial(connection);
        unsigned turns = i % 7;
        for (unsigned turn = 0; turn < turns; turn++) {
            qr_client_connection_run(connection, 1);
        }
        kill_server();
        uint64_t until = now_ms() + PATIENCE_MS;
        while (!qr_client_connection_idle(connection) && now_ms() < until) {
            qr_client_connection_run(connection, 20);
        }
        qr_client_connection_hang_up(connection);
        hold(qr_client_connection_idle(connection), "it never ends", i);
        hold(heard.down == 1, "not told once that it is over", i);
        qr_client_connection_destroy(connection);
    }
    return 0;
}
