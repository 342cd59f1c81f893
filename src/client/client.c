/*
 * A client's life: making, opening and closing a profile.
 */
#define _GNU_SOURCE
#include "client/fold.h"
#include "client/inbox.h"
#include "client/keyfile.h"
#include "client/lock.h"
#include "client/runtime.h"
#include "client/shell.h"
#include "client/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_WAIT_MS 5000

/* ---- the object ------------------------------------------------------------------------------ */

static bool copy_option(const char *option, char **out_copy)
{
    *out_copy = option == NULL ? NULL : strdup(option);
    return option == NULL || *out_copy != NULL;
}

enum quire_status quire_client_create(
    const struct quire_client_options *options, struct quire_client **out_client)
{
    struct quire_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return QUIRE_ENOMEM;
    }
    client->callbacks = options->callbacks;
    client->lock_wait_ms = options->lock_wait_ms != 0 ? options->lock_wait_ms : LOCK_WAIT_MS;
    client->deadline_ms = options->deadline_ms;
    client->insecure = options->insecure;
    client->ask_passphrase = options->ask_passphrase;
    client->profile.lock = -1;
    atomic_init(&client->stop, false);
    struct qr_client_url url;
    if (options->server != NULL) {
        if (qr_client_url_parse(options->server, &url) != QUIRE_OK) {
            free(client);
            return QUIRE_EINVALID;
        }
        qr_client_url_text(&url, client->server_option);
    }
    if (options->fingerprint != NULL
        && qr_client_fingerprint_parse(options->fingerprint, client->fingerprint_option)
            != QUIRE_OK) {
        free(client);
        return QUIRE_EINVALID;
    }
    if (!copy_option(options->profile, &client->profile_option)
        || !copy_option(options->key_file, &client->key_option)) {
        free(client->profile_option);
        free(client);
        return QUIRE_ENOMEM;
    }
    *out_client = client;
    return QUIRE_OK;
}

void quire_client_close(struct quire_client *client)
{
    qr_client_copies_finish(client);
    quire_device_destroy(client->device);
    client->device = NULL;
    qr_client_records_close(client->records);
    client->records = NULL;
    client->batch = false;
    qr_client_profile_close(&client->profile);
    client->notice_count = 0;
    client->reading = client->detached = false;
    client->edit_wall_ms = 0;
}

void quire_client_destroy(struct quire_client *client)
{
    if (client == NULL) {
        return;
    }
    qr_client_connection_destroy(client->connection);
    client->connection = NULL;
    quire_client_close(client);
    qr_client_wipe(client->import_key, sizeof client->import_key);
    qr_client_forget_key(client);
    free(client->notices);
    free(client->profile_option);
    free(client->key_option);
    free(client);
}

const char *quire_client_error(const struct quire_client *client)
{
    return client->error.text;
}

enum quire_status qr_client_needs_profile(struct quire_client *client)
{
    client->error.text[0] = 0;
    if (client->device == NULL) {
        return qr_client_fail(&client->error, QUIRE_ESTATE, "No profile is open.");
    }
    return QUIRE_OK;
}

enum quire_status qr_client_needs_lock(struct quire_client *client)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK && client->reading) {
        status = qr_client_fail(&client->error, QUIRE_ESTATE,
            "The profile is open to be read only, or another process holds it. Nothing was changed.");
    }
    return status;
}

static enum quire_status needs_none(struct quire_client *client)
{
    client->error.text[0] = 0;
    if (client->device != NULL) {
        return qr_client_fail(&client->error, QUIRE_ESTATE, "A profile is open already.");
    }
    return QUIRE_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

enum quire_status qr_client_device_options(struct quire_client *client, bool make_key,
    struct quire_buffer *record, struct quire_device_options *out_options)
{
    struct qr_client_path path;
    struct quire_device_options options = {
        .wall_ms = qr_client_wall_ms(), .fold = qr_client_fold()};
    if (client->records != NULL) {
        options.reader = qr_client_records_reader(client->records);
    }
    enum quire_status status = qr_client_key_path(
        client->key_option, client->profile.config.key_name, &path, &client->error);
    if (status == QUIRE_OK) {
        status = qr_client_find_key(client, path.text, make_key, options.profile_key);
    }
    if (status == QUIRE_OK) {
        status = qr_client_random(options.entropy, sizeof options.entropy, &client->error);
    }
    if (status == QUIRE_OK) {
        qr_client_import_key(options.profile_key, client->import_key);
        qr_client_replica_read(client->profile.path.text, record);
        options.replica_record = quire_buffer_bytes(record);
        *out_options = options;
    }
    qr_client_wipe(options.profile_key, sizeof options.profile_key);
    return status;
}

#define WAY_BACK \
    "If there is a backup of the folder, put it back. Else move the folder away and join again: " \
    "`quire pair` on another device and `quire join` here, or `quire recover` with the kit. What this device " \
    "had not sent is lost with the file."

/* A file that LMDB would make anew, or misread: the profile was finished once, so it had records. */
static enum quire_status check_records(struct quire_client *client, const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 && errno == ENOENT) {
        return qr_client_fail(&client->error, QUIRE_ECORRUPT,
            "The records of the profile (%s) are missing. " WAY_BACK, path);
    }
    if (stat(path, &info) == 0 && info.st_size == 0) {
        return qr_client_fail(&client->error, QUIRE_ECORRUPT,
            "The records of the profile (%s) are an empty file. " WAY_BACK, path);
    }
    return QUIRE_OK;
}

