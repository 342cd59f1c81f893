/*
 * Which entries the server does not have all of: what is unsealed, what waits to be sealed anew, and what
 * is sealed and not acknowledged.
 */
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"
#include <stdlib.h>

/** Entries, each perhaps several times until they are sorted. */
struct entries {
    uint8_t (*ids)[QR_ENTRY_SIZE];
    size_t count, capacity;
};

static enum quire_status add(struct entries *entries, const uint8_t *entry)
{
    if (entries->count == entries->capacity) {
        size_t capacity = entries->capacity == 0 ? 64 : entries->capacity * 2;
        void *ids = realloc(entries->ids, capacity * sizeof *entries->ids);
        if (ids == NULL) {
            return QUIRE_ENOMEM;
        }
        entries->ids = ids;
        entries->capacity = capacity;
    }
    memcpy(entries->ids[entries->count++], entry, QR_ENTRY_SIZE);
    return QUIRE_OK;
}

/* A batch that cannot be read back names nothing; `damaged` says so elsewhere. */
static enum quire_status add_batch(const struct quire_device *device, const uint8_t *replica,
    uint64_t seq, struct entries *entries)
{
    struct quire_buffer value = {0};
    struct qr_batch batch;
    enum quire_status status = device_read_batch(device, replica, seq, &value);
    if (status == QUIRE_OK && value.size > QR_HASH_SIZE
        && qr_batch_read_any(
               (struct quire_bytes){value.data + QR_HASH_SIZE, value.size - QR_HASH_SIZE}, &batch)
            == QUIRE_OK) {
        for (size_t i = 0; status == QUIRE_OK && i < batch.change_count; i++) {
            if (batch.changes[i].kind == QR_CHANGE_OPS) {
                status = add(entries, batch.changes[i].entry);
            }
        }
    }
    quire_buffer_finish(&value);
    return status == QUIRE_ENOTFOUND || status == QUIRE_ECORRUPT ? QUIRE_OK : status;
}

static enum quire_status add_rebased(
    struct quire_device *device, size_t index, struct entries *entries)
{
    struct quire_buffer change = {0};
    enum quire_status status = device_rebase_get(device, index, &change);
    if (status == QUIRE_OK && change.size >= QR_ENTRY_SIZE) {
        status = add(entries, change.data);
    }
    if (change.data != NULL) {
        qr_wipe(change.data, change.capacity);
    }
    quire_buffer_finish(&change);
    return status;
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, QR_ENTRY_SIZE);
}

enum quire_status quire_device_each_unsent(struct quire_device *device,
    bool (*visit)(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE]), void *context)
{
    struct entries entries = {0};
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < device->pending.count; i++) {
        status = add(&entries, device->pending.items[i].entry);
    }
    for (size_t i = 0; status == QUIRE_OK && i < device->rebased.count; i++) {
        status = add_rebased(device, i, &entries);
    }
    for (size_t i = 0; status == QUIRE_OK && i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        for (uint64_t seq = chain->acked + 1;
             status == QUIRE_OK && chain->own && seq <= chain->head; seq++) {
            status = add_batch(device, chain->replica, seq, &entries);
        }
    }
    if (status == QUIRE_OK && entries.count > 0) {
        qsort(entries.ids, entries.count, sizeof *entries.ids, compare);
    }
    bool more = status == QUIRE_OK;
    for (size_t i = 0; more && i < entries.count; i++) {
        if (i == 0 || compare(entries.ids[i - 1], entries.ids[i]) != 0) {
            more = visit(context, entries.ids[i]);
        }
    }
    free(entries.ids);
    return status;
}
