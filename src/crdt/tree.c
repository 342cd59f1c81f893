/*
 * A sequence of numbered items as a B+ tree.
 */
#include "crdt/tree.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HALF (QR_TREE_FAN / 2)
#define HEIGHT_MAX 8 /* 16^8 items */

static uint32_t add_node(struct qr_tree *tree, uint16_t height)
{
    uint32_t index = tree->free_node;
    if (index != QR_NONE) {
        tree->free_node = tree->nodes[index].parent;
    } else {
        assert(tree->node_count < tree->node_capacity);
        index = (uint32_t)tree->node_count++;
    }
    struct qr_tree_node *node = &tree->nodes[index];
    node->parent = QR_NONE;
    node->next = QR_NONE;
    node->count = 0;
    node->height = height;
    node->level = UINT64_MAX;
    return index;
}

static uint32_t slot_of(const struct qr_tree_node *node, uint32_t child)
{
    uint32_t slot = 0;
    while (node->child[slot] != child) {
        slot++;
    }
    return slot;
}

static uint32_t weight_of(const struct qr_tree_node *node)
{
    uint32_t weight = 0;
    for (uint32_t i = 0; i < node->count; i++) {
        weight += node->weight[i];
    }
    return weight;
}

/** Children from a slot on learn where they now live. */
static void adopt(struct qr_tree *tree, uint32_t parent, uint32_t slot)
{
    struct qr_tree_node *node = &tree->nodes[parent];
    if (node->height == 0) {
        tree->leaf_of[node->child[slot]] = parent;
        return;
    }
    for (; slot < node->count; slot++) {
        tree->nodes[node->child[slot]].parent = parent;
        tree->nodes[node->child[slot]].slot = slot;
    }
}

static void put(
    struct qr_tree *tree, uint32_t index, uint32_t slot, uint32_t child, uint32_t weight)
{
    struct qr_tree_node *node = &tree->nodes[index];
    size_t behind = (size_t)(node->count - slot) * sizeof node->child[0];
    memmove(&node->child[slot + 1], &node->child[slot], behind);
    memmove(&node->weight[slot + 1], &node->weight[slot], behind);
    node->child[slot] = child;
    node->weight[slot] = weight;
    node->count++;
    adopt(tree, index, slot);
}

static uint64_t level_of(const struct qr_tree *tree, const struct qr_tree_node *node, uint32_t slot)
{
    uint32_t child = node->child[slot];
    return node->height == 0 ? tree->level[child] : tree->nodes[child].level;
}

static void find_level(const struct qr_tree *tree, struct qr_tree_node *node)
{
    node->level = UINT64_MAX;
    for (uint32_t slot = 0; tree->level != NULL && slot < node->count; slot++) {
        uint64_t level = level_of(tree, node, slot);
        node->level = level < node->level ? level : node->level;
    }
}

/** Moves the upper half of a full node into a new one to its right. */
static uint32_t split(struct qr_tree *tree, uint32_t index)
{
    uint32_t parent = tree->nodes[index].parent;
    if (parent == QR_NONE) {
        parent = add_node(tree, (uint16_t)(tree->nodes[index].height + 1));
        tree->nodes[parent].first = tree->nodes[index].first;
        tree->nodes[parent].level = tree->nodes[index].level;
        put(tree, parent, 0, index, weight_of(&tree->nodes[index]));
        tree->root = parent;
    } else if (tree->nodes[parent].count == QR_TREE_FAN) {
        split(tree, parent);
        parent = tree->nodes[index].parent;
    }
    uint32_t right_index = add_node(tree, tree->nodes[index].height);
    struct qr_tree_node *left = &tree->nodes[index];
    struct qr_tree_node *right = &tree->nodes[right_index];
    memcpy(right->child, left->child + HALF, HALF * sizeof left->child[0]);
    memcpy(right->weight, left->weight + HALF, HALF * sizeof left->weight[0]);
    right->count = HALF;
    left->count = HALF;
    right->next = left->next;
    left->next = right_index;
    for (uint32_t i = 0; i < (right->height == 0 ? HALF : 1); i++) {
        adopt(tree, right_index, i);
    }
    right->first = right->height == 0 ? right->child[0] : tree->nodes[right->child[0]].first;
    find_level(tree, left);
    find_level(tree, right);

    uint32_t moved = weight_of(right);
    uint32_t slot = tree->nodes[index].slot;
    tree->nodes[parent].weight[slot] -= moved;
    put(tree, parent, slot + 1, right_index, moved);
    return right_index;
}

