/*
 * Batches: protocol/vectors/batches.json, and what a replica is refused.
 */
#include "codec/batch.h"
#include "match.h"

static const char *kind_text(uint8_t kind)
{
    return kind == QR_CHANGE_OPS     ? "OPS"
        : kind == QR_CHANGE_HEADS    ? "HEADS"
        : kind == QR_CHANGE_MANIFEST ? "MANIFEST"
        : kind == QR_CHANGE_VERDICT  ? "VERDICT"
                                     : "another";
}

static void match_batch(const json_t *meaning, const struct qr_batch *batch)
{
    struct match match = match_begin(meaning);
    match_number(&match, "version", batch->version);
    match_bytes(&match, "replica", batch->replica, QR_REPLICA_SIZE);
    match_number(&match, "seq", batch->seq);
    match_bytes(&match, "device", batch->device, QR_DEVICE_SIZE);
    match_number(&match, "roster_seq", batch->roster_seq);
    match_number(&match, "epoch", batch->epoch);
    match_number(&match, "caught_up_at", batch->caught_up_at);
    match_bytes(&match, "prev", batch->prev, QR_HASH_SIZE);
    match_bytes(&match, "signature", batch->signature, QR_SIGNATURE_SIZE);
    for (size_t i = 0; i < batch->dep_count; i++) {
        struct match row = match_row(&match, "deps", i, batch->dep_count);
        match_bytes(&row, "replica", batch->deps[i].replica, QR_REPLICA_SIZE);
        match_number(&row, "seq", batch->deps[i].seq);
        match_bytes(&row, "hash", batch->deps[i].hash, QR_HASH_SIZE);
        match_end(&row);
    }
    match_rows_end(&match, "deps", batch->dep_count);
    for (size_t i = 0; i < batch->change_count; i++) {
        const struct qr_change *change = &batch->changes[i];
        struct match row = match_row(&match, "changes", i, batch->change_count);
        match_text(&row, "kind", kind_text(change->kind));
        match_bytes(&row, "entry", change->entry, QR_ENTRY_SIZE);
        match_bytes(&row, "nonce", change->nonce, 24);
        match_data(&row, "ciphertext", change->ciphertext);
        match_end(&row);
        cr_assert_eq(change->blob_count, 0);
    }
    match_rows_end(&match, "changes", batch->change_count);
    match_end(&match);
}

/* head, prev, changes and signature lie one after another and are all of it */
static void check_ranges(const struct qr_batch *batch, struct quire_bytes bytes)
{
    cr_assert_eq(batch->bytes.data, bytes.data);
    cr_assert_eq(batch->bytes.size, bytes.size);
    cr_assert_eq(batch->head.data, bytes.data);
    const uint8_t *next = bytes.data + batch->head.size;
    cr_assert_eq(batch->prev, next);
    next += QR_HASH_SIZE;
    for (size_t i = 0; i < batch->change_count; i++) {
        cr_assert_eq(batch->changes[i].bytes.data, next);
        next += batch->changes[i].bytes.size;
    }
    cr_assert_eq(batch->signature, next);
    cr_assert_eq(next + QR_SIGNATURE_SIZE, bytes.data + bytes.size);
}

Test(batch, valid_batches_are_read_as_they_mean_and_written_as_they_were)
{
    json_t *root = vectors_load("batches.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        const char *name = vector_text(vector, "name");
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_batch batch;
        enum quire_status status = qr_batch_read(bytes, &batch);
        cr_assert_eq(status, QUIRE_OK, "%s: %s", name, quire_status_text(status));
        match_batch(json_object_get(vector, "batch"), &batch);
        check_ranges(&batch, bytes);
        const uint8_t *replica;
        cr_assert_eq(qr_batch_seq(bytes, &replica), batch.seq);
        cr_assert_eq(replica, batch.replica);

        struct quire_buffer written = {0};
        cr_assert_eq(qr_batch_write(&batch, &written), QUIRE_OK, "%s", name);
        cr_assert_eq(written.size, bytes.size - QR_SIGNATURE_SIZE, "%s", name);
        cr_assert_arr_eq(written.data, bytes.data, written.size, "%s", name);
        batch.version = 0; /* every valid one has the lowest version that has its changes */
        quire_buffer_clear(&written);
        cr_assert_eq(qr_batch_write(&batch, &written), QUIRE_OK, "%s", name);
        cr_assert_eq(written.size, bytes.size - QR_SIGNATURE_SIZE, "%s", name);
        cr_assert_arr_eq(written.data, bytes.data, written.size, "%s", name);
        quire_buffer_finish(&written);
        free_copy(bytes);
    }
    json_decref(root);
}

