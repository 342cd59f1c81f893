/*
 * Change, slope, factors and weekdays, in two stages.
 */
#include "insight/findings.h"
#include "insight/number.h"
#include <string.h>

#define HALF_POINT (QR_VALUES_PER_POINT / 2)
#define EFFECT_MIN (3 * QR_VALUES_PER_POINT)
#define WEEKDAY_MEAN_MIN 4
#define CHANGE_EDGE_MIN 10
#define SAME_CHANGE_DAYS 14
#define WEEKEND 7
#define HUNDREDTH (QR_VALUES_PER_POINT / 100)

void qr_findings_centre(const struct qr_days *days, int64_t *out_values)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < days->n; i++) {
        out_values[i] = (int64_t)HUNDREDTH * days->moods[i];
        sum += out_values[i];
    }
    int64_t mean = days->n == 0 ? 0 : qr_divide(sum, days->n);
    for (uint32_t i = 0; i < days->n; i++) {
        out_values[i] -= mean;
    }
}

/* 1970-01-01 was a Thursday; 0 is Monday. */
static uint8_t weekday_of(int32_t day)
{
    int32_t weekday = (day + 3) % 7;
    return (uint8_t)(weekday < 0 ? weekday + 7 : weekday);
}

/* Takes the means of the weekdays out, where each has enough days. */
static void adjust(const uint8_t *weekdays, uint32_t n, int64_t *values)
{
    int64_t sums[7] = {0};
    uint32_t counts[7] = {0};
    for (uint32_t i = 0; i < n; i++) {
        sums[weekdays[i]] += values[i];
        counts[weekdays[i]]++;
    }
    for (int weekday = 0; weekday < 7; weekday++) {
        if (counts[weekday] < WEEKDAY_MEAN_MIN) {
            return;
        }
        sums[weekday] = qr_divide(sums[weekday], counts[weekday]);
    }
    for (uint32_t i = 0; i < n; i++) {
        values[i] -= sums[weekdays[i]];
    }
}

/* ---- change ----------------------------------------------------------------------------------- */

static uint32_t edge_of(uint32_t n)
{
    return n / 8 > CHANGE_EDGE_MIN ? n / 8 : CHANGE_EDGE_MIN;
}

/*
 * k² · Σ_{t≤k} (S_t − t/k · S_k)² for each k, over k²: from the sums of S_t² and t·S_t. `backwards`
 * reads the values from the end. Half points keep it within 64 bits for 364 days.
 */
static void spreads(
    const int64_t *values, uint32_t n, bool backwards, int64_t *out_sums, int64_t *out_spreads)
{
    int64_t sum = 0, squares = 0, moments = 0, numbers = 0;
    for (uint32_t k = 1; k <= n; k++) {
        sum += qr_divide(values[backwards ? n - k : k - 1], HALF_POINT);
        squares += sum * sum;
        moments += k * sum;
        numbers += (int64_t)k * k;
        int64_t all =
            (int64_t)k * k * squares - 2 * (int64_t)k * sum * moments + sum * sum * numbers;
        out_sums[k] = sum;
        out_spreads[k] = all / ((int64_t)k * k);
    }
}

/* The greatest D²/V, times 256. out_place: the index at which the second part most likely begins. */
static int64_t change_statistic(
    struct qr_findings_work *work, const int64_t *values, uint32_t n, uint32_t *out_place)
{
    int64_t greatest = -1, weighted = -1;
    uint32_t edge = edge_of(n);
    spreads(values, n, false, work->sums[0], work->sums[1]);
    spreads(values, n, true, work->sums[2], work->sums[3]);
    for (uint32_t k = edge; k + edge <= n; k++) {
        int64_t d = (int64_t)n * work->sums[0][k] - (int64_t)k * work->sums[0][n];
        int64_t value = 256 * d * d / (work->sums[1][k] + work->sums[3][n - k] + 1);
        int64_t weight = d * d / ((int64_t)k * (n - k));
        greatest = value > greatest ? value : greatest;
        if (weight > weighted) {
            weighted = weight;
            *out_place = k;
        }
    }
    return greatest;
}

static int64_t mean_of(const int64_t *values, uint32_t begin, uint32_t end)
{
    int64_t sum = 0;
    for (uint32_t i = begin; i < end; i++) {
        sum += values[i];
    }
    return qr_divide(sum, end - begin);
}

