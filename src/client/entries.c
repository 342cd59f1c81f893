/*
 * Entries and devices: reading, editing, saving; all of it offline.
 */
#include "client/diff.h"
#include "client/inbox.h"
#include "client/shell.h"
#include "client/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS ((size_t)2 * QUIRE_ENTRY_SIZE)

_Static_assert(QUIRE_ENTRY_SIZE == QUIRE_DEVICE_SIZE, "find_entry and find_device share a prefix");

/* ---- documents ------------------------------------------------------------------------------- */

enum quire_status quire_client_new_entry(
    struct quire_client *client, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    enum quire_status status = qr_client_needs_profile(client);
    return status != QUIRE_OK ? status
                              : qr_client_random(out_entry, QUIRE_ENTRY_SIZE, &client->error);
}

/* The copy of a detached profile; the device's own document would take its edits for saved. */
static enum quire_status find_copy(struct quire_client *client, const uint8_t *entry, bool create,
    struct quire_document **out_document)
{
    struct quire_document *original = NULL;
    struct quire_buffer state = {0};
    for (struct qr_client_copy *copy = client->copies; copy != NULL; copy = copy->next) {
        if (memcmp(copy->entry, entry, QUIRE_ENTRY_SIZE) == 0) {
            *out_document = copy->document;
            return QUIRE_OK;
        }
    }
    enum quire_status status = quire_device_document(client->device, entry, create, &original);
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_client_copy *copy = calloc(1, sizeof *copy);
    status = copy == NULL ? QUIRE_ENOMEM : quire_document_create(&copy->document);
    if (status == QUIRE_OK) {
        status = quire_document_encode(original, &state);
    }
    if (status == QUIRE_OK) {
        status = quire_document_merge(copy->document, quire_buffer_bytes(&state));
    }
    quire_buffer_finish(&state);
    if (status != QUIRE_OK) {
        if (copy != NULL) {
            quire_document_destroy(copy->document);
        }
        free(copy);
        return status;
    }
    memcpy(copy->entry, entry, sizeof copy->entry);
    copy->next = client->copies;
    client->copies = copy;
    *out_document = copy->document;
    return QUIRE_OK;
}

void qr_client_copies_finish(struct quire_client *client)
{
    while (client->copies != NULL) {
        struct qr_client_copy *copy = client->copies;
        client->copies = copy->next;
        quire_document_destroy(copy->document);
        free(copy);
    }
}

enum quire_status quire_client_document(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], bool create, struct quire_document **out_document)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    status = client->detached ? find_copy(client, entry, create, out_document)
                              : quire_device_document(client->device, entry, create, out_document);
    if (status == QUIRE_ENOTFOUND) {
        return qr_client_fail(&client->error, status, "There is no such entry.");
    }
    if (status == QUIRE_ECORRUPT) {
        /* One damaged entry; the others are as they were, so the profile stays open. */
        return qr_client_fail(&client->error, status,
            "The records of this entry are damaged. The other entries are not.");
    }
    return qr_client_settle(client, status, "The entry cannot be read");
}

#define EDIT_MS 2000

int64_t qr_client_edit_wall_ms(struct quire_client *client)
{
    uint64_t now_ms = qr_client_now_ms();
    if (client->edit_wall_ms == 0 || now_ms - client->edit_ms > EDIT_MS) {
        client->edit_wall_ms = qr_client_wall_ms();
        client->edit_ms = now_ms;
    }
    return client->edit_wall_ms;
}

struct quire_stamp quire_client_stamp(struct quire_client *client)
{
    if (client->device == NULL) {
        return (struct quire_stamp){0};
    }
    struct quire_stamp stamp = quire_device_stamp(client->device, qr_client_edit_wall_ms(client));
    if (client->detached) {
        memcpy(stamp.replica, client->detached_replica, sizeof stamp.replica);
    }
    return stamp;
}

static bool look_for_unsealed(void *context, const struct quire_summary *summary)
{
    struct qr_client_unsealed *unsealed = context;
    bool same = memcmp(summary->entry, unsealed->entry, QUIRE_ENTRY_SIZE) == 0;
    unsealed->found |= same && summary->unsealed;
    return !same;
}

enum quire_status qr_client_find_unsealed(
    struct quire_client *client, struct qr_client_unsealed *unsealed)
{
    return quire_client_each_entry(client, look_for_unsealed, unsealed);
}

