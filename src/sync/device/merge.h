/*
 * What a batch says: opened and merged, or kept unread for a later version.
 */
#ifndef QR_SYNC_DEVICE_MERGE_H
#define QR_SYNC_DEVICE_MERGE_H

#include "sync/device/state.h"

/** Nothing in it is of a later version, as far as can be told before it is opened. */
bool device_can_read(const struct quire_device *device, const struct qr_batch *batch);
/** Appends the plaintext of a batch's change. Errors as qr_vault_open_change. */
QUIRE_CHECKED enum quire_status device_open_change(const struct quire_device *device,
    const struct qr_batch *batch, size_t index, struct quire_buffer *out_plaintext);
/** Merges what an accepted batch says, or notes that it is unread. device_entries_settle must follow. */
void device_merge(struct quire_device *device, const struct qr_batch *batch);
/** Tries unread batches again, some in each step; each is due once in the life of a process. */
void device_unread_read(struct quire_device *device);
/** Chains became shorter. */
void device_unread_drop(struct quire_device *device);

#endif
