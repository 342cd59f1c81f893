/*
 * Ed25519 (RFC 8032) verification; signing is in vault.h and kit.h, where the keys are.
 */
#ifndef QR_CRYPTO_SIGN_H
#define QR_CRYPTO_SIGN_H

#include "crypto/hash.h"
#include "crypto/wipe.h"

#define QR_SIGNED_MAX 512 /* bytes of all parts together */

/** Must be called once per process before anything else of crypto/. False: libsodium failed. */
bool qr_crypto_init(void);

/**
 * True if `signature` is `public_key`'s over context ‖ 0 ‖ parts. False if the parts are more than
 * QR_SIGNED_MAX bytes, since nothing of that size is ever signed (signing asserts it).
 * libsodium refuses small-order keys and non-canonical signatures. Threads: any.
 */
bool qr_verify(const uint8_t public_key[QR_KEY_SIZE], enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, const uint8_t signature[QR_SIGNATURE_SIZE]);

/** device_id of its two public keys: the first 16 bytes of their hash. */
void qr_device_id(uint8_t out_device[QR_DEVICE_SIZE], const uint8_t sign_public[QR_KEY_SIZE],
    const uint8_t box_public[QR_KEY_SIZE]);

/** Bytes for one purpose from the 32 random bytes that a shell gives with each event. */
void qr_entropy_expand(
    uint8_t out[QR_ENTROPY_SIZE], const uint8_t entropy[QR_ENTROPY_SIZE], uint64_t counter);

#endif
