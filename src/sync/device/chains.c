/*
 * Replica chains: what is here of each, what the next batch must name as its deps, and how far
 * each is on disk.
 */
#include "sync/device/chains.h"
#include "sync/device/connection.h"
#include "sync/device/records.h"
#include "sync/device/withheld.h"

struct device_chain *device_chain_get(
    struct quire_device *device, const uint8_t *replica, const uint8_t *author)
{
    struct device_chain *chain = device_chain_find(device, replica);
    if (chain == NULL) {
        bool own = memcmp(author, device_self(device), QR_DEVICE_SIZE) == 0;
        enum quire_status status = device_chains_add(&device->chains, replica, author, own, &chain);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
        }
    }
    return chain;
}

/* The hash of a batch that is not the head, from the one after it. */
static enum quire_status named_by_next(struct quire_device *device,
    const struct device_chain *chain, uint64_t seq, uint8_t out_hash[QR_HASH_SIZE])
{
    struct quire_buffer value = {0};
    struct qr_batch next;
    enum quire_status status = device_read_batch(device, chain->replica, seq + 1, &value);
    if (status == QUIRE_OK) {
        struct quire_bytes bytes = {value.data + QR_HASH_SIZE, value.size - QR_HASH_SIZE};
        status = qr_batch_read_any(bytes, &next) == QUIRE_OK ? QUIRE_OK : QUIRE_ECORRUPT;
    }
    if (status == QUIRE_OK) {
        memcpy(out_hash, next.prev, QR_HASH_SIZE);
    }
    quire_buffer_finish(&value);
    return status == QUIRE_ENOTFOUND ? QUIRE_ECORRUPT : status;
}

enum quire_status device_chain_hash(struct quire_device *device, const struct device_chain *chain,
    uint64_t seq, uint8_t out_hash[QR_HASH_SIZE])
{
    if (seq == 0 || seq > chain->head) {
        return QUIRE_ENOTFOUND;
    }
    if (seq == chain->head) {
        memcpy(out_hash, chain->hash, QR_HASH_SIZE);
        return QUIRE_OK;
    }
    struct quire_buffer value = {0};
    enum quire_status status = device_read_batch(device, chain->replica, seq, &value);
    if (status == QUIRE_OK) {
        memcpy(out_hash, value.data, QR_HASH_SIZE);
    } else if (status == QUIRE_ECORRUPT || status == QUIRE_ENOTFOUND) {
        status = named_by_next(device, chain, seq, out_hash);
    }
    quire_buffer_finish(&value);
    return status;
}

bool device_chain_mend(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash)
{
    uint8_t expected[QR_HASH_SIZE]; /* it stands for the signature, too */
    bool known = batch->seq == chain->head
        ? device_chain_hash(device, chain, batch->seq, expected) == QUIRE_OK
        : named_by_next(device, chain, batch->seq, expected) == QUIRE_OK;
    if (!known || memcmp(expected, hash, QR_HASH_SIZE) != 0) {
        return false;
    }
    device_write_batch(device, batch->replica, batch->seq, hash, batch->bytes);
    chain->damage.seq = 0;
    device_resubscribe_later(device); /* what comes after it may be wanted as well */
    return true;
}

/* The author's clock may be years ahead: it was heard by now at the latest. What was noted before either
 * clock was set right goes, too, or it would be the greatest for ever. */
static void note_caught_up(struct device_chain *chain, uint64_t claimed, uint64_t wall_ms)
{
    uint64_t latest = wall_ms + DEVICE_CLOCK_AHEAD_MS;
    if (chain->caught_up_at > latest) {
        chain->caught_up_at = 0;
    }
    if (claimed > latest) {
        claimed = wall_ms;
    }
    if (claimed > chain->caught_up_at) {
        chain->caught_up_at = claimed;
    }
}

void device_chain_advance(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash)
{
    device_note_sight(device, chain, batch);
    chain->head = batch->seq;
    chain->roster_seq = batch->roster_seq;
    chain->covered = false;
    memcpy(chain->hash, hash, QR_HASH_SIZE);
    note_caught_up(
        chain, batch->caught_up_at, device->step.wall_ms > 0 ? (uint64_t)device->step.wall_ms : 0);
    for (size_t i = 0; i < batch->dep_count; i++) {
        struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        if (dep != NULL && dep->head == batch->deps[i].seq && !dep->covered) {
            dep->covered = true;
            device_write_chain(device, dep);
        }
    }
}
