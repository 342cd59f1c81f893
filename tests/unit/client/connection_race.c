/*
 * A name with several addresses, of which some lead nowhere: the one that answers is found soon, and is the
 * first to be tried the next time.
 */
#define _GNU_SOURCE
#include "client/connection.h"
#include "client/url.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NAME "several.example"
#define SOON_MS \
    5000 /* three staggers and much patience; an address that never answers takes 15 s */
#define AT_ONCE_MS 200 /* less than one stagger */
#define BLACKHOLE_CLIENTS 8
#define NEVER "127.0.0.2"  /* its queue is full: no SYN is answered */
#define SILENT "127.0.0.3" /* connects, and says nothing */
#define CLOSED "127.0.0.4" /* refuses */
#define LIVE "127.0.0.1"

static void hold(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the resolver; getaddrinfo below stands before that of libc ------------------------------- */

static const char *const *answer; /* NULL ends it */

__attribute__((visibility("default"))) int getaddrinfo(
    const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out_list)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (name == NULL || strcmp(name, NAME) != 0) {
        return real(name, service, hints, out_list);
    }
    struct addrinfo *first = NULL, **next = &first;
    for (const char *const *address = answer; *address != NULL; address++) {
        int error = real(*address, service, hints, next);
        if (error != 0) {
            return error;
        }
        next = &(*next)->ai_next;
    }
    *out_list = first;
    return 0;
}

/* ---- addresses that lead nowhere, and one that does ------------------------------------------- */

static int listen_on(const char *text, uint16_t *port, int backlog)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t size = sizeof address;
    hold(listener >= 0 && inet_pton(AF_INET, text, &address.sin_addr) == 1, "socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    hold(bind(listener, (struct sockaddr *)&address, size) == 0, "bind");
    hold(listen(listener, backlog) == 0, "listen");
    hold(getsockname(listener, (struct sockaddr *)&address, &size) == 0, "getsockname");
    *port = ntohs(address.sin_port);
    return listener;
}

static void fill_queue(const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, text, &address.sin_addr);
    for (unsigned i = 0; i < BLACKHOLE_CLIENTS; i++) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(client, (struct sockaddr *)&address, sizeof address);
    }
}

/* Just enough of RFC 6455 to be a server. */
static void answer_upgrade(int connection, const char *request)
{
    static const char field[] = "Sec-WebSocket-Key: ";
    const char *key = strcasestr(request, field);
    hold(key != NULL, "no upgrade was asked for");
    key += sizeof field - 1;
    char joined[128], reply[256];
    uint8_t digest[SHA_DIGEST_LENGTH];
    uint8_t accept[32];
    snprintf(joined, sizeof joined, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
        (int)strcspn(key, "\r"), key);
    SHA1((const uint8_t *)joined, strlen(joined), digest);
    EVP_EncodeBlock(accept, digest, sizeof digest);
    int size = snprintf(reply, sizeof reply,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: quire.1\r\n\r\n",
        accept);
    hold(write(connection, reply, (size_t)size) == size, "write");
}

static void serve(int listener, int *connection)
{
    char request[2048];
    if (*connection < 0) {
        *connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    }
    ssize_t size = *connection < 0 ? -1 : recv(*connection, request, sizeof request - 1, MSG_PEEK);
    if (size > 0) {
        request[size] = 0;
        if (strstr(request, "\r\n\r\n") != NULL
            && read(*connection, request, (size_t)size) == size) {
            answer_upgrade(*connection, request);
        }
    }
}

/* ---- races ------------------------------------------------------------------------------------ */

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
    hold(why[0] != 0, "no reason is given");
    ((struct heard *)context)->down++;
}

static void on_message(void *context, struct quire_bytes message)
{
    (void)context;
    (void)message;
}

/* Dials NAME until it is up or down; how long that took. */
static uint64_t race(int listener, uint16_t port, const char *worked, bool wins, const char *winner)
{
    char text[64];
    struct qr_client_url url;
    struct qr_client_error error = {0};
    struct qr_client_connection *connection = NULL;
    const struct qr_client_pin none = {.certificate = ""};
    struct heard heard = {0};
    struct qr_client_connection_events events = {&heard, on_up, on_message, on_down, NULL, NULL};
    int served = -1;
    snprintf(text, sizeof text, "ws://" NAME ":%u", port);
    hold(qr_client_url_parse(text, &url) == QUIRE_OK, "url");
    hold(qr_client_connection_create(&url, &none, worked, &events, &connection, &error) == QUIRE_OK,
        "no connection");
    uint64_t begun_ms = now_ms();
    qr_client_connection_dial(connection);
    while (heard.up + heard.down == 0 && now_ms() - begun_ms < SOON_MS) {
        qr_client_connection_run(connection, 5);
        serve(listener, &served);
    }
    uint64_t took_ms = now_ms() - begun_ms;
    hold(heard.up == (wins ? 1 : 0), "the address that answers was not found soon");
    hold(heard.down == (wins ? 0 : 1), "not told once that no address answers");
    for (unsigned i = 0; i < 100; i++) { /* the losers end, and are not heard of */
        qr_client_connection_run(connection, 1);
    }
    hold(heard.up + heard.down == 1, "a loser was heard of");
    hold(strcmp(qr_client_connection_worked(connection), winner) == 0, "another address won");
    qr_client_connection_hang_up(connection);
    qr_client_connection_destroy(connection);
    if (served >= 0) {
        close(served);
    }
    return took_ms;
}

int main(void)
{
    static const char *const dead_first[] = {NEVER, SILENT, CLOSED, LIVE, NULL};
    static const char *const refused[] = {CLOSED, CLOSED, NULL};
    static const char *const both[] = {"::1", NEVER, LIVE, NULL};
    uint16_t port = 0;
    int live = listen_on(LIVE, &port, 16);
    (void)listen_on(SILENT, &port, 16);
    (void)listen_on(NEVER, &port, 0);
    fill_queue(NEVER, port);
    answer = dead_first;
    uint64_t first_ms = race(live, port, "", true, LIVE);
    hold(first_ms >= AT_ONCE_MS, "an address that may still answer was not waited for");
    hold(race(live, port, LIVE, true, LIVE) < first_ms, "what worked last is not tried first");
    answer = refused;
    (void)race(live, port, "", false, "");
    answer = both;
    (void)race(live, port, "", true, LIVE);
    return 0;
}
