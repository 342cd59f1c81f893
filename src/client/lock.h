/*
 * Where the key of a profile comes from: its key file, an agent that has it, or the user's passphrase.
 */
#ifndef QR_CLIENT_LOCK_H
#define QR_CLIENT_LOCK_H

#include "client/shell.h"

struct qr_client_held;

/**
 * The key in the file `path`, made if it is not there and `make` is set. A sealed one is opened by what
 * this client holds, by the agent, or by the passphrase. The caller wipes out_key. Errors as
 * quire_client_open.
 */
QUIRE_CHECKED enum quire_status qr_client_find_key(struct quire_client *client, const char *path,
    bool make, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE]);

/** Finds a sealed key before the lock of the profile is taken, so that no process waits for a person who
 * types. Fine where there is no such profile, or its key is plain. Errors as quire_client_open. */
QUIRE_CHECKED enum quire_status qr_client_find_key_early(
    struct quire_client *client, const char *profile);

/** The key that was found last, in locked memory, until the client is destroyed; or NULL. */
const uint8_t *qr_client_held_key(const struct quire_client *client);
/** Wipes it. */
void qr_client_forget_key(struct quire_client *client);

/** The path of the key file of the profile that this client means, open or not. ENOTFOUND: no profile. */
QUIRE_CHECKED enum quire_status qr_client_profile_key_path(
    struct quire_client *client, struct qr_client_path *out_path);

/** Has the key file that form? False where it cannot be read. */
bool qr_client_key_is_sealed(const char *path);

/** Removes what a killed change of the passphrase left beside the key file. The client holds the profile. */
void qr_client_tidy_key(struct quire_client *client);

#endif
