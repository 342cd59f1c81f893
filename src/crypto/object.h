/*
 * Objects: an entry's state at a cut, encrypted so that the same state under the same keys is the same
 * bytes (protocol/history.md). What is encrypted is codec/packed.h's.
 *
 *   u8 form = 1 | secret id 8 | u32 epoch | nonce 24 | ciphertext with its tag
 */
#ifndef QR_CRYPTO_OBJECT_H
#define QR_CRYPTO_OBJECT_H

#include "crypto/vault.h"

#define QR_OBJECT_HEADER (1 + 8 + 4 + 24)
#define QR_OBJECT_OVERHEAD (QR_OBJECT_HEADER + 16)

/** Bytes that `size` bytes of text take once they are padded: Padmé of at least 256. */
size_t qr_object_text_size(size_t size);

/** Appends the object of an entry's text, padded, under the key of an epoch. The nonce follows from key,
 * place and text. ESTATE: no user. ENOTFOUND: epoch key not held. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_vault_seal_object(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], uint32_t epoch, struct quire_bytes text,
    struct quire_buffer *out_object);

/** Appends the padded text. EMALFORMED: too short. EUNSUPPORTED: another form, or a secret. ENOTFOUND:
 * epoch key not held. ECRYPTO: not this entry's, or its nonce does not follow from its text. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_vault_open_object(const struct qr_vault *vault,
    const uint8_t entry[QR_ENTRY_SIZE], struct quire_bytes object, struct quire_buffer *out_text);

/** What names an object: the hash of all its bytes. */
void qr_object_address(struct quire_bytes object, uint8_t out_address[QR_HASH_SIZE]);

#endif
