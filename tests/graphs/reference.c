/*
 * What a document must show, worked out slowly from the definitions.
 */
#include "reference.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX /* no node: as a right origin, the end of the text */
#define START 0u        /* the tree's root */

struct node {
    unsigned session;
    uint64_t counter;
    uint32_t point;
    uint32_t right_origin; /* of a right child */
    uint32_t left_first;   /* children in their order, linked by sibling */
    uint32_t right_first;
    uint32_t sibling;
    uint32_t erasures;     /* index + 1 into erasures, linked; 0: never erased */
};

struct erasure {
    unsigned session;
    uint64_t counter;
    uint32_t next;
};

/** A put, a removal or a delete, and all that its author knew. */
struct writing {
    unsigned session;
    uint64_t counter;
    unsigned field;
    char name;
    bool puts;
    int64_t value;
    int64_t wall_ms;
    struct clock saw;
};

struct reference {
    uint8_t (*names)[QUIRE_SESSION_SIZE];
    struct node *nodes;
    size_t node_count, node_capacity;
    uint32_t *order; /* all nodes but the start, as read */
    uint32_t *place; /* node → its index in order */
    uint32_t *stack;
    bool stale;
    struct erasure *erasures;
    size_t erasure_count, erasure_capacity;
    struct writing *writings;
    size_t writing_count, writing_capacity;
    struct writing *deletes;
    size_t delete_count, delete_capacity;
    const struct writing **shown; /* scratch */
};

static void *grown(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 256 : 2 * *capacity;
    return realloc(list, *capacity * size);
}

struct reference *reference_create(uint8_t (*names)[QUIRE_SESSION_SIZE])
{
    struct reference *reference = calloc(1, sizeof *reference);
    if (reference == NULL) {
        return NULL;
    }
    reference->names = names;
    reference->nodes = grown(NULL, 0, &reference->node_capacity, sizeof *reference->nodes);
    if (reference->nodes == NULL) {
        free(reference);
        return NULL;
    }
    reference->nodes[START] = (struct node){.left_first = NONE, .right_first = NONE, .sibling = NONE};
    reference->node_count = 1;
    reference->stale = true;
    return reference;
}

void reference_destroy(struct reference *reference)
{
    if (reference != NULL) {
        free(reference->nodes);
        free(reference->order);
        free(reference->place);
        free(reference->stack);
        free(reference->erasures);
        free(reference->writings);
        free(reference->deletes);
        free(reference->shown);
        free(reference);
    }
}

/* ---- the tree ----------------------------------------------------------------------------- */

static bool known(const struct clock *clock, unsigned session, uint64_t counter)
{
    return counter <= clock->seen[session];
}

static bool knows(const struct reference *reference, const struct clock *clock, uint32_t node)
{
    return known(clock, reference->nodes[node].session, reference->nodes[node].counter);
}

static bool is_live(const struct reference *reference, const struct clock *clock, uint32_t node)
{
    for (uint32_t i = reference->nodes[node].erasures; i != 0; i = reference->erasures[i - 1].next) {
        if (known(clock, reference->erasures[i - 1].session, reference->erasures[i - 1].counter)) {
            return false;
        }
    }
    return true;
}

/** Reads the tree: left children, the node, right children. */
static bool flatten(struct reference *reference)
{
    if (!reference->stale) {
        return true;
    }
    size_t size = reference->node_capacity * sizeof(uint32_t);
    uint32_t *order = realloc(reference->order, size);
    reference->order = order != NULL ? order : reference->order;
    uint32_t *place = realloc(reference->place, size);
    reference->place = place != NULL ? place : reference->place;
    uint32_t *stack = realloc(reference->stack, 3 * size);
    reference->stack = stack != NULL ? stack : reference->stack;
    if (order == NULL || place == NULL || stack == NULL) {
        return false;
    }
    size_t depth = 0;
    size_t count = 0;
    /* Three numbers for each node under way: itself, its next child, whether it was read. */
    stack[0] = START;
    stack[1] = reference->nodes[START].left_first;
    stack[2] = 0;
    for (depth = 1; depth > 0;) {
        uint32_t *top = &stack[3 * (depth - 1)];
        uint32_t child = top[1];
        if (child != NONE) {
            top[1] = reference->nodes[child].sibling;
            top[3] = child;
            top[4] = reference->nodes[child].left_first;
            top[5] = 0;
            depth++;
        } else if (top[2] == 0) {
            top[2] = 1;
            top[1] = reference->nodes[top[0]].right_first;
            if (top[0] != START) {
                place[top[0]] = (uint32_t)count;
                order[count++] = top[0];
            }
        } else {
            depth--;
        }
    }
    reference->stale = false;
    return true;
}

