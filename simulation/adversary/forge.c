/*
 * Batches and records made by hand: right in everything but what the strategy chooses.
 */
#include "mallory.h"

#include "crypto/sign.h"
#include "sync/transcript.h"

#include <stdlib.h>
#include <string.h>

static void must(enum quire_status status)
{
    if (status != QUIRE_OK) {
        abort(); /* Mallory's own mistake */
    }
}

struct draft forge_draft(
    const struct account *account, const uint8_t *replica, const uint8_t *device)
{
    static const uint8_t zeros[QR_HASH_SIZE];
    const uint8_t *head = zeros;
    struct draft draft = {.seq = archive_head(account, replica, &head) + 1,
        .roster_seq = account->roster.count - 1,
        .epoch = account->roster.epoch,
        .change = {.kind = QR_CHANGE_HEADS, .entry = zeros, .nonce = zeros}};
    memcpy(draft.replica, replica, QR_REPLICA_SIZE);
    memcpy(draft.device, device, QR_DEVICE_SIZE);
    memcpy(draft.prev, head, QR_HASH_SIZE);
    return draft;
}

/* Hashes and signs the bytes of a batch anew. */
static void sign(
    const struct account *account, const struct qr_vault *vault, struct quire_buffer *bytes)
{
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    uint8_t signed_hash[QR_HASH_SIZE];
    must(qr_batch_read(quire_buffer_bytes(bytes), batch));
    archive_signed(account, batch, signed_hash);
    qr_vault_sign(vault, QR_CONTEXT_BATCH_SIGN,
        &(struct quire_bytes){signed_hash, sizeof signed_hash}, 1,
        bytes->data + bytes->size - QR_SIGNATURE_SIZE);
    free(batch);
}

void forge_batch(const struct account *account, const struct draft *draft,
    const struct qr_vault *vault, struct quire_buffer *out_batch, uint8_t out_hash[QR_HASH_SIZE])
{
    static const uint8_t zeros[QR_SIGNATURE_SIZE];
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    *batch = (struct qr_batch){.replica = draft->replica,
        .seq = draft->seq,
        .device = draft->device,
        .roster_seq = draft->roster_seq,
        .epoch = draft->epoch,
        .caught_up_at = draft->caught_up_at,
        .prev = draft->prev,
        .change_count = 1,
        .dep_count = draft->has_dep};
    batch->deps[0] = draft->dep;
    batch->changes[0] = draft->change;
    quire_buffer_clear(out_batch);
    must(qr_batch_write(batch, out_batch));
    must(quire_buffer_append(out_batch, zeros, sizeof zeros));
    sign(account, vault, out_batch);
    must(qr_batch_read(quire_buffer_bytes(out_batch), batch));
    archive_hash(account, batch, out_hash);
    free(batch);
}

void forge_record(
    const struct qr_vault *vault, const struct qr_record *record, struct quire_buffer *out_record)
{
    uint8_t hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    quire_buffer_clear(out_record);
    must(qr_record_write(record, out_record));
    qr_record_hash(quire_buffer_bytes(out_record), hash);
    qr_vault_sign(
        vault, QR_CONTEXT_ROSTER_SIGN, &(struct quire_bytes){hash, sizeof hash}, 1, signature);
    must(quire_buffer_append(out_record, signature, sizeof signature));
}
