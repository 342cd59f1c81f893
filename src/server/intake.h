/*
 * Memory for messages that are not whole yet. It is bounded per address before a connection has
 * proved which device it is, per user afterwards, and for all; at a bound the connection that holds
 * most in it is closed, the oldest of those that hold the same, and never one that holds less.
 *
 * Threads: the loop's.
 */
#ifndef QR_SERVER_INTAKE_H
#define QR_SERVER_INTAKE_H

#include "server/connection.h"
#include "sync/hub/hub.h"

#define QR_INTAKE_ADDRESS_MAX (1024u * 1024)  /* bytes, of strangers from one address */
#define QR_INTAKE_USER_MAX (8u * 1024 * 1024) /* bytes, of one user's devices */
#define QR_INTAKE_STRANGERS_MAX (32u * 1024 * 1024)
#define QR_INTAKE_MEMBERS_MAX (224u * 1024 * 1024)

struct qr_intake_group;

/** Zero-initialise. */
struct qr_intake {
    struct qr_connection *holders; /* connections with a part of a message, oldest part first */
    struct qr_intake_group *groups;
    size_t sizes[2]; /* bytes held by strangers and by members */
    uint64_t closed; /* connections that were closed for it */
};

/** Appends to the connection's part of a message. False: it was closed, or there is no memory. */
bool qr_intake_add(struct qr_intake *intake, struct qr_connection *connection,
    const struct qr_hub_allowance *allowance, const uint8_t *data, size_t size);
/** Frees the connection's part of a message. */
void qr_intake_drop(struct qr_intake *intake, struct qr_connection *connection);

#endif
