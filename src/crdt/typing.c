/*
 * What was typed here and has not been put into the text's items yet.
 */
#include "crdt/typing.h"
#include <stdlib.h>

void qr_typing_init(struct qr_typing *typing)
{
    *typing = (struct qr_typing){.wall_ms = INT64_MIN};
    qr_rope_init(&typing->view);
}

void qr_typing_finish(struct qr_typing *typing)
{
    qr_rope_finish(&typing->view);
    free(typing->memory);
    qr_typing_init(typing);
}

enum quire_status qr_typing_grow(struct qr_typing *typing)
{
    size_t settled = (size_t)(typing->strokes - typing->memory);
    if (settled > typing->count / 2) {
        memmove(typing->memory, typing->strokes, typing->count * sizeof *typing->memory);
        typing->strokes = typing->memory;
        return QUIRE_OK;
    }
    size_t capacity = typing->capacity < 16 ? 16 : 2 * typing->capacity;
    struct qr_stroke *memory = realloc(typing->memory, capacity * sizeof *memory);
    if (memory == NULL) {
        return QUIRE_ENOMEM;
    }
    typing->memory = memory;
    typing->strokes = memory + settled;
    typing->capacity = capacity;
    return QUIRE_OK;
}

static void less(size_t *number, size_t amount)
{
    *number -= amount < *number ? amount : *number;
}

void qr_typing_drop(struct qr_typing *typing)
{
    const struct qr_stroke *stroke = typing->strokes;
    typing->ticks -= qr_stroke_ticks(stroke);
    typing->ticks_max -= qr_stroke_ticks(stroke);
    less(&typing->content_size, stroke->size);
    less(&typing->erased_size, stroke->size > 0 ? 0 : stroke->length);
    typing->strokes++;
    typing->count--;
    if (typing->count == 0) {
        typing->strokes = typing->memory;
        typing->content_size = 0;
        typing->erased_size = 0;
        typing->wall_ms = INT64_MIN;
    }
}
