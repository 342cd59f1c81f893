/*
 * An entry's state as an object, and back: packed (codec), encrypted (crypto), named.
 */
#ifndef QR_SYNC_OBJECT_H
#define QR_SYNC_OBJECT_H

#include "crypto/object.h"

/** Appends the object of a state under the key of an epoch, and gives its address: the same for every
 * device that has the state. ELIMIT: the state is too large. ENOTFOUND: epoch key not held. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_object_make(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], uint32_t epoch, struct quire_bytes state,
    struct quire_buffer *out_object, uint8_t out_address[QR_HASH_SIZE]);

/** Appends the state that an object of this entry holds. EMALFORMED, EUNSUPPORTED, ELIMIT, ECRYPTO,
 * ENOTFOUND, ENOMEM: nothing was appended. */
QUIRE_CHECKED enum quire_status qr_object_open(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], struct quire_bytes object, struct quire_buffer *out_state);

#endif