static enum quire_status open_records(struct quire_client *client)
{
    struct qr_client_path path;
    enum quire_status status = qr_client_profile_records(&client->profile, &path, &client->error);
    if (status == QUIRE_OK) {
        status = client->reading
            ? qr_client_records_open_to_read(path.text, &client->records, &client->error)
            : qr_client_records_open(path.text, QR_CLIENT_MAP_FIRST, QR_CLIENT_MAP_MAX,
                &client->records, &client->error);
    }
    return status;
}

static enum quire_status explain_open(struct quire_client *client, enum quire_status status)
{
    const char *folder = client->profile.path.text;
    switch (status) {
    case QUIRE_ECRYPTO:
        return qr_client_fail(&client->error, status,
            "The key file does not open the profile %s: it is another profile's key. Nothing was "
            "touched; name the right one with --key-file or QUIRE_KEY_FILE.",
            folder);
    case QUIRE_ENOTFOUND:
        return qr_client_fail(&client->error, QUIRE_ECORRUPT,
            "The profile %s has no records in its file. " WAY_BACK, folder);
    case QUIRE_EUNSUPPORTED:
        return qr_client_fail(&client->error, status,
            "A newer version of Quire wrote the profile %s. Nothing was touched.", folder);
    case QUIRE_ECORRUPT:
        return qr_client_fail(&client->error, status,
            "The records of the profile %s are damaged. Nothing was changed; what the server has "
            "comes back on a new profile, by `join` or by the recovery kit.",
            folder);
    default:
        return qr_client_fail(&client->error, status, "The profile %s cannot be opened: %s.",
            folder, quire_status_text(status));
    }
}

enum quire_status qr_client_load(struct quire_client *client)
{
    struct quire_buffer record = {0};
    struct quire_device_options options = {0};
    struct qr_client_path path;
    enum quire_status status = qr_client_profile_records(&client->profile, &path, &client->error);
    if (status == QUIRE_OK) {
        status = check_records(client, path.text);
    }
    if (status == QUIRE_OK) {
        status = open_records(client);
    }
    if (status == QUIRE_OK) {
        status = qr_client_device_options(client, false, &record, &options);
    }
    if (status == QUIRE_OK) {
        status = quire_device_open(&options, &client->device);
        if (status != QUIRE_OK) {
            explain_open(client, status);
        }
    }
    qr_client_wipe(&options, sizeof options);
    quire_buffer_finish(&record);
    if (status != QUIRE_OK) {
        quire_client_close(client);
    }
    return status;
}

static enum quire_status finish_stage(struct quire_client *client)
{
    client->profile.config.stage = QR_CLIENT_STAGE_READY;
    return qr_client_profile_save(&client->profile, &client->error);
}

/* Its kit was never shown, so the user cannot rely on it yet. */
static enum quire_status refuse_unfinished(struct quire_client *client)
{
    if (client->profile.config.stage != QR_CLIENT_STAGE_STARTING) {
        return QUIRE_OK;
    }
    qr_client_profile_close(&client->profile);
    return qr_client_fail(&client->error, QUIRE_ENOTFOUND,
        "The profile %s was never finished: it was interrupted while it was made. Make it again.",
        client->profile.path.text);
}

