/*
 * Roster records made and signed by this device, or by the root of a recovery kit.
 */
#include "sync/device/roster_sign.h"
#include "base/reader.h"
#include <stdlib.h>

enum quire_status device_sign_record(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, struct qr_record *record)
{
    static const uint8_t root[QR_DEVICE_SIZE];
    uint8_t prev[QR_HASH_SIZE], hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_buffer bytes = {0};
    memcpy(prev, qr_roster_head(roster), sizeof prev);
    record->seq = roster->count;
    record->prev = prev;
    record->signer = kit != NULL ? root : qr_vault_public(device->vault).device;
    enum quire_status status = qr_record_write(record, &bytes);
    if (status == QUIRE_OK) {
        qr_record_hash(quire_buffer_bytes(&bytes), hash);
        struct quire_bytes message = {hash, sizeof hash};
        if (kit != NULL) {
            qr_kit_sign(kit, QR_CONTEXT_ROSTER_SIGN, &message, 1, signature);
        } else {
            qr_vault_sign(device->vault, QR_CONTEXT_ROSTER_SIGN, &message, 1, signature);
        }
        status = quire_buffer_append(&bytes, signature, sizeof signature);
    }
    if (status == QUIRE_OK) {
        status = qr_roster_append(roster, quire_buffer_bytes(&bytes));
    }
    quire_buffer_finish(&bytes);
    return status;
}

enum quire_status device_sign_add(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, const uint8_t *sign_public, const uint8_t *box_public,
    struct quire_bytes name)
{
    uint8_t id[QR_DEVICE_SIZE], sealed_name[QR_NAME_SIZE], seal[QR_SEAL_SIZE];
    uint8_t entropy[QR_ENTROPY_SIZE];
    struct qr_record record = {.kind = QR_RECORD_ADD};
    qr_device_id(id, sign_public, box_public);
    device_random(device, entropy);
    enum quire_status status =
        qr_vault_seal_name(device->vault, roster->epoch, id, name, entropy, sealed_name);
    device_random(device, entropy);
    if (status == QUIRE_OK) {
        status = qr_vault_seal_epoch(device->vault, roster->epoch, box_public, entropy, seal);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    record.add.sign_public = sign_public;
    record.add.box_public = box_public;
    record.add.epoch = roster->epoch;
    record.add.name = sealed_name;
    record.add.seal = seal;
    return device_sign_record(device, roster, kit, &record);
}

/* The active devices in order of their ids. */
static size_t active_devices(
    const struct qr_roster *roster, const struct qr_roster_device *out_devices[QR_DEVICES_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < roster->device_count && count < QR_DEVICES_MAX; i++) {
        const struct qr_roster_device *found = &roster->devices[i];
        if (found->revoked_seq != 0) {
            continue;
        }
        size_t place = count++;
        while (place > 0
            && memcmp(out_devices[place - 1]->device, found->device, QR_DEVICE_SIZE) > 0) {
            out_devices[place] = out_devices[place - 1];
            place--;
        }
        out_devices[place] = found;
    }
    return count;
}

enum quire_status device_sign_epoch(
    struct quire_device *device, struct qr_roster *roster, const struct qr_kit *kit)
{
    static const uint8_t recovery[QR_DEVICE_SIZE];
    const struct qr_roster_device *active[QR_DEVICES_MAX];
    size_t count = active_devices(roster, active);
    uint8_t seals[QR_DEVICES_MAX + 1][QR_SEAL_SIZE];
    uint8_t commitment[QR_HASH_SIZE], wrap[QR_WRAP_SIZE], entropy[QR_ENTROPY_SIZE];
    uint32_t epoch = roster->epoch + 1;
    struct qr_record record = {.kind = QR_RECORD_EPOCH};

    device_random(device, entropy);
    enum quire_status status = qr_vault_new_epoch(device->vault, epoch, entropy);
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_vault_commitment(device->vault, epoch, commitment);
    if (status == QUIRE_OK && epoch > 1) {
        device_random(device, entropy);
        status = qr_vault_wrap_previous(device->vault, epoch, entropy, wrap);
        record.epoch.wrap = wrap;
    }
    for (size_t i = 0; i <= count && status == QUIRE_OK; i++) {
        const uint8_t *box = i == 0 ? roster->recovery : active[i - 1]->box_public;
        device_random(device, entropy);
        status = qr_vault_seal_epoch(device->vault, epoch, box, entropy, seals[i]);
        record.epoch.seals[i].device = i == 0 ? recovery : active[i - 1]->device;
        record.epoch.seals[i].seal = seals[i];
    }
    if (status == QUIRE_OK) {
        record.epoch.epoch = epoch;
        record.epoch.commitment = commitment;
        record.epoch.seal_count = count + 1;
        status = device_sign_record(device, roster, kit, &record);
    }
    if (status != QUIRE_OK) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
    return status;
}

static int compare_pins(const void *a, const void *b)
{
    return memcmp(
        ((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica, QR_REPLICA_SIZE);
}

enum quire_status device_sign_revoke(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, const uint8_t *subject)
{
    struct qr_record record = {.kind = QR_RECORD_REVOKE};
    record.revoke.device = subject;
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->head > 0 && memcmp(chain->device, subject, QR_DEVICE_SIZE) == 0) {
            struct qr_dep *pin = &record.revoke.pins[record.revoke.pin_count++];
            memcpy(pin->replica, chain->replica, QR_REPLICA_SIZE);
            memcpy(pin->hash, chain->hash, QR_HASH_SIZE);
            pin->seq = chain->head;
        }
    }
    qsort(record.revoke.pins, record.revoke.pin_count, sizeof *record.revoke.pins, compare_pins);
    return device_sign_record(device, roster, kit, &record);
}

enum quire_status device_sign_revoke_pinned(struct quire_device *device, struct qr_roster *roster,
    const struct qr_kit *kit, const uint8_t *subject, struct quire_bytes pins)
{
    struct qr_record record = {.kind = QR_RECORD_REVOKE};
    struct qr_reader reader = qr_reader_over(pins);
    record.revoke.device = subject;
    if (pins.size > QR_CHAINS_DATA_MAX) {
        return QUIRE_EMALFORMED;
    }
    while (qr_reader_left(&reader) > 0) {
        struct qr_dep *pin = &record.revoke.pins[record.revoke.pin_count++];
        qr_read_copy(&reader, pin->replica, QR_REPLICA_SIZE);
        pin->seq = qr_read_u64(&reader);
        qr_read_copy(&reader, pin->hash, QR_HASH_SIZE);
    }
    if (!qr_reader_done(&reader)) {
        return QUIRE_EMALFORMED;
    }
    enum quire_status status = device_sign_record(device, roster, kit, &record);
    return status == QUIRE_EINVALID ? QUIRE_EMALFORMED : status;
}
