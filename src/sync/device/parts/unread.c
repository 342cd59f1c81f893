/*
 * The list of unread batches.
 */
#include "sync/device/parts/unread.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum quire_status device_unread_add(
    struct device_unread_list *list, const uint8_t *replica, uint64_t seq)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        struct device_unread *grown = realloc(list->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return QUIRE_ENOMEM;
        }
        list->items = grown;
        list->capacity = capacity;
    }
    struct device_unread *unread = &list->items[list->count++];
    memcpy(unread->replica, replica, QR_REPLICA_SIZE);
    unread->seq = seq;
    return QUIRE_OK;
}

void device_unread_remove(struct device_unread_list *list, size_t index)
{
    assert(index < list->count);
    list->count--;
    memmove(
        list->items + index, list->items + index + 1, (list->count - index) * sizeof *list->items);
}

bool device_unread_due(const struct device_unread_list *list)
{
    return list->next < list->count;
}

void device_unread_check(const struct device_unread_list *list)
{
    assert(list->count <= list->capacity);
    assert(list->next <= list->count);
}

void device_unread_finish(struct device_unread_list *list)
{
    free(list->items);
    *list = (struct device_unread_list){0};
}
