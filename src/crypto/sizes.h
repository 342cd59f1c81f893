/*
 * Sizes that the vault promises and the cipher keeps.
 */
#ifndef QR_CRYPTO_SIZES_H
#define QR_CRYPTO_SIZES_H

#define QR_NONCE_SIZE 24
#define QR_TAG_SIZE 16
#define QR_LOCAL_NAME_MAX 512 /* bytes of the name of a record of a profile */

#endif
