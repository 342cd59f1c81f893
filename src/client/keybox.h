/*
 * A profile's key sealed by a passphrase: the text of a key file of the second form.
 *
 *     quire-key 2
 *     argon2id OPERATIONS MEMORY_KIB      the cost of one guess (RFC 9106)
 *     salt     32 hex digits
 *     nonce    48 hex digits
 *     check    32 hex digits              of the key: two boxes with one check hold one key
 *     key      96 hex digits              XChaCha20-Poly1305 of the key; aad: the lines above
 *
 *     wrapping key = Argon2id(passphrase in NFC, salt), 32 bytes
 *     check        = KDF of libsodium (BLAKE2b), context "quireprf", subkey 2, 16 bytes, of the key
 */
#ifndef QR_CLIENT_KEYBOX_H
#define QR_CLIENT_KEYBOX_H

#include "client/error.h"
#include <quire/bytes.h>
#include <quire/client.h>

#define QR_CLIENT_KEYBOX_TEXT_MAX 1024 /* bytes of a key file */
#define QR_CLIENT_KEYBOX_CHECK 16
#define QR_CLIENT_KEYBOX_OPERATIONS 3 /* passes over the memory, for a new box */
#define QR_CLIENT_KEYBOX_OPERATIONS_MAX 64

struct qr_client_keybox {
    uint64_t operations;
    uint64_t memory_kib;
    uint8_t salt[16];
    uint8_t nonce[24];
    uint8_t check[QR_CLIENT_KEYBOX_CHECK];
    uint8_t sealed[QUIRE_PROFILE_KEY_SIZE + 16];
};

/** The text begins like a sealed key file, whole or damaged. */
bool qr_client_keybox_is(struct quire_bytes text);

/** EMALFORMED: damaged, or a cost above QUIRE_PASSPHRASE_MEMORY_MAX or the operations' limit. */
QUIRE_CHECKED enum quire_status qr_client_keybox_parse(
    struct quire_bytes text, struct qr_client_keybox *out_box);

/** Appends the file's text. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_keybox_text(
    const struct qr_client_keybox *box, struct quire_buffer *out_text);

/** Checks a new passphrase: QUIRE_PASSPHRASE_MIN characters or more, UTF-8. EINVALID with its sentence. */
QUIRE_CHECKED enum quire_status qr_client_passphrase_check(
    const char *passphrase, struct qr_client_error *error);

/** Seals a key. ENOMEM: the machine does not give memory_mib. EIO: no random bytes. */
QUIRE_CHECKED enum quire_status qr_client_keybox_seal(const uint8_t key[QUIRE_PROFILE_KEY_SIZE],
    const char *passphrase, uint32_t memory_mib, struct qr_client_keybox *out_box,
    struct qr_client_error *error);

/** Opens it; the caller wipes out_key. ECRYPTO: not that passphrase (or damaged). ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_keybox_open(const struct qr_client_keybox *box,
    const char *passphrase, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error);

/** The check of a key. */
void qr_client_keybox_check(
    const uint8_t key[QUIRE_PROFILE_KEY_SIZE], uint8_t out_check[QR_CLIENT_KEYBOX_CHECK]);

#endif