/** The order that breaks ties: the session's name, then the counter. */
static bool id_before(const struct reference *reference, uint32_t a, uint32_t b)
{
    const struct node *left = &reference->nodes[a];
    const struct node *right = &reference->nodes[b];
    int order = memcmp(reference->names[left->session], reference->names[right->session],
        QUIRE_SESSION_SIZE);
    return order != 0 ? order < 0 : left->counter < right->counter;
}

/** FugueMax: right siblings in the reverse order of their right origins, then by id. */
static bool right_sibling_before(const struct reference *reference, uint32_t a, uint32_t b)
{
    uint32_t origin_a = reference->nodes[a].right_origin;
    uint32_t origin_b = reference->nodes[b].right_origin;
    if (origin_a == origin_b) {
        return id_before(reference, a, b);
    }
    if (origin_a == NONE || origin_b == NONE) {
        return origin_a == NONE;
    }
    return reference->place[origin_a] > reference->place[origin_b];
}

/** Adds one character between two neighbours; the order is flat. Returns it, or NONE: no memory. */
static uint32_t add_node(struct reference *reference, const struct author *author,
    uint32_t left_origin, uint32_t right_origin, uint32_t point)
{
    struct node *nodes = grown(reference->nodes, reference->node_count, &reference->node_capacity,
        sizeof *nodes);
    if (nodes == NULL) {
        return NONE;
    }
    reference->nodes = nodes;
    bool has_right_child = false;
    for (uint32_t i = nodes[left_origin].right_first; i != NONE; i = nodes[i].sibling) {
        has_right_child = has_right_child || knows(reference, author->clock, i);
    }
    uint32_t index = (uint32_t)reference->node_count++;
    nodes[index] = (struct node){.session = author->session,
        .counter = ++author->clock->seen[author->session], .point = point,
        .right_origin = has_right_child ? NONE : right_origin, .left_first = NONE,
        .right_first = NONE};
    uint32_t *link;
    if (has_right_child) {
        link = &nodes[right_origin].left_first;
        while (*link != NONE && id_before(reference, *link, index)) {
            link = &nodes[*link].sibling;
        }
    } else {
        link = &nodes[left_origin].right_first;
        while (*link != NONE && right_sibling_before(reference, *link, index)) {
            link = &nodes[*link].sibling;
        }
    }
    nodes[index].sibling = *link;
    *link = index;
    reference->stale = true;
    return index;
}

bool reference_insert(struct reference *reference, const struct author *author, size_t position,
    const uint32_t *points, size_t count)
{
    if (!flatten(reference)) {
        return false;
    }
    size_t passed = 0;
    size_t i = 0;
    uint32_t left = START;
    for (; passed < position; i++) {
        uint32_t node = reference->order[i];
        if (knows(reference, author->clock, node) && is_live(reference, author->clock, node)) {
            left = node;
            passed++;
        }
    }
    while (i < reference->node_count - 1 && !knows(reference, author->clock, reference->order[i])) {
        i++;
    }
    uint32_t right = i < reference->node_count - 1 ? reference->order[i] : NONE;
    /* The second character comes between the first and the same right neighbour, and so on. It has
     * no siblings, so the order need not be flat for it. */
    for (size_t typed = 0; typed < count; typed++) {
        left = add_node(reference, author, left, right, points[typed]);
        if (left == NONE) {
            return false;
        }
    }
    return true;
}

