/*
 * Markdown: our own export, a file an entry with front matter; and folders of notes and daily notes, as
 * Obsidian and others keep them.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include "client/dates.h"
#include "client/text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing --------------------------------------------------------------------------------- */

void qr_moving_markdown_name(const struct qr_moving_entry *entry, bool whole, char out_name[64])
{
    char date[40] = "undated";
    size_t digits = whole ? QUIRE_ENTRY_SIZE : QUIRE_ENTRY_SIZE / 2;
    if (entry->has_date && qr_moving_date_text(entry->date_ms, date)) {
        date[10] = 0;
    }
    int size = snprintf(out_name, 64, "%s-", date);
    for (size_t i = 0; i < digits; i++) {
        size += snprintf(out_name + size, 64 - (size_t)size, "%02x", entry->id[i]);
    }
    snprintf(out_name + size, 64 - (size_t)size, ".md");
}

/* What YAML takes as it is between double quotes; the rest is escaped by number. */
static bool is_printable(uint32_t point)
{
    return (point >= 0x20 && point < 0x7f) || (point >= 0xa0 && point < 0x2028)
        || (point > 0x2029 && point < 0xd800) || (point >= 0xe000 && point < 0xfeff)
        || (point > 0xfeff && point < 0xfffe) || point >= 0x10000;
}

static bool write_quoted(FILE *file, struct quire_bytes text)
{
    fputc('"', file);
    while (text.size > 0) {
        size_t size = 0;
        uint32_t point = qr_client_text_next(text, &size);
        size = size == 0 ? 1 : size;
        if (point == '"' || point == '\\') {
            fprintf(file, "\\%c", (int)point);
        } else if (is_printable(point)) {
            fwrite(text.data, 1, size, file);
        } else {
            fprintf(file, point > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, point);
        }
        text.data += size;
        text.size -= size;
    }
    return fputc('"', file) != EOF;
}

bool qr_moving_markdown_entry(FILE *file, const struct qr_moving_entry *entry)
{
    char date[40];
    fprintf(file, "---\nquire: 1\nid: \"");
    for (size_t i = 0; i < QUIRE_ENTRY_SIZE; i++) {
        fprintf(file, "%02x", entry->id[i]);
    }
    fprintf(file, "\"\n");
    if (entry->has_title) {
        fprintf(file, "title: ");
        write_quoted(file, quire_buffer_bytes(&entry->title));
        fputc('\n', file);
    }
    if (entry->has_date && qr_moving_date_text(entry->date_ms, date)) {
        fprintf(file, "date: %s\n", date);
    } else if (entry->has_date) {
        fprintf(file, "date_ms: %" PRId64 "\n", entry->date_ms);
    }
    if (entry->has_mood) {
        fprintf(file, "mood: %" PRId64 "\n", entry->mood);
    }
    if (entry->journal.size > 0) {
        fprintf(file, "journal: ");
        write_quoted(file, quire_buffer_bytes(&entry->journal));
        fputc('\n', file);
    }
    for (size_t i = 0; i < entry->tags.count; i++) {
        fputs(i == 0 ? "tags:\n  - " : "  - ", file);
        write_quoted(file, quire_buffer_bytes(&entry->tags.items[i].name));
        fputc('\n', file);
    }
    for (size_t i = 0; i < entry->emotions.count; i++) {
        fputs(i == 0 ? "emotions:\n  " : "  ", file);
        write_quoted(file, quire_buffer_bytes(&entry->emotions.items[i].name));
        fprintf(file, ": %" PRId64 "\n", entry->emotions.items[i].value);
    }
    fputs(entry->deleted ? "deleted: true\n---\n\n" : "---\n\n", file);
    if (entry->text.size > 0) {
        fwrite(entry->text.data, 1, entry->text.size, file);
    }
    return !ferror(file);
}

/* ---- reading: fields ------------------------------------------------------------------------- */

static bool read_integer(struct quire_bytes text, int64_t *out_number)
{
    char copy[24];
    char *end = NULL;
    if (text.size == 0 || text.size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    long long number = strtoll(copy, &end, 10);
    *out_number = number;
    return end == copy + text.size;
}

/* Tags as a list, or as one string with commas or spaces between; a '#' before each may be. */
static enum quire_status read_tags(struct qr_moving_entry *entry, const json_t *tags)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        struct quire_bytes tag = qr_moving_trim(qr_moving_string(json_array_get(tags, i)));
        if (tag.size > 1 && tag.data[0] == '#') {
            tag = (struct quire_bytes){tag.data + 1, tag.size - 1};
        }
        status = qr_moving_tag(entry, tag);
    }
    struct quire_bytes rest = qr_moving_string(tags);
    bool commas = rest.size > 0 && memchr(rest.data, ',', rest.size) != NULL;
    while (status == QUIRE_OK && rest.size > 0) {
        size_t size = 0;
        while (size < rest.size && rest.data[size] != ',' && (commas || rest.data[size] != ' ')) {
            size++;
        }
        struct quire_bytes tag = qr_moving_trim((struct quire_bytes){rest.data, size});
        if (tag.size > 1 && tag.data[0] == '#') {
            tag = (struct quire_bytes){tag.data + 1, tag.size - 1};
        }
        status = qr_moving_tag(entry, tag);
        size += size < rest.size;
        rest.data += size;
        rest.size -= size;
    }
    return status;
}