enum quire_status qr_tree_init(struct qr_tree *tree, bool levels)
{
    struct qr_tree fresh = {0};
    fresh.level = levels ? malloc(sizeof *fresh.level) : NULL;
    enum quire_status status =
        levels && fresh.level == NULL ? QUIRE_ENOMEM : qr_tree_reserve(&fresh, 1, 1);
    if (status != QUIRE_OK) {
        qr_tree_finish(&fresh);
        return status;
    }
    fresh.finger = QR_NONE;
    fresh.free_node = QR_NONE;
    fresh.root = add_node(&fresh, 0);
    fresh.nodes[fresh.root].first = 0;
    put(&fresh, fresh.root, 0, 0, 0);
    if (levels) {
        qr_tree_set_level(&fresh, 0, 0);
    }
    *tree = fresh;
    return QUIRE_OK;
}

void qr_tree_finish(struct qr_tree *tree)
{
    free(tree->nodes);
    free(tree->leaf_of);
    free(tree->level);
    *tree = (struct qr_tree){0};
}

/** How many nodes `extra` insertions may add: every full node there is, and each 16 insertions one
 * more; the same again one level up, where each split is an insertion. */
static size_t nodes_for(size_t node_count, size_t extra)
{
    size_t needed = 1;
    for (int height = 0; height < HEIGHT_MAX; height++) {
        size_t full = extra < node_count ? extra : node_count;
        extra = full + extra / HALF + 1;
        needed += extra;
        node_count /= HALF;
    }
    return needed;
}

static size_t grown(size_t capacity, size_t needed)
{
    size_t more = capacity + capacity / 2;
    return more > needed ? more : needed;
}

enum quire_status qr_tree_reserve(struct qr_tree *tree, size_t item_count, size_t extra)
{
    if (item_count > tree->item_capacity) {
        size_t capacity = grown(tree->item_capacity, item_count);
        uint32_t *leaf_of = realloc(tree->leaf_of, capacity * sizeof *leaf_of);
        if (leaf_of == NULL) {
            return QUIRE_ENOMEM;
        }
        tree->leaf_of = leaf_of;
        if (tree->level != NULL) {
            uint64_t *level = realloc(tree->level, capacity * sizeof *level);
            if (level == NULL) {
                return QUIRE_ENOMEM;
            }
            tree->level = level;
        }
        tree->item_capacity = capacity;
    }
    if (extra <= (tree->node_capacity - tree->node_count) / (HEIGHT_MAX + 1)) {
        return QUIRE_OK; /* enough even if each insertion splits a node at every height */
    }
    size_t needed = tree->node_count + nodes_for(tree->node_count, extra);
    if (needed > tree->node_capacity) {
        size_t capacity = grown(tree->node_capacity, needed);
        struct qr_tree_node *nodes = realloc(tree->nodes, capacity * sizeof *nodes);
        if (nodes == NULL) {
            return QUIRE_ENOMEM;
        }
        tree->nodes = nodes;
        tree->node_capacity = capacity;
    }
    return QUIRE_OK;
}

/** Adds to what a leaf weighs, in all of its ancestors; wraps round for what is taken away. */
static void add_weight(struct qr_tree *tree, uint32_t leaf, uint32_t difference)
{
    if (difference == 0) {
        return;
    }
    if (tree->finger != QR_NONE && leaf != tree->finger && leaf != tree->nodes[tree->finger].next) {
        tree->finger = QR_NONE; /* it may stand before */
    }
    for (uint32_t index = leaf; tree->nodes[index].parent != QR_NONE;) {
        const struct qr_tree_node *node = &tree->nodes[index];
        tree->nodes[node->parent].weight[node->slot] += difference;
        index = node->parent;
    }
}

/** The leaf of an item, with room for a new one beside it. */
static uint32_t insertion_leaf(struct qr_tree *tree, uint32_t item, uint32_t new_item)
{
    if (tree->level != NULL) {
        tree->level[new_item] = UINT64_MAX;
    }
    if (tree->nodes[tree->leaf_of[item]].count == QR_TREE_FAN) {
        split(tree, tree->leaf_of[item]);
    }
    return tree->leaf_of[item];
}

