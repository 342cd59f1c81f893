/*
 * Finding entries by their words.
 *
 * Beside each entry's summary lies a record of its words, or none: then they are to be gathered again.
 * A save of a short text gathers them at once. What comes in heaps (a first sync) or is long (a
 * megabyte, saved every second) only drops the record, and INDEX gathers the words later.
 */
#include "sync/device/search.h"
#include "sync/device/actions.h"
#include "sync/device/entries.h"
#include "sync/device/records.h"
#include "sync/device/terms.h"
#include "sync/search.h"
#include <stdlib.h>

/* ---- what can be searched, and what not ------------------------------------------------------- */

struct found {
    uint8_t entry[QR_ENTRY_SIZE];
    bool matches;
};

/** All entries that have a record of words, in order of ids. */
struct search {
    struct quire_device *device;
    struct quire_bytes needles; /* size 0: only who has a record */
    struct quire_buffer plain;
    struct quire_buffer stale; /* keys of records of another folding, each after its size */
    struct found *found;
    size_t count, capacity;
    enum quire_status status;

    size_t next;      /* of found, while summaries are gone through in the same order */
    uint8_t *missing; /* the first ids without a record: DEVICE_INDEX_COUNT of them, or NULL */
    size_t missing_count;
    bool (*visit)(void *context, const struct quire_summary *summary);
    void *context;
};

static void search_finish(struct search *search)
{
    if (search->plain.data != NULL) {
        qr_wipe(search->plain.data, search->plain.capacity);
    }
    quire_buffer_finish(&search->plain);
    quire_buffer_finish(&search->stale);
    free(search->found);
    free(search->missing);
}

/* Of another folding: INDEX erases it. */
static bool note_stale(struct search *search, struct quire_bytes key)
{
    uint8_t size = (uint8_t)key.size;
    if (search->needles.size == 0 && search->stale.size < DEVICE_INDEX_SIZE) {
        search->status = quire_buffer_append(&search->stale, &size, 1);
        if (search->status == QUIRE_OK) {
            search->status = quire_buffer_append(&search->stale, key.data, key.size);
        }
    }
    return search->status == QUIRE_OK;
}

static void erase_stale(struct quire_device *device, const struct search *search)
{
    for (size_t i = 0; i < search->stale.size; i += 1 + (size_t)search->stale.data[i]) {
        device_erase(
            device, (struct quire_bytes){search->stale.data + i + 1, search->stale.data[i]});
    }
}

static bool match_terms(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct search *search = context;
    struct found found = {.matches = false};
    if (key.size < 1 + QR_ENTRY_SIZE) {
        search->status = QUIRE_ECORRUPT;
        return false;
    }
    struct device_key current = device_terms_key(search->device, key.data + 1);
    if (!quire_bytes_equal(key, device_key_bytes(&current))) {
        return note_stale(search, key);
    }
    memcpy(found.entry, key.data + 1, sizeof found.entry);
    if (search->needles.size > 0) {
        quire_buffer_clear(&search->plain);
        search->status = device_open_sealed(search->device, key, value, &search->plain);
        if (search->status != QUIRE_OK) {
            return false;
        }
        struct quire_bytes words = quire_buffer_bytes(&search->plain);
        if (words.size == 0 || words.data[0] != DEVICE_TERMS_VERSION) {
            search->status = words.size == 0 ? QUIRE_ECORRUPT : QUIRE_EUNSUPPORTED;
            return false;
        }
        found.matches =
            qr_search_match((struct quire_bytes){words.data + 1, words.size - 1}, search->needles);
    }
    if (search->count == search->capacity) {
        size_t capacity = search->capacity == 0 ? 256 : search->capacity * 2;
        struct found *grown = realloc(search->found, capacity * sizeof *grown);
        if (grown == NULL) {
            search->status = QUIRE_ENOMEM;
            return false;
        }
        search->found = grown;
        search->capacity = capacity;
    }
    search->found[search->count++] = found;
    return true;
}

/* The entry's own row of found, or NULL: it has no record. Entries must be asked for in order. */
static const struct found *find_next(struct search *search, const uint8_t *entry)
{
    while (search->next < search->count
        && memcmp(search->found[search->next].entry, entry, QR_ENTRY_SIZE) < 0) {
        search->next++;
    }
    return search->next < search->count
            && memcmp(search->found[search->next].entry, entry, QR_ENTRY_SIZE) == 0
        ? &search->found[search->next]
        : NULL;
}

