/*
 * Roster records: reading and writing side by side, and the rules that hold for both.
 */
#include "codec/roster.h"
#include "base/reader.h"
#include "base/writer.h"
#include "codec/dep.h"
#include <string.h>

#define RECORD_VERSION 1

/* ---- rules: what a record must be beyond its layout; the counts are within the arrays --------- */

static enum quire_status check_epoch(const struct qr_record *record)
{
    size_t count = record->epoch.seal_count;
    bool wrapped = record->epoch.wrap != NULL;
    if (record->epoch.epoch == 0 || wrapped != (record->epoch.epoch > 1) || count == 0
        || !qr_is_zero(record->epoch.seals[0].device, QR_DEVICE_SIZE)) {
        return QUIRE_EMALFORMED;
    }
    for (size_t i = 1; i < count; i++) {
        if (memcmp(record->epoch.seals[i - 1].device, record->epoch.seals[i].device, QR_DEVICE_SIZE)
            >= 0) {
            return QUIRE_EMALFORMED;
        }
    }
    return QUIRE_OK;
}

static enum quire_status check(const struct qr_record *record)
{
    if (record->seq >= QR_RECORDS_MAX) {
        return QUIRE_ELIMIT;
    }
    bool genesis = record->kind == QR_RECORD_GENESIS;
    if (genesis != (record->seq == 0) || genesis != qr_is_zero(record->prev, QR_HASH_SIZE)) {
        return QUIRE_EMALFORMED;
    }
    switch (record->kind) {
    case QR_RECORD_GENESIS:
        return qr_is_zero(record->signer, QR_DEVICE_SIZE) ? QUIRE_OK : QUIRE_EMALFORMED;
    case QR_RECORD_ADD: return record->add.epoch > 0 ? QUIRE_OK : QUIRE_EMALFORMED;
    case QR_RECORD_REVOKE:
        return !qr_is_zero(record->revoke.device, QR_DEVICE_SIZE)
                && qr_deps_ascend(record->revoke.pins, record->revoke.pin_count)
            ? QUIRE_OK
            : QUIRE_EMALFORMED;
    case QR_RECORD_EPOCH: return check_epoch(record);
    case QR_RECORD_SLOT:
    case QR_RECORD_CONSENT:
    case QR_RECORD_MIN_FORMAT: return QUIRE_EUNSUPPORTED;
    default: return QUIRE_EMALFORMED;
    }
}

static enum quire_status check_counts(const struct qr_record *record)
{
    bool too_many = (record->kind == QR_RECORD_REVOKE && record->revoke.pin_count > QR_CHAINS_MAX)
        || (record->kind == QR_RECORD_EPOCH && record->epoch.seal_count > QR_DEVICES_MAX + 1);
    return too_many ? QUIRE_ELIMIT : QUIRE_OK;
}

/* ---- bodies ----------------------------------------------------------------------------------- */

static void read_genesis(struct qr_reader *body, struct qr_record *record)
{
    record->genesis.root = qr_read_bytes(body, QR_KEY_SIZE).data;
    record->genesis.recovery = qr_read_bytes(body, QR_KEY_SIZE).data;
    record->genesis.salt = qr_read_bytes(body, QR_SALT_SIZE).data;
}

static void write_genesis(struct qr_writer *body, const struct qr_record *record)
{
    qr_write_bytes(body, record->genesis.root, QR_KEY_SIZE);
    qr_write_bytes(body, record->genesis.recovery, QR_KEY_SIZE);
    qr_write_bytes(body, record->genesis.salt, QR_SALT_SIZE);
}

static void read_add(struct qr_reader *body, struct qr_record *record)
{
    record->add.sign_public = qr_read_bytes(body, QR_KEY_SIZE).data;
    record->add.box_public = qr_read_bytes(body, QR_KEY_SIZE).data;
    record->add.epoch = qr_read_u32(body);
    record->add.name = qr_read_bytes(body, QR_RECORD_NAME_SIZE).data;
    record->add.seal = qr_read_bytes(body, QR_RECORD_SEAL_SIZE).data;
}

