/*
 * Documents in memory, least recently used first.
 */
#ifndef QR_SYNC_DEVICE_PARTS_CACHE_H
#define QR_SYNC_DEVICE_PARTS_CACHE_H

#include "base/ids.h"
#include "sync/table.h"
#include <quire/document.h>

#define DEVICE_CACHE_MAX 64 /* documents kept open between steps */

struct device_entry {
    UT_hash_handle hh;
    struct device_entry *next, *prev; /* least recently used first */
    uint8_t entry[QR_ENTRY_SIZE];
    struct quire_document *document; /* owned */
    uint32_t tail_count;             /* deltas in the records beside the state */
    size_t tail_size, state_size;    /* bytes */
    size_t saved_size;       /* bytes of edits that are not sealed and that the records hold */
    int64_t created_wall_ms; /* when it was first here; 0: not looked up yet */
    bool touched;            /* a merge of this step changed it: summary and notice are due */
    bool fresh;              /* nothing of it is in the records yet */
    bool state_due; /* a merge is in no record yet: the state is to be written in this step */
};

/** Invariant: the table and the list hold the same `count` entries; between steps at most
 * DEVICE_CACHE_MAX of them (and what a reader opened since), none touched or with a state due. */
struct device_cache {
    struct device_entry *table;
    struct device_entry *recent;
    size_t count;
};

/** NULL: not in memory. Otherwise it becomes the most recently used one. */
struct device_entry *device_cache_find(struct device_cache *cache, const uint8_t *id);
/** Is it in memory. Changes no order. */
bool device_cache_has(const struct device_cache *cache, const uint8_t *id);
/** Adds an entry that is not in the cache and takes it. ENOMEM: it is still the caller's. */
QUIRE_CHECKED enum quire_status device_cache_add(
    struct device_cache *cache, struct device_entry *entry);
/** Frees an entry and its document; edits that are not saved are gone. */
void device_cache_evict(struct device_cache *cache, struct device_entry *entry);
/** A reader opens one entry after another with no step between: frees the oldest one, unless it has
 * changes that are not saved. Those wait for the end of the step, which writes them. */
void device_cache_make_room(struct device_cache *cache);
void device_cache_check(const struct device_cache *cache);
void device_cache_finish(struct device_cache *cache);

#endif