static bool find_missing(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct search *search = context;
    (void)value;
    if (key.size == 1 + QR_ENTRY_SIZE && find_next(search, key.data + 1) == NULL) {
        if (search->missing != NULL && search->missing_count < DEVICE_INDEX_COUNT) {
            memcpy(search->missing + search->missing_count * QR_ENTRY_SIZE, key.data + 1,
                QR_ENTRY_SIZE);
        }
        search->missing_count++;
    }
    return true;
}

static enum quire_status scan(struct search *search, const char *prefix,
    bool (*visit)(void *, struct quire_bytes, struct quire_bytes))
{
    struct quire_reader *reader = &search->device->reader;
    search->next = 0;
    enum quire_status status =
        reader->scan(reader->context, quire_bytes_of_text(prefix), visit, search);
    return status == QUIRE_OK ? search->status : status;
}

/* ---- INDEX ------------------------------------------------------------------------------------ */

/* The size of its text; 0 if it cannot be read. */
static size_t index_one(struct quire_device *device, const uint8_t *id)
{
    struct device_entry *entry = NULL;
    size_t size = 0;
    bool was_open = device_cache_has(&device->cache, id);
    enum quire_status status = device_entry_get(device, id, false, &entry);
    if (status == QUIRE_ECORRUPT || status == QUIRE_ENOTFOUND) {
        /* It cannot be found, then; that must not keep the others from being found. */
        device_write_no_terms(device, id);
    } else if (device_ok(device, status)) {
        size = quire_document_text_size(entry->document);
        device_write_terms(device, entry);
        if (!was_open) {
            device_cache_evict(&device->cache, entry);
        }
    }
    return size;
}

void device_index(struct quire_device *device)
{
    struct search search = {.device = device};
    search.missing = malloc((size_t)DEVICE_INDEX_COUNT * QR_ENTRY_SIZE);
    if (device_ok(device, search.missing == NULL ? QUIRE_ENOMEM : QUIRE_OK)
        && device_ok(device, scan(&search, "f", match_terms))
        && device_ok(device, scan(&search, "m", find_missing))) {
        size_t done = 0, size = 0;
        erase_stale(device, &search);
        while (done < search.missing_count && done < DEVICE_INDEX_COUNT && size < DEVICE_INDEX_SIZE
            && device->step.failure == QUIRE_OK) {
            size += index_one(device, search.missing + QR_ENTRY_SIZE * done++);
        }
        size_t left = search.missing_count - done;
        device_notice(
            device, QUIRE_NOTICE_INDEXED, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX);
    }
    search_finish(&search);
}

/* ---- the search ------------------------------------------------------------------------------- */

static bool show_found(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct search *search = context;
    const struct found *found =
        key.size == 1 + QR_ENTRY_SIZE ? find_next(search, key.data + 1) : NULL;
    if (found == NULL || !found->matches) {
        return true;
    }
    struct quire_summary summary;
    quire_buffer_clear(&search->plain);
    search->status = device_open_sealed(search->device, key, value, &search->plain);
    if (search->status == QUIRE_OK) {
        search->status = device_summary_read(
            search->device, key.data + 1, quire_buffer_bytes(&search->plain), &summary);
    }
    return search->status == QUIRE_OK && search->visit(search->context, &summary);
}

enum quire_status quire_device_search(struct quire_device *device, struct quire_bytes query,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context)
{
    struct qr_search_words words = {.fold = &device->fold};
    struct search search = {.device = device, .visit = visit, .context = context};
    if (query.size > QUIRE_QUERY_MAX) {
        return QUIRE_ELIMIT;
    }
    enum quire_status status = qr_search_add(&words, query);
    search.needles = quire_buffer_bytes(&words.words);
    if (status == QUIRE_OK
        && (search.needles.size == 0 || words.word_count > QR_SEARCH_NEEDLES_MAX)) {
        status = search.needles.size == 0 ? QUIRE_EINVALID : QUIRE_ELIMIT;
    }
    if (status == QUIRE_OK) {
        status = scan(&search, "f", match_terms);
    }
    if (status == QUIRE_OK) {
        status = scan(&search, "m", find_missing);
    }
    if (status == QUIRE_OK && search.missing_count > 0) {
        status = QUIRE_ESTATE;
    }
    if (status == QUIRE_OK) {
        status = scan(&search, "m", show_found);
    }
    qr_search_finish(&words);
    search_finish(&search);
    return status;
}
