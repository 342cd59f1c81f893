/*
 * A user's roster: each record is checked against those before it.
 */
#include "sync/roster.h"
#include "base/failpoint.h"
#include "base/limit.h"
#include "base/reader.h"
#include "crypto/sign.h"
#include <stdlib.h>

void qr_roster_finish(struct qr_roster *roster)
{
    quire_buffer_finish(&roster->bytes);
    free(roster->entries);
    free(roster->devices);
    *roster = (struct qr_roster){0};
}

enum quire_status qr_roster_copy(const struct qr_roster *roster, struct qr_roster *out_copy)
{
    struct qr_roster copy = *roster;
    copy.bytes = (struct quire_buffer){0};
    copy.entries = malloc((roster->count + 1) * sizeof *copy.entries);
    copy.devices = malloc((roster->device_count + 1) * sizeof *copy.devices);
    if (copy.entries == NULL || copy.devices == NULL
        || quire_buffer_append(&copy.bytes, roster->bytes.data, roster->bytes.size) != QUIRE_OK) {
        qr_roster_finish(&copy);
        return QUIRE_ENOMEM;
    }
    if (roster->count > 0) {
        memcpy(copy.entries, roster->entries, roster->count * sizeof *copy.entries);
    }
    if (roster->device_count > 0) {
        memcpy(copy.devices, roster->devices, roster->device_count * sizeof *copy.devices);
    }
    *out_copy = copy;
    return QUIRE_OK;
}

void qr_record_hash(struct quire_bytes signed_bytes, uint8_t out_hash[QR_HASH_SIZE])
{
    qr_hash(out_hash, QR_CONTEXT_ROSTER, &signed_bytes, 1);
}

void qr_record_user(struct quire_bytes signed_bytes, uint8_t out_user[QR_USER_SIZE])
{
    qr_hash(out_user, QR_CONTEXT_USER, &signed_bytes, 1);
}

struct quire_bytes qr_roster_record(const struct qr_roster *roster, uint32_t seq)
{
    const struct qr_roster_entry *entry = &roster->entries[seq];
    return (struct quire_bytes){roster->bytes.data + entry->offset, entry->size};
}

const uint8_t *qr_roster_head(const struct qr_roster *roster)
{
    static const uint8_t none[QR_HASH_SIZE];
    return roster->count == 0 ? none : roster->entries[roster->count - 1].hash;
}

const struct qr_roster_device *qr_roster_find(const struct qr_roster *roster, const uint8_t *device)
{
    for (size_t i = 0; i < roster->device_count; i++) {
        if (memcmp(roster->devices[i].device, device, QR_DEVICE_SIZE) == 0) {
            return &roster->devices[i];
        }
    }
    return NULL;
}

bool qr_roster_active(const struct qr_roster *roster, const uint8_t *device)
{
    const struct qr_roster_device *found = qr_roster_find(roster, device);
    return found != NULL && found->revoked_seq == 0;
}

uint64_t qr_roster_pin(const struct qr_roster *roster, const uint8_t *device,
    const uint8_t *replica, uint8_t out_hash[QR_HASH_SIZE])
{
    const struct qr_roster_device *found = qr_roster_find(roster, device);
    struct qr_record record;
    if (found == NULL) {
        return 0;
    }
    if (found->revoked_seq == 0) {
        return UINT64_MAX;
    }
    if (qr_record_read(qr_roster_record(roster, found->revoked_seq), &record) != QUIRE_OK) {
        return 0;
    }
    for (size_t i = 0; i < record.revoke.pin_count; i++) {
        const struct qr_dep *pin = &record.revoke.pins[i];
        if (memcmp(pin->replica, replica, QR_REPLICA_SIZE) == 0) {
            memcpy(out_hash, pin->hash, QR_HASH_SIZE);
            return pin->seq;
        }
    }
    return 0;
}

bool qr_roster_admits(const struct qr_roster *roster, const uint8_t *device, const uint8_t *replica,
    uint64_t seq, const uint8_t *hash)
{
    uint8_t pinned[QR_HASH_SIZE];
    uint64_t pin = qr_roster_pin(roster, device, replica, pinned);
    return pin == UINT64_MAX || seq < pin
        || (seq == pin && memcmp(hash, pinned, QR_HASH_SIZE) == 0);
}

enum quire_status qr_roster_epoch_record(
    const struct qr_roster *roster, uint32_t epoch, struct qr_record *out_record)
{
    for (uint32_t seq = 1; seq < roster->count; seq++) {
        if (roster->entries[seq].epoch == epoch && roster->entries[seq - 1].epoch != epoch) {
            return qr_record_read(qr_roster_record(roster, seq), out_record);
        }
    }
    return QUIRE_ENOTFOUND;
}