/* ---- reading: our own ------------------------------------------------------------------------ */

static enum quire_status read_own(struct qr_moving_reading *reading, const json_t *yaml,
    struct quire_bytes text, struct qr_moving_entry *entry)
{
    const json_t *tags = json_object_get(yaml, "tags");
    json_t *emotions = json_object_get(yaml, "emotions"), *value;
    const char *name;
    size_t name_size;
    int64_t number = 0;
    enum quire_status status = QUIRE_OK;
    entry->has_id = true;
    entry->has_title = json_is_string(json_object_get(yaml, "title"));
    entry->has_mood = read_integer(qr_moving_text_at(yaml, "mood"), &entry->mood);
    entry->deleted = qr_moving_is(qr_moving_text_at(yaml, "deleted"), "true");
    qr_moving_set_date(reading, entry, qr_moving_text_at(yaml, "date"), NULL);
    if (read_integer(qr_moving_text_at(yaml, "date_ms"), &number)) {
        entry->has_date = true;
        entry->date_ms = number;
    }
    for (size_t i = 0; status == QUIRE_OK && i < json_array_size(tags); i++) {
        status = qr_moving_set_add(&entry->tags, qr_moving_string(json_array_get(tags, i)), 0);
    }
    json_object_keylen_foreach(emotions, name, name_size, value)
    {
        if (status == QUIRE_OK) {
            number = -1;
            (void)read_integer(qr_moving_string(value), &number);
            status = qr_moving_set_add(
                &entry->emotions, (struct quire_bytes){(const uint8_t *)name, name_size}, number);
        }
    }
    if (text.size > 0 && text.data[0] == '\n') { /* the blank line after the front matter */
        text.data++;
        text.size--;
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry->title, qr_moving_text_at(yaml, "title"));
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry->journal, qr_moving_text_at(yaml, "journal"));
    }
    return status == QUIRE_OK ? qr_moving_put(&entry->text, text) : status;
}

/* ---- reading: notes of others ---------------------------------------------------------------- */

static bool is_word_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z')
        || byte == '_' || byte == '-' || byte == '/' || byte >= 0x80;
}

/* "#tag" at the start of a word, with something in it that is no digit; not in code or links. */
static enum quire_status find_tags(struct qr_moving_entry *entry, struct quire_bytes text)
{
    enum quire_status status = QUIRE_OK;
    struct quire_bytes line;
    bool fenced = false;
    while (status == QUIRE_OK && qr_moving_line(&text, &line)) {
        struct quire_bytes trimmed = qr_moving_trim(line);
        if (trimmed.size >= 3
            && (memcmp(trimmed.data, "```", 3) == 0 || memcmp(trimmed.data, "~~~", 3) == 0)) {
            fenced = !fenced;
            continue;
        }
        bool code = false;
        size_t links = 0;
        for (size_t i = 0; !fenced && status == QUIRE_OK && i < line.size; i++) {
            uint8_t byte = line.data[i];
            code ^= byte == '`';
            links += byte == '[' || byte == '(' || byte == '<';
            links -= links > 0 && (byte == ']' || byte == ')' || byte == '>');
            bool begins = i == 0 || line.data[i - 1] == ' ' || line.data[i - 1] == '\t';
            if (byte != '#' || !begins || code || links > 0) {
                continue;
            }
            size_t size = 0, letters = 0;
            while (i + 1 + size < line.size && is_word_byte(line.data[i + 1 + size])) {
                uint8_t c = line.data[i + 1 + size++];
                letters += c < '0' || c > '9';
            }
            if (letters > 0) {
                status = qr_moving_tag(entry, (struct quire_bytes){line.data + i + 1, size});
            }
            i += size;
        }
    }
    return status;
}

static bool number_at(const char *text, size_t digits, int *out_number)
{
    *out_number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *out_number = *out_number * 10 + (text[i] - '0');
    }
    return true;
}

/* A date at the start of a file's name; out_size: its bytes. Impossible dates are none. */
static bool date_of_name(const char *base, int64_t *out_ms, size_t *out_size)
{
    int year, month, day;
    bool dashed = number_at(base, 4, &year) && (base[4] == '-' || base[4] == '_' || base[4] == '.')
        && number_at(base + 5, 2, &month) && base[7] == base[4] && number_at(base + 8, 2, &day);
    bool plain = !dashed && number_at(base, 4, &year) && number_at(base + 4, 2, &month)
        && number_at(base + 6, 2, &day) && (base[8] < '0' || base[8] > '9');
    *out_size = dashed ? 10 : 8;
    return (dashed || plain) && qr_client_civil_ms(year, month, day, 0, 0, 0, out_ms);
}

