/*
 * Myers' search, forward and backward until both meet, then each half by itself. Where they do not
 * meet within REACH edits, the forward path that came farthest is taken as the split: what lies
 * before it is at most REACH edits and solved exactly, what lies behind it is searched anew. So a
 * text that changed everywhere costs about REACH steps per edit, not its square.
 */
#include "client/myers.h"
#include <stdlib.h>

#define REACH 256
#define DIAGONALS (2 * (REACH + 2) + 1)
#define DEPTH_MAX 64

struct box {
    uint32_t old_from, old_to;
    uint32_t new_from, new_to;
};

struct search {
    const uint32_t *old_symbols;
    const uint32_t *new_symbols;
    uint32_t old_offset, new_offset;
    uint64_t *budget;
    struct qr_client_changes *changes;
    /* Old position reached on each diagonal (old − new position in the box), centred. */
    int64_t forward[DIAGONALS];
    int64_t backward[DIAGONALS];
};

static enum quire_status append(struct search *search, struct box box)
{
    if (box.old_from == box.old_to && box.new_from == box.new_to) {
        return QUIRE_OK;
    }
    struct qr_client_changes *changes = search->changes;
    struct qr_client_change change = {box.old_from + search->old_offset,
        box.old_to + search->old_offset, box.new_from + search->new_offset,
        box.new_to + search->new_offset};
    if (changes->count > 0) {
        struct qr_client_change *last = &changes->items[changes->count - 1];
        if (last->old_to == change.old_from && last->new_to == change.new_from) {
            last->old_to = change.old_to;
            last->new_to = change.new_to;
            return QUIRE_OK;
        }
    }
    if (changes->count == changes->capacity) {
        size_t capacity = changes->capacity == 0 ? 16 : changes->capacity * 2;
        struct qr_client_change *items = realloc(changes->items, capacity * sizeof *items);
        if (items == NULL) {
            return QUIRE_ENOMEM;
        }
        changes->items = items;
        changes->capacity = capacity;
    }
    changes->items[changes->count++] = change;
    return QUIRE_OK;
}

static void spend(struct search *search, uint64_t steps)
{
    *search->budget -= steps < *search->budget ? steps : *search->budget;
}

static struct box trim(struct search *search, struct box box)
{
    uint32_t before = box.old_to - box.old_from;
    while (box.old_from < box.old_to && box.new_from < box.new_to
        && search->old_symbols[box.old_from] == search->new_symbols[box.new_from]) {
        box.old_from++;
        box.new_from++;
    }
    while (box.old_from < box.old_to && box.new_from < box.new_to
        && search->old_symbols[box.old_to - 1] == search->new_symbols[box.new_to - 1]) {
        box.old_to--;
        box.new_to--;
    }
    spend(search, before - (box.old_to - box.old_from));
    return box;
}

struct split {
    uint32_t old_place, new_place;
};

/* One direction of the search: how far into the old side each diagonal (old − new position) came. */
struct front {
    int64_t *reached;  /* centred: −REACH − 1 … REACH + 1; −1 not reached */
    int64_t low, high; /* diagonals below and above have left the box */
};

static void front_begin(struct front *front, int64_t *middle, int64_t extent)
{
    for (int64_t diagonal = -extent; diagonal <= extent; diagonal++) {
        middle[diagonal] = -1;
    }
    middle[1] = 0;
    *front = (struct front){middle, -extent, extent};
}

static int64_t step(const struct front *front, int64_t diagonal, int64_t edits)
{
    bool down = diagonal == -edits
        || (diagonal != edits && front->reached[diagonal - 1] < front->reached[diagonal + 1]);
    return down ? front->reached[diagonal + 1] : front->reached[diagonal - 1] + 1;
}

/* The first diagonal of this round: of the same parity as `edits`, not below what left the box. */
static int64_t first_diagonal(const struct front *front, int64_t edits)
{
    int64_t first = front->low > -edits ? front->low : -edits;
    return first + ((first + edits) & 1);
}

/** One point of a path from the box's start to its end. The box is trimmed and both of its sides
 * are longer than 0. False: the budget is used up. */
