/*
 * Reading PROXY headers, and waiting for them.
 */
#include "server/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define V1_MAX 107 /* bytes, with the line's end */
#define V1_PARTS 6
#define V2_FIXED 16
#define V2_VERSION 0x20
#define V2_LOCAL 0
#define V2_PROXY 1
#define V2_UNSPECIFIED 0x00
#define V2_TCP4 0x11
#define V2_TCP6 0x21
#define V2_TCP4_SIZE 12
#define V2_TCP6_SIZE 36
#define WAITING_MAX 1024

/* ---- the header ------------------------------------------------------------------------------- */

/* A client behind a proxy is never this machine to us, whatever its address is there. */
static struct qr_address of_client(const struct sockaddr *client)
{
    struct qr_address address = qr_address_of(client);
    address.loopback = false;
    return address;
}

static struct qr_address of_v4(const uint8_t bytes[4])
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    memcpy(&v4.sin_addr, bytes, 4);
    return of_client((const struct sockaddr *)&v4);
}

static struct qr_address of_v6(const uint8_t bytes[16])
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v6.sin6_addr, bytes, 16);
    return of_client((const struct sockaddr *)&v6);
}

static bool is_port(const char *text)
{
    size_t length = strlen(text);
    return length >= 1 && length <= 5 && strspn(text, "0123456789") == length
        && (length == 1 || text[0] != '0') && strtoul(text, NULL, 10) <= 65535;
}

/* "PROXY TCP4 source destination port port", or "PROXY UNKNOWN" and anything. */
static bool read_v1(char *line, struct qr_address *out_address)
{
    char *parts[V1_PARTS];
    size_t count = 0;
    uint8_t source[16], destination[16];
    if (strcmp(line, "PROXY UNKNOWN") == 0 || strncmp(line, "PROXY UNKNOWN ", 14) == 0) {
        *out_address = (struct qr_address){0};
        return true;
    }
    for (char *next = line; next != NULL; count++) {
        if (count == V1_PARTS) {
            return false;
        }
        parts[count] = next;
        next = strchr(next, ' ');
        if (next != NULL) {
            *next++ = 0;
        }
    }
    if (count != V1_PARTS || !is_port(parts[4]) || !is_port(parts[5])) {
        return false;
    }
    bool v4 = strcmp(parts[1], "TCP4") == 0;
    int family = v4 ? AF_INET : AF_INET6;
    if ((!v4 && strcmp(parts[1], "TCP6") != 0) || inet_pton(family, parts[2], source) != 1
        || inet_pton(family, parts[3], destination) != 1) {
        return false;
    }
    *out_address = v4 ? of_v4(source) : of_v6(source);
    return true;
}

static enum qr_proxy_result parse_v1(
    const uint8_t *data, size_t size, struct qr_proxy_header *out_header)
{
    char line[V1_MAX + 1];
    size_t bounded = size < V1_MAX ? size : V1_MAX;
    const uint8_t *end = memchr(data, '\n', bounded);
    if (end == NULL) {
        return size >= V1_MAX ? QR_PROXY_BAD : QR_PROXY_MORE;
    }
    size_t length = (size_t)(end - data);
    struct qr_address address;
    if (length == 0 || data[length - 1] != '\r' || memchr(data, 0, length) != NULL) {
        return QR_PROXY_BAD;
    }
    memcpy(line, data, length - 1);
    line[length - 1] = 0;
    if (!read_v1(line, &address)) {
        return QR_PROXY_BAD;
    }
    *out_header = (struct qr_proxy_header){length + 1, address};
    return QR_PROXY_DONE;
}

static enum qr_proxy_result parse_v2(
    const uint8_t *data, size_t size, struct qr_proxy_header *out_header)
{
    if (size < V2_FIXED) {
        return QR_PROXY_MORE;
    }
    size_t length = (size_t)data[14] << 8 | data[15];
    unsigned command = data[12] & 0x0fu, family = data[13];
    size_t needed = family == V2_TCP4 ? V2_TCP4_SIZE : family == V2_TCP6 ? V2_TCP6_SIZE : 0;
    bool local = command == V2_LOCAL || family == V2_UNSPECIFIED;
    if ((data[12] & 0xf0u) != V2_VERSION || command > V2_PROXY
        || V2_FIXED + length > QR_PROXY_HEADER_MAX
        || (!local && (needed == 0 || length < needed))) {
        return QR_PROXY_BAD;
    }
    if (size < V2_FIXED + length) {
        return QR_PROXY_MORE;
    }
    struct qr_address address = {0};
    if (!local) {
        address = family == V2_TCP4 ? of_v4(data + V2_FIXED) : of_v6(data + V2_FIXED);
    }
    *out_header = (struct qr_proxy_header){V2_FIXED + length, address};
    return QR_PROXY_DONE;
}

enum qr_proxy_result qr_proxy_parse(
    const uint8_t *data, size_t size, struct qr_proxy_header *out_header)
{
    static const uint8_t v1[6] = "PROXY ";
    static const uint8_t v2[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 'Q', 'U', 'I', 'T', 0x0a};
    if (memcmp(data, v1, size < sizeof v1 ? size : sizeof v1) == 0) {
        return size < sizeof v1 ? QR_PROXY_MORE : parse_v1(data, size, out_header);
    }
    if (memcmp(data, v2, size < sizeof v2 ? size : sizeof v2) == 0) {
        return size < sizeof v2 ? QR_PROXY_MORE : parse_v2(data, size, out_header);
    }
    return QR_PROXY_BAD;
}