Test(batch, invalid_batches_are_refused_and_change_nothing)
{
    json_t *root = vectors_load("batches.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "invalid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_batch batch, before;
        memset(&batch, 0xa5, sizeof batch);
        memcpy(&before, &batch, sizeof batch);
        enum quire_status status = qr_batch_read(bytes, &batch);
        cr_assert_eq(status, vector_status(vector), "%s: %s", vector_text(vector, "name"),
            quire_status_text(status));
        cr_assert_arr_eq(&batch, &before, sizeof batch);
        free_copy(bytes);
    }
    cr_assert_gt(i, 35);
    json_decref(root);
}

Test(batch, a_batch_cut_short_anywhere_is_malformed)
{
    json_t *root = vectors_load("batches.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        for (size_t size = 0; size < bytes.size && bytes.size < 10000; size++) {
            struct quire_bytes cut = exact_copy((struct quire_bytes){bytes.data, size});
            struct qr_batch batch;
            cr_assert_eq(qr_batch_read(cut, &batch), QUIRE_EMALFORMED, "%s at %zu",
                vector_text(vector, "name"), size);
            free_copy(cut);
        }
        free_copy(bytes);
    }
    json_decref(root);
}

/* A batch that is in order, to be spoilt. */
static struct qr_batch *good_batch(void)
{
    static struct qr_batch batch;
    static const uint8_t bytes[64 * 1024 + 1] = {1, 2, 3};
    static const uint8_t zeros[QR_HASH_SIZE];
    memset(&batch, 0, sizeof batch);
    batch.replica = bytes;
    batch.seq = 1;
    batch.device = bytes;
    batch.epoch = 1;
    batch.prev = zeros;
    batch.change_count = 1;
    for (size_t i = 0; i < QR_CHANGES_MAX; i++) {
        batch.changes[i] = (struct qr_change){
            .kind = QR_CHANGE_OPS, .entry = bytes, .nonce = bytes, .ciphertext = {bytes, 100}};
    }
    return &batch;
}

static void refused(const struct qr_batch *batch, enum quire_status status)
{
    struct quire_buffer written = {0};
    cr_assert_eq(quire_buffer_append(&written, "before", 6), QUIRE_OK);
    cr_assert_eq(qr_batch_write(batch, &written), status);
    cr_assert_eq(written.size, 6);
    quire_buffer_finish(&written);
}

Test(batch, what_reading_would_refuse_is_not_written)
{
    struct qr_batch *batch = good_batch();
    struct quire_buffer written = {0};
    cr_assert_eq(qr_batch_write(batch, &written), QUIRE_OK);
    quire_buffer_finish(&written);

    batch->seq = 2;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->device = batch->prev;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->changes[0].kind = QR_CHANGE_CKPT;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->changes[0].kind = QR_CHANGE_TOMB; /* of version 2, and of a later program */
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->changes[0].kind = QR_CHANGE_MANIFEST; /* about an entry */
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->version = 2;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->change_count = 0;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->dep_count = 1;
    refused(batch, QUIRE_EINVALID);
    batch = good_batch();
    batch->dep_count = QR_DEPS_MAX + 1;
    refused(batch, QUIRE_ELIMIT);
    batch = good_batch();
    batch->change_count = QR_CHANGES_MAX + 1;
    refused(batch, QUIRE_ELIMIT);
    batch = good_batch();
    batch->changes[0].ciphertext.size = QR_CHANGE_MAX + 1;
    refused(batch, QUIRE_ELIMIT);
}

Test(batch, a_batch_that_would_be_too_large_with_its_signature_is_not_written)
{
    struct qr_batch *batch = good_batch();
    const size_t without_content =
        51 + QR_HASH_SIZE + 4 * (1 + QR_ENTRY_SIZE + 1 + 24 + 4) + QR_SIGNATURE_SIZE;
    batch->change_count = 4;
    size_t left = QR_BATCH_MAX - without_content;
    for (size_t i = 0; i < 4; i++) {
        size_t size = left < QR_CHANGE_MAX ? left : QR_CHANGE_MAX;
        batch->changes[i].ciphertext.size = size;
        left -= size;
    }
    struct quire_buffer written = {0};
    cr_assert_eq(qr_batch_write(batch, &written), QUIRE_OK);
    cr_assert_eq(written.size, QR_BATCH_MAX - QR_SIGNATURE_SIZE);
    quire_buffer_finish(&written);
    batch->changes[3].ciphertext.size++;
    refused(batch, QUIRE_ELIMIT);
}
