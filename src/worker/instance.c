/*
 * A profile's vault and roster, read once.
 */
#include "worker/instance.h"
#include "client/keyfile.h"
#include "client/profile.h"
#include "client/records.h"
#include <stdio.h>

struct load {
    struct qr_instance *instance;
    const uint8_t *key;
    enum quire_status status;
};

static bool load_record(void *context, struct quire_bytes name, struct quire_bytes value)
{
    struct load *load = context;
    struct quire_buffer record = {0};
    load->status = qr_local_open(load->key, name, value, &record);
    if (load->status == QUIRE_OK) {
        load->status = qr_roster_append(&load->instance->roster, quire_buffer_bytes(&record));
    }
    quire_buffer_finish(&record);
    return load->status == QUIRE_OK;
}

static enum quire_status load_records(
    struct qr_instance *instance, const uint8_t *key, const struct quire_reader *reader)
{
    struct quire_buffer sealed = {0};
    struct quire_bytes name = quire_bytes_of_text("v");
    struct load load = {instance, key, QUIRE_OK};
    enum quire_status status = reader->get(reader->context, name, &sealed);
    if (status == QUIRE_OK) {
        status = qr_vault_load(key, name, quire_buffer_bytes(&sealed), &instance->vault);
    }
    quire_buffer_finish(&sealed);
    if (status == QUIRE_OK) {
        status = reader->scan(reader->context, quire_bytes_of_text("r"), load_record, &load);
    }
    return status == QUIRE_OK ? load.status : status;
}

static enum quire_status refuse(
    char *out_error, size_t size, enum quire_status status, const char *folder, const char *why)
{
    (void)snprintf(out_error, size, "The profile %.300s %s", folder, why);
    return status;
}

static enum quire_status check(
    const struct qr_instance *instance, const char *folder, char *out_error, size_t size)
{
    if (instance->roster.count == 0
        || qr_roster_find(&instance->roster, qr_vault_public(instance->vault).device) == NULL) {
        return refuse(out_error, size, QUIRE_ESTATE, folder,
            "is not part of an account yet. Make it one with `quire init`, or `quire join` for a "
            "further instance.");
    }
    if (!qr_roster_active(&instance->roster, qr_vault_public(instance->vault).device)) {
        return refuse(out_error, size, QUIRE_ESTATE, folder,
            "is of an instance that was revoked. Remove it, and join a new one with `quire join`.");
    }
    return QUIRE_OK;
}

enum quire_status qr_instance_load(const char *profile, const char *key_file,
    struct qr_instance *out_instance, char *out_error, size_t error_size)
{
    struct qr_client_path folder = {0}, path;
    struct qr_client_profile opened;
    struct qr_client_error error = {0};
    struct qr_client_records *records = NULL;
    struct qr_instance instance = {0};
    uint8_t key[QUIRE_PROFILE_KEY_SIZE] = {0};
    enum quire_status status = qr_client_profile_path(profile, &folder, &error);
    if (status == QUIRE_OK) {
        status = qr_client_profile_look(folder.text, &opened, &error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_key_path(key_file, opened.config.key_name, &path, &error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_key_read(path.text, key, &error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_profile_records(&opened, &path, &error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_records_open_to_read(path.text, &records, &error);
    }
    if (status != QUIRE_OK) {
        (void)snprintf(out_error, error_size, "%s", error.text);
        goto out;
    }
    struct quire_reader reader = qr_client_records_reader(records);
    status = load_records(&instance, key, &reader);
    if (status != QUIRE_OK) {
        (void)refuse(out_error, error_size, status, folder.text,
            status == QUIRE_ECRYPTO ? "does not open with this key file; name the right one with "
                                      "--key-file."
                                    : "cannot be read. Run `quire status` on it, which says more.");
        goto out;
    }
    status = check(&instance, folder.text, out_error, error_size);
out:
    qr_client_wipe(key, sizeof key);
    qr_client_records_close(records);
    if (status != QUIRE_OK) {
        qr_instance_finish(&instance);
        return status;
    }
    *out_instance = instance;
    return QUIRE_OK;
}

void qr_instance_finish(struct qr_instance *instance)
{
    qr_vault_destroy(instance->vault);
    qr_roster_finish(&instance->roster);
    *instance = (struct qr_instance){0};
}
