/*
 * Changes to seal again: one record each, under its number.
 */
#include "sync/device/rebase_list.h"
#include "sync/device/records.h"

static void hash_change(struct quire_bytes change, uint8_t out_hash[QR_HASH_SIZE])
{
    qr_hash(out_hash, QR_CONTEXT_CHANGE_HASH, &change, 1);
}

static struct device_key rebase_key(uint64_t number)
{
    return device_key_number('q', NULL, 0, number, 8);
}

/* What was to be sealed again already depends on what is dropped now, so these go before it. */
void device_rebase_prepend(
    struct quire_device *device, const struct quire_buffer *changes, size_t count)
{
    if (!device_ok(device, device_rebased_prepend(&device->rebased, count))) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct device_rebased_change *item = &device->rebased.items[i];
        struct quire_bytes change = quire_buffer_bytes(&changes[i]);
        struct device_key key = rebase_key(item->number);
        hash_change(change, item->hash);
        device_write_sealed(device, &key, change);
    }
}

enum quire_status device_rebase_load(
    struct quire_device *device, uint64_t number, struct quire_bytes value)
{
    uint8_t hash[QR_HASH_SIZE];
    if (value.size < QR_ENTRY_SIZE) {
        return QUIRE_ECORRUPT;
    }
    hash_change(value, hash);
    return device_rebased_append(&device->rebased, number, hash);
}

enum quire_status device_rebase_get(
    struct quire_device *device, size_t index, struct quire_buffer *out_change)
{
    struct device_key key = rebase_key(device->rebased.items[index].number);
    return device_read_sealed(device, &key, out_change);
}

void device_rebase_forget(struct quire_device *device, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        struct device_key key = rebase_key(device->rebased.items[i].number);
        device_erase_record(device, &key);
    }
    device_rebased_remove(&device->rebased, first, count);
}

void device_rebase_came(
    struct quire_device *device, const uint8_t *entry, struct quire_bytes plaintext)
{
    if (device->rebased.count == 0) {
        return;
    }
    uint8_t hash[QR_HASH_SIZE];
    qr_hash(
        hash, QR_CONTEXT_CHANGE_HASH, (struct quire_bytes[]){{entry, QR_ENTRY_SIZE}, plaintext}, 2);
    size_t index = device_rebased_find(&device->rebased, hash);
    if (index < device->rebased.count) {
        device_rebase_forget(device, index, 1);
    }
}