static int64_t step_at(const int64_t *values, uint32_t n, uint32_t place)
{
    return mean_of(values, place, n) - mean_of(values, 0, place);
}

/* ---- slope ------------------------------------------------------------------------------------ */

/* Σ (day − mean day)·x; the days are doubled, so that their centre is nearly whole. */
static int64_t slope_sum(const struct qr_days *days, const int64_t *values, int64_t *out_squares)
{
    int64_t mean = 0, sum = 0, squares = 0;
    for (uint32_t i = 0; i < days->n; i++) {
        mean += days->days[i] - days->days[0];
    }
    mean = qr_divide(2 * mean, days->n);
    for (uint32_t i = 0; i < days->n; i++) {
        int64_t day = 2 * (int64_t)(days->days[i] - days->days[0]) - mean;
        sum += day * values[i];
        squares += day * day;
    }
    *out_squares = squares;
    return sum;
}

/* ---- what is said ----------------------------------------------------------------------------- */

static int32_t hundredths(int64_t value)
{
    return (int32_t)qr_divide(value, HUNDREDTH);
}

static bool is_large(const struct qr_sieve *sieve, int64_t effect)
{
    int64_t size = effect < 0 ? -effect : effect;
    int64_t quarter = (int64_t)qr_root((uint64_t)sieve->covariances[0]) / 4;
    return size >= EFFECT_MIN && size >= quarter;
}

static void say(struct qr_finding *finding, enum qr_finding_kind kind, int32_t which,
    int64_t effect, int64_t half_width, uint32_t adjusted)
{
    *finding = (struct qr_finding){.kind = kind,
        .which = which,
        .effect = hundredths(effect),
        .low = hundredths(effect - half_width),
        .high = hundredths(effect + half_width),
        .chance = (adjusted * 10000 + QR_DRAWS) / (QR_DRAWS + 1)};
}

static bool within(uint32_t adjusted, uint32_t budget)
{
    return adjusted * 1000 <= budget * (QR_DRAWS + 1);
}

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

/* Stage 1. Returns how many findings; out_place: where the level changed, 0 nowhere. */
static uint32_t look_for_change(struct qr_findings_work *work, const struct qr_days *days,
    struct qr_finding *out_findings, uint32_t *out_place)
{
    uint32_t n = days->n, place = 0, ignored, adjusted[QR_STATISTICS_MAX];
    uint64_t state = UINT64_C(0x717569726531);
    int64_t squares;
    *out_place = 0;
    if (n < QR_CHANGE_DAYS_MIN || !qr_sieve_fit(&work->sieve, work->adjusted, n, 3)) {
        return 0;
    }
    struct qr_draws *draws = &work->draws;
    draws->count = 2;
    draws->rows[0][0] = change_statistic(work, work->adjusted, n, &place);
    int64_t slope = slope_sum(days, work->adjusted, &squares);
    draws->rows[0][1] = size_of(slope);
    for (uint32_t b = 1; b <= QR_DRAWS; b++) {
        qr_sieve_draw(&work->sieve, &state, work->drawn, n);
        adjust(work->weekdays, n, work->drawn);
        draws->rows[b][0] = change_statistic(work, work->drawn, n, &ignored);
        draws->rows[b][1] = size_of(slope_sum(days, work->drawn, &squares));
    }
    qr_draws_adjust(draws, adjusted);
    int64_t step = step_at(work->adjusted, n, place);
    if (within(adjusted[0], QR_BUDGET_CHANGE) && is_large(&work->sieve, step)) {
        say(out_findings, QR_FINDING_CHANGE, days->days[place], step, 0, adjusted[0]);
        out_findings->with = n - place;
        out_findings->without = place;
        *out_place = place;
        return 1;
    }
    int32_t span = days->days[n - 1] - days->days[0];
    int64_t daily = squares == 0 ? 0 : 2 * slope; /* the days were doubled */
    int64_t over_span = squares == 0 ? 0 : qr_divide(daily * span, squares);
    if (within(adjusted[1], QR_BUDGET_CHANGE) && is_large(&work->sieve, over_span)) {
        int64_t width = qr_draws_quantile(draws, 1, 950);
        say(out_findings, QR_FINDING_SLOPE, 0, qr_divide(daily * 30, squares),
            qr_divide(2 * width * 30, squares), adjusted[1]);
        out_findings->with = n;
        return 1;
    }
    return 0;
}

