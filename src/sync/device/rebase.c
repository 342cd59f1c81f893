/*
 * Batches that a roster does not admit (any longer) leave, with all that is built on them; what is
 * in them does not. Documents have merged it already, and it is sealed anew, first of all, in a
 * chain that nobody knows yet.
 */
#include "sync/device/state.h"
#include <stdlib.h>

/** A change of a dropped batch, in an order in which deps come first. */
struct draft {
    struct quire_buffer change; /* entry ‖ plaintext */
};

struct drafts {
    struct draft *items;
    size_t count, capacity;
};

static bool read_batch(struct quire_device *device, const struct device_chain *chain, uint64_t seq,
    struct quire_buffer *value, struct qr_batch *out_batch)
{
    value->size = 0;
    if (!device_ok(device, device_get_batch(device, chain->replica, seq, value))) {
        return false;
    }
    struct quire_bytes bytes = {value->data + QR_HASH_SIZE, value->size - QR_HASH_SIZE};
    return device_ok(device,
        qr_batch_read_any(bytes, out_batch) == QUIRE_OK ? QUIRE_OK : QUIRE_ECORRUPT);
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
static bool cut_at_pin(struct quire_device *device, const struct qr_roster *line,
    struct device_chain *chain)
{
    uint8_t pinned[QR_HASH_SIZE], hash[QR_HASH_SIZE];
    uint64_t pin = qr_roster_pin(line, chain->device, chain->replica, pinned);
    uint64_t before = chain->kept;
    chain->kept = pin < chain->kept ? pin : chain->kept;
    if (pin > 0 && chain->kept == pin &&
        device_ok(device, device_chain_hash(device, chain, pin, hash)) &&
        memcmp(hash, pinned, QR_HASH_SIZE) != 0) {
        chain->kept--;
    }
    return chain->kept < before;
}

static bool is_kept(const struct quire_device *device, const struct qr_batch *batch)
{
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch->deps[i].replica);
        if (dep == NULL || batch->deps[i].seq > dep->kept) {
            return false;
        }
    }
    return true;
}