enum quire_status quire_client_begin_version(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    struct quire_device_state state;
    struct qr_client_unsealed unsealed = {entry, false};
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK || client->reading) {
        return status; /* the process that merges the inbox does it */
    }
    quire_device_state(client->device, &state);
    if (state.unsealed_count == 0) {
        return QUIRE_OK;
    }
    status = qr_client_find_unsealed(client, &unsealed);
    return status == QUIRE_OK && unsealed.found
        ? qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_FLUSH})
        : status;
}

static enum quire_status check_text(struct quire_client *client, struct quire_bytes text)
{
    size_t offset = 0;
    if (!qr_client_text_valid(text, &offset)) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "The text is not UTF-8: byte %zu is not part of a character. Nothing was changed.",
            offset);
    }
    if (text.size > QUIRE_TEXT_MAX) {
        return qr_client_fail(&client->error, QUIRE_ELIMIT,
            "The text has %zu bytes; an entry holds %d. Nothing was changed.", text.size,
            QUIRE_TEXT_MAX);
    }
    return QUIRE_OK;
}

/* First all that goes, then all that comes: the text is never longer than the longer of the two. */
static enum quire_status apply_hunks(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_client_hunks *hunks)
{
    enum quire_status status = QUIRE_OK;
    size_t erased = 0;
    for (size_t i = 0; status == QUIRE_OK && i < hunks->count; i++) {
        const struct qr_client_hunk *hunk = &hunks->items[i];
        if (hunk->erase_count > 0) {
            status = quire_document_erase(
                document, stamp, hunk->old_position - erased, hunk->erase_count);
            erased += hunk->erase_count;
        }
    }
    for (size_t i = 0; status == QUIRE_OK && i < hunks->count; i++) {
        const struct qr_client_hunk *hunk = &hunks->items[i];
        if (hunk->insert.size > 0) {
            status = quire_document_insert(document, stamp, hunk->new_position, hunk->insert);
        }
    }
    return status;
}

enum quire_status qr_client_change_text(struct quire_client *client,
    struct quire_document *document, const struct quire_stamp *stamp, struct quire_bytes text)
{
    struct quire_buffer present = {0};
    struct qr_client_hunks hunks = {0};
    enum quire_status status = quire_document_text(document, &present);
    if (status == QUIRE_OK) {
        status = qr_client_diff(quire_buffer_bytes(&present), text, &hunks);
    }
    if (status == QUIRE_OK) {
        status = apply_hunks(document, stamp, &hunks);
        if (status != QUIRE_OK) { /* half of an edit is in memory only: let it go */
            qr_client_fail(&client->error, status,
                "The text cannot be edited: %s. Nothing was saved.", quire_status_text(status));
            quire_client_close(client);
        }
    }
    if (present.data != NULL) {
        qr_client_wipe(present.data, present.capacity);
    }
    quire_buffer_finish(&present);
    qr_client_hunks_finish(&hunks);
    if (status != QUIRE_OK && client->error.text[0] == 0) {
        qr_client_fail(
            &client->error, status, "The text cannot be edited: %s.", quire_status_text(status));
    }
    return status;
}

enum quire_status quire_client_edit_text(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes text)
{
    struct quire_document *document = NULL;
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        status = check_text(client, text);
    }
    if (status == QUIRE_OK) {
        status = quire_client_document(client, entry, true, &document);
    }
    if (status == QUIRE_OK) {
        struct quire_stamp stamp = quire_client_stamp(client);
        status = qr_client_change_text(client, document, &stamp, text);
    }
    return status;
}

