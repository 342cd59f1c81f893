/*
 * Where characters stand, in shapes that typing seldom makes: long spines, and hundreds of siblings at
 * one place. Against a list that is searched from end to end; and the bound on the work.
 */
#include "crdt/siblings.h"
#include "crdt/text.h"
#include "support.h"
#include "kit/rounds.h"
#include <stdlib.h>

#define CROWD 4096 /* replicas that type at one position */

#define NODES_MAX 900
#define REPLICAS 250

struct node {
    uint64_t id;
    uint64_t right;
    size_t parent; /* a node, or NODES_MAX: the start */
    bool left;
};

/** All characters, and their order. */
struct list {
    struct node nodes[NODES_MAX];
    size_t order[NODES_MAX];
    size_t count;
};

static size_t place_in(const struct list *list, uint64_t id)
{
    size_t at = 0;
    while (at < list->count && list->nodes[list->order[at]].id != id) {
        at++;
    }
    return at; /* the end, for QR_ID_NONE too */
}

static bool hangs_on(const struct list *list, size_t node, size_t ancestor)
{
    while (node != NODES_MAX && node != ancestor) {
        node = list->nodes[node].parent;
    }
    return node == ancestor;
}

static bool comes_before(const struct list *list, const struct qr_replicas *replicas,
    const struct node *a, const struct node *b)
{
    size_t right_a = place_in(list, a->right);
    size_t right_b = place_in(list, b->right);
    if (!a->left && right_a != right_b) {
        return right_a > right_b;
    }
    return qr_replicas_id_before(replicas, a->id, b->id);
}

/** After the parent, or before it, and what hangs on siblings that come before. */
static void list_insert(
    struct list *list, const struct qr_replicas *replicas, const struct node *node)
{
    size_t at = 0;
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        size_t other = list->order[i];
        size_t child = other; /* the sibling that it hangs on, if it hangs on one */
        while (child != NODES_MAX && list->nodes[child].parent != node->parent) {
            child = list->nodes[child].parent;
        }
        bool own = child != NODES_MAX && list->nodes[child].left == node->left;
        bool before = own && comes_before(list, replicas, &list->nodes[child], node);
        bool parent = other == node->parent
            || (node->parent != NODES_MAX && !node->left && child != NODES_MAX
                && list->nodes[child].left);
        if (before || (!node->left && parent)) {
            at = i + 1;
            found = true;
        }
    }
    if (!found && node->left) { /* before all that hangs on the parent */
        while (!hangs_on(list, list->order[at], node->parent)) {
            at++;
        }
    }
    memmove(&list->order[at + 1], &list->order[at], (list->count - at) * sizeof list->order[0]);
    list->order[at] = list->count;
    list->nodes[list->count++] = *node;
}

static void add_replicas(struct qr_replicas *replicas, struct dice *dice, uint32_t count)
{
    OK(qr_replicas_reserve(replicas, count));
    while (replicas->count < count) {
        uint64_t name = roll(dice);
        qr_replicas_add(replicas, (const uint8_t *)&name);
    }
}

static void integrate(struct qr_text *text, const struct qr_replicas *replicas,
    const struct node *node, uint64_t parent)
{
    uint8_t letter = 'x';
    OK(qr_text_reserve(text, 3, 1));
    struct qr_run run = {.id = node->id, .parent = parent, .right = node->right, .length = 1};
    struct quire_bytes letters = qr_text_add_letters(text, (struct quire_bytes){&letter, 1});
    qr_text_integrate(text, replicas, &run, letters);
}

static void grow(uint64_t seed)
{
    struct dice dice = {seed};
    struct list *list = calloc(1, sizeof *list);
    struct qr_replicas replicas = {0};
    struct qr_text text;
    uint64_t counters[REPLICAS + 1] = {0};
    add_replicas(&replicas, &dice, REPLICAS);
    OK(qr_text_init(&text));
    bool spiny = seed % 2 == 0; /* child on child on one side, by one replica: runs, too */
    size_t spread = spiny ? 1 : 1 + pick(&dice, 40); /* how far back parents are looked for */
    bool side = false;
    uint32_t replica = 1;
    while (list->count < NODES_MAX) {
        if (!spiny || pick(&dice, 20) == 0) {
            replica = 1 + (uint32_t)pick(&dice, REPLICAS);
        }
        side = pick(&dice, spiny ? 60 : 2) == 0 ? !side : side;
        struct node node = {.id = qr_id(replica, ++counters[replica]), .parent = NODES_MAX};
        size_t back =
            pick(&dice, spread) + (pick(&dice, 9) == 0 ? pick(&dice, list->count + 1) : 0);
        if (back < list->count) {
            node.parent = list->count - 1 - back;
            node.left = side;
        }
        uint64_t parent = node.parent == NODES_MAX ? QR_ID_NONE : list->nodes[node.parent].id;
        node.right = node.left                        ? parent
            : pick(&dice, 3) != 0 || list->count == 0 ? QR_ID_NONE
                                                      : list->nodes[pick(&dice, list->count)].id;
        node.right = !node.left && node.right == parent ? QR_ID_NONE : node.right;
        integrate(&text, &replicas, &node, parent);
        list_insert(list, &replicas, &node);
    }
    size_t at = 0;
    for (uint32_t item = qr_tree_next(&text.order, 0); item != QR_NONE;
         item = qr_tree_next(&text.order, item)) {
        for (uint32_t i = 0; i < text.items[item].length; i++) {
            cr_assert_eq(text.items[item].id + i, list->nodes[list->order[at]].id,
                "seed %llu, character %zu", (unsigned long long)seed, at);
            at++;
        }
    }
    cr_assert_eq(at, list->count);
    qr_text_finish(&text);
    qr_replicas_finish(&replicas);
    free(list);
}

