/*
 * Marks: added, thinned by age, found.
 */
#include "sync/device/parts/marks.h"
#include <assert.h>
#include <string.h>

static uint64_t distance(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0; /* clocks may go back */
}

/* Joins the two neighbours that are nearest to each other in proportion to their age. */
static void thin(struct device_marks *marks, uint64_t now)
{
    size_t best = 0;
    uint64_t best_rank = UINT64_MAX;
    for (size_t i = 0; i + 1 < marks->count; i++) {
        uint64_t span = distance(marks->items[i].first, marks->items[i + 1].last);
        uint64_t age = distance(marks->items[i + 1].last, now);
        uint64_t rank = span * 1024 / (age + span + 1);
        if (rank < best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    marks->items[best + 1].first = marks->items[best].first;
    memmove(&marks->items[best], &marks->items[best + 1],
        (marks->count - best - 1) * sizeof *marks->items);
    marks->count--;
}

bool device_marks_add(struct device_marks *marks, uint64_t seq, uint64_t value, uint64_t span)
{
    assert(marks->count <= DEVICE_MARKS_MAX);
    struct device_mark *last = marks->count == 0 ? NULL : &marks->items[marks->count - 1];
    if (last != NULL && value >= last->first && value - last->first < span) {
        last->seq = seq;
        last->last = value;
        return false;
    }
    if (marks->count == DEVICE_MARKS_MAX) {
        thin(marks, value);
    }
    marks->items[marks->count++] = (struct device_mark){seq, value, value};
    return true;
}

const struct device_mark *device_marks_find(const struct device_marks *marks, uint64_t seq)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->items[i].seq >= seq) {
            return &marks->items[i];
        }
    }
    return NULL;
}

void device_marks_cut(struct device_marks *marks, uint64_t seq)
{
    while (marks->count > 0 && marks->items[marks->count - 1].seq > seq) {
        marks->count--;
    }
}
