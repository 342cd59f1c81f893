/*
 * Thresholds and probabilities from held-out logits, and figures with intervals.
 */
#include "train.h"
#include <stdlib.h>
#include <string.h>

#define SHOWN_MIN 15 /* fewer shown texts say nothing about precision */
#define BIN_MIN 10
#define RESAMPLES 1000

struct ranked {
    int32_t logit;
    bool positive, second;
};

static int greatest_first(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return a->logit != b->logit  ? (a->logit < b->logit ? 1 : -1)
        : a->second != b->second ? (int)a->second - (int)b->second
                                 : (int)a->positive - (int)b->positive;
}

static size_t rank(const struct samples *samples, const int32_t *logits, uint32_t outputs,
    uint32_t k, bool second, struct ranked *out)
{
    for (size_t i = 0; i < samples->count; i++) {
        out[i] = (struct ranked){logits[i * outputs + k], samples->rows[i].labels >> k & 1, second};
    }
    return samples->count;
}

static int32_t best_threshold(const struct ranked *rows, size_t count)
{
    double positives = 0, found = 0, best = -1;
    int32_t threshold = QR_BUNDLE_NEVER;
    for (size_t i = 0; i < count; i++) {
        positives += rows[i].positive;
    }
    for (size_t i = 0; i < count; i++) {
        found += rows[i].positive;
        double f1 = 2 * found / ((double)(i + 1) + positives);
        if ((i + 1 == count || rows[i + 1].logit != rows[i].logit) && f1 > best) {
            best = f1;
            threshold = rows[i].logit - 1;
        }
    }
    return threshold;
}

/* The least threshold with enough precision in each kind of text that is among the rows. */
static int32_t show_threshold(const struct ranked *rows, size_t count, double target, bool both)
{
    double shown[2] = {0}, right[2] = {0};
    int32_t threshold = QR_BUNDLE_NEVER;
    for (size_t i = 0; i < count; i++) {
        shown[rows[i].second]++;
        right[rows[i].second] += rows[i].positive;
        bool last = i + 1 == count || rows[i + 1].logit != rows[i].logit;
        bool precise = shown[0] >= SHOWN_MIN && right[0] >= target * shown[0];
        precise &= !both || (shown[1] >= SHOWN_MIN && right[1] >= target * shown[1]);
        threshold = last && precise ? rows[i].logit - 1 : threshold;
    }
    return threshold;
}

/* Rates in bins that get smaller upwards, made to ascend by pooling neighbours (PAV). */
static void fit_knots(struct ranked *rows, size_t count, struct qr_label *label)
{
    struct bin {
        double count, positives, logits;
    } bins[QR_BUNDLE_KNOTS_MAX];
    size_t bin_count = 0, left = count;
    while (left > 0) {
        size_t take = left * 14 / 100;
        take = take < BIN_MIN ? BIN_MIN : take;
        take = bin_count == QR_BUNDLE_KNOTS_MAX - 1 || left < take + BIN_MIN ? left : take;
        struct bin bin = {0};
        for (size_t i = 0; i < take; i++) { /* rows are the greatest first */
            const struct ranked *row = &rows[left - 1 - i];
            bin.count++;
            bin.positives += row->positive;
            bin.logits += row->logit;
        }
        left -= take;
        bins[bin_count++] = bin;
        while (bin_count > 1
            && (bins[bin_count - 2].positives * bins[bin_count - 1].count
                    > bins[bin_count - 1].positives * bins[bin_count - 2].count
                || (int64_t)(bins[bin_count - 2].logits / bins[bin_count - 2].count)
                    >= (int64_t)(bins[bin_count - 1].logits / bins[bin_count - 1].count))) {
            bins[bin_count - 2].count += bins[bin_count - 1].count;
            bins[bin_count - 2].positives += bins[bin_count - 1].positives;
            bins[bin_count - 2].logits += bins[bin_count - 1].logits;
            bin_count--;
        }
    }
    label->knots = bin_count < 2 ? 0 : (uint32_t)bin_count;
    for (size_t i = 0; i < label->knots; i++) {
        label->logits[i] = (int32_t)(bins[i].logits / bins[i].count);
        label->probabilities[i] = (int32_t)(bins[i].positives / bins[i].count * 10000 + .5);
    }
}

void calibrate(const struct recipe *recipe, const struct samples *samples, const int32_t *logits,
    const struct samples *second, const int32_t *second_logits, struct qr_label *labels)
{
    uint32_t outputs = name_count(recipe);
    size_t more = second == NULL ? 0 : second->count;
    struct ranked *rows = must((samples->count + more) * sizeof *rows);
    for (uint32_t k = 0; k < outputs; k++) {
        struct qr_label *label = &labels[k];
        size_t count = rank(samples, logits, outputs, k, false, rows);
        qsort(rows, count, sizeof *rows, greatest_first);
        fit_knots(rows, count, label);
        label->best = best_threshold(rows, count);
        label->show = show_threshold(rows, count, recipe->target, false);
        label->flags = k >= recipe->main_count ? QR_BUNDLE_FINER : 0;
        if (strcmp(recipe->names[k], "neutral") == 0) {
            label->flags |= QR_BUNDLE_NEUTRAL;
            label->show = QR_BUNDLE_NEVER;
        }
        size_t shown = 0, positives = 0;
        for (size_t i = 0; i < more; i++) {
            shown += second_logits[i * outputs + k] > label->show;
            positives += second->rows[i].labels >> k & 1;
        }
        if (positives == 0 || shown < SHOWN_MIN) {
            label->flags |= QR_BUNDLE_ONE_KIND;
            if (more > 0
                && label->show != QR_BUNDLE_NEVER) { /* untested in the second: asks for more */
                label->show = show_threshold(rows, count, recipe->target + .05, false);
            }
        } else if (label->show != QR_BUNDLE_NEVER) {
            count += rank(second, second_logits, outputs, k, true, rows + count);
            qsort(rows, count, sizeof *rows, greatest_first);
            label->show = show_threshold(rows, count, recipe->target, true);
        }
    }
    free(rows);
}

