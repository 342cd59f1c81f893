/*
 * A device's secrets: its own keys and the user's epoch keys. Nothing outside of this folder ever
 * holds one of them; others ask the vault to sign, seal and open. Wiped when destroyed.
 *
 * User:    what is sealed, committed to or opened is bound to the user; without one: ESTATE.
 * Entropy: `entropy` is always 32 fresh random bytes for this call alone (qr_entropy_expand).
 * Threads: one vault on one thread at a time.
 */
#ifndef QR_CRYPTO_VAULT_H
#define QR_CRYPTO_VAULT_H

#include "crypto/kit.h"
#include "crypto/sizes.h"

#define QR_SEAL_SIZE 80 /* one epoch key for one box key: ephemeral public key, 32 + 16 bytes */
#define QR_WRAP_SIZE 72 /* previous epoch key: nonce, 32 + 16 bytes */
#define QR_CHANGE_OVERHEAD 16
#define QR_EPOCHS_MAX 1024
#define QR_PLAINTEXT_MAX (16u << 20) /* bytes in one seal: above any limit of protocol/ */

struct qr_vault;

/** A new device: keys from 32 random bytes, no user, no epoch key. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_vault_create(
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_vault **out_vault);
/** Wipes and frees; accepts NULL. */
void qr_vault_destroy(struct qr_vault *vault);

/** Device id and public keys; the pointers live as long as the vault. */
struct qr_vault_public {
    const uint8_t *device;      /* QR_DEVICE_SIZE */
    const uint8_t *sign_public; /* QR_KEY_SIZE */
    const uint8_t *box_public;  /* QR_KEY_SIZE */
};
struct qr_vault_public qr_vault_public(const struct qr_vault *vault);

/** Binds the vault to a user, once; everything sealed carries it. */
void qr_vault_set_user(struct qr_vault *vault, const uint8_t user[QR_USER_SIZE]);

/** Signs as the device, as qr_verify checks. */
void qr_vault_sign(const struct qr_vault *vault, enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE]);

/* ---- epoch keys (epochs count from 1) -------------------------------------------------------- */

/** The greatest epoch whose key is held; 0 if none. */
uint32_t qr_vault_epoch(const struct qr_vault *vault);
bool qr_vault_has_epoch(const struct qr_vault *vault, uint32_t epoch);
/** Makes a random key for `epoch`. ENOMEM. ESTATE: held already. ELIMIT: epoch > QR_EPOCHS_MAX or 0. */
QUIRE_CHECKED enum quire_status qr_vault_new_epoch(
    struct qr_vault *vault, uint32_t epoch, const uint8_t entropy[QR_ENTROPY_SIZE]);
/** Forgets a key made for a record that did not become part of the roster. */
void qr_vault_forget_epoch(struct qr_vault *vault, uint32_t epoch);
/** Commitment to the key of `epoch`: keyed hash over user ‖ epoch. ENOTFOUND. */
QUIRE_CHECKED enum quire_status qr_vault_commitment(
    const struct qr_vault *vault, uint32_t epoch, uint8_t out_commitment[QR_HASH_SIZE]);
/** The key of `epoch`, sealed to a box key (crypto_box_seal_open opens it; the ephemeral key is of
 * entropy, epoch key and box key). ENOTFOUND. ECRYPTO: the box key is a degenerate one. */
QUIRE_CHECKED enum quire_status qr_vault_seal_epoch(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t box_public[QR_KEY_SIZE], const uint8_t entropy[QR_ENTROPY_SIZE],
    uint8_t out_seal[QR_SEAL_SIZE]);
/** Takes the key of `epoch` out of a seal made for this device. ECRYPTO: it does not open, or the
 * key does not match the commitment, or another key is held for that epoch. ELIMIT. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_vault_open_epoch(struct qr_vault *vault, uint32_t epoch,
    const uint8_t seal[QR_SEAL_SIZE], const uint8_t commitment[QR_HASH_SIZE]);
/** The same with the kit's recovery key. */
QUIRE_CHECKED enum quire_status qr_vault_recover_epoch(struct qr_vault *vault,
    const struct qr_kit *kit, uint32_t epoch, const uint8_t seal[QR_SEAL_SIZE],
    const uint8_t commitment[QR_HASH_SIZE]);
/** The key of epoch − 1 under the key of `epoch` (≥ 2), bound to user and epoch. ENOTFOUND: one of
 * the two is not held. */
QUIRE_CHECKED enum quire_status qr_vault_wrap_previous(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_wrap[QR_WRAP_SIZE]);
/** Takes the key of epoch − 1 out of its wrap; commitment is that of epoch − 1. ENOTFOUND: the key
 * of `epoch` is not held. Otherwise as qr_vault_open_epoch. */
QUIRE_CHECKED enum quire_status qr_vault_unwrap_previous(struct qr_vault *vault, uint32_t epoch,
    const uint8_t wrap[QR_WRAP_SIZE], const uint8_t commitment[QR_HASH_SIZE]);

