/*
 * A connection from CONNECTED to its end: which frame goes where.
 */
#ifndef QR_SYNC_DEVICE_CONNECT_H
#define QR_SYNC_DEVICE_CONNECT_H

#include "sync/device/state.h"

#define DEVICE_CLOCK_MS (2 * 60 * 1000) /* the two clocks differ by more: an alarm */

void device_connected(struct quire_device *device, struct quire_bytes host);
void device_frame(struct quire_device *device, struct quire_bytes bytes);
void device_connection_tick(struct quire_device *device);
uint64_t device_connection_due_ms(const struct quire_device *device);

#endif