/* How sure the change's size and place are: from series with and without the same step. */
static void note_change(
    struct qr_findings_work *work, uint32_t n, uint32_t place, int64_t step, uint32_t draw)
{
    uint32_t found = place;
    work->draws.rows[draw][QR_STATISTICS_MAX - 1] = size_of(step_at(work->drawn, n, place));
    for (uint32_t i = place; i < n; i++) {
        work->drawn[i] += step;
    }
    (void)change_statistic(work, work->drawn, n, &found);
    for (uint32_t i = place; i < n; i++) {
        work->drawn[i] -= step;
    }
    work->places[draw - 1] = found;
}

struct test {
    enum qr_finding_kind kind;
    int32_t which;
    uint32_t with;
    const uint8_t *present; /* of a factor; NULL: a weekday */
    const uint16_t *days;   /* the indexes of the days with it */
};

static bool has(const struct test *test, const uint8_t *weekdays, uint32_t i)
{
    return test->present != NULL ? test->present[i] != 0
        : test->which == WEEKEND ? weekdays[i] >= 5
                                 : weekdays[i] == test->which;
}

/* n·S₁ − n₁·S of each test of one sort. */
static void contrasts(const struct test *tests, uint32_t count, bool weekday, const int64_t *values,
    uint32_t n, int64_t *out_row)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
    }
    for (uint32_t j = 0; j < count; j++) {
        if ((tests[j].kind == QR_FINDING_WEEKDAY) == weekday) {
            int64_t with = 0;
            for (uint32_t i = 0; i < tests[j].with; i++) {
                with += values[tests[j].days[i]];
            }
            out_row[j] = n * with - tests[j].with * sum;
        }
    }
}

static uint32_t list_tests(struct qr_findings_work *work, const struct qr_days *days,
    const struct qr_factor *factors, uint32_t factor_count, struct test *tests)
{
    uint32_t n = days->n, count = 0, weekday_days[8] = {0};
    for (uint32_t j = 0; j < factor_count && count < QR_FACTORS_MAX; j++) {
        if (factors[j].count >= QR_FACTOR_DAYS_MIN && n - factors[j].count >= QR_FACTOR_DAYS_MIN) {
            tests[count++] = (struct test){QR_FINDING_FACTOR, (int32_t)factors[j].id,
                factors[j].count, factors[j].present, NULL};
        }
    }
    bool each = n >= QR_WEEKDAY_DAYS_MIN;
    for (uint32_t i = 0; i < n; i++) {
        weekday_days[work->weekdays[i]]++;
        weekday_days[WEEKEND] += work->weekdays[i] >= 5;
    }
    for (int weekday = 0; weekday < 7; weekday++) {
        each &= weekday_days[weekday] >= QR_WEEKDAY_EACH_MIN;
    }
    for (int weekday = 0; weekday <= WEEKEND && each; weekday++) {
        tests[count++] =
            (struct test){QR_FINDING_WEEKDAY, weekday, weekday_days[weekday], NULL, NULL};
    }
    for (uint32_t j = 0; j < count; j++) {
        uint32_t with = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (has(&tests[j], work->weekdays, i)) {
                work->members[j][with++] = (uint16_t)i;
            }
        }
        tests[j].with = with;
        tests[j].days = work->members[j];
    }
    return count;
}

static void without_step(int64_t *values, uint32_t n, uint32_t place)
{
    if (place > 0) {
        int64_t before = mean_of(values, 0, place), after = mean_of(values, place, n);
        for (uint32_t i = 0; i < n; i++) {
            values[i] -= i < place ? before : after;
        }
    }
}

