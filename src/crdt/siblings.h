/*
 * The left or the right children of one character as a search tree in their order, whose links are
 * in the items. As a rule there is one child. Where many write at one place, the tree is balanced
 * anew whenever it has become too deep, so that to hang a child stays cheap however they come.
 */
#ifndef QR_CRDT_SIBLINGS_H
#define QR_CRDT_SIBLINGS_H

#include "crdt/text.h"

/** What stands beside a new sibling, or QR_NONE. */
struct qr_beside {
    uint32_t before;
    uint32_t after;
};

/** How many there are. */
size_t qr_siblings_count(const struct qr_item *items, uint32_t root);

/** Makes the tree as shallow as it can be (Day, Stout, Warren 1986: in place). Returns the steps that
 * it took. */
size_t qr_siblings_balance(struct qr_item *items, uint32_t *root);

#endif