/* ---- who is a proxy --------------------------------------------------------------------------- */

static bool to_mapped(const struct sockaddr *address, uint8_t out[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address->sa_family == AF_INET) {
        memcpy(&v4, address, sizeof v4);
        memcpy(out, prefix, sizeof prefix);
        memcpy(out + sizeof prefix, &v4.sin_addr, 4);
        return true;
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&v6, address, sizeof v6);
        memcpy(out, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

bool qr_proxies_add(struct qr_proxies *proxies, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    const struct sockaddr *address = inet_pton(AF_INET, text, &v4.sin_addr) == 1
        ? (const struct sockaddr *)&v4
        : inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 ? (const struct sockaddr *)&v6
                                                        : NULL;
    if (address == NULL || proxies->address_count == QR_PROXIES_MAX) {
        return false;
    }
    return to_mapped(address, proxies->addresses[proxies->address_count++]);
}

bool qr_proxies_know(const struct qr_proxies *proxies, const struct sockaddr *peer)
{
    uint8_t mapped[16];
    if (proxies->address_count == 0 || !to_mapped(peer, mapped)) {
        return false;
    }
    for (unsigned i = 0; i < proxies->address_count; i++) {
        if (memcmp(mapped, proxies->addresses[i], sizeof mapped) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- waiting for it --------------------------------------------------------------------------- */

struct qr_proxy_waiting {
    uv_poll_t poll;
    struct qr_proxies *proxies;
    int socket;
    size_t size; /* bytes that were there when it was last looked at */
    uint64_t since_ms;
    struct qr_address address; /* the proxy's; the client's once `ready` */
    bool ready;
    struct qr_proxy_waiting *prev, *next;
};

/* libuv is done with the socket here, and not before. */
static void on_closed(uv_handle_t *handle)
{
    struct qr_proxy_waiting *waiting = handle->data;
    struct qr_proxies *proxies = waiting->proxies;
    if (waiting->ready && !proxies->stopped) {
        proxies->accepted(proxies->context, waiting->socket, waiting->address);
    } else {
        close(waiting->socket);
    }
    free(waiting);
}

static void finish(struct qr_proxy_waiting *waiting, bool ready)
{
    waiting->ready = ready;
    DL_DELETE(waiting->proxies->waiting, waiting);
    waiting->proxies->waiting_count--;
    uv_poll_stop(&waiting->poll);
    uv_close((uv_handle_t *)&waiting->poll, on_closed);
}

static void refuse(struct qr_proxy_waiting *waiting, const char *cause)
{
    struct qr_proxies *proxies = waiting->proxies;
    finish(waiting, false);
    proxies->refused(proxies->context, cause);
}

/* How many bytes there have to be before the socket is readable again. */
static void wake_at(int socket, size_t size)
{
    int least = (int)size;
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct qr_proxy_waiting *waiting = poll->data;
    uint8_t data[QR_PROXY_HEADER_MAX];
    struct qr_proxy_header header;
    (void)events;
    ssize_t size =
        status < 0 ? 0 : recv(waiting->socket, data, sizeof data, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0 || (size_t)size == waiting->size) { /* its end, perhaps behind half a header */
        refuse(waiting, "a proxy hung up before its PROXY header was whole");
        return;
    }
    waiting->size = (size_t)size;
    switch (qr_proxy_parse(data, waiting->size, &header)) {
    case QR_PROXY_MORE: wake_at(waiting->socket, waiting->size + 1); return;
    case QR_PROXY_BAD: refuse(waiting, "a proxy sent no PROXY header, or a wrong one"); return;
    case QR_PROXY_DONE:
        if (recv(waiting->socket, data, header.size, MSG_DONTWAIT) != (ssize_t)header.size) {
            refuse(waiting, "a PROXY header could not be read");
            return;
        }
        wake_at(waiting->socket, 1);
        waiting->address = header.address.bits != 0 ? header.address : waiting->address;
        finish(waiting, true);
        return;
    }
}

void qr_proxies_await(
    struct qr_proxies *proxies, int socket, const struct sockaddr *peer, uint64_t now_ms)
{
    struct qr_proxy_waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL || uv_poll_init(proxies->loop, &waiting->poll, socket) != 0) {
        free(waiting);
        close(socket);
        return;
    }
    waiting->poll.data = waiting;
    waiting->proxies = proxies;
    waiting->socket = socket;
    waiting->since_ms = now_ms;
    waiting->address = qr_address_of(peer);
    DL_APPEND(proxies->waiting, waiting);
    proxies->waiting_count++;
    if (uv_poll_start(&waiting->poll, UV_READABLE, on_readable) != 0) {
        refuse(waiting, "a PROXY header cannot be waited for");
    } else if (proxies->waiting_count > WAITING_MAX) {
        refuse(proxies->waiting, "too many connections of proxies wait for their PROXY header");
    }
}

void qr_proxies_tick(struct qr_proxies *proxies, uint64_t now_ms)
{
    while (
        proxies->waiting != NULL && now_ms - proxies->waiting->since_ms >= proxies->patience_ms) {
        refuse(proxies->waiting, "a proxy sent no PROXY header in time");
    }
}

void qr_proxies_stop(struct qr_proxies *proxies)
{
    proxies->stopped = true;
    while (proxies->waiting != NULL) {
        finish(proxies->waiting, false);
    }
}
