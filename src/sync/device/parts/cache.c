/*
 * The cache of documents.
 */
#include "sync/device/parts/cache.h"
#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

struct device_entry *device_cache_find(struct device_cache *cache, const uint8_t *id)
{
    struct device_entry *entry = NULL;
    HASH_FIND(hh, cache->table, id, QR_ENTRY_SIZE, entry);
    if (entry != NULL) {
        DL_DELETE(cache->recent, entry);
        DL_APPEND(cache->recent, entry);
    }
    return entry;
}

bool device_cache_has(const struct device_cache *cache, const uint8_t *id)
{
    struct device_entry *entry = NULL;
    HASH_FIND(hh, cache->table, id, QR_ENTRY_SIZE, entry);
    return entry != NULL;
}

enum quire_status device_cache_add(struct device_cache *cache, struct device_entry *entry)
{
    HASH_ADD(hh, cache->table, entry, QR_ENTRY_SIZE, entry);
    if (entry->hh.tbl == NULL) {
        return QUIRE_ENOMEM;
    }
    device_cache_make_room(cache);
    DL_APPEND(cache->recent, entry);
    cache->count++;
    return QUIRE_OK;
}

void device_cache_evict(struct device_cache *cache, struct device_entry *entry)
{
    assert(cache->count > 0);
    HASH_DELETE(hh, cache->table, entry);
    DL_DELETE(cache->recent, entry);
    cache->count--;
    quire_document_destroy(entry->document);
    free(entry);
}

void device_cache_make_room(struct device_cache *cache)
{
    struct device_entry *oldest = cache->recent;
    if (cache->count >= DEVICE_CACHE_MAX && !oldest->touched && !oldest->state_due
        && quire_document_pending_size(oldest->document) == oldest->saved_size) {
        device_cache_evict(cache, oldest);
    }
}

void device_cache_check(const struct device_cache *cache)
{
    size_t count = 0;
    for (const struct device_entry *entry = cache->recent; entry != NULL; entry = entry->next) {
        assert(!entry->touched);
        assert(!entry->state_due);
        count++;
    }
    assert(count == cache->count);
    assert(count <= DEVICE_CACHE_MAX);
    assert(count == HASH_COUNT(cache->table));
}

void device_cache_finish(struct device_cache *cache)
{
    while (cache->recent != NULL) {
        device_cache_evict(cache, cache->recent);
    }
}