int32_t *score(const struct qr_bundle *bundle, const struct samples *samples)
{
    struct qr_features *features = must(sizeof *features);
    int32_t *logits = must((samples->count + 1) * bundle->outputs * sizeof *logits);
    for (size_t i = 0; i < samples->count; i++) {
        struct qr_reading reading;
        qr_features_clear(features);
        qr_features_add(features, bundle->language, samples->rows[i].text);
        qr_model_score(bundle, features, &reading);
        memcpy(logits + i * bundle->outputs, reading.logits, bundle->outputs * sizeof *logits);
    }
    free(features);
    return logits;
}

/* For languages: the share of texts whose greatest logit is the right one. */
static double accuracy(const struct samples *samples, const int32_t *logits, uint32_t outputs)
{
    double right = 0;
    for (size_t i = 0; i < samples->count; i++) {
        uint32_t best = 0;
        for (uint32_t k = 1; k < outputs; k++) {
            best = logits[i * outputs + k] > logits[i * outputs + best] ? k : best;
        }
        right += samples->rows[i].labels >> best & 1;
    }
    return samples->count == 0 ? 0 : right / (double)samples->count;
}

static int ascending(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

static double macro(const double *hits, const double *wrong, const double *missed, uint32_t count)
{
    double sum = 0;
    for (uint32_t k = 0; k < count; k++) {
        double all = 2 * hits[k] + wrong[k] + missed[k];
        sum += all == 0 ? 0 : 2 * hits[k] / all;
    }
    return sum / count;
}

/* 0: nothing, 1: hit, 2: wrong, 3: missed; a byte for each text and main label. */
static void bootstrap(const uint8_t *outcomes, size_t texts, uint32_t count, struct figures *out)
{
    double values[RESAMPLES];
    uint64_t state = 1;
    int resamples = texts > 20000 ? RESAMPLES / 5 : RESAMPLES;
    for (int b = -1; b < resamples; b++) {
        double sums[4][NAMES_MAX] = {{0}};
        for (size_t i = 0; i < texts; i++) {
            size_t row = b < 0 ? i : qr_draw_below(&state, (uint32_t)texts);
            for (uint32_t k = 0; k < count; k++) {
                sums[outcomes[row * count + k]][k]++;
            }
        }
        double value = macro(sums[1], sums[2], sums[3], count);
        if (b < 0) {
            out->f1 = value;
            for (uint32_t k = 0; k < count; k++) {
                out->labels[k].f1 = macro(&sums[1][k], &sums[2][k], &sums[3][k], 1);
            }
        } else {
            values[b] = value;
        }
    }
    qsort(values, (size_t)resamples, sizeof *values, ascending);
    out->low = values[resamples / 40];
    out->high = values[resamples - 1 - resamples / 40];
}

void measure(const struct recipe *recipe, const struct qr_label *labels,
    const struct samples *samples, const int32_t *logits, struct figures *out)
{
    uint32_t outputs = name_count(recipe), mains = recipe->main_count;
    memset(out, 0, sizeof *out);
    out->texts = samples->count;
    if (recipe->purpose == QR_BUNDLE_LANGUAGES || samples->count == 0) {
        out->f1 = out->low = out->high = accuracy(samples, logits, outputs);
        return;
    }
    uint8_t *outcomes = must(samples->count * mains);
    double shown = 0, right = 0, with_one = 0, bins[10][3] = {{0}}, pairs = 0;
    for (size_t i = 0; i < samples->count; i++) {
        bool any = false;
        for (uint32_t k = 0; k < outputs; k++) {
            int32_t logit = logits[i * outputs + k];
            bool positive = samples->rows[i].labels >> k & 1, told = logit > labels[k].show;
            out->labels[k].positives += positive;
            out->labels[k].shown += told;
            out->labels[k].precision += told && positive;
            shown += told;
            right += told && positive;
            any |= told;
            if (k < mains) {
                bool said = logit > labels[k].best;
                outcomes[i * mains + k] = said && positive ? 1 : said ? 2 : positive ? 3 : 0;
                uint32_t probability = qr_model_probability(&labels[k], logit);
                uint32_t bin = probability >= 10000 ? 9 : probability / 1000;
                bins[bin][0]++;
                bins[bin][1] += probability / 10000.;
                bins[bin][2] += positive;
                pairs++;
            }
        }
        with_one += any;
    }
    for (uint32_t k = 0; k < outputs; k++) {
        if (out->labels[k].shown > 0) {
            out->labels[k].precision /= out->labels[k].shown;
        }
    }
    for (int bin = 0; bin < 10; bin++) {
        double gap = bins[bin][1] - bins[bin][2];
        out->ece += (gap < 0 ? -gap : gap) / pairs;
    }
    out->precision = shown == 0 ? 0 : right / shown;
    out->coverage = with_one / (double)samples->count;
    bootstrap(outcomes, samples->count, mains, out);
    free(outcomes);
}
