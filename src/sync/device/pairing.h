/*
 * Both sides of pairing.
 */
#ifndef QR_SYNC_DEVICE_PAIRING_H
#define QR_SYNC_DEVICE_PAIRING_H

#include "sync/device/state.h"

void device_pair_open(struct quire_device *device);
/** The new device's side, upon connecting. */
void device_pair_request(struct quire_device *device);
void device_on_pair(struct quire_device *device, const struct qr_frame *frame);
/** The old device's side, when the new one is enrolled. */
void device_pair_reply(struct quire_device *device);

#endif
