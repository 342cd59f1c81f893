/*
 * Documents: loaded when asked for, written as a state and the deltas since, evicted when not used.
 */
#include "sync/device/entries.h"
#include "base/reader.h"
#include "base/writer.h"
#include "crdt/snippet.h"
#include "sync/device/actions.h"
#include "sync/device/records.h"
#include "sync/device/terms.h"
#include <stdlib.h>
#include <utlist.h>

#define SUMMARY_VERSION 2 /* 1 lacks when the entry was first here */
#define SNIPPET_POINTS 80

/* ---- loading ---------------------------------------------------------------------------------- */

struct tail {
    struct quire_device *device;
    struct device_entry *entry;
    enum quire_status status;
};

static bool load_tail(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct tail *tail = context;
    struct quire_buffer delta = {0};
    tail->status = device_open_sealed(tail->device, key, value, &delta);
    if (tail->status == QUIRE_OK) {
        tail->status = quire_document_merge(tail->entry->document, quire_buffer_bytes(&delta));
        tail->entry->tail_size += delta.size;
        tail->entry->tail_count = qr_load_u32(key.data + key.size - 4) + 1;
    }
    quire_buffer_finish(&delta);
    return tail->status == QUIRE_OK;
}

/* State, then the deltas since, then the edits that are still pending. */
static enum quire_status load_parts(struct quire_device *device, struct device_entry *entry)
{
    struct quire_buffer part = {0};
    struct device_key key = device_key('e', entry->entry, QR_ENTRY_SIZE);
    entry->fresh = true;
    enum quire_status status = device_read_sealed(device, &key, &part);
    if (status == QUIRE_OK) {
        entry->fresh = false;
        entry->state_size = part.size;
        status = quire_document_open(&part, &entry->document);
    } else if (status == QUIRE_ENOTFOUND) {
        status = quire_document_create(&entry->document);
    }
    if (status == QUIRE_OK) {
        struct tail tail = {device, entry, QUIRE_OK};
        key = device_key('t', entry->entry, QR_ENTRY_SIZE);
        status =
            device->reader.scan(device->reader.context, device_key_bytes(&key), load_tail, &tail);
        status = status == QUIRE_OK ? tail.status : status;
        entry->fresh &= entry->tail_count == 0;
    }
    if (status == QUIRE_OK && device_pending_find(&device->pending, entry->entry) != NULL) {
        quire_buffer_clear(&part);
        key = device_key('l', entry->entry, QR_ENTRY_SIZE);
        status = device_read_sealed(device, &key, &part);
        if (status == QUIRE_OK) {
            entry->fresh = false;
            status = quire_document_restore_pending(entry->document, quire_buffer_bytes(&part));
            entry->saved_size = quire_document_pending_size(entry->document);
        } else if (status == QUIRE_ENOTFOUND) {
            status = QUIRE_OK;
        }
    }
    quire_buffer_finish(&part);
    return status == QUIRE_EMALFORMED ? QUIRE_ECORRUPT : status;
}

enum quire_status device_entry_get(
    struct quire_device *device, const uint8_t *id, bool create, struct device_entry **out_entry)
{
    struct device_entry *entry = device_cache_find(&device->cache, id);
    if (entry != NULL) {
        if (entry->fresh && !create && quire_document_empty(entry->document)) {
            return QUIRE_ENOTFOUND;
        }
        *out_entry = entry;
        return QUIRE_OK;
    }
    entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(entry->entry, id, QR_ENTRY_SIZE);
    enum quire_status status = load_parts(device, entry);
    if (status == QUIRE_OK && entry->fresh && !create) {
        status = QUIRE_ENOTFOUND;
    }
    if (status == QUIRE_OK) {
        status = device_cache_add(&device->cache, entry);
    }
    if (status != QUIRE_OK) {
        quire_document_destroy(entry->document);
        free(entry);
        return status;
    }
    *out_entry = entry;
    return QUIRE_OK;
}

/* ---- keeping ---------------------------------------------------------------------------------- */

/* Keeps the edits that are not sealed. */
static void write_pending(struct quire_device *device, struct device_entry *entry)
{
    size_t size = quire_document_pending_size(entry->document);
    struct quire_buffer delta = {0};
    if (size > 0 && device_ok(device, quire_document_encode_pending(entry->document, &delta))) {
        struct device_key key = device_key('l', entry->entry, QR_ENTRY_SIZE);
        device_write_sealed(device, &key, quire_buffer_bytes(&delta));
        device_ok(
            device, device_pending_set(&device->pending, entry->entry, size, device->step.now_ms));
        entry->fresh = false;
        entry->saved_size = size;
        device->replica.moved = true;
    }
    quire_buffer_finish(&delta);
}

/* Edits that the host did not save yet are saved before the entry is evicted: they would be lost. */
void device_entries_trim(struct quire_device *device)
{
    while (device->cache.count > DEVICE_CACHE_MAX) {
        struct device_entry *oldest = device->cache.recent;
        write_pending(device, oldest);
        if (device->step.failure != QUIRE_OK) {
            return;
        }
        device_cache_evict(&device->cache, oldest);
    }
}