/* Stage 2; also the intervals of stage 1's change. */
static uint32_t look_for_factors(struct qr_findings_work *work, const struct qr_days *days,
    const struct qr_factor *factors, uint32_t factor_count, uint32_t place,
    struct qr_finding *change, struct qr_finding *out_findings)
{
    struct test tests[QR_STATISTICS_MAX];
    uint32_t n = days->n, adjusted[QR_STATISTICS_MAX], found = 0;
    uint32_t count = list_tests(work, days, factors, factor_count, tests);
    int64_t seen[QR_STATISTICS_MAX], step = place > 0 ? step_at(work->adjusted, n, place) : 0;
    uint64_t state = UINT64_C(0x717569726531);
    without_step(work->x, n, place);
    memcpy(work->series, work->x, n * sizeof *work->x);
    adjust(work->weekdays, n, work->series);
    if (!qr_sieve_fit(&work->sieve, work->series, n, QR_ORDER_MAX)) {
        return 0;
    }
    struct qr_draws *draws = &work->draws;
    draws->count = count;
    contrasts(tests, count, false, work->series, n, seen);
    contrasts(tests, count, true, work->x, n, seen);
    for (uint32_t j = 0; j < count; j++) {
        draws->rows[0][j] = size_of(seen[j]);
    }
    for (uint32_t b = 1; b <= QR_DRAWS && (count > 0 || place > 0); b++) {
        qr_sieve_draw(&work->sieve, &state, work->drawn, n);
        contrasts(tests, count, true, work->drawn, n, draws->rows[b]);
        adjust(work->weekdays, n, work->drawn);
        contrasts(tests, count, false, work->drawn, n, draws->rows[b]);
        for (uint32_t j = 0; j < count; j++) {
            draws->rows[b][j] = size_of(draws->rows[b][j]);
        }
        if (place > 0) {
            note_change(work, n, place, step, b);
        }
    }
    if (place > 0) {
        int64_t width = qr_draws_quantile(draws, QR_STATISTICS_MAX - 1, 950);
        change->low = hundredths(step - width);
        change->high = hundredths(step + width);
        qr_sort_numbers(work->places, QR_DRAWS);
        change->from = days->days[work->places[QR_DRAWS / 20]];
        change->to = days->days[work->places[QR_DRAWS - 1 - QR_DRAWS / 20]];
    }
    qr_draws_adjust(draws, adjusted);
    for (uint32_t j = 0; j < count; j++) {
        int64_t area = (int64_t)tests[j].with * (n - tests[j].with);
        int64_t effect = qr_divide(seen[j], area);
        if (within(adjusted[j], QR_BUDGET_FACTORS) && is_large(&work->sieve, effect)) {
            int64_t width = qr_divide(qr_draws_quantile(draws, j, 950), area);
            say(&out_findings[found], tests[j].kind, tests[j].which, effect, width, adjusted[j]);
            out_findings[found].with = tests[j].with;
            out_findings[found++].without = n - tests[j].with;
        }
    }
    return found;
}

uint32_t qr_findings_look(struct qr_findings_work *work, const struct qr_days *days,
    const struct qr_factor *factors, uint32_t factor_count, struct qr_finding *out_findings)
{
    uint32_t place = 0;
    if (days->n < QR_FINDING_DAYS_MIN) {
        return 0;
    }
    qr_findings_centre(days, work->x);
    for (uint32_t i = 0; i < days->n; i++) {
        work->weekdays[i] = weekday_of(days->days[i]);
    }
    memcpy(work->adjusted, work->x, days->n * sizeof *work->x);
    adjust(work->weekdays, days->n, work->adjusted);
    uint32_t found = look_for_change(work, days, out_findings, &place);
    return found
        + look_for_factors(
            work, days, factors, factor_count, place, out_findings, out_findings + found);
}

bool qr_finding_holds(const struct qr_finding *before, const struct qr_finding *now)
{
    if (before->kind != now->kind || (before->effect < 0) != (now->effect < 0)) {
        return false;
    }
    int32_t apart = before->which - now->which;
    return now->kind == QR_FINDING_CHANGE ? apart <= SAME_CHANGE_DAYS && apart >= -SAME_CHANGE_DAYS
                                          : apart == 0;
}

int32_t qr_findings_band(const struct qr_sieve *sieve, uint32_t count)
{
    int64_t variance = 0;
    if (count == 0 || count > QR_LAGS) {
        return 0;
    }
    for (uint32_t lag = 0; lag < count; lag++) {
        variance += (lag == 0 ? 1 : 2) * (int64_t)(count - lag) * sieve->covariances[lag];
    }
    variance = variance / ((int64_t)count * count);
    return variance <= 0 ? 0 : hundredths(196 * (int64_t)qr_root((uint64_t)variance) / 100);
}
