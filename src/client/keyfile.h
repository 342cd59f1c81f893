/*
 * The key that opens a profile, in a file of its own: 64 hex digits, mode 0600.
 */
#ifndef QR_CLIENT_KEYFILE_H
#define QR_CLIENT_KEYFILE_H

#include "client/files.h"
#include <quire/device.h>

/** Where the key is: `option`, else $QUIRE_KEY_FILE, else <config home>/quire/keys/<name>.key. */
QUIRE_CHECKED enum quire_status qr_client_key_path(const char *option, const char *name,
    struct qr_client_path *out_path, struct qr_client_error *error);

/**
 * Reads it. ENOTFOUND; EMALFORMED: not a key; EINVALID: others may read the file; EIO. The caller
 * wipes out_key.
 */
QUIRE_CHECKED enum quire_status qr_client_key_read(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error);

/** Reads it, or makes a random one, durably, where there is none. */
QUIRE_CHECKED enum quire_status qr_client_key_make(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error);

#endif
