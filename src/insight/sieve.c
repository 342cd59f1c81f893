/*
 * The sieve, and p-values by rank.
 */
#include "insight/sieve.h"
#include "insight/number.h"
#include <string.h>

#define UNIT (INT64_C(1) << 20)
#define REFLECTION_MAX (UNIT * 95 / 100)
#define BURN_IN 40

/* a / 2^20, rounded down; a may be negative, so no shift. */
static int64_t unscale(int64_t a)
{
    return a >= 0 ? a / UNIT : -((-a + UNIT - 1) / UNIT);
}

/* A short series looks less persistent than it is: its mean was taken out. */
static void correct_bias(int64_t *covariances, uint32_t n)
{
    int64_t sum = covariances[0];
    for (uint32_t lag = 1; lag <= QR_ORDER_MAX; lag++) {
        sum += 2 * covariances[lag] * (int64_t)(n - lag) / n;
    }
    int64_t floor = covariances[0] / 5;
    int64_t variance = sum > floor ? sum : floor; /* n times that of the mean */
    for (uint32_t lag = 0; lag < QR_LAGS; lag++) {
        covariances[lag] = covariances[lag] * n / (int64_t)(n - lag) + variance / n;
    }
}

/* Levinson; keeps the order with the least final prediction error. Returns that order's error. */
static int64_t fit_order(struct qr_sieve *sieve, uint32_t n, uint32_t order_max)
{
    int64_t a[QR_ORDER_MAX] = {0}, before[QR_ORDER_MAX];
    int64_t error = sieve->covariances[0], kept_error = error;
    int64_t least = error * (n + 1) / (n - 1);
    sieve->order = 0;
    for (uint32_t m = 1; m <= order_max; m++) {
        int64_t sum = sieve->covariances[m] * UNIT;
        for (uint32_t j = 1; j < m; j++) {
            sum -= a[j - 1] * sieve->covariances[m - j];
        }
        int64_t reflection = error == 0 ? 0 : sum / error;
        reflection = reflection > REFLECTION_MAX ? REFLECTION_MAX
            : reflection < -REFLECTION_MAX       ? -REFLECTION_MAX
                                                 : reflection;
        memcpy(before, a, sizeof before);
        for (uint32_t j = 1; j < m; j++) {
            a[j - 1] = before[j - 1] - unscale(reflection * before[m - j - 1]);
        }
        a[m - 1] = reflection;
        error = unscale(error * (UNIT - unscale(reflection * reflection)));
        int64_t predicted = error * (n + m + 1) / (n - m - 1);
        if (predicted < least) {
            least = predicted;
            kept_error = error;
            sieve->order = m;
            memcpy(sieve->coefficients, a, sizeof a);
        }
    }
    return kept_error;
}

bool qr_sieve_fit(struct qr_sieve *sieve, const int64_t *values, uint32_t n, uint32_t order_max)
{
    memset(sieve, 0, sizeof *sieve);
    if (n < 2 * QR_LAGS) {
        return false;
    }
    for (uint32_t lag = 0; lag < QR_LAGS; lag++) {
        for (uint32_t i = 0; i + lag < n; i++) {
            sieve->covariances[lag] += values[i] * values[i + lag];
        }
        sieve->covariances[lag] /= n;
    }
    if (sieve->covariances[0] == 0) {
        return false;
    }
    correct_bias(sieve->covariances, n);
    int64_t error = fit_order(sieve, n, order_max), mean = 0, variance = 0;
    uint32_t p = sieve->order, count = n - p;
    for (uint32_t i = p; i < n; i++) {
        int64_t predicted = 0;
        for (uint32_t k = 0; k < p; k++) {
            predicted += sieve->coefficients[k] * values[i - k - 1];
        }
        sieve->residuals[i - p] = values[i] - unscale(predicted);
        mean += sieve->residuals[i - p];
    }
    mean = qr_divide(mean, count);
    for (uint32_t i = 0; i < count; i++) {
        sieve->residuals[i] -= mean;
        variance += sieve->residuals[i] * sieve->residuals[i] / count;
    }
    if (variance == 0) {
        return false;
    }
    uint64_t ratio = (uint64_t)(error * 256 / variance); /* Q8, and its root Q16 */
    int64_t factor = (int64_t)qr_root(ratio << 24);
    for (uint32_t i = 0; i < count; i++) {
        sieve->residuals[i] = qr_divide(sieve->residuals[i] * factor, 1 << 16);
    }
    sieve->residual_count = count;
    return true;
}

void qr_sieve_draw(const struct qr_sieve *sieve, uint64_t *state, int64_t *out_values, uint32_t n)
{
    int64_t past[QR_ORDER_MAX] = {0}, sum = 0;
    for (uint32_t i = 0; i < BURN_IN + n; i++) {
        int64_t value = 0;
        for (uint32_t k = 0; k < sieve->order; k++) {
            value += sieve->coefficients[k] * past[k];
        }
        value = unscale(value) + sieve->residuals[qr_draw_below(state, sieve->residual_count)];
        for (uint32_t k = QR_ORDER_MAX - 1; k > 0; k--) {
            past[k] = past[k - 1];
        }
        past[0] = value;
        if (i >= BURN_IN) {
            out_values[i - BURN_IN] = value;
            sum += value;
        }
    }
    int64_t mean = qr_divide(sum, n);
    for (uint32_t i = 0; i < n; i++) {
        out_values[i] -= mean;
    }
}

/* How many of the sorted values are at least `value`. */
static uint16_t count_from(const int64_t *sorted, uint32_t count, int64_t value)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (sorted[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (uint16_t)(count - low);
}

static void sort_column(struct qr_draws *draws, uint32_t statistic, uint32_t first)
{
    for (uint32_t row = first; row <= QR_DRAWS; row++) {
        draws->column[row - first] = draws->rows[row][statistic];
    }
    qr_sort_numbers(draws->column, QR_DRAWS + 1 - first);
}

void qr_draws_adjust(struct qr_draws *draws, uint32_t out_adjusted[QR_STATISTICS_MAX])
{
    uint32_t order[QR_STATISTICS_MAX];
    for (uint32_t j = 0; j < draws->count; j++) {
        sort_column(draws, j, 0);
        for (uint32_t row = 0; row <= QR_DRAWS; row++) {
            draws->ranks[row][j] = count_from(draws->column, QR_DRAWS + 1, draws->rows[row][j]);
        }
        uint32_t at = j;
        for (; at > 0 && draws->ranks[0][order[at - 1]] > draws->ranks[0][j]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = j;
    }
    uint32_t greatest = 0;
    uint16_t *least = (uint16_t *)(void *)draws->column; /* of each row, over what is left */
    memset(draws->column, 0xff, sizeof draws->column);
    for (uint32_t i = draws->count; i > 0; i--) {
        uint32_t j = order[i - 1], as_extreme = 0;
        for (uint32_t row = 0; row <= QR_DRAWS; row++) {
            least[row] = draws->ranks[row][j] < least[row] ? draws->ranks[row][j] : least[row];
            as_extreme += least[row] <= draws->ranks[0][j];
        }
        out_adjusted[j] = as_extreme;
    }
    for (uint32_t i = 0; i < draws->count; i++) {
        uint32_t j = order[i];
        greatest = out_adjusted[j] > greatest ? out_adjusted[j] : greatest;
        out_adjusted[j] = greatest;
    }
}

int64_t qr_draws_quantile(struct qr_draws *draws, uint32_t statistic, uint32_t share)
{
    sort_column(draws, statistic, 1);
    return draws->column[(uint32_t)(QR_DRAWS - 1) * share / 1000];
}
