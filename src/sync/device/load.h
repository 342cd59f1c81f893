/*
 * Reading a profile back.
 */
#ifndef QR_SYNC_DEVICE_LOAD_H
#define QR_SYNC_DEVICE_LOAD_H

#include "sync/device/state.h"

/** Everything that `open` needs. ENOTFOUND: no profile. ECRYPTO: another key. ECORRUPT, EUNSUPPORTED,
 * ENOMEM, EIO. */
QUIRE_CHECKED enum quire_status device_load(
    struct quire_device *device, struct quire_bytes replica_record);

#endif
