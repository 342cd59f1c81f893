/*
 * What a document must show, worked out slowly from the definitions: the text.
 */
#include "reference_inner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *naive_grown(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 256 : 2 * *capacity;
    return realloc(list, *capacity * size);
}

struct reference *reference_create(uint8_t (*names)[QUIRE_REPLICA_SIZE])
{
    struct reference *reference = calloc(1, sizeof *reference);
    if (reference == NULL) {
        return NULL;
    }
    reference->names = names;
    reference->nodes = naive_grown(NULL, 0, &reference->node_capacity, sizeof *reference->nodes);
    if (reference->nodes == NULL) {
        free(reference);
        return NULL;
    }
    reference->nodes[START] =
        (struct node){.left_first = NONE, .right_first = NONE, .sibling = NONE};
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
        free(reference->turns);
        free(reference->writings);
        free(reference->removals);
        free(reference->deletes);
        free(reference->shown);
        free(reference);
    }
}

/* ---- the tree ----------------------------------------------------------------------------- */

bool naive_knows(const struct reference *reference, const struct clock *clock, uint32_t node)
{
    return naive_known(clock, reference->nodes[node].replica, reference->nodes[node].counter);
}

uint32_t naive_turn(const struct reference *reference, const struct clock *clock, uint32_t node)
{
    uint32_t turn = 0;
    for (uint32_t i = reference->nodes[node].turns; i != 0; i = reference->turns[i - 1].next) {
        const struct turn *one = &reference->turns[i - 1];
        turn =
            naive_known(clock, one->replica, one->counter) && one->turn > turn ? one->turn : turn;
    }
    return turn;
}

bool naive_is_live(const struct reference *reference, const struct clock *clock, uint32_t node)
{
    return naive_turn(reference, clock, node) % 2 == 0;
}

/** Reads the tree: left children, the node, right children. */
bool naive_flatten(struct reference *reference)
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

