/*
 * What a document is made of.
 */
#ifndef QR_CRDT_INNER_H
#define QR_CRDT_INNER_H

#include "crdt/cells.h"
#include "crdt/pending.h"
#include "crdt/sessions.h"
#include "crdt/text.h"

struct quire_document {
    struct qr_sessions sessions;
    struct qr_text text;
    struct qr_cells cells;
    struct qr_pending pending;
    int64_t wall_ms; /* the greatest that any edit seen here gave */
};

/** Appends the whole state, or a delta of the first `steps` of what is pending. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_encode_state(const struct quire_document *document,
    struct quire_buffer *out_bytes);
QUIRE_CHECKED enum quire_status qr_encode_delta(const struct quire_document *document,
    uint64_t steps, struct quire_buffer *out_bytes);

#endif
