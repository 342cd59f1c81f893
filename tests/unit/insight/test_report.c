#include "insight/number.h"
#include "support.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct diary *diary;
static void *arena;

static void set_up(void)
{
    diary = calloc(1, sizeof *diary);
}

static void tear_down(void)
{
    free(diary);
    free(arena);
}

TestSuite(report, .init = set_up, .fini = tear_down);

static const struct quire_insight_report *report_at(int32_t today)
{
    struct quire_insight_options options = options_of(today);
    free(arena);
    const struct quire_insight_report *report = report_of(diary, &options, &arena);
    cr_assert_not_null(report);
    return report;
}

static void add_days(int32_t count, bool tagged_is_better)
{
    uint64_t state = 9;
    for (int32_t day = 0; day < count; day++) {
        bool tagged = qr_draw_below(&state, 3) == 0;
        int32_t mood =
            30 + (int32_t)qr_draw_below(&state, 31) + (tagged && tagged_is_better ? 20 : 0);
        diary_add(diary, FIRST_DAY + day, mood, "I walked to the river and made bread.",
            tagged ? "running" : NULL, NULL);
    }
}

Test(report, an_empty_diary_says_so_and_nothing_else)
{
    const struct quire_insight_report *report = report_at(FIRST_DAY);
    cr_assert_eq(report->item_count, 1);
    cr_assert_eq(report->items[0].template_id, QUIRE_INSIGHT_NOTHING);
    cr_assert_eq(report->week_count, 0);
}

Test(report, one_entry_says_how_much_is_missing)
{
    diary_add(diary, FIRST_DAY, 60, "One entry.", NULL, NULL);
    const struct quire_insight_report *report = report_at(FIRST_DAY);
    const struct quire_insight_item *item = item_at(report, QUIRE_INSIGHT_NEED_MOODS, 0);
    cr_assert_not_null(item);
    cr_assert_eq(item->flags, QUIRE_INSIGHT_NEED_MEAN);
    cr_assert_eq(item->numbers[0], 6);
    item = item_at(report, QUIRE_INSIGHT_NEED_MOODS, 1);
    cr_assert_eq(item->flags, QUIRE_INSIGHT_NEED_FACTORS);
    cr_assert_eq(item->numbers[0], 27);
    cr_assert_eq(item_at(report, QUIRE_INSIGHT_NEED_LOOKS, 0)->numbers[0], 56);
    item = item_at(report, QUIRE_INSIGHT_NEED_ENTRIES, 0);
    cr_assert_eq(item->numbers[0], 5);
    cr_assert_eq(item->numbers[1], 20);
    cr_assert_null(item_at(report, QUIRE_INSIGHT_MOOD_MEAN, 0));
}

Test(report, means_are_of_days_not_of_entries)
{
    for (int32_t day = 0; day < 10; day++) {
        diary_add(diary, FIRST_DAY + day, 40, "x", NULL, NULL);
    }
    for (int i = 0; i < 9; i++) {
        diary_add(diary, FIRST_DAY + 9, 100, "x", NULL, NULL);
    }
    const struct quire_insight_item *item =
        item_at(report_at(FIRST_DAY + 9), QUIRE_INSIGHT_MOOD_MEAN, 0);
    cr_assert_eq(item->numbers[0], 4540); /* nine days of 40, and one of 94 */
    cr_assert_eq(item->numbers[3], 10);
}

Test(report, a_finding_is_said_at_the_second_look_that_has_it)
{
    add_days(200, true);
    const struct quire_insight_report *report = report_at(FIRST_DAY + 200);
    const struct quire_insight_item *item = item_at(report, QUIRE_INSIGHT_TAG_WITH, 0);
    cr_assert_not_null(item);
    cr_assert(quire_bytes_equal(item->name, quire_bytes_of_text("running")));
    cr_assert(item->numbers[0] > 1500 && item->numbers[0] < 2500, "%d", item->numbers[0]);
    cr_assert_eq(report->last_look, FIRST_DAY + 196);
    cr_assert_eq(item->numbers[3] + item->numbers[4], 196);
}

/* The tag begins after the first look, so the second is the only one that has it. */
Test(report, a_finding_at_one_look_is_watched_without_its_name)
{
    uint64_t state = 9;
    for (int32_t day = 0; day < 60; day++) {
        bool tagged = day > 28 && day % 2 == 0;
        diary_add(diary, FIRST_DAY + day,
            30 + (int32_t)qr_draw_below(&state, 31) + (tagged ? 35 : 0), "x",
            tagged ? "running" : NULL, NULL);
    }
    const struct quire_insight_report *report = report_at(FIRST_DAY + 60);
    cr_assert_null(item_at(report, QUIRE_INSIGHT_TAG_WITH, 0));
    cr_assert_not_null(item_at(report, QUIRE_INSIGHT_WATCHING, 0));
}

