/*
 * The features of a passage: words, symbols, pairs of neighbours, parts of words, negated words, and
 * 1- to 3-grams of CJK, each as a 64-bit hash with a weight. A set: a feature counts once, with its
 * greatest weight.
 */
#ifndef QR_INSIGHT_FEATURES_H
#define QR_INSIGHT_FEATURES_H

#include "insight/segment.h"

/* of one passage; later ones are left out. 40 tokens have at most 7,400 */
#define QR_FEATURES_MAX 12000
#define QR_FEATURES_TABLE 16384

enum qr_language {
    QR_LANGUAGE_UNKNOWN = 0,
    QR_LANGUAGE_EN,
    QR_LANGUAGE_ES,
    QR_LANGUAGE_DE,
    QR_LANGUAGE_FR,
    QR_LANGUAGE_ID,
    QR_LANGUAGE_ZH,
    QR_LANGUAGE_JA,
    QR_LANGUAGE_COUNT
};

/** A set of features. Zero-initialise; qr_features_clear makes it empty again in time of its size. */
struct qr_features {
    uint32_t count;
    uint32_t slots[QR_FEATURES_MAX]; /* where each stands in the table, in order of coming */
    uint64_t hashes[QR_FEATURES_TABLE];
    uint8_t weights[QR_FEATURES_TABLE]; /* 0: the slot is free */
};

void qr_features_clear(struct qr_features *features);

/** Adds one; true if it is new. The set being full, nothing happens. weight ≥ 1. */
bool qr_features_insert(struct qr_features *features, uint64_t hash, uint8_t weight);

/** The weight of one; 0: it is not there. */
uint8_t qr_features_weight(const struct qr_features *features, uint64_t hash);

/** Adds those of a text, as one passage. `language` says which words negate. */
void qr_features_add(
    struct qr_features *features, enum qr_language language, struct quire_bytes text);

/** Adds those of one word alone, which are fewer: no pairs, no negation. */
void qr_features_add_token(struct qr_features *features, const struct qr_token *token);

/** Does the word negate what follows it? With `wishes`, words as "wish" and "hope" count, too. */
bool qr_token_negates(const struct qr_token *token, enum qr_language language, bool wishes);

#endif
