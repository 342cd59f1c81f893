#include "insight/number.h"
#include "insight/words.h"
#include "support.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 120

static struct qr_words *words;
static struct qr_features *scratch;

static void set_up(void)
{
    words = malloc(sizeof *words);
    scratch = calloc(1, sizeof *scratch);
}

static void tear_down(void)
{
    free(words);
    free(scratch);
}

TestSuite(themes, .init = set_up, .fini = tear_down);

static const char *const common[] = {"breakfast", "train", "office", "letter", "window", "coffee",
    "evening", "market", "river", "bread", "chair", "paper"};

static void draw_texts(struct quire_bytes *texts, char (*space)[512], const char *word,
    uint32_t before, uint32_t recent, uint64_t state)
{
    for (uint32_t i = 0; i < ENTRIES; i++) {
        size_t size = 0;
        for (size_t j = 0; j < sizeof common / sizeof *common; j++) {
            if (qr_draw_below(&state, 100) < 30) {
                size += (size_t)sprintf(space[i] + size, "%s ", common[j]);
            }
        }
        uint32_t share = i >= ENTRIES - 28 ? recent : before;
        size += (size_t)sprintf(
            space[i] + size, "%s.", qr_draw_below(&state, 100) < share ? word : "x");
        texts[i] = (struct quire_bytes){(uint8_t *)space[i], size};
    }
}

static uint32_t find(const char *word, uint32_t before, uint32_t recent, struct qr_theme *themes)
{
    static struct quire_bytes texts[ENTRIES];
    static char space[ENTRIES][512];
    draw_texts(texts, space, word, before, recent, 11);
    qr_words_gather(words, scratch, texts, ENTRIES, NULL, 0);
    struct qr_presence presence = {.entries = ENTRIES,
        .recent = 28,
        .words = words->count,
        .seeds = words->seeds,
        .bits = &words->bits[0][0],
        .stride = sizeof words->bits[0]};
    return qr_themes_look(&presence, themes);
}

Test(themes, a_word_that_comes_up_is_found_with_true_counts)
{
    struct qr_theme found[QR_THEMES_WORDS_MAX];
    cr_assert_eq(find("Garden", 6, 60, found), 1);
    cr_assert(found[0].rising);
    cr_assert_str_eq(words->names[found[0].word], "garden");
    cr_assert_eq(found[0].recent, 28);
    cr_assert_eq(found[0].before, ENTRIES - 28);
    cr_assert(found[0].recent_with > 10 && found[0].before_with < 15);
    cr_assert_leq(found[0].chance, 30);
}

Test(themes, a_word_that_goes_away_is_found)
{
    struct qr_theme found[QR_THEMES_WORDS_MAX];
    cr_assert_eq(find("garden", 60, 4, found), 1);
    cr_assert_not(found[0].rising);
}

Test(themes, a_word_as_frequent_as_before_is_none)
{
    struct qr_theme found[QR_THEMES_WORDS_MAX];
    cr_assert_eq(find("garden", 30, 30, found), 0);
}

Test(themes, chinese_words_are_found_whole)
{
    struct qr_theme found[QR_THEMES_WORDS_MAX];
    cr_assert_eq(find("图书馆", 6, 70, found), 1);
    cr_assert_str_eq(words->names[found[0].word], "图书馆"); /* not 图书 and 书馆 as well */
    cr_assert(words->cjk[found[0].word]);
}

Test(themes, words_in_few_or_most_entries_and_short_ones_are_left_out)
{
    struct qr_theme found[QR_THEMES_WORDS_MAX];
    (void)find("garden", 100, 100, found);
    for (uint32_t i = 0; i < words->count; i++) {
        cr_assert_str_neq(words->names[i], "garden");
        cr_assert_str_neq(words->names[i], "x");
    }
}

Test(themes, frequent_words_of_the_language_are_left_out)
{
    static struct quire_bytes texts[40];
    struct qr_bundle bundle;
    const struct qr_bundle *bundles[] = {&bundle};
    cr_assert_eq(qr_bundle_open(quire_insight_builtin("en"), &bundle), QUIRE_OK);
    for (size_t i = 0; i < 40; i++) {
        texts[i] = quire_bytes_of_text(i % 4 == 0 ? "about the violin because they" : "y");
    }
    qr_words_gather(words, scratch, texts, 40, bundles, 1);
    cr_assert_eq(words->count, 1);
    cr_assert_str_eq(words->names[0], "violin");
}
