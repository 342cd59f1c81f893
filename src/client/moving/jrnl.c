/*
 * jrnl: its text files (one file, or a folder YYYY/MM/DD.txt), plain or encrypted, and its JSON export.
 */
#define _GNU_SOURCE
#include "client/files.h"
#include "client/moving/format.h"
#include "client/moving/jrnl_crypt.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define DATE_MAX 64  /* bytes of a date at the start of an entry */
#define BARE_SIZE 16 /* "2013-06-10 15:40" */

struct jrnl {
    struct qr_moving_reading *reading;
    const char *file;
    enum qr_client_date_order order;
    bool ambiguous; /* a date was left alone because its order is not known */
};

/* ---- dates ----------------------------------------------------------------------------------- */

/* The format of the dates is not in the file: anything with a year of four digits that is a date. */
static bool read_date(struct jrnl *jrnl, struct quire_bytes text, int64_t *out_ms)
{
    char copy[DATE_MAX + 1], error[256];
    struct qr_client_span span;
    size_t digits = 0, longest = 0;
    if (text.size == 0 || text.size > DATE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        digits = isdigit(text.data[i]) ? digits + 1 : 0;
        longest = digits > longest ? digits : longest;
        copy[i] = (char)text.data[i];
    }
    copy[text.size] = 0;
    if (longest != 4 || memchr(text.data, 0, text.size) != NULL) {
        return false;
    }
    if (qr_client_date_read(copy, 0, jrnl->order, &span, error, sizeof error) != QUIRE_OK) {
        jrnl->ambiguous |= strstr(error, "is ambiguous: the day or the month") != NULL;
        return false;
    }
    *out_ms = span.from_ms;
    return span.grain != QR_CLIENT_GRAIN_LONGER;
}

/* The date at the start of a line and what follows it. bare: as jrnl 1 wrote, without brackets. */
static bool begins_entry(struct jrnl *jrnl, struct quire_bytes line, bool bare, int64_t *out_ms,
    struct quire_bytes *out_rest)
{
    size_t begin = 0, size = 0;
    if (bare) {
        size = BARE_SIZE;
        if (line.size < size || (line.size > size && line.data[size] != ' ')
            || !isdigit(line.data[0])) {
            return false;
        }
    } else {
        const uint8_t *end = line.size == 0 || line.data[0] != '['
            ? NULL
            : memchr(line.data, ']', line.size < DATE_MAX + 2 ? line.size : DATE_MAX + 2);
        if (end == NULL) {
            return false;
        }
        begin = 1;
        size = (size_t)(end - line.data) - 1;
    }
    if (!read_date(jrnl, (struct quire_bytes){line.data + begin, size}, out_ms)) {
        return false;
    }
    size_t used = begin + size + begin;
    *out_rest = qr_moving_trim((struct quire_bytes){line.data + used, line.size - used});
    return true;
}

/* Of dates such as 09.06.2013 one with a number above 12 shows the order of all. */
static enum qr_client_date_order order_of(struct quire_bytes text, enum qr_client_date_order order)
{
    struct quire_bytes line;
    while (qr_moving_line(&text, &line)) {
        char copy[16] = "";
        int first = 0, second = 0;
        if (line.size > 6 && line.data[0] == '[') {
            memcpy(copy, line.data + 1, line.size - 1 < 15 ? line.size - 1 : 15);
            if (sscanf(copy, "%2d%*1[./-]%2d%*1[./-]", &first, &second) == 2) {
                if (first > 12 && first <= 31) {
                    return QR_CLIENT_ORDER_DAY_FIRST;
                }
                if (second > 12 && second <= 31) {
                    return QR_CLIENT_ORDER_MONTH_FIRST;
                }
            }
        }
    }
    return order;
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool is_tag_byte(uint8_t byte)
{
    return isalnum(byte) || byte >= 0x80 || (byte != 0 && strchr("_-+*#/", byte) != NULL);
}

static enum quire_status find_tags(struct qr_moving_entry *entry, struct quire_bytes text)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < text.size; i++) {
        size_t size = 0;
        if (text.data[i] != '@' || (i > 0 && !isspace(text.data[i - 1]))) {
            continue;
        }
        while (i + 1 + size < text.size && is_tag_byte(text.data[i + 1 + size])) {
            size++;
        }
        if (size > 0) {
            status = qr_moving_tag(entry, (struct quire_bytes){text.data + i + 1, size});
        }
    }
    return status;
}

