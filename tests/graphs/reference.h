/*
 * What a document must show, worked out slowly from the definitions: the text from the tree of "The
 * Art of the Fugue" (Weidner, Kleppmann, 2023, FugueMax), flattened anew after each insertion;
 * registers and sets from the list of all that was ever written and what each replica had seen.
 * There is one history for all devices of a graph; a device is a clock that says what it knows of it.
 * No line and no structure is shared with src/crdt.
 */
#ifndef QR_TESTS_GRAPHS_REFERENCE_H
#define QR_TESTS_GRAPHS_REFERENCE_H

#include <quire/document.h>

#define REPLICAS_MAX 64 /* of one graph */

/** How far each replica is known: all its counters up to this one. */
struct clock {
    uint64_t seen[REPLICAS_MAX];
};

/** Who makes an edit: its replica's index, what its device knows (the edit is added), and when. */
struct author {
    unsigned replica;
    struct clock *clock;
    int64_t wall_ms;
};

struct reference;

/** NULL: no memory. The names of the replicas stay the caller's, and may be filled later. */
struct reference *reference_create(uint8_t (*names)[QUIRE_REPLICA_SIZE]);
void reference_destroy(struct reference *reference);

/* Each edit as its author made it. False: no memory. */
bool reference_insert(struct reference *reference, const struct author *author, size_t position,
    const uint32_t *points, size_t count);
bool reference_erase(
    struct reference *reference, const struct author *author, size_t position, size_t count);
/** A put; or, where `value` is NULL, a removal. A field is a register, or QUIRE_REGISTER_COUNT + set;
 * `name` is an element's, one letter. A title is one letter, in number. */
bool reference_write(struct reference *reference, const struct author *author, unsigned field,
    char name, const int64_t *value);
bool reference_delete(struct reference *reference, const struct author *author);

/* An undo writes ordinary edits, but which ones is for it to say: what it did is learned from its
 * document, letter by letter, and held to what an undo may do. A reason, or NULL: it may. */

/** The counter of an undo that is a dead letter and goes on with the author's last. */
const char *reference_go_on(
    struct reference *reference, const struct author *author, uint64_t counter);
/** Letters that were erased or revived since. What was erased must have been typed or erased before by one
 * of the replicas in `own`; what was revived, erased by one of them. The author's clock says what was done
 * altogether; `look_up` gives a letter's turn in the document. */
const char *reference_turned(struct reference *reference, const struct author *author, uint64_t own,
    uint32_t (*look_up)(void *context, unsigned replica, uint64_t counter, uint32_t *out_point),
    void *context);
/** A device merges deltas that are all news to it: of each replica, what is after `from`, up to `to`. */
void reference_told(struct reference *reference, unsigned device, uint64_t sender,
    const struct clock *from, const struct clock *to);
/** It is another process, or knows less than it did. */
void reference_forget_told(struct reference *reference, unsigned device);

/** A value that came back, as its dot says. */
struct put_back {
    uint64_t counter;
    unsigned field;
    char name;
    int64_t value, wall_ms;
};

/** It must be one that its author, by one of the replicas in `own`, overwrote, and no other told this
 * device that it did. It overwrites nothing. */
const char *reference_put_back(struct reference *reference, const struct author *author,
    uint64_t own, unsigned device, const struct put_back *value);
/** A value that is gone since: it must have been put by one of the replicas in `own`. */
const char *reference_take_away(struct reference *reference, const struct author *author,
    uint64_t own, unsigned replica, uint64_t counter);

/** Whether a document shows what a device that knows this much must show; else says why not. */
bool reference_compare(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, char *out_reason, size_t reason_size);

#endif
