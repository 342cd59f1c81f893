/*
 * XChaCha20-Poly1305 over libsodium, with hedged nonces.
 */
#include "crypto/aead.h"
#include "base/failpoint.h"
#include "base/writer.h"
#include <assert.h>
#include <sodium.h>

static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == QR_KEY_SIZE, "keys fit");
static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == QR_NONCE_SIZE, "nonces fit");
static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == QR_TAG_SIZE, "tags fit");

void qr_aad_init(struct qr_aad *aad, enum qr_context context)
{
    const char *text = qr_context_text(context);
    aad->size = 0;
    qr_aad_bytes(aad, text, strlen(text) + 1);
}

void qr_aad_bytes(struct qr_aad *aad, const void *data, size_t size)
{
    assert(size <= sizeof aad->data - aad->size);
    if (size > 0) {
        memcpy(aad->data + aad->size, data, size);
        aad->size += size;
    }
}

void qr_aad_u8(struct qr_aad *aad, uint8_t value)
{
    qr_aad_bytes(aad, &value, 1);
}

void qr_aad_u32(struct qr_aad *aad, uint32_t value)
{
    uint8_t bytes[4];
    qr_store_u32(bytes, value);
    qr_aad_bytes(aad, bytes, sizeof bytes);
}

void qr_aad_u64(struct qr_aad *aad, uint64_t value)
{
    uint8_t bytes[8];
    qr_store_u64(bytes, value);
    qr_aad_bytes(aad, bytes, sizeof bytes);
}

static void hedge(uint8_t out_nonce[QR_NONCE_SIZE], struct quire_bytes plaintext,
    const uint8_t key[QR_KEY_SIZE], const struct qr_aad *aad,
    const uint8_t entropy[QR_ENTROPY_SIZE])
{
    uint8_t aad_size[4]; /* where the associated data ends and the plaintext begins */
    qr_store_u32(aad_size, (uint32_t)aad->size);
    const struct quire_bytes parts[] = {
        {entropy, QR_ENTROPY_SIZE},
        {aad_size, sizeof aad_size},
        {aad->data, aad->size},
        plaintext,
    };
    qr_keyed_hash(
        out_nonce, QR_NONCE_SIZE, key, QR_CONTEXT_NONCE, parts, QR_FAILPOINT_ON(NO_HEDGE) ? 1 : 4);
}

void qr_aead_encrypt(uint8_t *text, size_t size, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, const uint8_t entropy[QR_ENTROPY_SIZE],
    uint8_t out_nonce[QR_NONCE_SIZE])
{
    hedge(out_nonce, (struct quire_bytes){text, size}, key, aad, entropy);
    qr_aead_encrypt_with(text, size, key, aad, out_nonce);
}

void qr_aead_encrypt_with(uint8_t *text, size_t size, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, const uint8_t nonce[QR_NONCE_SIZE])
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        text, NULL, text, size, aad->data, aad->size, NULL, nonce, key);
}

bool qr_aead_decrypt(uint8_t *out, struct quire_bytes ciphertext, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, const uint8_t nonce[QR_NONCE_SIZE])
{
    assert(ciphertext.size >= QR_TAG_SIZE);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               out, NULL, NULL, ciphertext.data, ciphertext.size, aad->data, aad->size, nonce, key)
        == 0;
}
