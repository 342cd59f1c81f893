/*
 * An entry's CRDT: text, registers (title, date, mood), add-wins sets (tags, emotions), delete.
 *
 * One entry is one document. Local edits take a stamp (who, when) and become *pending* until they
 * are taken as a delta. Deltas and states are one format and merge by one rule: joining is
 * commutative, associative and idempotent, so any order, repeats included, ends in the same state.
 * Text order is FugueMax (Weidner, Kleppmann: "The Art of the Fugue", 2023), kept as runs.
 *
 * Units:   positions and lengths count Unicode code points; text is well-formed UTF-8.
 * Threads: one document on one thread at a time; documents are independent.
 * Errors:  on anything but QUIRE_OK the document has not changed.
 */
#ifndef QUIRE_DOCUMENT_H
#define QUIRE_DOCUMENT_H

#include <quire/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QUIRE_REPLICA_SIZE 8
#define QUIRE_TEXT_MAX (1024 * 1024) /* bytes of visible text that an insertion may leave */
#define QUIRE_TITLE_MAX 1024         /* bytes */
#define QUIRE_ELEMENT_MAX 128        /* bytes of a tag's or an emotion's name */
#define QUIRE_JOURNAL_MAX 128        /* bytes of a journal's name */
#define QUIRE_ELEMENTS_MAX 256       /* elements of one set that an add may leave */
#define QUIRE_INTENSITY_MAX 100
#define QUIRE_MOOD_MAX 100
#define QUIRE_ANCHOR_SIZE 16 /* bytes */

/** Who edits (a random id, new for each process that writes) and when (its wall clock). */
struct quire_stamp {
    uint8_t replica[QUIRE_REPLICA_SIZE];
    int64_t wall_ms; /* milliseconds since 1970-01-01 UTC; any value is accepted */
};

enum quire_register {
    QUIRE_REGISTER_TITLE = 0, /* UTF-8, at most QUIRE_TITLE_MAX bytes */
    QUIRE_REGISTER_DATE = 1,  /* the entry's own date: milliseconds since 1970-01-01, no zone */
    QUIRE_REGISTER_MOOD = 2,  /* 0 … QUIRE_MOOD_MAX */
    QUIRE_REGISTER_COUNT
};

enum quire_set {
    QUIRE_SET_TAGS = 0,     /* value is always 0 */
    QUIRE_SET_EMOTIONS = 1, /* value is the intensity, 0 … QUIRE_INTENSITY_MAX */
    QUIRE_SET_COUNT
};

/** One value of a register. Borrowed from the document, until it changes. */
struct quire_value {
    struct quire_bytes text; /* TITLE */
    int64_t number;          /* DATE, MOOD */
    int64_t wall_ms;         /* when its author wrote it */
};

/** One element of a set, as shown. Borrowed from the document, until it changes. */
struct quire_element {
    struct quire_bytes name;
    int64_t value;
};

struct quire_document;

/** An empty document. The caller owns it. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_create(
    struct quire_document **out_document);

/**
 * Opens what quire_document_encode wrote. The document stays encoded: reads come straight from those
 * bytes. The first edit, merge, anchor, delta, or offset into text that is not ASCII builds what these
 * need. So opening costs next to nothing, and a document that is only read takes the size of its state
 * and little more.
 *
 * Owner:  on QUIRE_OK the document owns the buffer's memory, and the buffer is empty.
 * Trust:  opening reads only what is shown, and does not check that the text is UTF-8. Open only states
 *         that this device wrote and authenticated; merge those of other devices. If the bytes are
 *         no state after all, the first call that needs the rest of them fails with EMALFORMED.
 * Errors: EMALFORMED: not a state. ELIMIT, EUNSUPPORTED, ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_open(
    struct quire_buffer *state, struct quire_document **out_document);

/** Frees all that showing does not need, as if just opened. Does nothing while edits are pending, while an
 * undo is attached, or if the document is encoded already. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_evict(struct quire_document *document);

/** Frees it; accepts NULL. */
QUIRE_API void quire_document_destroy(struct quire_document *document);

/* ---- reading ------------------------------------------------------------------------------ */

/** Code points of visible text. */
QUIRE_API size_t quire_document_text_length(const struct quire_document *document);

/** Bytes of visible text in UTF-8. */
QUIRE_API size_t quire_document_text_size(const struct quire_document *document);

/** Appends the visible text, UTF-8. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_text(
    const struct quire_document *document, struct quire_buffer *out_text);

/** What an offset into the text counts. */
enum quire_unit {
    QUIRE_UNIT_POINTS = 0, /* code points, as everywhere else here */
    QUIRE_UNIT_UTF8 = 1,   /* bytes */
    QUIRE_UNIT_UTF16 = 2   /* code units, as strings of JavaScript, Java and Windows have */
};

