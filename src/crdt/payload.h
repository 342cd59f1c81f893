/*
 * A delta or state as read from bytes (protocol/document.md) and checked against a document: once
 * it is here, all it names exists, and merging cannot fail but for memory and limits.
 */
#ifndef QR_CRDT_PAYLOAD_H
#define QR_CRDT_PAYLOAD_H

#include "crdt/inner.h"

/** What a payload has parts for: bits of its second byte. */
enum qr_part_bit {
    QR_PART_STATE = 1,
    QR_PART_DELETED = 2,
    QR_PART_VALUES = 4,
    QR_PART_LETTERS = 8,
    QR_PART_RUNS = 16,
    QR_PART_ERASED = 32,
    QR_PART_REMOVED = 64,
    QR_PART_TURNS = 128,
};

struct qr_payload_replica {
    const uint8_t *name;
    uint64_t first;  /* of the counters that the payload covers */
    uint64_t last;   /* < first: none */
    uint32_t number; /* in the document, where new ones are numbered on; 0: unknown and unused */
};

/** Characters whose turn is greater than 1 (text.h). */
struct qr_turned {
    uint64_t id;
    uint64_t length;
    uint32_t turn;
    bool covered; /* they are in the payload's runs; else an even turn's letters are in `revived` */
};

/** All ids are the document's. Borrows from the bytes. */
struct qr_payload {
    struct qr_arena *arena; /* the document's, which holds all arrays but `arranged` */
    bool state;
    int64_t wall_ms;
    struct qr_payload_replica *replicas;
    size_t replica_count;
    uint32_t new_replicas;
    uint32_t *by_number; /* the document's replica number → index in replicas, or QR_NONE */
    size_t number_count; /* of by_number: all that may be in an id, and 0 */
    struct qr_run *runs;
    size_t run_count;
    uint64_t *liveness; /* live, dead, live … code points of the runs, in their order */
    size_t liveness_count;
    struct quire_bytes letters; /* of the live ones; a state has them in the order of the text */
    size_t live;                /* code points of them */
    uint8_t *arranged;          /* owned: a state's letters in the order of its runs, or NULL */
    struct qr_range *erased;
    size_t erased_count;
    struct qr_turned *turned; /* ascending by the table's replicas and counters */
    size_t turned_count;
    struct quire_bytes revived; /* letters */
    struct qr_put *puts;
    size_t put_count;
    uint64_t *removed; /* dots */
    size_t removed_count;
    uint64_t *deleted; /* per replica, up to this id */
    size_t deleted_count;
};

/** One that is sound is read, and not checked. EMALFORMED, ELIMIT, EUNSUPPORTED, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_payload_read(const struct quire_document *document,
    struct quire_bytes bytes, bool sound, struct qr_payload *out_payload);
/** Of a state, what is shown: replicas, deletes, values and letters, unchecked against the rest and
 * not counted. */
QUIRE_CHECKED enum quire_status qr_payload_read_shown(const struct quire_document *document,
    struct quire_bytes bytes, struct qr_payload *out_payload);
/** Before the document is destroyed. */
void qr_payload_finish(struct qr_payload *payload);

/** Whether everything that it refers to exists in the document, or earlier in itself (a state's text,
 * in itself), and its runs are as long as they can be and in the one order. EMALFORMED, ELIMIT,
 * ENOMEM. */
QUIRE_CHECKED enum quire_status qr_payload_check(
    const struct quire_document *document, const struct qr_payload *payload);

/** Characters of a run that have one turn, in the order of the runs. */
struct qr_stretch {
    struct qr_run run; /* with its turn */
    bool turned;       /* `turned` names them */
};

/** A walk over all stretches of a payload. */
struct qr_stretch_walk {
    const struct qr_payload *payload;
    size_t next; /* run */
    struct qr_run rest;
    size_t liveness; /* the live or dead stretch under way, and what is left of it */
    uint64_t left;
};

struct qr_stretch_walk qr_stretch_walk_from(const struct qr_payload *payload);
/** False: there are no more. */
bool qr_stretch_walk_on(struct qr_stretch_walk *walk, struct qr_stretch *out_stretch);

/** Puts a state's letters, so far in the order of the text, in that of its runs. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_payload_arrange(struct qr_payload *payload);

/** The greatest counter of this id's replica that is known once the payload is merged. */
uint64_t qr_payload_seen(
    const struct quire_document *document, const struct qr_payload *payload, uint64_t id);

#endif
