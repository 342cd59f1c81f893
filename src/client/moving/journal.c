/*
 * Entries on their way, and what is reported about them.
 */
#define _GNU_SOURCE
#include "client/moving/journal.h"
#include "client/files.h"
#include "client/text.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define WHERE_MAX 200
#define WHAT_MAX 400
#define PRINT_MAX 1000

/** How many entries had this source name, or this id. */
struct qr_moving_names {
    UT_hash_handle hh;
    unsigned count;
    size_t size;
    uint8_t name[];
};

/* ---- buffers and text ------------------------------------------------------------------------ */

enum quire_status qr_moving_put(struct quire_buffer *buffer, struct quire_bytes bytes)
{
    quire_buffer_clear(buffer);
    return bytes.size == 0 ? QUIRE_OK : quire_buffer_append(buffer, bytes.data, bytes.size);
}

enum quire_status qr_moving_print(struct quire_buffer *buffer, const char *format, ...)
{
    char text[PRINT_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    size = size < 0 ? 0 : size > PRINT_MAX ? PRINT_MAX : size;
    return size == 0 ? QUIRE_OK : quire_buffer_append(buffer, text, (size_t)size);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct quire_bytes qr_moving_trim(struct quire_bytes text)
{
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

void qr_moving_unix_lines(struct quire_buffer *text)
{
    size_t out = 0;
    for (size_t i = 0; i < text->size; i++) {
        if (text->data[i] == '\r') {
            text->data[out++] = '\n';
            i += i + 1 < text->size && text->data[i + 1] == '\n';
        } else {
            text->data[out++] = text->data[i];
        }
    }
    text->size = out;
}

bool qr_moving_line(struct quire_bytes *rest, struct quire_bytes *out_line)
{
    if (rest->size == 0) {
        return false;
    }
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data);
    *out_line = (struct quire_bytes){rest->data, size};
    size_t used = size + (end != NULL);
    rest->data += used;
    rest->size -= used;
    out_line->size -= size > 0 && out_line->data[size - 1] == '\r';
    return true;
}

bool qr_moving_id_read(struct quire_bytes text, uint8_t out_id[QUIRE_ENTRY_SIZE])
{
    uint8_t id[QUIRE_ENTRY_SIZE] = {0};
    if (text.size != (size_t)2 * QUIRE_ENTRY_SIZE) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f'       ? c - 'a' + 10
            : c >= 'A' && c <= 'F'       ? c - 'A' + 10
                                         : -1;
        if (digit < 0) {
            return false;
        }
        id[i / 2] = (uint8_t)(id[i / 2] << 4 | digit);
    }
    memcpy(out_id, id, sizeof id);
    return true;
}

/* ---- sets ------------------------------------------------------------------------------------ */

enum quire_status qr_moving_set_add(
    struct qr_moving_set *set, struct quire_bytes name, int64_t value)
{
    for (size_t i = 0; i < set->count; i++) {
        if (quire_bytes_equal(quire_buffer_bytes(&set->items[i].name), name)) {
            set->items[i].value = value;
            return QUIRE_OK;
        }
    }
    if (set->count > QUIRE_ELEMENTS_MAX) {
        return QUIRE_OK; /* qr_moving_add sees that there are too many */
    }
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 4 : set->capacity * 2;
        struct qr_moving_element *items = realloc(set->items, capacity * sizeof *items);
        if (items == NULL) {
            return QUIRE_ENOMEM;
        }
        set->items = items;
        set->capacity = capacity;
    }
    struct qr_moving_element *element = &set->items[set->count];
    *element = (struct qr_moving_element){.value = value};
    enum quire_status status = qr_moving_put(&element->name, name);
    if (status == QUIRE_OK) {
        set->count++;
    }
    return status;
}

enum quire_status qr_moving_tag(struct qr_moving_entry *entry, struct quire_bytes name)
{
    name = qr_moving_trim(name);
    return name.size == 0 ? QUIRE_OK : qr_moving_set_add(&entry->tags, name, 0);
}

