/*
 * The same document, made the slow and plain way: a list of characters put in order as YjsMod does,
 * one by one, and a list of all edits ever made with what each had seen. It shares no code and no
 * idea with src/crdt but the order itself.
 */
#ifndef QR_TESTS_CRDT_REFERENCE_H
#define QR_TESTS_CRDT_REFERENCE_H

#include "support.h"

#define REFERENCE_EDITS_MAX 4096
#define REFERENCE_NONE SIZE_MAX

enum edit_kind { EDIT_CHARACTER, EDIT_ERASE, EDIT_PUT, EDIT_REMOVE, EDIT_DELETE };

/** One edit; a text is typed as one edit per character. */
struct edit {
    enum edit_kind kind;
    uint8_t replica[QUIRE_REPLICA_SIZE];
    uint64_t counter;
    size_t left; /* CHARACTER: the edits that stood beside it */
    size_t right;
    uint8_t character;
    size_t erased;  /* ERASE: one CHARACTER; more at once are several edits of one counter */
    unsigned field; /* PUT, REMOVE: a register, or QUIRE_REGISTER_COUNT + set */
    unsigned name;  /* an element's name, as a letter */
    int64_t value;  /* a title is a letter */
    int64_t wall_ms;
    unsigned char *saw; /* PUT, REMOVE, DELETE: edits known when it was made */
};

/** Every edit ever made, in the order they were made. */
struct edits {
    struct edit at[REFERENCE_EDITS_MAX];
    size_t count;
};

/** What one replica knows, and its text in order, the erased ones too. */
struct reference {
    unsigned char known[REFERENCE_EDITS_MAX];
    size_t order[REFERENCE_EDITS_MAX];
    size_t order_count;
};

/** Appends an edit that the replica makes and so knows. */
size_t reference_edit(struct edits *edits, struct reference *reference, const struct edit *edit);
/** Learns an edit; what it refers to is known. */
void reference_learn(const struct edits *edits, struct reference *reference, size_t index);
/** The characters around a visible position, and how many are visible. */
size_t reference_beside(const struct edits *edits, const struct reference *reference,
    size_t position, size_t *out_left, size_t *out_right);
/** The same for the next character that a replica types, whose last counter is given: right behind the one
 * of that counter, if it was erased and stood there. */
void reference_between(const struct edits *edits, const struct reference *reference,
    const uint8_t *replica, uint64_t last_counter, size_t position, size_t *out_left,
    size_t *out_right);
/** Whether a replica's counter is a character that was erased: then the counter of an erasure that follows
 * it is a character too, dead from the start. */
bool reference_last_is_dead(const struct edits *edits, const struct reference *reference,
    const uint8_t *replica, uint64_t counter, struct edit *out_edit);
/** The visible character at a position. */
size_t reference_character(
    const struct edits *edits, const struct reference *reference, size_t position);
/** Compares all that can be read. */
void reference_compare(const struct edits *edits, const struct reference *reference,
    const struct quire_document *document, uint64_t seed);
void reference_finish(struct edits *edits);

#endif