/* The key that signs for `signer`; NULL: it is no active device. */
static const uint8_t *signer_key(const struct qr_roster *roster, const uint8_t *signer)
{
    if (qr_is_zero(signer, QR_DEVICE_SIZE)) {
        return roster->root;
    }
    const struct qr_roster_device *device = qr_roster_find(roster, signer);
    return device != NULL && device->revoked_seq == 0 ? device->sign_public : NULL;
}

static bool is_by_root(const struct qr_record *record)
{
    return qr_is_zero(record->signer, QR_DEVICE_SIZE);
}

/* A revocation, or the new key that follows it. Each takes an active device away, and no enrolment
 * gives one back from this reserve: it lasts until all are revoked. */
static bool is_revoking(const struct qr_roster *roster, const struct qr_record *record)
{
    return record->kind == QR_RECORD_REVOKE
        || (record->kind == QR_RECORD_EPOCH && roster->count > 0
            && roster->entries[roster->count - 1].kind == QR_RECORD_REVOKE);
}

/* A reserve of records where fewer records are allowed: the same share, rounded up. */
static size_t scaled(size_t reserve, size_t most)
{
    return (reserve * most + QR_RECORDS_MAX - 1) / QR_RECORDS_MAX;
}

/* Enrolments end first, then revocations, then the root's own records. */
static bool has_room(const struct qr_roster *roster, const struct qr_record *record)
{
    size_t bytes = 0, records = 0; /* reserved for others */
    size_t most = QR_LIMIT(RECORDS, QR_RECORDS_MAX);
    if (!is_by_root(record)) {
        bool revoking = is_revoking(roster, record);
        bytes = QR_ROOT_RESERVE + (revoking ? 0 : QR_REVOKE_RESERVE);
        records = scaled(QR_ROOT_RECORDS_RESERVE, most)
            + (revoking ? 0 : scaled(QR_REVOKE_RECORDS_RESERVE, most));
    }
    return roster->count + records < most
        && roster->bytes.size + record->bytes.size <= QR_ROSTER_MAX - bytes;
}

uint32_t qr_roster_fullness(const struct qr_roster *roster)
{
    size_t bytes = QR_ROSTER_MAX - QR_ROOT_RESERVE - QR_REVOKE_RESERVE;
    size_t records = QR_RECORDS_MAX - QR_ROOT_RECORDS_RESERVE - QR_REVOKE_RECORDS_RESERVE;
    size_t devices = QR_ROSTER_DEVICES_MAX - QR_ROOT_DEVICES_RESERVE;
    size_t parts[] = {100 * roster->bytes.size / bytes, 100 * (size_t)roster->count / records,
        100 * roster->device_count / devices};
    size_t most = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        most = parts[i] > most ? parts[i] : most;
    }
    return most > 100 ? 100 : (uint32_t)most;
}

static enum quire_status check_add(const struct qr_roster *roster, const struct qr_record *record)
{
    uint8_t device[QR_DEVICE_SIZE];
    qr_device_id(device, record->add.sign_public, record->add.box_public);
    if (qr_roster_find(roster, device) != NULL || roster->epoch == 0
        || record->add.epoch != roster->epoch) {
        return QUIRE_EMALFORMED;
    }
    size_t ever = QR_ROSTER_DEVICES_MAX - (is_by_root(record) ? 0 : QR_ROOT_DEVICES_RESERVE);
    bool full =
        roster->active_count >= QR_LIMIT(DEVICES, QR_DEVICES_MAX) || roster->device_count >= ever;
    return full ? QUIRE_ELIMIT : QUIRE_OK;
}

/* An epoch's key goes to the recovery key and to exactly the devices that are active. */
static enum quire_status check_epoch(const struct qr_roster *roster, const struct qr_record *record)
{
    if (record->epoch.epoch != roster->epoch + 1
        || record->epoch.seal_count != roster->active_count + 1
        || !qr_is_zero(record->epoch.seals[0].device, QR_DEVICE_SIZE)) {
        return QUIRE_EMALFORMED;
    }
    for (size_t i = 1; i < record->epoch.seal_count; i++) {
        if (!qr_roster_active(roster, record->epoch.seals[i].device)) {
            return QUIRE_EMALFORMED;
        }
    }
    return QUIRE_OK;
}

static enum quire_status check_meaning(
    const struct qr_roster *roster, const struct qr_record *record)
{
    switch (record->kind) {
    case QR_RECORD_GENESIS:
        return record->seq == 0 && qr_is_zero(record->signer, QR_DEVICE_SIZE) ? QUIRE_OK
                                                                              : QUIRE_EMALFORMED;
    case QR_RECORD_ADD: return check_add(roster, record);
    case QR_RECORD_REVOKE:
        return qr_roster_active(roster, record->revoke.device) ? QUIRE_OK : QUIRE_EMALFORMED;
    case QR_RECORD_EPOCH: return check_epoch(roster, record);
    default: return QUIRE_EUNSUPPORTED;
    }
}

