/*
 * Inside of crypto/ only: XChaCha20-Poly1305 with hedged nonces. A nonce is a keyed hash of fresh
 * bytes, the associated data and the plaintext: should the fresh bytes ever repeat (a bad source,
 * a machine rolled back to a snapshot), a nonce repeats only with everything else the same.
 */
#ifndef QR_CRYPTO_AEAD_H
#define QR_CRYPTO_AEAD_H

#include "crypto/hash.h"
#include "crypto/sizes.h"

/** Associated data, built on the stack: a context, a zero byte, then fields of fixed sizes (one of
 * another size only at the very end). */
struct qr_aad {
    uint8_t data[32 + QR_LOCAL_NAME_MAX];
    size_t size;
};
void qr_aad_init(struct qr_aad *aad, enum qr_context context);
void qr_aad_bytes(struct qr_aad *aad, const void *data, size_t size);
void qr_aad_u8(struct qr_aad *aad, uint8_t value);
void qr_aad_u32(struct qr_aad *aad, uint32_t value);
void qr_aad_u64(struct qr_aad *aad, uint64_t value);

/** Encrypts `size` bytes in place and appends the tag: `text` has size + QR_TAG_SIZE bytes. */
void qr_aead_encrypt(uint8_t *text, size_t size, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, const uint8_t entropy[QR_ENTROPY_SIZE],
    uint8_t out_nonce[QR_NONCE_SIZE]);
/** The same with a nonce that the caller derived from all of this. */
void qr_aead_encrypt_with(uint8_t *text, size_t size, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, const uint8_t nonce[QR_NONCE_SIZE]);
/** Decrypts ciphertext (at least QR_TAG_SIZE bytes) to out, which has room for all but the tag.
 * False: it is not what was encrypted; out holds zeros. */
QUIRE_CHECKED bool qr_aead_decrypt(uint8_t *out, struct quire_bytes ciphertext,
    const uint8_t key[QR_KEY_SIZE], const struct qr_aad *aad, const uint8_t nonce[QR_NONCE_SIZE]);

#endif
