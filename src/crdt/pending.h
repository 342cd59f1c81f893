/*
 * Local edits that no delta has taken yet, as a list in the order they were made. What they wrote
 * is in the document itself; the list only says which counters are meant, and what the edits did to
 * things that are not pending: ids erased, dots overwritten, what a delete saw.
 *
 * REMOVE stands right before the span whose first counter did it, ERASE somewhere before it, for later
 * erasures may have been added to it, DELETED after it.
 */
#ifndef QR_CRDT_PENDING_H
#define QR_CRDT_PENDING_H

#include "crdt/replicas.h"

enum qr_pending_kind {
    QR_PENDING_SPAN = 1,    /* these counters were used */
    QR_PENDING_ERASE = 2,   /* these characters died */
    QR_PENDING_REMOVE = 3,  /* this dot was overwritten or removed */
    QR_PENDING_REVIVE = 5,  /* these characters came back; at most QR_REVIVED_MAX */
    QR_PENDING_DELETED = 4, /* the entry was deleted, having seen this replica so far */
};

struct qr_pending_record {
    uint64_t id;
    uint64_t length; /* of SPAN, ERASE and REVIVE; otherwise 1 */
    uint8_t kind;
};

struct qr_pending {
    struct qr_pending_record *records; /* the first that no delta took */
    size_t count;
    struct qr_pending_record
        *memory; /* where they are kept; those that were taken go before them */
    size_t capacity;
    uint64_t steps;      /* the list's length in steps: a counter or another record is one */
    size_t content_size; /* bytes that the live letters and values will take, estimated */
    int64_t wall_ms;     /* when the latest of them was made */
};

void qr_pending_finish(struct qr_pending *pending);
QUIRE_CHECKED enum quire_status qr_pending_reserve(struct qr_pending *pending, size_t extra);

/** Appends a record, or makes the last one longer. Room was reserved. */
void qr_pending_push(
    struct qr_pending *pending, enum qr_pending_kind kind, uint64_t id, uint64_t length);

/** Appends ERASE or REVIVE records. Room for one, and one for each QR_REVIVED_MAX, was reserved. */
void qr_pending_push_turned(struct qr_pending *pending, uint64_t id, uint64_t length, bool revived);

/** The next counters of a replica are used by a pending edit; returns the first one's id. */
uint64_t qr_pending_tick(
    struct qr_pending *pending, struct qr_replicas *replicas, uint32_t replica, uint64_t length);

/** Whether this id is one of a pending edit. */
bool qr_pending_has(const struct qr_replicas *replicas, uint64_t id);

/** The same of the first of so many ids, which are one replica's; cuts *length to those like it. */
bool qr_pending_part(const struct qr_replicas *replicas, uint64_t id, uint64_t *length);

/** A pending dot was overwritten: what it had overwritten counts as removed by the next edit. Room
 * for as many records as there are REMOVEs before it was reserved. */
void qr_pending_inherit(struct qr_pending *pending, uint64_t id);

/** How many REMOVE records qr_pending_inherit would move. */
size_t qr_pending_inheritance(const struct qr_pending *pending, uint64_t id);

/** The nearest place at or before so many steps where no REMOVE is parted from its edit; where there
 * is none but the start, `steps` itself. */
uint64_t qr_pending_boundary(const struct qr_pending *pending, uint64_t steps);

/** So many bytes of letters or values will not be written after all. */
static inline void qr_pending_forget_content(struct qr_pending *pending, size_t size)
{
    pending->content_size -= size < pending->content_size ? size : pending->content_size;
}

/** Forgets the first steps, which a delta took. */
void qr_pending_drop(struct qr_pending *pending, struct qr_replicas *replicas, uint64_t steps);

#endif
