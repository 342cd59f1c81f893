/*
 * Joplin: JEX (a tar), RAW folders and sync targets. Every item is a file: title, body, and at the end
 * lines "key: value", the last of which is its type.
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum joplin_type {
    JOPLIN_NOTE = 1,
    JOPLIN_NOTEBOOK = 2,
    JOPLIN_RESOURCE = 4,
    JOPLIN_TAG = 5,
    JOPLIN_NOTE_TAG = 6,
};

#define NOTEBOOK_DEPTH 16

/** One item, borrowed from its member. */
struct item {
    UT_hash_handle hh;
    struct quire_bytes id, title, body, properties;
    const struct qr_moving_member *member;
    int type;
    struct item *first_link; /* of a note: its links to tags, a list by next_link */
    struct item *next_link;
};

struct joplin {
    struct qr_moving_reading *reading;
    struct item *items; /* array */
    size_t count;
    struct item *by_id;
};

static struct quire_bytes property(const struct item *item, const char *key)
{
    struct quire_bytes rest = item->properties, line;
    size_t size = strlen(key);
    while (qr_moving_line(&rest, &line)) {
        if (line.size > size && memcmp(line.data, key, size) == 0 && line.data[size] == ':') {
            return qr_moving_trim((struct quire_bytes){line.data + size + 1, line.size - size - 1});
        }
    }
    return (struct quire_bytes){0};
}

/* From the end backwards: the properties begin after the last blank line. */
static bool split(struct quire_bytes text, struct item *item)
{
    while (
        text.size > 0 && (text.data[text.size - 1] == '\n' || text.data[text.size - 1] == '\r')) {
        text.size--;
    }
    size_t begin = text.size;
    while (begin > 0
        && !(text.data[begin - 1] == '\n'
            && (begin < 2 || text.data[begin - 2] == '\n'
                || (begin > 2 && text.data[begin - 2] == '\r' && text.data[begin - 3] == '\n')))) {
        begin--;
    }
    item->properties = (struct quire_bytes){text.data + begin, text.size - begin};
    struct quire_bytes type = property(item, "type_"), rest = {text.data, begin};
    item->id = property(item, "id");
    if (type.size == 0 || type.size > 2 || item->id.size == 0) {
        return false;
    }
    for (size_t i = 0; i < type.size; i++) {
        item->type = item->type * 10 + (type.data[i] - '0');
    }
    if (!qr_moving_line(&rest, &item->title)) {
        item->title = (struct quire_bytes){0};
    }
    item->title = qr_moving_trim(item->title);
    while (rest.size > 0 && (rest.data[0] == '\n' || rest.data[0] == '\r')) {
        rest.data++;
        rest.size--;
    }
    while (
        rest.size > 0 && (rest.data[rest.size - 1] == '\n' || rest.data[rest.size - 1] == '\r')) {
        rest.size--;
    }
    item->body = rest;
    return true;
}

static struct item *find(const struct joplin *joplin, struct quire_bytes id)
{
    struct item *item = NULL;
    if (id.size > 0) {
        HASH_FIND(hh, joplin->by_id, id.data, id.size, item);
    }
    return item;
}

static bool is_item(const struct qr_moving_member *member)
{
    const char *base = qr_moving_base(member->name);
    return strspn(base, "0123456789abcdefABCDEF") == 32 && qr_moving_ends(base, ".md");
}

/* ---- notes ----------------------------------------------------------------------------------- */

/* Notebooks from the outermost in, as one tag: "Travel/2024". */
static enum quire_status add_notebook(
    const struct joplin *joplin, struct qr_moving_entry *entry, const struct item *note)
{
    struct quire_bytes path[NOTEBOOK_DEPTH];
    struct quire_buffer name = {0};
    size_t depth = 0;
    enum quire_status status = QUIRE_OK;
    for (struct item *book = find(joplin, property(note, "parent_id"));
         book != NULL && book->type == JOPLIN_NOTEBOOK && depth < NOTEBOOK_DEPTH;
         book = find(joplin, property(book, "parent_id"))) {
        path[depth++] = book->title;
    }
    while (status == QUIRE_OK && depth > 0) {
        depth--;
        status = quire_buffer_append(&name, path[depth].data, path[depth].size);
        if (status == QUIRE_OK && depth > 0) {
            status = quire_buffer_append(&name, "/", 1);
        }
    }
    if (status == QUIRE_OK) {
        status = qr_moving_tag(entry, quire_buffer_bytes(&name));
    }
    quire_buffer_finish(&name);
    return status;
}