static void adopt(struct qr_roster *roster, const struct qr_record *record)
{
    switch (record->kind) {
    case QR_RECORD_GENESIS:
        qr_record_user(record->signed_bytes, roster->user);
        memcpy(roster->root, record->genesis.root, QR_KEY_SIZE);
        memcpy(roster->recovery, record->genesis.recovery, QR_KEY_SIZE);
        break;
    case QR_RECORD_ADD: {
        struct qr_roster_device *device = &roster->devices[roster->device_count++];
        *device = (struct qr_roster_device){.added_seq = record->seq};
        memcpy(device->sign_public, record->add.sign_public, QR_KEY_SIZE);
        memcpy(device->box_public, record->add.box_public, QR_KEY_SIZE);
        qr_device_id(device->device, device->sign_public, device->box_public);
        roster->active_count++;
        break;
    }
    case QR_RECORD_REVOKE:
        for (size_t i = 0; i < roster->device_count; i++) {
            if (memcmp(roster->devices[i].device, record->revoke.device, QR_DEVICE_SIZE) == 0) {
                roster->devices[i].revoked_seq = record->seq;
            }
        }
        roster->active_count--;
        break;
    default: roster->epoch = record->epoch.epoch; break;
    }
}

static enum quire_status check_signature(const struct qr_roster *roster,
    const struct qr_record *record, const uint8_t hash[QR_HASH_SIZE],
    struct qr_roster_proof *out_proof)
{
    const uint8_t *key = record->kind == QR_RECORD_GENESIS ? record->genesis.root
                                                           : signer_key(roster, record->signer);
    if (out_proof != NULL) {
        if (key == NULL) {
            return QUIRE_ECRYPTO;
        }
        memcpy(out_proof->public_key, key, QR_KEY_SIZE);
        memcpy(out_proof->hash, hash, QR_HASH_SIZE);
        memcpy(out_proof->signature, record->signature, QR_SIGNATURE_SIZE);
        return QUIRE_OK;
    }
    struct quire_bytes message = {hash, QR_HASH_SIZE};
    bool holds = QR_FAILPOINT_ON(NO_ROSTER_SIGNATURE)
        || (key != NULL && qr_verify(key, QR_CONTEXT_ROSTER_SIGN, &message, 1, record->signature));
    return holds ? QUIRE_OK : QUIRE_ECRYPTO;
}

static enum quire_status append(
    struct qr_roster *roster, struct quire_bytes bytes, struct qr_roster_proof *out_proof)
{
    struct qr_record record;
    enum quire_status status = qr_record_read(bytes, &record);
    if (status != QUIRE_OK) {
        return status;
    }
    bool follows = record.seq == roster->count
        && memcmp(record.prev, qr_roster_head(roster), QR_HASH_SIZE) == 0;
    if (!follows && !QR_FAILPOINT_ON(NO_ROSTER_CHAIN)) {
        return QUIRE_ECONFLICT;
    }
    if ((record.kind == QR_RECORD_GENESIS) != (record.seq == 0)) {
        return QUIRE_EMALFORMED;
    }
    if (!has_room(roster, &record)) {
        return QUIRE_ELIMIT;
    }
    uint8_t hash[QR_HASH_SIZE];
    qr_record_hash(record.signed_bytes, hash);
    status = check_signature(roster, &record, hash, out_proof);
    if (status == QUIRE_OK) {
        status = check_meaning(roster, &record);
    }
    if (status != QUIRE_OK) {
        return status;
    }

    struct qr_roster_entry *entries =
        realloc(roster->entries, (roster->count + 1) * sizeof *entries);
    if (entries == NULL) {
        return QUIRE_ENOMEM;
    }
    roster->entries = entries;
    struct qr_roster_device *devices =
        realloc(roster->devices, (roster->device_count + 1) * sizeof *devices);
    if (devices == NULL) {
        return QUIRE_ENOMEM;
    }
    roster->devices = devices;
    size_t offset = roster->bytes.size;
    status = quire_buffer_append(&roster->bytes, bytes.data, bytes.size);
    if (status != QUIRE_OK) {
        return status;
    }
    adopt(roster, &record);
    struct qr_roster_entry *entry = &roster->entries[roster->count++];
    *entry = (struct qr_roster_entry){
        .offset = offset, .size = bytes.size, .epoch = roster->epoch, .kind = record.kind};
    memcpy(entry->hash, hash, sizeof hash);
    return QUIRE_OK;
}

enum quire_status qr_roster_append(struct qr_roster *roster, struct quire_bytes record)
{
    return append(roster, record, NULL);
}

enum quire_status qr_roster_append_unproved(
    struct qr_roster *roster, struct quire_bytes record, struct qr_roster_proof *out_proof)
{
    return append(roster, record, out_proof);
}
