/*
 * Our own listening sockets: libwebsockets is handed connections that were counted and admitted.
 */
#ifndef QR_SERVER_LISTENER_H
#define QR_SERVER_LISTENER_H

#include "server/proxy.h"
#include <quire/status.h>
#include <uv.h>

#define QR_LISTENER_SOCKETS 16

struct qr_listener {
    uv_poll_t polls[QR_LISTENER_SOCKETS];
    int sockets[QR_LISTENER_SOCKETS];
    unsigned count;
    int reserve; /* a file kept open, to be given up for refusing a connection when files run out */
    uint16_t port; /* of the first socket */
    bool loopback; /* all of them */
    bool listening;
    struct qr_proxies proxies; /* whose connections wait for a PROXY header */
    /** Takes the socket, which is set to be closed on exec and not to block. */
    void (*accepted)(void *context, int socket, const struct sockaddr *peer);
    void *context;
};

void qr_listener_init(struct qr_listener *listener);
/** Binds one more address; nothing is accepted yet. EINVALID: the name does not resolve; EIO: it
 * cannot be listened on. The sentence is in out_error. */
QUIRE_CHECKED enum quire_status qr_listener_bind(struct qr_listener *listener, const char *host,
    uint16_t port, char *out_error, size_t error_size);
/** Accepts from now on. */
QUIRE_CHECKED enum quire_status qr_listener_start(struct qr_listener *listener, uv_loop_t *loop);
/** No more; may be called again. The loop must run once more. */
void qr_listener_stop(struct qr_listener *listener);

#endif
