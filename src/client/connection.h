/*
 * One WebSocket connection at a time to one server, by libwebsockets' own poll loop. The addresses of a
 * name race for it (RFC 8305): each begins 250 ms after the one before, or when that one has failed.
 *
 * Everything is called back from qr_client_connection_run, on its thread. Certificates: see
 * client/certificate.h.
 */
#ifndef QR_CLIENT_CONNECTION_H
#define QR_CLIENT_CONNECTION_H

#include "client/certificate.h"
#include "client/error.h"
#include "client/url.h"
#include <quire/bytes.h>

#define QR_CLIENT_MESSAGE_MAX ((size_t)512 * 1024) /* the protocol's limit for a frame */

enum qr_client_down {
    QR_CLIENT_DOWN_UNREACHABLE, /* never got through */
    QR_CLIENT_DOWN_DISTRUSTED,  /* its certificate */
    QR_CLIENT_DOWN_CUT,         /* was up */
};

struct qr_client_connection_events {
    void *context;
    void (*up)(void *context);
    void (*message)(void *context, struct quire_bytes message);
    void (*down)(void *context, enum qr_client_down reason, const char *why);
    bool (*trust)(void *context, const char *host, const char *fingerprint); /* may be NULL */
    /* What is to be pinned from now on, after `trust` or a renewal. False: it was not kept. May be NULL. */
    bool (*pin)(void *context, const struct qr_client_pin *pin);
};

struct qr_client_connection;

/** Borrows nothing. worked: of the server's addresses the one to try first; "" none. EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_connection_create(const struct qr_client_url *url,
    const struct qr_client_pin *pin, const char *worked,
    const struct qr_client_connection_events *events, struct qr_client_connection **out_connection,
    struct qr_client_error *error);
/** Cuts the connection if there is one, without calling down; accepts NULL. */
void qr_client_connection_destroy(struct qr_client_connection *connection);

/** The address that is up, or was up last, if the name has several; else "". Until the next run. */
const char *qr_client_connection_worked(const struct qr_client_connection *connection);
/** Begins to connect; up or down follows. Only while nothing is up or on its way. */
void qr_client_connection_dial(struct qr_client_connection *connection);
/** What to do about a certificate that was refused, in sentences; "" if none was. Until the next dial. */
const char *qr_client_connection_advice(const struct qr_client_connection *connection);
/** Neither up nor dialling. */
bool qr_client_connection_idle(const struct qr_client_connection *connection);
/** Queues a copy of one message; without a connection it is dropped. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_connection_send(
    struct qr_client_connection *connection, struct quire_bytes message);
/** Closes after what is queued, in two seconds at most; down follows. */
void qr_client_connection_hang_up(struct qr_client_connection *connection);
/** Does what there is to do, waiting for at most wait_ms. */
void qr_client_connection_run(struct qr_client_connection *connection, uint32_t wait_ms);
/** Bytes of messages since it was created. */
void qr_client_connection_counts(
    const struct qr_client_connection *connection, uint64_t *out_received, uint64_t *out_sent);

#endif
