/*
 * Inside of crypto/ only: plaintext is padded before it is encrypted, so that a ciphertext tells
 * little of what it is long for.
 */
#ifndef QR_CRYPTO_PADDING_H
#define QR_CRYPTO_PADDING_H

#include "crypto/vault.h"

#define QR_PADDING_HEADER 5 /* codec byte 1 ‖ u32 true length */

/** Bytes that `size` bytes take once padded to Padmé of at least `minimum`. */
size_t qr_padded_size(size_t size, size_t minimum);
/** Writes all qr_padded_size bytes to out. */
void qr_pad(uint8_t *out, struct quire_bytes plaintext, size_t minimum);
/** The plaintext's place in padded bytes. EUNSUPPORTED: another codec. EMALFORMED: any byte that
 * qr_pad would not have written, so that one plaintext has one padded form. */
QUIRE_CHECKED enum quire_status qr_unpad(
    struct quire_bytes padded, size_t minimum, struct quire_bytes *out_plaintext);

#endif
