/*
 * Devices that no user meant to revoke. A server that forgot a revocation lets the revoked device enrol
 * other devices. A device that knows better revokes it anew, and with it the devices that it enrolled:
 * a friend cannot be told from a second thief (protocol/roster.md). Users are told, and copy by hand what
 * was written there; here it is excused, as when a user revokes. A device that is revoked for any other
 * reason stays demanded, and fails the run.
 */
#include "people.h"
#include "codec/roster.h"
#include "crypto/sign.h"
#include "model.h"
#include "server/server.h"
#include <string.h>

/* The phone of a user that has this device, and is not a clone of another one. */
static struct phone *phone_of(struct world *world, uint32_t user, const uint8_t *device)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->user == user && memcmp(phone->state.device, device, QUIRE_DEVICE_SIZE) == 0) {
            return phone;
        }
    }
    return NULL;
}

/* Who enrolled the device, in the roster that the server has. False: none did. */
static bool enrolled_by(const struct server *server, const uint8_t *user, const uint8_t *device,
    uint8_t out_signer[QR_DEVICE_SIZE])
{
    for (size_t i = server->written; i > 0; i--) {
        const struct stored *stored = &server->log[i - 1];
        struct qr_record record;
        uint8_t added[QR_DEVICE_SIZE];
        if (stored->entry.kind != QR_LOG_ROSTER || stored->forgotten
            || memcmp(stored->user, user, QR_USER_SIZE) != 0
            || qr_record_read((struct quire_bytes){stored->bytes, stored->entry.size}, &record)
                != QUIRE_OK
            || record.kind != QR_RECORD_ADD) {
            continue;
        }
        qr_device_id(added, record.add.sign_public, record.add.box_public);
        if (memcmp(added, device, QR_DEVICE_SIZE) == 0) {
            memcpy(out_signer, record.signer, QR_DEVICE_SIZE);
            return true;
        }
    }
    return false;
}

/* The kit enrols a new device in the place of the one that wrote least recently, where as many devices are
 * active as may be. Its user chose that by taking the kit: here as when a user revokes. */
static struct phone *replaces(struct world *world, uint32_t user, const struct phone *target)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone != target && phone->user == user && phone->device != NULL && !phone->revoked) {
            return phone;
        }
    }
    return NULL;
}

static void record_written(struct world *world, const struct qr_log_record *written)
{
    const uint8_t *user_id = written->user;
    struct qr_record record;
    uint8_t signer[QR_DEVICE_SIZE];
    uint32_t user = 0;
    if (written->entry.kind != QR_LOG_ROSTER) {
        return;
    }
    while (user < world->options.users
        && memcmp(world->model->users[user].id, user_id, QR_USER_SIZE) != 0) {
        user++;
    }
    if (user == world->options.users || qr_record_read(written->bytes, &record) != QUIRE_OK
        || record.kind != QR_RECORD_REVOKE) {
        return;
    }
    static const uint8_t root[QR_DEVICE_SIZE];
    bool recovers = memcmp(record.signer, root, QR_DEVICE_SIZE) == 0;
    if (!recovers && !enrolled_by(world->server, user_id, record.revoke.device, signer)) {
        return;
    }
    struct phone *target = phone_of(world, user, record.revoke.device);
    if (target == NULL || target->revoked) {
        return;
    }
    struct phone *by =
        recovers ? replaces(world, user, target) : phone_of(world, user, record.signer);
    const struct phone *guest_of = recovers ? NULL : phone_of(world, user, signer);
    if (by == NULL || by->device == NULL
        || (!recovers && (guest_of == NULL || !guest_of->revoked))) {
        return;
    }
    if (recovers) {
        TRACE(world, "phone # makes room for a device that joins by the kit", target->number);
    } else {
        TRACE(world, "phone # goes with phone #, which had enrolled it", target->number,
            guest_of->number);
    }
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->user == user
            && memcmp(phone->state.device, record.revoke.device, QUIRE_DEVICE_SIZE) == 0) {
            model_revoked(world, phone, by); /* its clones, too */
        }
    }
}

const struct observer revoked_along_observer = {.server_writes = record_written};
