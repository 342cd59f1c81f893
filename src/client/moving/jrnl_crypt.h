/*
 * Opening encrypted journals of jrnl 1 and 2.
 */
#ifndef QR_CLIENT_MOVING_JRNL_CRYPT_H
#define QR_CLIENT_MOVING_JRNL_CRYPT_H

#include <quire/bytes.h>

/** Version of the encryption: 1 or 2; 3: one that is not supported; 0: it is not encrypted. */
int qr_moving_jrnl_version(struct quire_bytes content);

/** ECRYPTO: the password is wrong, or the file damaged. ENOMEM. The caller wipes out_text. */
QUIRE_CHECKED enum quire_status qr_moving_jrnl_open(
    int version, struct quire_bytes content, const char *password, struct quire_buffer *out_text);

#endif
