/*
 * Pending edits become batches: sealed per entry, signed once. As late as can be: what was typed
 * and deleted again meanwhile is never sent, and many keystrokes share one signature.
 */
#include "sync/device/seal.h"
#include "base/limit.h"
#include "sync/device/actions.h"
#include "sync/device/chains.h"
#include "sync/device/entries.h"
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"
#include <stdlib.h>

#define SEAL_BYTES_MAX (32 * 1024) /* sealed bytes of a batch's changes: see DEVICE_PUSH_MAX */

/** A change that waits for its batch. */
struct draft {
    uint8_t entry[QR_ENTRY_SIZE];
    struct quire_buffer plaintext;
};

struct drafts {
    struct draft items[QR_CHANGES_MAX];
    size_t count;
    size_t size; /* once sealed */
};

/* All the chains that a user may have are there, and none is this replica's: edits stay saved, and
 * unsealed, until old chains are gone. */
static bool has_chain(const struct quire_device *device)
{
    return device->chains.count < QR_LIMIT(CHAINS, QR_CHAINS_MAX)
        || device_chain_find(device, device->replica.id) != NULL;
}

/* A member of the roster made a new epoch and gave this device no key that opens: an alarm was
 * raised, and edits stay saved until there is an epoch that it can write in. */
static bool has_key(const struct quire_device *device)
{
    return qr_vault_has_epoch(device->vault, device->roster.epoch);
}

static bool may_seal(const struct quire_device *device)
{
    return device->enrolment.role == ROLE_MEMBER && !device->revoked && has_key(device);
}

/* Do not seal until lost revocations are re-applied: the revoked device could still decrypt. Changes to
 * seal again wait for CAUGHT_UP, which shows which of them other devices have sealed. */
static bool must_wait(const struct quire_device *device)
{
    return device->lost_ops.count > 0
        || (device->rebased.count > 0
            && !(device->link.state == LINK_READY && device->link.caught_up));
}

bool device_may_seal(const struct quire_device *device)
{
    return may_seal(device) && has_chain(device) && !must_wait(device);
}

uint64_t device_seal_due_ms(const struct quire_device *device)
{
    if ((device->pending.count == 0 && device->rebased.count == 0) || !device_may_seal(device)) {
        return UINT64_MAX;
    }
    if (device->rebased.count > 0) {
        return device->step.now_ms;
    }
    size_t size = device_pending_size(&device->pending, DEVICE_SEAL_SIZE);
    if (device->pending.flush || size >= DEVICE_SEAL_SIZE) {
        return device->step.now_ms;
    }
    if (device->link.state != LINK_READY || device->link.presence == 0) {
        return device->pending.first_ms + DEVICE_SEAL_ALONE_MS;
    }
    uint64_t idle = device->pending.last_ms + DEVICE_SEAL_IDLE_MS;
    uint64_t latest = device->pending.first_ms + DEVICE_SEAL_LATEST_MS;
    return idle < latest ? idle : latest;
}

static int compare_deps(const void *a, const void *b)
{
    return memcmp(
        ((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica, QR_REPLICA_SIZE);
}

/* The heads that no other batch here depends on: the deps of the next one. True: all fit. */
static bool gather_deps(const struct quire_device *device, struct qr_batch *batch)
{
    bool all = true;
    batch->dep_count = 0;
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->head == 0 || chain->covered
            || memcmp(chain->replica, device->replica.id, QR_REPLICA_SIZE) == 0) {
            continue;
        }
        if (batch->dep_count == QR_DEPS_MAX) {
            all = false;
            break;
        }
        struct qr_dep *dep = &batch->deps[batch->dep_count++];
        memcpy(dep->replica, chain->replica, QR_REPLICA_SIZE);
        memcpy(dep->hash, chain->hash, QR_HASH_SIZE);
        dep->seq = chain->head;
    }
    qsort(batch->deps, batch->dep_count, sizeof *batch->deps, compare_deps);
    return all;
}

