/*
 * Reading a passage with a bundle: logits, probabilities, and which labels may be told to a person.
 *
 * logit[k] = bias[k] + Σ w·q[k] · scale[k] / (2^16 · S^¼ / 16), over the features found, S = Σ w².
 * Logits are Q12. A linear model: each label's score is a sum over words, so a label can name its words.
 */
#ifndef QR_INSIGHT_MODEL_H
#define QR_INSIGHT_MODEL_H

#include "insight/bundle.h"

#define QR_REASONS_MAX 3

/** What a model makes of one passage. */
struct qr_reading {
    uint32_t hits; /* features found */
    int32_t logits[QR_BUNDLE_OUTPUTS_MAX];
};

/** Scores a set of features. */
void qr_model_score(const struct qr_bundle *bundle, const struct qr_features *features,
    struct qr_reading *out_reading);

/** The calibrated probability of a label at a logit, in 1/10,000. */
uint32_t qr_model_probability(const struct qr_label *label, int32_t logit);

/** A word of the passage that speaks for a label. */
struct qr_reason {
    size_t begin, end; /* bytes in the passage */
    int32_t gain;      /* what its features add to the label, before scaling */
    bool negated;      /* a negator or a wish stands in the 4 words before it */
};

/**
 * The words that add most to output k, the greatest first; how many. `scratch` is cleared. The first of
 * them being negated means that the label is not told: "I did not feel happy at all" is not joy.
 */
uint32_t qr_model_reasons(const struct qr_bundle *bundle, struct qr_features *scratch,
    struct quire_bytes passage, uint32_t k, struct qr_reason out_reasons[QR_REASONS_MAX]);

#endif