/** The order that breaks ties: the replica's name, then the counter. */
static bool id_before(const struct reference *reference, uint32_t a, uint32_t b)
{
    const struct node *left = &reference->nodes[a];
    const struct node *right = &reference->nodes[b];
    int order = memcmp(
        reference->names[left->replica], reference->names[right->replica], QUIRE_REPLICA_SIZE);
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
uint32_t naive_add(struct reference *reference, const struct author *author, uint32_t left_origin,
    uint32_t right_origin, uint32_t point)
{
    struct node *nodes = naive_grown(
        reference->nodes, reference->node_count, &reference->node_capacity, sizeof *nodes);
    if (nodes == NULL) {
        return NONE;
    }
    reference->nodes = nodes;
    bool has_right_child = false;
    for (uint32_t i = nodes[left_origin].right_first; i != NONE; i = nodes[i].sibling) {
        has_right_child = has_right_child || naive_knows(reference, author->clock, i);
    }
    uint32_t index = (uint32_t)reference->node_count++;
    nodes[index] = (struct node){.replica = author->replica,
        .counter = ++author->clock->seen[author->replica],
        .point = point,
        .right_origin = right_origin,
        .left_first = NONE,
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

/** The node of the author's last counter, if that is a character that was erased; else NONE. */
static uint32_t last_dead(const struct reference *reference, const struct author *author)
{
    uint32_t node = naive_find(reference, author->replica, author->clock->seen[author->replica]);
    return node == NONE || naive_is_live(reference, author->clock, node) ? NONE : node;
}

uint32_t naive_find(const struct reference *reference, unsigned replica, uint64_t counter)
{
    uint32_t node = START + 1;
    while (node < reference->node_count
        && (reference->nodes[node].replica != replica
            || reference->nodes[node].counter != counter)) {
        node++;
    }
    return node < reference->node_count ? node : NONE;
}

bool naive_go_on(struct reference *reference, const struct author *author, uint32_t last)
{
    struct node *nodes = naive_grown(
        reference->nodes, reference->node_count, &reference->node_capacity, sizeof *nodes);
    reference->nodes = nodes != NULL ? nodes : reference->nodes;
    if (nodes == NULL || !naive_flatten(reference)) {
        return false;
    }
    uint32_t turn = naive_turn(reference, author->clock, last);
    uint32_t index = (uint32_t)reference->node_count;
    nodes[index] = (struct node){.replica = author->replica,
        .counter = author->clock->seen[author->replica],
        .right_origin = nodes[last].right_origin,
        .left_first = NONE,
        .right_first = NONE};
    uint32_t *link = &nodes[last].right_first;
    while (*link != NONE && right_sibling_before(reference, *link, index)) {
        link = &nodes[*link].sibling;
    }
    nodes[index].sibling = *link;
    *link = index;
    reference->node_count++;
    reference->stale = true;
    return naive_set_turn(reference, author->replica, nodes[index].counter, index, turn);
}

bool reference_insert(struct reference *reference, const struct author *author, size_t position,
    const uint32_t *points, size_t count)
{
    if (!naive_flatten(reference)) {
        return false;
    }
    size_t passed = 0;
    size_t i = 0;
    uint32_t left = START;
    for (; passed < position; i++) {
        uint32_t node = reference->order[i];
        if (naive_knows(reference, author->clock, node)
            && naive_is_live(reference, author->clock, node)) {
            left = node;
            passed++;
        }
    }
    /* Right behind what the author typed last, if that was erased there. */
    uint32_t last = last_dead(reference, author);
    for (size_t j = i; last != NONE && j < reference->node_count - 1; j++) {
        uint32_t node = reference->order[j];
        if (node == last) {
            left = last;
            i = j + 1;
        }
        if (naive_knows(reference, author->clock, node)
            && naive_is_live(reference, author->clock, node)) {
            break;
        }
    }
    while (i < reference->node_count - 1
        && !naive_knows(reference, author->clock, reference->order[i])) {
        i++;
    }
    uint32_t right = i < reference->node_count - 1 ? reference->order[i] : NONE;
    /* The second character comes between the first and the same right neighbour, and so on. It has
     * no siblings, so the order need not be flat for it. */
    for (size_t typed = 0; typed < count; typed++) {
        left = naive_add(reference, author, left, right, points[typed]);
        if (left == NONE) {
            return false;
        }
    }
    return true;
}

bool naive_set_turn(
    struct reference *reference, unsigned replica, uint64_t counter, uint32_t node, uint32_t turn)
{
    struct turn *turns = naive_grown(
        reference->turns, reference->turn_count, &reference->turn_capacity, sizeof *turns);
    if (turns == NULL) {
        return false;
    }
    reference->turns = turns;
    turns[reference->turn_count++] =
        (struct turn){replica, counter, reference->nodes[node].turns, turn};
    reference->nodes[node].turns = (uint32_t)reference->turn_count;
    return true;
}

bool reference_erase(
    struct reference *reference, const struct author *author, size_t position, size_t count)
{
    if (!naive_flatten(reference)) {
        return false;
    }
    uint64_t counter = author->clock->seen[author->replica] + 1;
    size_t passed = 0;
    for (size_t i = 0; passed < position + count; i++) {
        uint32_t node = reference->order[i];
        if (!naive_knows(reference, author->clock, node)
            || !naive_is_live(reference, author->clock, node) || passed++ < position) {
            continue;
        }
        if (!naive_set_turn(reference, author->replica, counter, node,
                naive_turn(reference, author->clock, node) + 1)) {
            return false;
        }
    }
    uint32_t last = naive_find(reference, author->replica, counter - 1);
    author->clock->seen[author->replica] = counter;
    return last == NONE || naive_is_live(reference, author->clock, last)
        || naive_go_on(reference, author, last);
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

static bool compare_text(
    struct reference *reference, const struct clock *clock, const struct quire_document *document)
{
    struct quire_buffer text = {0};
    bool same = naive_flatten(reference) && quire_document_text(document, &text) == QUIRE_OK;
    size_t at = 0;
    size_t length = 0;
    for (size_t i = 0; same && i < reference->node_count - 1; i++) {
        uint32_t node = reference->order[i];
        if (naive_knows(reference, clock, node) && naive_is_live(reference, clock, node)) {
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
    } else {
        wrong = naive_compare_cells(reference, clock, document);
    }
    if (wrong != NULL) {
        snprintf(out_reason, reason_size, "%s", wrong);
    }
    return wrong == NULL;
}
