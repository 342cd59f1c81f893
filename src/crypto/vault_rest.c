/*
 * Records of a profile under its key, and the vault as one of them.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/vault.h"
#include "crypto/vault_inner.h"
#include <assert.h>

#define VAULT_VERSION 1

static_assert(QR_LOCAL_OVERHEAD == QR_NONCE_SIZE + QR_TAG_SIZE, "a nonce and a tag");

void qr_local_key(const uint8_t profile_key[QR_KEY_SIZE], uint8_t out_local_key[QR_KEY_SIZE])
{
    qr_keyed_hash(out_local_key, QR_KEY_SIZE, profile_key, QR_CONTEXT_LOCAL, NULL, 0);
}

static void bind_local(struct quire_bytes name, struct qr_aad *out_aad)
{
    qr_aad_init(out_aad, QR_CONTEXT_LOCAL);
    qr_aad_bytes(out_aad, name.data, name.size);
}

enum quire_status qr_local_seal_under(const uint8_t local_key[QR_KEY_SIZE], struct quire_bytes name,
    struct quire_bytes plaintext, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed)
{
    if (name.size > QR_LOCAL_NAME_MAX || plaintext.size > QR_PLAINTEXT_MAX) {
        return QUIRE_ELIMIT;
    }
    enum quire_status status = quire_buffer_reserve(out_sealed, plaintext.size + QR_LOCAL_OVERHEAD);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *nonce = out_sealed->data + out_sealed->size;
    uint8_t *text = nonce + QR_NONCE_SIZE;
    struct qr_aad aad;
    if (plaintext.size > 0) {
        memcpy(text, plaintext.data, plaintext.size);
    }
    bind_local(name, &aad);
    qr_aead_encrypt(text, plaintext.size, local_key, &aad, entropy, nonce);
    out_sealed->size += plaintext.size + QR_LOCAL_OVERHEAD;
    return QUIRE_OK;
}

enum quire_status qr_local_open_under(const uint8_t local_key[QR_KEY_SIZE], struct quire_bytes name,
    struct quire_bytes sealed, struct quire_buffer *out_plaintext)
{
    if (name.size > QR_LOCAL_NAME_MAX) {
        return QUIRE_ELIMIT;
    }
    if (sealed.size < QR_LOCAL_OVERHEAD) {
        return QUIRE_EMALFORMED;
    }
    size_t size = sealed.size - QR_LOCAL_OVERHEAD;
    /* One byte even for nothing: libsodium is never given a place that is not there. */
    enum quire_status status = quire_buffer_reserve(out_plaintext, size + 1);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_aad aad;
    const struct quire_bytes ciphertext = {
        sealed.data + QR_NONCE_SIZE, sealed.size - QR_NONCE_SIZE};
    bind_local(name, &aad);
    if (!qr_aead_decrypt(
            out_plaintext->data + out_plaintext->size, ciphertext, local_key, &aad, sealed.data)) {
        return QUIRE_ECRYPTO;
    }
    out_plaintext->size += size;
    return QUIRE_OK;
}

enum quire_status qr_local_seal(const uint8_t profile_key[QR_KEY_SIZE], struct quire_bytes name,
    struct quire_bytes plaintext, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed)
{
    uint8_t key[QR_KEY_SIZE];
    qr_local_key(profile_key, key);
    enum quire_status status = qr_local_seal_under(key, name, plaintext, entropy, out_sealed);
    qr_wipe(key, sizeof key);
    return status;
}

enum quire_status qr_local_open(const uint8_t profile_key[QR_KEY_SIZE], struct quire_bytes name,
    struct quire_bytes sealed, struct quire_buffer *out_plaintext)
{
    uint8_t key[QR_KEY_SIZE];
    qr_local_key(profile_key, key);
    enum quire_status status = qr_local_open_under(key, name, sealed, out_plaintext);
    qr_wipe(key, sizeof key);
    return status;
}

/* ---- the vault -------------------------------------------------------------------------------- */

