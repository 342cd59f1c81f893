/*
 * Inside of crypto/ only: what a vault holds.
 */
#ifndef QR_CRYPTO_VAULT_INNER_H
#define QR_CRYPTO_VAULT_INNER_H

#include "crypto/keys.h"

struct qr_epoch_key {
    bool held;
    uint8_t key[QR_KEY_SIZE]; /* zeros unless held */
};

struct qr_vault {
    uint8_t seed[QR_KEY_SIZE];
    struct qr_keys keys; /* always those of the seed */
    uint8_t device[QR_DEVICE_SIZE];
    bool has_user;
    uint8_t user[QR_USER_SIZE];
    struct qr_epoch_key *epochs; /* that of epoch e at e − 1 */
    uint32_t epoch_capacity;     /* at most QR_EPOCHS_MAX */
};

/** The key of an epoch, or NULL if it is not held. Borrowed until the next key is added. */
const uint8_t *qr_vault_key(const struct qr_vault *vault, uint32_t epoch);
/** Adds a key. ELIMIT. ENOMEM. ECRYPTO: another one is held for that epoch. */
QUIRE_CHECKED enum quire_status qr_vault_add_key(
    struct qr_vault *vault, uint32_t epoch, const uint8_t key[QR_KEY_SIZE]);

#endif
