/*
 * DELTA: which batches are accepted.
 */
#ifndef QR_SYNC_DEVICE_RECEIVE_H
#define QR_SYNC_DEVICE_RECEIVE_H

#include "sync/device/state.h"

void device_on_delta(
    struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes);

#endif
