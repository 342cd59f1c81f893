/*
 * Memory for messages that are not whole yet. It is bounded per address before a connection has
 * proved which device it is, per user afterwards, and for all; at a bound the connection that holds
 * most in it is closed, the oldest of those that hold the same, and never one that holds less.
 *
 * Threads: the loop's.
 */
#ifndef QR_SERVER_INTAKE_H
#define QR_SERVER_INTAKE_H

#include "server/addresses.h"
#include "sync/hub/hub.h"

#define QR_INTAKE_ADDRESS_MAX (1024u * 1024)  /* bytes, of strangers from one address */
#define QR_INTAKE_USER_MAX (8u * 1024 * 1024) /* bytes, of one user's devices */
#define QR_INTAKE_STRANGERS_MAX (32u * 1024 * 1024)
#define QR_INTAKE_MEMBERS_MAX (224u * 1024 * 1024)

struct qr_intake_group;

/** A connection's part of a message. Zero-initialise. */
struct qr_intake_part {
    struct quire_buffer bytes;
    struct qr_intake_group *group; /* NULL: it holds nothing */
    struct qr_intake_part *next, *prev;
};

/** Zero-initialise but for `close`. */
struct qr_intake {
    void (*close)(struct qr_intake_part *part, uint16_t code); /* ends its connection, later */
    struct qr_intake_part *parts; /* that hold something, oldest first */
    struct qr_intake_group *groups;
    size_t sizes[2]; /* bytes held by strangers and by members */
    uint64_t closed; /* connections that were closed for it */
};

/** Appends to the part of a connection from this address. False: it was closed, or there is no memory. */
bool qr_intake_add(struct qr_intake *intake, struct qr_intake_part *part,
    const struct qr_address *address, const struct qr_hub_allowance *allowance, const uint8_t *data,
    size_t size);
/** Frees it. */
void qr_intake_drop(struct qr_intake *intake, struct qr_intake_part *part);

#endif
