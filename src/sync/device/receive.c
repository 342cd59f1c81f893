/*
 * DELTA: a batch is accepted only with its whole causal past and matching hashes; the last
 * signature of each contiguous run vouches for the run. Then it is kept and merged.
 */
#include "sync/device/receive.h"
#include "sync/device/actions.h"
#include "sync/device/chains.h"
#include "sync/device/connection.h"
#include "sync/device/entries.h"
#include "sync/device/merge.h"
#include "sync/device/receipt.h"
#include "sync/device/records.h"
#include "sync/device/upload.h"
#include "sync/device/withheld.h"
#include <assert.h>
#include <stdlib.h>

#define RETRY_BROKEN_MS 5000

/** A batch of the frame that may be accepted. */
struct item {
    struct quire_bytes bytes;
    size_t chain; /* index */
    uint64_t seq;
    uint8_t signed_hash[QR_HASH_SIZE]; /* what its signature signs */
    uint8_t hash[QR_HASH_SIZE];
};

enum verdict { ACCEPT, KNOWN, REFUSE };

/* The hash that (chain, seq) has here or in this frame so far. */
static bool hash_at(struct quire_device *device, const struct device_chain *chain, uint64_t seq,
    const struct item *items, size_t count, uint8_t out_hash[QR_HASH_SIZE])
{
    if (seq <= chain->head) {
        return device_ok(device, device_chain_hash(device, chain, seq, out_hash));
    }
    size_t index = (size_t)(chain - device->chains.items);
    for (size_t i = count; i > 0; i--) {
        if (items[i - 1].chain == index && items[i - 1].seq == seq) {
            memcpy(out_hash, items[i - 1].hash, QR_HASH_SIZE);
            return true;
        }
    }
    return false;
}

static enum verdict check_deps(struct quire_device *device, const struct qr_batch *batch,
    const struct item *items, size_t count)
{
    for (size_t i = 0; i < batch->dep_count && !QR_FAILPOINT_ON(NO_DEPS_CHECK)
         && !QR_FAILPOINT_ON(NO_DEPENDENCIES);
         i++) {
        const struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        uint8_t hash[QR_HASH_SIZE];
        if (dep == NULL || batch->deps[i].seq > dep->frame.head
            || !hash_at(device, dep, batch->deps[i].seq, items, count, hash)) {
            device_resubscribe_later(device);
            return REFUSE;
        }
        if (memcmp(hash, batch->deps[i].hash, QR_HASH_SIZE) != 0) {
            device_write_evidence(device, batch->bytes);
            device_alarm(device, QUIRE_ALARM_FORK);
            return REFUSE;
        }
    }
    return ACCEPT;
}

/* Is the author one who may have written this, on the roster as it was; and the batch's hashes. */
static enum verdict check_author(
    struct quire_device *device, const struct qr_batch *batch, struct item *item)
{
    const struct qr_roster *roster = &device->roster;
    if (batch->roster_seq >= roster->count) {
        device_resubscribe_later(device);
        return REFUSE;
    }
    const struct qr_roster_device *author = qr_roster_find(roster, batch->device);
    bool unknown = author == NULL || author->added_seq > batch->roster_seq;
    if ((unknown && !QR_FAILPOINT_ON(NO_AUTHOR))
        || batch->epoch != roster->entries[batch->roster_seq].epoch) {
        device_alarm(device, QUIRE_ALARM_BAD_SIGNATURE);
        return REFUSE;
    }
    qr_batch_signed(
        batch, roster->user, roster->entries[batch->roster_seq].hash, item->signed_hash);
    qr_batch_hash(item->signed_hash, batch->signature, item->hash);
    if (!QR_FAILPOINT_ON(NO_REVOCATION) && !QR_FAILPOINT_ON(NO_AUTHOR)
        && !qr_roster_admits(roster, batch->device, batch->replica, batch->seq, item->hash)) {
        device_alarm(device, QUIRE_ALARM_REVOKED_WRITE);
        device_receive_shut_out(&device->receive, batch->replica);
        return REFUSE;
    }
    return ACCEPT;
}

static enum verdict check_place(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash, const struct item *items, size_t count)
{
    static const uint8_t zeros[QR_HASH_SIZE];
    if (batch->seq <= chain->frame.head) {
        uint8_t known[QR_HASH_SIZE];
        if (hash_at(device, chain, batch->seq, items, count, known)
            && memcmp(known, hash, QR_HASH_SIZE) != 0 && !QR_FAILPOINT_ON(NO_FORK_CHECK)) {
            device_write_evidence(device, batch->bytes);
            device_alarm(device, QUIRE_ALARM_FORK);
            return REFUSE;
        }
        return QR_FAILPOINT_ON(NO_REPEAT_CHECK) ? ACCEPT : KNOWN;
    }
    if (batch->seq != chain->frame.head + 1 && !QR_FAILPOINT_ON(NO_GAP_CHECK)) {
        device_resubscribe_later(device);
        return REFUSE;
    }
    const uint8_t *prev = chain->frame.head == 0 ? zeros : chain->frame.hash;
    bool follows = memcmp(batch->prev, prev, QR_HASH_SIZE) == 0 || QR_FAILPOINT_ON(NO_PREV_CHECK)
        || QR_FAILPOINT_ON(NO_GAP_CHECK);
    if (!follows || memcmp(batch->device, chain->device, QR_DEVICE_SIZE) != 0
        || batch->roster_seq < chain->frame.roster_seq) {
        device_write_evidence(device, batch->bytes);
        device_alarm(device, QUIRE_ALARM_FORK);
        return REFUSE;
    }
    return check_deps(device, batch, items, count);
}