static struct quire_bytes without_blank_lines(struct quire_bytes text)
{
    while (text.size > 0 && (text.data[0] == '\n' || text.data[0] == '\r')) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && isspace(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

/* The date and the title name an entry; a second one of these is the second. */
static enum quire_status add_entry(struct jrnl *jrnl, int64_t date_ms, struct quire_bytes title,
    struct quire_bytes body, bool starred, const json_t *tags)
{
    struct qr_moving_entry entry = {.has_date = true, .date_ms = date_ms};
    char date[40] = "";
    (void)qr_moving_date_text(date_ms, date);
    enum quire_status status = qr_moving_print(&entry.where, "%s", date);
    body = without_blank_lines(body);
    if (title.size > 1 && title.data[title.size - 1] == '*'
        && isspace(title.data[title.size - 2])) {
        starred = true;
        title = qr_moving_trim((struct quire_bytes){title.data, title.size - 1});
    }
    if (status == QUIRE_OK) {
        status = qr_moving_print(&entry.source, "%s %.*s", date,
            (int)(title.size < 500 ? title.size : 500),
            title.size > 0 ? (const char *)title.data : "");
    }
    entry.has_title = title.size > 0;
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, title);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.text, body);
    }
    if (status == QUIRE_OK && tags == NULL) {
        status = find_tags(&entry, title);
    }
    if (status == QUIRE_OK && tags == NULL) {
        status = find_tags(&entry, body);
    }
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        struct quire_bytes tag = qr_moving_string(json_array_get(tags, i));
        if (tag.size > 1 && tag.data[0] == '@') {
            tag = (struct quire_bytes){tag.data + 1, tag.size - 1};
        }
        status = qr_moving_tag(&entry, tag);
    }
    if (status == QUIRE_OK && starred) {
        status = qr_moving_tag(&entry, quire_bytes_of_text("starred"));
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    return qr_moving_add(jrnl->reading->journal, &entry);
}

static enum quire_status read_text(struct jrnl *jrnl, struct quire_bytes text)
{
    struct quire_bytes rest = text, line = {0}, title = {0}, next = {0};
    const uint8_t *body = NULL;
    bool said = false;
    int64_t date_ms = 0, next_ms = 0;
    enum quire_status status = QUIRE_OK;
    jrnl->order = order_of(text, jrnl->order);
    struct quire_bytes first = qr_moving_trim(text);
    bool bare = first.size > 0 && first.data[0] != '[';
    while (status == QUIRE_OK && qr_moving_line(&rest, &line)) {
        if (!begins_entry(jrnl, line, bare, &next_ms, &next)) {
            if (body == NULL && !said && qr_moving_trim(line).size > 0 && !jrnl->ambiguous) {
                said = true;
                qr_moving_note(jrnl->reading->journal, QR_MOVING_FILE_SKIPPED,
                    quire_bytes_of_text(jrnl->file),
                    "What stands before the first date belongs to no entry: \"%.*s\" ….",
                    (int)(line.size < 60 ? line.size : 60), (const char *)line.data);
            }
            continue;
        }
        if (body != NULL) {
            status = add_entry(jrnl, date_ms, title,
                (struct quire_bytes){body, (size_t)(line.data - body)}, false, NULL);
        }
        date_ms = next_ms;
        title = next;
        body = rest.data;
    }
    if (status == QUIRE_OK && body != NULL) {
        status = add_entry(jrnl, date_ms, title,
            (struct quire_bytes){body, (size_t)(text.data + text.size - body)}, false, NULL);
    }
    if (status == QUIRE_OK && jrnl->ambiguous && body == NULL) {
        return qr_client_fail(jrnl->reading->error, QUIRE_EMALFORMED,
            "The dates in %.200s are ambiguous: the day or the month may come first. Nothing was "
            "imported; run this with LC_TIME set to a locale that writes dates so, as en_GB.UTF-8.",
            jrnl->file);
    }
    return status;
}

