/*
 * The left or the right children of one character as a search tree in their order, whose links are
 * in the items. As a rule there is one child. Where many write at one place and the tree has become
 * too deep, the smallest part that is lopsided is balanced anew (a scapegoat tree, Galperin and
 * Rivest 1993), so that to hang a child takes O(log n) on average, however they come.
 */
#ifndef QR_CRDT_SIBLINGS_H
#define QR_CRDT_SIBLINGS_H

#include "crdt/item.h"
#include "crdt/tree.h"
#include <stddef.h>

/** No search among siblings is deeper: 1.5^56 is more than there can be items. */
#define QR_SIBLINGS_DEPTH_MAX 56

/** What stands beside a new sibling, or QR_NONE. */
struct qr_beside {
    uint32_t before;
    uint32_t after;
};

/** How many there are. */
size_t qr_siblings_count(const struct qr_item *items, uint32_t root);

/** Balances what has become too deep above a new child (in place: Day, Stout, Warren 1986). The links
 * lead from the root to the new child's: depth + 1 of them. Returns the steps that it took. */
size_t qr_siblings_balance(struct qr_item *items, uint32_t *const *links, size_t depth);

#endif