static enum quire_status open_without_lock(
    struct quire_client *client, const char *path, bool detached)
{
    struct qr_client_inbox inbox = {0};
    client->error.text[0] = 0;
    enum quire_status status = qr_client_profile_look(path, &client->profile, &client->error);
    if (status == QUIRE_OK) {
        status = refuse_unfinished(client);
    }
    if (status == QUIRE_OK && detached) {
        status = qr_client_random(
            client->detached_replica, sizeof client->detached_replica, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_inbox_read(client, &inbox);
    }
    if (status == QUIRE_OK) {
        client->reading = true;
        status = qr_client_load(client);
        client->reading = status == QUIRE_OK;
    }
    if (status == QUIRE_OK) {
        status = qr_client_inbox_merge(client, &inbox, false);
        client->detached = detached && status == QUIRE_OK;
    }
    qr_client_inbox_finish(&inbox);
    return status;
}

enum quire_status quire_client_open_to_read(struct quire_client *client)
{
    struct qr_client_path path;
    enum quire_status status = needs_none(client);
    if (status == QUIRE_OK) {
        status = qr_client_profile_path(client->profile_option, &path, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_find_key_early(client, path.text);
    }
    return status == QUIRE_OK ? open_without_lock(client, path.text, false) : status;
}

enum quire_status quire_client_open_to_write(struct quire_client *client)
{
    struct qr_client_path path;
    enum quire_status status = needs_none(client);
    if (status == QUIRE_OK) {
        status = qr_client_profile_path(client->profile_option, &path, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_find_key_early(client, path.text);
    }
    if (status == QUIRE_OK && qr_client_profile_is_online(path.text)) {
        return open_without_lock(client, path.text, true);
    }
    if (status == QUIRE_OK) {
        status = quire_client_open(client);
    }
    return status == QUIRE_ELOCKED ? open_without_lock(client, path.text, true) : status;
}

enum quire_status quire_client_open(struct quire_client *client)
{
    struct qr_client_path path;
    enum quire_status status = needs_none(client);
    if (status == QUIRE_OK) {
        status = qr_client_profile_path(client->profile_option, &path, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_find_key_early(client, path.text);
    }
    if (status == QUIRE_OK) {
        status = qr_client_profile_open(
            path.text, client->lock_wait_ms, &client->profile, &client->error);
    }
    if (status == QUIRE_OK) {
        status = refuse_unfinished(client);
    }
    if (status == QUIRE_OK) {
        status = qr_client_load(client);
    }
    if (status == QUIRE_OK) {
        qr_client_tidy_key(client);
        status = qr_client_inbox_drain(client);
    }
    if (status == QUIRE_OK && client->profile.config.stage == QR_CLIENT_STAGE_JOINING) {
        status = finish_stage(client); /* joined, then killed before the config said so */
        if (status != QUIRE_OK) {
            quire_client_close(client);
        }
    }
    return status;
}

/* ---- making ---------------------------------------------------------------------------------- */

static enum quire_status begin_profile(
    struct quire_client *client, const char *name, enum qr_client_stage stage)
{
    struct qr_client_path path;
    enum quire_status status = needs_none(client);
    if (status == QUIRE_OK
        && (name[0] == 0 || strlen(name) > QUIRE_NAME_MAX
            || !qr_client_text_valid(quire_bytes_of_text(name), NULL))) {
        status = qr_client_fail(&client->error, QUIRE_EINVALID,
            "A device's name has 1 to %d bytes of UTF-8.", QUIRE_NAME_MAX);
    }
    if (status == QUIRE_OK && stage == QR_CLIENT_STAGE_JOINING && client->server_option[0] == 0) {
        status = qr_client_fail(
            &client->error, QUIRE_EINVALID, "Joining needs the address of the server.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_profile_path(client->profile_option, &path, &client->error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_profile_make(
            path.text, client->lock_wait_ms, stage, &client->profile, &client->error);
    }
    if (status == QUIRE_OK) {
        memcpy(client->profile.config.server, client->server_option,
            sizeof client->profile.config.server);
        memcpy(client->profile.config.pin.certificate, client->fingerprint_option,
            sizeof client->fingerprint_option);
        status = qr_client_profile_save(&client->profile, &client->error);
        if (status == QUIRE_OK) {
            status = open_records(client);
        }
        if (status != QUIRE_OK) {
            qr_client_profile_unmake(&client->profile);
        }
    }
    return status;
}

/* Nothing of a profile that did not come to be stays behind, but for its key, which opens nothing. */
static enum quire_status abandon(struct quire_client *client, enum quire_status status)
{
    quire_device_destroy(client->device);
    client->device = NULL;
    qr_client_records_close(client->records);
    client->records = NULL;
    client->notice_count = 0;
    qr_client_profile_unmake(&client->profile);
    return status;
}

enum quire_status quire_client_start_account(
    struct quire_client *client, const char *name, char out_kit[QUIRE_KIT_TEXT_SIZE])
{
    char kit[QUIRE_KIT_TEXT_SIZE];
    struct quire_buffer record = {0};
    struct quire_device_options options = {0};
    struct quire_actions actions = {0};
    enum quire_status status = begin_profile(client, name, QR_CLIENT_STAGE_STARTING);
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_client_device_options(client, true, &record, &options);
    if (status == QUIRE_OK) {
        status =
            quire_device_init(&options, quire_bytes_of_text(name), kit, &client->device, &actions);
        if (status != QUIRE_OK) {
            qr_client_fail(&client->error, status, "The account cannot be made: %s.",
                quire_status_text(status));
        }
    }
    qr_client_wipe(&options, sizeof options);
    quire_buffer_finish(&record);
    if (status == QUIRE_OK) {
        status = qr_client_carry_out(client, &actions);
    }
    if (status == QUIRE_OK) {
        status = finish_stage(client);
    }
    if (status == QUIRE_OK) {
        memcpy(out_kit, kit, sizeof kit);
    } else {
        abandon(client, status);
    }
    qr_client_wipe(kit, sizeof kit);
    return status;
}

typedef enum quire_status begin_device(const struct quire_device_options *options,
    struct quire_bytes name, struct quire_bytes secret, struct quire_device **out_device);

static enum quire_status join_by(struct quire_client *client, const char *name, const char *secret,
    begin_device *begin, const char *what, uint32_t timeout_ms)
{
    struct quire_buffer record = {0};
    struct quire_device_options options = {0};
    enum quire_status status = begin_profile(client, name, QR_CLIENT_STAGE_JOINING);
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_client_device_options(client, true, &record, &options);
    if (status == QUIRE_OK) {
        status = begin(
            &options, quire_bytes_of_text(name), quire_bytes_of_text(secret), &client->device);
        if (status == QUIRE_EMALFORMED) {
            qr_client_fail(&client->error, status,
                "This is not a %s: a character is wrong or missing. Nothing was changed.", what);
        } else if (status != QUIRE_OK) {
            qr_client_fail(&client->error, status, "The device cannot be set up: %s.",
                quire_status_text(status));
        }
    }
    qr_client_wipe(&options, sizeof options);
    quire_buffer_finish(&record);
    if (status == QUIRE_OK) {
        status = qr_client_run(client, QR_CLIENT_GOAL_JOIN, NULL, timeout_ms);
    }
    if (client->run.joined && client->device != NULL) {
        /* It is a profile from here on, even where the first sync broke off. */
        struct qr_client_error why = client->error;
        enum quire_status saved = finish_stage(client);
        if (status == QUIRE_OK) {
            return saved;
        }
        return qr_client_fail(&client->error, status,
            "This device has joined the account, but its first sync broke off: %s To go on: quire sync",
            why.text[0] != 0 ? why.text : quire_status_text(status));
    }
    return abandon(client, status);
}

static enum quire_status recover_alone(const struct quire_device_options *options,
    struct quire_bytes name, struct quire_bytes kit, struct quire_device **out_device)
{
    struct quire_device_options alone = *options;
    alone.revoke_others = true;
    enum quire_status status = quire_device_recover(&alone, name, kit, out_device);
    qr_client_wipe(&alone, sizeof alone);
    return status;
}

enum quire_status quire_client_join(
    struct quire_client *client, const char *name, const char *code, uint32_t timeout_ms)
{
    client->run.joined = false;
    return join_by(client, name, code, quire_device_join, "pairing code", timeout_ms);
}

enum quire_status quire_client_recover(struct quire_client *client, const char *name,
    const char *kit, bool revoke_others, uint32_t timeout_ms)
{
    client->run.joined = false;
    return join_by(client, name, kit, revoke_others ? recover_alone : quire_device_recover,
        "recovery kit", timeout_ms);
}

/* ---- the server's address -------------------------------------------------------------------- */

const char *quire_client_server(const struct quire_client *client)
{
    return client->device != NULL ? client->profile.config.server : client->server_option;
}

const char *quire_client_fingerprint(const struct quire_client *client)
{
    return client->device != NULL ? client->profile.config.pin.certificate
                                  : client->fingerprint_option;
}

enum quire_status quire_client_set_server(
    struct quire_client *client, const char *url, const char *fingerprint)
{
    enum quire_status status = qr_client_needs_lock(client);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_client_url parsed;
    struct qr_client_config before = client->profile.config;
    char digits[QR_CLIENT_FINGERPRINT_HEX + 1] = "";
    if (qr_client_url_parse(url, &parsed) != QUIRE_OK) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "%.200s is not an address of a server: it should look like wss://host:port.", url);
    }
    if (fingerprint != NULL && qr_client_fingerprint_parse(fingerprint, digits) != QUIRE_OK) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "%.200s is not a fingerprint: it should be the 64 hex digits that the server printed.",
            fingerprint);
    }
    qr_client_url_text(&parsed, client->profile.config.server);
    if (strcmp(client->profile.config.server, before.server) != 0) {
        client->profile.config.address[0] = 0;
    }
    if (strcmp(digits, client->profile.config.pin.certificate) != 0) {
        client->profile.config.pin = (struct qr_client_pin){0};
        memcpy(client->profile.config.pin.certificate, digits, sizeof digits);
    }
    status = qr_client_profile_save(&client->profile, &client->error);
    if (status != QUIRE_OK) {
        client->profile.config = before;
    }
    return status;
}

bool quire_client_unreachable(const struct quire_client *client)
{
    return client->unreachable;
}

void quire_client_stop(struct quire_client *client)
{
    atomic_store(&client->stop, true);
}