Test(order, spines_and_crowds_stand_as_in_a_plain_list)
{
    for (uint64_t seed = 1; seed <= KIT_ROUNDS(60); seed++) {
        grow(seed);
    }
}

/** A spine of left or right children, each with a second child at the far side: code that walks the
 * spine for each takes n² / 2 steps. */
static void hang_on_a_spine(bool left)
{
    const uint32_t count = 60000;
    struct dice dice = {3};
    struct qr_replicas replicas = {0};
    struct qr_text text;
    add_replicas(&replicas, &dice, 3);
    uint32_t low = replicas.sorted[0]; /* its children come before those of others */
    uint32_t middle = replicas.sorted[1];
    uint32_t high = replicas.sorted[2];
    OK(qr_text_init(&text));
    struct node root = {.id = qr_id(middle, 1)};
    integrate(&text, &replicas, &root, QR_ID_NONE);
    for (uint32_t i = 2; i <= count; i++) {
        /* Counters of one replica only with gaps: no run joins them. */
        uint64_t parent = qr_id(middle, 2 * (i - 1) - 1);
        struct node node = {.id = qr_id(middle, 2 * i - 1), .right = left ? parent : QR_ID_NONE};
        integrate(&text, &replicas, &node, parent);
    }
    for (uint32_t i = 1; i < count; i++) {
        uint64_t parent = qr_id(middle, 2 * i - 1);
        struct node node = {.id = qr_id(left ? low : high, i), .right = left ? parent : QR_ID_NONE};
        integrate(&text, &replicas, &node, parent);
    }
    cr_assert_eq(qr_tree_weight(&text.order), 2 * (size_t)count - 1);
    cr_assert_lt(text.steps, 60 * (uint64_t)count);
    uint32_t item = 0;
    for (uint32_t i = 1; i < 2 * count; i++) { /* mirrored: the spine, then the others backwards */
        uint32_t at = left ? 2 * count - i : i;
        item = qr_tree_next(&text.order, item);
        if (at <= count) {
            cr_assert_eq(text.items[item].id, qr_id(middle, 2 * (uint64_t)at - 1));
        } else {
            cr_assert_eq(text.items[item].id, qr_id(left ? low : high, 2 * (uint64_t)count - at),
                "left %d i %u: %llx", left, i, (unsigned long long)text.items[item].id);
        }
    }
    qr_text_finish(&text);
    qr_replicas_finish(&replicas);
}

Test(order, what_hangs_on_a_long_spine_is_found_without_walking_it)
{
    hang_on_a_spine(true);
    hang_on_a_spine(false);
}

static void crowd(bool left, bool shuffled)
{
    struct dice dice = {5};
    struct qr_replicas replicas = {0};
    struct qr_text text;
    add_replicas(&replicas, &dice, CROWD);
    OK(qr_text_init(&text));
    struct node root = {.id = qr_id(1, 1)};
    integrate(&text, &replicas, &root, QR_ID_NONE);
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t j = shuffled ? (uint32_t)(i * 2654435761u) % CROWD : i;
        struct node node = {
            .id = qr_id(replicas.sorted[j], 2), .right = left ? root.id : QR_ID_NONE};
        integrate(&text, &replicas, &node, root.id);
    }
    const struct qr_item *item = &text.items[1];
    uint32_t top = left ? item->left_root : item->right_root;
    cr_assert_eq(qr_siblings_count(text.items, top), CROWD);
    cr_assert_lt(text.steps, 120 * (uint64_t)CROWD);
    uint32_t place = 0;
    for (uint32_t i = qr_tree_next(&text.order, 0); i != QR_NONE;
         i = qr_tree_next(&text.order, i)) {
        if (i != 1) {
            cr_assert_eq(text.items[i].id, qr_id(replicas.sorted[place++], 2));
        }
    }
    qr_text_finish(&text);
    qr_replicas_finish(&replicas);
}

Test(order, a_crowd_at_one_place_is_put_in_order_without_looking_at_each)
{
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        crowd(true, shuffled);
        crowd(false, shuffled);
    }
}
