/*
 * A device's own keys, and the keys of epochs: made, sealed to others, taken from seals and wraps.
 */
#include "base/failpoint.h"
#include "crypto/vault.h"
#include "crypto/vault_inner.h"
#include "base/writer.h"
#include "crypto/aead.h"
#include "crypto/kit.h"
#include "crypto/kit_inner.h"
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

static_assert(QR_SEAL_SIZE == crypto_box_SEALBYTES + QR_KEY_SIZE, "a seal is libsodium's");
static_assert(QR_WRAP_SIZE == QR_NONCE_SIZE + QR_KEY_SIZE + QR_TAG_SIZE, "a wrap holds one key");

enum quire_status qr_vault_create(
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_vault **out_vault)
{
    struct qr_vault *vault = calloc(1, sizeof *vault);
    if (vault == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(vault->seed, entropy, QR_KEY_SIZE);
    qr_keys_derive(&vault->keys, vault->seed, QR_CONTEXT_DEVICE_SIGN, QR_CONTEXT_DEVICE_BOX);
    qr_device_id(vault->device, vault->keys.sign_public, vault->keys.box_public);
    *out_vault = vault;
    return QUIRE_OK;
}

static void free_epochs(struct qr_vault *vault)
{
    if (vault->epochs != NULL) {
        qr_wipe(vault->epochs, vault->epoch_capacity * sizeof *vault->epochs);
        free(vault->epochs);
    }
}

void qr_vault_destroy(struct qr_vault *vault)
{
    if (vault != NULL) {
        free_epochs(vault);
        qr_wipe(vault, sizeof *vault);
        free(vault);
    }
}

struct qr_vault_public qr_vault_public(const struct qr_vault *vault)
{
    return (struct qr_vault_public){vault->device, vault->keys.sign_public, vault->keys.box_public};
}

void qr_vault_set_user(struct qr_vault *vault, const uint8_t user[QR_USER_SIZE])
{
    assert(!vault->has_user || memcmp(vault->user, user, QR_USER_SIZE) == 0);
    memcpy(vault->user, user, QR_USER_SIZE);
    vault->has_user = true;
}

void qr_vault_sign(const struct qr_vault *vault, enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE])
{
    qr_keys_sign(&vault->keys, context, parts, part_count, out_signature);
}

/* ---- which keys are held ---------------------------------------------------------------------- */

const uint8_t *qr_vault_key(const struct qr_vault *vault, uint32_t epoch)
{
    return qr_vault_has_epoch(vault, epoch) ? vault->epochs[epoch - 1].key : NULL;
}

uint32_t qr_vault_epoch(const struct qr_vault *vault)
{
    uint32_t epoch = vault->epoch_capacity;
    while (epoch > 0 && !vault->epochs[epoch - 1].held) {
        epoch--;
    }
    return epoch;
}

bool qr_vault_has_epoch(const struct qr_vault *vault, uint32_t epoch)
{
    return epoch >= 1 && epoch <= vault->epoch_capacity && vault->epochs[epoch - 1].held;
}

/* Room for `epoch`; never realloc, which would leave keys behind in freed memory. */
static enum quire_status grow(struct qr_vault *vault, uint32_t epoch)
{
    uint32_t capacity = vault->epoch_capacity == 0 ? 4 : vault->epoch_capacity;
    while (capacity < epoch) {
        capacity *= 2;
    }
    struct qr_epoch_key *epochs = calloc(capacity, sizeof *epochs);
    if (epochs == NULL) {
        return QUIRE_ENOMEM;
    }
    if (vault->epochs != NULL) {
        memcpy(epochs, vault->epochs, vault->epoch_capacity * sizeof *epochs);
    }
    free_epochs(vault);
    vault->epochs = epochs;
    vault->epoch_capacity = capacity;
    return QUIRE_OK;
}

enum quire_status qr_vault_add_key(
    struct qr_vault *vault, uint32_t epoch, const uint8_t key[QR_KEY_SIZE])
{
    if (epoch < 1 || epoch > QR_EPOCHS_MAX) {
        return QUIRE_ELIMIT;
    }
    const uint8_t *held = qr_vault_key(vault, epoch);
    if (held != NULL) {
        return sodium_memcmp(held, key, QR_KEY_SIZE) == 0 ? QUIRE_OK : QUIRE_ECRYPTO;
    }
    if (epoch > vault->epoch_capacity && grow(vault, epoch) != QUIRE_OK) {
        return QUIRE_ENOMEM;
    }
    vault->epochs[epoch - 1].held = true;
    memcpy(vault->epochs[epoch - 1].key, key, QR_KEY_SIZE);
    return QUIRE_OK;
}

