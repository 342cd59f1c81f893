/*
 * Versions of an entry: looking at them, and bringing one back.
 */
#include "client/diff.h"
#include "client/shell.h"
#include "client/text.h"
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS ((size_t)2 * QUIRE_VERSION_SIZE)

enum quire_status quire_client_each_version(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE],
    bool (*visit)(
        void *context, const struct quire_version *version, const struct quire_document *document),
    void *context, uint64_t *out_unreadable)
{
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_document(client, entry, false, &document);
    if (status != QUIRE_OK && status != QUIRE_ECORRUPT) { /* a damaged state has a history still */
        return status;
    }
    client->error.text[0] = 0;
    status = quire_device_each_version(client->device, entry, visit, context, out_unreadable);
    return qr_client_settle(client, status, "The history cannot be read");
}

/* ---- one version ------------------------------------------------------------------------------ */

struct pick {
    const char *prefix; /* NULL: by number or time */
    size_t prefix_size;
    uint64_t number; /* 0: not by number */
    int64_t wall_ms;
    size_t found, seen;
    uint8_t id[QUIRE_VERSION_SIZE];
    struct quire_buffer state; /* of the last one found */
    enum quire_status status;
};

static bool is_meant(const struct pick *pick, const struct quire_version *version)
{
    if (pick->number != 0) {
        return version->number == pick->number;
    }
    if (pick->prefix == NULL) {
        return version->wall_ms <= pick->wall_ms;
    }
    for (size_t i = 0; i < pick->prefix_size; i++) {
        unsigned digit = i % 2 == 0 ? version->id[i / 2] >> 4 : version->id[i / 2] & 15;
        if ("0123456789abcdef"[digit] != (pick->prefix[i] | 0x20)) { /* digits have that bit */
            return false;
        }
    }
    return true;
}

static bool pick_version(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    struct pick *pick = context;
    pick->seen++;
    if (is_meant(pick, version)) {
        pick->found++;
        memcpy(pick->id, version->id, sizeof pick->id);
        quire_buffer_clear(&pick->state);
        pick->status = quire_document_encode(document, &pick->state);
    }
    return pick->status == QUIRE_OK;
}

static enum quire_status copy_of(
    struct quire_client *client, struct quire_bytes state, struct quire_document **out_document)
{
    struct quire_document *copy = NULL;
    enum quire_status status = quire_document_create(&copy);
    if (status == QUIRE_OK) {
        status = quire_document_merge(copy, state);
    }
    if (status != QUIRE_OK) {
        quire_document_destroy(copy);
        return qr_client_fail(
            &client->error, status, "The version cannot be read: %s.", quire_status_text(status));
    }
    *out_document = copy;
    return QUIRE_OK;
}

static enum quire_status pick_one(struct quire_client *client, const uint8_t *entry,
    struct pick *pick, struct quire_document **out_document, uint8_t *out_id)
{
    uint64_t unreadable = 0;
    enum quire_status status =
        quire_client_each_version(client, entry, pick_version, pick, &unreadable);
    if (status == QUIRE_OK && pick->status != QUIRE_OK) {
        status = qr_client_fail(&client->error, pick->status, "There is not enough memory.");
    }
    if (status == QUIRE_OK && pick->found == 0) {
        status = qr_client_fail(&client->error, QUIRE_ENOTFOUND,
            pick->number != 0          ? "This entry has no version of that number."
                : pick->prefix == NULL ? "No version of this entry is as old as that."
                                       : "No version of this entry has an id that begins with %s.",
            pick->prefix);
    }
    if (status == QUIRE_OK && pick->prefix != NULL && pick->found > 1) {
        status = qr_client_fail(&client->error, QUIRE_ECONFLICT,
            "More than one version has an id that begins with %s: give more of it.", pick->prefix);
    }
    if (status == QUIRE_OK) {
        status = copy_of(client, quire_buffer_bytes(&pick->state), out_document);
    }
    if (status == QUIRE_OK) {
        memcpy(out_id, pick->id, sizeof pick->id);
    }
    if (pick->state.data != NULL) {
        qr_client_wipe(pick->state.data, pick->state.capacity);
    }
    quire_buffer_finish(&pick->state);
    return status;
}

