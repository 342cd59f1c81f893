/*
 * The list of changes to seal again.
 */
#include "sync/device/parts/rebased.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum quire_status device_rebased_prepend(struct device_rebased *rebased, size_t count)
{
    uint64_t first = rebased->count > 0 ? rebased->items[0].number : UINT64_MAX / 2;
    struct device_rebased_change *all = calloc(count + rebased->count + 1, sizeof *all);
    if (all == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        all[i].number = first - count + i;
    }
    for (size_t i = 0; i < rebased->count; i++) {
        all[count + i] = rebased->items[i];
    }
    free(rebased->items);
    rebased->items = all;
    rebased->count += count;
    return QUIRE_OK;
}

enum quire_status device_rebased_append(
    struct device_rebased *rebased, uint64_t number, const uint8_t hash[QR_HASH_SIZE])
{
    struct device_rebased_change *grown =
        realloc(rebased->items, (rebased->count + 1) * sizeof *grown);
    if (grown == NULL) {
        return QUIRE_ENOMEM;
    }
    rebased->items = grown;
    struct device_rebased_change *change = &grown[rebased->count++];
    change->number = number;
    memcpy(change->hash, hash, QR_HASH_SIZE);
    return QUIRE_OK;
}

void device_rebased_remove(struct device_rebased *rebased, size_t first, size_t count)
{
    assert(first + count <= rebased->count);
    if (count > 0) {
        rebased->count -= count;
        memmove(rebased->items + first, rebased->items + first + count,
            (rebased->count - first) * sizeof *rebased->items);
    }
}

size_t device_rebased_find(const struct device_rebased *rebased, const uint8_t hash[QR_HASH_SIZE])
{
    size_t i = 0;
    while (i < rebased->count && memcmp(rebased->items[i].hash, hash, QR_HASH_SIZE) != 0) {
        i++;
    }
    return i;
}

void device_rebased_check(const struct device_rebased *rebased)
{
    for (size_t i = 1; i < rebased->count; i++) {
        assert(rebased->items[i - 1].number < rebased->items[i].number);
    }
}

void device_rebased_finish(struct device_rebased *rebased)
{
    free(rebased->items);
    *rebased = (struct device_rebased){0};
}