static void wipe_and_finish(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

static void write_vault(struct qr_writer *writer, const struct qr_vault *vault)
{
    uint32_t count = 0;
    for (uint32_t epoch = 1; epoch <= vault->epoch_capacity; epoch++) {
        count += qr_vault_has_epoch(vault, epoch);
    }
    qr_write_u8(writer, VAULT_VERSION);
    qr_write_bytes(writer, vault->seed, sizeof vault->seed);
    qr_write_u8(writer, vault->has_user);
    qr_write_bytes(writer, vault->user, sizeof vault->user);
    qr_write_u32(writer, count);
    for (uint32_t epoch = 1; epoch <= vault->epoch_capacity; epoch++) {
        if (qr_vault_has_epoch(vault, epoch)) {
            qr_write_u32(writer, epoch);
            qr_write_bytes(writer, qr_vault_key(vault, epoch), QR_KEY_SIZE);
        }
    }
}

enum quire_status qr_vault_save(const struct qr_vault *vault,
    const uint8_t profile_key[QR_KEY_SIZE], struct quire_bytes name,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct quire_buffer *out_sealed)
{
    /* All of the room at once: a buffer that moved would leave keys behind in freed memory. */
    size_t room = 128 + (size_t)vault->epoch_capacity * (4 + QR_KEY_SIZE);
    struct quire_buffer plaintext = {0};
    enum quire_status status = quire_buffer_reserve(&plaintext, room);
    if (status != QUIRE_OK) {
        goto out;
    }
    struct qr_writer writer = qr_writer_onto(&plaintext);
    write_vault(&writer, vault);
    status = qr_writer_end(&writer);
    if (status == QUIRE_OK) {
        status =
            qr_local_seal(profile_key, name, quire_buffer_bytes(&plaintext), entropy, out_sealed);
    }
out:
    wipe_and_finish(&plaintext);
    return status;
}

static enum quire_status read_epochs(struct qr_reader *reader, struct qr_vault *vault)
{
    uint32_t count = qr_read_u32(reader);
    uint32_t last = 0;
    if (count > QR_EPOCHS_MAX) {
        return QUIRE_EMALFORMED;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t epoch = qr_read_u32(reader);
        struct quire_bytes key = qr_read_bytes(reader, QR_KEY_SIZE);
        if (reader->failed || epoch <= last || epoch > QR_EPOCHS_MAX) {
            return QUIRE_EMALFORMED;
        }
        enum quire_status status = qr_vault_add_key(vault, epoch, key.data);
        if (status != QUIRE_OK) {
            return status;
        }
        last = epoch;
    }
    return qr_reader_done(reader) ? QUIRE_OK : QUIRE_EMALFORMED;
}

static enum quire_status read_vault(struct quire_bytes bytes, struct qr_vault **out_vault)
{
    struct qr_reader reader = qr_reader_over(bytes);
    uint8_t version = qr_read_u8(&reader);
    struct quire_bytes seed = qr_read_bytes(&reader, QR_KEY_SIZE);
    uint8_t has_user = qr_read_u8(&reader);
    struct quire_bytes user = qr_read_bytes(&reader, QR_USER_SIZE);
    if (bytes.size > 0 && version != VAULT_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    if (reader.failed || has_user > 1 || (!has_user && !qr_is_zero(user.data, user.size))) {
        return QUIRE_EMALFORMED;
    }
    struct qr_vault *vault = NULL;
    enum quire_status status = qr_vault_create(seed.data, &vault);
    if (status != QUIRE_OK) {
        return status;
    }
    if (has_user) {
        qr_vault_set_user(vault, user.data);
    }
    status = read_epochs(&reader, vault);
    if (status != QUIRE_OK) {
        qr_vault_destroy(vault);
        return status;
    }
    *out_vault = vault;
    return QUIRE_OK;
}

enum quire_status qr_vault_load(const uint8_t profile_key[QR_KEY_SIZE], struct quire_bytes name,
    struct quire_bytes sealed, struct qr_vault **out_vault)
{
    struct quire_buffer plaintext = {0};
    enum quire_status status = qr_local_open(profile_key, name, sealed, &plaintext);
    if (status == QUIRE_OK) {
        status = read_vault(quire_buffer_bytes(&plaintext), out_vault);
    }
    wipe_and_finish(&plaintext);
    return status;
}
