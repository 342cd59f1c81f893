/*
 * Read receipts: a device that only reads publishes its version vector once a day.
 */
#ifndef QR_SYNC_DEVICE_RECEIPT_H
#define QR_SYNC_DEVICE_RECEIPT_H

#include "sync/device/state.h"

#define DEVICE_RECEIPT_MS (24 * 60 * 60 * 1000)
#define DEVICE_RECEIPT_AGAIN_MS 60000 /* a clock that stands still is read again no sooner */

/** A batch of another device was accepted. */
void device_receipt_came(struct quire_device *device, const struct qr_batch *batch);
/** When to SUB again, so that the receipt says what is here then. */
uint64_t device_receipt_due_ms(const struct quire_device *device);
/** CAUGHT_UP: seals the receipt if it is due. */
void device_receipt_caught_up(struct quire_device *device);

#endif
