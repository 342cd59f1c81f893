/*
 * Batches that a roster does not admit (any longer) leave, with all that is built on them; what is
 * in them does not. Documents have merged it already, and it is sealed anew, first of all, in a
 * new chain.
 */
#include "sync/device/rebase.h"
#include "sync/device/actions.h"
#include "sync/device/chains.h"
#include "sync/device/merge.h"
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"
#include "sync/device/withheld.h"
#include <stdlib.h>

/** Changes of dropped batches, entry ‖ plaintext each, in an order in which deps come first. */
struct drafts {
    struct quire_buffer *items;
    size_t count, capacity;
};

static bool read_batch(struct quire_device *device, const struct device_chain *chain, uint64_t seq,
    struct quire_buffer *value, struct qr_batch *out_batch)
{
    value->size = 0;
    if (!device_ok(device, device_read_batch(device, chain->replica, seq, value))) {
        return false;
    }
    struct quire_bytes bytes = {value->data + QR_HASH_SIZE, value->size - QR_HASH_SIZE};
    return device_ok(
        device, qr_batch_read_any(bytes, out_batch) == QUIRE_OK ? QUIRE_OK : QUIRE_ECORRUPT);
}

/* ---- what stays ------------------------------------------------------------------------------- */

/* The last batch of the chain that stands on a record before `fork`: roster_seq never goes back. */
static uint64_t before_fork(struct quire_device *device, const struct device_chain *chain,
    uint32_t fork, struct quire_buffer *value)
{
    uint64_t low = 0, high = chain->head;
    struct qr_batch batch;
    if (chain->roster_seq < fork) {
        return chain->head;
    }
    while (low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        if (!read_batch(device, chain, middle, value, &batch)) {
            return 0;
        }
        if (batch.roster_seq < fork) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Up to where the roster admits the chain. True: it admits less than `kept`. */
static bool cut_at_pin(
    struct quire_device *device, const struct qr_roster *line, struct device_chain *chain)
{
    uint8_t pinned[QR_HASH_SIZE], hash[QR_HASH_SIZE];
    uint64_t pin = qr_roster_pin(line, chain->device, chain->replica, pinned);
    uint64_t before = chain->cut.kept;
    chain->cut.kept = pin < chain->cut.kept ? pin : chain->cut.kept;
    if (pin > 0 && chain->cut.kept == pin
        && device_ok(device, device_chain_hash(device, chain, pin, hash))
        && memcmp(hash, pinned, QR_HASH_SIZE) != 0) {
        chain->cut.kept--;
    }
    return chain->cut.kept < before;
}

static bool is_kept(const struct quire_device *device, const struct qr_batch *batch)
{
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        if (dep == NULL || batch->deps[i].seq > dep->cut.kept) {
            return false;
        }
    }
    return true;
}

/* A batch goes if one of its dependencies goes. Reads every batch here: a pin seldom excludes any. */
static void cut_effects(struct quire_device *device, struct quire_buffer *value)
{
    bool again = true;
    while (again && device->step.failure == QUIRE_OK) {
        again = false;
        for (size_t i = 0; i < device->chains.count; i++) {
            struct device_chain *chain = &device->chains.items[i];
            struct qr_batch batch;
            for (uint64_t seq = 1; seq <= chain->cut.kept; seq++) {
                if (!read_batch(device, chain, seq, value, &batch)) {
                    return;
                }
                if (!is_kept(device, &batch)) {
                    chain->cut.kept = seq - 1;
                    again = true;
                }
            }
        }
    }
}

static bool find_kept(struct quire_device *device, const struct qr_roster *line, uint32_t fork,
    struct quire_buffer *value)
{
    bool pins = false, less = false;
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        chain->cut.kept = before_fork(device, chain, fork, value);
        pins |= cut_at_pin(device, line, chain);
    }
    if (pins) {
        cut_effects(device, value);
    }
    for (size_t i = 0; i < device->chains.count; i++) {
        less |= device->chains.items[i].cut.kept < device->chains.items[i].head;
    }
    return less;
}

/* ---- what is in the rest ---------------------------------------------------------------------- */

static void draft_change(
    struct quire_device *device, const struct qr_batch *batch, size_t index, struct drafts *drafts)
{
    const struct qr_change *change = &batch->changes[index];
    if (drafts->count == drafts->capacity) {
        size_t capacity = drafts->capacity == 0 ? 16 : drafts->capacity * 2;
        struct quire_buffer *items = realloc(drafts->items, capacity * sizeof *items);
        if (items == NULL) {
            device_ok(device, QUIRE_ENOMEM);
            return;
        }
        drafts->items = items;
        drafts->capacity = capacity;
    }
    struct quire_buffer bytes = {0};
    enum quire_status status = quire_buffer_append(&bytes, change->entry, QR_ENTRY_SIZE);
    if (status == QUIRE_OK) {
        status = device_open_change(device, batch, index, &bytes);
    }
    if (status == QUIRE_OK) {
        drafts->items[drafts->count++] = bytes;
        return;
    }
    quire_buffer_finish(&bytes);
    if (status == QUIRE_ENOMEM) {
        device_ok(device, status);
    } /* else it never opened here, and an alarm was raised when it came */
}

