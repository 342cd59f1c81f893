/*
 * Epoch keys out of the roster.
 */
#ifndef QR_SYNC_DEVICE_KEYS_H
#define QR_SYNC_DEVICE_KEYS_H

#include "sync/device/state.h"

/** Opens every epoch key that the roster gives this device, or the kit. ENOTFOUND, ECRYPTO, ENOMEM. */
QUIRE_CHECKED enum quire_status device_accept_keys(struct quire_device *device);
/** Forgets the keys of epochs after `after`. */
void device_forget_epochs(struct quire_device *device, uint32_t after);

#endif
