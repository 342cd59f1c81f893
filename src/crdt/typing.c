/*
 * What was typed here and has not been put into the text's items yet.
 */
#include "crdt/typing.h"
#include <assert.h>
#include <stdlib.h>

void qr_typing_init(struct qr_typing *typing)
{
    *typing = (struct qr_typing){.wall_ms = INT64_MIN};
    qr_rope_init(&typing->view);
}

void qr_typing_finish(struct qr_typing *typing)
{
    qr_rope_finish(&typing->view);
    free(typing->strokes);
    qr_typing_init(typing);
}

enum quire_status qr_typing_reserve(struct qr_typing *typing)
{
    if (typing->count < typing->capacity) {
        return QUIRE_OK;
    }
    size_t capacity = typing->capacity < 16 ? 16 : 2 * typing->capacity;
    struct qr_stroke *strokes = realloc(typing->strokes, capacity * sizeof *strokes);
    if (strokes == NULL) {
        return QUIRE_ENOMEM;
    }
    typing->strokes = strokes;
    typing->capacity = capacity;
    return QUIRE_OK;
}

void qr_typing_insert(struct qr_typing *typing, const struct qr_stroke *stroke)
{
    struct qr_stroke *last = typing->count > 0 ? &typing->strokes[typing->count - 1] : NULL;
    if (last != NULL && last->size > 0 && last->position + last->length == stroke->position
        && last->length + stroke->length <= QR_STROKE_LENGTH_MAX) {
        last->length += stroke->length;
        last->size += stroke->size;
        return;
    }
    assert(typing->count < typing->capacity);
    typing->strokes[typing->count++] = *stroke;
}

void qr_typing_erase(struct qr_typing *typing, size_t position, size_t count)
{
    struct qr_stroke *last = typing->count > 0 ? &typing->strokes[typing->count - 1] : NULL;
    bool forward = last != NULL && last->size == 0 && position == last->position;
    bool backward = last != NULL && last->size == 0 && position + count == last->position;
    if (forward || backward) {
        last->position = (uint32_t)position;
        last->length += (uint32_t)count;
        last->letters++;
        return;
    }
    assert(typing->count < typing->capacity);
    typing->strokes[typing->count++] = (struct qr_stroke){.position = (uint32_t)position,
        .length = (uint32_t)count, .letters = 1};
}

void qr_typing_drop(struct qr_typing *typing, size_t count)
{
    typing->count -= count;
    if (typing->count > 0) {
        memmove(typing->strokes, typing->strokes + count, typing->count * sizeof *typing->strokes);
        return;
    }
    typing->ticks = 0;
    typing->items = 0;
    typing->content_size = 0;
    typing->erased_size = 0;
    typing->wall_ms = INT64_MIN;
}
