/*
 * Finds a profile's key, and keeps it in locked memory while the client lives.
 */
#include "client/lock.h"
#include "client/agent/agent.h"
#include "client/keyfile.h"
#include <sodium.h>
#include <string.h>

/** In memory of sodium_malloc: locked, left out of core dumps, wiped when it is freed. */
struct qr_client_held {
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
};

const uint8_t *qr_client_held_key(const struct quire_client *client)
{
    return client->held != NULL ? client->held->key : NULL;
}

void qr_client_forget_key(struct quire_client *client)
{
    sodium_free(client->held); /* accepts NULL */
    client->held = NULL;
}

static enum quire_status hold(
    struct quire_client *client, const uint8_t key[QUIRE_PROFILE_KEY_SIZE])
{
    if (client->held == NULL && sodium_init() >= 0) {
        client->held = sodium_malloc(sizeof *client->held);
    }
    if (client->held == NULL) {
        return qr_client_fail(&client->error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    memcpy(client->held->key, key, sizeof client->held->key);
    return QUIRE_OK;
}

static bool holds(const struct quire_client *client, const struct qr_client_keybox *box)
{
    uint8_t check[QR_CLIENT_KEYBOX_CHECK];
    if (client->held == NULL) {
        return false;
    }
    qr_client_keybox_check(client->held->key, check);
    return memcmp(check, box->check, sizeof check) == 0;
}

static enum quire_status ask(struct quire_client *client, const char *path,
    const struct qr_client_keybox *box, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE])
{
    char passphrase[QUIRE_PASSPHRASE_MAX + 1] = "";
    const struct quire_client_callbacks *callbacks = &client->callbacks;
    enum quire_status status = QUIRE_ESTATE;
    for (unsigned attempt = 0; attempt < QUIRE_PASSPHRASE_ATTEMPTS; attempt++) {
        if (callbacks->passphrase == NULL
            || !callbacks->passphrase(callbacks->context, attempt, passphrase)) {
            break;
        }
        status = qr_client_keybox_open(box, passphrase, out_key, &client->error);
        if (status != QUIRE_ECRYPTO) {
            break;
        }
    }
    qr_client_wipe(passphrase, sizeof passphrase);
    if (status == QUIRE_ESTATE) {
        qr_client_fail(&client->error, status,
            "The key file %s is locked by a passphrase, and none was given. Nothing was touched. "
            "Unlock it first (quire unlock), or name a file whose first line is the passphrase: "
            "--passphrase-file or QUIRE_PASSPHRASE_FILE.",
            path);
    }
    return status;
}

enum quire_status qr_client_find_key(struct quire_client *client, const char *path, bool make,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE])
{
    struct qr_client_keybox box;
    bool sealed = false;
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
    enum quire_status status = qr_client_key_look(path, key, &box, &sealed, &client->error);
    if (status == QUIRE_ENOTFOUND && make) {
        status = qr_client_key_make(path, key, &client->error);
    }
    if (status == QUIRE_OK && sealed && holds(client, &box)) {
        memcpy(key, client->held->key, sizeof key);
    } else if (status == QUIRE_OK && sealed
        && (client->ask_passphrase || !qr_client_agent_key(path, box.check, key))) {
        status = ask(client, path, &box, key);
    }
    if (status == QUIRE_OK) {
        status = hold(client, key);
    }
    if (status == QUIRE_OK) {
        memcpy(out_key, key, sizeof key);
    }
    qr_client_wipe(key, sizeof key);
    return status;
}

bool qr_client_key_is_sealed(const char *path)
{
    struct qr_client_error ignored;
    struct qr_client_keybox box;
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
    bool sealed = false;
    enum quire_status status = qr_client_key_look(path, key, &box, &sealed, &ignored);
    qr_client_wipe(key, sizeof key);
    return status == QUIRE_OK && sealed;
}

static enum quire_status key_path_of(struct quire_client *client, const char *profile,
    struct qr_client_path *out_path, struct qr_client_error *error)
{
    struct qr_client_profile looked;
    enum quire_status status = qr_client_profile_look(profile, &looked, error);
    return status == QUIRE_OK
        ? qr_client_key_path(client->key_option, looked.config.key_name, out_path, error)
        : status;
}

