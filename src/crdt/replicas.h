/*
 * Who wrote in a document, and how far each has been seen. Replicas are numbered from 1 in order of
 * arrival; the numbers are local and never leave the document.
 */
#ifndef QR_CRDT_REPLICAS_H
#define QR_CRDT_REPLICAS_H

#include "crdt/ids.h"
#include <quire/document.h>

struct qr_replica {
    uint8_t name[QUIRE_REPLICA_SIZE];
    uint64_t seen;          /* greatest counter seen; all below it were seen too */
    uint64_t deleted;       /* greatest counter that a delete of the entry has seen */
    uint64_t pending_first; /* counters not yet taken as a delta; 0: none */
    uint64_t pending_last;
};

struct qr_replicas {
    struct qr_replica *at; /* at[0] is unused */
    uint32_t *sorted;      /* numbers in order of the names */
    uint32_t count;        /* without at[0] */
    uint32_t capacity;
    uint32_t latest; /* the one that wrote here last, or 0: looked at first */
};

void qr_replicas_finish(struct qr_replicas *replicas);

/** Room for `extra` more. ENOMEM, also past QR_REPLICAS_MAX. */
QUIRE_CHECKED enum quire_status qr_replicas_reserve(struct qr_replicas *replicas, uint32_t extra);

/** Its number, or 0. */
uint32_t qr_replicas_find(const struct qr_replicas *replicas, const uint8_t *name);

/** Its number, new if need be; room was reserved. */
uint32_t qr_replicas_add(struct qr_replicas *replicas, const uint8_t *name);

/** Adds a replica that is new, after all others; room was reserved. Names must ascend until
 * qr_replicas_sort_appended puts those after the first `known` into the sorted table: one pass for all. */
void qr_replicas_append(struct qr_replicas *replicas, const uint8_t *name);
void qr_replicas_sort_appended(struct qr_replicas *replicas, uint32_t known);

/** The order that breaks ties: by name, then by counter. */
bool qr_replicas_id_before(const struct qr_replicas *replicas, uint64_t a, uint64_t b);

#endif