/* The chain's next batch that goes, if its deps stay or went before it. True: it was drafted. */
static bool draft_next(struct quire_device *device, struct device_chain *chain,
    struct quire_buffer *value, struct drafts *drafts)
{
    struct qr_batch batch;
    if (chain->cut.drafted == chain->head
        || !read_batch(device, chain, chain->cut.drafted + 1, value, &batch)) {
        return false;
    }
    for (size_t i = 0; i < batch.dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch.deps[i].replica);
        if (dep != NULL && batch.deps[i].seq > dep->cut.drafted) {
            return false;
        }
    }
    /* A device with the later version seals what this one cannot read. */
    bool can = device_can_read(device, &batch);
    for (size_t i = 0; i < batch.change_count && can && device->step.failure == QUIRE_OK; i++) {
        if (batch.changes[i].kind == QR_CHANGE_OPS) {
            draft_change(device, &batch, i, drafts);
        }
    }
    chain->cut.drafted++;
    return true;
}

static void draft_all(
    struct quire_device *device, struct quire_buffer *value, struct drafts *drafts)
{
    bool again = true;
    for (size_t i = 0; i < device->chains.count; i++) {
        device->chains.items[i].cut.drafted = device->chains.items[i].cut.kept;
    }
    while (again) {
        again = false;
        for (size_t i = 0; i < device->chains.count && device->step.failure == QUIRE_OK; i++) {
            while (draft_next(device, &device->chains.items[i], value, drafts)
                && device->step.failure == QUIRE_OK) {
                again = true;
            }
        }
    }
}

/* ---- dropping --------------------------------------------------------------------------------- */

static void shorten(
    struct quire_device *device, struct device_chain *chain, struct quire_buffer *value)
{
    for (uint64_t seq = chain->cut.kept + 1; seq <= chain->head; seq++) {
        struct device_key key = device_key_number('b', chain->replica, QR_REPLICA_SIZE, seq, 8);
        device_erase(device, device_key_bytes(&key));
    }
    struct qr_batch batch;
    if (chain->cut.kept > 0 && read_batch(device, chain, chain->cut.kept, value, &batch)) {
        memcpy(chain->hash, value->data, QR_HASH_SIZE);
        chain->roster_seq = batch.roster_seq;
    }
    device_chain_shorten(chain);
}

/* `covered` is stale here: reset it; an extra dependency is harmless. */
static void settle_chains(struct quire_device *device)
{
    size_t count = 0;
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        chain->covered = false;
        device_chain_forget_sights(chain); /* they may have seen more than they hold now */
        if (chain->head > 0) {
            device_write_chain(device, chain);
            device->chains.items[count++] = *chain;
        } else {
            struct device_key key = device_key('c', chain->replica, QR_REPLICA_SIZE);
            device_erase(device, device_key_bytes(&key));
        }
    }
    device->chains.count = count;
    device_upload_clear(&device->upload);
    device_unread_drop(device);
}

static void begin_chain(struct quire_device *device)
{
    uint8_t fresh[QR_ENTROPY_SIZE];
    device_random(device, fresh);
    memcpy(device->replica.id, fresh, QR_REPLICA_SIZE);
    device->replica.moved = true;
    device_forget_withheld(device);
}

bool device_drop(struct quire_device *device, const struct qr_roster *line, uint32_t fork)
{
    struct quire_buffer value = {0};
    struct drafts drafts = {0};
    bool any = find_kept(device, line, fork, &value);
    if (any && device->step.failure == QUIRE_OK) {
        draft_all(device, &value, &drafts);
        device_rebase_prepend(device, drafts.items, drafts.count);
        const struct device_chain *own = device_chain_find(device, device->replica.id);
        if (own != NULL && own->cut.kept < own->head) {
            begin_chain(device);
        }
        for (size_t i = 0; i < device->chains.count && device->step.failure == QUIRE_OK; i++) {
            if (device->chains.items[i].cut.kept < device->chains.items[i].head) {
                shorten(device, &device->chains.items[i], &value);
            }
        }
        settle_chains(device);
    }
    for (size_t i = 0; i < drafts.count; i++) {
        quire_buffer_finish(&drafts.items[i]);
    }
    free(drafts.items);
    quire_buffer_finish(&value);
    return any;
}