static void write_state(struct quire_device *device, struct device_entry *entry)
{
    struct quire_buffer state = {0};
    /* The state holds edits that the host did not save yet; written without being pending, they would be seen
     * here and never be sent. */
    write_pending(device, entry);
    if (device_ok(device, quire_document_encode(entry->document, &state))) {
        struct device_key key = device_key('e', entry->entry, QR_ENTRY_SIZE);
        device_write_sealed(device, &key, quire_buffer_bytes(&state));
        for (uint32_t i = 0; i < entry->tail_count; i++) {
            key = device_key_number('t', entry->entry, QR_ENTRY_SIZE, i, 4);
            device_erase(device, device_key_bytes(&key));
        }
        entry->state_size = state.size;
        entry->tail_count = 0;
        entry->tail_size = 0;
        entry->fresh = false;
        entry->state_due = false;
    }
    quire_buffer_finish(&state);
}

void device_entry_settle(struct quire_device *device, struct device_entry *entry)
{
    if (entry->state_due) {
        write_state(device, entry);
    }
}

enum quire_status device_entry_accept(
    struct quire_device *device, struct device_entry *entry, struct quire_bytes delta)
{
    enum quire_status status = quire_document_merge(entry->document, delta);
    if (status != QUIRE_OK) {
        return status;
    }
    entry->touched = true;
    /* A small entry is kept as its state alone, so that opening it is decrypting it. Of a large one a
     * state is written again once the deltas beside it weigh as much: a constant factor more bytes in
     * all, however long the entry lives. */
    size_t size = quire_document_text_size(entry->document);
    size = size > entry->state_size ? size : entry->state_size;
    if (entry->state_due || size <= DEVICE_STATE_SMALL || entry->tail_size + delta.size > size) {
        entry->state_due = true;
        return QUIRE_OK;
    }
    struct device_key key =
        device_key_number('t', entry->entry, QR_ENTRY_SIZE, entry->tail_count, 4);
    device_write_sealed(device, &key, delta);
    entry->tail_count++;
    entry->tail_size += delta.size;
    entry->fresh = false;
    return QUIRE_OK;
}

/* The first code points of the text, as one line. */
static enum quire_status snippet_of(
    const struct quire_document *document, struct quire_buffer *out_text)
{
    enum quire_status status = qr_document_snippet(document, SNIPPET_POINTS, out_text);
    for (size_t i = 0; i < out_text->size; i++) {
        if (out_text->data[i] < 0x20) {
            out_text->data[i] = ' ';
        }
    }
    return status;
}

/* As the summary before says, or now if there is none. */
static int64_t created_wall_ms(struct quire_device *device, struct device_entry *entry)
{
    struct device_key key = device_key('m', entry->entry, QR_ENTRY_SIZE);
    struct quire_buffer plain = {0};
    struct quire_summary summary;
    if (entry->created_wall_ms == 0) {
        bool known = device_read_sealed(device, &key, &plain) == QUIRE_OK
            && device_summary_read(device, entry->entry, quire_buffer_bytes(&plain), &summary)
                == QUIRE_OK;
        entry->created_wall_ms = known ? summary.created_wall_ms : device->step.wall_ms;
        if (plain.data != NULL) {
            qr_wipe(plain.data, plain.capacity);
        }
        quire_buffer_finish(&plain);
    }
    return entry->created_wall_ms;
}

void device_entry_write_summary(struct quire_device *device, struct device_entry *entry, bool terms)
{
    const struct quire_document *document = entry->document;
    struct quire_value title = {0}, date = {0}, mood = {0};
    bool has_title = quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &title) == QUIRE_OK;
    bool has_date = quire_document_register(document, QUIRE_REGISTER_DATE, 0, &date) == QUIRE_OK;
    bool has_mood = quire_document_register(document, QUIRE_REGISTER_MOOD, 0, &mood) == QUIRE_OK;
    struct quire_buffer text = {0}, value = {0};
    if (!device_ok(device, snippet_of(document, &text))) {
        quire_buffer_finish(&text);
        return;
    }
    if (terms && quire_document_text_size(document) <= DEVICE_TERMS_AT_ONCE) {
        device_write_terms(device, entry);
    } else {
        device_erase_terms(device, entry->entry);
    }
    struct qr_writer writer = qr_writer_onto(&value);
    qr_write_u8(&writer, SUMMARY_VERSION);
    qr_write_u8(
        &writer, (uint8_t)(has_date | has_mood << 1 | quire_document_deleted(document) << 2));
    qr_write_u64(&writer, (uint64_t)date.number);
    qr_write_u64(&writer, (uint64_t)mood.number);
    qr_write_u64(&writer, (uint64_t)device->step.wall_ms);
    qr_write_u64(&writer, quire_document_text_length(document));
    qr_write_u16(&writer, has_title ? (uint16_t)title.text.size : 0);
    qr_write_bytes(&writer, title.text.data, has_title ? title.text.size : 0);
    qr_write_u16(&writer, (uint16_t)text.size);
    qr_write_bytes(&writer, text.data, text.size);
    qr_write_u64(&writer, (uint64_t)created_wall_ms(device, entry));
    if (device_ok(device, qr_writer_end(&writer))) {
        struct device_key key = device_key('m', entry->entry, QR_ENTRY_SIZE);
        device_write_sealed(device, &key, quire_buffer_bytes(&value));
    }
    quire_buffer_finish(&text);
    quire_buffer_finish(&value);
}

