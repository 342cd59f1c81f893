/*
 * The table of formats, and what their readers share.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <string.h>

static const struct qr_moving_format *const all[] = {&qr_moving_quire, &qr_moving_dayone,
    &qr_moving_jrnl, &qr_moving_standardnotes, &qr_moving_joplin, &qr_moving_journey,
    &qr_moving_simplenote, &qr_moving_daylio, &qr_moving_org, &qr_moving_markdown, NULL};

const struct qr_moving_format *const *qr_moving_all(void)
{
    return all;
}

const struct qr_moving_format *qr_moving_format_named(const char *name)
{
    for (size_t i = 0; all[i] != NULL; i++) {
        if (strcmp(all[i]->name, name) == 0) {
            return all[i];
        }
    }
    return NULL;
}

const struct qr_moving_format *qr_moving_format_of(const struct qr_moving_bundle *bundle)
{
    const struct qr_moving_format *best = NULL;
    int sure = 0;
    for (size_t i = 0; all[i] != NULL; i++) {
        int match = all[i]->match(bundle);
        if (match > sure) {
            best = all[i];
            sure = match;
        }
    }
    return best;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *qr_moving_json(
    struct qr_moving_reading *reading, const struct qr_moving_member *member, bool fatal)
{
    json_error_t fault;
    json_t *json = json_loadb(
        (const char *)member->content.data, member->content.size, JSON_ALLOW_NUL, &fault);
    if (json != NULL) {
        return json;
    }
    if (fatal) {
        (void)qr_client_fail(reading->error, QUIRE_EMALFORMED,
            "%.200s is not whole JSON: line %d, column %d: %.200s. Nothing was imported.",
            member->name, fault.line, fault.column, fault.text);
    } else {
        qr_moving_note(reading->journal, QR_MOVING_FILE_SKIPPED, quire_bytes_of_text(member->name),
            "It is not whole JSON: line %d, column %d: %.200s.", fault.line, fault.column,
            fault.text);
    }
    return NULL;
}

struct quire_bytes qr_moving_string(const json_t *value)
{
    return (struct quire_bytes){
        (const uint8_t *)json_string_value(value), json_string_length(value)};
}

struct quire_bytes qr_moving_text_at(const json_t *object, const char *key)
{
    return qr_moving_string(json_object_get(object, key));
}

bool qr_moving_head_has(const struct qr_moving_member *member, const char *word)
{
    size_t size = member->content.size < 65536 ? member->content.size : 65536;
    return member->loaded && size > 0
        && memmem(member->content.data, size, word, strlen(word)) != NULL;
}

void qr_moving_note_keys(struct qr_moving_reading *reading, const char *file, const json_t *list,
    const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        size_t count = 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *value = json_object_get(json_array_get(list, i), *keys);
            count += value != NULL && !json_is_null(value);
        }
        if (count > 0) {
            qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_bytes_of_text(file),
                "%zu entries have \"%s\", for which Quire has no field: not taken.", count, *keys);
        }
    }
}

/* ---- dates ----------------------------------------------------------------------------------- */

void qr_moving_set_date(struct qr_moving_reading *reading, struct qr_moving_entry *entry,
    struct quire_bytes text, const char *zone)
{
    entry->has_date = qr_moving_date_read(text, zone, &entry->date_ms);
    if (!entry->has_date && text.size > 0) {
        qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry->where),
            "Its date \"%.*s\" is not one that exists; the entry has no date.",
            (int)(text.size < 60 ? text.size : 60), (const char *)text.data);
    }
}