enum quire_status quire_client_snapshot(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_buffer *out_snapshot)
{
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_document(client, entry, false, &document);
    if (status == QUIRE_OK && quire_document_encode(document, out_snapshot) != QUIRE_OK) {
        status = qr_client_fail(&client->error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    return status;
}

/* The edit is made on a copy as old as the text, under a replica id of its own (the copy does not know
 * which ids ours has used since), and joins the entry as any other device's edit would. */
enum quire_status quire_client_edit_text_since(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes snapshot, struct quire_bytes text)
{
    struct quire_document *document = NULL, *copy = NULL;
    struct quire_buffer delta = {0};
    struct quire_stamp stamp = {.wall_ms = qr_client_edit_wall_ms(client)};
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        status = check_text(client, text);
    }
    if (status == QUIRE_OK) {
        status = quire_client_document(client, entry, false, &document);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    status = qr_client_random(stamp.replica, sizeof stamp.replica, &client->error);
    if (status == QUIRE_OK) {
        status = quire_document_create(&copy);
    }
    if (status == QUIRE_OK) {
        status = quire_document_merge(copy, snapshot);
    }
    if (status == QUIRE_OK) {
        status = qr_client_change_text(client, copy, &stamp, text);
    }
    if (status == QUIRE_OK && quire_document_pending_size(copy) > 0) {
        status = quire_document_encode_pending(copy, &delta);
        if (status == QUIRE_OK) {
            status = quire_document_restore_pending(document, quire_buffer_bytes(&delta));
        }
    }
    quire_document_destroy(copy);
    if (delta.data != NULL) {
        qr_client_wipe(delta.data, delta.capacity);
    }
    quire_buffer_finish(&delta);
    if (status != QUIRE_OK && client->error.text[0] == 0) {
        qr_client_fail(
            &client->error, status, "The text cannot be merged: %s.", quire_status_text(status));
    }
    return status;
}

/* Into the inbox, then into this process's view of the profile. */
static enum quire_status save_detached(struct quire_client *client, const struct quire_event *save)
{
    struct quire_document *copy = NULL, *original = NULL;
    struct quire_buffer delta = {0};
    enum quire_status status = find_copy(client, save->entry, true, &copy);
    if (status != QUIRE_OK || quire_document_pending_size(copy) == 0) {
        return status;
    }
    status = quire_document_encode_pending(copy, &delta);
    if (status == QUIRE_OK) {
        status = qr_client_inbox_write(client, save->entry, quire_buffer_bytes(&delta));
    }
    if (status == QUIRE_OK) {
        status = quire_device_document(client->device, save->entry, true, &original);
    }
    if (status == QUIRE_OK) {
        status = quire_document_restore_pending(original, quire_buffer_bytes(&delta));
    }
    if (delta.data != NULL) {
        qr_client_wipe(delta.data, delta.capacity);
    }
    quire_buffer_finish(&delta);
    qr_client_copies_finish(client);
    return status == QUIRE_OK ? qr_client_feed(client, *save) : status;
}

enum quire_status quire_client_save(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK && !client->detached) {
        status = qr_client_needs_lock(client);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct quire_event event = {.kind = QUIRE_EVENT_SAVE};
    memcpy(event.entry, entry, sizeof event.entry);
    status = client->detached ? save_detached(client, &event) : qr_client_feed(client, event);
    client->edit_wall_ms = 0;
    if (status != QUIRE_OK && client->error.text[0] == 0) {
        qr_client_fail(
            &client->error, status, "The entry cannot be saved: %s.", quire_status_text(status));
    }
    return status;
}

/* ---- visits ---------------------------------------------------------------------------------- */

enum quire_status quire_client_each_entry(struct quire_client *client,
    bool (*visit)(void *context, const struct quire_summary *summary), void *context)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_device_each_entry(client->device, visit, context);
    return qr_client_settle(client, status, "The entries cannot be listed");
}

enum quire_status quire_client_each_unsent(struct quire_client *client,
    bool (*visit)(void *context, const uint8_t entry[QUIRE_ENTRY_SIZE]), void *context)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_device_each_unsent(client->device, visit, context);
    return qr_client_settle(client, status, "What is not sent yet cannot be listed");
}

enum quire_status quire_client_each_device(struct quire_client *client,
    bool (*visit)(void *context, const struct quire_device_info *info), void *context)
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    status = quire_device_each_device(client->device, visit, context);
    return qr_client_settle(client, status, "The devices cannot be listed");
}

void quire_client_each_rejection(const struct quire_client *client,
    bool (*visit)(void *context, const struct quire_rejection *rejection), void *context)
{
    if (client->device != NULL) {
        quire_device_each_rejection(client->device, visit, context);
    }
}

void quire_client_state(const struct quire_client *client, struct quire_device_state *out_state)
{
    memset(out_state, 0, sizeof *out_state);
    if (client->device != NULL) {
        quire_device_state(client->device, out_state);
    }
}

/* ---- finding by prefix or name --------------------------------------------------------------- */

struct search {
    const char *prefix;
    size_t size;
    size_t found;
    uint8_t id[QUIRE_ENTRY_SIZE];
};

static bool is_prefix(const char *text)
{
    size_t size = strlen(text);
    return size >= QUIRE_CLIENT_PREFIX_MIN && size <= ID_DIGITS
        && strspn(text, "0123456789abcdefABCDEF") == size;
}

