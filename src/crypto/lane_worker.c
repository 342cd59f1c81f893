/*
 * Lane keys, copies and results over libsodium.
 */
#include "crypto/lane_worker.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/padding.h"
#include <assert.h>
#include <sodium.h>

static_assert(QR_SEAL_SIZE == crypto_box_SEALBYTES + QR_KEY_SIZE, "a seal is libsodium's");
static_assert(QR_RESULT_SEAL_OVERHEAD == crypto_box_SEALBYTES, "so is a result's");

void qr_lane_box_make(struct qr_lane_box *out_box, const uint8_t entropy[QR_ENTROPY_SIZE])
{
    qr_keyed_hash(out_box->box_secret, QR_KEY_SIZE, entropy, QR_CONTEXT_LANE_BOX, NULL, 0);
    crypto_scalarmult_base(out_box->box_public, out_box->box_secret);
}

bool qr_lane_open_key(
    const struct qr_lane_box *box, const uint8_t seal[QR_SEAL_SIZE], uint8_t out_key[QR_KEY_SIZE])
{
    bool opened =
        crypto_box_seal_open(out_key, seal, QR_SEAL_SIZE, box->box_public, box->box_secret) == 0;
    if (!opened) {
        qr_wipe(out_key, QR_KEY_SIZE);
    }
    return opened;
}

void qr_lane_copy_place(
    struct quire_bytes head, const uint8_t grantee[QR_USER_SIZE], uint8_t out_place[QR_HASH_SIZE])
{
    const struct quire_bytes parts[] = {{grantee, QR_USER_SIZE}, head};
    qr_hash(out_place, QR_CONTEXT_COPY_PLACE, parts, 2);
}

void qr_lane_copy_commitment(const uint8_t key[QR_KEY_SIZE], const uint8_t place[QR_HASH_SIZE],
    uint8_t out_commitment[QR_HASH_SIZE])
{
    const struct quire_bytes part = {place, QR_HASH_SIZE};
    qr_keyed_hash(out_commitment, QR_HASH_SIZE, key, QR_CONTEXT_COPY_KEY, &part, 1);
}

enum quire_status qr_lane_open_copy(const uint8_t key[QR_KEY_SIZE],
    const uint8_t place[QR_HASH_SIZE], const uint8_t nonce[QR_NONCE_SIZE],
    const uint8_t commitment[QR_HASH_SIZE], struct quire_bytes ciphertext, uint8_t *out,
    struct quire_bytes *out_text)
{
    uint8_t expected[QR_HASH_SIZE];
    struct qr_aad aad;
    qr_lane_copy_commitment(key, place, expected);
    if (ciphertext.size < QR_TAG_SIZE || sodium_memcmp(expected, commitment, QR_HASH_SIZE) != 0) {
        memset(out, 0, ciphertext.size);
        return QUIRE_ECRYPTO;
    }
    qr_aad_init(&aad, QR_CONTEXT_COPY_TEXT);
    qr_aad_bytes(&aad, place, QR_HASH_SIZE);
    if (!qr_aead_decrypt(out, ciphertext, key, &aad, nonce)) {
        memset(out, 0, ciphertext.size);
        return QUIRE_ECRYPTO;
    }
    struct quire_bytes padded = {out, ciphertext.size - QR_TAG_SIZE};
    enum quire_status status = qr_unpad(padded, QR_COPY_PADDING, out_text);
    if (status != QUIRE_OK) {
        qr_wipe(out, ciphertext.size);
    }
    return status;
}

enum quire_status qr_lane_seal_result(const uint8_t box_public[QR_KEY_SIZE],
    struct quire_bytes content, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed)
{
    uint8_t secret[QR_KEY_SIZE], nonce[crypto_box_NONCEBYTES];
    size_t used = 4 + content.size;
    size_t padded = (used + QR_RESULT_PADDING - 1) / QR_RESULT_PADDING * QR_RESULT_PADDING;
    if (quire_buffer_reserve(out_sealed, QR_RESULT_SEAL_OVERHEAD + padded) != QUIRE_OK) {
        return QUIRE_ENOMEM;
    }
    uint8_t *seal = out_sealed->data + out_sealed->size, *text = seal + QR_RESULT_SEAL_OVERHEAD;
    qr_store_u32(text, (uint32_t)content.size);
    if (content.size > 0) {
        memcpy(text + 4, content.data, content.size);
    }
    memset(text + used, 0, padded - used);
    /* Hedged, as an epoch's seal: the ephemeral key belongs to this content and receiver alone. */
    const struct quire_bytes parts[] = {{box_public, QR_KEY_SIZE}, {text, padded}};
    qr_keyed_hash(secret, sizeof secret, entropy, QR_CONTEXT_SEAL, parts, 2);
    crypto_scalarmult_base(seal, secret);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, seal, QR_KEY_SIZE);
    crypto_generichash_update(&state, box_public, QR_KEY_SIZE);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    int failed = crypto_box_easy(seal + QR_KEY_SIZE, text, padded, nonce, box_public, secret);
    qr_wipe(secret, sizeof secret);
    if (failed) {
        qr_wipe(seal, QR_RESULT_SEAL_OVERHEAD + padded);
        return QUIRE_ECRYPTO;
    }
    out_sealed->size += QR_RESULT_SEAL_OVERHEAD + padded;
    return QUIRE_OK;
}