static enum quire_status present(struct quire_client *client, const uint8_t *entry,
    struct quire_document **out_document, uint8_t *out_id)
{
    struct quire_buffer state = {0};
    enum quire_status status = quire_client_snapshot(client, entry, &state);
    if (status == QUIRE_OK) {
        status = copy_of(client, quire_buffer_bytes(&state), out_document);
    }
    if (status == QUIRE_OK) {
        memset(out_id, 0, QUIRE_VERSION_SIZE);
    }
    if (state.data != NULL) {
        qr_client_wipe(state.data, state.capacity);
    }
    quire_buffer_finish(&state);
    return status;
}

/* "12" or "#12": three digits at most without the sign, as four might begin an id. */
static uint64_t number_of(const char *name)
{
    size_t digits = strspn(name + (name[0] == '#'), "0123456789");
    bool whole = name[(name[0] == '#') + digits] == 0;
    return whole && digits > 0 && digits <= (name[0] == '#' ? 18 : QUIRE_CLIENT_PREFIX_MIN - 1)
        ? strtoull(name + (name[0] == '#'), NULL, 10)
        : 0;
}

enum quire_status quire_client_version(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], const char *name, struct quire_document **out_document,
    uint8_t out_id[QUIRE_VERSION_SIZE])
{
    struct pick pick = {.prefix = name, .prefix_size = strlen(name)};
    enum quire_status status = qr_client_needs_profile(client);
    if (status != QUIRE_OK) {
        return status;
    }
    if (strcmp(name, "now") == 0) {
        return present(client, entry, out_document, out_id);
    }
    pick.number = number_of(name);
    if (pick.number != 0) {
        struct qr_client_unsealed unsealed = {entry, false};
        pick.prefix = NULL;
        status = pick_one(client, entry, &pick, out_document, out_id);
        if (status == QUIRE_ENOTFOUND && pick.number == pick.seen + 1
            && qr_client_find_unsealed(client, &unsealed) == QUIRE_OK && unsealed.found) {
            status = present(client, entry, out_document, out_id);
        }
        return status;
    }
    if (pick.prefix_size < QUIRE_CLIENT_PREFIX_MIN || pick.prefix_size > ID_DIGITS
        || strspn(name, "0123456789abcdefABCDEF") != pick.prefix_size) {
        return qr_client_fail(&client->error, QUIRE_EINVALID,
            "\"%.80s\" does not name a version: give its number, the first %d to %zu characters of its "
            "id, a date, or now.",
            name, QUIRE_CLIENT_PREFIX_MIN, ID_DIGITS);
    }
    return pick_one(client, entry, &pick, out_document, out_id);
}

enum quire_status quire_client_version_at(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], int64_t wall_ms, struct quire_document **out_document,
    uint8_t out_id[QUIRE_VERSION_SIZE])
{
    struct pick pick = {.wall_ms = wall_ms};
    return pick_one(client, entry, &pick, out_document, out_id);
}

/* ---- restoring -------------------------------------------------------------------------------- */

