/*
 * Batches, roster records and signatures made by hand.
 */
#include "forge.h"
#include "base/writer.h"
#include "crypto/sign.h"
#include "sync/transcript.h"
#include <assert.h>
#include <quire/document.h>
#include <stdlib.h>

static void ok(enum quire_status status)
{
    assert(status == QUIRE_OK);
}

struct forger forger_of(
    const struct qr_vault *vault, const struct qr_roster *roster, uint8_t replica_name)
{
    struct forger forger = {.vault = vault, .roster = roster, .random = replica_name};
    memset(forger.replica, replica_name, sizeof forger.replica);
    return forger;
}

void forge_random(struct forger *forger, uint8_t out[QR_ENTROPY_SIZE])
{
    static const uint8_t seed[QR_ENTROPY_SIZE] = "a forger's random bytes";
    qr_entropy_expand(out, seed, forger->random);
    forger->random += 256; /* forgers of other names draw other bytes */
}

struct plan forge_plan(const struct forger *forger, const uint8_t *entry, const char *text)
{
    const struct qr_roster *roster = forger->roster;
    struct plan plan = {.seq = forger->seq + 1, .text = text};
    memcpy(plan.replica, forger->replica, sizeof plan.replica);
    memcpy(plan.device, qr_vault_public(forger->vault).device, sizeof plan.device);
    memcpy(plan.prev, forger->head, sizeof plan.prev);
    memcpy(plan.user, roster->user, sizeof plan.user);
    if (entry != NULL) {
        memcpy(plan.entry, entry, sizeof plan.entry);
    }
    plan.roster_seq = roster->count - 1;
    plan.epoch = roster->epoch;
    return plan;
}

/* A delta that types the text, by a replica that no other device has. */
static void make_delta(struct forger *forger, const char *text, struct quire_buffer *out_delta)
{
    struct quire_document *document;
    struct quire_stamp stamp = {.wall_ms = 1700000000000};
    uint8_t random[QR_ENTROPY_SIZE];
    forge_random(forger, random);
    memcpy(stamp.replica, random, sizeof stamp.replica);
    ok(quire_document_create(&document));
    ok(quire_document_insert(document, &stamp, 0, quire_bytes_of_text(text)));
    ok(quire_document_take_delta(document, 60 * 1024, out_delta));
    quire_document_destroy(document);
}