void qr_vault_forget_epoch(struct qr_vault *vault, uint32_t epoch)
{
    if (qr_vault_has_epoch(vault, epoch)) {
        qr_wipe(&vault->epochs[epoch - 1], sizeof *vault->epochs);
    }
}

enum quire_status qr_vault_new_epoch(
    struct qr_vault *vault, uint32_t epoch, const uint8_t entropy[QR_ENTROPY_SIZE])
{
    if (qr_vault_has_epoch(vault, epoch)) {
        return QUIRE_ESTATE;
    }
    /* The device's own seed goes in too: fresh bytes that turn out not to be so fresh then still
     * do not let a stranger compute the key, nor give two epochs the same one. */
    uint8_t number[4], key[QR_KEY_SIZE];
    qr_store_u32(number, epoch);
    const struct quire_bytes parts[] = {{vault->seed, sizeof vault->seed},
        {vault->user, sizeof vault->user}, {number, sizeof number}};
    qr_keyed_hash(key, sizeof key, entropy, QR_CONTEXT_EPOCH, parts, 3);
    enum quire_status status = qr_vault_add_key(vault, epoch, key);
    qr_wipe(key, sizeof key);
    return status;
}

/* ---- commitments ------------------------------------------------------------------------------ */

static void commit(uint8_t out_commitment[QR_HASH_SIZE], const struct qr_vault *vault,
    uint32_t epoch, const uint8_t key[QR_KEY_SIZE])
{
    uint8_t number[4];
    qr_store_u32(number, epoch);
    const struct quire_bytes parts[] = {{vault->user, sizeof vault->user}, {number, sizeof number}};
    qr_keyed_hash(out_commitment, QR_HASH_SIZE, key, QR_CONTEXT_COMMITMENT, parts, 2);
}

