/*
 * The desktop's keyring, through secret-tool of libsecret, where that is there.
 *
 * It keeps the passphrase of a profile's key file under the attributes "application" = "quire" and "key" =
 * the key file's real path. A file beside the key file, with ".keyring" at the end of its name, says that it
 * is to be asked: without it no program is started.
 */
#ifndef QR_CLIENT_CLI_KEYRING_H
#define QR_CLIENT_CLI_KEYRING_H

#include "client/cli/cli.h"

#define QR_CLI_KEYRING_WAIT_S 60 /* for a person who unlocks the keyring */

/** The passphrase is to be looked for in the keyring. */
bool qr_cli_keyring_is_used(const char *key_file);
/** Looks it up, waiting QR_CLI_KEYRING_WAIT_S at most. False: it is not there, or the keyring stayed locked, or there is no
 * secret-tool. */
bool qr_cli_keyring_read(const char *key_file, char out_passphrase[QUIRE_PASSPHRASE_MAX + 1]);
/** Stores it, reads it back, and sets the mark. A failure is said. */
enum qr_cli_exit qr_cli_keyring_write(
    struct qr_cli *cli, const char *key_file, const char *passphrase);
/** Removes it and the mark. */
void qr_cli_keyring_forget(const char *key_file);

#endif
