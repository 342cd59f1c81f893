/*
 * What was typed here and has not been put into the text's items yet.
 *
 * A keystroke changes the view, which is the visible text in blocks, and the last stroke: what was
 * typed without a jump, or erased without one. No item, no id and no tree is touched until a caller
 * has to know of them (qr_document_settle): a merge, a delta, a state. Then a stroke is one insertion
 * or one erasure, however many keys it took.
 *
 *   typed   T h e _ q u i c j ⌫ k      strokes   insert 0 "The quicj" · erase 8, 1 · insert 8 "k"
 */
#ifndef QR_CRDT_TYPING_H
#define QR_CRDT_TYPING_H

#include "crdt/text.h"
#include <quire/document.h>

struct qr_stroke {
    uint32_t position; /* code points of the text as it then was */
    uint32_t length;   /* code points that came or went */
    uint32_t size;     /* bytes of the letters; 0: an erasure */
    uint32_t
        letters; /* where they begin in qr_text.letters; an erasure: how many edits it was, and a bit */
};

/** Of an erasure's edits: the character that the replica typed last is dead once the first is made. Then
 * their counters are dead characters too, which go on with its run (protocol/document.md, Text). */
#define QR_STROKE_GOES_ON (UINT32_C(1) << 31)

struct qr_typing {
    struct qr_rope view; /* the visible text, if has_view; else it is read from the items */
    bool has_view;
    uint8_t replica[QUIRE_REPLICA_SIZE]; /* of all strokes */
    struct qr_stroke *strokes;           /* the first that is not settled */
    size_t count;
    struct qr_stroke *memory; /* where they are kept; those that were settled go before them */
    size_t capacity;
    uint64_t ticks;      /* counters that the strokes take */
    uint64_t ticks_max;  /* that the replica has left for strokes */
    size_t content_size; /* bytes that they brought */
    size_t erased_size;  /* bytes that they took away */
    int64_t wall_ms;     /* of the latest */
};

void qr_typing_init(struct qr_typing *typing);
void qr_typing_finish(struct qr_typing *typing);

/** Room for one more stroke. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_typing_grow(struct qr_typing *typing);

static inline enum quire_status qr_typing_reserve(struct qr_typing *typing)
{
    size_t settled = (size_t)(typing->strokes - typing->memory);
    return settled + typing->count < typing->capacity ? QUIRE_OK : qr_typing_grow(typing);
}

static inline struct qr_stroke *qr_typing_last(const struct qr_typing *typing)
{
    return typing->count > 0 ? &typing->strokes[typing->count - 1] : NULL;
}

/** Adds a stroke, or makes the last one longer. Room was reserved. */
static inline void qr_typing_insert(struct qr_typing *typing, const struct qr_stroke *stroke)
{
    struct qr_stroke *last = qr_typing_last(typing);
    if (last != NULL && last->size > 0 && last->position + last->length == stroke->position
        && last->length + stroke->length <= QR_STROKE_LENGTH_MAX) {
        last->length += stroke->length;
        last->size += stroke->size;
        return;
    }
    typing->strokes[typing->count++] = *stroke;
}

static inline void qr_typing_erase(
    struct qr_typing *typing, size_t position, size_t count, bool goes_on)
{
    struct qr_stroke *last = qr_typing_last(typing);
    if (last != NULL && last->size == 0
        && (position == last->position || position + count == last->position)) {
        last->position = (uint32_t)position;
        last->length += (uint32_t)count;
        last->letters++;
        return;
    }
    typing->strokes[typing->count++] = (struct qr_stroke){.position = (uint32_t)position,
        .length = (uint32_t)count,
        .letters = 1 | (goes_on ? QR_STROKE_GOES_ON : 0)};
}

/** Counters that a stroke takes. */
static inline uint64_t qr_stroke_ticks(const struct qr_stroke *stroke)
{
    return stroke->size > 0 ? stroke->length : stroke->letters & ~QR_STROKE_GOES_ON;
}

/** Forgets the first stroke, which was settled. */
void qr_typing_drop(struct qr_typing *typing);

/** Whether a stamp's replica is that of the strokes there are. */
static inline bool qr_typing_is_by(const struct qr_typing *typing, const struct quire_stamp *stamp)
{
    return typing->count > 0 && memcmp(typing->replica, stamp->replica, QUIRE_REPLICA_SIZE) == 0;
}

#endif
