/*
 * Entries on their way out and in: an export, read again, is the same journal.
 */
#define _GNU_SOURCE
#include "client/moving/apply.h"
#include "client/moving/format.h"
#include "kit/random.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sample journals ------------------------------------------------------------------------- */

/* What a reader might take for something else: ends of lines, YAML, JSON, Markdown, controls. */
static const char *const pieces[] = {"rain", " ", "\n", "\r\n", "\r", "\t", "---", "---\n",
    "\n---\n", "\"", "'", "\\", "\\n", ": ", "- ", "# ", "{", "}", "[x]", "!", "&amp;", "*a", "%",
    "@", "`", "```\n", "null", "true", "2024-03-01", "ä", "日本", "🌧️", "e\xcc\x81",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xc2\x80",
    "\xc2\x85", "\xc2\x9f", "\x01", "\x1b[31m", "\x7f", "אב", "<b>", "quire: 1\n", "\n\n\n",
    "\xf4\x8f\xbf\xbf", "~"};
#define PIECES (sizeof pieces / sizeof pieces[0])

static void draw_text(struct kit_random *random, size_t piece_count, struct quire_buffer *out_text)
{
    for (size_t i = 0; i < piece_count; i++) {
        size_t piece = kit_random_below(random, PIECES + 1);
        cr_assert_eq(piece == PIECES
                ? quire_buffer_append(out_text, "", 1) /* a zero byte */
                : quire_buffer_append(out_text, pieces[piece], strlen(pieces[piece])),
            QUIRE_OK);
    }
}

static void draw_set(struct kit_random *random, uint64_t value_max, struct qr_moving_set *out_set)
{
    size_t count = kit_random_below(random, 3) == 0 ? kit_random_below(random, 6) : 0;
    for (size_t i = 0; i < count; i++) {
        struct quire_buffer name = {0};
        draw_text(random, 1 + kit_random_below(random, 4), &name);
        cr_assert_eq(qr_moving_set_add(out_set, quire_buffer_bytes(&name),
                         (int64_t)kit_random_below(random, value_max + 1)),
            QUIRE_OK);
        quire_buffer_finish(&name);
    }
}

static void draw_entry(struct kit_random *random, struct qr_moving_entry *entry)
{
    static const int64_t dates[] = {INT64_MIN, INT64_MAX, -1, 0, INT64_C(-62135596800000),
        INT64_C(-62135596800001), INT64_C(253402300799999), INT64_C(253402300800000)};
    entry->has_id = true;
    kit_random_fill(random, entry->id, sizeof entry->id);
    entry->has_title = kit_random_below(random, 2) == 0;
    if (entry->has_title) {
        draw_text(random, kit_random_below(random, 6), &entry->title);
    }
    entry->has_date = kit_random_below(random, 5) > 0;
    if (entry->has_date) {
        uint64_t unit =
            kit_random_below(random, 2) == 0 ? 60000 : 1 + kit_random_below(random, 1000);
        entry->date_ms = kit_random_below(random, 8) == 0
            ? dates[kit_random_below(random, sizeof dates / sizeof dates[0])]
            : (int64_t)(kit_random_below(random, INT64_C(4000000000000) / unit) * unit)
                - INT64_C(1000000000000);
    }
    entry->has_mood = kit_random_below(random, 3) == 0;
    entry->mood = entry->has_mood ? (int64_t)kit_random_below(random, QUIRE_MOOD_MAX + 1) : 0;
    entry->deleted = kit_random_below(random, 9) == 0;
    draw_text(random, kit_random_below(random, 40), &entry->text);
    draw_set(random, 0, &entry->tags);
    draw_set(random, QUIRE_INTENSITY_MAX, &entry->emotions);
}

static void draw_journal(struct kit_random *random, struct qr_moving_journal *journal)
{
    size_t count = kit_random_below(random, 12);
    for (size_t i = 0; i < count; i++) {
        struct qr_moving_entry entry = {0};
        draw_entry(random, &entry);
        cr_assert_eq(qr_moving_add(journal, &entry), QUIRE_OK);
    }
    qr_moving_sort(journal);
}

