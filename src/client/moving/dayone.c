/*
 * Day One: its JSON, alone or in the zip with its photos, as the apps and the web page write it.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <stdlib.h>
#include <string.h>

static bool is_journal(const struct qr_moving_member *member)
{
    return qr_moving_ends(member->name, ".json") && qr_moving_head_has(member, "\"entries\"")
        && (qr_moving_head_has(member, "\"metadata\"")
            || qr_moving_head_has(member, "\"creationDate\""));
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_journal(&bundle->members[i])) {
            return 2;
        }
    }
    return 0;
}

/* An all-day entry is stored as the midnight of its zone, so its civil date has no time. */
static void set_date(
    struct qr_moving_reading *reading, struct qr_moving_entry *entry, const json_t *object)
{
    struct quire_bytes zone = qr_moving_text_at(object, "timeZone");
    const char *name = json_string_value(json_object_get(object, "timeZone"));
    qr_moving_set_date(
        reading, entry, qr_moving_text_at(object, "creationDate"), zone.size > 0 ? name : NULL);
}

/* `identifier` stands in the text, `md5` and `type` name the file: either may be missing. */
static void note_attachments(struct qr_moving_reading *reading, const struct qr_moving_entry *entry,
    const json_t *object, const char *key, const char *what)
{
    const json_t *list = json_object_get(object, key);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        const char *md5 = json_string_value(json_object_get(item, "md5"));
        const char *type = json_string_value(json_object_get(item, "type"));
        const char *name = json_string_value(json_object_get(item, "filename"));
        const char *identifier = json_string_value(json_object_get(item, "identifier"));
        const char *shown = name != NULL ? name : md5 != NULL ? md5 : identifier;
        qr_moving_note(reading->journal, QR_MOVING_ATTACHMENT, quire_buffer_bytes(&entry->where),
            "The %s %.80s%s%.10s was not taken: entries have no attachments yet. Its place in the text "
            "stays.",
            what, shown != NULL ? shown : "without a name",
            name == NULL && md5 != NULL && type != NULL ? "." : "",
            name == NULL && md5 != NULL && type != NULL ? type : "");
    }
}

static enum quire_status add_tags(struct qr_moving_entry *entry, const json_t *object)
{
    const json_t *tags = json_object_get(object, "tags");
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        status = qr_moving_tag(entry, qr_moving_string(json_array_get(tags, i)));
    }
    if (status == QUIRE_OK && json_is_true(json_object_get(object, "starred"))) {
        status = qr_moving_tag(entry, quire_bytes_of_text("starred"));
    }
    return status;
}

/*
 * Day One puts a backslash before dots, dashes, parentheses and exclamation marks in running text. It
 * goes where the text means the same without it, which is not at the start of a line, before or behind
 * brackets, or in code.
 */
static void unescape(struct quire_buffer *text)
{
    size_t out = 0, line = 0; /* line: where the present one began */
    bool fenced = false, code = false, begins = true;
    for (size_t i = 0; i < text->size; i++) {
        uint8_t byte = text->data[i];
        uint8_t next = i + 1 < text->size ? text->data[i + 1] : 0;
        uint8_t after = i + 2 < text->size ? text->data[i + 2] : 0;
        if (i == line && text->size - i >= 3 && memcmp(text->data + i, "```", 3) == 0) {
            fenced = !fenced;
        }
        code = byte == '\n' ? false : code ^ (byte == '`');
        uint8_t before = i > 0 ? text->data[i - 1] : 0;
        bool plain = byte == '\\' && !fenced && !code
            && ((!begins && (next == '.' || next == '-')) || (next == '!' && after != '[')
                || ((next == '(' || next == ')') && before != ']'));
        if (!plain) {
            text->data[out++] = byte;
        }
        line = byte == '\n' ? i + 1 : line;
        begins = byte == '\n'
            || (begins && (byte == ' ' || byte == '>' || (byte >= '0' && byte <= '9')));
    }
    text->size = out;
}

static enum quire_status read_entry(
    struct qr_moving_reading *reading, const char *file, const json_t *object, size_t index)
{
    struct qr_moving_entry entry = {0};
    struct quire_bytes uuid = qr_moving_text_at(object, "uuid");
    struct quire_bytes date = qr_moving_text_at(object, "creationDate");
    struct quire_bytes text = qr_moving_text_at(object, "text");
    enum quire_status status = date.size > 0
        ? qr_moving_put(&entry.where, date)
        : qr_moving_print(&entry.where, "%s, entry %zu", file, index + 1);
    if (!json_is_object(object)) {
        qr_moving_note(reading->journal, QR_MOVING_ENTRY_SKIPPED, quire_buffer_bytes(&entry.where),
            "It is not an object.");
        qr_moving_entry_finish(&entry);
        return status;
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.source, uuid.size > 0 ? uuid : date);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.text, text);
    }
    set_date(reading, &entry, object);
    if (status == QUIRE_OK) {
        status = add_tags(&entry, object);
    }
    note_attachments(reading, &entry, object, "photos", "photo");
    note_attachments(reading, &entry, object, "videos", "video");
    note_attachments(reading, &entry, object, "audios", "sound");
    note_attachments(reading, &entry, object, "pdfAttachments", "PDF");
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    unescape(&entry.text);
    return qr_moving_add(reading->journal, &entry);
}

static enum quire_status read_journal(
    struct qr_moving_reading *reading, const struct qr_moving_member *member)
{
    json_t *json = qr_moving_json(reading, member, reading->bundle->shape == QR_MOVING_FILE);
    if (json == NULL) {
        return reading->bundle->shape == QR_MOVING_FILE ? QUIRE_EMALFORMED : QUIRE_OK;
    }
    const json_t *entries = json_object_get(json, "entries");
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(entries); i++) {
        status = read_entry(reading, member->name, json_array_get(entries, i), i);
    }
    qr_moving_note_keys(reading, member->name, entries,
        (const char *const[]){"location", "weather", "music", "userActivity", NULL});
    json_decref(json);
    return status;
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    enum quire_status status = QUIRE_OK;
    const struct qr_moving_bundle *bundle = reading->bundle;
    bool found = false;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        if (is_journal(member)) {
            found = true;
            status = read_journal(reading, member);
        } else if (member->loaded) {
            qr_moving_note(reading->journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(member->name), "It is not a journal of Day One.");
        }
    }
    if (status == QUIRE_OK && !found) {
        return qr_client_fail(reading->error, QUIRE_EMALFORMED,
            "There is no journal of Day One in it: no JSON with \"entries\".");
    }
    return status;
}

const struct qr_moving_format qr_moving_dayone = {
    "dayone", "Day One (JSON or zip)", match, read_all};