void qr_tree_insert_after(struct qr_tree *tree, uint32_t item, uint32_t new_item, uint32_t weight)
{
    uint32_t leaf = insertion_leaf(tree, item, new_item);
    put(tree, leaf, slot_of(&tree->nodes[leaf], item) + 1, new_item, weight);
    add_weight(tree, leaf, weight);
}

void qr_tree_insert_last(struct qr_tree *tree, uint32_t new_item, uint32_t weight)
{
    uint32_t index = tree->root;
    while (tree->nodes[index].height > 0) {
        index = tree->nodes[index].child[tree->nodes[index].count - 1];
    }
    const struct qr_tree_node *leaf = &tree->nodes[index];
    qr_tree_insert_after(tree, leaf->child[leaf->count - 1], new_item, weight);
}

void qr_tree_insert_before(struct qr_tree *tree, uint32_t item, uint32_t new_item, uint32_t weight)
{
    uint32_t leaf = insertion_leaf(tree, item, new_item);
    put(tree, leaf, slot_of(&tree->nodes[leaf], item), new_item, weight);
    add_weight(tree, leaf, weight);
    for (uint32_t index = leaf; index != QR_NONE && tree->nodes[index].first == item;
         index = tree->nodes[index].parent) {
        tree->nodes[index].first = new_item;
    }
}

/** The leaf to the left of one that is not the first. */
static uint32_t leaf_before(const struct qr_tree *tree, uint32_t leaf)
{
    uint32_t index = leaf;
    while (tree->nodes[index].slot == 0) {
        index = tree->nodes[index].parent;
        assert(index != QR_NONE);
    }
    index = tree->nodes[tree->nodes[index].parent].child[tree->nodes[index].slot - 1];
    while (tree->nodes[index].height > 0) {
        index = tree->nodes[index].child[tree->nodes[index].count - 1];
    }
    return index;
}

/** Takes one child out of a node; what it weighs is taken from the node's ancestors by who calls. */
static void drop_slot(struct qr_tree *tree, uint32_t index, uint32_t slot)
{
    struct qr_tree_node *node = &tree->nodes[index];
    size_t behind = (size_t)(node->count - slot - 1u) * sizeof node->child[0];
    memmove(&node->child[slot], &node->child[slot + 1], behind);
    memmove(&node->weight[slot], &node->weight[slot + 1], behind);
    node->count--;
    for (; node->height > 0 && slot < node->count; slot++) {
        tree->nodes[node->child[slot]].slot = slot;
    }
}

/** Unlinks a node that weighs nothing and holds nothing, and the ancestors that hold nothing then. */
static void unlink_node(struct qr_tree *tree, uint32_t index)
{
    if (tree->nodes[index].height == 0) {
        tree->nodes[leaf_before(tree, index)].next = tree->nodes[index].next;
    }
    while (index != tree->root && tree->nodes[index].count == 0) {
        uint32_t parent = tree->nodes[index].parent;
        drop_slot(tree, parent, tree->nodes[index].slot);
        tree->nodes[index].parent = tree->free_node;
        tree->free_node = index;
        index = parent;
    }
    while (tree->nodes[tree->root].height > 0 && tree->nodes[tree->root].count == 1) {
        uint32_t root = tree->root;
        tree->root = tree->nodes[root].child[0];
        tree->nodes[tree->root].parent = QR_NONE;
        tree->nodes[tree->root].slot = 0;
        tree->nodes[root].parent = tree->free_node;
        tree->free_node = root;
        if (index == root) {
            index = tree->root;
        }
    }
    for (; index != QR_NONE; index = tree->nodes[index].parent) {
        struct qr_tree_node *node = &tree->nodes[index];
        if (node->height > 0) {
            node->first = tree->nodes[node->child[0]].first;
        }
        find_level(tree, node);
    }
}

/** Moves the items of the next leaf into a small one, if both have one parent. */
static void absorb_next(struct qr_tree *tree, uint32_t leaf)
{
    struct qr_tree_node *node = &tree->nodes[leaf];
    if (node->next == QR_NONE || tree->nodes[node->next].parent != node->parent
        || node->count + tree->nodes[node->next].count > 3 * QR_TREE_FAN / 4) {
        return;
    }
    uint32_t next_index = node->next;
    struct qr_tree_node *next = &tree->nodes[next_index];
    memcpy(&node->child[node->count], next->child, next->count * sizeof next->child[0]);
    memcpy(&node->weight[node->count], next->weight, next->count * sizeof next->weight[0]);
    for (uint32_t i = 0; i < next->count; i++) {
        tree->leaf_of[next->child[i]] = leaf;
    }
    uint32_t moved = weight_of(next);
    tree->nodes[node->parent].weight[node->slot] += moved;
    tree->nodes[node->parent].weight[next->slot] -= moved;
    node->count += next->count;
    node->level = next->level < node->level ? next->level : node->level;
    next->count = 0;
    unlink_node(tree, next_index);
}

