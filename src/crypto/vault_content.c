/*
 * Changes and device names: sealed under the key of an epoch, bound to the place they stand in.
 */
#include "base/failpoint.h"
#include "crypto/aead.h"
#include "crypto/padding.h"
#include "crypto/vault.h"
#include "crypto/vault_inner.h"

#define CHANGE_MINIMUM 64
#define NAME_SIZE 64 /* length byte, name, zeros */

/* ---- changes ---------------------------------------------------------------------------------- */

/* The key and associated data that tie a change to its place: what is sealed there opens nowhere
 * else. The caller wipes the key. */
static void bind_change(const struct qr_vault *vault, const uint8_t epoch_key[QR_KEY_SIZE],
    const struct qr_change_place *place, uint8_t out_key[QR_KEY_SIZE], struct qr_aad *out_aad)
{
    uint8_t entry[QR_ENTRY_SIZE];
    memcpy(entry, place->entry, QR_ENTRY_SIZE);
    if (QR_FAILPOINT_ON(MISSING_AAD)) {
        memset(entry, 0, QR_ENTRY_SIZE);
    }
    const struct quire_bytes part = {entry, QR_ENTRY_SIZE};
    qr_keyed_hash(out_key, QR_KEY_SIZE, epoch_key, QR_CONTEXT_ENTRY, &part, 1);
    qr_aad_init(out_aad, QR_CONTEXT_CHANGE);
    if (QR_FAILPOINT_ON(NO_PLACE)) {
        return;
    }
    qr_aad_bytes(out_aad, vault->user, QR_USER_SIZE);
    qr_aad_bytes(out_aad, place->replica, QR_REPLICA_SIZE);
    qr_aad_u64(out_aad, place->seq);
    qr_aad_u32(out_aad, place->index);
    qr_aad_u8(out_aad, place->kind);
    qr_aad_bytes(out_aad, entry, QR_ENTRY_SIZE);
    qr_aad_u32(out_aad, place->epoch);
}

size_t qr_sealed_size(size_t size)
{
    return qr_padded_size(size, CHANGE_MINIMUM) + QR_CHANGE_OVERHEAD;
}

enum quire_status qr_vault_seal_change(const struct qr_vault *vault,
    const struct qr_change_place *place, struct quire_bytes plaintext,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_nonce[QR_NONCE_SIZE],
    struct quire_buffer *out_ciphertext)
{
    const uint8_t *epoch_key = qr_vault_key(vault, place->epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    if (plaintext.size > QR_PLAINTEXT_MAX) {
        return QUIRE_ELIMIT;
    }
    size_t sealed_size = qr_sealed_size(plaintext.size);
    enum quire_status status = quire_buffer_reserve(out_ciphertext, sealed_size);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *text = out_ciphertext->data + out_ciphertext->size;
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    bind_change(vault, epoch_key, place, key, &aad);
    qr_pad(text, plaintext, CHANGE_MINIMUM);
    qr_aead_encrypt(text, sealed_size - QR_TAG_SIZE, key, &aad, entropy, out_nonce);
    out_ciphertext->size += sealed_size;
    qr_wipe(key, sizeof key);
    return QUIRE_OK;
}

enum quire_status qr_vault_open_change(const struct qr_vault *vault,
    const struct qr_change_place *place, const uint8_t nonce[QR_NONCE_SIZE],
    struct quire_bytes ciphertext, struct quire_buffer *out_plaintext)
{
    const uint8_t *epoch_key = qr_vault_key(vault, place->epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    if (ciphertext.size < CHANGE_MINIMUM + QR_TAG_SIZE) {
        return QUIRE_EMALFORMED;
    }
    size_t padded_size = ciphertext.size - QR_TAG_SIZE;
    enum quire_status status = quire_buffer_reserve(out_plaintext, padded_size);
    if (status != QUIRE_OK) {
        return status;
    }
    /* Decrypted in the buffer's spare room, then moved down over the header. */
    uint8_t *text = out_plaintext->data + out_plaintext->size;
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    struct quire_bytes plaintext;
    bind_change(vault, epoch_key, place, key, &aad);
    status = QUIRE_ECRYPTO;
    if (qr_aead_decrypt(text, ciphertext, key, &aad, nonce)) {
        status = qr_unpad((struct quire_bytes){text, padded_size}, CHANGE_MINIMUM, &plaintext);
    }
    qr_wipe(key, sizeof key);
    if (status != QUIRE_OK) {
        qr_wipe(text, padded_size);
        return status;
    }
    memmove(text, plaintext.data, plaintext.size);
    out_plaintext->size += plaintext.size;
    return QUIRE_OK;
}

/* ---- device names ----------------------------------------------------------------------------- */

static void bind_name(const struct qr_vault *vault, const uint8_t epoch_key[QR_KEY_SIZE],
    uint32_t epoch, const uint8_t device[QR_DEVICE_SIZE], uint8_t out_key[QR_KEY_SIZE],
    struct qr_aad *out_aad)
{
    qr_keyed_hash(out_key, QR_KEY_SIZE, epoch_key, QR_CONTEXT_NAME, NULL, 0);
    qr_aad_init(out_aad, QR_CONTEXT_NAME);
    qr_aad_bytes(out_aad, vault->user, QR_USER_SIZE);
    qr_aad_bytes(out_aad, device, QR_DEVICE_SIZE);
    qr_aad_u32(out_aad, epoch);
}

enum quire_status qr_vault_seal_name(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t device[QR_DEVICE_SIZE], struct quire_bytes name,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_sealed[QR_NAME_SIZE])
{
    const uint8_t *epoch_key = qr_vault_key(vault, epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    if (name.size > NAME_SIZE - 1) {
        return QUIRE_ELIMIT;
    }
    uint8_t text[NAME_SIZE + QR_TAG_SIZE] = {(uint8_t)name.size};
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    if (name.size > 0) {
        memcpy(text + 1, name.data, name.size);
    }
    bind_name(vault, epoch_key, epoch, device, key, &aad);
    qr_aead_encrypt(text, NAME_SIZE, key, &aad, entropy, out_sealed);
    memcpy(out_sealed + QR_NONCE_SIZE, text, sizeof text);
    qr_wipe(key, sizeof key);
    return QUIRE_OK;
}

enum quire_status qr_vault_open_name(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t device[QR_DEVICE_SIZE], const uint8_t sealed[QR_NAME_SIZE],
    struct quire_buffer *out_name)
{
    const uint8_t *epoch_key = qr_vault_key(vault, epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    uint8_t text[NAME_SIZE], key[QR_KEY_SIZE];
    struct qr_aad aad;
    const struct quire_bytes ciphertext = {sealed + QR_NONCE_SIZE, QR_NAME_SIZE - QR_NONCE_SIZE};
    bind_name(vault, epoch_key, epoch, device, key, &aad);
    enum quire_status status = QUIRE_ECRYPTO;
    if (qr_aead_decrypt(text, ciphertext, key, &aad, sealed)) {
        size_t used = (size_t)1 + text[0];
        bool canonical = used <= NAME_SIZE && qr_is_zero(text + used, NAME_SIZE - used);
        status = canonical ? quire_buffer_append(out_name, text + 1, text[0]) : QUIRE_EMALFORMED;
    }
    qr_wipe(key, sizeof key);
    qr_wipe(text, sizeof text);
    return status;
}
