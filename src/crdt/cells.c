/*
 * Registers and sets as one thing: cells that hold dots.
 */
#include "crdt/cells.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

void qr_cells_finish(struct qr_cells *cells)
{
    for (size_t i = 0; i < cells->count; i++) {
        free(cells->dots[i]);
    }
    free(cells->dots);
    free(cells->shown);
    *cells = (struct qr_cells){0};
}

enum quire_status qr_cells_reserve(struct qr_cells *cells, size_t extra)
{
    size_t needed = cells->count + extra;
    if (needed <= cells->capacity) {
        return QUIRE_OK;
    }
    size_t capacity = needed + needed / 2;
    struct qr_dot **dots = realloc(cells->dots, capacity * sizeof(struct qr_dot *));
    if (dots == NULL) {
        return QUIRE_ENOMEM;
    }
    cells->dots = dots;
    struct qr_dot **shown = realloc(cells->shown, capacity * sizeof(struct qr_dot *));
    if (shown == NULL) {
        return QUIRE_ENOMEM;
    }
    cells->shown = shown;
    cells->capacity = capacity;
    return QUIRE_OK;
}

struct qr_dot *qr_dot_create(const struct qr_put *put)
{
    struct qr_dot *dot = malloc(sizeof *dot + put->name.size + put->text.size);
    if (dot == NULL) {
        return NULL;
    }
    *dot = (struct qr_dot){.id = put->id,
        .number = put->number,
        .wall_ms = put->wall_ms,
        .field = put->field,
        .name_size = (uint32_t)put->name.size,
        .text_size = (uint32_t)put->text.size,
        .place_count = put->place_count};
    memcpy(dot->places, put->places, sizeof dot->places);
    memcpy(dot->replica, put->replica, sizeof dot->replica);
    if (put->name.size > 0) {
        memcpy(dot->bytes, put->name.data, put->name.size);
    }
    if (put->text.size > 0) {
        memcpy(dot->bytes + put->name.size, put->text.data, put->text.size);
    }
    return dot;
}

enum quire_status qr_put_check(const struct qr_put *put)
{
    size_t count;
    if (put->field >= QR_FIELD_UNREAD) {
        return put->text.size > QR_UNREAD_MAX ? QUIRE_ELIMIT : QUIRE_OK;
    }
    bool in_set = put->field >= QUIRE_REGISTER_COUNT;
    bool named = put->name.size > 0;
    if (in_set != named || !qr_utf8_count(put->name, &count) || !qr_utf8_count(put->text, &count)) {
        return QUIRE_EINVALID;
    }
    int64_t low = 0;
    int64_t high = 0;
    switch (put->field) {
    case QUIRE_REGISTER_DATE:
        low = INT64_MIN;
        high = INT64_MAX;
        break;
    case QUIRE_REGISTER_MOOD: high = QUIRE_MOOD_MAX; break;
    case QUIRE_REGISTER_COUNT + QUIRE_SET_EMOTIONS: high = QUIRE_INTENSITY_MAX; break;
    default: break;
    }
    if (put->number < low || put->number > high) {
        return QUIRE_EINVALID;
    }
    size_t text_max = put->field == QUIRE_REGISTER_TITLE ? QUIRE_TITLE_MAX : 0;
    return put->text.size > text_max || put->name.size > QUIRE_ELEMENT_MAX ? QUIRE_ELIMIT
                                                                           : QUIRE_OK;
}

/** By field, then by name. */
static int compare_cell(const struct qr_dot *dot, uint8_t field, struct quire_bytes name)
{
    if (dot->field != field) {
        return dot->field < field ? -1 : 1;
    }
    size_t common = dot->name_size < name.size ? dot->name_size : name.size;
    int order = common > 0 ? memcmp(dot->bytes, name.data, common) : 0;
    if (order == 0 && dot->name_size != name.size) {
        order = dot->name_size < name.size ? -1 : 1;
    }
    return order;
}

static int compare_dots(const void *left, const void *right)
{
    const struct qr_dot *a = *(struct qr_dot *const *)left;
    const struct qr_dot *b = *(struct qr_dot *const *)right;
    int order = compare_cell(a, b->field, qr_dot_name(b));
    if (order != 0) {
        return order;
    }
    if (a->wall_ms != b->wall_ms) {
        return a->wall_ms > b->wall_ms ? -1 : 1;
    }
    order = memcmp(b->replica, a->replica, sizeof a->replica);
    if (order != 0) {
        return order;
    }
    return a->id > b->id ? -1 : a->id < b->id;
}

size_t qr_cells_find(
    const struct qr_cells *cells, uint8_t field, struct quire_bytes name, size_t *out_first)
{
    size_t low = 0;
    size_t high = cells->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_cell(cells->dots[middle], field, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t end = low;
    while (end < cells->count && compare_cell(cells->dots[end], field, name) == 0) {
        end++;
    }
    *out_first = low;
    return end - low;
}

static void show(struct qr_cells *cells)
{
    size_t count = 0;
    size_t next = 0;
    for (uint8_t field = 0; field < QR_FIELD_COUNT; field++) {
        cells->shown_start[field] = count;
        const struct qr_dot *before = NULL;
        for (; next < cells->count && cells->dots[next]->field == field; next++) {
            struct qr_dot *dot = cells->dots[next];
            if (field < QUIRE_REGISTER_COUNT || before == NULL
                || compare_cell(before, field, qr_dot_name(dot)) != 0) {
                cells->shown[count++] = dot;
            }
            before = dot;
        }
    }
    cells->shown_start[QR_FIELD_COUNT] = count;
    cells->unread_start = next;
}

/** Sorts the added dots into the first `count`, from the end. `shown` is free meanwhile: it holds them. */
static void join_sorted(
    struct qr_cells *cells, size_t count, struct qr_dot *const *added, size_t added_count)
{
    struct qr_dot **fresh = cells->shown;
    memmove(fresh, added, added_count * sizeof(struct qr_dot *));
    qsort(fresh, added_count, sizeof(struct qr_dot *), compare_dots);
    for (size_t slot = count + added_count; added_count > 0; slot--) {
        if (count > 0 && compare_dots(&cells->dots[count - 1], &fresh[added_count - 1]) > 0) {
            cells->dots[slot - 1] = cells->dots[--count];
        } else {
            cells->dots[slot - 1] = fresh[--added_count];
        }
    }
}

void qr_cells_change(struct qr_cells *cells,
    bool (*gone)(const void *context, const struct qr_dot *dot), const void *context,
    struct qr_dot *const *added, size_t added_count)
{
    if (cells->count + added_count == 0) {
        return; /* as before: nothing is shown */
    }
    size_t count = 0;
    for (size_t i = 0; i < cells->count; i++) {
        if (gone(context, cells->dots[i])) {
            free(cells->dots[i]);
        } else {
            cells->dots[count++] = cells->dots[i];
        }
    }
    if (added_count > 0) {
        join_sorted(cells, count, added, added_count);
    }
    cells->count = count + added_count;
    show(cells);
}
