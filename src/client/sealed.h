/*
 * Small files of the profile that are not records: encrypted and authenticated with the profile's key.
 *
 * They lie in <profile>/<folder>/<name> (drafts, inbox) and can be written by a process that does not
 * hold the profile's lock. A file moved to another folder or name does not open.
 *
 *     file = u8 1 ‖ nonce 24 ‖ XChaCha20-Poly1305 (RFC 8439 and draft-irtf-cfrg-xchacha) of the content
 *     key  = KDF of libsodium (BLAKE2b), context "quireprf", subkey 1, of the profile's key
 *     aad  = folder ‖ '/' ‖ name
 */
#ifndef QR_CLIENT_SEALED_H
#define QR_CLIENT_SEALED_H

#include "client/files.h"

#define QR_CLIENT_SEALED_MAX ((size_t)16 << 20) /* bytes of a file's content */
#define QR_CLIENT_SEALED_NAME 17                /* sixteen hex digits and a zero */

/** Which profile, and where its key is. All borrowed. */
struct qr_client_sealed {
    const char *profile;  /* real path of the folder */
    const char *key_file; /* path */
    const uint8_t *key;   /* NULL: it is read from the file */
};

/** A fresh random name. EIO. */
QUIRE_CHECKED enum quire_status qr_client_sealed_name(
    char out_name[QR_CLIENT_SEALED_NAME], struct qr_client_error *error);

/** Replaces a file, durably. EIO, EFULL, ENOMEM, ELIMIT, and as qr_client_key_read. */
QUIRE_CHECKED enum quire_status qr_client_sealed_write(const struct qr_client_sealed *sealed,
    const char *folder, const char *name, struct quire_bytes content,
    struct qr_client_error *error);

/** Appends a file's content. ENOTFOUND; ECRYPTO: another key's, or damaged; EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_sealed_read(const struct qr_client_sealed *sealed,
    const char *folder, const char *name, struct quire_buffer *out_content,
    struct qr_client_error *error);

/** Removes a file, and the folder with its last one; fine if there is none. */
void qr_client_sealed_remove(
    const struct qr_client_sealed *sealed, const char *folder, const char *name);

/** Lists the names in a folder, in no order, at most `capacity`; out_count: how many there are.
 * No folder: none. ENOMEM, EIO. */
QUIRE_CHECKED enum quire_status qr_client_sealed_list(const struct qr_client_sealed *sealed,
    const char *folder, char (*out_names)[QR_CLIENT_SEALED_NAME], size_t capacity,
    size_t *out_count, struct qr_client_error *error);

#endif
