/*
 * Inside of crypto/ only: the two key pairs that a seed gives, for devices and for the kit.
 */
#ifndef QR_CRYPTO_KEYS_H
#define QR_CRYPTO_KEYS_H

#include "crypto/hash.h"

/* The pairs are independent of each other: none is a conversion of the other. */
struct qr_keys {
    uint8_t sign_public[QR_KEY_SIZE];
    uint8_t sign_secret[64]; /* libsodium's form: seed ‖ public key */
    uint8_t box_public[QR_KEY_SIZE];
    uint8_t box_secret[QR_KEY_SIZE];
};

/** Both pairs of a seed, each under its own context. The owner wipes them. */
void qr_keys_derive(struct qr_keys *out_keys, const uint8_t seed[QR_KEY_SIZE],
    enum qr_context sign_context, enum qr_context box_context);

/** Signs as qr_verify checks. */
void qr_keys_sign(const struct qr_keys *keys, enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE]);

#endif
