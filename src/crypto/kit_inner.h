/*
 * Inside of crypto/ only: what a recovery kit holds.
 */
#ifndef QR_CRYPTO_KIT_INNER_H
#define QR_CRYPTO_KIT_INNER_H

#include "crypto/keys.h"

struct qr_kit {
    uint8_t seed[QR_KEY_SIZE];
    struct qr_keys keys; /* always those of the seed */
};

#endif
