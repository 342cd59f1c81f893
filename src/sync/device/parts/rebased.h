/*
 * Changes out of dropped batches, to be sealed again on a new chain, in order of their numbers.
 */
#ifndef QR_SYNC_DEVICE_PARTS_REBASED_H
#define QR_SYNC_DEVICE_PARTS_REBASED_H

#include "crypto/hash.h"
#include <quire/status.h>

struct device_rebased_change {
    uint64_t number;            /* names its record */
    uint8_t hash[QR_HASH_SIZE]; /* of entry and plaintext */
};

/** Invariant: numbers ascend. Nothing is sealed before these changes are. */
struct device_rebased {
    struct device_rebased_change *items; /* owned */
    size_t count;
};

/** Adds `count` changes before all others, with the numbers that come before theirs. The caller sets
 * their hashes. ENOMEM. */
QUIRE_CHECKED enum quire_status device_rebased_prepend(
    struct device_rebased *rebased, size_t count);
/** Adds a change with a higher number. ENOMEM. */
QUIRE_CHECKED enum quire_status device_rebased_append(
    struct device_rebased *rebased, uint64_t number, const uint8_t hash[QR_HASH_SIZE]);
void device_rebased_remove(struct device_rebased *rebased, size_t first, size_t count);
/** Index of a change with this content, or count. */
size_t device_rebased_find(const struct device_rebased *rebased, const uint8_t hash[QR_HASH_SIZE]);
void device_rebased_check(const struct device_rebased *rebased);
void device_rebased_finish(struct device_rebased *rebased);

#endif
