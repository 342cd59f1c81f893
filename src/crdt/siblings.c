/*
 * Children of one character as a search tree.
 */
#include "crdt/siblings.h"

size_t qr_siblings_count(const struct qr_item *items, uint32_t root)
{
    uint32_t
        stack[QR_SIBLINGS_DEPTH_MAX + 1]; /* one for each step to the right that is left to do */
    size_t depth = 0;
    size_t count = 0;
    for (uint32_t at = root; at != QR_NONE || depth > 0; count++) {
        if (at == QR_NONE) {
            at = stack[--depth];
        }
        uint32_t before = items[at].before;
        if (items[at].after != QR_NONE && before != QR_NONE) {
            stack[depth++] = items[at].after;
        }
        at = before != QR_NONE ? before : items[at].after;
    }
    return count;
}

/** Turns the tree into a list along `after`; returns its length. */
static size_t flatten(struct qr_item *items, uint32_t *root, size_t *steps)
{
    size_t count = 0;
    for (uint32_t *link = root; *link != QR_NONE; (*steps)++) {
        uint32_t at = *link;
        uint32_t before = items[at].before;
        if (before == QR_NONE) {
            link = &items[at].after;
            count++;
        } else {
            items[at].before = items[before].after;
            items[before].after = at;
            *link = before;
        }
    }
    return count;
}

/** Every other one of the first items of the list becomes what is before the next. */
static void halve(struct qr_item *items, uint32_t *root, size_t count)
{
    uint32_t *link = root;
    for (size_t i = 0; i < count; i++) {
        uint32_t at = *link;
        uint32_t next = items[at].after;
        items[at].after = items[next].before;
        items[next].before = at;
        *link = next;
        link = &items[next].after;
    }
}

/** Makes a tree as shallow as it can be. */
static size_t rebuild(struct qr_item *items, uint32_t *root)
{
    size_t steps = 0;
    size_t count = flatten(items, root, &steps);
    size_t full = 1; /* the greatest 2^n - 1 that is not more than there are */
    while (2 * full + 1 <= count) {
        full = 2 * full + 1;
    }
    halve(items, root, count - full);
    for (; full > 1; full /= 2) {
        halve(items, root, full / 2);
    }
    return steps + count;
}

size_t qr_siblings_balance(struct qr_item *items, uint32_t *const *links, size_t depth)
{
    uint64_t size = 1;
    uint64_t twos = 1; /* powers of the way up */
    uint64_t threes = 1;
    for (size_t i = depth; i > 0; i--) {
        const struct qr_item *node = &items[*links[i - 1]];
        uint32_t other = *links[i] == node->before ? node->after : node->before;
        size += 1 + qr_siblings_count(items, other);
        twos *= 2;
        threes *= 3;
        /* The way is longer than log(size) / log(3/2): balanced, it is shorter by one at least. At the
         * root this holds, for 1.5^56 is more than there can be. */
        if (size * twos < threes) {
            return (size_t)size + rebuild(items, links[i - 1]);
        }
    }
    return (size_t)size;
}
