/*
 * Our own JSON, as docs/export.schema.json describes it: an entry a line, in order of date and id, and
 * nothing in it that changes where the journal does not.
 */
#include "client/moving/format.h"
#include "client/dates.h"
#include <string.h>

#define FORMAT_NAME "quire-export"
#define FORMAT_VERSION 1

/* ---- writing --------------------------------------------------------------------------------- */

bool qr_moving_json_begin(FILE *file)
{
    return fprintf(
               file, "{\"format\":\"%s\",\"version\":%d,\"entries\":[", FORMAT_NAME, FORMAT_VERSION)
        > 0;
}

static json_t *json_bytes(const struct quire_buffer *buffer)
{
    return json_stringn(buffer->size == 0 ? "" : (const char *)buffer->data, buffer->size);
}

/* A year beyond 9999 has no text of four digits: those dates are written as milliseconds. */
static bool set_date(json_t *object, int64_t date_ms)
{
    char date[40];
    return qr_moving_date_text(date_ms, date)
        ? json_object_set_new(object, "date", json_string(date)) == 0
        : json_object_set_new(object, "date_ms", json_integer(date_ms)) == 0;
}

bool qr_moving_json_entry(FILE *file, const struct qr_moving_entry *entry, bool first)
{
    char id[2 * QUIRE_ENTRY_SIZE + 1];
    json_t *object = json_object(), *tags = json_array(), *emotions = json_array();
    for (size_t i = 0; i < QUIRE_ENTRY_SIZE; i++) {
        snprintf(id + 2 * i, 3, "%02x", entry->id[i]);
    }
    bool good = object != NULL && tags != NULL && emotions != NULL
        && json_object_set_new(object, "id", json_string(id)) == 0
        && (!entry->has_date || set_date(object, entry->date_ms))
        && (!entry->has_title
            || json_object_set_new(object, "title", json_bytes(&entry->title)) == 0)
        && (!entry->has_mood || json_object_set_new(object, "mood", json_integer(entry->mood)) == 0)
        && (entry->journal.size == 0
            || json_object_set_new(object, "journal", json_bytes(&entry->journal)) == 0);
    for (size_t i = 0; good && i < entry->tags.count; i++) {
        good = json_array_append_new(tags, json_bytes(&entry->tags.items[i].name)) == 0;
    }
    for (size_t i = 0; good && i < entry->emotions.count; i++) {
        json_t *emotion = json_object();
        good = emotion != NULL
            && json_object_set_new(emotion, "name", json_bytes(&entry->emotions.items[i].name)) == 0
            && json_object_set_new(
                   emotion, "intensity", json_integer(entry->emotions.items[i].value))
                == 0
            && json_array_append(emotions, emotion) == 0;
        json_decref(emotion);
    }
    good = good && (entry->tags.count == 0 || json_object_set(object, "tags", tags) == 0)
        && (entry->emotions.count == 0 || json_object_set(object, "emotions", emotions) == 0)
        && (!entry->deleted || json_object_set_new(object, "deleted", json_true()) == 0)
        && json_object_set_new(object, "text", json_bytes(&entry->text)) == 0
        && fputs(first ? "\n" : ",\n", file) != EOF && json_dumpf(object, file, JSON_COMPACT) == 0;
    json_decref(object);
    json_decref(tags);
    json_decref(emotions);
    return good;
}

bool qr_moving_json_end(FILE *file)
{
    return fputs("\n]}\n", file) != EOF;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int match(const struct qr_moving_bundle *bundle)
{
    return bundle->count == 1 && qr_moving_head_has(&bundle->members[0], "\"" FORMAT_NAME "\"") ? 3
                                                                                                : 0;
}

static enum quire_status read_sets(struct qr_moving_entry *entry, const json_t *object)
{
    enum quire_status status = QUIRE_OK;
    const json_t *list = json_object_get(object, "tags");
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(list); i++) {
        status = qr_moving_set_add(&entry->tags, qr_moving_string(json_array_get(list, i)), 0);
    }
    list = json_object_get(object, "emotions");
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(list); i++) {
        const json_t *emotion = json_array_get(list, i),
                     *value = json_object_get(emotion, "intensity");
        status = qr_moving_set_add(&entry->emotions, qr_moving_text_at(emotion, "name"),
            json_is_integer(value) ? json_integer_value(value) : -1);
    }
    return status;
}

static enum quire_status read_entry(
    struct qr_moving_reading *reading, const json_t *object, size_t index)
{
    struct qr_moving_entry entry = {.has_id = true};
    enum quire_status status = qr_moving_print(&entry.where, "entry %zu", index + 1);
    const json_t *title = json_object_get(object, "title"), *text = json_object_get(object, "text"),
                 *mood = json_object_get(object, "mood"), *ms = json_object_get(object, "date_ms");
    struct quire_bytes id = qr_moving_text_at(object, "id");
    if (!qr_moving_id_read(id, entry.id) || !json_is_string(text)) {
        qr_moving_note(reading->journal, QR_MOVING_ENTRY_SKIPPED, quire_buffer_bytes(&entry.where),
            "It has no id of 32 hex digits, or no text.");
        qr_moving_entry_finish(&entry);
        return status;
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.where, id);
    }
    entry.has_title = json_is_string(title);
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, qr_moving_string(title));
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.text, qr_moving_string(text));
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.journal, qr_moving_text_at(object, "journal"));
    }
    entry.has_mood = json_is_integer(mood);
    entry.mood = json_integer_value(mood);
    entry.deleted = json_is_true(json_object_get(object, "deleted"));
    qr_moving_set_date(reading, &entry, qr_moving_text_at(object, "date"), NULL);
    if (json_is_integer(ms)) {
        entry.has_date = true;
        entry.date_ms = json_integer_value(ms);
    }
    if (status == QUIRE_OK) {
        status = read_sets(&entry, object);
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    return qr_moving_add(reading->journal, &entry);
}

static enum quire_status read_export(struct qr_moving_reading *reading)
{
    json_t *json = qr_moving_json(reading, &reading->bundle->members[0], true);
    enum quire_status status = QUIRE_OK;
    if (json == NULL) {
        return QUIRE_EMALFORMED;
    }
    const json_t *entries = json_object_get(json, "entries");
    if (!qr_moving_is(qr_moving_text_at(json, "format"), FORMAT_NAME) || !json_is_array(entries)) {
        status = qr_client_fail(reading->error, QUIRE_EMALFORMED,
            "This is not an export of Quire: \"format\" or \"entries\" is missing.");
    } else if (json_integer_value(json_object_get(json, "version")) != FORMAT_VERSION) {
        status = qr_client_fail(reading->error, QUIRE_EUNSUPPORTED,
            "A newer version of Quire made this export. Nothing was imported.");
    }
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(entries); i++) {
        status = read_entry(reading, json_array_get(entries, i), i);
    }
    json_decref(json);
    return status;
}

const struct qr_moving_format qr_moving_quire = {
    "quire", "an export of Quire as JSON", match, read_export};
