/*
 * The key that opens a profile, in a file of its own, mode 0600: 64 hex digits, or sealed (keybox.h).
 */
#ifndef QR_CLIENT_KEYFILE_H
#define QR_CLIENT_KEYFILE_H

#include "client/files.h"
#include "client/keybox.h"
#include <quire/device.h>

/** Where the key is: `option`, else $QUIRE_KEY_FILE, else <config home>/quire/keys/<name>.key. */
QUIRE_CHECKED enum quire_status qr_client_key_path(const char *option, const char *name,
    struct qr_client_path *out_path, struct qr_client_error *error);

/**
 * Reads it in either form: out_sealed says whether out_box or out_key is set. Errors as qr_client_key_read.
 */
QUIRE_CHECKED enum quire_status qr_client_key_look(const char *path,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_keybox *out_box, bool *out_sealed,
    struct qr_client_error *error);

/**
 * Reads a plain one. ENOTFOUND; EMALFORMED: not a key; EINVALID: others may read the file, or it is sealed;
 * EIO. The caller wipes out_key.
 */
QUIRE_CHECKED enum quire_status qr_client_key_read(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error);

/** Replaces the file by the plain key, or by the box if that is not NULL: durably and at once, through a
 * symbolic link. Then removes what an earlier call left that was killed. EIO, EFULL, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_key_replace(const char *path,
    const uint8_t key[QUIRE_PROFILE_KEY_SIZE], const struct qr_client_keybox *box,
    struct qr_client_error *error);

/** Removes what a call of qr_client_key_replace left that was killed: perhaps the key, plain. The caller holds
 * the profile, so that no such call runs. */
void qr_client_key_tidy(const char *path);

/** Reads it, or makes a random one, durably, where there is none. */
QUIRE_CHECKED enum quire_status qr_client_key_make(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error);

#endif