void qr_tree_remove(struct qr_tree *tree, uint32_t item)
{
    uint32_t leaf = tree->leaf_of[item];
    struct qr_tree_node *node = &tree->nodes[leaf];
    uint32_t slot = slot_of(node, item);
    assert(item != 0);
    add_weight(tree, leaf, 0 - node->weight[slot]);
    tree->finger = QR_NONE;
    drop_slot(tree, leaf, slot);
    if (node->count == 0) {
        unlink_node(tree, leaf);
        return;
    }
    for (uint32_t index = leaf; slot == 0 && index != QR_NONE && tree->nodes[index].first == item;
         index = tree->nodes[index].parent) {
        tree->nodes[index].first = node->child[0];
    }
    for (uint32_t index = leaf;
         tree->level != NULL && index != QR_NONE && tree->nodes[index].level == tree->level[item];
         index = tree->nodes[index].parent) {
        find_level(tree, &tree->nodes[index]);
    }
    if (node->count < QR_TREE_FAN / 4) {
        absorb_next(tree, leaf);
    }
}

void qr_tree_set_level(struct qr_tree *tree, uint32_t item, uint64_t level)
{
    uint64_t old = tree->level[item];
    tree->level[item] = level;
    for (uint32_t index = tree->leaf_of[item]; index != QR_NONE;
         index = tree->nodes[index].parent) {
        struct qr_tree_node *node = &tree->nodes[index];
        if (level <= node->level) {
            node->level = level;
        } else if (old == node->level) {
            find_level(tree, node); /* it may have been the least */
            level = node->level;
        } else {
            return;
        }
    }
}

/** The first or last item below a node that has at most this level; there is one. */
static uint32_t descend(
    const struct qr_tree *tree, uint32_t child, uint32_t height, uint64_t level, bool last)
{
    for (; height > 0; height--) {
        const struct qr_tree_node *node = &tree->nodes[child];
        uint32_t slot = last ? node->count - 1u : 0;
        while (level_of(tree, node, slot) > level) {
            slot = last ? slot - 1 : slot + 1;
            assert(slot < node->count);
        }
        child = node->child[slot];
    }
    return child;
}

uint32_t qr_tree_next_level(const struct qr_tree *tree, uint32_t item, uint64_t level)
{
    const struct qr_tree_node *node = &tree->nodes[tree->leaf_of[item]];
    uint32_t slot = slot_of(node, item) + 1;
    for (;;) {
        for (; slot < node->count; slot++) {
            if (level_of(tree, node, slot) <= level) {
                return descend(tree, node->child[slot], node->height, level, false);
            }
        }
        if (node->parent == QR_NONE) {
            return QR_NONE;
        }
        slot = node->slot + 1;
        node = &tree->nodes[node->parent];
    }
}

uint32_t qr_tree_last_level(const struct qr_tree *tree, uint32_t item, uint64_t level)
{
    const struct qr_tree_node *node = &tree->nodes[tree->leaf_of[item]];
    uint32_t slot = slot_of(node, item);
    for (;;) {
        for (; slot > 0; slot--) {
            if (level_of(tree, node, slot - 1) <= level) {
                return descend(tree, node->child[slot - 1], node->height, level, true);
            }
        }
        assert(node->parent != QR_NONE);
        slot = node->slot;
        node = &tree->nodes[node->parent];
    }
}

void qr_tree_set_weight(struct qr_tree *tree, uint32_t item, uint32_t weight)
{
    uint32_t leaf = tree->leaf_of[item];
    struct qr_tree_node *node = &tree->nodes[leaf];
    uint32_t slot = slot_of(node, item);
    uint32_t difference = weight - node->weight[slot];
    node->weight[slot] = weight;
    add_weight(tree, leaf, difference);
}

