/*
 * Batches: reading and writing side by side, and the rules that hold for both.
 */
#include "codec/batch.h"
#include "base/reader.h"
#include "base/writer.h"
#include "codec/dep.h"
#include <string.h>

#define NONCE_SIZE 24
#define REPLICA_OFFSET 1
#define SEQ_OFFSET (REPLICA_OFFSET + QR_REPLICA_SIZE)

/* Alone in its batch, and about no one entry. */
static bool stands_alone(const struct qr_batch *batch, const struct qr_change *change)
{
    return batch->change_count == 1 && qr_is_zero(change->entry, QR_ENTRY_SIZE)
        && qr_is_zero(change->nonce, NONCE_SIZE);
}

/* The kinds of version 1. */
static enum quire_status check_kind_1(
    const struct qr_batch *batch, const struct qr_change *change, bool *reserved)
{
    switch (change->kind) {
    case QR_CHANGE_OPS: return change->ciphertext.size > 0 ? QUIRE_OK : QUIRE_EMALFORMED;
    case QR_CHANGE_HEADS:
        return stands_alone(batch, change) && change->ciphertext.size == 0 ? QUIRE_OK
                                                                           : QUIRE_EMALFORMED;
    case QR_CHANGE_CKPT:
    case QR_CHANGE_TOMB:
    case QR_CHANGE_MANIFEST:
    case QR_CHANGE_COPY: *reserved = true; return QUIRE_OK;
    default: return QUIRE_EMALFORMED;
    }
}

/* Those that version 2 adds. OPS in it need an entry's secret (KEY), and HEADS are of version 1. */
static enum quire_status check_kind_2(
    const struct qr_batch *batch, const struct qr_change *change, bool *reserved)
{
    switch (change->kind) {
    case QR_CHANGE_MANIFEST:
    case QR_CHANGE_VERDICT:
        return stands_alone(batch, change) && change->ciphertext.size > 0 ? QUIRE_OK
                                                                          : QUIRE_EMALFORMED;
    case QR_CHANGE_OPS:
    case QR_CHANGE_TOMB:
    case QR_CHANGE_KEY: *reserved = true; return QUIRE_OK;
    default: return QUIRE_EMALFORMED;
    }
}

/* What this program knows of a change. */
static enum quire_status check_change(
    const struct qr_batch *batch, uint8_t version, const struct qr_change *change, bool *reserved)
{
    if (change->blob_count > QR_BLOBS_MAX || change->ciphertext.size > QR_CHANGE_MAX) {
        return QUIRE_ELIMIT;
    }
    if (version > QR_BATCH_VERSION) {
        return QUIRE_OK;
    }
    *reserved |= change->blob_count > 0;
    return version == 1 ? check_kind_1(batch, change, reserved)
                        : check_kind_2(batch, change, reserved);
}

/* The lowest version that has all kinds of changes of a batch. */
static uint8_t lowest_version(const struct qr_batch *batch)
{
    uint8_t lowest = 1;
    for (size_t i = 0; i < batch->change_count; i++) {
        uint8_t kind = batch->changes[i].kind;
        lowest = kind == QR_CHANGE_OPS || kind == QR_CHANGE_HEADS ? lowest : 2;
    }
    return lowest;
}

