/*
 * An allocator that fails when it is told to. The program is linked so that every call of the
 * allocator by us comes by it first (-Wl,--wrap).
 */
#ifndef QR_TESTS_CRDT_ALLOCATOR_H
#define QR_TESTS_CRDT_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>

extern size_t allocations_left;   /* until one fails; SIZE_MAX: none does */
extern bool allocations_fail_on;  /* whether all after it fail too */
extern size_t allocations_failed; /* so many have */
extern size_t allocations_live;   /* blocks that were not freed yet */

#endif