static enum quire_status seal_changes(struct quire_device *device, const struct drafts *drafts,
    struct qr_batch *batch, struct quire_buffer *ciphertexts, uint8_t (*nonces)[QR_NONCE_SIZE])
{
    size_t offsets[QR_CHANGES_MAX];
    for (size_t i = 0; i < drafts->count; i++) {
        struct qr_change_place place = {
            .seq = batch->seq, .index = (uint32_t)i, .kind = QR_CHANGE_OPS, .epoch = batch->epoch};
        memcpy(place.replica, batch->replica, QR_REPLICA_SIZE);
        memcpy(place.entry, drafts->items[i].entry, QR_ENTRY_SIZE);
        uint8_t entropy[QR_ENTROPY_SIZE];
        device_random(device, entropy);
        offsets[i] = ciphertexts->size;
        enum quire_status status = qr_vault_seal_change(device->vault, &place,
            quire_buffer_bytes(&drafts->items[i].plaintext), entropy, nonces[i], ciphertexts);
        if (status != QUIRE_OK) {
            return status;
        }
        batch->changes[i] = (struct qr_change){.kind = QR_CHANGE_OPS,
            .entry = drafts->items[i].entry,
            .nonce = nonces[i],
            .ciphertext = {NULL, ciphertexts->size - offsets[i]}};
    }
    for (size_t i = 0; i < drafts->count; i++) {
        batch->changes[i].ciphertext.data = ciphertexts->data + offsets[i];
    }
    batch->change_count = drafts->count;
    return QUIRE_OK;
}

