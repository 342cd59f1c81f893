/*
 * Simplenote: notes.json, alone or in its zip. The text files beside it are the same notes again.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <string.h>

static bool is_notes(const struct qr_moving_member *member)
{
    return qr_moving_ends(member->name, ".json")
        && (qr_moving_head_has(member, "\"activeNotes\"")
            || qr_moving_head_has(member, "\"trashedNotes\""));
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_notes(&bundle->members[i])) {
            return 3;
        }
    }
    return 0;
}

static enum quire_status read_note(struct qr_moving_reading *reading, const json_t *note)
{
    struct qr_moving_entry entry = {0};
    struct quire_bytes id = qr_moving_text_at(note, "id");
    struct quire_bytes created = qr_moving_text_at(note, "creationDate");
    const json_t *tags = json_object_get(note, "tags");
    enum quire_status status = qr_moving_put(&entry.where, created.size > 0 ? created : id);
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.source, id.size > 0 ? id : created);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.text, qr_moving_text_at(note, "content"));
    }
    qr_moving_set_date(reading, &entry, created, NULL);
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        status = qr_moving_tag(&entry, qr_moving_string(json_array_get(tags, i)));
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    return qr_moving_add(reading->journal, &entry);
}

static enum quire_status read_notes(
    struct qr_moving_reading *reading, const struct qr_moving_member *member)
{
    json_t *json = qr_moving_json(reading, member, true);
    if (json == NULL) {
        return QUIRE_EMALFORMED;
    }
    const json_t *active = json_object_get(json, "activeNotes");
    const json_t *trashed = json_object_get(json, "trashedNotes");
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(active); i++) {
        status = read_note(reading, json_array_get(active, i));
    }
    for (size_t i = 0; i < json_array_size(trashed); i++) {
        qr_moving_note(reading->journal, QR_MOVING_ENTRY_SKIPPED,
            qr_moving_text_at(json_array_get(trashed, i), "creationDate"), "It is in the trash.");
    }
    json_decref(json);
    return status;
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    const struct qr_moving_bundle *bundle = reading->bundle;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        if (is_notes(&bundle->members[i])) {
            status = read_notes(reading, &bundle->members[i]);
        }
    }
    return status;
}

const struct qr_moving_format qr_moving_simplenote = {
    "simplenote", "Simplenote (zip or notes.json)", match, read_all};