static void expect_same(
    const struct qr_moving_journal *a, const struct qr_moving_journal *b, uint64_t seed)
{
    cr_assert_eq(a->count, b->count, "seed %llu: %zu and %zu entries", (unsigned long long)seed,
        a->count, b->count);
    cr_assert_eq(b->note_count, 0, "seed %llu: %s", (unsigned long long)seed,
        b->note_count > 0 ? b->notes[0].what : "");
    for (size_t i = 0; i < a->count; i++) {
        cr_assert(memcmp(a->entries[i].id, b->entries[i].id, QUIRE_ENTRY_SIZE) == 0
                && qr_moving_same(&a->entries[i], &b->entries[i]),
            "seed %llu: entry %zu is another", (unsigned long long)seed, i);
    }
}

static void read_bundle(
    const struct qr_moving_bundle *bundle, struct qr_moving_journal *out_journal)
{
    struct qr_client_error error = {""};
    const struct qr_moving_format *format = qr_moving_format_of(bundle);
    cr_assert_not_null(format);
    struct qr_moving_reading reading = {.bundle = bundle, .journal = out_journal, .error = &error};
    cr_assert_eq(format->read(&reading), QUIRE_OK, "%s", error.text);
    qr_moving_sort(out_journal);
}

static void write_json(const struct qr_moving_journal *journal, char **out_text, size_t *out_size)
{
    FILE *file = open_memstream(out_text, out_size);
    cr_assert(qr_moving_json_begin(file));
    for (size_t i = 0; i < journal->count; i++) {
        cr_assert(qr_moving_json_entry(file, &journal->entries[i], i == 0));
    }
    cr_assert(qr_moving_json_end(file));
    fclose(file);
}

static void by_json(const struct qr_moving_journal *journal, uint64_t seed)
{
    char *text = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    struct qr_moving_journal back = {0};
    struct qr_moving_bundle bundle = {0};
    struct qr_client_error error = {""};
    write_json(journal, &text, &size);
    cr_assert_eq(qr_moving_bundle_of("journal.json", (struct quire_bytes){(uint8_t *)text, size},
                     &bundle, &back, &error),
        QUIRE_OK, "%s", error.text);
    read_bundle(&bundle, &back);
    expect_same(journal, &back, seed);
    write_json(&back, &again, &again_size);
    cr_assert(size == again_size && memcmp(text, again, size) == 0, "seed %llu: other bytes",
        (unsigned long long)seed);
    free(text);
    free(again);
    qr_moving_bundle_finish(&bundle);
    qr_moving_journal_finish(&back);
}

static void by_markdown(const struct qr_moving_journal *journal, uint64_t seed)
{
    struct qr_moving_journal back = {0};
    struct qr_moving_bundle bundle = {.shape = QR_MOVING_FOLDER};
    struct qr_client_error error = {""};
    for (size_t i = 0; i < journal->count; i++) {
        char name[64], *text = NULL;
        size_t size = 0;
        struct quire_buffer content = {0};
        FILE *file = open_memstream(&text, &size);
        cr_assert(qr_moving_markdown_entry(file, &journal->entries[i]));
        fclose(file);
        qr_moving_markdown_name(&journal->entries[i], false, name);
        cr_assert_eq(quire_buffer_append(&content, text, size), QUIRE_OK);
        cr_assert_eq(qr_moving_bundle_add(&bundle, name, &content, &error), QUIRE_OK);
        free(text);
    }
    qr_moving_bundle_sort(&bundle);
    if (journal->count > 0) {
        read_bundle(&bundle, &back);
    }
    expect_same(journal, &back, seed);
    qr_moving_bundle_finish(&bundle);
    qr_moving_journal_finish(&back);
}

/* QUIRE_JOURNALS: how many, 3000 if it is not set; tools/test --long sets more. */
Test(moving, an_export_read_again_is_the_same_journal, .timeout = 600)
{
    const char *count_text = getenv("QUIRE_JOURNALS"), *seed_text = getenv("QUIRE_SEED");
    uint64_t count = count_text != NULL ? strtoull(count_text, NULL, 10) : 3000;
    uint64_t first = seed_text != NULL ? strtoull(seed_text, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct kit_random random = {seed};
        struct qr_moving_journal journal = {0};
        draw_journal(&random, &journal);
        by_json(&journal, seed);
        by_markdown(&journal, seed);
        qr_moving_journal_finish(&journal);
    }
}