void device_entries_settle(struct quire_device *device)
{
    struct device_entry *entry;
    size_t count = 0;
    DL_FOREACH (device->cache.recent, entry) {
        count += entry->touched;
    }
    DL_FOREACH (device->cache.recent, entry) {
        if (entry->touched) {
            entry->touched = false;
            device_entry_settle(device, entry);
            device_entry_write_summary(device, entry, count <= DEVICE_TERMS_ENTRIES);
            device_notice_entry(device, entry->entry);
        }
    }
}

void device_save(struct quire_device *device, const uint8_t *id)
{
    struct device_entry *entry = NULL;
    if (!device_ok(device, device_entry_get(device, id, true, &entry))) {
        return;
    }
    bool forgets = QR_FAILPOINT_ON(SAVED_ONCE) && device_pending_find(&device->pending, id) != NULL;
    if (quire_document_pending_size(entry->document) > 0 && !forgets) {
        write_pending(device, entry);
        device_entry_write_summary(device, entry, true);
    }
}

/* ---- listing ---------------------------------------------------------------------------------- */

struct listing {
    struct quire_device *device;
    bool (*visit)(void *context, const struct quire_summary *summary);
    void *context;
    struct quire_buffer plain; /* of one visit after another */
    enum quire_status status;
};

enum quire_status device_summary_read(const struct quire_device *device, const uint8_t *entry,
    struct quire_bytes plain, struct quire_summary *out_summary)
{
    struct qr_reader reader = qr_reader_over(plain);
    struct quire_summary summary = {.entry = entry};
    uint8_t version = qr_read_u8(&reader);
    uint8_t flags = qr_read_u8(&reader);
    summary.has_date = flags & 1;
    summary.has_mood = (flags & 2) != 0;
    summary.deleted = (flags & 4) != 0;
    summary.date = (int64_t)qr_read_u64(&reader);
    summary.mood = (int64_t)qr_read_u64(&reader);
    summary.changed_wall_ms = (int64_t)qr_read_u64(&reader);
    summary.text_length = qr_read_u64(&reader);
    summary.title = qr_read_bytes(&reader, qr_read_u16(&reader));
    summary.snippet = qr_read_bytes(&reader, qr_read_u16(&reader));
    summary.created_wall_ms =
        version == 1 ? summary.changed_wall_ms : (int64_t)qr_read_u64(&reader);
    summary.unsealed = device_pending_find(&device->pending, entry) != NULL;
    if (version > SUMMARY_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    if (!qr_reader_done(&reader)) {
        return QUIRE_ECORRUPT;
    }
    *out_summary = summary;
    return QUIRE_OK;
}

static bool list_one(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct listing *listing = context;
    struct quire_summary summary;
    bool more = false;
    quire_buffer_clear(&listing->plain);
    listing->status = device_open_sealed(listing->device, key, value, &listing->plain);
    if (listing->status == QUIRE_OK && key.size == 1 + QR_ENTRY_SIZE) {
        listing->status = device_summary_read(
            listing->device, key.data + 1, quire_buffer_bytes(&listing->plain), &summary);
        more = listing->status == QUIRE_OK && listing->visit(listing->context, &summary);
    }
    return more;
}

enum quire_status quire_device_each_entry(struct quire_device *device,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context)
{
    struct listing listing = {.device = device, .visit = visit, .context = context};
    enum quire_status status =
        device->reader.scan(device->reader.context, quire_bytes_of_text("m"), list_one, &listing);
    quire_buffer_finish(&listing.plain);
    return status == QUIRE_OK ? listing.status : status;
}

enum quire_status quire_device_document(struct quire_device *device,
    const uint8_t entry[QUIRE_ENTRY_SIZE], bool create, struct quire_document **out_document)
{
    struct device_entry *found;
    if (device->enrolment.role != ROLE_MEMBER) {
        return QUIRE_ESTATE;
    }
    enum quire_status status = device_entry_get(device, entry, create, &found);
    if (status == QUIRE_OK) {
        *out_document = found->document;
    }
    return status;
}

struct quire_stamp quire_device_stamp(const struct quire_device *device, int64_t wall_ms)
{
    struct quire_stamp stamp = {.wall_ms = wall_ms};
    memcpy(stamp.replica, device->replica.id, sizeof stamp.replica);
    return stamp;
}
