/*
 * Roster records that come.
 */
#ifndef QR_SYNC_DEVICE_ROSTER_H
#define QR_SYNC_DEVICE_ROSTER_H

#include "sync/device/state.h"

void device_on_roster_records(struct quire_device *device, const struct qr_frame *frame);
/** The roster is here: this device is enrolled, or the pairing failed. */
void device_joined(struct quire_device *device);

#endif
