/*
 * Objects. There is no fresh randomness: two devices that have the same state make the same bytes, and a
 * nonce repeats only where the ciphertext does.
 */
#include "crypto/object.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/vault.h"
#include "crypto/vault_inner.h"

#define FORM 1
#define SECRET_SIZE 8
#define TEXT_MINIMUM 256

/* The key and associated data that tie an object to its entry. The caller wipes the key. */
static void bind_object(const struct qr_vault *vault, const uint8_t *epoch_key,
    const uint8_t entry[QR_ENTRY_SIZE], uint32_t epoch, uint8_t out_key[QR_KEY_SIZE],
    struct qr_aad *out_aad)
{
    uint8_t entry_key[QR_KEY_SIZE];
    const struct quire_bytes part = {entry, QR_ENTRY_SIZE};
    qr_keyed_hash(entry_key, QR_KEY_SIZE, epoch_key, QR_CONTEXT_ENTRY, &part, 1);
    qr_keyed_hash(out_key, QR_KEY_SIZE, entry_key, QR_CONTEXT_OBJECT, NULL, 0);
    qr_wipe(entry_key, sizeof entry_key);
    qr_aad_init(out_aad, QR_CONTEXT_OBJECT);
    qr_aad_bytes(out_aad, vault->user, QR_USER_SIZE);
    qr_aad_bytes(out_aad, entry, QR_ENTRY_SIZE);
    qr_aad_u32(out_aad, epoch);
}

static void derive_nonce(uint8_t out_nonce[QR_NONCE_SIZE], const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, struct quire_bytes padded)
{
    const size_t context_size = strlen(qr_context_text(QR_CONTEXT_OBJECT)) + 1;
    const struct quire_bytes parts[] = {
        {aad->data + context_size, aad->size - context_size}, padded};
    qr_keyed_hash(out_nonce, QR_NONCE_SIZE, key, QR_CONTEXT_OBJECT_NONCE, parts, 2);
}

size_t qr_object_text_size(size_t size)
{
    return qr_padme(size < TEXT_MINIMUM ? TEXT_MINIMUM : size);
}

enum quire_status qr_vault_seal_object(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], uint32_t epoch, struct quire_bytes text,
    struct quire_buffer *out_object)
{
    static const uint8_t no_secret[SECRET_SIZE];
    const uint8_t *epoch_key = qr_vault_key(vault, epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    size_t padded_size = qr_object_text_size(text.size), start = out_object->size;
    enum quire_status status =
        quire_buffer_reserve(out_object, QR_OBJECT_HEADER + padded_size + QR_TAG_SIZE);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *object = out_object->data + start, *padded = object + QR_OBJECT_HEADER;
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    object[0] = FORM;
    memcpy(object + 1, no_secret, SECRET_SIZE);
    qr_store_u32(object + 1 + SECRET_SIZE, epoch);
    if (text.size > 0) {
        memcpy(padded, text.data, text.size);
    }
    memset(padded + text.size, 0, padded_size - text.size);
    bind_object(vault, epoch_key, entry, epoch, key, &aad);
    uint8_t *nonce = object + QR_OBJECT_HEADER - QR_NONCE_SIZE;
    derive_nonce(nonce, key, &aad, (struct quire_bytes){padded, padded_size});
    qr_aead_encrypt_with(padded, padded_size, key, &aad, nonce);
    qr_wipe(key, sizeof key);
    out_object->size += QR_OBJECT_HEADER + padded_size + QR_TAG_SIZE;
    return QUIRE_OK;
}

enum quire_status qr_vault_open_object(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], struct quire_bytes object, struct quire_buffer *out_text)
{
    struct qr_reader reader = qr_reader_over(object);
    uint8_t form = qr_read_u8(&reader);
    struct quire_bytes secret = qr_read_bytes(&reader, SECRET_SIZE);
    uint32_t epoch = qr_read_u32(&reader);
    const uint8_t *nonce = qr_read_bytes(&reader, QR_NONCE_SIZE).data;
    struct quire_bytes ciphertext = qr_read_bytes(&reader, qr_reader_left(&reader));
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (reader.failed || form == 0 || ciphertext.size < TEXT_MINIMUM + QR_TAG_SIZE) {
        return QUIRE_EMALFORMED;
    }
    if (form != FORM || !qr_is_zero(secret.data, secret.size)) {
        return QUIRE_EUNSUPPORTED;
    }
    const uint8_t *epoch_key = qr_vault_key(vault, epoch);
    if (epoch_key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    size_t padded_size = ciphertext.size - QR_TAG_SIZE;
    enum quire_status status = quire_buffer_reserve(out_text, padded_size);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *padded = out_text->data + out_text->size;
    uint8_t key[QR_KEY_SIZE], expected[QR_NONCE_SIZE];
    struct qr_aad aad;
    bind_object(vault, epoch_key, entry, epoch, key, &aad);
    status = QUIRE_ECRYPTO;
    if (qr_aead_decrypt(padded, ciphertext, key, &aad, nonce)) {
        derive_nonce(expected, key, &aad, (struct quire_bytes){padded, padded_size});
        if (memcmp(expected, nonce, sizeof expected) == 0) {
            out_text->size += padded_size;
            status = QUIRE_OK;
        } else {
            qr_wipe(padded, padded_size);
        }
    }
    qr_wipe(key, sizeof key);
    return status;
}

void qr_object_address(struct quire_bytes object, uint8_t out_address[QR_HASH_SIZE])
{
    qr_hash(out_address, QR_CONTEXT_OBJECT_ADDRESS, &object, 1);
}