static int compare_bytes(struct quire_bytes a, struct quire_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_elements(const void *left, const void *right)
{
    const struct qr_moving_element *a = left, *b = right;
    return compare_bytes(quire_buffer_bytes(&a->name), quire_buffer_bytes(&b->name));
}

static void finish_buffer(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_client_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

static void finish_set(struct qr_moving_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        finish_buffer(&set->items[i].name);
    }
    free(set->items);
    *set = (struct qr_moving_set){0};
}

/* ---- notes ----------------------------------------------------------------------------------- */

const char *qr_moving_kind_name(enum qr_moving_note_kind kind)
{
    static const char *const names[QR_MOVING_KIND_COUNT] = {"entry", "file", "attachment", "field"};
    return names[kind];
}

/* Valid UTF-8 on one line, as reports are JSON and rows. */
static char *clean(struct quire_bytes text, size_t max)
{
    char *copy = malloc(max + 4);
    size_t size = 0, offset = 0;
    while (copy != NULL && offset < text.size) {
        size_t step = 0;
        uint32_t point = qr_client_text_next(
            (struct quire_bytes){text.data + offset, text.size - offset}, &step);
        bool good = step > 0 && point >= 0x20 && (point < 0x7f || point >= 0xa0);
        step = step == 0 ? 1 : step;
        if (size + step > max) {
            break;
        }
        if (good) {
            memcpy(copy + size, text.data + offset, step);
            size += step;
        } else {
            copy[size++] = ' ';
        }
        offset += step;
    }
    if (copy != NULL) {
        copy[size] = 0;
    }
    return copy;
}

void qr_moving_note(struct qr_moving_journal *journal, enum qr_moving_note_kind kind,
    struct quire_bytes where, const char *format, ...)
{
    char what[WHAT_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    journal->counts[kind]++;
    if (journal->note_count == QR_MOVING_NOTES_MAX) {
        return;
    }
    if (journal->note_count == journal->note_capacity) {
        size_t capacity = journal->note_capacity == 0 ? 16 : journal->note_capacity * 2;
        struct qr_moving_note *notes = realloc(journal->notes, capacity * sizeof *notes);
        if (notes == NULL) {
            return;
        }
        journal->notes = notes;
        journal->note_capacity = capacity;
    }
    struct qr_moving_note note = {
        kind, clean(where, WHERE_MAX), clean(quire_bytes_of_text(what), WHAT_MAX)};
    if (note.where == NULL || note.what == NULL) {
        free(note.where);
        free(note.what);
        return;
    }
    journal->notes[journal->note_count++] = note;
}

/* ---- adding ---------------------------------------------------------------------------------- */

void qr_moving_entry_finish(struct qr_moving_entry *entry)
{
    finish_buffer(&entry->source);
    finish_buffer(&entry->where);
    finish_buffer(&entry->title);
    finish_buffer(&entry->text);
    finish_buffer(&entry->journal);
    finish_set(&entry->tags);
    finish_set(&entry->emotions);
    *entry = (struct qr_moving_entry){0};
}

void qr_moving_journal_finish(struct qr_moving_journal *journal)
{
    for (size_t i = 0; i < journal->count; i++) {
        qr_moving_entry_finish(&journal->entries[i]);
    }
    for (size_t i = 0; i < journal->note_count; i++) {
        free(journal->notes[i].where);
        free(journal->notes[i].what);
    }
    struct qr_moving_names *names, *next;
    HASH_ITER (hh, journal->sources, names, next) {
        HASH_DEL(journal->sources, names);
        free(names);
    }
    free(journal->entries);
    free(journal->notes);
    *journal = (struct qr_moving_journal){0};
}

static void check_set(struct qr_moving_journal *journal, const struct qr_moving_entry *entry,
    struct qr_moving_set *set, const char *name, int64_t value_max)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct qr_moving_element *element = &set->items[i];
        struct quire_bytes bytes = quire_buffer_bytes(&element->name);
        const char *why = bytes.size == 0                      ? "it is empty"
            : bytes.size > QUIRE_ELEMENT_MAX                   ? "it is longer than 128 bytes"
            : !qr_client_text_valid(bytes, NULL)               ? "it is not UTF-8"
            : element->value < 0 || element->value > value_max ? "its intensity is not 0 to 100"
            : kept == QUIRE_ELEMENTS_MAX                       ? "an entry has 256 at most"
                                                               : NULL;
        if (why != NULL) {
            qr_moving_note(journal, QR_MOVING_FIELD, quire_buffer_bytes(&entry->where),
                "The %s \"%.*s\" was not taken: %s.", name,
                (int)(bytes.size < 60 ? bytes.size : 60),
                bytes.size == 0 ? "" : (const char *)bytes.data, why);
            finish_buffer(&element->name);
            continue;
        }
        set->items[kept++] = *element;
    }
    set->count = kept;
    if (kept > 1) {
        qsort(set->items, kept, sizeof *set->items, compare_elements);
    }
}

