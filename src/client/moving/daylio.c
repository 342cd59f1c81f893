/*
 * Daylio: its CSV (RFC 4180). A mood is a word that the user may have changed, so it stays a word.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 32

struct row {
    struct quire_buffer cells[COLUMNS_MAX];
    size_t count;
};

/* One record, quotes taken off; a cell may hold lines. False at the end. ENOMEM goes to *status. */
static bool next_row(struct quire_bytes *rest, struct row *row, enum quire_status *status)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        quire_buffer_clear(&row->cells[i]);
    }
    row->count = 0;
    if (rest->size == 0) {
        return false;
    }
    bool quoted = false, fresh = true;
    size_t column = 0;
    while (rest->size > 0 && *status == QUIRE_OK) {
        uint8_t byte = rest->data[0];
        bool doubled = quoted && byte == '"' && rest->size > 1 && rest->data[1] == '"';
        rest->data += doubled ? 2 : 1;
        rest->size -= doubled ? 2 : 1;
        if (byte == '"' && !doubled && (quoted || fresh)) {
            quoted = !quoted;
            fresh = false;
        } else if (!quoted && byte == ',') {
            column++;
            fresh = true;
        } else if (!quoted && byte == '\n') {
            break;
        } else if (quoted || byte != '\r') {
            fresh = false;
            if (column < COLUMNS_MAX) {
                *status = quire_buffer_append(&row->cells[column], &byte, 1);
            }
        }
    }
    row->count = column < COLUMNS_MAX ? column + 1 : COLUMNS_MAX;
    return true;
}

static struct quire_bytes cell(const struct row *header, const struct row *row, const char *name)
{
    for (size_t i = 0; i < header->count && i < row->count; i++) {
        if (qr_moving_is(qr_moving_trim(quire_buffer_bytes(&header->cells[i])), name)) {
            return qr_moving_trim(quire_buffer_bytes(&row->cells[i]));
        }
    }
    return (struct quire_bytes){0};
}

static bool is_daylio(const struct qr_moving_member *member)
{
    return member->loaded && member->content.size > 10
        && memcmp(member->content.data, "full_date,", 10) == 0;
}

static int match(const struct qr_moving_bundle *bundle)
{
    return bundle->count == 1 && is_daylio(&bundle->members[0]) ? 3 : 0;
}

static enum quire_status add_tags(struct qr_moving_entry *entry, struct quire_bytes activities)
{
    enum quire_status status = QUIRE_OK;
    while (status == QUIRE_OK && activities.size > 0) {
        const uint8_t *bar = memchr(activities.data, '|', activities.size);
        size_t size = bar == NULL ? activities.size : (size_t)(bar - activities.data);
        status = qr_moving_tag(entry, (struct quire_bytes){activities.data, size});
        size += bar != NULL;
        activities.data += size;
        activities.size -= size;
    }
    return status;
}

static enum quire_status read_row(
    struct qr_moving_reading *reading, const struct row *header, const struct row *row)
{
    struct qr_moving_entry entry = {0};
    struct quire_bytes date = cell(header, row, "full_date"), time = cell(header, row, "time");
    struct quire_bytes title = cell(header, row, "note_title"), note = cell(header, row, "note");
    struct quire_bytes mood = cell(header, row, "mood");
    char when[80], error[256];
    struct qr_client_span span;
    snprintf(when, sizeof when, "%.*s %.*s", (int)(date.size < 30 ? date.size : 30),
        date.size > 0 ? (const char *)date.data : "", (int)(time.size < 30 ? time.size : 30),
        time.size > 0 ? (const char *)time.data : "");
    enum quire_status status = qr_moving_print(&entry.where, "%s", when);
    entry.has_date =
        qr_client_date_read(when, 0, QR_CLIENT_ORDER_UNKNOWN, &span, error, sizeof error)
            == QUIRE_OK
        && span.grain != QR_CLIENT_GRAIN_LONGER;
    entry.date_ms = entry.has_date ? span.from_ms : 0;
    if (!entry.has_date) {
        qr_moving_set_date(reading, &entry, date, NULL);
    }
    entry.has_title = title.size > 0;
    if (status == QUIRE_OK) {
        status = qr_moving_print(&entry.source, "%s", when);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, title);
    }
    if (status == QUIRE_OK) {
        bool html = note.size > 0
            && (memmem(note.data, note.size, "<br>", 4) != NULL
                || memmem(note.data, note.size, "</", 2) != NULL);
        status = html ? qr_moving_html_text(note, &entry.text) : qr_moving_put(&entry.text, note);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_tag(&entry, mood);
    }
    if (status == QUIRE_OK) {
        status = add_tags(&entry, cell(header, row, "activities"));
    }
    if (cell(header, row, "scales").size > 0) {
        qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry.where),
            "Its scales were not taken: Quire has no field for them.");
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
    struct row *rows = calloc(2, sizeof *rows);
    struct quire_bytes rest = quire_buffer_bytes(&reading->bundle->members[0].content);
    enum quire_status status = rows == NULL ? QUIRE_ENOMEM : QUIRE_OK;
    if (status == QUIRE_OK && !next_row(&rest, &rows[0], &status)) {
        status = qr_client_fail(reading->error, QUIRE_EMALFORMED, "The file is empty.");
    }
    while (status == QUIRE_OK && next_row(&rest, &rows[1], &status)) {
        if (status == QUIRE_OK && (rows[1].count > 1 || rows[1].cells[0].size > 0)) {
            status = read_row(reading, &rows[0], &rows[1]);
        }
    }
    for (size_t i = 0; rows != NULL && i < (size_t)2 * COLUMNS_MAX; i++) {
        quire_buffer_finish(&rows[i / COLUMNS_MAX].cells[i % COLUMNS_MAX]);
    }
    free(rows);
    return status;
}

const struct qr_moving_format qr_moving_daylio = {"daylio", "Daylio (CSV)", match, read_all};