bool reference_erase(struct reference *reference, const struct author *author, size_t position,
    size_t count)
{
    if (!flatten(reference)) {
        return false;
    }
    uint64_t counter = author->clock->seen[author->session] + 1;
    size_t passed = 0;
    for (size_t i = 0; passed < position + count; i++) {
        uint32_t node = reference->order[i];
        if (!knows(reference, author->clock, node) || !is_live(reference, author->clock, node)
            || passed++ < position) {
            continue;
        }
        struct erasure *erasures = grown(reference->erasures, reference->erasure_count,
            &reference->erasure_capacity, sizeof *erasures);
        if (erasures == NULL) {
            return false;
        }
        reference->erasures = erasures;
        erasures[reference->erasure_count++] = (struct erasure){author->session, counter,
            reference->nodes[node].erasures};
        reference->nodes[node].erasures = (uint32_t)reference->erasure_count;
    }
    author->clock->seen[author->session] = counter;
    return true;
}

/* ---- registers, sets, delete --------------------------------------------------------------- */

static bool add_writing(struct writing **list, size_t *count, size_t *capacity,
    const struct author *author, struct writing writing)
{
    struct writing *writings = grown(*list, *count, capacity, sizeof *writings);
    if (writings == NULL) {
        return false;
    }
    *list = writings;
    writing.session = author->session;
    writing.counter = author->clock->seen[author->session] + 1;
    writing.wall_ms = author->wall_ms;
    writing.saw = *author->clock;
    author->clock->seen[author->session]++;
    writings[(*count)++] = writing;
    return true;
}

bool reference_write(struct reference *reference, const struct author *author, unsigned field,
    char name, const int64_t *value)
{
    struct writing writing = {.field = field, .name = name, .puts = value != NULL,
        .value = value != NULL ? *value : 0};
    return add_writing(&reference->writings, &reference->writing_count,
        &reference->writing_capacity, author, writing);
}

bool reference_delete(struct reference *reference, const struct author *author)
{
    bool added = add_writing(&reference->deletes, &reference->delete_count,
        &reference->delete_capacity, author, (struct writing){0});
    if (added) { /* it has seen itself */
        reference->deletes[reference->delete_count - 1].saw = *author->clock;
    }
    return added;
}

static bool same_cell(const struct writing *a, const struct writing *b)
{
    return a->field == b->field && a->name == b->name;
}

static bool is_overwritten(const struct reference *reference, const struct clock *clock,
    const struct writing *put)
{
    for (const struct writing *other = put + 1;
         other < reference->writings + reference->writing_count; other++) {
        if (same_cell(put, other) && known(clock, other->session, other->counter)
            && known(&other->saw, put->session, put->counter)) {
            return true;
        }
    }
    return false;
}

static bool shows_before(const struct reference *reference, const struct writing *a,
    const struct writing *b)
{
    if (a->wall_ms != b->wall_ms) {
        return a->wall_ms > b->wall_ms;
    }
    int order = memcmp(reference->names[a->session], reference->names[b->session],
        QUIRE_SESSION_SIZE);
    return order != 0 ? order > 0 : a->counter > b->counter;
}

/** All puts of a cell that stand, the one to show first. */
static size_t standing(struct reference *reference, const struct clock *clock, unsigned field,
    char name)
{
    struct writing cell = {.field = field, .name = name};
    size_t count = 0;
    for (size_t i = 0; i < reference->writing_count; i++) {
        const struct writing *put = &reference->writings[i];
        if (!put->puts || !same_cell(put, &cell) || !known(clock, put->session, put->counter)
            || is_overwritten(reference, clock, put)) {
            continue;
        }
        size_t at = count++;
        for (; at > 0 && shows_before(reference, put, reference->shown[at - 1]); at--) {
            reference->shown[at] = reference->shown[at - 1];
        }
        reference->shown[at] = put;
    }
    return count;
}