/* ---- content --------------------------------------------------------------------------------- */

/** Where a change stands; all of it is authenticated (AAD). */
struct qr_change_place {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint32_t index; /* of the change in its batch */
    uint8_t kind;
    uint8_t entry[QR_ENTRY_SIZE];
    uint32_t epoch;
};

/**
 * Pads (codec byte 1 ‖ u32 true length ‖ plaintext ‖ zeros, to Padmé of at least 64) and encrypts
 * with the entry's key: XChaCha20-Poly1305, hedged nonce = keyed hash of entropy, plaintext and
 * place. Appends the ciphertext. ENOTFOUND: epoch key not held. ELIMIT: above QR_PLAINTEXT_MAX.
 * ENOMEM.
 */
QUIRE_CHECKED enum quire_status qr_vault_seal_change(const struct qr_vault *vault,
    const struct qr_change_place *place, struct quire_bytes plaintext,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_nonce[QR_NONCE_SIZE],
    struct quire_buffer *out_ciphertext);
/** Opens and unpads; appends the plaintext. ENOTFOUND: epoch key not held. ECRYPTO: not what was
 * sealed at this place. EMALFORMED: too short, or padding. EUNSUPPORTED: codec. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_vault_open_change(const struct qr_vault *vault,
    const struct qr_change_place *place, const uint8_t nonce[QR_NONCE_SIZE],
    struct quire_bytes ciphertext, struct quire_buffer *out_plaintext);

/** Bytes that a change of `size` (≤ QR_PLAINTEXT_MAX) bytes of plaintext takes once sealed. */
size_t qr_sealed_size(size_t size);
/** Padmé (Nikitin et al., PETS 2019): at most 12 % more, leaks O(log log size) bits. */
size_t qr_padme(size_t size);

/** A device's name under the key of an epoch, bound to user and device: nonce ‖ ciphertext, padded
 * to 64 bytes of plaintext, so always QR_NAME_SIZE bytes. ENOTFOUND: epoch key not held. ELIMIT:
 * name longer than 63 bytes. Opening: ECRYPTO, EMALFORMED (padding), ENOMEM. */
#define QR_NAME_SIZE (24 + 64 + 16)
QUIRE_CHECKED enum quire_status qr_vault_seal_name(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t device[QR_DEVICE_SIZE], struct quire_bytes name,
    const uint8_t entropy[QR_ENTROPY_SIZE], uint8_t out_sealed[QR_NAME_SIZE]);
QUIRE_CHECKED enum quire_status qr_vault_open_name(const struct qr_vault *vault, uint32_t epoch,
    const uint8_t device[QR_DEVICE_SIZE], const uint8_t sealed[QR_NAME_SIZE],
    struct quire_buffer *out_name);

/* ---- the profile ----------------------------------------------------------------------------- */

/** A profile record under the profile's key, bound to its name: nonce ‖ ciphertext. ELIMIT: name or
 * plaintext too long. Opening: ECRYPTO; EMALFORMED, too short. ENOMEM. */
#define QR_LOCAL_OVERHEAD (24 + 16)
QUIRE_CHECKED enum quire_status qr_local_seal(const uint8_t profile_key[QR_KEY_SIZE],
    struct quire_bytes name, struct quire_bytes plaintext, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed);
QUIRE_CHECKED enum quire_status qr_local_open(const uint8_t profile_key[QR_KEY_SIZE],
    struct quire_bytes name, struct quire_bytes sealed, struct quire_buffer *out_plaintext);
/** The same under the key that the profile's key gives, for a caller with many records: made once, and wiped by
 * who asked for it. */
void qr_local_key(const uint8_t profile_key[QR_KEY_SIZE], uint8_t out_local_key[QR_KEY_SIZE]);
QUIRE_CHECKED enum quire_status qr_local_seal_under(const uint8_t local_key[QR_KEY_SIZE],
    struct quire_bytes name, struct quire_bytes plaintext, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_sealed);
QUIRE_CHECKED enum quire_status qr_local_open_under(const uint8_t local_key[QR_KEY_SIZE],
    struct quire_bytes name, struct quire_bytes sealed, struct quire_buffer *out_plaintext);
/** The vault's secrets, versioned and sealed as qr_local_seal does. Loading: also EMALFORMED, not a
 * vault; EUNSUPPORTED, of a newer version. */
QUIRE_CHECKED enum quire_status qr_vault_save(const struct qr_vault *vault,
    const uint8_t profile_key[QR_KEY_SIZE], struct quire_bytes name,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct quire_buffer *out_sealed);
QUIRE_CHECKED enum quire_status qr_vault_load(const uint8_t profile_key[QR_KEY_SIZE],
    struct quire_bytes name, struct quire_bytes sealed, struct qr_vault **out_vault);

#endif