enum quire_status qr_client_profile_key_path(
    struct quire_client *client, struct qr_client_path *out_path)
{
    struct qr_client_path profile;
    enum quire_status status =
        qr_client_profile_path(client->profile_option, &profile, &client->error);
    return status == QUIRE_OK ? key_path_of(client, profile.text, out_path, &client->error)
                              : status;
}

enum quire_status qr_client_find_key_early(struct quire_client *client, const char *profile)
{
    struct qr_client_error ignored;
    struct qr_client_path path;
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
    if (key_path_of(client, profile, &path, &ignored) != QUIRE_OK
        || !qr_client_key_is_sealed(path.text)) {
        return QUIRE_OK; /* opening says what is wrong, if anything is */
    }
    enum quire_status status = qr_client_find_key(client, path.text, false, key);
    qr_client_wipe(key, sizeof key);
    return status;
}

void qr_client_tidy_key(struct quire_client *client)
{
    struct qr_client_error ignored;
    struct qr_client_path path;
    if (qr_client_key_path(client->key_option, client->profile.config.key_name, &path, &ignored)
        == QUIRE_OK) {
        qr_client_key_tidy(path.text);
    }
}

/* ---- the passphrase -------------------------------------------------------------------------- */

bool quire_client_has_passphrase(const struct quire_client *client)
{
    struct qr_client_error ignored;
    struct qr_client_path path;
    return client->device != NULL
        && qr_client_key_path(client->key_option, client->profile.config.key_name, &path, &ignored)
        == QUIRE_OK
        && qr_client_key_is_sealed(path.text);
}

/* A box that does not open again is never written. */
static enum quire_status seal(struct quire_client *client, const char *passphrase,
    uint32_t memory_mib, struct qr_client_keybox *out_box)
{
    uint8_t again[QUIRE_PROFILE_KEY_SIZE];
    const uint8_t *key = qr_client_held_key(client);
    enum quire_status status = qr_client_passphrase_check(passphrase, &client->error);
    if (status == QUIRE_OK) {
        status = qr_client_keybox_seal(key, passphrase, memory_mib, out_box, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_keybox_open(out_box, passphrase, again, &client->error);
    }
    if (status == QUIRE_OK && sodium_memcmp(key, again, sizeof again) != 0) {
        status = qr_client_fail(&client->error, QUIRE_ECORRUPT,
            "What the passphrase sealed did not open as the same key: the memory of this machine "
            "is faulty. Nothing was changed.");
    }
    qr_client_wipe(again, sizeof again);
    return status;
}

enum quire_status quire_client_set_passphrase(
    struct quire_client *client, const char *passphrase, uint32_t memory_mib)
{
    struct qr_client_path path;
    struct qr_client_keybox box = {0};
    enum quire_status status = qr_client_needs_lock(client);
    uint32_t memory = memory_mib == 0 ? QUIRE_PASSPHRASE_MEMORY : memory_mib;
    if (status == QUIRE_OK
        && (memory < QUIRE_PASSPHRASE_MEMORY_MIN || memory > QUIRE_PASSPHRASE_MEMORY_MAX)) {
        status = qr_client_fail(&client->error, QUIRE_EINVALID,
            "A passphrase takes %d to %d MiB of memory. Nothing was changed.",
            QUIRE_PASSPHRASE_MEMORY_MIN, QUIRE_PASSPHRASE_MEMORY_MAX);
    }
    if (status == QUIRE_OK) {
        status = qr_client_key_path(
            client->key_option, client->profile.config.key_name, &path, &client->error);
    }
    if (status == QUIRE_OK && passphrase != NULL) {
        status = seal(client, passphrase, memory, &box);
    }
    return status == QUIRE_OK ? qr_client_key_replace(path.text, qr_client_held_key(client),
               passphrase != NULL ? &box : NULL, &client->error)
                              : status;
}
