/*
 * The linear model.
 */
#include "insight/model.h"
#include "insight/number.h"
#include <string.h>

#define GUARD_WORDS 4
#define GUARD_CHARACTERS 3 /* of Chinese, before the character */

void qr_model_score(const struct qr_bundle *bundle, const struct qr_features *features,
    struct qr_reading *out_reading)
{
    int32_t sums[QR_BUNDLE_OUTPUTS_MAX] = {0};
    uint64_t squares = 0;
    out_reading->hits = 0;
    for (uint32_t i = 0; i < features->count; i++) {
        uint32_t slot = features->slots[i];
        const int8_t *weights = qr_bundle_find(bundle, features->hashes[slot]);
        if (weights == NULL) {
            continue;
        }
        int32_t weight = features->weights[slot];
        for (uint32_t k = 0; k < bundle->outputs; k++) {
            sums[k] += weight * weights[k];
        }
        squares += (uint64_t)(weight * weight);
        out_reading->hits++;
    }
    int64_t root = (int64_t)qr_root(qr_root(squares << 36) << 14); /* 2^16 · S^¼ */
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        const struct qr_label *label = &bundle->labels[k];
        int64_t sum = root == 0 ? 0 : 16 * (int64_t)sums[k] * label->scale / root;
        int64_t logit = label->bias + sum;
        logit = logit > 1 << 20 ? 1 << 20 : logit < -(1 << 20) ? -(1 << 20) : logit;
        out_reading->logits[k] = (int32_t)logit;
    }
}

uint32_t qr_model_probability(const struct qr_label *label, int32_t logit)
{
    if (label->knots < 2) {
        return 0;
    }
    uint32_t last = label->knots - 1, i = 0;
    if (logit <= label->logits[0]) {
        return (uint32_t)label->probabilities[0];
    }
    if (logit >= label->logits[last]) {
        return (uint32_t)label->probabilities[last];
    }
    while (logit > label->logits[i + 1]) {
        i++;
    }
    int64_t rise = label->probabilities[i + 1] - label->probabilities[i];
    int64_t run = label->logits[i + 1] - label->logits[i];
    return (uint32_t)(label->probabilities[i] + rise * (logit - label->logits[i]) / run);
}

static int32_t gain_of(
    const struct qr_bundle *bundle, const struct qr_features *features, uint32_t k)
{
    int32_t gain = 0;
    for (uint32_t i = 0; i < features->count; i++) {
        const int8_t *weights = qr_bundle_find(bundle, features->hashes[features->slots[i]]);
        gain += weights == NULL ? 0 : weights[k] * features->weights[features->slots[i]];
    }
    return gain;
}

static bool is_chinese_negator(uint32_t point)
{
    return point == 0x4e0d || point == 0x6ca1 || point == 0x522b
        || point == 0x65e0; /* 不 没 别 无 */
}

static void keep_reason(
    struct qr_reason reasons[QR_REASONS_MAX], uint32_t *count, struct qr_reason reason)
{
    uint32_t at = *count;
    if (reason.gain <= 0) {
        return;
    }
    while (at > 0 && reasons[at - 1].gain < reason.gain) {
        at--;
    }
    if (at == QR_REASONS_MAX) {
        return;
    }
    *count += *count < QR_REASONS_MAX;
    for (uint32_t i = *count - 1; i > at; i--) {
        reasons[i] = reasons[i - 1];
    }
    reasons[at] = reason;
}

/* A run of Chinese or Japanese: pairs of characters are its words. */
static void reasons_in_run(const struct qr_bundle *bundle, struct qr_features *scratch,
    const struct qr_token *run, uint32_t k, struct qr_reason reasons[QR_REASONS_MAX],
    uint32_t *count)
{
    for (uint32_t i = 0; i < run->count; i++) {
        struct qr_token pair = {.kind = QR_TOKEN_CJK, .count = run->count - i < 2 ? 1 : 2};
        memcpy(pair.points, run->points + i, pair.count * sizeof *pair.points);
        bool negated = false;
        for (uint32_t back = 1; back <= GUARD_CHARACTERS && back <= i; back++) {
            negated |= is_chinese_negator(run->points[i - back]);
        }
        qr_features_clear(scratch);
        qr_features_add_token(scratch, &pair);
        size_t width = (run->end - run->begin) / run->count; /* bytes of a character */
        keep_reason(reasons, count,
            (struct qr_reason){.begin = run->begin + i * width,
                .end = run->begin + (i + pair.count) * width,
                .gain = gain_of(bundle, scratch, k),
                .negated = negated});
    }
}

uint32_t qr_model_reasons(const struct qr_bundle *bundle, struct qr_features *scratch,
    struct quire_bytes passage, uint32_t k, struct qr_reason out_reasons[QR_REASONS_MAX])
{
    struct qr_tokens tokens = {.text = passage};
    struct qr_token token;
    uint32_t count = 0, guarded = 0;
    while (qr_tokens_next(&tokens, &token)) {
        if (token.kind == QR_TOKEN_CJK) {
            reasons_in_run(bundle, scratch, &token, k, out_reasons, &count);
            continue;
        }
        qr_features_clear(scratch);
        qr_features_add_token(scratch, &token);
        bool word = token.kind == QR_TOKEN_WORD;
        keep_reason(out_reasons, &count,
            (struct qr_reason){.begin = token.begin,
                .end = token.end,
                .gain = gain_of(bundle, scratch, k),
                .negated = word && guarded > 0});
        guarded = !word                                        ? 0
            : qr_token_negates(&token, bundle->language, true) ? GUARD_WORDS
            : guarded > 0                                      ? guarded - 1
                                                               : 0;
    }
    qr_features_clear(scratch);
    return count;
}
