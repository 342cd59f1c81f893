/*
 * A server roster that contradicts ours: audited, and adopted.
 */
#ifndef QR_SYNC_DEVICE_ADOPT_H
#define QR_SYNC_DEVICE_ADOPT_H

#include "sync/device/state.h"

/** The server's roster does not go together with ours: an alarm, and on the next connection all of it
 * is read. */
void device_contradicted(struct quire_device *device);
/** WELCOME, and records, while auditing. */
void device_audit_begin(struct quire_device *device, const struct qr_frame *welcome);
void device_audit_records(struct quire_device *device, const struct qr_frame *frame);
/** The server has later batches of a device that our records revoke. */
void device_offer_refused(struct quire_device *device);
/** Drops what the roster, which grew, no longer admits. */
void device_conform(struct quire_device *device);

#endif
