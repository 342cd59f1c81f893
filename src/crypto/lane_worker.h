/*
 * The worker's end of the lane: box keys that live in memory only, what is sealed to them, and results.
 */
#ifndef QR_CRYPTO_LANE_WORKER_H
#define QR_CRYPTO_LANE_WORKER_H

#include "crypto/vault.h"

#define QR_COPY_PADDING 256 /* least bytes of the padded text of a copy */
#define QR_RESULT_PADDING 512
#define QR_RESULT_SEAL_OVERHEAD 48 /* ephemeral public key, tag */

/** A lane key's pair; its owner wipes it. */
struct qr_lane_box {
    uint8_t box_public[QR_KEY_SIZE];
    uint8_t box_secret[QR_KEY_SIZE];
};

/** Of 32 fresh bytes. */
void qr_lane_box_make(struct qr_lane_box *out_box, const uint8_t entropy[QR_ENTROPY_SIZE]);

/** The key of a copy out of its seal. False: it was not sealed to this pair; out_key holds zeros. */
QUIRE_CHECKED bool qr_lane_open_key(
    const struct qr_lane_box *box, const uint8_t seal[QR_SEAL_SIZE], uint8_t out_key[QR_KEY_SIZE]);

/** What a copy's encryption is bound to: all of the copy before its nonce, and the grantee. */
void qr_lane_copy_place(
    struct quire_bytes head, const uint8_t grantee[QR_USER_SIZE], uint8_t out_place[QR_HASH_SIZE]);
/** Fixes the key of a copy: Poly1305 alone would let one ciphertext open under two. */
void qr_lane_copy_commitment(const uint8_t key[QR_KEY_SIZE], const uint8_t place[QR_HASH_SIZE],
    uint8_t out_commitment[QR_HASH_SIZE]);

/**
 * Opens the text of a copy into `out`, which has room for all of the ciphertext; the plaintext stands in it, unpadded.
 * ECRYPTO: not what was encrypted for this place, or another key was committed to; EMALFORMED, EUNSUPPORTED: the
 * padding. On failure `out` is zeros.
 */
QUIRE_CHECKED enum quire_status qr_lane_open_copy(const uint8_t key[QR_KEY_SIZE],
    const uint8_t place[QR_HASH_SIZE], const uint8_t nonce[QR_NONCE_SIZE],
    const uint8_t commitment[QR_HASH_SIZE], struct quire_bytes ciphertext, uint8_t *out,
    struct quire_bytes *out_text);

/** Seals the content of a result to a consent's box key, padded to 512·k; appends it. ECRYPTO: the key is a
 * degenerate one. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_lane_seal_result(const uint8_t box_public[QR_KEY_SIZE],
    struct quire_bytes content, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed);

#endif