Test(report, asking_every_day_between_two_looks_says_the_same)
{
    add_days(196, true);
    const struct quire_insight_report *report = report_at(FIRST_DAY + 196);
    struct quire_insight_item first = *item_at(report, QUIRE_INSIGHT_TAG_WITH, 0);
    for (int32_t day = 197; day < 224; day += 5) {
        diary_add(diary, FIRST_DAY + day - 1, 5, "a bad day", "running", NULL);
        report = report_at(FIRST_DAY + day);
        const struct quire_insight_item *item = item_at(report, QUIRE_INSIGHT_TAG_WITH, 0);
        cr_assert_not_null(item);
        cr_assert_eq(memcmp(item->numbers, first.numbers, sizeof first.numbers), 0);
    }
}

Test(report, equal_moods_are_said_to_be_equal)
{
    for (int32_t day = 0; day < 100; day++) {
        diary_add(diary, FIRST_DAY + day, 50, "the same", day % 3 == 0 ? "tag" : NULL, NULL);
    }
    const struct quire_insight_report *report = report_at(FIRST_DAY + 100);
    cr_assert_not_null(item_at(report, QUIRE_INSIGHT_MOOD_EQUAL, 0));
    cr_assert_null(item_at(report, QUIRE_INSIGHT_TAG_WITH, 0));
}

Test(report, gaps_of_years_and_dates_after_today_are_fine)
{
    diary_add(diary, -400000, 50, "long ago", NULL, NULL);
    diary_add(diary, 0, 50, "1970", NULL, NULL);
    diary_add(diary, FIRST_DAY, 50, "now", NULL, NULL);
    diary_add(diary, FIRST_DAY + 5000, 50, "later", NULL, NULL);
    const struct quire_insight_report *report = report_at(FIRST_DAY);
    cr_assert_eq(report->entries, 3);
    cr_assert_eq(item_at(report, QUIRE_INSIGHT_AFTER_TODAY, 0)->numbers[0], 1);
    cr_assert_eq(report->period_entries, 1);
}

Test(report, picks_are_counted_and_outrank_readings)
{
    for (int32_t day = 0; day < 20; day++) {
        diary_add(diary, FIRST_DAY + day, 50,
            "I am so happy, this is wonderful, thank you so much!", NULL,
            day < 12 ? "happy" : NULL);
    }
    const struct quire_insight_report *report = report_at(FIRST_DAY + 20);
    const struct quire_insight_item *picked = item_at(report, QUIRE_INSIGHT_PICKED, 0);
    const struct quire_insight_item *read = item_at(report, QUIRE_INSIGHT_READ, 0);
    cr_assert(quire_bytes_equal(picked->name, quire_bytes_of_text("happy")));
    cr_assert_eq(picked->numbers[0], 12);
    cr_assert_not_null(read);
    cr_assert(quire_bytes_equal(read->name, quire_bytes_of_text("joy")));
    cr_assert_eq(read->numbers[1], 8); /* passages of the entries without a pick */
}

/* Who picks joy rarely is shown it rarely. */
Test(report, picks_move_the_thresholds)
{
    int32_t told[2];
    for (int round = 0; round < 2; round++) {
        diary->count = diary->text_size = 0;
        for (int32_t day = 0; day < 60; day++) {
            diary_add(diary, FIRST_DAY + day, 50,
                day % 2 == 0 ? "It was nice to see them, good food, and I am glad that we met."
                             : "The meeting was moved to Monday and I wrote the report for it.",
                NULL, round == 1 && day < 30 ? "sad" : NULL);
        }
        const struct quire_insight_report *report = report_at(FIRST_DAY + 59);
        told[round] = 0;
        for (size_t i = 0; i < report->item_count; i++) {
            const struct quire_insight_item *item = &report->items[i];
            bool joy = quire_bytes_equal(item->name, quire_bytes_of_text("joy"));
            told[round] += item->template_id == QUIRE_INSIGHT_READ && joy ? item->numbers[0] : 0;
        }
    }
    cr_assert_gt(told[0], 0);
    cr_assert_lt(told[1], told[0]);
}

Test(report, languages_without_a_model_are_named)
{
    for (int32_t day = 0; day < 5; day++) {
        diary_add(diary, FIRST_DAY + day, 50, "今日は庭に行って、妹と話しました。", NULL, NULL);
    }
    const struct quire_insight_item *item =
        item_at(report_at(FIRST_DAY + 5), QUIRE_INSIGHT_NO_MODEL, 0);
    cr_assert(quire_bytes_equal(item->name, quire_bytes_of_text("ja")));
    cr_assert_eq(item->numbers[0], 5);
}