/**
 * Turns an offset in one unit into the same place in another, by an index, without reading the text
 * up to there (but for the first time after many changes came at once). EINVALID: beyond the end,
 * inside of a character, no such unit. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_offset(
    const struct quire_document *document, enum quire_unit from, size_t offset, enum quire_unit to,
    size_t *out_offset);

/**
 * How many values the register holds: 0 unset, 1 settled, more when devices wrote concurrently.
 * Order: index 0 is the one to show (greatest wall_ms, then greatest id); the others "also wrote".
 */
QUIRE_API size_t quire_document_register_count(
    const struct quire_document *document, enum quire_register field);

/** The index-th value. ENOTFOUND when index ≥ count. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_register(
    const struct quire_document *document, enum quire_register field, size_t index,
    struct quire_value *out_value);

/** How many elements the set shows. */
QUIRE_API size_t quire_document_set_count(
    const struct quire_document *document, enum quire_set set);

/** The index-th element in byte order of the names. ENOTFOUND when index ≥ count. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_set_element(
    const struct quire_document *document, enum quire_set set, size_t index,
    struct quire_element *out_element);

/** The name of the journal that the entry belongs to; size 0: the user's default one. Where devices chose different
 * ones at the same time it is the one with the greatest time, then id. Borrowed until the document changes. */
QUIRE_API struct quire_bytes quire_document_journal(const struct quire_document *document);

/** Deleted, with no edit that the delete has not seen. An edit concurrent with a delete wins. */
QUIRE_API bool quire_document_deleted(const struct quire_document *document);

/** Nothing was ever written here. */
QUIRE_API bool quire_document_empty(const struct quire_document *document);

/* ---- local edits (each becomes pending) ---------------------------------------------------- */

/**
 * Inserts UTF-8 text before code point `position`. EINVALID: position > length, text that is not
 * well-formed UTF-8, or empty. ELIMIT: the text would grow past QUIRE_TEXT_MAX. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_insert(struct quire_document *document,
    const struct quire_stamp *stamp, size_t position, struct quire_bytes text);

/** Deletes `count` ≥ 1 code points from `position`. EINVALID: the range leaves the text. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_erase(struct quire_document *document,
    const struct quire_stamp *stamp, size_t position, size_t count);

/**
 * Makes the text that of `version`, an older version of this document (the same edits, fewer of them): erases
 * the characters that are not in it, and revives those that were erased since, with their ids. So the same
 * version restored on two devices comes back once. No limit applies. Registers and sets stay as they are.
 * EINVALID: the version knows edits that this document does not. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_restore_text(
    struct quire_document *document, const struct quire_stamp *stamp,
    const struct quire_document *version);

/**
 * Sets a register, overwriting every value seen here. TITLE reads text, DATE and MOOD number.
 * EINVALID: ill-formed text, mood outside its range. ELIMIT: title too long. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_set_register(
    struct quire_document *document, const struct quire_stamp *stamp, enum quire_register field,
    const struct quire_value *value);

/** Unsets a register; nothing happens if it is unset. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_clear_register(
    struct quire_document *document, const struct quire_stamp *stamp, enum quire_register field);

/**
 * Adds an element or changes its value. EINVALID: empty or ill-formed name, value outside the
 * range. ELIMIT: name longer than QUIRE_ELEMENT_MAX, more than QUIRE_ELEMENTS_MAX elements. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_add_element(
    struct quire_document *document, const struct quire_stamp *stamp, enum quire_set set,
    struct quire_bytes name, int64_t value);

/** Removes an element as seen here; a concurrent add wins. Nothing happens if it is not there. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_remove_element(
    struct quire_document *document, const struct quire_stamp *stamp, enum quire_set set,
    struct quire_bytes name);

/** Puts the entry into a journal; size 0: into the default one. EINVALID: not UTF-8. ELIMIT: longer than
 * QUIRE_JOURNAL_MAX. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_set_journal(
    struct quire_document *document, const struct quire_stamp *stamp, struct quire_bytes name);

/** Deletes the entry as seen here. Any later or concurrent edit brings it back. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_delete(
    struct quire_document *document, const struct quire_stamp *stamp);

/* ---- anchors -------------------------------------------------------------------------------- */

/** Which neighbour an anchor holds on to; what is typed right at it comes to stand on the other side. */
enum quire_side {
    QUIRE_SIDE_LEFT =
        0, /* the character before it, or the start: a cursor that others type behind */
    QUIRE_SIDE_RIGHT = 1 /* the character after it, or the end */
};

