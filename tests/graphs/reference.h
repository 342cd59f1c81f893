/*
 * What a document must show, worked out slowly from the definitions: the text from the tree of "The
 * Art of the Fugue" (Weidner, Kleppmann, 2023, FugueMax), flattened anew after each insertion;
 * registers and sets from the list of all that was ever written and what each writer had seen.
 * There is one history for all devices of a graph; a device is a clock that says what it knows of it.
 * No line and no structure is shared with src/crdt.
 */
#ifndef QR_TESTS_GRAPHS_REFERENCE_H
#define QR_TESTS_GRAPHS_REFERENCE_H

#include <quire/document.h>

#define SESSIONS_MAX 64 /* of one graph */

/** How far each session is known: all its counters up to this one. */
struct clock {
    uint64_t seen[SESSIONS_MAX];
};

/** Who makes an edit: its session's index, what its device knows (the edit is added), and when. */
struct author {
    unsigned session;
    struct clock *clock;
    int64_t wall_ms;
};

struct reference;

/** NULL: no memory. The names of the sessions stay the caller's, and may be filled later. */
struct reference *reference_create(uint8_t (*names)[QUIRE_SESSION_SIZE]);
void reference_destroy(struct reference *reference);

/* Each edit as its author made it. False: no memory. */
bool reference_insert(struct reference *reference, const struct author *author, size_t position,
    const uint32_t *points, size_t count);
bool reference_erase(struct reference *reference, const struct author *author, size_t position,
    size_t count);
/** A put; or, where `value` is NULL, a removal. A field is a register, or QUIRE_REGISTER_COUNT + set;
 * `name` is an element's, one letter. A title is one letter, in number. */
bool reference_write(struct reference *reference, const struct author *author, unsigned field,
    char name, const int64_t *value);
bool reference_delete(struct reference *reference, const struct author *author);

/** Whether a document shows what a device that knows this much must show; else says why not. */
bool reference_compare(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, char *out_reason, size_t reason_size);

#endif
