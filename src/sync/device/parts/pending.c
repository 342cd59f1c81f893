/*
 * The list of entries with edits to seal.
 */
#include "sync/device/parts/pending.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct device_pending *device_pending_find(
    const struct device_pending_list *list, const uint8_t *entry)
{
    for (size_t i = 0; i < list->count; i++) {
        if (memcmp(list->items[i].entry, entry, QR_ENTRY_SIZE) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

enum quire_status device_pending_set(
    struct device_pending_list *list, const uint8_t *entry, size_t size, uint64_t now_ms)
{
    struct device_pending *pending = device_pending_find(list, entry);
    if (size == 0) {
        if (pending != NULL) {
            *pending = list->items[--list->count];
        }
        return QUIRE_OK;
    }
    if (pending == NULL) {
        if (list->count == list->capacity) {
            size_t capacity = list->capacity == 0 ? 8 : list->capacity * 2;
            struct device_pending *grown = realloc(list->items, capacity * sizeof *grown);
            if (grown == NULL) {
                return QUIRE_ENOMEM;
            }
            list->items = grown;
            list->capacity = capacity;
        }
        if (list->count == 0) {
            list->first_ms = now_ms;
        }
        pending = &list->items[list->count++];
        memcpy(pending->entry, entry, QR_ENTRY_SIZE);
    }
    pending->size = size;
    list->last_ms = now_ms;
    return QUIRE_OK;
}

size_t device_pending_size(const struct device_pending_list *list, size_t limit)
{
    size_t size = 0;
    for (size_t i = 0; i < list->count && size < limit; i++) {
        size += list->items[i].size;
    }
    return size;
}

void device_pending_check(const struct device_pending_list *list)
{
    assert(list->count <= list->capacity);
    assert(list->count == 0 || list->first_ms <= list->last_ms);
    for (size_t i = 0; i < list->count; i++) {
        assert(list->items[i].size > 0);
    }
}

void device_pending_check_all(const struct device_pending_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        assert(device_pending_find(list, list->items[i].entry) == &list->items[i]);
    }
}

void device_pending_finish(struct device_pending_list *list)
{
    free(list->items);
    *list = (struct device_pending_list){0};
}
