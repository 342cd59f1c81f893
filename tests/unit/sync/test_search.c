/*
 * Words: folded, kept once, found; and entries found by them.
 */
#include "harness.h"
#include "sync/search.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- words ------------------------------------------------------------------------------------ */

static const char *words_of(const char *text)
{
    static char out[4096];
    struct qr_search_words words = {0};
    cr_assert_eq(qr_search_add(&words, quire_bytes_of_text(text)), QUIRE_OK);
    cr_assert_lt(words.words.size, sizeof out);
    for (size_t i = 0; i < words.words.size; i++) {
        out[i] = words.words.data[i] == '\n' ? '|' : (char)words.words.data[i];
    }
    out[words.words.size] = 0;
    qr_search_finish(&words);
    return out;
}

Test(search, words_are_folded_and_each_is_kept_once)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" -- ...", ""},
        {"It rained, and it RAINED all day", "it|rained|and|all|day|"},
        {"2024-03-01", "2024|03|01|"},
        {"naïve Ærø Żółć ŒUVRE ĳ Straße", "naive|æro|zolc|œuvre|ĳ|straße|"},
        {"e\xcc\x81t\xc3\xa9 \xc3\xa9te\xcc\x81", "ete|"}, /* composed or not */
        {"Σίσυφος ΣΊΣΥΦΟΣ", "σισυφοσ|"},
        {"Ёлка ЁЛКА Ѓ ґҐ Ӂӂ", "ёлка|ѓ|ґґ|ӂӂ|"},
        {"日本語、日本語。", "日本語|"},
        {"Հայ ՀԱՅ", "հայ|"},
        {"Ḁḁ", "ḁḁ|"},
        {"a\xe2\x80\x94z 👩‍👩 👩", "a|z|👩|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_str_eq(
            words_of(cases[i][0]), cases[i][1], "case %zu: %s", i, words_of(cases[i][0]));
    }
}

Test(search, every_code_point_folds_to_what_folds_to_itself)
{
    for (uint32_t point = 1; point < 0x110000; point++) {
        char text[8], once[8];
        size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        if (point >= 0xd800 && point < 0xe000) {
            continue;
        }
        uint32_t rest = point;
        for (size_t i = size - 1; i > 0; i--, rest >>= 6) {
            text[i] = (char)(0x80 | (rest & 0x3f));
        }
        text[0] = (char)(size == 1 ? rest : (0xf00 >> size | rest));
        text[size] = 0;
        const char *word = words_of(text);
        cr_assert_leq(strlen(word), size + 1, "U+%04X grows", point);
        if (word[0] != 0) {
            size_t length = strlen(word) - 1;
            memcpy(once, word, length);
            once[length] = 0;
            word = words_of(once);
            cr_assert(
                strlen(word) == length + 1 && memcmp(word, once, length) == 0, "U+%04X", point);
        }
    }
}

/* Is the needle a part of any word, by the plainest of ways? */
static bool plainly(const char *words, const char *needle)
{
    return strstr(words, needle) != NULL;
}

Test(search, finds_just_what_is_there)
{
    struct kit_random random = {1};
    size_t found = 0, rounds = 20000;
    for (size_t round = 0; round < rounds; round++) {
        char text[40], needle[5];
        size_t size = 1 + kit_random_below(&random, sizeof text - 1),
               needle_size = 1 + kit_random_below(&random, 4);
        for (size_t i = 0; i < size; i++) {
            text[i] = "abcez \n"[kit_random_below(&random, 7)];
        }
        text[size - 1] = 0;
        for (size_t i = 0; i < needle_size; i++) {
            needle[i] = "abcez"[kit_random_below(&random, 5)];
        }
        needle[needle_size] = 0;
        struct qr_search_words words = {0};
        cr_assert_eq(qr_search_add(&words, quire_bytes_of_text(text)), QUIRE_OK);
        bool match = qr_search_match(quire_buffer_bytes(&words.words), quire_bytes_of_text(needle));
        cr_assert_eq(match, plainly(text, needle), "\"%s\" in \"%s\"", needle, text);
        found += match;
        qr_search_finish(&words);
    }
    cr_assert(found > rounds / 10 && found < rounds * 9 / 10, "%zu", found);
}

