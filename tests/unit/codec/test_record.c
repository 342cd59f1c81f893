/*
 * Roster records: protocol/vectors/records.json, and what a replica is refused.
 */
#include "base/writer.h"
#include "codec/roster.h"
#include "match.h"

static struct qr_record record, before;

static void match_record(const json_t *meaning)
{
    struct match match = match_begin(meaning);
    match_number(&match, "seq", record.seq);
    match_bytes(&match, "prev", record.prev, QR_HASH_SIZE);
    match_bytes(&match, "signer", record.signer, QR_DEVICE_SIZE);
    match_bytes(&match, "signature", record.signature, QR_SIGNATURE_SIZE);
    switch (record.kind) {
    case QR_RECORD_GENESIS:
        match_text(&match, "kind", "GENESIS");
        match_bytes(&match, "root", record.genesis.root, QR_KEY_SIZE);
        match_bytes(&match, "recovery", record.genesis.recovery, QR_KEY_SIZE);
        match_bytes(&match, "salt", record.genesis.salt, QR_SALT_SIZE);
        break;
    case QR_RECORD_ADD:
        match_text(&match, "kind", "ADD");
        match_bytes(&match, "sign_public", record.add.sign_public, QR_KEY_SIZE);
        match_bytes(&match, "box_public", record.add.box_public, QR_KEY_SIZE);
        match_number(&match, "epoch", record.add.epoch);
        match_bytes(&match, "name", record.add.name, QR_RECORD_NAME_SIZE);
        match_bytes(&match, "seal", record.add.seal, QR_RECORD_SEAL_SIZE);
        break;
    case QR_RECORD_REVOKE:
        match_text(&match, "kind", "REVOKE");
        match_bytes(&match, "device", record.revoke.device, QR_DEVICE_SIZE);
        for (size_t i = 0; i < record.revoke.pin_count; i++) {
            struct match row = match_row(&match, "pins", i, record.revoke.pin_count);
            match_bytes(&row, "replica", record.revoke.pins[i].replica, QR_REPLICA_SIZE);
            match_number(&row, "seq", record.revoke.pins[i].seq);
            match_bytes(&row, "hash", record.revoke.pins[i].hash, QR_HASH_SIZE);
            match_end(&row);
        }
        match_rows_end(&match, "pins", record.revoke.pin_count);
        break;
    default:
        match_text(&match, "kind", "EPOCH");
        match_number(&match, "epoch", record.epoch.epoch);
        match_bytes(&match, "commitment", record.epoch.commitment, QR_HASH_SIZE);
        match_bytes(&match, "wrap", record.epoch.wrap, QR_RECORD_WRAP_SIZE);
        for (size_t i = 0; i < record.epoch.seal_count; i++) {
            struct match row = match_row(&match, "seals", i, record.epoch.seal_count);
            match_bytes(&row, "device", record.epoch.seals[i].device, QR_DEVICE_SIZE);
            match_bytes(&row, "seal", record.epoch.seals[i].seal, QR_RECORD_SEAL_SIZE);
            match_end(&row);
        }
        match_rows_end(&match, "seals", record.epoch.seal_count);
    }
    match_end(&match);
}

static void written_as_it_was(struct quire_bytes bytes)
{
    struct quire_buffer written = {0};
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_OK);
    cr_assert_eq(written.size, bytes.size - QR_SIGNATURE_SIZE);
    cr_assert_arr_eq(written.data, bytes.data, written.size);
    quire_buffer_finish(&written);
}

Test(record, valid_records_are_read_as_they_mean_and_written_as_they_were)
{
    json_t *root = vectors_load("records.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        enum quire_status status = qr_record_read(bytes, &record);
        cr_assert_eq(
            status, QUIRE_OK, "%s: %s", vector_text(vector, "name"), quire_status_text(status));
        match_record(json_object_get(vector, "record"));
        cr_assert_eq(record.bytes.data, bytes.data);
        cr_assert_eq(record.bytes.size, bytes.size);
        cr_assert_eq(record.signed_bytes.data, bytes.data);
        cr_assert_eq(record.signed_bytes.size, bytes.size - QR_SIGNATURE_SIZE);
        cr_assert_eq(record.signature, bytes.data + bytes.size - QR_SIGNATURE_SIZE);
        written_as_it_was(bytes);
        free_copy(bytes);
    }
    json_decref(root);
}

Test(record, invalid_records_are_refused_and_change_nothing)
{
    json_t *root = vectors_load("records.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "invalid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        memset(&record, 0xa5, sizeof record);
        memcpy(&before, &record, sizeof record);
        enum quire_status status = qr_record_read(bytes, &record);
        cr_assert_eq(status, vector_status(vector), "%s: %s", vector_text(vector, "name"),
            quire_status_text(status));
        cr_assert_arr_eq(&record, &before, sizeof record);
        free_copy(bytes);
    }
    cr_assert_gt(i, 35);
    json_decref(root);
}

Test(record, a_record_cut_short_anywhere_is_malformed)
{
    json_t *root = vectors_load("records.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        for (size_t size = 0; size < bytes.size; size++) {
            struct quire_bytes cut = exact_copy((struct quire_bytes){bytes.data, size});
            cr_assert_eq(qr_record_read(cut, &record), QUIRE_EMALFORMED, "%s at %zu",
                vector_text(vector, "name"), size);
            free_copy(cut);
        }
        free_copy(bytes);
    }
    json_decref(root);
}

/* A revocation with so many pins, its signature zeros. */
static void fill_revocation(size_t pin_count)
{
    static const uint8_t bytes[QR_HASH_SIZE] = {1};
    memset(&record, 0, sizeof record);
    record.seq = 1;
    record.kind = QR_RECORD_REVOKE;
    record.prev = bytes;
    record.signer = bytes;
    record.revoke.device = bytes;
    record.revoke.pin_count = pin_count;
    for (size_t i = 0; i < pin_count && i < QR_CHAINS_MAX; i++) {
        qr_store_u64(record.revoke.pins[i].replica, i);
        record.revoke.pins[i].seq = i + 1;
    }
}

Test(record, as_many_chains_are_pinned_as_a_user_may_have)
{
    static const uint8_t signature[QR_SIGNATURE_SIZE];
    struct quire_buffer written = {0};
    fill_revocation(QR_CHAINS_MAX);
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_OK);
    cr_assert_eq(quire_buffer_append(&written, signature, sizeof signature), QUIRE_OK);
    cr_assert_eq(qr_record_read(quire_buffer_bytes(&written), &before), QUIRE_OK);
    cr_assert_eq(before.revoke.pin_count, QR_CHAINS_MAX);
    cr_assert_arr_eq(before.revoke.pins, record.revoke.pins, QR_CHAINS_MAX * sizeof(struct qr_dep));

    size_t size = written.size;
    fill_revocation(QR_CHAINS_MAX + 1);
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_ELIMIT);
    cr_assert_eq(written.size, size);
    quire_buffer_finish(&written);
}

Test(record, what_reading_would_refuse_is_not_written)
{
    struct quire_buffer written = {0};
    fill_revocation(2);
    qr_store_u64(record.revoke.pins[1].replica, 0);
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_EINVALID);
    fill_revocation(1);
    record.seq = 0;
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_EINVALID);
    record.seq = QR_RECORDS_MAX;
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_ELIMIT);
    fill_revocation(1);
    record.kind = QR_RECORD_CONSENT;
    cr_assert_eq(qr_record_write(&record, &written), QUIRE_EINVALID);
    cr_assert_eq(written.size, 0);
    quire_buffer_finish(&written);
}