uint32_t qr_tree_next(const struct qr_tree *tree, uint32_t item)
{
    const struct qr_tree_node *leaf = &tree->nodes[tree->leaf_of[item]];
    uint32_t slot = slot_of(leaf, item) + 1;
    if (slot < leaf->count) {
        return leaf->child[slot];
    }
    return leaf->next == QR_NONE ? QR_NONE : tree->nodes[leaf->next].child[0];
}

struct qr_tree_walk qr_tree_walk_from(const struct qr_tree *tree, uint32_t item)
{
    const struct qr_tree_node *leaf = &tree->nodes[tree->leaf_of[item]];
    return (struct qr_tree_walk){leaf, slot_of(leaf, item), item};
}

bool qr_tree_before(const struct qr_tree *tree, uint32_t a, uint32_t b)
{
    uint32_t node_a = tree->leaf_of[a];
    uint32_t node_b = tree->leaf_of[b];
    if (node_a == node_b) {
        return slot_of(&tree->nodes[node_a], a) < slot_of(&tree->nodes[node_b], b);
    }
    while (tree->nodes[node_a].parent != tree->nodes[node_b].parent) {
        node_a = tree->nodes[node_a].parent;
        node_b = tree->nodes[node_b].parent;
    }
    return tree->nodes[node_a].slot < tree->nodes[node_b].slot;
}

static size_t weight_before(const struct qr_tree_node *node, uint32_t slot)
{
    size_t weight = 0;
    for (uint32_t i = 0; i < slot; i++) {
        weight += node->weight[i];
    }
    return weight;
}

size_t qr_tree_position(const struct qr_tree *tree, uint32_t item)
{
    const struct qr_tree_node *node = &tree->nodes[tree->leaf_of[item]];
    size_t position = weight_before(node, slot_of(node, item));
    while (node->parent != QR_NONE) {
        uint32_t slot = node->slot;
        node = &tree->nodes[node->parent];
        position += weight_before(node, slot);
    }
    return position;
}

size_t qr_tree_weight(const struct qr_tree *tree)
{
    return weight_of(&tree->nodes[tree->root]);
}

/** Looks in one leaf. */
static uint32_t at_in(const struct qr_tree_node *leaf, size_t position, uint32_t *out_offset)
{
    for (uint32_t slot = 0; slot < leaf->count; slot++) {
        if (position < leaf->weight[slot]) {
            *out_offset = (uint32_t)position;
            return leaf->child[slot];
        }
        position -= leaf->weight[slot];
    }
    return QR_NONE;
}

uint32_t qr_tree_at(struct qr_tree *tree, size_t position, uint32_t *out_offset)
{
    if (tree->finger != QR_NONE && position >= tree->finger_start) {
        uint32_t item =
            at_in(&tree->nodes[tree->finger], position - tree->finger_start, out_offset);
        if (item != QR_NONE) {
            return item;
        }
    }
    uint32_t index = tree->root;
    size_t start = 0;
    while (tree->nodes[index].height > 0) {
        const struct qr_tree_node *node = &tree->nodes[index];
        uint32_t slot = 0;
        while (position - start >= node->weight[slot]) {
            start += node->weight[slot++];
            assert(slot < node->count);
        }
        index = node->child[slot];
    }
    tree->finger = index;
    tree->finger_start = start;
    uint32_t item = at_in(&tree->nodes[index], position - start, out_offset);
    assert(item != QR_NONE);
    return item;
}

static uint64_t key_of(const uint64_t *keys, size_t stride, uint32_t item)
{
    uint64_t key;
    memcpy(&key, (const uint8_t *)keys + stride * item, sizeof key);
    return key;
}

uint32_t qr_tree_search(
    const struct qr_tree *tree, uint64_t key, const uint64_t *keys, size_t stride)
{
    const struct qr_tree_node *node = &tree->nodes[tree->root];
    for (;;) {
        uint32_t low = 0; /* the last child that begins at or before the key */
        uint32_t high = node->count;
        while (high - low > 1) {
            uint32_t middle = (low + high) / 2;
            uint32_t child = node->child[middle];
            uint32_t first = node->height == 0 ? child : tree->nodes[child].first;
            if (key_of(keys, stride, first) <= key) {
                low = middle;
            } else {
                high = middle;
            }
        }
        if (node->height == 0) {
            return node->child[low];
        }
        node = &tree->nodes[node->child[low]];
    }
}