/* ":/<32 hex digits>" in a body names a resource or a note. */
static void note_resources(
    const struct joplin *joplin, const struct qr_moving_entry *entry, struct quire_bytes body)
{
    while (body.size >= 34) {
        const uint8_t *at = memmem(body.data, body.size, ":/", 2);
        if (at == NULL || body.size - (size_t)(at - body.data) < 34) {
            return;
        }
        const struct item *item = find(joplin, (struct quire_bytes){at + 2, 32});
        if (item != NULL && item->type == JOPLIN_RESOURCE) {
            struct quire_bytes name = item->title;
            qr_moving_note(joplin->reading->journal, QR_MOVING_ATTACHMENT,
                quire_buffer_bytes(&entry->where),
                "The file %.*s was not taken: entries have no attachments yet. Its place in the text "
                "stays.",
                (int)(name.size < 80 ? name.size : 80),
                name.size > 0 ? (const char *)name.data : "");
        }
        size_t used = (size_t)(at - body.data) + 2;
        body.data += used;
        body.size -= used;
    }
}

static enum quire_status read_note(const struct joplin *joplin, const struct item *note)
{
    struct qr_moving_reading *reading = joplin->reading;
    struct qr_moving_entry entry = {.has_title = note->title.size > 0};
    struct quire_bytes created = property(note, "user_created_time");
    created = created.size > 0 ? created : property(note, "created_time");
    enum quire_status status = qr_moving_put(
        &entry.where, note->title.size > 0 ? note->title : quire_bytes_of_text(note->member->name));
    if (qr_moving_is(property(note, "encryption_applied"), "1")) {
        qr_moving_note(reading->journal, QR_MOVING_ENTRY_SKIPPED,
            quire_bytes_of_text(note->member->name),
            "It is encrypted by Joplin: decrypt all notes there, then export again.");
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_set_date(reading, &entry, created, NULL);
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.source, note->id);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_put(&entry.title, note->title);
    }
    if (status == QUIRE_OK) {
        status = qr_moving_is(property(note, "markup_language"), "2")
            ? qr_moving_html_text(note->body, &entry.text)
            : qr_moving_put(&entry.text, note->body);
    }
    if (status == QUIRE_OK) {
        status = add_notebook(joplin, &entry, note);
    }
    for (const struct item *link = note->first_link; status == QUIRE_OK && link != NULL;
         link = link->next_link) {
        const struct item *tag = find(joplin, property(link, "tag_id"));
        status = tag == NULL ? QUIRE_OK : qr_moving_tag(&entry, tag->title);
    }
    if (status != QUIRE_OK) {
        qr_moving_entry_finish(&entry);
        return status;
    }
    qr_moving_unix_lines(&entry.text);
    note_resources(joplin, &entry, quire_buffer_bytes(&entry.text));
    return qr_moving_add(reading->journal, &entry);
}

/* ---- the format ------------------------------------------------------------------------------ */

static int match(const struct qr_moving_bundle *bundle)
{
    for (size_t i = 0; i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        struct item item = {0};
        if (member->loaded && is_item(member)
            && split(quire_buffer_bytes(&member->content), &item)) {
            return 3;
        }
    }
    return 0;
}

static enum quire_status index_items(struct joplin *joplin)
{
    const struct qr_moving_bundle *bundle = joplin->reading->bundle;
    joplin->items = calloc(bundle->count + 1, sizeof *joplin->items);
    if (joplin->items == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < bundle->count; i++) {
        const struct qr_moving_member *member = &bundle->members[i];
        struct item *item = &joplin->items[joplin->count];
        *item = (struct item){.member = member};
        if (!member->loaded || strcmp(qr_moving_base(member->name), "info.json") == 0) {
            continue; /* resources are reported where notes name them */
        }
        if (!is_item(member) || !split(quire_buffer_bytes(&member->content), item)) {
            qr_moving_note(joplin->reading->journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(member->name),
                "It is not an item of Joplin, or it is cut short.");
            continue;
        }
        if (find(joplin, item->id) != NULL) {
            qr_moving_note(joplin->reading->journal, QR_MOVING_FILE_SKIPPED,
                quire_bytes_of_text(member->name), "Another file in it has the same id.");
            continue;
        }
        HASH_ADD_KEYPTR(hh, joplin->by_id, item->id.data, item->id.size, item);
        joplin->count++;
    }
    for (size_t i = 0; i < joplin->count; i++) {
        struct item *link = &joplin->items[i];
        struct item *note =
            link->type == JOPLIN_NOTE_TAG ? find(joplin, property(link, "note_id")) : NULL;
        if (note != NULL) {
            link->next_link = note->first_link;
            note->first_link = link;
        }
    }
    return QUIRE_OK;
}

static enum quire_status read_all(struct qr_moving_reading *reading)
{
    struct joplin joplin = {.reading = reading};
    enum quire_status status = index_items(&joplin);
    for (size_t i = 0; status == QUIRE_OK && i < joplin.count; i++) {
        if (joplin.items[i].type == JOPLIN_NOTE) {
            status = read_note(&joplin, &joplin.items[i]);
        }
    }
    HASH_CLEAR(hh, joplin.by_id);
    free(joplin.items);
    return status;
}

const struct qr_moving_format qr_moving_joplin = {"joplin", "Joplin (JEX or RAW)", match, read_all};
