/*
 * Which entries have edits that are saved and not sealed, and since when.
 */
#ifndef QR_SYNC_DEVICE_PARTS_PENDING_H
#define QR_SYNC_DEVICE_PARTS_PENDING_H

#include "base/ids.h"
#include <quire/bytes.h>

struct device_pending {
    uint8_t entry[QR_ENTRY_SIZE];
    size_t size; /* bytes of its edits; > 0 */
};

/** Invariant: entries are unique and each has a size; first_ms ≤ last_ms. */
struct device_pending_list {
    struct device_pending *items; /* owned */
    size_t count, capacity;
    uint64_t first_ms, last_ms; /* when the oldest, newest pending edit was saved */
    bool flush;                 /* seal everything now */
};

/** NULL: nothing pending. */
struct device_pending *device_pending_find(
    const struct device_pending_list *list, const uint8_t *entry);
/** Notes the size of an entry's pending edits, now; 0 removes it. ENOMEM. */
QUIRE_CHECKED enum quire_status device_pending_set(
    struct device_pending_list *list, const uint8_t *entry, size_t size, uint64_t now_ms);
/** Bytes of all pending edits, counted up to `limit`. */
size_t device_pending_size(const struct device_pending_list *list, size_t limit);
void device_pending_check(const struct device_pending_list *list);
/** Asserts that entries are unique. Quadratic. */
void device_pending_check_all(const struct device_pending_list *list);
void device_pending_finish(struct device_pending_list *list);

#endif
