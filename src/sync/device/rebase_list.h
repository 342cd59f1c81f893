/*
 * Changes to seal again: the list and its records.
 */
#ifndef QR_SYNC_DEVICE_REBASE_LIST_H
#define QR_SYNC_DEVICE_REBASE_LIST_H

#include "sync/device/state.h"

/** Adds changes before all others: entry and plaintext of each. */
void device_rebase_prepend(
    struct quire_device *device, const struct quire_buffer *changes, size_t count);
/** Reads one change: entry and plaintext. */
QUIRE_CHECKED enum quire_status device_rebase_get(
    struct quire_device *device, size_t index, struct quire_buffer *out_change);
/** Removes changes that are in batches now. */
void device_rebase_forget(struct quire_device *device, size_t first, size_t count);
/** Another device sealed a change of this content: removes it. */
void device_rebase_came(
    struct quire_device *device, const uint8_t *entry, struct quire_bytes plaintext);
/** Adds one that the records hold. ENOMEM. ECORRUPT. */
QUIRE_CHECKED enum quire_status device_rebase_load(
    struct quire_device *device, uint64_t number, struct quire_bytes value);

#endif