static enum quire_status read_encrypted(struct jrnl *jrnl, int version, struct quire_bytes content)
{
    struct quire_buffer text = {0};
    const char *password = jrnl->reading->password;
    if (version == 3) {
        return qr_client_fail(jrnl->reading->error, QUIRE_EUNSUPPORTED,
            "%.200s is encrypted by jrnl 4.4 or later, which Quire cannot open. Nothing was imported; "
            "write a plain copy with jrnl: jrnl --format json --file FILE",
            jrnl->file);
    }
    if (password == NULL) {
        return qr_client_fail(jrnl->reading->error, QUIRE_ECRYPTO,
            "%.200s is encrypted, or it is not text. Nothing was imported; if it is, give its password "
            "with --password-file.",
            jrnl->file);
    }
    enum quire_status status = qr_moving_jrnl_open(version, content, password, &text);
    if (status == QUIRE_OK) {
        status = read_text(jrnl, quire_buffer_bytes(&text));
    } else if (status == QUIRE_ECRYPTO) {
        status = qr_client_fail(jrnl->reading->error, status,
            "The password does not open %.200s, or the file is damaged. Nothing was imported.",
            jrnl->file);
    }
    if (text.data != NULL) {
        qr_client_wipe(text.data, text.capacity);
    }
    quire_buffer_finish(&text);
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static enum quire_status read_json(struct jrnl *jrnl, const struct qr_moving_member *member)
{
    json_t *json = qr_moving_json(jrnl->reading, member, true);
    if (json == NULL) {
        return QUIRE_EMALFORMED;
    }
    enum quire_status status = QUIRE_OK;
    const json_t *entries = json_object_get(json, "entries");
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(entries); i++) {
        const json_t *object = json_array_get(entries, i);
        struct quire_buffer when = {0};
        struct quire_bytes date = qr_moving_text_at(object, "date");
        struct quire_bytes time = qr_moving_text_at(object, "time");
        int64_t date_ms = 0;
        status = qr_moving_print(&when, "%.*s %.*s", (int)(date.size < 40 ? date.size : 40),
            date.size > 0 ? (const char *)date.data : "", (int)(time.size < 40 ? time.size : 40),
            time.size > 0 ? (const char *)time.data : "");
        if (status == QUIRE_OK && !read_date(jrnl, quire_buffer_bytes(&when), &date_ms)) {
            qr_moving_note(jrnl->reading->journal, QR_MOVING_ENTRY_SKIPPED,
                quire_buffer_bytes(&when), "Entry %zu of %.100s has no date that exists.", i + 1,
                jrnl->file);
        } else if (status == QUIRE_OK) {
            status = add_entry(jrnl, date_ms, qr_moving_trim(qr_moving_text_at(object, "title")),
                qr_moving_text_at(object, "body"), json_is_true(json_object_get(object, "starred")),
                json_object_get(object, "tags"));
        }
        quire_buffer_finish(&when);
    }
    json_decref(json);
    return status;
}

/* ---- the format ------------------------------------------------------------------------------ */

static bool is_json(const struct qr_moving_member *member)
{
    return qr_moving_head_has(member, "\"entries\"") && qr_moving_head_has(member, "\"body\"")
        && qr_moving_head_has(member, "\"time\"");
}

/* "2024/03/01.txt" */
static bool is_day_file(const char *name)
{
    size_t size = strlen(name);
    const char *tail = size < 14 ? NULL : name + size - 14;
    return tail != NULL && (tail == name || tail[-1] == '/') && tail[4] == '/' && tail[7] == '/'
        && strspn(tail, "0123456789") == 4 && strcmp(tail + 10, ".txt") == 0;
}

static bool begins_with_date(const struct qr_moving_member *member)
{
    struct jrnl jrnl = {.order = QR_CLIENT_ORDER_DAY_FIRST};
    struct quire_bytes text = qr_moving_trim(quire_buffer_bytes(&member->content)), line, rest;
    int64_t ms;
    return qr_moving_line(&text, &line)
        && (begins_entry(&jrnl, line, false, &ms, &rest)
            || (jrnl.order = QR_CLIENT_ORDER_MONTH_FIRST,
                begins_entry(&jrnl, line, false, &ms, &rest))
            || begins_entry(&jrnl, line, true, &ms, &rest));
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        if (member->loaded && is_day_file(member->name)) {
            return 2;
        }
    }
    if (bundle->count != 1 || !bundle->members[0].loaded) {
        return 0;
    }
    const struct qr_moving_member *member = &bundle->members[0];
    int version = qr_moving_jrnl_version(quire_buffer_bytes(&member->content));
    return is_json(member)                         ? 3
        : begins_with_date(member) || version >= 2 ? 2
                                                   : version; /* bytes that are no text: perhaps */
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    const struct qr_moving_bundle *bundle = reading->bundle;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        struct jrnl jrnl = {reading, member->name, reading->order, false};
        struct quire_bytes content = quire_buffer_bytes(&member->content);
        bool wanted =
            member->loaded && (bundle->shape == QR_MOVING_FILE || is_day_file(member->name));
        int version = wanted ? qr_moving_jrnl_version(content) : 0;
        if (!wanted) {
            qr_moving_note(reading->journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(member->name), "It is not a file of a jrnl folder.");
        } else if (is_json(member)) {
            status = read_json(&jrnl, member);
        } else if (version > 0) {
            status = read_encrypted(&jrnl, version, content);
        } else {
            status = read_text(&jrnl, content);
        }
    }
    return status;
}

const struct qr_moving_format qr_moving_jrnl = {
    "jrnl", "jrnl (text, encrypted text, folder, JSON)", match, read_all};
