/*
 * org-journal: files of a day, named by their date, or of longer, with a heading a day that has a property
 * CREATED. Entries are headings "HH:MM title"; their Org text stays as it is.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <ctype.h>
#include <string.h>

struct org {
    struct qr_moving_reading *reading;
    const char *file;
    bool has_day;
    int64_t day_ms;
    size_t level; /* of entries: 1 in a file of a day, 2 in a longer one */
    struct quire_bytes heading;
    const uint8_t *body;
};

/* Stars at the start of a line and a space; 0: no heading. */
static size_t level_of(struct quire_bytes line)
{
    size_t level = 0;
    while (level < line.size && line.data[level] == '*') {
        level++;
    }
    return level < line.size && line.data[level] == ' ' ? level : 0;
}

static bool two_digits(const uint8_t *at, int *out_number)
{
    *out_number = (at[0] - '0') * 10 + (at[1] - '0');
    return isdigit(at[0]) && isdigit(at[1]);
}

/* "20190113" or "2019-01-13" at the start. */
static bool read_day(struct quire_bytes text, int64_t *out_ms)
{
    int century, year, month, day;
    size_t dash = text.size >= 10 && text.data[4] == '-';
    return text.size >= 8 && two_digits(text.data, &century) && two_digits(text.data + 2, &year)
        && two_digits(text.data + 4 + dash, &month) && two_digits(text.data + 6 + 2 * dash, &day)
        && qr_client_civil_ms(century * 100 + year, month, day, 0, 0, 0, out_ms);
}

static bool day_of_name(const char *name, int64_t *out_ms)
{
    const char *base = qr_moving_base(name);
    size_t size = strcspn(base, ".");
    return (size == 8 || size == 10)
        && read_day((struct quire_bytes){(const uint8_t *)base, size}, out_ms);
}

/* Takes ":a:b:" off the end of a heading. */
static enum quire_status take_tags(struct qr_moving_entry *entry, struct quire_bytes *heading)
{
    size_t begin = heading->size;
    enum quire_status status = QUIRE_OK;
    if (begin < 3 || heading->data[begin - 1] != ':') {
        return status;
    }
    while (begin > 0 && !isspace(heading->data[begin - 1])) {
        begin--;
    }
    if (heading->data[begin] != ':' || begin == 0) {
        return status;
    }
    size_t from = begin + 1;
    for (size_t i = begin + 1; status == QUIRE_OK && i < heading->size; i++) {
        if (heading->data[i] == ':') {
            status = qr_moving_tag(entry, (struct quire_bytes){heading->data + from, i - from});
            from = i + 1;
        }
    }
    *heading = qr_moving_trim((struct quire_bytes){heading->data, begin});
    return status;
}

static enum quire_status finish_entry(struct org *org, const uint8_t *end)
{
    struct qr_moving_entry entry = {.has_date = org->has_day, .date_ms = org->day_ms};
    struct quire_bytes heading = org->heading;
    int hour, minute;
    if (org->body == NULL) {
        return QUIRE_OK;
    }
    struct quire_bytes body = {org->body, (size_t)(end - org->body)};
    org->body = NULL;
    if (heading.size >= 5 && heading.data[2] == ':' && two_digits(heading.data, &hour)
        && two_digits(heading.data + 3, &minute) && hour < 24 && minute < 60) {
        entry.date_ms += (hour * INT64_C(60) + minute) * 60000;
        heading = qr_moving_trim((struct quire_bytes){heading.data + 5, heading.size - 5});
    }
    char date[40] = "undated";
    if (entry.has_date) {
        (void)qr_moving_date_text(entry.date_ms, date);
    }
    enum quire_status status = qr_moving_print(&entry.where, "%s, %s", org->file, date);
    if (status == QUIRE_OK) {
        status = take_tags(&entry, &heading);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_print(&entry.source, "%s %.*s", date,
            (int)(heading.size < 500 ? heading.size : 500),
            heading.size > 0 ? (const char *)heading.data : "");
    }
    entry.has_title = heading.size > 0;
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, heading);
    }
    while (body.size > 0 && isspace(body.data[body.size - 1])) {
        body.size--;
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.text, body);
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    return qr_moving_add(org->reading->journal, &entry);
}

static bool has_created(struct quire_bytes text)
{
    return text.size > 0 && memmem(text.data, text.size, ":CREATED:", 9) != NULL;
}

static enum quire_status read_file(struct org *org, struct quire_bytes text)
{
    struct quire_bytes rest = text, line;
    bool longer = has_created(text);
    enum quire_status status = QUIRE_OK;
    org->has_day = !longer && day_of_name(org->file, &org->day_ms);
    org->level = longer ? 2 : 1;
    while (status == QUIRE_OK && qr_moving_line(&rest, &line)) {
        size_t level = level_of(line);
        if (level > 0 && level <= org->level) {
            status = finish_entry(org, line.data);
        }
        if (level > 0 && level < org->level) { /* a day begins */
            org->has_day = false;
        } else if (level == org->level) {
            org->heading =
                qr_moving_trim((struct quire_bytes){line.data + level, line.size - level});
            org->body = rest.data;
        } else if (longer && org->body == NULL && line.size > 9 && !org->has_day) {
            struct quire_bytes property = qr_moving_trim(line);
            if (property.size > 9 && memcmp(property.data, ":CREATED:", 9) == 0) {
                property =
                    qr_moving_trim((struct quire_bytes){property.data + 9, property.size - 9});
                if (property.size > 0 && property.data[0] == '[') {
                    property = (struct quire_bytes){property.data + 1, property.size - 1};
                }
                org->has_day = read_day(property, &org->day_ms);
            }
        }
    }
    return status == QUIRE_OK ? finish_entry(org, text.data + text.size) : status;
}

static bool is_org(const struct qr_moving_member *member)
{
    int64_t ms;
    return member->loaded
        && (qr_moving_ends(member->name, ".org")
            || (day_of_name(member->name, &ms)
                && strchr(qr_moving_base(member->name), '.') == NULL));
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_org(&bundle->members[i])) {
            return 2;
        }
    }
    return 0;
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    const struct qr_moving_bundle *bundle = reading->bundle;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        struct org org = {.reading = reading, .file = member->name};
        if (member->loaded && (is_org(member) || bundle->shape == QR_MOVING_FILE)) {
            status = read_file(&org, quire_buffer_bytes(&member->content));
        } else {
            qr_moving_note(reading->journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(member->name), "It is not a file of org-journal.");
        }
    }
    return status;
}

const struct qr_moving_format qr_moving_org = {
    "org-journal", "org-journal (files or a folder)", match, read_all};