/**
 * Names a place between characters for ever: a cursor, an end of a highlight. The bytes are opaque,
 * say nothing of the text, may be kept and sent, and mean the same on every device. EINVALID:
 * position > length, no such side. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_anchor(
    const struct quire_document *document, size_t position, enum quire_side side,
    uint8_t out_anchor[QUIRE_ANCHOR_SIZE]);

/**
 * Where that position is now, in code points. Once the character that it holds on to is erased, it is
 * where that was; an undo that revives the character takes it along. EMALFORMED: not an
 * anchor. ENOTFOUND: the character has not arrived here yet, or is not of this document. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_resolve(
    const struct quire_document *document, const uint8_t anchor[QUIRE_ANCHOR_SIZE],
    size_t *out_position);

/* ---- undo ----------------------------------------------------------------------------------- */

/*
 * Takes back what this process did to one document, and nothing that other devices did. Erased text comes
 * back as the same characters, once, even if several devices take overlapping erasures back, before they meet
 * or after. Text that this process typed is erased; if another device erased it too, it stays erased when that
 * device takes its erasure back. A value that was put goes, and those that it overwrote come back with their
 * times; concurrent values of other devices stay beside them. A register or element is left as it is if
 * another device overwrote our value since, or wrote where we had left none. A value that another device
 * overwrote too, as far as its deltas say so here, does not come back.
 *
 * Cost: a step costs what its edits cost, however many steps there were; it adds no items for good.
 *
 * A document has at most one undo; either may be destroyed first. Where documents come and go
 * (quire_device_document), attach it again to the entry's new document before editing that.
 */
struct quire_undo;

/** Keeps at most size_max bytes of steps; the oldest are forgotten first. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_undo_create(
    size_t size_max, struct quire_undo **out_undo);

/** Frees it; accepts NULL. */
QUIRE_API void quire_undo_destroy(struct quire_undo *undo);

/** From now on notes the local edits of this document, which it borrows; NULL: of none.
 * Another document than before begins a new step. ESTATE: it has another undo. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_undo_attach(
    struct quire_undo *undo, struct quire_document *document);

/** The next edit begins a new step. The caller decides: a pause in typing, a jump, a paste. A step
 * above size_max cannot be taken back. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_undo_close_step(struct quire_undo *undo);

/**
 * Takes the last step back, or makes again what was taken back last. A new edit forgets what might
 * have been made again. No limit keeps back what was there before. ENOTFOUND: there is no step. ESTATE: no
 * document. ENOMEM: part of a step that changed several things may have been taken back; calling again goes on with the rest.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_undo_undo(
    struct quire_undo *undo, const struct quire_stamp *stamp);
QUIRE_API QUIRE_CHECKED enum quire_status quire_undo_redo(
    struct quire_undo *undo, const struct quire_stamp *stamp);

/** How many steps can be taken back, or made again. */
QUIRE_API size_t quire_undo_count(const struct quire_undo *undo);
QUIRE_API size_t quire_undo_redo_count(const struct quire_undo *undo);

/* ---- deltas and states (one format: protocol/document.md) ----------------------------------- */

/** Estimated bytes that the pending edits take when encoded; 0 means nothing is pending. */
QUIRE_API size_t quire_document_pending_size(const struct quire_document *document);

/**
 * Appends the pending edits as a delta without taking them: for keeping them safe on disk.
 * Text typed and deleted while pending goes as ids without its letters. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_encode_pending(
    const struct quire_document *document, struct quire_buffer *out_delta);

/**
 * Appends a delta of the oldest pending edits, at most max_size bytes (≥ 4096), and marks them as
 * taken. Call again while quire_document_pending_size() > 0. ESTATE: nothing is pending. EINVALID:
 * max_size is less. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_take_delta(
    struct quire_document *document, size_t max_size, struct quire_buffer *out_delta);

/** Merges bytes from quire_document_encode_pending and makes those edits pending here again. Errors as of
 * quire_document_merge; EMALFORMED also of a state. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_restore_pending(
    struct quire_document *document, struct quire_bytes delta);

/** Appends the whole mergeable state (ids and tombstones in), pending edits included. ENOMEM. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_encode(
    const struct quire_document *document, struct quire_buffer *out_state);

/**
 * Joins a delta or a state, from anyone, in any order that is causal per (replica, counter), any
 * number of times. An empty document without an undo retains a state as it came, checked, and stays
 * encoded. EMALFORMED: not a delta or state, or it names what cannot exist here: refused
 * whole. ELIMIT: a delta above 4 MiB, which every device refuses; what the document holds is no limit.
 * ENOMEM: nothing has changed; keep the bytes and merge them again. EUNSUPPORTED: a newer format. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_merge(
    struct quire_document *document, struct quire_bytes bytes);

/**
 * Appends the visible state in canonical form: two documents show the same if and only if these
 * bytes are equal. Order, ids and history leave no trace in it, but for the ids of values that only later
 * versions can show. ENOMEM.
 */
QUIRE_API QUIRE_CHECKED enum quire_status quire_document_canonical(
    const struct quire_document *document, struct quire_buffer *out_bytes);

#ifdef __cplusplus
}
#endif
#endif
