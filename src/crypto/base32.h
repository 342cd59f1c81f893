/*
 * Inside of crypto/ only: Crockford's base32, for what people write down and type.
 */
#ifndef QR_CRYPTO_BASE32_H
#define QR_CRYPTO_BASE32_H

#include <quire/bytes.h>

#define QR_TYPED_MAX 256 /* characters, with all the spaces and dashes a person may put in */

/** Writes `count` (a multiple of 4) five-bit values in groups of four, with '-' between and a zero
 * at the end: count + count / 4 bytes. */
void qr_base32_write(char *out, const uint8_t *values, size_t count);
/** Reads exactly `count` values: case, white space and '-' are ignored, O is 0, I and L are 1.
 * False: fewer, more, or a character that is none of these; out_values is then undefined. */
QUIRE_CHECKED bool qr_base32_read(struct quire_bytes text, uint8_t *out_values, size_t count);

/** Five-bit values of the bits of `bytes`, first bit first; bits past its end are zero. */
void qr_bits_split(uint8_t *out_values, size_t count, const uint8_t *bytes, size_t size);
/** The other way; bits past the last value are zero. */
void qr_bits_join(uint8_t *out_bytes, size_t size, const uint8_t *values, size_t count);

#endif
