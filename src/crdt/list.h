/*
 * Lists that grow by half, so that adding one thing after another costs no more than copying each thrice.
 */
#ifndef QR_CRDT_LIST_H
#define QR_CRDT_LIST_H

#include <stddef.h>

/** The list with room for `needed` ≥ 1 things of `size` bytes, and its capacity then. NULL: no memory, and
 * the list is as it was. */
void *qr_list_grown(void *list, size_t needed, size_t *capacity, size_t size);

#endif