Test(report, any_bytes_and_a_megabyte_are_a_text)
{
    size_t size = 1 << 20;
    char *text = malloc(size);
    uint64_t state = 3;
    for (int round = 0; round < 4; round++) {
        for (size_t i = 0; i < size; i++) {
            text[i] = round == 0 ? 'a'
                : round == 1     ? (char)qr_draw(&state)
                : round == 2     ? "a b "[i % 4]
                                 : "\xe4\xb8\x80"[i % 3];
        }
        diary->count = 0;
        diary_add(diary, FIRST_DAY, 50, "", NULL, NULL);
        diary->entries[0].text = (struct quire_bytes){(uint8_t *)text, size};
        diary->text_size = size;
        cr_assert_eq(report_at(FIRST_DAY)->period_entries, 1);
    }
    free(text);
}

Test(report, likeness_of_a_theme_is_said_only_if_asked_for)
{
    uint64_t state = 4;
    for (int32_t day = 0; day < 112; day++) {
        bool themed = day >= 84 ? qr_draw_below(&state, 10) < 7 : qr_draw_below(&state, 30) == 0;
        diary_add(diary, FIRST_DAY + day, 50,
            themed ? "The same garden quarrel, and I said the same words." : "Bread.", NULL, NULL);
    }
    struct quire_insight_options options = options_of(FIRST_DAY + 112);
    const struct quire_insight_report *report = report_of(diary, &options, &arena);
    cr_assert_not_null(item_at(report, QUIRE_INSIGHT_THEME_UP, 0));
    cr_assert_null(item_at(report, QUIRE_INSIGHT_REPEATS, 0));
    free(arena);
    options.repetition = true;
    report = report_of(diary, &options, &arena);
    cr_assert_not_null(item_at(report, QUIRE_INSIGHT_REPEATS, 0));
    cr_assert_geq(item_at(report, QUIRE_INSIGHT_REPEATS, 0)->numbers[1], 9900); /* equal texts */
    free(arena);
    for (size_t i = 0; i < diary->count; i++) { /* with rising moods nothing is offered */
        diary->entries[i].mood = (int32_t)i * 100 / 112;
    }
    report = report_of(diary, &options, &arena);
    cr_assert_null(item_at(report, QUIRE_INSIGHT_REPEATS, 0));
}

Test(report, kinds_can_be_left_out)
{
    add_days(200, true);
    struct quire_insight_options options = options_of(FIRST_DAY + 200);
    options.without = QUIRE_INSIGHT_FINDINGS | QUIRE_INSIGHT_THEMES | QUIRE_INSIGHT_READINGS;
    const struct quire_insight_report *report = report_of(diary, &options, &arena);
    for (size_t i = 0; i < report->item_count; i++) {
        cr_assert_leq(report->items[i].template_id, QUIRE_INSIGHT_PICKED);
    }
}

Test(report, arguments_and_arenas_that_do_not_do_are_refused)
{
    struct quire_insight_options options = options_of(FIRST_DAY);
    struct quire_insight *insight;
    const struct quire_insight_report *report;
    struct quire_insight_entry entry = {.date_ms = FIRST_DAY * DAY_MS, .mood = 101};
    size_t size = quire_insight_size(1, 100, 0);
    arena = malloc(size);
    cr_assert_eq(quire_insight_begin(arena, 1000, &options, &insight), QUIRE_ENOMEM);
    options.bundles[1] = options.bundles[2];
    cr_assert_eq(quire_insight_begin(arena, size, &options, &insight), QUIRE_EINVALID);
    options = options_of(FIRST_DAY);
    options.bundles[3].size--;
    cr_assert_eq(quire_insight_begin(arena, size, &options, &insight), QUIRE_EMALFORMED);
    options = options_of(FIRST_DAY);
    cr_assert_eq(quire_insight_begin(arena, size, &options, &insight), QUIRE_OK);
    cr_assert_eq(quire_insight_add(insight, &entry), QUIRE_EINVALID);
    entry.mood = 50;
    cr_assert_eq(quire_insight_add(insight, &entry), QUIRE_OK);
    entry.date_ms -= DAY_MS;
    cr_assert_eq(quire_insight_add(insight, &entry), QUIRE_EINVALID); /* dated before */
    entry.date_ms += DAY_MS;
    enum quire_status status = QUIRE_OK;
    for (int i = 0; i < 100000 && status == QUIRE_OK; i++) {
        status = quire_insight_add(insight, &entry);
    }
    cr_assert_eq(status, QUIRE_ENOMEM); /* more entries than the arena was made for */
    free(arena);
    arena = malloc(size);
    cr_assert_eq(quire_insight_begin(arena, size, &options, &insight), QUIRE_OK);
    cr_assert_eq(quire_insight_finish(insight, &report), QUIRE_OK);
    cr_assert_eq(quire_insight_add(insight, &entry), QUIRE_EINVALID);
}
