/*
 * What a document is made of.
 */
#ifndef QR_CRDT_INNER_H
#define QR_CRDT_INNER_H

#include "crdt/arena.h"
#include "crdt/cells.h"
#include "crdt/pending.h"
#include "crdt/replicas.h"
#include "crdt/text.h"
#include "crdt/typing.h"

/** A state of which only replicas and cells have been decoded. */
struct qr_encoded {
    struct quire_buffer state; /* empty: the items are built, and this is unused */
    struct quire_bytes text;   /* the visible text in state */
    bool sound;                /* all of it was checked when it came, or it was written here */
};

struct quire_document {
    struct qr_replicas replicas;
    struct qr_text text; /* all zeros while encoded */
    struct qr_encoded encoded;
    struct qr_cells cells;
    struct qr_pending pending;
    struct qr_typing typing;
    struct quire_undo *undo;     /* borrowed: told of local edits; NULL: no undo (crdt/undo.h) */
    struct quire_document *self; /* for settling what a reader of a const document has to see */
    struct qr_arena arena;       /* of a payload while it is merged */
    int64_t wall_ms;             /* the greatest that any edit seen here gave */
};

/** A document whose text is not initialised, or NULL: no memory. */
struct quire_document *qr_document_alloc(void);

static inline bool qr_document_is_encoded(const struct quire_document *document)
{
    return document->encoded.state.size > 0;
}

/** Makes an empty document, or one of this very state, an encoded one. Takes the buffer. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_document_retain(
    struct quire_document *document, struct quire_buffer *state);

/** Builds an empty document's items from a state. EMALFORMED unless it is sound; ELIMIT, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_document_build(
    struct quire_document *document, struct quire_bytes state, bool sound);

/** Builds the items of an encoded document. ENOMEM; EMALFORMED, ELIMIT: its bytes were no state. */
QUIRE_CHECKED enum quire_status qr_document_wake(struct quire_document *document);

/**
 * Builds the items of an encoded document, and applies the strokes to the items and the pending list.
 * Call it before reading items, counters or pending records. What the document shows stays the same, so
 * a const document will do.
 * ENOMEM: what was typed is kept, and waits. EMALFORMED: as qr_document_wake.
 */
QUIRE_CHECKED enum quire_status qr_document_settle(const struct quire_document *document);

/** The text's view, made from the items if it is not there. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_document_need_view(struct quire_document *document);

/** Room for an edit of `ticks` counters that leaves so many pending records besides its span. */
QUIRE_CHECKED enum quire_status qr_edit_begin(struct quire_document *document,
    const struct quire_stamp *stamp, uint64_t ticks, size_t records);

/** Uses the counters; returns the first as an id. */
uint64_t qr_edit_tick(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks);

/** The id of the last counter that the stamp's replica used; QR_ID_NONE: it used none here. */
uint64_t qr_edit_last(const struct quire_document *document, const struct quire_stamp *stamp);

/** Uses the counters of an erasure. Where the last one before is a dead character, and `goes_on`, they are
 * dead characters of its run, so that what is typed there next goes on with it. Room for an item was
 * reserved. */
void qr_edit_tick_erasure(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks, bool goes_on);

/** What was erased and is not pending itself has to be named, dead or alive. Room was reserved. */
void qr_edit_record_erased(
    struct quire_document *document, uint32_t item, uint64_t id, uint32_t length);

/** The same of what was revived. Room was reserved. */
void qr_edit_record_revived(
    struct quire_document *document, uint64_t id, uint32_t length, struct quire_bytes letters);

/** Room for an edit of one counter that revives so many pieces, each of one item. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_reserve_revived(struct quire_document *document,
    const struct quire_stamp *stamp, size_t pieces, size_t length, size_t size);

/** A register, or an element of a set; or of what it holds some dots. */
struct qr_cell {
    uint8_t field;
    struct quire_bytes name;
    bool some; /* the dots that are marked as going, else all */
};

/** Overwrites what the cell holds with values, or with nothing if it holds something. The values get their
 * replica and ids. ELIMIT: the set is full. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_edit_overwrite(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_cell *cell, struct qr_put *puts,
    size_t put_count);

/** Appends the whole state, or a delta of the first `steps` of what is pending. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_encode_state(
    const struct quire_document *document, struct quire_buffer *out_bytes);
QUIRE_CHECKED enum quire_status qr_encode_delta(
    const struct quire_document *document, uint64_t steps, struct quire_buffer *out_bytes);

#endif