static void write_add(struct qr_writer *body, const struct qr_record *record)
{
    qr_write_bytes(body, record->add.sign_public, QR_KEY_SIZE);
    qr_write_bytes(body, record->add.box_public, QR_KEY_SIZE);
    qr_write_u32(body, record->add.epoch);
    qr_write_bytes(body, record->add.name, QR_RECORD_NAME_SIZE);
    qr_write_bytes(body, record->add.seal, QR_RECORD_SEAL_SIZE);
}

static void read_revoke(struct qr_reader *body, struct qr_record *record)
{
    record->revoke.device = qr_read_bytes(body, QR_DEVICE_SIZE).data;
    record->revoke.pin_count = qr_read_u16(body);
    for (size_t i = 0; i < record->revoke.pin_count && i < QR_CHAINS_MAX; i++) {
        qr_read_dep(body, &record->revoke.pins[i]);
    }
}

static void write_revoke(struct qr_writer *body, const struct qr_record *record)
{
    qr_write_bytes(body, record->revoke.device, QR_DEVICE_SIZE);
    qr_write_u16(body, (uint16_t)record->revoke.pin_count);
    for (size_t i = 0; i < record->revoke.pin_count; i++) {
        qr_write_dep(body, &record->revoke.pins[i]);
    }
}

static void read_epoch(struct qr_reader *body, struct qr_record *record)
{
    record->epoch.epoch = qr_read_u32(body);
    record->epoch.commitment = qr_read_bytes(body, QR_HASH_SIZE).data;
    uint8_t wrap_count = qr_read_u8(body);
    body->failed |= wrap_count > 1;
    record->epoch.wrap = wrap_count == 0 ? NULL : qr_read_bytes(body, QR_RECORD_WRAP_SIZE).data;
    record->epoch.seal_count = qr_read_u8(body);
    for (size_t i = 0; i < record->epoch.seal_count && i < QR_DEVICES_MAX + 1; i++) {
        record->epoch.seals[i].device = qr_read_bytes(body, QR_DEVICE_SIZE).data;
        record->epoch.seals[i].seal = qr_read_bytes(body, QR_RECORD_SEAL_SIZE).data;
    }
}

static void write_epoch(struct qr_writer *body, const struct qr_record *record)
{
    qr_write_u32(body, record->epoch.epoch);
    qr_write_bytes(body, record->epoch.commitment, QR_HASH_SIZE);
    qr_write_u8(body, record->epoch.wrap != NULL);
    if (record->epoch.wrap != NULL) {
        qr_write_bytes(body, record->epoch.wrap, QR_RECORD_WRAP_SIZE);
    }
    qr_write_u8(body, (uint8_t)record->epoch.seal_count);
    for (size_t i = 0; i < record->epoch.seal_count; i++) {
        qr_write_bytes(body, record->epoch.seals[i].device, QR_DEVICE_SIZE);
        qr_write_bytes(body, record->epoch.seals[i].seal, QR_RECORD_SEAL_SIZE);
    }
}

static size_t body_size(const struct qr_record *record)
{
    switch (record->kind) {
    case QR_RECORD_GENESIS: return 2 * QR_KEY_SIZE + QR_SALT_SIZE;
    case QR_RECORD_ADD: return 2 * QR_KEY_SIZE + 4 + QR_RECORD_NAME_SIZE + QR_RECORD_SEAL_SIZE;
    case QR_RECORD_REVOKE: return QR_DEVICE_SIZE + 2 + record->revoke.pin_count * QR_DEP_SIZE;
    default:
        return 4 + QR_HASH_SIZE + 1 + (record->epoch.wrap != NULL ? QR_RECORD_WRAP_SIZE : 0) + 1
            + record->epoch.seal_count * (QR_DEVICE_SIZE + QR_RECORD_SEAL_SIZE);
    }
}

