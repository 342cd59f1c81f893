/*
 * The roster append in hand: one at a time, tried on a copy of the roster.
 *
 *   IDLE ──begin──► WAITING ──sent──► SENT ──done──► IDLE
 *                      ▲                │ refused, or the connection ended
 *                      └────────────────┘
 *   WAITING and SENT end in IDLE, too, when the append fails. docs/state-machines.md draws it.
 */
#ifndef QR_SYNC_DEVICE_PARTS_APPEND_H
#define QR_SYNC_DEVICE_PARTS_APPEND_H

#include "sync/roster.h"

#define DEVICE_APPEND_TRIES 5
#define DEVICE_APPEND_RETRY_MS 300

enum device_append_kind {
    APPEND_NONE,
    APPEND_PAIR,
    APPEND_REVOKE,
    APPEND_RECOVER,
    APPEND_REVOKE_AGAIN, /* a lost revocation */
    APPEND_ADD_AGAIN,    /* a lost enrolment */
    APPEND_KIND_COUNT,
};

/** Invariant: sent only with a kind; `roster` is not empty exactly while it is sent. */
struct device_append {
    enum device_append_kind kind;
    bool sent;
    unsigned tries;
    uint8_t device[QR_DEVICE_SIZE]; /* the subject */
    uint32_t epoch; /* a key was made for it and is forgotten if the append fails; 0: none */
    struct qr_roster roster; /* ours with the records that were sent */
    uint64_t at_ms;          /* not before */
};

bool device_append_idle(const struct device_append *append);
bool device_append_revokes(const struct device_append *append);
/** Re-applies an operation that the server lost. */
bool device_append_repeats(const struct device_append *append);
/** IDLE → WAITING. */
void device_append_begin(struct device_append *append, enum device_append_kind kind,
    const uint8_t device[QR_DEVICE_SIZE]);
/** WAITING → SENT; `roster` has the records. */
void device_append_mark_sent(struct device_append *append);
/** SENT → WAITING: again at at_ms. Returns the epoch whose key is to be forgotten; 0: none. */
uint32_t device_append_retry(struct device_append *append, uint64_t at_ms);
/** → IDLE. Returns what it was. */
enum device_append_kind device_append_end(struct device_append *append);
void device_append_check(const struct device_append *append);

#endif
