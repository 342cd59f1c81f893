/*
 * CAUGHT_UP: what the server has is compared with what is here.
 */
#ifndef QR_SYNC_DEVICE_CAUGHT_UP_H
#define QR_SYNC_DEVICE_CAUGHT_UP_H

#include "sync/device/state.h"

void device_on_caught_up(struct quire_device *device, const struct qr_frame *frame);

#endif
