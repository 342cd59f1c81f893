#include "insight/findings.h"
#include "insight/number.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct qr_days days;
static struct qr_factor factor;
static struct qr_finding findings[QR_FINDINGS_MAX];

static uint32_t look(void)
{
    struct qr_findings_work *work = malloc(sizeof *work);
    uint32_t count = qr_findings_look(work, &days, &factor, 1, findings);
    free(work);
    return count;
}

/* n days of noise around 50; the rest is the test's. */
static void draw(uint32_t n, uint64_t state)
{
    memset(&factor, 0, sizeof factor);
    days.n = n;
    for (uint32_t i = 0; i < n; i++) {
        days.days[i] = 20000 + (int32_t)i;
        days.moods[i] = 3000 + 100 * (int32_t)qr_draw_below(&state, 41);
        factor.present[i] = qr_draw_below(&state, 4) == 0;
        factor.count += factor.present[i];
    }
}

Test(findings, a_planted_factor_is_found_with_its_size)
{
    draw(180, 3);
    for (uint32_t i = 0; i < days.n; i++) {
        days.moods[i] += factor.present[i] ? 1500 : 0;
    }
    cr_assert_eq(look(), 1);
    cr_assert_eq(findings[0].kind, QR_FINDING_FACTOR);
    cr_assert(findings[0].effect > 1000 && findings[0].effect < 2000, "%d", findings[0].effect);
    cr_assert(findings[0].low < 1500 && findings[0].high > 1500);
    cr_assert_eq(findings[0].with, factor.count);
    cr_assert_leq(findings[0].chance, 300);
}

Test(findings, a_planted_change_is_found_at_its_day)
{
    draw(180, 4);
    for (uint32_t i = 100; i < days.n; i++) {
        days.moods[i] += 2000;
    }
    cr_assert_eq(look(), 1);
    cr_assert_eq(findings[0].kind, QR_FINDING_CHANGE);
    cr_assert(findings[0].which >= 20095 && findings[0].which <= 20105, "%d", findings[0].which);
    cr_assert(findings[0].from <= findings[0].which && findings[0].to >= findings[0].which);
    cr_assert(findings[0].low < 2000 && findings[0].high > 2000);
}

Test(findings, planted_mondays_are_found)
{
    draw(180, 5);
    for (uint32_t i = 0; i < days.n; i++) {
        days.moods[i] -= (days.days[i] + 3) % 7 == 0 ? 1500 : 0;
    }
    cr_assert_geq(look(), 1);
    cr_assert_eq(findings[0].kind, QR_FINDING_WEEKDAY);
    cr_assert_eq(findings[0].which, 0);
    cr_assert_lt(findings[0].effect, -800);
}

Test(findings, little_or_equal_or_extreme_data_finds_nothing)
{
    draw(27, 6);
    cr_assert_eq(look(), 0);
    draw(200, 6);
    for (uint32_t i = 0; i < days.n; i++) {
        days.moods[i] = 5000;
    }
    cr_assert_eq(look(), 0);
    for (uint32_t i = 0; i < days.n; i++) { /* one day differs */
        days.moods[i] = i == 100 ? 10000 : 0;
    }
    cr_assert_eq(look(), 0);
    days.n = 0;
    cr_assert_eq(look(), 0);
}

/* The largest numbers that a diary can give: nothing overflows (the sanitizers watch). */
Test(findings, moods_of_0_and_100_stay_within_64_bits)
{
    draw(QR_DAYS_MAX, 7);
    for (uint32_t i = 0; i < days.n; i++) {
        days.moods[i] = i < days.n / 2 ? 0 : 10000;
    }
    cr_assert_geq(look(), 1);
    cr_assert_eq(findings[0].kind, QR_FINDING_CHANGE);
    for (uint32_t i = 0; i < days.n; i++) {
        days.moods[i] = i % 2 == 0 ? 0 : 10000;
    }
    (void)look();
    for (uint32_t i = 0; i < days.n; i++) { /* gaps of years between the days */
        days.days[i] = (int32_t)i * 1000;
    }
    (void)look();
}

/* With a budget of 4.5 % for moods; two standard errors above it for 60 diaries. */
Test(findings, diaries_of_noise_are_rarely_said_anything_of)
{
    uint32_t said = 0;
    for (uint64_t seed = 100; seed < 160; seed++) {
        draw(120, qr_mix(seed));
        said += look() > 0;
    }
    cr_assert_leq(said, 6);
}

Test(findings, the_same_at_two_looks_holds)
{
    struct qr_finding a = {.kind = QR_FINDING_CHANGE, .which = 100, .effect = 900}, b = a;
    b.which = 114;
    cr_assert(qr_finding_holds(&a, &b));
    b.which = 115;
    cr_assert_not(qr_finding_holds(&a, &b));
    b.which = 100;
    b.effect = -900;
    cr_assert_not(qr_finding_holds(&a, &b));
    b = a;
    b.kind = QR_FINDING_SLOPE;
    cr_assert_not(qr_finding_holds(&a, &b));
}

/* Ranks by hand: 3 statistics, the second far out. */
Test(draws, adjusted_chances_count_rows_as_extreme)
{
    struct qr_draws *draws = calloc(1, sizeof *draws);
    uint32_t adjusted[QR_STATISTICS_MAX];
    uint64_t state = 1;
    draws->count = 3;
    for (int row = 0; row <= QR_DRAWS; row++) {
        for (int j = 0; j < 3; j++) {
            draws->rows[row][j] = qr_draw_below(&state, 1000000);
        }
    }
    draws->rows[0][1] = 2000000;
    draws->rows[0][2] = 0;
    qr_draws_adjust(draws, adjusted);
    cr_assert(
        adjusted[1] >= 1 && adjusted[1] <= 8, "%u", adjusted[1]); /* rows tie in rank 1 of others */
    cr_assert_eq(adjusted[2], QR_DRAWS + 1);
    cr_assert_geq(adjusted[0], adjusted[1]);
    free(draws);
}
