/*
 * One item of a text: a run that is live or dead throughout (text.h).
 */
#ifndef QR_CRDT_ITEM_H
#define QR_CRDT_ITEM_H

#include "crdt/ids.h"
#include <stdbool.h>

struct qr_item {
    uint64_t id;         /* of its first character */
    uint64_t parent;     /* of its first character; QR_ID_NONE: the document's start */
    uint64_t right;      /* what stood to its right; QR_ID_NONE: the end. Left child: the parent */
    uint32_t length;     /* code points */
    uint32_t size;       /* bytes; 0: dead */
    uint32_t letters;    /* where they begin in qr_text.letters; dead: where they were, perhaps */
    uint32_t left_root;  /* its left children: the root of a search tree, or QR_NONE */
    uint32_t right_root; /* its right children */
    uint32_t before;     /* in that tree of its parent: siblings that come before it */
    uint32_t after;      /* and after it */
    uint32_t turn;       /* of its characters; even: live */
    uint64_t depth;      /* of its first character */
};

static inline bool qr_item_is_left(const struct qr_item *item)
{
    return item->parent != QR_ID_NONE && item->parent == item->right;
}

static inline bool qr_item_is_dead(const struct qr_item *item)
{
    return item->turn % 2 != 0;
}

/** Visible code points. */
static inline uint32_t qr_item_weight(const struct qr_item *item)
{
    return item->size > 0 ? item->length : 0;
}

#endif