static enum verdict check(
    struct quire_device *device, struct quire_bytes bytes, struct item *items, size_t count)
{
    struct qr_batch batch;
    if (qr_batch_read_any(bytes, &batch) != QUIRE_OK) {
        device_alarm(device, QUIRE_ALARM_BAD_SIGNATURE);
        return REFUSE;
    }
    struct item *item = &items[count];
    enum verdict verdict = check_author(device, &batch, item);
    if (verdict != ACCEPT) {
        return verdict;
    }
    struct device_chain *chain = device_chain_get(device, batch.replica, batch.device);
    if (chain == NULL) {
        return REFUSE;
    }
    if (chain->frame.head < chain->head) { /* made just now, or not yet looked at in this frame */
        chain->frame.head = chain->head;
    }
    item->bytes = bytes;
    item->chain = (size_t)(chain - device->chains.items);
    item->seq = batch.seq;
    if (batch.seq == chain->damage.seq && batch.seq <= chain->head) {
        if (device_chain_mend(device, chain, &batch, item->hash)) {
            device_is_on_server(device, chain, batch.seq);
        }
        return KNOWN;
    }
    verdict = check_place(device, chain, &batch, item->hash, items, count);
    if (verdict == ACCEPT) {
        chain->frame.head = batch.seq;
        chain->frame.roster_seq = batch.roster_seq;
        memcpy(chain->frame.hash, item->hash, QR_HASH_SIZE);
        chain->frame.last_item = count + 1;
    } else if (verdict == KNOWN && batch.seq <= chain->head) {
        /* Another device may have brought it, after the server had lost it. */
        device_is_on_server(device, chain, batch.seq);
    }
    return verdict;
}

static bool signature_holds(const struct quire_device *device, const struct item *item)
{
    struct qr_batch batch;
    if (qr_batch_read_any(item->bytes, &batch) != QUIRE_OK) {
        return false;
    }
    const struct qr_roster_device *author = qr_roster_find(&device->roster, batch.device);
    if (QR_FAILPOINT_ON(NO_SIGNATURE) || (QR_FAILPOINT_ON(NO_AUTHOR) && author == NULL)) {
        return true;
    }
    return qr_verify(author->sign_public, QR_CONTEXT_BATCH_SIGN,
        &(struct quire_bytes){item->signed_hash, QR_HASH_SIZE}, 1, batch.signature);
}

/* How many items, from the first on, are vouched for. */
static size_t verify(struct quire_device *device, const struct item *items, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < device->chains.count && all; i++) {
        size_t last = device->chains.items[i].frame.last_item;
        all = last == 0 || signature_holds(device, &items[last - 1]);
    }
    if (all) {
        return count;
    }
    /* A signature is invalid: accept the prefix before it. */
    device_alarm(device, QUIRE_ALARM_BAD_SIGNATURE);
    size_t good = 0;
    while (good < count && signature_holds(device, &items[good])) {
        good++;
    }
    return good;
}

static void apply(struct quire_device *device, const struct item *item)
{
    struct qr_batch batch;
    struct device_chain *chain = &device->chains.items[item->chain];
    if (qr_batch_read_any(item->bytes, &batch) != QUIRE_OK) {
        assert(false); /* check() read it */
        return;
    }
    device_write_batch(device, batch.replica, batch.seq, item->hash, item->bytes);
    device_chain_advance(device, chain, &batch, item->hash);
    chain->link.sent = batch.seq > chain->link.sent ? batch.seq : chain->link.sent;
    if (batch.seq > chain->acked) {
        chain->acked = batch.seq;
    }
    device_check_withheld(device, chain);
    if (!chain->own) {
        device_receipt_came(device, &batch);
    }
    device_merge(device, &batch);
}

static void write_chains(struct quire_device *device)
{
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->frame.last_item > 0 && chain->head > 0) {
            device_write_chain(device, chain);
        }
    }
    device_chains_drop_empty(&device->chains);
}

void device_on_delta(
    struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes)
{
    if (device->receive.consumed + bytes.size > device->receive.credit) {
        device_notice(device, QUIRE_NOTICE_REFUSED, QR_ERROR_PROTO);
        device_close(device, RETRY_BROKEN_MS); /* more than it was given credit for */
        return;
    }
    struct item *items = calloc(frame->delta.batch_count + 1, sizeof *items);
    if (items == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    size_t count = 0;
    device_chains_begin_frame(&device->chains);
    for (size_t i = 0; i < frame->delta.batch_count; i++) {
        count += check(device, frame->delta.batches[i], items, count) == ACCEPT;
    }
    size_t good = verify(device, items, count);
    if (good < count) {
        device_resubscribe_later(device);
    }
    for (size_t i = 0; i < good && device->step.failure == QUIRE_OK; i++) {
        apply(device, &items[i]);
    }
    write_chains(device);
    free(items);
    device_entries_settle(device);
    device->receive.consumed += bytes.size;
}
