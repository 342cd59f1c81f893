/*
 * The PROXY protocol (haproxy.org/download/2.9/doc/proxy-protocol.txt), versions 1 and 2: a proxy says in
 * front of a connection's first byte which address it comes from. Only from proxies that the operator named.
 */
#ifndef QR_SERVER_PROXY_H
#define QR_SERVER_PROXY_H

#include "server/addresses.h"
#include <stddef.h>
#include <uv.h>

#define QR_PROXIES_MAX 8
#define QR_PROXY_TEXT_MAX 45 /* of an address */
#define QR_PROXY_HEADER_MAX \
    536 /* bytes; version 1 has 107 at most, version 2 these before long TLVs */

enum qr_proxy_result { QR_PROXY_MORE, QR_PROXY_BAD, QR_PROXY_DONE };

struct qr_proxy_header {
    size_t size;               /* bytes of it: what follows is the client's */
    struct qr_address address; /* of the client; bits 0: the proxy speaks for itself */
};

/** Reads the header that `data` begins with. MORE: it is the beginning of one. Only DONE sets out_header. */
enum qr_proxy_result qr_proxy_parse(
    const uint8_t *data, size_t size, struct qr_proxy_header *out_header);

struct qr_proxy_waiting;

/** Connections of proxies whose header is not there yet. */
struct qr_proxies {
    uint8_t addresses[QR_PROXIES_MAX][16]; /* of the proxies, IPv4 mapped into IPv6 */
    unsigned address_count;
    uv_loop_t *loop;
    uint64_t patience_ms;             /* for a header */
    struct qr_proxy_waiting *waiting; /* the oldest first */
    size_t waiting_count;
    bool stopped;
    /** Takes the socket. */
    void (*accepted)(void *context, int socket, struct qr_address address);
    /** The socket is closed. */
    void (*refused)(void *context, const char *cause);
    void *context;
};

/** Names one more proxy by its numeric address; false: it is none, or one too many. */
bool qr_proxies_add(struct qr_proxies *proxies, const char *text);
/** Is this one of them? */
bool qr_proxies_know(const struct qr_proxies *proxies, const struct sockaddr *peer);
/** Takes a proxy's socket, and hands it on when the header is there. */
void qr_proxies_await(
    struct qr_proxies *proxies, int socket, const struct sockaddr *peer, uint64_t now_ms);
/** Ends those that took too long. */
void qr_proxies_tick(struct qr_proxies *proxies, uint64_t now_ms);
/** Ends them all. The loop must run once more. */
void qr_proxies_stop(struct qr_proxies *proxies);

#endif
