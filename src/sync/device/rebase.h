/*
 * Dropping batches that the roster no longer admits; their content is sealed again.
 */
#ifndef QR_SYNC_DEVICE_REBASE_H
#define QR_SYNC_DEVICE_REBASE_H

#include "sync/device/state.h"

/** Drops every batch that stands on a record from `fork` on or that `roster` does not admit, and what
 * depends on such a batch; the content joins the changes to seal again. The vault must still have
 * the keys that it was sealed with. True: there was any. */
bool device_drop(struct quire_device *device, const struct qr_roster *roster, uint32_t fork);

#endif