Test(search, a_text_of_many_words_keeps_each_once)
{
    struct quire_buffer text = {0};
    struct qr_search_words words = {0};
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 50000; i++) {
            char word[16];
            int size = snprintf(word, sizeof word, "w%d ", i);
            cr_assert_eq(quire_buffer_append(&text, word, (size_t)size), QUIRE_OK);
        }
    }
    cr_assert_eq(qr_search_add(&words, quire_buffer_bytes(&text)), QUIRE_OK);
    cr_assert_geq(words.word_count, 50000);
    cr_assert_leq(words.word_count, 50500, "%zu", words.word_count); /* all but few collisions */
    qr_search_finish(&words);
    quire_buffer_finish(&text);
}

/* ---- entries ---------------------------------------------------------------------------------- */

struct hits {
    size_t count;
    uint8_t last[QUIRE_ENTRY_SIZE];
};

static bool count_hit(void *context, const struct quire_summary *summary)
{
    struct hits *hits = context;
    hits->count++;
    memcpy(hits->last, summary->entry, sizeof hits->last);
    return true;
}

static enum quire_status look(
    struct world *world, size_t person, const char *query, struct hits *out_hits)
{
    *out_hits = (struct hits){0};
    return quire_device_search(
        world->people[person].shell.device, quire_bytes_of_text(query), count_hit, out_hits);
}

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2}, other[QUIRE_ENTRY_SIZE] = {3};