/* A title that is too long stays whole as the text's first paragraph. */
static enum quire_status check_title(
    struct qr_moving_journal *journal, struct qr_moving_entry *entry)
{
    struct quire_bytes where = quire_buffer_bytes(&entry->where);
    struct quire_bytes title = quire_buffer_bytes(&entry->title);
    if (!entry->has_title || (qr_client_text_valid(title, NULL) && title.size <= QUIRE_TITLE_MAX)) {
        return QUIRE_OK;
    }
    if (!qr_client_text_valid(title, NULL)) {
        qr_moving_note(
            journal, QR_MOVING_FIELD, where, "The title was not taken: it is not UTF-8.");
        entry->has_title = false;
        quire_buffer_clear(&entry->title);
        return QUIRE_OK;
    }
    struct quire_buffer text = {0};
    enum quire_status status = qr_moving_put(&text, title);
    if (status == QUIRE_OK && entry->text.size > 0) {
        status = quire_buffer_append(&text, "\n\n", 2);
    }
    if (status == QUIRE_OK && entry->text.size > 0) {
        status = quire_buffer_append(&text, entry->text.data, entry->text.size);
    }
    if (status != QUIRE_OK) {
        finish_buffer(&text);
        return status;
    }
    finish_buffer(&entry->text);
    entry->text = text;
    size_t size = QUIRE_TITLE_MAX;
    while (size > 0 && (entry->title.data[size] & 0xc0) == 0x80) {
        size--;
    }
    entry->title.size = size;
    qr_moving_note(journal, QR_MOVING_FIELD, where,
        "The title was cut at 1024 bytes; the whole of it is the first paragraph of the text.");
    return QUIRE_OK;
}

/* False: a note says why the entry cannot be taken. */
static bool fits(struct qr_moving_journal *journal, struct qr_moving_entry *entry)
{
    struct quire_bytes where = quire_buffer_bytes(&entry->where);
    size_t offset = 0;
    if (!qr_client_text_valid(quire_buffer_bytes(&entry->text), &offset)) {
        qr_moving_note(journal, QR_MOVING_ENTRY_SKIPPED, where,
            "Its text is not UTF-8: byte %zu is not part of a character.", offset);
        return false;
    }
    if (entry->text.size > QUIRE_TEXT_MAX) {
        qr_moving_note(journal, QR_MOVING_ENTRY_SKIPPED, where,
            "Its text has %zu bytes; an entry holds %d.", entry->text.size, QUIRE_TEXT_MAX);
        return false;
    }
    if (entry->has_mood && (entry->mood < 0 || entry->mood > QUIRE_MOOD_MAX)) {
        qr_moving_note(journal, QR_MOVING_FIELD, where,
            "Its mood %" PRId64 " was not taken: moods are 0 to %d.", entry->mood, QUIRE_MOOD_MAX);
        entry->has_mood = false;
    }
    if (entry->journal.size > QUIRE_JOURNAL_MAX
        || !qr_client_text_valid(quire_buffer_bytes(&entry->journal), NULL)) {
        qr_moving_note(journal, QR_MOVING_FIELD, where,
            "Its journal was not taken: a name has %d bytes of UTF-8 at most.", QUIRE_JOURNAL_MAX);
        entry->journal.size = 0;
    }
    return true;
}

/* out_count: how many entries had this name before. ENOMEM. */
static enum quire_status count_name(
    struct qr_moving_journal *journal, struct quire_bytes name, unsigned *out_count)
{
    struct qr_moving_names *names = NULL;
    HASH_FIND(hh, journal->sources, name.data, name.size, names);
    if (names == NULL) {
        names = malloc(sizeof *names + name.size);
        if (names == NULL) {
            return QUIRE_ENOMEM;
        }
        names->count = 0;
        names->size = name.size;
        memcpy(names->name, name.data, name.size);
        HASH_ADD_KEYPTR(hh, journal->sources, names->name, names->size, names);
    }
    *out_count = names->count++;
    return QUIRE_OK;
}

