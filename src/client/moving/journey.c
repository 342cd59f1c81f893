/*
 * Journey: a zip or folder with one JSON file an entry and the media beside it.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <string.h>

static bool is_entry(const struct qr_moving_member *member)
{
    return qr_moving_ends(member->name, ".json") && qr_moving_head_has(member, "\"date_journal\"");
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_entry(&bundle->members[i])) {
            return 2;
        }
    }
    return 0;
}

static bool is_html(const json_t *object, struct quire_bytes text)
{
    return qr_moving_is(qr_moving_text_at(object, "type"), "html")
        || (text.size > 2 && text.data[0] == '<'
            && (memmem(text.data, text.size, "</p>", 4) != NULL
                || memmem(text.data, text.size, "</div>", 6) != NULL));
}

/* What the number of a mood means is the maker's: it stays a number, as a tag. */
static enum quire_status add_tags(struct qr_moving_entry *entry, const json_t *object)
{
    const json_t *tags = json_object_get(object, "tags"), *mood = json_object_get(object, "mood");
    struct quire_buffer name = {0};
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        status = qr_moving_tag(entry, qr_moving_string(json_array_get(tags, i)));
    }
    if (status == QUIRE_OK && json_is_true(json_object_get(object, "favourite"))) {
        status = qr_moving_tag(entry, quire_bytes_of_text("starred"));
    }
    if (status == QUIRE_OK && json_is_integer(mood) && json_integer_value(mood) > 0) {
        status = qr_moving_print(&name, "mood %lld", (long long)json_integer_value(mood));
        if (status == QUIRE_OK) {
            status = qr_moving_tag(entry, quire_buffer_bytes(&name));
        }
    }
    quire_buffer_finish(&name);
    return status;
}

static void set_date(
    struct qr_moving_reading *reading, struct qr_moving_entry *entry, const json_t *object)
{
    const json_t *date = json_object_get(object, "date_journal");
    double ms = json_number_value(date);
    if (json_is_number(date) && ms > (double)QR_CLIENT_DATE_MIN
        && ms < (double)QR_CLIENT_DATE_END) {
        entry->has_date = true;
        entry->date_ms =
            qr_moving_zone_ms((int64_t)ms, json_string_value(json_object_get(object, "timezone")));
    } else {
        qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry->where),
            "Its date is not one that exists; the entry has no date.");
    }
}

static enum quire_status read_entry(
    struct qr_moving_reading *reading, const struct qr_moving_member *member, json_t *object)
{
    struct qr_moving_entry entry = {0};
    struct quire_bytes id = qr_moving_text_at(object, "id"),
                       text = qr_moving_text_at(object, "text");
    const json_t *photos = json_object_get(object, "photos");
    enum quire_status status = qr_moving_print(&entry.where, "%s", member->name);
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.source, id.size > 0 ? id : quire_bytes_of_text(member->name));
    }
    if (status == QUIRE_OK) {
        status = is_html(object, text) ? qr_moving_html_text(text, &entry.text)
                                       : qr_moving_put(&entry.text, text);
    }
    set_date(reading, &entry, object);
    if (status == QUIRE_OK) {
        status = add_tags(&entry, object);
    }
    for (size_t i = 0; i < json_array_size(photos); i++) {
        const char *name = json_string_value(json_array_get(photos, i));
        qr_moving_note(reading->journal, QR_MOVING_ATTACHMENT, quire_buffer_bytes(&entry.where),
            "The file %.80s was not taken: entries have no attachments yet.",
            name != NULL ? name : "without a name");
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    return qr_moving_add(reading->journal, &entry);
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    const struct qr_moving_bundle *bundle = reading->bundle;
    enum quire_status status = QUIRE_OK;
    json_t *all = json_array();
    for (size_t i = 0; all != NULL && status == QUIRE_OK && i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        if (!is_entry(member)) {
            if (member->loaded) {
                qr_moving_note(reading->journal, QR_MOVING_FILE_SKIPPED,
                    quire_bytes_of_text(member->name), "It is not an entry of Journey.");
            }
            continue;
        }
        json_t *object = qr_moving_json(reading, member, bundle->shape == QR_MOVING_FILE);
        if (object == NULL) {
            status = bundle->shape == QR_MOVING_FILE ? QUIRE_EMALFORMED : QUIRE_OK;
            continue;
        }
        status = read_entry(reading, member, object);
        json_object_del(object, "text");
        json_array_append_new(all, object);
    }
    qr_moving_note_keys(reading, "Journey", all,
        (const char *const[]){"weather", "address", "music_title", "sentiment", NULL});
    json_decref(all);
    return status;
}

const struct qr_moving_format qr_moving_journey = {
    "journey", "Journey (zip or folder of JSON)", match, read_all};
