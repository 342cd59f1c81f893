/*
 * What a payload will hold, gathered and sorted, before it is written down (protocol/document.md).
 */
#ifndef QR_CRDT_ENCODER_H
#define QR_CRDT_ENCODER_H

#include "crdt/inner.h"
#include "crdt/order.h"

/** What is to be written of a replica. */
struct qr_part {
    uint64_t first; /* counters covered; 0: none */
    uint64_t last;
    uint64_t deleted;
    uint32_t rank; /* its place in the table */
    bool used;
};

/** A piece of a run that is live or dead throughout. */
struct qr_piece {
    uint32_t length;
    uint32_t size;          /* bytes of its letters; 0: dead */
    const uint8_t *letters; /* of a state not looked at */
};

/** Characters whose turn is not that of the runs, or that are in none. */
struct qr_encoder_turn {
    uint64_t id;
    uint64_t ranked; /* the id with the rank for a replica, from sort_effects on */
    uint64_t length;
    uint32_t turn;
    bool covered;
};

struct qr_encoder {
    const struct quire_document *document;
    bool state;
    int64_t wall_ms;
    struct qr_part *parts;           /* by replica number */
    struct qr_order_part *run_parts; /* the same for their runs */
    struct qr_run *runs;             /* by replica number and counter */
    uint32_t *piece_of;              /* run → its first piece; one more at the end */
    size_t run_count;
    size_t run_capacity;
    struct qr_piece *pieces;
    size_t piece_count;
    size_t piece_capacity;
    uint32_t *order;         /* of the runs, as written */
    uint32_t *stack;         /* of replicas */
    struct qr_range *erased; /* these ids have the rank for a replica from sort_effects on */
    size_t erased_count;
    struct qr_encoder_turn *turns;
    size_t turn_count;
    size_t turn_capacity;
    uint64_t *removed;
    size_t removed_count;
    const struct qr_dot **dots;
    size_t dot_count;
};

/** Whether its letters are written with it: they are in no run of the payload. */
static inline bool qr_encoder_turn_has_letters(const struct qr_encoder_turn *turn)
{
    return !turn->covered && turn->turn % 2 == 0;
}

/** Appends the payload. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_encoder_write(
    const struct qr_encoder *encoder, struct quire_buffer *out_bytes);

#endif
