/*
 * Lines first, then code points inside the lines that changed.
 */
#include "client/diff.h"
#include "client/myers.h"
#include "client/text.h"
#include <stdlib.h>

#define BUDGET ((uint64_t)48 * 1000 * 1000) /* steps of about two nanoseconds */
#define PROBES_MAX 64

struct points {
    uint32_t *items;
    uint32_t count;
};

static enum quire_status decode(struct quire_bytes text, struct points *out_points)
{
    if (text.size >= UINT32_MAX / 2) {
        return QUIRE_ELIMIT;
    }
    uint32_t *items = malloc((text.size + 1) * sizeof *items);
    if (items == NULL) {
        return QUIRE_ENOMEM;
    }
    uint32_t count = 0;
    for (size_t offset = 0; offset < text.size;) {
        size_t size = 0;
        items[count++] = qr_client_text_next(
            (struct quire_bytes){text.data + offset, text.size - offset}, &size);
        if (size == 0) {
            free(items);
            return QUIRE_EINVALID;
        }
        offset += size;
    }
    *out_points = (struct points){items, count};
    return QUIRE_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Lines of both texts, each a symbol: equal lines have equal symbols. */
struct lines {
    uint32_t *symbols;
    uint32_t *starts; /* count + 1 of them, in code points */
    uint32_t count;
};

struct slot {
    const uint32_t *points; /* NULL: free */
    uint32_t size;
    uint32_t symbol;
};

struct table {
    struct slot *slots;
    size_t mask;
    uint32_t next_symbol;
};

static uint32_t count_lines(const uint32_t *points, uint32_t count)
{
    uint32_t lines = 1;
    for (uint32_t i = 0; i < count; i++) {
        lines += points[i] == '\n';
    }
    return lines;
}

static bool same_points(const uint32_t *a, const uint32_t *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static uint32_t intern(struct table *table, const uint32_t *points, uint32_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (uint32_t i = 0; i < size; i++) {
        hash = (hash ^ points[i]) * 1099511628211u;
    }
    size_t index = (size_t)(hash ^ hash >> 32);
    for (unsigned probe = 0; probe < PROBES_MAX; probe++) {
        struct slot *slot = &table->slots[(index + probe) & table->mask];
        if (slot->points == NULL) {
            *slot = (struct slot){points, size, table->next_symbol++};
            return slot->symbol;
        }
        if (slot->size == size && same_points(slot->points, points, size)) {
            return slot->symbol;
        }
    }
    return table->next_symbol++; /* taken for a line like no other: only less fine */
}

static enum quire_status split_lines(
    struct table *table, const uint32_t *points, uint32_t count, struct lines *out_lines)
{
    uint32_t most = count_lines(points, count);
    struct lines lines = {
        calloc(most + 1, sizeof(uint32_t)), calloc(most + 1, sizeof(uint32_t)), 0};
    if (lines.symbols == NULL || lines.starts == NULL) {
        free(lines.symbols);
        free(lines.starts);
        return QUIRE_ENOMEM;
    }
    for (uint32_t start = 0; start < count;) {
        uint32_t end = start;
        while (end < count && points[end] != '\n') {
            end++;
        }
        end += end < count;
        lines.starts[lines.count] = start;
        lines.symbols[lines.count++] = intern(table, points + start, end - start);
        start = end;
    }
    lines.starts[lines.count] = count;
    *out_lines = lines;
    return QUIRE_OK;
}

static void lines_finish(struct lines *lines)
{
    free(lines->symbols);
    free(lines->starts);
}

/* ---- both levels ----------------------------------------------------------------------------- */

/* Changes in code points between two ranges that were trimmed by `offset` equal code points. */
static enum quire_status compare_ranges(struct points old_range, struct points new_range,
    uint32_t offset, struct qr_client_changes *out_changes)
{
    enum quire_status status = QUIRE_ENOMEM;
    struct lines old_lines = {0}, new_lines = {0};
    struct qr_client_changes hunks = {0};
    uint64_t budget = BUDGET;
    size_t wanted = 2
        * ((size_t)count_lines(old_range.items, old_range.count)
            + count_lines(new_range.items, new_range.count));
    size_t slot_count = 64;
    while (slot_count < wanted) {
        slot_count *= 2;
    }
    struct table table = {calloc(slot_count, sizeof(struct slot)), slot_count - 1, 0};
    if (table.slots == NULL) {
        goto out;
    }
    status = split_lines(&table, old_range.items, old_range.count, &old_lines);
    if (status == QUIRE_OK) {
        status = split_lines(&table, new_range.items, new_range.count, &new_lines);
    }
    if (status == QUIRE_OK) {
        status = qr_client_myers(old_lines.symbols, old_lines.count, new_lines.symbols,
            new_lines.count, 0, 0, &budget, &hunks);
    }
    for (size_t i = 0; status == QUIRE_OK && i < hunks.count; i++) {
        const struct qr_client_change *hunk = &hunks.items[i];
        uint32_t old_from = old_lines.starts[hunk->old_from];
        uint32_t new_from = new_lines.starts[hunk->new_from];
        status =
            qr_client_myers(old_range.items + old_from, old_lines.starts[hunk->old_to] - old_from,
                new_range.items + new_from, new_lines.starts[hunk->new_to] - new_from,
                old_from + offset, new_from + offset, &budget, out_changes);
    }
out:
    free(table.slots);
    free(hunks.items);
    lines_finish(&old_lines);
    lines_finish(&new_lines);
    return status;
}

/* A letter or two that two large changes have in common by chance is no common ground: a word that
 * was replaced reads, and merges, better as one. */
static void join_neighbours(struct qr_client_changes *changes)
{
    size_t kept = 0;
    for (size_t i = 1; i < changes->count; i++) {
        struct qr_client_change *last = &changes->items[kept];
        const struct qr_client_change *next = &changes->items[i];
        uint32_t gap = next->old_from - last->old_to;
        uint32_t last_size = last->old_to - last->old_from + last->new_to - last->new_from;
        uint32_t next_size = next->old_to - next->old_from + next->new_to - next->new_from;
        if (gap <= 3 && last_size > 2 * gap && next_size > 2 * gap) {
            last->old_to = next->old_to;
            last->new_to = next->new_to;
        } else {
            changes->items[++kept] = *next;
        }
    }
    changes->count = changes->count == 0 ? 0 : kept + 1;
}

static enum quire_status make_hunks(const struct qr_client_changes *changes,
    struct quire_bytes new_text, struct qr_client_hunks *out_hunks)
{
    struct qr_client_hunk *items = calloc(changes->count + 1, sizeof *items);
    if (items == NULL) {
        return QUIRE_ENOMEM;
    }
    size_t point = 0, offset = 0; /* the same position of the new text, in both units */
    for (size_t i = 0; i < changes->count; i++) {
        const struct qr_client_change *change = &changes->items[i];
        size_t bounds[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            size_t target = side == 0 ? change->new_from : change->new_to;
            while (point < target) {
                offset++;
                while (offset < new_text.size && (new_text.data[offset] & 0xc0) == 0x80) {
                    offset++;
                }
                point++;
            }
            bounds[side] = offset;
        }
        items[i] = (struct qr_client_hunk){change->old_from, change->old_to - change->old_from,
            change->new_from, {new_text.data + bounds[0], bounds[1] - bounds[0]}};
    }
    *out_hunks = (struct qr_client_hunks){items, changes->count, changes->count + 1};
    return QUIRE_OK;
}

enum quire_status qr_client_diff(
    struct quire_bytes old_text, struct quire_bytes new_text, struct qr_client_hunks *out_hunks)
{
    static const uint8_t nothing[1];
    if (new_text.size == 0) {
        new_text.data = nothing; /* hunks point into it */
    }
    struct points old_points = {0}, new_points = {0};
    struct qr_client_changes changes = {0};
    enum quire_status status = decode(old_text, &old_points);
    if (status == QUIRE_OK) {
        status = decode(new_text, &new_points);
    }
    if (status == QUIRE_OK) {
        uint32_t shorter =
            old_points.count < new_points.count ? old_points.count : new_points.count;
        uint32_t head = 0, tail = 0;
        while (head < shorter && old_points.items[head] == new_points.items[head]) {
            head++;
        }
        while (tail < shorter - head
            && old_points.items[old_points.count - 1 - tail]
                == new_points.items[new_points.count - 1 - tail]) {
            tail++;
        }
        struct points old_range = {old_points.items + head, old_points.count - head - tail};
        struct points new_range = {new_points.items + head, new_points.count - head - tail};
        status = compare_ranges(old_range, new_range, head, &changes);
    }
    if (status == QUIRE_OK) {
        join_neighbours(&changes);
        status = make_hunks(&changes, new_text, out_hunks);
    }
    free(old_points.items);
    free(new_points.items);
    free(changes.items);
    return status;
}

void qr_client_hunks_finish(struct qr_client_hunks *hunks)
{
    free(hunks->items);
    *hunks = (struct qr_client_hunks){0};
}