/* Nothing stays whose deps go. Reads all that is here: a pin seldom shuts out what somebody has. */
static void cut_effects(struct quire_device *device, struct quire_buffer *value)
{
    bool again = true;
    while (again && device->failure == QUIRE_OK) {
        again = false;
        for (size_t i = 0; i < device->chain_count; i++) {
            struct device_chain *chain = &device->chains[i];
            struct qr_batch batch;
            for (uint64_t seq = 1; seq <= chain->kept; seq++) {
                if (!read_batch(device, chain, seq, value, &batch)) {
                    return;
                }
                if (!is_kept(device, &batch)) {
                    chain->kept = seq - 1;
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
    for (size_t i = 0; i < device->chain_count; i++) {
        struct device_chain *chain = &device->chains[i];
        chain->kept = before_fork(device, chain, fork, value);
        pins |= cut_at_pin(device, line, chain);
    }
    if (pins) {
        cut_effects(device, value);
    }
    for (size_t i = 0; i < device->chain_count; i++) {
        less |= device->chains[i].kept < device->chains[i].head;
    }
    return less;
}

/* ---- what is in the rest ---------------------------------------------------------------------- */

static void hash_change(struct quire_bytes change, uint8_t out_hash[QR_HASH_SIZE])
{
    qr_hash(out_hash, QR_CONTEXT_CHANGE_HASH, &change, 1);
}

static void draft_change(struct quire_device *device, const struct qr_batch *batch, size_t index,
    struct drafts *drafts)
{
    const struct qr_change *change = &batch->changes[index];
    if (drafts->count == drafts->capacity) {
        size_t capacity = drafts->capacity == 0 ? 16 : drafts->capacity * 2;
        struct draft *items = realloc(drafts->items, capacity * sizeof *items);
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
        drafts->items[drafts->count++].change = bytes;
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
    if (chain->drafted == chain->head || !read_batch(device, chain, chain->drafted + 1, value, &batch)) {
        return false;
    }
    for (size_t i = 0; i < batch.dep_count; i++) {
        const struct device_chain *dep = device_chain_find(device, batch.deps[i].replica);
        if (dep != NULL && batch.deps[i].seq > dep->drafted) {
            return false;
        }
    }
    /* What cannot be read is carried by those who can. */
    bool can = device_can_read(device, &batch);
    for (size_t i = 0; i < batch.change_count && can && device->failure == QUIRE_OK; i++) {
        if (batch.changes[i].kind == QR_CHANGE_OPS) {
            draft_change(device, &batch, i, drafts);
        }
    }
    chain->drafted++;
    return true;
}

static void draft_all(struct quire_device *device, struct quire_buffer *value, struct drafts *drafts)
{
    bool again = true;
    for (size_t i = 0; i < device->chain_count; i++) {
        device->chains[i].drafted = device->chains[i].kept;
    }
    while (again) {
        again = false;
        for (size_t i = 0; i < device->chain_count && device->failure == QUIRE_OK; i++) {
            while (draft_next(device, &device->chains[i], value, drafts) &&
                device->failure == QUIRE_OK) {
                again = true;
            }
        }
    }
}

/* ---- the carried changes ---------------------------------------------------------------------- */

static struct device_key carried_key(uint64_t number)
{
    return device_key_number('q', NULL, 0, number, 8);
}

/* What was carried already stands on what is dropped now, so these go before it. */
static void carry(struct quire_device *device, const struct drafts *drafts)
{
    uint64_t first = device->carried_count > 0 ? device->carried[0].number : UINT64_MAX / 2;
    struct device_carried *all =
        calloc(drafts->count + device->carried_count + 1, sizeof *all);
    if (all == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < drafts->count; i++) {
        struct quire_bytes change = quire_buffer_bytes(&drafts->items[i].change);
        struct device_key key = carried_key(first - drafts->count + i);
        all[count].number = first - drafts->count + i;
        hash_change(change, all[count++].hash);
        device_put_sealed(device, &key, change);
    }
    for (size_t i = 0; i < device->carried_count; i++) {
        all[count++] = device->carried[i];
    }
    free(device->carried);
    device->carried = all;
    device->carried_count = count;
}

enum quire_status device_carried_load(struct quire_device *device, uint64_t number,
    struct quire_bytes value)
{
    struct device_carried *grown =
        realloc(device->carried, (device->carried_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return QUIRE_ENOMEM;
    }
    device->carried = grown;
    grown[device->carried_count].number = number;
    hash_change(value, grown[device->carried_count++].hash);
    return value.size < QR_ENTRY_SIZE ? QUIRE_ECORRUPT : QUIRE_OK;
}

enum quire_status device_carried_get(struct quire_device *device, size_t index,
    struct quire_buffer *out_change)
{
    struct device_key key = carried_key(device->carried[index].number);
    return device_get_sealed(device, &key, out_change);
}

void device_carried_forget(struct quire_device *device, size_t first, size_t count)
{
    if (count == 0) { /* then there may be no table at all */
        return;
    }
    for (size_t i = first; i < first + count; i++) {
        struct device_key key = carried_key(device->carried[i].number);
        device_erase(device, device_key_bytes(&key));
    }
    device->carried_count -= count;
    memmove(device->carried + first, device->carried + first + count,
        (device->carried_count - first) * sizeof *device->carried);
}

void device_carried_came(struct quire_device *device, const uint8_t *entry,
    struct quire_bytes plaintext)
{
    uint8_t hash[QR_HASH_SIZE];
    if (device->carried_count == 0) {
        return;
    }
    qr_hash(hash, QR_CONTEXT_CHANGE_HASH,
        (struct quire_bytes[]){{entry, QR_ENTRY_SIZE}, plaintext}, 2);
    for (size_t i = 0; i < device->carried_count; i++) {
        if (memcmp(device->carried[i].hash, hash, sizeof hash) == 0) {
            device_carried_forget(device, i, 1);
            return;
        }
    }
}

/* ---- dropping --------------------------------------------------------------------------------- */

static void shorten(struct quire_device *device, struct device_chain *chain,
    struct quire_buffer *value)
{
    for (uint64_t seq = chain->kept + 1; seq <= chain->head; seq++) {
        struct device_key key = device_key_number('b', chain->replica, QR_REPLICA_SIZE, seq, 8);
        device_erase(device, device_key_bytes(&key));
    }
    struct qr_batch batch;
    if (chain->kept > 0 && read_batch(device, chain, chain->kept, value, &batch)) {
        memcpy(chain->hash, value->data, QR_HASH_SIZE);
        chain->roster_seq = batch.roster_seq;
    }
    chain->head = chain->kept;
    chain->durable = chain->durable < chain->head ? chain->durable : chain->head;
    chain->pending = chain->pending < chain->head ? chain->pending : chain->head;
    chain->sent = chain->sent < chain->head ? chain->sent : chain->head;
    chain->acked = chain->acked < chain->head ? chain->acked : chain->head;
    chain->refusal = 0;
}

/* Which heads others stand on is not known any more: to name one too many as a cause does no harm.
 * A chain of ours whose end somebody may know is not gone on with. */
static void settle_chains(struct quire_device *device)
{
    size_t count = 0;
    for (size_t i = 0; i < device->chain_count; i++) {
        struct device_chain *chain = &device->chains[i];
        chain->covered = false;
        device_forget_sights(chain); /* they may have seen more than they hold now */
        if (chain->head > 0) {
            device_put_chain(device, chain);
            device->chains[count++] = *chain;
        } else {
            struct device_key key = device_key('c', chain->replica, QR_REPLICA_SIZE);
            device_erase(device, device_key_bytes(&key));
        }
    }
    device->chain_count = count;
    device->inflight_count = 0;
    device->inflight_size = 0;
    device_unread_drop(device);
}

static void begin_chain(struct quire_device *device)
{
    uint8_t fresh[QR_ENTROPY_SIZE];
    device_random(device, fresh);
    memcpy(device->replica, fresh, QR_REPLICA_SIZE);
    device->replica_moved = true;
    device_forget_withheld(device);
}

bool device_drop(struct quire_device *device, const struct qr_roster *line, uint32_t fork)
{
    struct quire_buffer value = {0};
    struct drafts drafts = {0};
    bool any = find_kept(device, line, fork, &value);
    if (any && device->failure == QUIRE_OK) {
        draft_all(device, &value, &drafts);
        carry(device, &drafts);
        const struct device_chain *own = device_chain_find(device, device->replica);
        if (own != NULL && own->kept < own->head) {
            begin_chain(device);
        }
        for (size_t i = 0; i < device->chain_count && device->failure == QUIRE_OK; i++) {
            if (device->chains[i].kept < device->chains[i].head) {
                shorten(device, &device->chains[i], &value);
            }
        }
        settle_chains(device);
    }
    for (size_t i = 0; i < drafts.count; i++) {
        quire_buffer_finish(&drafts.items[i].change);
    }
    free(drafts.items);
    quire_buffer_finish(&value);
    return any;
}
