/*
 * A sequence of numbered items as a B+ tree: what comes after what, how much is
 * visible before a place, which of two is first, where the next one is whose level is at most a
 * given one. All in O(log n), whatever the input.
 *
 * Item 0 is there from the start, stays first and weighs nothing.
 * Memory is reserved beforehand, so that changes cannot fail half way.
 */
#ifndef QR_CRDT_TREE_H
#define QR_CRDT_TREE_H

#include <quire/bytes.h>

#define QR_NONE UINT32_MAX
#define QR_TREE_FAN 32

struct qr_tree_node {
    uint32_t parent;              /* QR_NONE: the root */
    uint32_t next;                /* of a leaf: the leaf to its right, or QR_NONE */
    uint32_t first;               /* the first item below */
    uint16_t count;               /* of children, or of items in a leaf */
    uint16_t height;              /* 0 in a leaf */
    uint32_t slot;                /* which child of its parent it is */
    uint64_t level;               /* the least of the items below */
    uint32_t child[QR_TREE_FAN];  /* nodes, or items */
    uint32_t weight[QR_TREE_FAN]; /* what each child weighs in all */
};

struct qr_tree {
    struct qr_tree_node *nodes;
    uint32_t *leaf_of; /* item → its leaf */
    uint64_t *level;   /* item → its level; NULL: this tree keeps none */
    size_t node_count;
    size_t node_capacity;
    uint32_t
        free_node; /* the first of those unlinked, each names the next as its parent; or QR_NONE */
    size_t item_capacity;
    uint32_t root;
    uint32_t finger;     /* the leaf that was looked at last, or QR_NONE */
    size_t finger_start; /* what stands before it weighs */
};

/** A tree that holds item 0 alone, of level 0; with levels, or without. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_tree_init(struct qr_tree *tree, bool levels);
void qr_tree_finish(struct qr_tree *tree);

/** Room for item numbers below item_count, and for `extra` insertions. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_tree_reserve(
    struct qr_tree *tree, size_t item_count, size_t extra);

/** Puts a new item right after another. Room was reserved. */
void qr_tree_insert_after(struct qr_tree *tree, uint32_t item, uint32_t new_item, uint32_t weight);

/** Puts a new item at the end. Room was reserved. */
void qr_tree_insert_last(struct qr_tree *tree, uint32_t new_item, uint32_t weight);

/** Puts a new item right before another, which is not item 0. Room was reserved. */
void qr_tree_insert_before(struct qr_tree *tree, uint32_t item, uint32_t new_item, uint32_t weight);

/** Takes an item out, not item 0. Its number may be inserted again. */
void qr_tree_remove(struct qr_tree *tree, uint32_t item);

/** Gives an item its level; until then it has the greatest there is. */
void qr_tree_set_level(struct qr_tree *tree, uint32_t item, uint64_t level);

/** The first item after this one whose level is at most `level`, or QR_NONE. */
uint32_t qr_tree_next_level(const struct qr_tree *tree, uint32_t item, uint64_t level);

/** The last item before this one, not item 0, whose level is at most `level`; item 0 has level 0. */
uint32_t qr_tree_last_level(const struct qr_tree *tree, uint32_t item, uint64_t level);

/** Changes what an item weighs. */
void qr_tree_set_weight(struct qr_tree *tree, uint32_t item, uint32_t weight);

/** The item after this one, or QR_NONE. */
uint32_t qr_tree_next(const struct qr_tree *tree, uint32_t item);

/** Whether a comes before b; false for a == b. */
bool qr_tree_before(const struct qr_tree *tree, uint32_t a, uint32_t b);

/** What stands before an item weighs. */
size_t qr_tree_position(const struct qr_tree *tree, uint32_t item);

/** What the whole sequence weighs. */
size_t qr_tree_weight(const struct qr_tree *tree);

/** The item that holds `position` < weight of all, and how far into it that is. */
uint32_t qr_tree_at(struct qr_tree *tree, size_t position, uint32_t *out_offset);

/** For a sequence in order of keys: the last item whose key is at most `key`. The key of item n is
 * the uint64_t `stride` · n bytes behind the first. */
uint32_t qr_tree_search(
    const struct qr_tree *tree, uint64_t key, const uint64_t *keys, size_t stride);

/** A walk over many items, one after another, for less than qr_tree_next each. Ends with any change. */
struct qr_tree_walk {
    const struct qr_tree_node *leaf;
    uint32_t slot;
    uint32_t item; /* QR_NONE: past the end */
};

struct qr_tree_walk qr_tree_walk_from(const struct qr_tree *tree, uint32_t item);

static inline void qr_tree_walk_on(const struct qr_tree *tree, struct qr_tree_walk *walk)
{
    if (++walk->slot == walk->leaf->count) {
        if (walk->leaf->next == QR_NONE) {
            walk->item = QR_NONE;
            return;
        }
        walk->leaf = &tree->nodes[walk->leaf->next];
        walk->slot = 0;
    }
    walk->item = walk->leaf->child[walk->slot];
}

#endif