static bool is_known_key(const char *key)
{
    static const char *const known[] = {"title", "date", "created", "tags", "tag", "mood"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(key, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* True: all of the front matter is in fields now, so the text need not have it. */
static bool take_fields(struct qr_moving_reading *reading, json_t *yaml,
    struct qr_moving_entry *entry, enum quire_status *status)
{
    const char *key;
    json_t *value;
    bool all = true;
    json_object_foreach(yaml, key, value)
    {
        all &= is_known_key(key);
    }
    struct quire_bytes title = qr_moving_text_at(yaml, "title"),
                       date = qr_moving_text_at(yaml, "date");
    date = date.size > 0 ? date : qr_moving_text_at(yaml, "created");
    if (title.size > 0) {
        entry->has_title = true;
        *status = qr_moving_put(&entry->title, title);
    }
    int64_t date_ms;
    if (date.size > 0 && qr_moving_date_read(date, NULL, &date_ms)) {
        entry->has_date = true;
        entry->date_ms = date_ms;
    } else if (date.size > 0) {
        all = false;
        qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry->where),
            "Its date \"%.*s\" is not understood; the front matter stays in the text.",
            (int)(date.size < 60 ? date.size : 60), (const char *)date.data);
    }
    struct quire_bytes mood = qr_moving_text_at(yaml, "mood");
    entry->has_mood =
        read_integer(mood, &entry->mood) && entry->mood >= 0 && entry->mood <= QUIRE_MOOD_MAX;
    all &= mood.size == 0 || entry->has_mood;
    if (*status == QUIRE_OK) {
        *status = read_tags(entry, json_object_get(yaml, "tags"));
    }
    if (*status == QUIRE_OK) {
        *status = read_tags(entry, json_object_get(yaml, "tag"));
    }
    return all;
}

static enum quire_status read_note(struct qr_moving_reading *reading, const char *name,
    json_t *yaml, struct quire_bytes text, struct quire_bytes rest, struct qr_moving_entry *entry)
{
    char base[512];
    int64_t date_ms = 0;
    size_t date_size = 0;
    enum quire_status status = qr_moving_print(&entry->source, "%s", name);
    snprintf(base, sizeof base, "%s", qr_moving_base(name));
    char *dot = strrchr(base, '.');
    if (dot != NULL) {
        *dot = 0;
    }
    bool dated = date_of_name(base, &date_ms, &date_size);
    entry->has_date = dated;
    entry->date_ms = date_ms;
    bool all = yaml == NULL || take_fields(reading, yaml, entry, &status);
    const char *left = base + (dated ? date_size : 0);
    left += dated ? strspn(left, " -_") : 0;
    if (!entry->has_title && left[0] != 0 && status == QUIRE_OK) {
        entry->has_title = true;
        status = qr_moving_put(&entry->title, quire_bytes_of_text(left));
    }
    if (status == QUIRE_OK) {
        status = find_tags(entry, rest);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry->text, all ? rest : text);
    }
    qr_moving_unix_lines(&entry->text);
    while (all && yaml != NULL && entry->text.size > 0 && entry->text.data[0] == '\n') {
        memmove(entry->text.data, entry->text.data + 1, --entry->text.size);
    }
    return status;
}

static enum quire_status read_member(
    struct qr_moving_reading *reading, const struct qr_moving_member *member)
{
    struct qr_moving_entry entry = {0};
    struct quire_bytes text = quire_buffer_bytes(&member->content), rest;
    json_t *yaml = NULL;
    enum quire_status status = qr_moving_print(&entry.where, "%s", member->name);
    if (qr_moving_front_matter(text, &yaml, &rest) && yaml == NULL) {
        qr_moving_note(reading->journal, QR_MOVING_FIELD, quire_bytes_of_text(member->name),
            "Its front matter is not valid YAML; it stays in the text.");
    }
    if (status == QUIRE_OK) {
        status = json_is_string(json_object_get(yaml, "quire"))
                && qr_moving_id_read(qr_moving_text_at(yaml, "id"), entry.id)
            ? read_own(reading, yaml, rest, &entry)
            : read_note(reading, member->name, yaml, text, rest, &entry);
    }
    json_decref(yaml);
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    return qr_moving_add(reading->journal, &entry);
}

static bool is_note(const struct qr_moving_member *member)
{
    return qr_moving_ends(member->name, ".md") || qr_moving_ends(member->name, ".markdown");
}

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (is_note(&bundle->members[i])) {
            return 1;
        }
    }
    return 0;
}

static enum quire_status read_folder(struct qr_moving_reading *reading)
{
    enum quire_status status = QUIRE_OK;
    const struct qr_moving_bundle *bundle = reading->bundle;
    for (size_t i = 0; status == QUIRE_OK && i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        bool note = member->loaded && (is_note(member) || bundle->shape == QR_MOVING_FILE);
        if (note) {
            status = read_member(reading, member);
        } else {
            qr_moving_note(reading->journal,
                member->loaded ? QR_MOVING_FILE_SKIPPED : QR_MOVING_ATTACHMENT,
                quire_bytes_of_text(member->name),
                member->loaded ? "It is not a Markdown file."
                               : "Attachments are not taken yet; the text that names it is.");
        }
    }
    return status;
}

const struct qr_moving_format qr_moving_markdown = {
    "markdown", "Markdown files: an export of Quire, Obsidian, daily notes", match, read_folder};
