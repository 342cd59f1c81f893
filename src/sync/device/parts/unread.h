/*
 * Batches that a later version of Quire wrote, or that stand on such a one: kept, and read by that
 * version.
 */
#ifndef QR_SYNC_DEVICE_PARTS_UNREAD_H
#define QR_SYNC_DEVICE_PARTS_UNREAD_H

#include "base/ids.h"
#include <quire/bytes.h>

#define DEVICE_UNREAD_AT_ONCE 256 /* unread batches that are tried again in one step */

struct device_unread {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
};

/** Invariant: next ≤ count. */
struct device_unread_list {
    struct device_unread *items; /* owned; in the order in which they came */
    size_t count, capacity;
    size_t next; /* the next to be tried */
    bool progress,
        later; /* since the first was tried: one was read; one waits for a later version */
};

/** ENOMEM. */
QUIRE_CHECKED enum quire_status device_unread_add(
    struct device_unread_list *list, const uint8_t *replica, uint64_t seq);
void device_unread_remove(struct device_unread_list *list, size_t index);
bool device_unread_due(const struct device_unread_list *list);
void device_unread_check(const struct device_unread_list *list);
void device_unread_finish(struct device_unread_list *list);

#endif
