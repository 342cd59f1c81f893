/*
 * The blocking calls: sync, follow, pair, rejoin, revoke.
 */
#include "client/work.h"
#include <string.h>

struct search {
    const uint8_t *device;
    struct qr_client_found_device *found;
};

static bool visit_device(void *context, const struct quire_device_info *info)
{
    struct search *search = context;
    if (memcmp(info->device, search->device, QUIRE_DEVICE_SIZE) == 0) {
        search->found->active = info->active;
        search->found->self = info->self;
        return false;
    }
    return true;
}

enum quire_status qr_client_find_active(struct quire_client *client,
    const uint8_t device[QUIRE_DEVICE_SIZE], struct qr_client_found_device *out_found)
{
    *out_found = (struct qr_client_found_device){0};
    struct search search = {device, out_found};
    return quire_device_each_device(client->device, visit_device, &search);
}

enum quire_status quire_client_sync(struct quire_client *client, uint32_t timeout_ms)
{
    enum quire_status status = qr_client_needs_lock(client);
    return status != QUIRE_OK ? status
                              : qr_client_run(client, QR_CLIENT_GOAL_SYNC, NULL, timeout_ms);
}

enum quire_status quire_client_rejoin(
    struct quire_client *client, const char *code, uint32_t timeout_ms)
{
    uint8_t entropy[QUIRE_ENTROPY_SIZE];
    enum quire_status status = qr_client_needs_lock(client);
    if (status == QUIRE_OK) {
        status = qr_client_random(entropy, sizeof entropy, &client->error);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_device_rejoin(client->device, quire_bytes_of_text(code), entropy);
    qr_client_wipe(entropy, sizeof entropy);
    if (status == QUIRE_EMALFORMED) {
        return qr_client_fail(&client->error, status,
            "This is not a pairing code: a character is wrong or missing. Nothing was changed.");
    }
    if (status == QUIRE_ESTATE) {
        return qr_client_fail(&client->error, status,
            "This device was revoked. It comes back on a new profile, by `join` or by the recovery "
            "kit; what was written here is still here.");
    }
    return status != QUIRE_OK
        ? qr_client_settle(client, status, "The device cannot be enrolled again")
        : qr_client_run(client, QR_CLIENT_GOAL_SYNC, NULL, timeout_ms);
}

enum quire_status quire_client_follow(struct quire_client *client)
{
    enum quire_status status = qr_client_needs_lock(client);
    return status != QUIRE_OK ? status : qr_client_run(client, QR_CLIENT_GOAL_FOLLOW, NULL, 0);
}

enum quire_status quire_client_pair(
    struct quire_client *client, uint32_t timeout_ms, uint8_t out_device[QUIRE_DEVICE_SIZE])
{
    enum quire_status status = qr_client_needs_lock(client);
    if (status == QUIRE_OK) {
        status = qr_client_run(client, QR_CLIENT_GOAL_PAIR, NULL, timeout_ms);
    }
    if (status == QUIRE_OK) {
        memcpy(out_device, client->run.device, QUIRE_DEVICE_SIZE);
    }
    return status;
}

enum quire_status quire_client_revoke(
    struct quire_client *client, const uint8_t device[QUIRE_DEVICE_SIZE], uint32_t timeout_ms)
{
    enum quire_status status = qr_client_needs_lock(client);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_client_found_device found;
    status = qr_client_find_active(client, device, &found);
    if (status != QUIRE_OK) {
        return qr_client_settle(client, status, "The devices cannot be listed");
    }
    if (!found.active) {
        return qr_client_fail(
            &client->error, QUIRE_ENOTFOUND, "There is no such device, or it is revoked already.");
    }
    if (found.self) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "This device cannot revoke itself, and nothing was changed: revoke it on another one.");
    }
    return qr_client_run(client, QR_CLIENT_GOAL_REVOKE, device, timeout_ms);
}