/* ---- records ---------------------------------------------------------------------------------- */

static enum quire_status read_body(struct qr_reader *body, struct qr_record *record)
{
    switch (record->kind) {
    case QR_RECORD_GENESIS: read_genesis(body, record); break;
    case QR_RECORD_ADD: read_add(body, record); break;
    case QR_RECORD_REVOKE: read_revoke(body, record); break;
    case QR_RECORD_EPOCH: read_epoch(body, record); break;
    default: return QUIRE_OK; /* check says what is wrong with the kind */
    }
    enum quire_status status = check_counts(record);
    if (status == QUIRE_OK && !qr_reader_done(body)) {
        status = QUIRE_EMALFORMED;
    }
    return status;
}

static enum quire_status read_layout(struct quire_bytes bytes, struct qr_record *record)
{
    struct qr_reader reader = qr_reader_over(bytes);
    uint8_t version = qr_read_u8(&reader);
    if (reader.failed || version == 0) {
        return QUIRE_EMALFORMED;
    }
    if (version != RECORD_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    record->seq = qr_read_u32(&reader);
    record->prev = qr_read_bytes(&reader, QR_HASH_SIZE).data;
    record->kind = qr_read_u8(&reader);
    record->signer = qr_read_bytes(&reader, QR_DEVICE_SIZE).data;
    struct quire_bytes body = qr_read_bytes(&reader, qr_read_u32(&reader));
    record->signature = qr_read_bytes(&reader, QR_SIGNATURE_SIZE).data;
    if (!qr_reader_done(&reader)) {
        return QUIRE_EMALFORMED;
    }
    record->bytes = bytes;
    record->signed_bytes = (struct quire_bytes){bytes.data, bytes.size - QR_SIGNATURE_SIZE};
    struct qr_reader body_reader = qr_reader_over(body);
    return read_body(&body_reader, record);
}

/* Most of the struct is room for pins: not worth copying for the records that have none. */
static size_t used_size(const struct qr_record *record)
{
    size_t without_pins = offsetof(struct qr_record, revoke.pins);
    switch (record->kind) {
    case QR_RECORD_REVOKE:
        return without_pins + record->revoke.pin_count * sizeof(record->revoke.pins[0]);
    case QR_RECORD_EPOCH: return offsetof(struct qr_record, epoch) + sizeof(record->epoch);
    default: return offsetof(struct qr_record, add) + sizeof(record->add);
    }
}

enum quire_status qr_record_read(struct quire_bytes bytes, struct qr_record *out_record)
{
    if (bytes.size > QR_RECORD_MAX) {
        return QUIRE_ELIMIT;
    }
    struct qr_record record;
    enum quire_status status = read_layout(bytes, &record);
    if (status == QUIRE_OK) {
        status = check(&record);
    }
    if (status == QUIRE_OK) {
        memcpy(out_record, &record, used_size(&record));
    }
    return status;
}

enum quire_status qr_record_write(const struct qr_record *record, struct quire_buffer *out_bytes)
{
    enum quire_status status = check_counts(record);
    if (status == QUIRE_OK) {
        status = check(record);
    }
    if (status != QUIRE_OK) {
        return status == QUIRE_ELIMIT ? QUIRE_ELIMIT : QUIRE_EINVALID;
    }
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, RECORD_VERSION);
    qr_write_u32(&writer, record->seq);
    qr_write_bytes(&writer, record->prev, QR_HASH_SIZE);
    qr_write_u8(&writer, record->kind);
    qr_write_bytes(&writer, record->signer, QR_DEVICE_SIZE);
    qr_write_u32(&writer, (uint32_t)body_size(record));
    switch (record->kind) {
    case QR_RECORD_GENESIS: write_genesis(&writer, record); break;
    case QR_RECORD_ADD: write_add(&writer, record); break;
    case QR_RECORD_REVOKE: write_revoke(&writer, record); break;
    default: write_epoch(&writer, record);
    }
    return qr_writer_end(&writer);
}
