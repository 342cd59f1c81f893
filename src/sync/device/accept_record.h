/*
 * A record that is new in the roster: written, its key taken, its consequences noted.
 */
#ifndef QR_SYNC_DEVICE_ACCEPT_RECORD_H
#define QR_SYNC_DEVICE_ACCEPT_RECORD_H

#include "sync/device/state.h"

void device_accept_record(struct quire_device *device, uint32_t seq);

#endif
