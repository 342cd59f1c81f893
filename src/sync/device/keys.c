/*
 * Epoch keys: opened with this device's key or the kit, each wrapping the one before it.
 */
#include "sync/device/keys.h"

static enum quire_status commitment_of(
    const struct quire_device *device, uint32_t epoch, uint8_t out_commitment[QR_HASH_SIZE])
{
    struct qr_record record;
    enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
    if (status == QUIRE_OK) {
        memcpy(out_commitment, record.epoch.commitment, QR_HASH_SIZE);
    }
    return status;
}

/* The key of one epoch out of the seals of its record. */
static enum quire_status open_seals(struct quire_device *device, uint32_t epoch)
{
    struct qr_record record;
    enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
    if (status != QUIRE_OK) {
        return status;
    }
    if (device->enrolment.kit != NULL) {
        return qr_vault_recover_epoch(device->vault, device->enrolment.kit, epoch,
            record.epoch.seals[0].seal, record.epoch.commitment);
    }
    const uint8_t *self = qr_vault_public(device->vault).device;
    for (size_t i = 1; i < record.epoch.seal_count; i++) {
        if (memcmp(record.epoch.seals[i].device, self, QR_DEVICE_SIZE) == 0) {
            return qr_vault_open_epoch(
                device->vault, epoch, record.epoch.seals[i].seal, record.epoch.commitment);
        }
    }
    return QUIRE_ENOTFOUND;
}

/* The key that came with this device's own enrolment. */
static enum quire_status open_enrolment(struct quire_device *device)
{
    const struct qr_roster_device *self =
        qr_roster_find(&device->roster, qr_vault_public(device->vault).device);
    struct qr_record record;
    uint8_t commitment[QR_HASH_SIZE];
    if (self == NULL) {
        return QUIRE_ENOTFOUND;
    }
    enum quire_status status =
        qr_record_read(qr_roster_record(&device->roster, self->added_seq), &record);
    if (status == QUIRE_OK) {
        status = commitment_of(device, record.add.epoch, commitment);
    }
    if (status == QUIRE_OK && !qr_vault_has_epoch(device->vault, record.add.epoch)) {
        status = qr_vault_open_epoch(device->vault, record.add.epoch, record.add.seal, commitment);
    }
    return status;
}

void device_forget_own_key(
    struct quire_device *device, uint32_t epoch, const uint8_t commitment[QR_HASH_SIZE])
{
    uint8_t held[QR_HASH_SIZE];
    if (qr_vault_commitment(device->vault, epoch, held) == QUIRE_OK
        && memcmp(held, commitment, QR_HASH_SIZE) != 0) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
}

enum quire_status device_accept_keys(struct quire_device *device)
{
    uint32_t epoch = device->roster.epoch;
    uint8_t current[QR_HASH_SIZE];
    enum quire_status known = commitment_of(device, epoch, current);
    if (known != QUIRE_OK) {
        return known;
    }
    device_forget_own_key(device, epoch, current);
    if (!qr_vault_has_epoch(device->vault, epoch)) {
        enum quire_status status = open_seals(device, epoch);
        if (status == QUIRE_ENOTFOUND) {
            status = open_enrolment(device);
        }
        if (status != QUIRE_OK) {
            return status;
        }
    }
    /* Each key wraps the one before it: all history with one key. */
    for (; epoch > 1; epoch--) {
        struct qr_record record;
        uint8_t commitment[QR_HASH_SIZE];
        if (qr_vault_has_epoch(device->vault, epoch - 1)) {
            continue;
        }
        enum quire_status status = qr_roster_epoch_record(&device->roster, epoch, &record);
        if (status == QUIRE_OK) {
            status = commitment_of(device, epoch - 1, commitment);
        }
        if (status == QUIRE_OK) {
            status = qr_vault_unwrap_previous(device->vault, epoch, record.epoch.wrap, commitment);
        }
        if (status != QUIRE_OK) {
            return status;
        }
    }
    return QUIRE_OK;
}

void device_forget_epochs(struct quire_device *device, uint32_t after)
{
    for (uint32_t epoch = qr_vault_epoch(device->vault); epoch > after; epoch--) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
}