/* Hash, signature, and into the chain and the records. */
static enum quire_status sign_and_keep(
    struct quire_device *device, struct device_chain *chain, struct quire_buffer *bytes)
{
    static const uint8_t unsigned_yet[QR_SIGNATURE_SIZE];
    struct qr_batch batch;
    uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    enum quire_status status = quire_buffer_append(bytes, unsigned_yet, sizeof unsigned_yet);
    if (status == QUIRE_OK) {
        status = qr_batch_read_any(quire_buffer_bytes(bytes), &batch);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    qr_batch_signed(&batch, device->roster.user, qr_roster_head(&device->roster), signed_hash);
    qr_vault_sign(device->vault, QR_CONTEXT_BATCH_SIGN,
        &(struct quire_bytes){signed_hash, sizeof signed_hash}, 1, signature);
    qr_batch_hash(signed_hash, signature, hash);
    memcpy(bytes->data + bytes->size - sizeof signature, signature, sizeof signature);
    device_write_batch(device, chain->replica, batch.seq, hash, quire_buffer_bytes(bytes));
    device_chain_advance(device, chain, &batch, hash);
    device_write_chain(device, chain);
    device->receipt.news_wall_ms = 0;
    device->replica.moved = true;
    device->upload.owed = true;
    return QUIRE_OK;
}

/* One batch of these drafts, or of nothing but deps when there are none. */
static enum quire_status seal_batch(struct quire_device *device, const struct drafts *drafts)
{
    static const uint8_t zeros[QR_HASH_SIZE];
    struct qr_vault_public self = qr_vault_public(device->vault);
    struct device_chain *chain = device_chain_get(device, device->replica.id, self.device);
    if (chain == NULL) {
        return device->step.failure != QUIRE_OK ? device->step.failure : QUIRE_ELIMIT;
    }
    struct qr_batch batch = {.version = drafts != NULL ? device->ops_version : 0,
        .replica = chain->replica,
        .seq = chain->head + 1,
        .device = self.device,
        .roster_seq = device->roster.count - 1,
        .epoch = device->roster.epoch,
        .caught_up_at =
            device->receipt.caught_up_wall_ms > 0 ? (uint64_t)device->receipt.caught_up_wall_ms : 0,
        .prev = chain->head == 0 ? zeros : chain->hash};
    struct quire_buffer ciphertexts = {0}, bytes = {0};
    uint8_t nonces[QR_CHANGES_MAX][QR_NONCE_SIZE];
    enum quire_status status = QUIRE_OK;
    (void)gather_deps(device, &batch); /* what does not fit was covered by HEADS batches before */
    if (drafts != NULL) {
        status = seal_changes(device, drafts, &batch, &ciphertexts, nonces);
    } else {
        batch.changes[0] =
            (struct qr_change){.kind = QR_CHANGE_HEADS, .entry = zeros, .nonce = zeros};
        batch.change_count = 1;
    }
    if (status == QUIRE_OK) {
        status = qr_batch_write(&batch, &bytes);
    }
    if (status == QUIRE_OK) {
        status = sign_and_keep(device, chain, &bytes);
    }
    quire_buffer_finish(&ciphertexts);
    quire_buffer_finish(&bytes);
    return status;
}

/* More deps than one batch can name go ahead in batches of their own. */
static bool seal_deps_ahead(struct quire_device *device)
{
    struct qr_batch probe;
    bool well = true;
    while (well && !gather_deps(device, &probe)) {
        well = device_ok(device, seal_batch(device, NULL));
    }
    return well;
}

bool device_seal_heads(struct quire_device *device)
{
    return seal_deps_ahead(device) && device_ok(device, seal_batch(device, NULL));
}

static void finish_drafts(struct drafts *drafts)
{
    for (size_t i = 0; i < drafts->count; i++) {
        quire_buffer_finish(&drafts->items[i].plaintext);
    }
    drafts->count = 0;
    drafts->size = 0;
}

static bool seal_drafts(struct quire_device *device, struct drafts *drafts)
{
    bool well = seal_deps_ahead(device) && device_ok(device, seal_batch(device, drafts));
    finish_drafts(drafts);
    return well;
}

/* Adds a draft, taking `plaintext`; seals what is there when it is full. */
static bool add_draft(struct quire_device *device, struct drafts *drafts, const uint8_t *entry,
    struct quire_buffer *plaintext)
{
    size_t sealed = qr_sealed_size(plaintext->size);
    bool full = drafts->count == QR_CHANGES_MAX
        || (drafts->count > 0 && drafts->size + sealed > SEAL_BYTES_MAX);
    if (full && !seal_drafts(device, drafts)) {
        quire_buffer_finish(plaintext);
        return false;
    }
    struct draft *draft = &drafts->items[drafts->count++];
    memcpy(draft->entry, entry, QR_ENTRY_SIZE);
    draft->plaintext = *plaintext;
    drafts->size += sealed;
    return true;
}

/* What was in batches that the roster does not admit, in its order: later edits stand on it. */
static bool draft_rebased(struct quire_device *device, struct drafts *drafts)
{
    size_t count = device->rebased.count;
    for (size_t i = 0; i < count; i++) {
        struct quire_buffer change = {0}, plaintext = {0};
        uint8_t entry[QR_ENTRY_SIZE];
        bool well = device_ok(device, device_rebase_get(device, i, &change))
            && device_ok(device,
                quire_buffer_append(
                    &plaintext, change.data + QR_ENTRY_SIZE, change.size - QR_ENTRY_SIZE));
        if (well) {
            memcpy(entry, change.data, QR_ENTRY_SIZE);
            well = add_draft(device, drafts, entry, &plaintext);
        }
        quire_buffer_finish(&change);
        if (!well) {
            return false;
        }
    }
    device_rebase_forget(device, 0, count);
    return true;
}

/* Takes everything pending of an entry into drafts, sealing whenever a batch is full. */
static bool draft_entry(struct quire_device *device, struct drafts *drafts, const uint8_t *id)
{
    struct device_entry *entry;
    if (!device_ok(device, device_entry_get(device, id, true, &entry))) {
        return false;
    }
    while (quire_document_pending_size(entry->document) > 0) {
        struct quire_buffer delta = {0};
        bool well =
            device_ok(device, quire_document_take_delta(entry->document, DEVICE_DELTA_MAX, &delta));
        well = well
            && device_ok(device, device_entry_accept(device, entry, quire_buffer_bytes(&delta)));
        if (!well) {
            quire_buffer_finish(&delta);
            return false;
        }
        if (!add_draft(device, drafts, id, &delta)) {
            return false;
        }
    }
    entry->saved_size = 0;
    entry->touched = false; /* nothing came from elsewhere */
    device_entry_settle(device, entry);
    struct device_key key = device_key('l', id, QR_ENTRY_SIZE);
    device_erase(device, device_key_bytes(&key));
    device_entry_write_summary(device, entry, true);
    return true;
}

void device_seal(struct quire_device *device)
{
    bool flush = device->pending.flush;
    bool due = device_seal_due_ms(device) <= device->step.now_ms;
    device->pending.flush =
        flush && !device->revoked && must_wait(device); /* what was asked for waits, too */
    if (device->pending.flush || (!due && !flush)) {
        return;
    }
    if (device->pending.count + device->rebased.count > 0 && !has_chain(device)) {
        device_notice(device, QUIRE_NOTICE_REJECTED, QR_ERROR_CHAINS);
        return;
    }
    struct drafts *drafts = malloc(sizeof *drafts);
    if (drafts == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    drafts->count = 0;
    drafts->size = 0;
    bool well = may_seal(device) && draft_rebased(device, drafts);
    while (well && device->pending.count > 0) {
        uint8_t id[QR_ENTRY_SIZE];
        memcpy(id, device->pending.items[0].entry, sizeof id);
        well = draft_entry(device, drafts, id);
        device_ok(device, device_pending_set(&device->pending, id, 0, device->step.now_ms));
    }
    if (well && drafts->count > 0) {
        seal_drafts(device, drafts);
    }
    finish_drafts(drafts);
    free(drafts);
}