static bool is_deleted(const struct reference *reference, const struct clock *clock)
{
    bool any = false;
    for (unsigned session = 0; session < SESSIONS_MAX; session++) {
        uint64_t covered = 0;
        for (size_t i = 0; i < reference->delete_count; i++) {
            const struct writing *delete = &reference->deletes[i];
            if (known(clock, delete->session, delete->counter) && delete->saw.seen[session] > covered) {
                covered = delete->saw.seen[session];
            }
        }
        if (clock->seen[session] > covered) {
            return false;
        }
        any = any || clock->seen[session] > 0;
    }
    return any;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static size_t write_utf8(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)((size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0) | point);
    return size;
}

static bool compare_text(struct reference *reference, const struct clock *clock,
    const struct quire_document *document)
{
    struct quire_buffer text = {0};
    bool same = flatten(reference) && quire_document_text(document, &text) == QUIRE_OK;
    size_t at = 0;
    size_t length = 0;
    for (size_t i = 0; same && i < reference->node_count - 1; i++) {
        uint32_t node = reference->order[i];
        if (knows(reference, clock, node) && is_live(reference, clock, node)) {
            uint8_t letter[4];
            size_t size = write_utf8(letter, reference->nodes[node].point);
            same = size <= text.size - at && memcmp(text.data + at, letter, size) == 0;
            at += size;
            length++;
        }
    }
    same = same && at == text.size && length == quire_document_text_length(document)
        && at == quire_document_text_size(document);
    quire_buffer_finish(&text);
    return same;
}

static bool compare_register(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, enum quire_register field)
{
    size_t count = standing(reference, clock, (unsigned)field, 0);
    bool same = quire_document_register_count(document, field) == count;
    for (size_t i = 0; same && i < count; i++) {
        struct quire_value value;
        same = quire_document_register(document, field, i, &value) == QUIRE_OK
            && value.wall_ms == reference->shown[i]->wall_ms
            && (field == QUIRE_REGISTER_TITLE
                ? value.text.size == 1 && value.text.data[0] == reference->shown[i]->value
                : value.number == reference->shown[i]->value);
    }
    return same;
}

static bool compare_set(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, enum quire_set set)
{
    size_t index = 0;
    for (char name = 'a'; name <= 'z'; name++) {
        if (standing(reference, clock, (unsigned)QUIRE_REGISTER_COUNT + (unsigned)set, name) == 0) {
            continue;
        }
        struct quire_element element;
        if (quire_document_set_element(document, set, index++, &element) != QUIRE_OK
            || element.name.size != 1 || element.name.data[0] != (uint8_t)name
            || element.value != reference->shown[0]->value) {
            return false;
        }
    }
    return quire_document_set_count(document, set) == index;
}

bool reference_compare(struct reference *reference, const struct clock *clock,
    const struct quire_document *document, char *out_reason, size_t reason_size)
{
    const char *wrong = NULL;
    free(reference->shown);
    reference->shown = calloc(reference->writing_count + 1, sizeof *reference->shown);
    if (reference->shown == NULL) {
        wrong = "no memory for the reference";
    } else if (!compare_text(reference, clock, document)) {
        wrong = "the text is not the reference's";
    } else if (quire_document_deleted(document) != is_deleted(reference, clock)) {
        wrong = "the delete is not the reference's";
    }
    for (unsigned field = 0; wrong == NULL && field < QUIRE_REGISTER_COUNT; field++) {
        if (!compare_register(reference, clock, document, (enum quire_register)field)) {
            wrong = "a register is not the reference's";
        }
    }
    for (unsigned set = 0; wrong == NULL && set < QUIRE_SET_COUNT; set++) {
        if (!compare_set(reference, clock, document, (enum quire_set)set)) {
            wrong = "a set is not the reference's";
        }
    }
    if (wrong != NULL) {
        snprintf(out_reason, reason_size, "%s", wrong);
    }
    return wrong == NULL;
}
