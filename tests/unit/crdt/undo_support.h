/*
 * What the tests of undo share: one person who takes back, and another who writes at the same time.
 */
#ifndef QR_TESTS_CRDT_UNDO_SUPPORT_H
#define QR_TESTS_CRDT_UNDO_SUPPORT_H

#include "support.h"

static const struct quire_stamp me = {{'m', 'e'}, 7};

static inline struct quire_undo *undo_of(struct quire_document *document)
{
    struct quire_undo *undo;
    OK(quire_undo_create(1 << 20, &undo));
    OK(quire_undo_attach(undo, document));
    return undo;
}

static inline void next_step(struct quire_undo *undo)
{
    OK(quire_undo_close_step(undo));
}

static inline void back(struct quire_undo *undo)
{
    OK(quire_undo_undo(undo, &me));
}

static inline void forth(struct quire_undo *undo)
{
    OK(quire_undo_redo(undo, &me));
}

/** Each gets what the other has pending, as deltas. */
static inline void exchange(struct quire_document *a, struct quire_document *b)
{
    struct quire_document *documents[] = {a, b};
    struct quire_buffer deltas[2] = {{0}, {0}};
    for (size_t i = 0; i < 2; i++) {
        if (quire_document_pending_size(documents[i]) > 0) {
            deltas[i] = take(documents[i]);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (deltas[i].size > 0) {
            OK(quire_document_merge(documents[1 - i], quire_buffer_bytes(&deltas[i])));
        }
        quire_buffer_finish(&deltas[i]);
    }
    assert_same_state(a, b);
}

/** Two documents that know the same, with nothing pending. */
static inline void twins(
    const char *text, struct quire_document **out_a, struct quire_document **out_b)
{
    *out_a = new_document();
    *out_b = new_document();
    if (text[0] != '\0') {
        type(*out_a, "base", 0, text);
    }
    exchange(*out_a, *out_b);
}

static inline void end(struct quire_undo *undo, struct quire_document *a, struct quire_document *b)
{
    quire_undo_destroy(undo);
    quire_document_destroy(a);
    quire_document_destroy(b);
}

#endif