static bool begins_with(const uint8_t *id, const struct search *search)
{
    for (size_t i = 0; i < search->size; i++) {
        unsigned digit = i % 2 == 0 ? id[i / 2] >> 4 : id[i / 2] & 15;
        char lower = (char)(search->prefix[i] | 0x20); /* digits have that bit already */
        if ("0123456789abcdef"[digit] != lower) {
            return false;
        }
    }
    return true;
}

static bool visit_summary(void *context, const struct quire_summary *summary)
{
    struct search *search = context;
    if (begins_with(summary->entry, search)) {
        search->found++;
        memcpy(search->id, summary->entry, sizeof search->id);
    }
    return search->found < 2;
}

enum quire_status quire_client_find_entry(
    struct quire_client *client, const char *prefix, uint8_t out_entry[QUIRE_ENTRY_SIZE])
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    if (!is_prefix(prefix)) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "\"%.64s\" does not name an entry: give the first %d to %zu characters of its id.",
            prefix, QUIRE_CLIENT_PREFIX_MIN, ID_DIGITS);
    }
    struct search search = {.prefix = prefix, .size = strlen(prefix)};
    status = quire_client_each_entry(client, visit_summary, &search);
    if (status != QUIRE_OK) {
        return status;
    }
    if (search.found != 1) {
        return qr_client_fail(&client->error, search.found == 0 ? QUIRE_ENOTFOUND : QUIRE_ECONFLICT,
            search.found == 0 ? "No entry's id begins with %s."
                              : "More than one entry's id begins with %s: give more of it.",
            prefix);
    }
    memcpy(out_entry, search.id, sizeof search.id);
    return QUIRE_OK;
}

/** Devices that a name may mean: by their names, or by the start of their ids. */
struct device_search {
    struct search search;
    bool by_id, by_name;
    size_t revoked;       /* of search.found */
    char candidates[512]; /* in words */
    size_t used;
};

static bool visit_device(void *context, const struct quire_device_info *info)
{
    struct device_search *devices = context;
    struct search *search = &devices->search;
    bool same_name = devices->by_name && info->name.size == search->size
        && memcmp(info->name.data, search->prefix, info->name.size) == 0;
    if (!same_name && !(devices->by_id && begins_with(info->device, search))) {
        return true;
    }
    if (!info->active) {
        devices->revoked++;
    }
    if (info->active || search->found == devices->revoked - 1) {
        memcpy(search->id, info->device,
            sizeof search->id); /* an active one goes before a revoked one */
    }
    search->found++;
    int size = snprintf(devices->candidates + devices->used,
        sizeof devices->candidates - devices->used, "%s%02x%02x%02x%02x (\"%.*s\"%s)",
        devices->used > 0 ? ", " : "", info->device[0], info->device[1], info->device[2],
        info->device[3], (int)(info->name.size < 40 ? info->name.size : 40),
        info->name.size > 0 ? (const char *)info->name.data : "", info->active ? "" : ", revoked");
    size_t left = sizeof devices->candidates - devices->used;
    devices->used += size > 0 && (size_t)size < left ? (size_t)size : 0;
    return true;
}

enum quire_status quire_client_find_device(
    struct quire_client *client, const char *name, uint8_t out_device[QUIRE_DEVICE_SIZE])
{
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    struct device_search devices = {.by_id = true, .by_name = true};
    if (strncmp(name, "id:", 3) == 0) {
        devices.by_name = false;
        name += 3;
    } else if (strncmp(name, "name:", 5) == 0) {
        devices.by_id = false;
        name += 5;
    }
    if (name[0] == 0) {
        return qr_client_fail(&client->error, QUIRE_EINVALID, "The name of a device is empty.");
    }
    devices.search = (struct search){.prefix = name, .size = strlen(name)};
    devices.by_id &= is_prefix(name);
    status = quire_client_each_device(client, visit_device, &devices);
    if (status != QUIRE_OK) {
        return status;
    }
    if (devices.search.found == 0) {
        return qr_client_fail(&client->error, QUIRE_ENOTFOUND,
            "No device is named \"%.64s\" or has an id that begins so.", name);
    }
    size_t active = devices.search.found - devices.revoked;
    if (active > 1 || (active == 0 && devices.revoked > 1)) {
        return qr_client_fail(&client->error, QUIRE_ECONFLICT,
            "\"%.64s\" may mean more than one device: %s. Nothing was changed. Say id:… with more of the "
            "id, or name:… .",
            name, devices.candidates);
    }
    memcpy(out_device, devices.search.id, sizeof devices.search.id);
    return QUIRE_OK;
}
