/*
 * Any bytes as files of another program: they are refused, or become entries that keep the limits of an
 * entry; and what an export of those says is read again as the same.
 *
 * Input: a line with the name of a format, "auto" or "archive", then the file; or for a folder, each file
 * after a line "==> NAME <==".
 */
#define _GNU_SOURCE
#include "client/moving/format.h"
#include "client/text.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool member_name(struct quire_bytes line, char out_name[256])
{
    if (line.size < 9 || line.size > 200 || memcmp(line.data, "==> ", 4) != 0
        || memcmp(line.data + line.size - 4, " <==", 4) != 0 || !qr_client_text_valid(line, NULL)
        || memchr(line.data, 0, line.size) != NULL) {
        return false;
    }
    memcpy(out_name, line.data + 4, line.size - 8);
    out_name[line.size - 8] = 0;
    return true;
}

static void make_folder(struct quire_bytes rest, struct qr_moving_bundle *bundle)
{
    struct qr_client_error error = {""};
    char name[256] = "", next[256];
    struct quire_bytes line;
    const uint8_t *begin = rest.data;
    bundle->shape = QR_MOVING_FOLDER;
    for (bool more = true; more;) {
        const uint8_t *end = rest.data;
        more = qr_moving_line(&rest, &line);
        if (more && !member_name(line, next)) {
            continue;
        }
        if (name[0] != 0) {
            struct quire_buffer content = {0};
            assert(qr_moving_put(&content, (struct quire_bytes){begin, (size_t)(end - begin)})
                == QUIRE_OK);
            assert(qr_moving_bundle_add(bundle, name, &content, &error) == QUIRE_OK);
        }
        memcpy(name, next, sizeof name);
        begin = rest.data;
    }
    qr_moving_bundle_sort(bundle);
}

static void check_set(const struct qr_moving_set *set, int64_t value_max)
{
    assert(set->count <= QUIRE_ELEMENTS_MAX);
    for (size_t i = 0; i < set->count; i++) {
        const struct qr_moving_element *element = &set->items[i];
        assert(element->name.size > 0 && element->name.size <= QUIRE_ELEMENT_MAX);
        assert(qr_client_text_valid(quire_buffer_bytes(&element->name), NULL));
        assert(element->value >= 0 && element->value <= value_max);
    }
}

static void check_entry(const struct qr_moving_entry *entry)
{
    assert(entry->text.size <= QUIRE_TEXT_MAX && entry->title.size <= QUIRE_TITLE_MAX);
    assert(qr_client_text_valid(quire_buffer_bytes(&entry->text), NULL));
    assert(qr_client_text_valid(quire_buffer_bytes(&entry->title), NULL));
    assert(!entry->has_mood || (entry->mood >= 0 && entry->mood <= QUIRE_MOOD_MAX));
    assert(entry->has_id || entry->source.size > 0);
    check_set(&entry->tags, 0);
    check_set(&entry->emotions, QUIRE_INTENSITY_MAX);
}

/* An export of the entries, under made ids, read again. */
static void check_identity(struct qr_moving_journal *journal)
{
    char *text = NULL;
    size_t size = 0;
    struct qr_moving_journal back = {0};
    struct qr_moving_bundle bundle = {0};
    struct qr_client_error error = {""};
    struct qr_moving_reading reading = {.bundle = &bundle, .journal = &back, .error = &error};
    FILE *file = open_memstream(&text, &size);
    assert(qr_moving_json_begin(file));
    for (size_t i = 0; i < journal->count; i++) {
        memcpy(journal->entries[i].id, &i, sizeof i);
        assert(qr_moving_json_entry(file, &journal->entries[i], i == 0));
    }
    assert(qr_moving_json_end(file));
    fclose(file);
    assert(qr_moving_bundle_of(
               "a.json", (struct quire_bytes){(uint8_t *)text, size}, &bundle, &back, &error)
        == QUIRE_OK);
    assert(qr_moving_quire.read(&reading) == QUIRE_OK);
    assert(back.count == journal->count && back.note_count == 0);
    for (size_t i = 0; i < back.count; i++) {
        assert(qr_moving_same(&back.entries[i], &journal->entries[i]));
    }
    free(text);
    qr_moving_bundle_finish(&bundle);
    qr_moving_journal_finish(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct quire_bytes rest = {data, size}, line, first;
    struct qr_moving_journal journal = {0};
    struct qr_moving_bundle bundle = {0};
    struct qr_client_error error = {""};
    char name[256];
    if (!qr_moving_line(&rest, &line) || line.size > 32) {
        return 0;
    }
    memcpy(name, line.data, line.size);
    name[line.size] = 0;
    struct quire_bytes peek = rest;
    char unused[256];
    enum quire_status status = QUIRE_OK;
    if (qr_moving_line(&peek, &first) && member_name(first, unused)) {
        make_folder(rest, &bundle);
    } else {
        status = qr_moving_bundle_of("file.json", rest, &bundle, &journal, &error);
    }
    const struct qr_moving_format *found = status == QUIRE_OK ? qr_moving_format_of(&bundle) : NULL;
    const struct qr_moving_format *named = qr_moving_format_named(name);
    const struct qr_moving_format *format = named != NULL ? named : found;
    if (status == QUIRE_OK && format != NULL && bundle.count > 0) {
        struct qr_moving_reading reading = {
            .bundle = &bundle, .journal = &journal, .error = &error};
        status = format->read(&reading);
    }
    assert(status == QUIRE_OK || error.text[0] != 0);
    for (size_t i = 0; i < journal.count; i++) {
        check_entry(&journal.entries[i]);
    }
    check_identity(&journal);
    qr_moving_bundle_finish(&bundle);
    qr_moving_journal_finish(&journal);
    return 0;
}
