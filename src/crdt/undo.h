/*
 * What was done here and may be taken back: two stacks of steps, a step being changes in the order
 * they were made. Edits report themselves through the functions below as they get their ids; taking
 * a step back reports itself in the same way, to the other stack.
 *
 * Characters keep their ids when they die and come back (text.h). A value that comes back is a new dot: what
 * the steps say of the old one holds for the new one, and the moves say which that is. Ids in here are the
 * undo's own: its number of a replica, and a counter.
 */
#ifndef QR_CRDT_UNDO_H
#define QR_CRDT_UNDO_H

#include "crdt/inner.h"

enum qr_change_kind {
    QR_CHANGE_INSERTED, /* characters, by ids */
    QR_CHANGE_ERASED,   /* characters, by ids, and their letters */
    QR_CHANGE_DELETED,  /* the entry */
    QR_CHANGE_REVIVED,
    /* One write to a cell is one of these for each dot that was there before, or is there since. */
    QR_CHANGE_PUT,
    QR_CHANGE_REMOVED, /* with its value */
    QR_CHANGE_LEFT,    /* another's, that stood beside what was put or removed */
    QR_CHANGE_LOST,    /* removed here and elsewhere: does not come back */
};

struct qr_change {
    uint8_t kind;
    uint8_t field;   /* of a cell */
    bool joined;     /* of one write with the change before */
    uint32_t length; /* code points, or 1 */
    uint64_t id;     /* the first character, or the dot */
    int64_t number;  /* of a dot; ERASED: the turn that they had then */
    int64_t wall_ms;
    uint32_t name_size; /* its element's name, then its text, stand at bytes */
    uint32_t size;      /* bytes: of name and text together, or of the letters */
    size_t bytes;       /* where they begin in qr_step.bytes */
};

struct qr_step {
    struct qr_change *changes;
    size_t count, capacity;
    struct quire_buffer bytes;
};

struct qr_stack {
    struct qr_step *steps; /* the oldest; those that were forgotten stood before it */
    struct qr_step *memory;
    size_t count, capacity;
    bool open; /* the last step takes further changes */
};

/** Dots that live on under other ids: a hash table, open addressing. */
struct qr_move {
    uint64_t from; /* QR_ID_NONE: free */
    uint64_t to;
};

struct qr_moves {
    struct qr_move *slots;
    size_t count, capacity; /* a power of two, or 0 */
    size_t kept;            /* once there are so many, those that no step names are forgotten */
};

struct quire_undo {
    struct quire_document *document; /* NULL: none */
    struct qr_stack done, undone;
    struct qr_stack *target;     /* where changes are noted */
    struct qr_stack *unfinished; /* taking its last step back failed half way */
    bool replaying;
    bool overflowed;       /* the step under way was too large and is forgotten */
    size_t size, size_max; /* bytes of all steps and moves */
    struct qr_moves moves;
    uint8_t (*names)[QUIRE_REPLICA_SIZE]; /* names[0] is unused */
    uint32_t name_count;
    size_t name_capacity;
};

/* All of these do nothing where the document has no undo. Ids are the document's. */

/** Makes room for so many more changes and their bytes, with the redo stack gone if this is a new
 * edit. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_undo_reserve(
    struct quire_document *document, size_t changes, size_t bytes);
void qr_undo_inserted(struct quire_document *document, uint64_t id, uint32_t length);
/** Characters of one item, which are live now and will have this turn. */
void qr_undo_erased(struct quire_document *document, uint64_t id, uint32_t length, uint32_t turn,
    struct quire_bytes letters);
/** What a write to a cell did with this dot; all but the first are joined to the one before. */
void qr_undo_wrote(struct quire_document *document, enum qr_change_kind kind,
    const struct qr_dot *dot, bool joined);
void qr_undo_deleted(struct quire_document *document, bool revived);
/** Another device overwrote or removed this dot too: taking back our write does not bring it back. */
void qr_undo_removed_elsewhere(struct quire_document *document, uint64_t id);

/* For what takes steps back (undo_replay.c, undo_text.c). */

/** A change's name, text or letters. */
static inline const uint8_t *qr_change_bytes(
    const struct qr_step *step, const struct qr_change *change)
{
    return change->size > 0 ? step->bytes.data + change->bytes : NULL;
}

/** The document's id for one of the undo's; QR_ID_NONE: the document has not seen it. */
uint64_t qr_undo_id(const struct quire_undo *undo, uint64_t own);
uint64_t qr_undo_own_id(const struct quire_undo *undo, uint64_t id);
/** Where a dot lives now. */
uint64_t qr_undo_moved(struct quire_undo *undo, uint64_t own);
/** What was `from` is `to` now; both are the undo's. Room was reserved. */
void qr_undo_move(struct quire_undo *undo, uint64_t from, uint64_t to);
QUIRE_CHECKED enum quire_status qr_undo_reserve_moves(struct quire_undo *undo, size_t extra);
/** Forgets moves of what no step names, once they have doubled; where memory is short, later. */
void qr_undo_forget_moves(struct quire_undo *undo);
void qr_undo_clear_moves(struct quire_undo *undo);
/** Forgets the last changes of a stack's last step, and the step if none is left. */
void qr_undo_pop(struct quire_undo *undo, struct qr_stack *stack, size_t changes);
/** Forgets the oldest steps until the rest fits. */
void qr_undo_trim(struct quire_undo *undo);
/** Erases what some insertions typed, all or nothing. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_undo_take_out(struct quire_undo *undo,
    const struct quire_stamp *stamp, const struct qr_change *changes, size_t count);
/** Revives what a step erased from this change on, all or nothing. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_undo_put_back(struct quire_undo *undo,
    const struct quire_stamp *stamp, const struct qr_step *step, size_t first);

#endif