/* The n-th entry of one source name gets "\nn" behind it. out_double: its id was there before. */
static enum quire_status tell_apart(
    struct qr_moving_journal *journal, struct qr_moving_entry *entry, bool *out_double)
{
    unsigned count = 0;
    enum quire_status status = QUIRE_OK;
    if (entry->has_id) {
        status = count_name(journal, (struct quire_bytes){entry->id, sizeof entry->id}, &count);
        *out_double = count > 0;
        return status;
    }
    if (entry->source.size == 0) { /* nothing in the format names it: its place does */
        status = qr_moving_print(&entry->source, "?");
        if (status == QUIRE_OK && entry->where.size > 0) {
            status = quire_buffer_append(&entry->source, entry->where.data, entry->where.size);
        }
    }
    if (status == QUIRE_OK) {
        status = count_name(journal, quire_buffer_bytes(&entry->source), &count);
    }
    return status == QUIRE_OK && count > 0 ? qr_moving_print(&entry->source, "\n%u", count + 1)
                                           : status;
}

enum quire_status qr_moving_add(struct qr_moving_journal *journal, struct qr_moving_entry *entry)
{
    enum quire_status status = QUIRE_OK;
    bool is_double = false;
    if (journal->count == QR_MOVING_ENTRIES_MAX) {
        status = QUIRE_ELIMIT;
        goto out;
    }
    status = check_title(journal, entry);
    if (status != QUIRE_OK || !fits(journal, entry)) {
        goto out;
    }
    check_set(journal, entry, &entry->tags, "tag", 0);
    check_set(journal, entry, &entry->emotions, "emotion", QUIRE_INTENSITY_MAX);
    status = tell_apart(journal, entry, &is_double);
    if (status != QUIRE_OK) {
        goto out;
    }
    if (is_double) {
        qr_moving_note(journal, QR_MOVING_ENTRY_SKIPPED, quire_buffer_bytes(&entry->where),
            "Another entry in it has the same id.");
        goto out;
    }
    if (journal->count == journal->capacity) {
        size_t capacity = journal->capacity == 0 ? 64 : journal->capacity * 2;
        struct qr_moving_entry *entries = realloc(journal->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            status = QUIRE_ENOMEM;
            goto out;
        }
        journal->entries = entries;
        journal->capacity = capacity;
    }
    journal->entries[journal->count++] = *entry;
    *entry = (struct qr_moving_entry){0};
out:
    qr_moving_entry_finish(entry);
    return status;
}

/* ---- order and comparison -------------------------------------------------------------------- */

static int compare_entries(const void *left, const void *right)
{
    const struct qr_moving_entry *a = left, *b = right;
    if (a->has_date != b->has_date) {
        return a->has_date ? -1 : 1;
    }
    if (a->has_date && a->date_ms != b->date_ms) {
        return a->date_ms < b->date_ms ? -1 : 1;
    }
    return memcmp(a->id, b->id, sizeof a->id);
}

void qr_moving_sort(struct qr_moving_journal *journal)
{
    if (journal->count > 1) {
        qsort(journal->entries, journal->count, sizeof *journal->entries, compare_entries);
    }
}

static bool same_sets(const struct qr_moving_set *a, const struct qr_moving_set *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = compare_elements(&a->items[i], &b->items[i]) == 0
            && a->items[i].value == b->items[i].value;
    }
    return same;
}

bool qr_moving_same(const struct qr_moving_entry *a, const struct qr_moving_entry *b)
{
    return a->has_title == b->has_title && a->has_date == b->has_date && a->has_mood == b->has_mood
        && a->deleted == b->deleted && (!a->has_date || a->date_ms == b->date_ms)
        && (!a->has_mood || a->mood == b->mood)
        && quire_bytes_equal(quire_buffer_bytes(&a->title), quire_buffer_bytes(&b->title))
        && quire_bytes_equal(quire_buffer_bytes(&a->text), quire_buffer_bytes(&b->text))
        && quire_bytes_equal(quire_buffer_bytes(&a->journal), quire_buffer_bytes(&b->journal))
        && same_sets(&a->tags, &b->tags) && same_sets(&a->emotions, &b->emotions);
}