enum quire_status qr_vault_commitment(
    const struct qr_vault *vault, uint32_t epoch, uint8_t out_commitment[QR_HASH_SIZE])
{
    const uint8_t *key = qr_vault_key(vault, epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    commit(out_commitment, vault, epoch, key);
    return QUIRE_OK;
}

/* Takes a key in, if it is the one that was committed to. */
static enum quire_status accept_key(struct qr_vault *vault, uint32_t epoch,
    const uint8_t key[QR_KEY_SIZE], const uint8_t commitment[QR_HASH_SIZE])
{
    uint8_t expected[QR_HASH_SIZE];
    commit(expected, vault, epoch, key);
    if (sodium_memcmp(expected, commitment, QR_HASH_SIZE) != 0 && !QR_FAILPOINT_ON(NO_COMMITMENT)) {
        return QUIRE_ECRYPTO;
    }
    return qr_vault_add_key(vault, epoch, key);
}

/* ---- seals: an epoch key for one box key ------------------------------------------------------ */

enum quire_status qr_vault_seal_epoch(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t box_public[QR_KEY_SIZE], const uint8_t entropy[QR_ENTROPY_SIZE],
    uint8_t out_seal[QR_SEAL_SIZE])
{
    const uint8_t *key = qr_vault_key(vault, epoch);
    if (key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    uint8_t secret[QR_KEY_SIZE], seal[QR_SEAL_SIZE], nonce[crypto_box_NONCEBYTES];
    /* Hedged: the ephemeral key, and with it the nonce, belongs to this key and receiver alone. */
    const struct quire_bytes parts[] = {{key, QR_KEY_SIZE}, {box_public, QR_KEY_SIZE}};
    qr_keyed_hash(secret, sizeof secret, entropy, QR_CONTEXT_SEAL, parts, 2);
    crypto_scalarmult_base(seal, secret);
    /* Without a context of ours, since this is how crypto_box_seal_open finds the nonce. */
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, seal, QR_KEY_SIZE);
    crypto_generichash_update(&state, box_public, QR_KEY_SIZE);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    int failed = crypto_box_easy(seal + QR_KEY_SIZE, key, QR_KEY_SIZE, nonce, box_public, secret);
    qr_wipe(secret, sizeof secret);
    if (failed) {
        return QUIRE_ECRYPTO;
    }
    memcpy(out_seal, seal, sizeof seal);
    return QUIRE_OK;
}

static enum quire_status open_seal(struct qr_vault *vault, const struct qr_keys *keys,
    uint32_t epoch, const uint8_t seal[QR_SEAL_SIZE], const uint8_t commitment[QR_HASH_SIZE])
{
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    uint8_t key[QR_KEY_SIZE];
    enum quire_status status = QUIRE_ECRYPTO;
    if (crypto_box_seal_open(key, seal, QR_SEAL_SIZE, keys->box_public, keys->box_secret) == 0) {
        status = accept_key(vault, epoch, key, commitment);
    }
    qr_wipe(key, sizeof key);
    return status;
}

enum quire_status qr_vault_open_epoch(struct qr_vault *vault, uint32_t epoch,
    const uint8_t seal[QR_SEAL_SIZE], const uint8_t commitment[QR_HASH_SIZE])
{
    return open_seal(vault, &vault->keys, epoch, seal, commitment);
}

enum quire_status qr_vault_recover_epoch(struct qr_vault *vault, const struct qr_kit *kit,
    uint32_t epoch, const uint8_t seal[QR_SEAL_SIZE], const uint8_t commitment[QR_HASH_SIZE])
{
    return open_seal(vault, &kit->keys, epoch, seal, commitment);
}

/* ---- wraps: the previous epoch's key under the next ------------------------------------------- */

static void bind_wrap(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t epoch_key[QR_KEY_SIZE], uint8_t out_key[QR_KEY_SIZE], struct qr_aad *out_aad)
{
    qr_keyed_hash(out_key, QR_KEY_SIZE, epoch_key, QR_CONTEXT_WRAP, NULL, 0);
    qr_aad_init(out_aad, QR_CONTEXT_WRAP);
    qr_aad_bytes(out_aad, vault->user, sizeof vault->user);
    qr_aad_u32(out_aad, epoch);
}

enum quire_status qr_vault_wrap_previous(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_wrap[QR_WRAP_SIZE])
{
    const uint8_t *key = qr_vault_key(vault, epoch);
    const uint8_t *previous = epoch < 2 ? NULL : qr_vault_key(vault, epoch - 1);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (key == NULL || previous == NULL) {
        return QUIRE_ENOTFOUND;
    }
    uint8_t wrap_key[QR_KEY_SIZE];
    struct qr_aad aad;
    bind_wrap(vault, epoch, key, wrap_key, &aad);
    memcpy(out_wrap + QR_NONCE_SIZE, previous, QR_KEY_SIZE);
    qr_aead_encrypt(out_wrap + QR_NONCE_SIZE, QR_KEY_SIZE, wrap_key, &aad, entropy, out_wrap);
    qr_wipe(wrap_key, sizeof wrap_key);
    return QUIRE_OK;
}

enum quire_status qr_vault_unwrap_previous(struct qr_vault *vault, uint32_t epoch,
    const uint8_t wrap[QR_WRAP_SIZE], const uint8_t commitment[QR_HASH_SIZE])
{
    const uint8_t *key = qr_vault_key(vault, epoch);
    if (!vault->has_user) {
        return QUIRE_ESTATE;
    }
    if (key == NULL) {
        return QUIRE_ENOTFOUND;
    }
    uint8_t wrap_key[QR_KEY_SIZE], previous[QR_KEY_SIZE];
    struct qr_aad aad;
    bind_wrap(vault, epoch, key, wrap_key, &aad);
    enum quire_status status = QUIRE_ECRYPTO;
    const struct quire_bytes ciphertext = {wrap + QR_NONCE_SIZE, QR_WRAP_SIZE - QR_NONCE_SIZE};
    if (qr_aead_decrypt(previous, ciphertext, wrap_key, &aad, wrap)) {
        status = accept_key(vault, epoch - 1, previous, commitment);
    }
    qr_wipe(wrap_key, sizeof wrap_key);
    qr_wipe(previous, sizeof previous);
    return status;
}