static int compare_deps(const void *a, const void *b)
{
    return memcmp(
        ((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica, QR_REPLICA_SIZE);
}

static void seal(struct forger *forger, const struct plan *plan, uint8_t *out_nonce,
    struct quire_buffer *out_ciphertext)
{
    struct quire_buffer delta = {0};
    uint8_t random[QR_ENTROPY_SIZE];
    struct qr_change_place place = plan->place;
    if (!plan->moved) {
        place =
            (struct qr_change_place){.seq = plan->seq, .kind = QR_CHANGE_OPS, .epoch = plan->epoch};
        memcpy(place.replica, plan->replica, sizeof place.replica);
        memcpy(place.entry, plan->entry, sizeof place.entry);
    }
    if (!qr_vault_has_epoch(forger->vault, place.epoch)) {
        place.epoch = qr_vault_epoch(forger->vault);
    }
    if (plan->delta.size > 0) {
        ok(quire_buffer_append(&delta, plan->delta.data, plan->delta.size));
    } else {
        make_delta(forger, plan->text, &delta);
    }
    forge_random(forger, random);
    ok(qr_vault_seal_change(
        forger->vault, &place, quire_buffer_bytes(&delta), random, out_nonce, out_ciphertext));
    for (size_t i = 0; i < plan->padding; i += sizeof random) {
        size_t left = plan->padding - i;
        forge_random(forger, random);
        ok(quire_buffer_append(
            out_ciphertext, random, left < sizeof random ? left : sizeof random));
    }
    quire_buffer_finish(&delta);
}

void forge_sign(const struct forger *forger, const uint8_t *user, struct quire_buffer *bytes)
{
    static const uint8_t no_record[QR_HASH_SIZE];
    struct qr_batch batch;
    uint8_t signed_hash[QR_HASH_SIZE];
    ok(qr_batch_read_any(quire_buffer_bytes(bytes), &batch));
    const uint8_t *roster_hash = batch.roster_seq < forger->roster->count
        ? forger->roster->entries[batch.roster_seq].hash
        : no_record;
    qr_batch_signed(&batch, user, roster_hash, signed_hash);
    qr_vault_sign(forger->vault, QR_CONTEXT_BATCH_SIGN,
        &(struct quire_bytes){signed_hash, sizeof signed_hash}, 1,
        bytes->data + bytes->size - QR_SIGNATURE_SIZE);
}

void forge_batch(struct forger *forger, const struct plan *plan, struct quire_buffer *out_batch,
    uint8_t *out_hash)
{
    static const uint8_t zeros[QR_SIGNATURE_SIZE];
    struct qr_batch batch = {.version = plan->version,
        .replica = plan->replica,
        .seq = plan->seq,
        .device = plan->device,
        .roster_seq = plan->roster_seq,
        .epoch = plan->epoch,
        .caught_up_at = plan->caught_up_at,
        .prev = plan->prev,
        .dep_count = plan->dep_count,
        .change_count = 1};
    struct quire_buffer ciphertext = {0};
    uint8_t nonce[QR_NONCE_SIZE];
    memcpy(batch.deps, plan->deps, plan->dep_count * sizeof *plan->deps);
    qsort(batch.deps, batch.dep_count, sizeof *batch.deps, compare_deps);
    if (plan->kind != 0) {
        batch.changes[0] = (struct qr_change){
            .kind = plan->kind, .entry = zeros, .nonce = zeros, .ciphertext = plan->clear};
    } else if (plan->text != NULL || plan->delta.size > 0) {
        seal(forger, plan, nonce, &ciphertext);
        batch.changes[0] = (struct qr_change){.kind = QR_CHANGE_OPS,
            .entry = plan->entry,
            .nonce = nonce,
            .ciphertext = quire_buffer_bytes(&ciphertext)};
    } else {
        batch.changes[0] =
            (struct qr_change){.kind = QR_CHANGE_HEADS, .entry = zeros, .nonce = zeros};
    }
    struct quire_buffer bytes = {0};
    ok(qr_batch_write(&batch, &bytes));
    ok(quire_buffer_append(&bytes, zeros, sizeof zeros));
    forge_sign(forger, plan->user, &bytes);
    if (out_hash != NULL) {
        static const uint8_t no_record[QR_HASH_SIZE];
        ok(qr_batch_read_any(quire_buffer_bytes(&bytes), &batch));
        uint8_t signed_hash[QR_HASH_SIZE];
        qr_batch_signed(&batch, plan->user,
            plan->roster_seq < forger->roster->count
                ? forger->roster->entries[plan->roster_seq].hash
                : no_record,
            signed_hash);
        qr_batch_hash(signed_hash, batch.signature, out_hash);
    }
    ok(quire_buffer_append(out_batch, bytes.data, bytes.size));
    quire_buffer_finish(&bytes);
    quire_buffer_finish(&ciphertext);
}

void forge_next(
    struct forger *forger, const uint8_t *entry, const char *text, struct quire_buffer *out_batch)
{
    struct plan plan = forge_plan(forger, entry, text);
    forge_batch(forger, &plan, out_batch, forger->head);
    forger->seq++;
}

void forge_record(
    const struct forger *forger, struct qr_record *record, struct quire_buffer *out_record)
{
    uint8_t hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_buffer bytes = {0};
    if (record->prev == NULL) {
        record->prev = qr_roster_head(forger->roster);
        record->seq = forger->roster->count;
    }
    record->signer = qr_vault_public(forger->vault).device;
    ok(qr_record_write(record, &bytes));
    qr_record_hash(quire_buffer_bytes(&bytes), hash);
    qr_vault_sign(forger->vault, QR_CONTEXT_ROSTER_SIGN, &(struct quire_bytes){hash, sizeof hash},
        1, signature);
    ok(quire_buffer_append(&bytes, signature, sizeof signature));
    ok(quire_buffer_append(out_record, bytes.data, bytes.size));
    quire_buffer_finish(&bytes);
}

void forge_auth(const struct forger *forger, const char *host, struct quire_bytes hello,
    struct quire_bytes challenge, uint8_t out_signature[QR_SIGNATURE_SIZE])
{
    uint8_t digest[QR_HASH_SIZE];
    qr_auth_digest(quire_bytes_of_text(host), hello, challenge, digest);
    qr_vault_sign(forger->vault, QR_CONTEXT_AUTH, &(struct quire_bytes){digest, sizeof digest}, 1,
        out_signature);
}
