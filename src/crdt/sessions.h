/*
 * Who wrote in a document, and how far each has been seen. Sessions are numbered from 1 in order of
 * arrival; the numbers are local and never leave the document.
 */
#ifndef QR_CRDT_SESSIONS_H
#define QR_CRDT_SESSIONS_H

#include "crdt/ids.h"
#include <quire/document.h>

struct qr_session {
    uint8_t name[QUIRE_SESSION_SIZE];
    uint64_t seen;          /* greatest counter seen; all below it were seen too */
    uint64_t deleted;       /* greatest counter that a delete of the entry has seen */
    uint64_t pending_first; /* counters not yet taken as a delta; 0: none */
    uint64_t pending_last;
};

struct qr_sessions {
    struct qr_session *at; /* at[0] is unused */
    uint32_t *sorted;      /* numbers in order of the names */
    uint32_t count;        /* without at[0] */
    uint32_t capacity;
    uint32_t latest;       /* the one that wrote here last, or 0: looked at first */
};

void qr_sessions_finish(struct qr_sessions *sessions);

/** Room for `extra` more. ELIMIT past QR_SESSIONS_MAX, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_sessions_reserve(struct qr_sessions *sessions, uint32_t extra);

/** Its number, or 0. */
uint32_t qr_sessions_find(const struct qr_sessions *sessions, const uint8_t *name);

/** Its number, new if need be; room was reserved. */
uint32_t qr_sessions_add(struct qr_sessions *sessions, const uint8_t *name);

/** The order that breaks ties: by name, then by counter. */
bool qr_sessions_id_before(const struct qr_sessions *sessions, uint64_t a, uint64_t b);

#endif