/* The rules of a batch beyond its layout; the counts are within the arrays. */
static enum quire_status check(const struct qr_batch *batch, uint8_t version, bool *out_reserved)
{
    bool first = batch->seq == 1;
    if (batch->seq == 0 || batch->epoch == 0 || batch->change_count == 0
        || qr_is_zero(batch->device, QR_DEVICE_SIZE)
        || first != qr_is_zero(batch->prev, QR_HASH_SIZE)
        || !qr_deps_ascend(batch->deps, batch->dep_count)) {
        return QUIRE_EMALFORMED;
    }
    for (size_t i = 0; i < batch->dep_count; i++) {
        if (memcmp(batch->deps[i].replica, batch->replica, QR_REPLICA_SIZE) == 0) {
            return QUIRE_EMALFORMED;
        }
    }
    for (size_t i = 0; i < batch->change_count; i++) {
        enum quire_status status = check_change(batch, version, &batch->changes[i], out_reserved);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    return QUIRE_OK;
}

static void read_change(struct qr_reader *reader, struct qr_change *out_change)
{
    const uint8_t *start = reader->next;
    out_change->kind = qr_read_u8(reader);
    out_change->entry = qr_read_bytes(reader, QR_ENTRY_SIZE).data;
    out_change->blob_count = qr_read_u8(reader);
    out_change->blobs = qr_read_bytes(reader, (size_t)out_change->blob_count * QR_HASH_SIZE).data;
    out_change->nonce = qr_read_bytes(reader, NONCE_SIZE).data;
    out_change->ciphertext = qr_read_bytes(reader, qr_read_u32(reader));
    out_change->bytes = (struct quire_bytes){start, (size_t)(reader->next - start)};
}

static void write_change(struct qr_writer *writer, const struct qr_change *change)
{
    qr_write_u8(writer, change->kind);
    qr_write_bytes(writer, change->entry, QR_ENTRY_SIZE);
    qr_write_u8(writer, change->blob_count);
    qr_write_bytes(writer, change->blobs, (size_t)change->blob_count * QR_HASH_SIZE);
    qr_write_bytes(writer, change->nonce, NONCE_SIZE);
    qr_write_u32(writer, (uint32_t)change->ciphertext.size);
    qr_write_bytes(writer, change->ciphertext.data, change->ciphertext.size);
}

/* Reads everything into *batch, whose arrays may be left uninitialised beyond the counts. */
static enum quire_status read_layout(struct qr_reader *reader, struct qr_batch *batch)
{
    const uint8_t *start = reader->next;
    batch->version = qr_read_u8(reader);
    batch->reserved = false;
    if (reader->failed || batch->version == 0) {
        return QUIRE_EMALFORMED;
    }
    batch->replica = qr_read_bytes(reader, QR_REPLICA_SIZE).data;
    batch->seq = qr_read_u64(reader);
    batch->device = qr_read_bytes(reader, QR_DEVICE_SIZE).data;
    batch->roster_seq = qr_read_u32(reader);
    batch->epoch = qr_read_u32(reader);
    batch->caught_up_at = qr_read_u64(reader);
    batch->dep_count = qr_read_u8(reader);
    if (batch->dep_count > QR_DEPS_MAX) {
        return QUIRE_ELIMIT;
    }
    for (size_t i = 0; i < batch->dep_count; i++) {
        qr_read_dep(reader, &batch->deps[i]);
    }
    batch->change_count = qr_read_u8(reader);
    if (batch->change_count > QR_CHANGES_MAX) {
        return QUIRE_ELIMIT;
    }
    batch->head = (struct quire_bytes){start, (size_t)(reader->next - start)};
    batch->prev = qr_read_bytes(reader, QR_HASH_SIZE).data;
    for (size_t i = 0; i < batch->change_count; i++) {
        read_change(reader, &batch->changes[i]);
    }
    batch->signature = qr_read_bytes(reader, QR_SIGNATURE_SIZE).data;
    return qr_reader_done(reader) ? QUIRE_OK : QUIRE_EMALFORMED;
}

static enum quire_status read_batch(struct quire_bytes bytes, bool any, struct qr_batch *out_batch)
{
    if (bytes.size > QR_BATCH_MAX) {
        return QUIRE_ELIMIT;
    }
    struct qr_batch batch;
    struct qr_reader reader = qr_reader_over(bytes);
    enum quire_status status = read_layout(&reader, &batch);
    if (status == QUIRE_OK) {
        status = check(&batch, batch.version, &batch.reserved);
    }
    if (status == QUIRE_OK && !any && (batch.version > QR_BATCH_VERSION || batch.reserved)) {
        status = QUIRE_EUNSUPPORTED;
    }
    if (status != QUIRE_OK) {
        return status;
    }
    batch.bytes = bytes;
    /* not the whole struct: most of it is room for dependencies and changes that are not there */
    memcpy(out_batch, &batch, offsetof(struct qr_batch, deps));
    memcpy(out_batch->deps, batch.deps, batch.dep_count * sizeof(batch.deps[0]));
    memcpy(out_batch->changes, batch.changes, batch.change_count * sizeof(batch.changes[0]));
    return QUIRE_OK;
}

enum quire_status qr_batch_read(struct quire_bytes bytes, struct qr_batch *out_batch)
{
    return read_batch(bytes, false, out_batch);
}

enum quire_status qr_batch_read_any(struct quire_bytes bytes, struct qr_batch *out_batch)
{
    return read_batch(bytes, true, out_batch);
}

enum quire_status qr_batch_write(const struct qr_batch *batch, struct quire_buffer *out_bytes)
{
    if (batch->dep_count > QR_DEPS_MAX || batch->change_count > QR_CHANGES_MAX) {
        return QUIRE_ELIMIT;
    }
    uint8_t version = batch->version == 0 ? lowest_version(batch) : batch->version;
    bool reserved = false;
    enum quire_status status = check(batch, version, &reserved);
    if (status != QUIRE_OK || reserved) {
        return status == QUIRE_ELIMIT ? QUIRE_ELIMIT : QUIRE_EINVALID;
    }
    size_t start = out_bytes->size;
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, version);
    qr_write_bytes(&writer, batch->replica, QR_REPLICA_SIZE);
    qr_write_u64(&writer, batch->seq);
    qr_write_bytes(&writer, batch->device, QR_DEVICE_SIZE);
    qr_write_u32(&writer, batch->roster_seq);
    qr_write_u32(&writer, batch->epoch);
    qr_write_u64(&writer, batch->caught_up_at);
    qr_write_u8(&writer, (uint8_t)batch->dep_count);
    for (size_t i = 0; i < batch->dep_count; i++) {
        qr_write_dep(&writer, &batch->deps[i]);
    }
    qr_write_u8(&writer, (uint8_t)batch->change_count);
    qr_write_bytes(&writer, batch->prev, QR_HASH_SIZE);
    for (size_t i = 0; i < batch->change_count; i++) {
        write_change(&writer, &batch->changes[i]);
    }
    status = qr_writer_end(&writer);
    if (status == QUIRE_OK && out_bytes->size - start > QR_BATCH_MAX - QR_SIGNATURE_SIZE) {
        out_bytes->size = start;
        status = QUIRE_ELIMIT;
    }
    return status;
}

uint64_t qr_batch_seq(struct quire_bytes bytes, const uint8_t **out_replica)
{
    *out_replica = bytes.data + REPLICA_OFFSET;
    return qr_load_u64(bytes.data + SEQ_OFFSET);
}
