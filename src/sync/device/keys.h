/*
 * Epoch keys out of the roster.
 */
#ifndef QR_SYNC_DEVICE_KEYS_H
#define QR_SYNC_DEVICE_KEYS_H

#include "sync/device/state.h"

/** Opens every epoch key that the roster gives this device, or the kit. ENOTFOUND, ECRYPTO, ENOMEM. */
QUIRE_CHECKED enum quire_status device_accept_keys(struct quire_device *device);
/** Forgets a key that was made here for this epoch, for an append that another record preceded: the
 * roster commits to another key. */
void device_forget_own_key(
    struct quire_device *device, uint32_t epoch, const uint8_t commitment[QR_HASH_SIZE]);
/** Forgets the keys of epochs after `after`. */
void device_forget_epochs(struct quire_device *device, uint32_t after);

#endif
