/*
 * One connection, from its acceptance to its end: reassembly of what comes in, a queue of what goes
 * out, and what libwebsockets is to be told.
 *
 *   guest ──► open ──► closing ──► gone          guest: TLS and HTTP; no hub knows it
 *                                                open: has an id, the hub knows it
 *
 * What is queued here is bounded by the hub, which hands out no more than QR_HUB_UNSENT_MAX.
 */
#ifndef QR_SERVER_CONNECTION_H
#define QR_SERVER_CONNECTION_H

#include "server/intake.h"
#include <libwebsockets.h>
#include <quire/bytes.h>
#include <uthash.h>
#include <utlist.h>

struct qr_server;
struct qr_outgoing;

enum qr_connection_state {
    QR_CONNECTION_GUEST,
    QR_CONNECTION_OPEN,
    QR_CONNECTION_CLOSING, /* what is queued goes out, then the close frame; nothing is heard */
    QR_CONNECTION_GONE,    /* only libwebsockets still has it */
};

struct qr_connection {
    UT_hash_handle hh;                                   /* by id, while open or closing */
    struct qr_connection *next, *prev;                   /* guests, or closing ones, oldest first */
    struct qr_connection *next_paused, *prev_paused;     /* not read for the moment */
    struct qr_connection *next_farewell, *prev_farewell; /* ready for the close frame */
    struct qr_connection *next_sent;
    struct qr_server *server;
    struct lws *wsi;
    enum qr_connection_state state;
    uint16_t close_code;
    bool paused, farewell, in_sent, broken;
    uint64_t id;
    uint64_t since_ms; /* accepted; for a closing one, since when */
    uint64_t accepted_ms;
    struct qr_address address;
    struct qr_intake_part part; /* of a message that is not whole yet */
    struct qr_outgoing *first, **end;
    size_t written; /* bytes that left the queue and were not told to the hub */
    uint64_t turn;  /* the round of the loop in which turn_bytes were written */
    size_t turn_bytes;
};

/** The protocols for libwebsockets; the context's user is the server. */
const struct lws_protocols *qr_connection_protocols(void);

/** Hands an accepted socket over; closes it if that fails. */
void qr_connection_adopt(
    struct qr_server *server, struct lws_vhost *vhost, int socket, struct qr_address address);

/** Sends now or queues a copy. */
void qr_connection_send(struct qr_connection *connection, struct quire_bytes bytes);
/** Closes after what is queued. */
void qr_connection_close(struct qr_connection *connection, uint16_t code);
/** The same, of the connection whose part of a message this is. */
void qr_connection_close_part(struct qr_intake_part *part, uint16_t code);
/** Sends the close frames of the connections that are ready for it; outside of callbacks only. */
void qr_connection_farewells(struct qr_server *server);
/** Ends it without another word. */
void qr_connection_kill(struct qr_connection *connection);
/** No longer counts as a guest, while libwebsockets ends it. */
void qr_connection_forget_guest(struct qr_connection *connection);
/** Reads again, after the server was congested. */
void qr_connection_resume(struct qr_connection *connection);
/** Takes the bytes that have left, if it is time to tell the hub; else 0. */
size_t qr_connection_take_sent(struct qr_connection *connection);

#endif