static bool find_split(struct search *search, struct box box, struct split *out_split)
{
    const int64_t old_size = box.old_to - box.old_from;
    const int64_t new_size = box.new_to - box.new_from;
    const uint32_t *old_symbols = search->old_symbols + box.old_from;
    const uint32_t *new_symbols = search->new_symbols + box.new_from;
    const int64_t delta = old_size - new_size;
    const bool odd = (delta & 1) != 0;
    const int64_t extent = old_size + new_size < REACH ? old_size + new_size + 1 : REACH + 1;
    struct front forward, backward;
    front_begin(&forward, search->forward + DIAGONALS / 2, extent);
    front_begin(&backward, search->backward + DIAGONALS / 2, extent);
    struct split best = {0, 0};

    for (int64_t edits = 0; edits < extent; edits++) {
        uint64_t steps = 1;
        for (int64_t diagonal = first_diagonal(&forward, edits);
             diagonal <= edits && diagonal <= forward.high; diagonal += 2) {
            int64_t x = step(&forward, diagonal, edits);
            int64_t y = x - diagonal;
            steps++;
            while (x < old_size && y < new_size && old_symbols[x] == new_symbols[y]) {
                x++;
                y++;
                steps++;
            }
            forward.reached[diagonal] = x;
            if (x > old_size) {
                forward.high = diagonal - 1;
                continue;
            }
            if (y > new_size) {
                forward.low = diagonal + 1;
                continue;
            }
            if (x + y > (int64_t)best.old_place + best.new_place) {
                best = (struct split){(uint32_t)x, (uint32_t)y};
            }
            int64_t mirror = delta - diagonal; /* the same diagonal seen from the other end */
            if (odd && mirror > -edits && mirror < edits && backward.reached[mirror] >= 0
                && x + backward.reached[mirror] >= old_size) {
                spend(search, steps);
                *out_split = (struct split){(uint32_t)x, (uint32_t)y};
                return true;
            }
        }
        for (int64_t diagonal = first_diagonal(&backward, edits);
             diagonal <= edits && diagonal <= backward.high; diagonal += 2) {
            int64_t x = step(&backward, diagonal, edits);
            int64_t y = x - diagonal;
            steps++;
            while (x < old_size && y < new_size
                && old_symbols[old_size - 1 - x] == new_symbols[new_size - 1 - y]) {
                x++;
                y++;
                steps++;
            }
            backward.reached[diagonal] = x;
            if (x > old_size) {
                backward.high = diagonal - 1;
                continue;
            }
            if (y > new_size) {
                backward.low = diagonal + 1;
                continue;
            }
            int64_t mirror = delta - diagonal;
            if (!odd && mirror >= -edits && mirror <= edits && forward.reached[mirror] >= 0
                && x + forward.reached[mirror] >= old_size) {
                spend(search, steps);
                *out_split = (struct split){(uint32_t)(old_size - x), (uint32_t)(new_size - y)};
                return true;
            }
        }
        spend(search, steps);
        if (*search->budget == 0) {
            return false;
        }
    }
    *out_split = best;
    return true;
}

/* The first part has at most half of the edits, or REACH of them, so the depth is logarithmic;
 * DEPTH_MAX only makes that sure. */
static enum quire_status compare(struct search *search, struct box box, unsigned depth)
{
    for (;;) {
        box = trim(search, box);
        struct split split;
        if (box.old_from == box.old_to || box.new_from == box.new_to || depth == DEPTH_MAX
            || *search->budget == 0 || !find_split(search, box, &split)) {
            return append(search, box);
        }
        struct box first = {box.old_from, box.old_from + split.old_place, box.new_from,
            box.new_from + split.new_place};
        struct box second = {first.old_to, box.old_to, first.new_to, box.new_to};
        bool at_start = split.old_place == 0 && split.new_place == 0;
        bool at_end = second.old_from == box.old_to && second.new_from == box.new_to;
        if (at_start || at_end) {
            return append(search, box); /* no progress: rather less fine than for ever */
        }
        enum quire_status status = compare(search, first, depth + 1);
        if (status != QUIRE_OK) {
            return status;
        }
        box = second;
    }
}

enum quire_status qr_client_myers(const uint32_t *old_symbols, uint32_t old_count,
    const uint32_t *new_symbols, uint32_t new_count, uint32_t old_offset, uint32_t new_offset,
    uint64_t *budget, struct qr_client_changes *out_changes)
{
    struct search *search = malloc(sizeof *search);
    if (search == NULL) {
        return QUIRE_ENOMEM;
    }
    search->old_symbols = old_symbols;
    search->new_symbols = new_symbols;
    search->old_offset = old_offset;
    search->new_offset = new_offset;
    search->budget = budget;
    search->changes = out_changes;
    enum quire_status status = compare(search, (struct box){0, old_count, 0, new_count}, 0);
    free(search);
    return status;
}