static bool same_bytes(struct quire_bytes a, struct quire_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static enum quire_status restore_register(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_register field, const struct quire_document *wanted)
{
    struct quire_value now, then;
    bool has_then = quire_document_register(wanted, field, 0, &then) == QUIRE_OK;
    bool has_now = quire_document_register(document, field, 0, &now) == QUIRE_OK;
    if (!has_then) {
        return has_now ? quire_document_clear_register(document, stamp, field) : QUIRE_OK;
    }
    bool same = has_now && same_bytes(now.text, then.text) && now.number == then.number;
    return same ? QUIRE_OK : quire_document_set_register(document, stamp, field, &then);
}

static bool find_element(const struct quire_document *document, enum quire_set set,
    struct quire_bytes name, int64_t *out_value)
{
    struct quire_element element;
    for (size_t i = 0; quire_document_set_element(document, set, i, &element) == QUIRE_OK; i++) {
        if (same_bytes(element.name, name)) {
            *out_value = element.value;
            return true;
        }
    }
    return false;
}

static enum quire_status restore_set(struct quire_document *document,
    const struct quire_stamp *stamp, enum quire_set set, const struct quire_document *wanted)
{
    struct quire_element element;
    int64_t value = 0;
    enum quire_status status = QUIRE_OK;
    for (size_t i = quire_document_set_count(document, set); status == QUIRE_OK && i > 0; i--) {
        char name[QUIRE_ELEMENT_MAX];
        status = quire_document_set_element(document, set, i - 1, &element);
        if (status == QUIRE_OK && !find_element(wanted, set, element.name, &value)) {
            size_t size = element.name.size; /* a copy: removing it frees the name */
            memcpy(name, element.name.data, size);
            status = quire_document_remove_element(
                document, stamp, set, (struct quire_bytes){(const uint8_t *)name, size});
        }
    }
    for (size_t i = 0;
         status == QUIRE_OK && quire_document_set_element(wanted, set, i, &element) == QUIRE_OK;
         i++) {
        if (!find_element(document, set, element.name, &value) || value != element.value) {
            status = quire_document_add_element(document, stamp, set, element.name, element.value);
        }
    }
    return status;
}

/* An edit that shows nothing, but that the delete has not seen: so the entry is back. */
static enum quire_status revive(struct quire_document *document, const struct quire_stamp *stamp)
{
    enum quire_status status = quire_document_insert(document, stamp, 0, quire_bytes_of_text(" "));
    return status == QUIRE_OK ? quire_document_erase(document, stamp, 0, 1) : status;
}

static enum quire_status restore_fields(struct quire_document *document,
    const struct quire_stamp *stamp, const struct quire_document *wanted)
{
    enum quire_status status = QUIRE_OK;
    for (unsigned field = 0; status == QUIRE_OK && field < QUIRE_REGISTER_COUNT; field++) {
        status = restore_register(document, stamp, (enum quire_register)field, wanted);
    }
    for (unsigned set = 0; status == QUIRE_OK && set < QUIRE_SET_COUNT; set++) {
        status = restore_set(document, stamp, (enum quire_set)set, wanted);
    }
    if (status == QUIRE_OK && quire_document_deleted(document) && !quire_document_deleted(wanted)) {
        status = revive(document, stamp);
    }
    if (status == QUIRE_OK && !quire_document_deleted(document) && quire_document_deleted(wanted)) {
        status = quire_document_delete(document, stamp);
    }
    return status;
}

static bool note_id(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    (void)document;
    memcpy(context, version->id, QUIRE_VERSION_SIZE);
    return true;
}

enum quire_status quire_client_restore(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], const struct quire_document *wanted, bool *out_changed,
    uint8_t out_before[QUIRE_VERSION_SIZE])
{
    struct quire_document *document = NULL;
    struct quire_buffer text = {0};
    uint8_t before[QUIRE_VERSION_SIZE] = {0};
    uint64_t unreadable = 0;
    enum quire_status status = quire_client_document(client, entry, false, &document);
    if (status == QUIRE_OK) {
        status = quire_client_save(client, entry);
    }
    if (status == QUIRE_OK && !client->reading) {
        status = qr_client_feed(client, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    }
    if (status == QUIRE_OK && !client->reading) {
        status = quire_client_each_version(client, entry, note_id, before, &unreadable);
    }
    if (status == QUIRE_OK) {
        status = quire_client_document(client, entry, false, &document);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct quire_stamp stamp = quire_client_stamp(client);
    /* The same characters come back, so that two devices that restore one version show it once. */
    status = quire_document_restore_text(document, &stamp, wanted);
    if (status
        == QUIRE_EINVALID) { /* the document of another entry, or a version with unread batches */
        status = quire_document_text(wanted, &text);
        if (status == QUIRE_OK) {
            status = qr_client_change_text(client, document, &stamp, quire_buffer_bytes(&text));
        }
    }
    if (status == QUIRE_OK) {
        status = restore_fields(document, &stamp, wanted);
        if (status != QUIRE_OK) { /* half of it is in memory only: let it go */
            qr_client_fail(&client->error, status,
                "The version cannot be restored: %s. Nothing was saved.",
                quire_status_text(status));
            quire_client_close(client);
        }
    }
    if (text.data != NULL) {
        qr_client_wipe(text.data, text.capacity);
    }
    quire_buffer_finish(&text);
    bool changed = status == QUIRE_OK && quire_document_pending_size(document) > 0;
    if (changed) {
        status = quire_client_save(client, entry);
    }
    if (status == QUIRE_OK) {
        *out_changed = changed;
        memcpy(out_before, before, sizeof before);
    } else if (client->error.text[0] == 0) {
        qr_client_fail(&client->error, status, "The version cannot be restored: %s.",
            quire_status_text(status));
    }
    return status;
}

enum quire_status quire_client_undelete(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE])
{
    struct quire_document *document = NULL;
    enum quire_status status = quire_client_document(client, entry, false, &document);
    if (status != QUIRE_OK) {
        return status;
    }
    if (!quire_document_deleted(document)) {
        return qr_client_fail(
            &client->error, QUIRE_EINVALID, "This entry is not deleted; nothing was changed.");
    }
    struct quire_stamp stamp = quire_client_stamp(client);
    status = revive(document, &stamp);
    if (status != QUIRE_OK) { /* half of it is in memory only: let it go */
        qr_client_fail(&client->error, status, "The entry cannot be brought back: %s.",
            quire_status_text(status));
        quire_client_close(client);
        return status;
    }
    return quire_client_save(client, entry);
}

/** The last two versions, as states. */
struct last_two {
    struct quire_buffer before, last;
    uint64_t count;
    enum quire_status status;
};

static bool note_last(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    struct last_two *two = context;
    struct quire_buffer oldest = two->before;
    (void)version;
    two->before = two->last;
    two->last = oldest;
    quire_buffer_clear(&two->last);
    two->status = quire_document_encode(document, &two->last);
    two->count++;
    return two->status == QUIRE_OK;
}

enum quire_status quire_client_before_last(struct quire_client *client,
    const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_document **out_document)
{
    struct last_two two = {0};
    struct qr_client_unsealed unsealed = {entry, false};
    uint64_t unreadable = 0;
    enum quire_status status =
        quire_client_each_version(client, entry, note_last, &two, &unreadable);
    status = status == QUIRE_OK ? two.status : status;
    if (status == QUIRE_OK) {
        status = qr_client_find_unsealed(client, &unsealed);
    }
    if (status == QUIRE_OK && two.count + unsealed.found < 2) {
        status = qr_client_fail(&client->error, QUIRE_ENOTFOUND,
            "There is no version before this one; nothing was changed.");
    }
    if (status == QUIRE_OK) {
        status = copy_of(
            client, quire_buffer_bytes(unsealed.found ? &two.last : &two.before), out_document);
    }
    struct quire_buffer *buffers[] = {&two.before, &two.last};
    for (size_t i = 0; i < 2; i++) {
        if (buffers[i]->data != NULL) {
            qr_client_wipe(buffers[i]->data, buffers[i]->capacity);
        }
        quire_buffer_finish(buffers[i]);
    }
    return status;
}

/* ---- differences ------------------------------------------------------------------------------ */

/* Bytes that `count` code points of well-formed UTF-8 take. */
static size_t size_of(struct quire_bytes text, size_t count)
{
    size_t size = 0;
    while (size < text.size && (count > 0 || (text.data[size] & 0xc0) == 0x80)) {
        count -= (text.data[size] & 0xc0) != 0x80;
        size++;
    }
    return size;
}

enum quire_status quire_text_diff(struct quire_bytes old_text, struct quire_bytes new_text,
    bool (*visit)(void *context, const struct quire_hunk *hunk), void *context)
{
    struct qr_client_hunks hunks = {0};
    enum quire_status status = qr_client_diff(old_text, new_text, &hunks);
    struct quire_bytes rest =
        old_text.size > 0 ? old_text : quire_bytes_of_text(""); /* counted from */
    size_t position = 0;
    bool more = true;
    for (size_t i = 0; status == QUIRE_OK && more && i < hunks.count; i++) {
        const struct qr_client_hunk *found = &hunks.items[i];
        size_t skipped = size_of(rest, found->old_position - position);
        rest = (struct quire_bytes){rest.data + skipped, rest.size - skipped};
        struct quire_hunk hunk = {.old_position = found->old_position,
            .new_position = found->new_position,
            .inserted = found->insert,
            .erased = {rest.data, size_of(rest, found->erase_count)}};
        rest = (struct quire_bytes){rest.data + hunk.erased.size, rest.size - hunk.erased.size};
        position = found->old_position + found->erase_count;
        more = visit(context, &hunk);
    }
    qr_client_hunks_finish(&hunks);
    return status;
}