Test(search, what_was_saved_is_found_at_once_and_what_was_erased_is_not)
{
    struct world world;
    struct hits hits;
    struct quire_document *document;
    world_init(&world);
    world_account(&world, 0);
    world_keep(&world, 0, diary, "It rained all day.");
    world_keep(&world, 0, other, "The tram was late.");
    cr_assert_eq(look(&world, 0, "RAIN day", &hits), QUIRE_OK);
    cr_assert(hits.count == 1 && memcmp(hits.last, diary, sizeof diary) == 0);
    cr_assert_eq(look(&world, 0, "rain tram", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 0);
    cr_assert_eq(look(&world, 0, "a", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 2);

    struct quire_device *device = world.people[0].shell.device;
    struct quire_stamp stamp = quire_device_stamp(device, 0);
    struct quire_value title = {.text = quire_bytes_of_text("Umbrella")};
    struct quire_event save = {.kind = QUIRE_EVENT_SAVE};
    memcpy(save.entry, diary, sizeof diary);
    cr_assert_eq(quire_device_document(device, diary, false, &document), QUIRE_OK);
    cr_assert_eq(quire_document_erase(document, &stamp, 0, 10), QUIRE_OK);
    cr_assert_eq(
        quire_document_set_register(document, &stamp, QUIRE_REGISTER_TITLE, &title), QUIRE_OK);
    cr_assert_eq(quire_document_add_element(
                     document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text("weather"), 0),
        QUIRE_OK);
    cr_assert_eq(quire_document_add_element(
                     document, &stamp, QUIRE_SET_EMOTIONS, quire_bytes_of_text("calm"), 70),
        QUIRE_OK);
    world_step(&world, 0, save);
    cr_assert_eq(look(&world, 0, "rained", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 0);
    cr_assert_eq(look(&world, 0, "umbrella weather calm day", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    world_restart(&world, 0, true);
    cr_assert_eq(look(&world, 0, "umbrella weather calm day", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    world_finish(&world);
}

Test(search, what_came_in_heaps_and_what_is_long_is_found_after_index)
{
    struct world world;
    struct hits hits;
    world_init(&world);
    world_account(&world, 0);
    for (uint8_t i = 0; i < 90; i++) { /* more than are kept open */
        uint8_t entry[QUIRE_ENTRY_SIZE] = {9, i};
        world_keep(&world, 0, entry, "one of many");
    }
    char *text = malloc(100001);
    memset(text, 'x', 100000);
    memcpy(text + 99990, " enormous ", 10);
    text[100000] = 0;
    world_keep(&world, 0, diary, text);
    free(text);
    cr_assert_eq(look(&world, 0, "many", &hits), QUIRE_ESTATE, "a long text waits for INDEX");
    cr_assert_eq(hits.count, 0, "nothing was visited");
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_INDEXED], 1);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_INDEXED], 0, "none is left");
    cr_assert_eq(look(&world, 0, "enormous", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    cr_assert_eq(look(&world, 0, "many", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 90);

    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    world_pair(&world, 0, 1);
    world_run(&world, 2000);
    cr_assert_eq(look(&world, 1, "many", &hits), QUIRE_ESTATE, "a first sync waits for INDEX");
    for (int turns = 0; look(&world, 1, "many", &hits) == QUIRE_ESTATE; turns++) {
        cr_assert_lt(turns, 3);
        world_step(&world, 1, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
    }
    cr_assert_eq(hits.count, 90);
    /* One edit from elsewhere is found without it. */
    world_type(&world, 0, other, "a single edit");
    world_run(&world, 2000);
    cr_assert_eq(look(&world, 1, "single", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    world_finish(&world);
}

/* Every term is "x", whatever was written. */
static enum quire_status fold_to_x(struct quire_bytes text, struct quire_buffer *out_terms)
{
    return text.size == 0 ? QUIRE_OK : quire_buffer_append(out_terms, "x\n", 2);
}

static size_t index_records(const struct kit_table *table)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        count += table->records[i].key.data[0] == 'f';
    }
    return count;
}

Test(search, another_folding_makes_the_index_anew)
{
    struct world world;
    struct hits hits;
    world_init(&world);
    world_account(&world, 0);
    world_keep(&world, 0, diary, "It rained all day.");
    world_keep(&world, 0, other, "The tram was late.");
    cr_assert_eq(look(&world, 0, "tram", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    world.people[0].shell.fold = (struct quire_fold){.version = 7, .terms = fold_to_x};
    world_restart(&world, 0, true);
    cr_assert_eq(look(&world, 0, "whatever", &hits), QUIRE_ESTATE, "no record is of this folding");
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
    cr_assert_eq(look(&world, 0, "whatever", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 2, "every term is the same");
    cr_assert_eq(index_records(&world.people[0].shell.table), 2, "the old records are gone");
    world.people[0].shell.fold = (struct quire_fold){0};
    world_restart(&world, 0, true);
    cr_assert_eq(look(&world, 0, "tram", &hits), QUIRE_ESTATE);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
    cr_assert_eq(look(&world, 0, "tram", &hits), QUIRE_OK);
    cr_assert_eq(hits.count, 1);
    world_finish(&world);
}

Test(search, an_entry_that_cannot_be_read_does_not_hide_the_others)
{
    struct world world;
    struct hits hits;
    world_init(&world);
    world_account(&world, 0);
    world_keep(&world, 0, diary, "It rained all day.");
    world_keep(&world, 0, other, "Rain again.");
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    struct kit_table *table = &world.people[0].shell.table;
    for (size_t i = table->count; i-- > 0;) { /* its documents rot; its index terms are missing */
        const struct quire_buffer *key = &table->records[i].key;
        if (key->size > 3 && memcmp(key->data + 1, diary, 3) == 0) {
            if (key->data[0] == 't' || key->data[0] == 'e') {
                table->records[i].value.data[30] ^= 1;
            } else if (key->data[0] == 'f') {
                kit_table_write(
                    table, &(struct quire_write){.key = quire_buffer_bytes(key), .erase = true});
            }
        }
    }
    world_restart(&world, 0, true);
    cr_assert_eq(look(&world, 0, "rain", &hits), QUIRE_ESTATE);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
    cr_assert_eq(look(&world, 0, "rain", &hits), QUIRE_OK);
    cr_assert(hits.count == 1 && memcmp(hits.last, other, sizeof other) == 0);
    world_finish(&world);
}

Test(search, a_query_has_a_word_and_no_more_than_the_limit)
{
    struct world world;
    struct hits hits;
    char query[QUIRE_QUERY_MAX + 2];
    world_init(&world);
    world_account(&world, 0);
    world_keep(&world, 0, diary, "a b c");
    cr_assert_eq(look(&world, 0, "", &hits), QUIRE_EINVALID);
    cr_assert_eq(look(&world, 0, " .,; ", &hits), QUIRE_EINVALID);
    memset(query, 'a', sizeof query);
    query[QUIRE_QUERY_MAX] = 0;
    cr_assert_eq(look(&world, 0, query, &hits), QUIRE_OK);
    query[QUIRE_QUERY_MAX] = 'a';
    query[QUIRE_QUERY_MAX + 1] = 0;
    cr_assert_eq(look(&world, 0, query, &hits), QUIRE_ELIMIT);
    query[0] = 0;
    for (int i = 0; i < QR_SEARCH_NEEDLES_MAX; i++) {
        sprintf(query + strlen(query), "%c%c ", 'a' + i % 26, 'a' + i / 26);
    }
    cr_assert_eq(look(&world, 0, query, &hits), QUIRE_OK);
    strcat(query, "zz");
    cr_assert_eq(look(&world, 0, query, &hits), QUIRE_ELIMIT);
    world_finish(&world);
}
