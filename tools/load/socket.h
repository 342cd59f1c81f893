/*
 * As much of a WebSocket client as a load generator needs: plain, non-blocking, binary messages. It
 * costs little, so that on one machine the figures are the server's.
 */
#ifndef QUIRE_LOAD_SOCKET_H
#define QUIRE_LOAD_SOCKET_H

#include <quire/bytes.h>

struct load_socket {
    int descriptor; /* -1: none */
    bool open;      /* the upgrade is done */
    bool wants_write;
    struct quire_buffer in, out;
    size_t sent; /* of out */
};

/** Starts connecting and queues the upgrade. host: address[:port] of IPv4. EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status load_socket_connect(struct load_socket *socket, const char *host);
void load_socket_close(struct load_socket *socket);

/** Queues one binary message; load_socket_flush sends it. ENOMEM. */
QUIRE_CHECKED enum quire_status load_socket_send(
    struct load_socket *socket, struct quire_bytes message);
/** Writes as much as the kernel takes. EIO: the connection is gone. */
QUIRE_CHECKED enum quire_status load_socket_flush(struct load_socket *socket);

/**
 * Reads what is there and calls `take` for each whole message; false from it ends the reading.
 * EIO: the connection is gone or was closed. EMALFORMED: not what a server sends.
 */
QUIRE_CHECKED enum quire_status load_socket_receive(struct load_socket *socket,
    bool (*take)(void *context, struct quire_bytes message), void *context);

#endif
