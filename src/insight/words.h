/*
 * Which words of a window's entries may become themes, and which entries have them.
 *
 * A word that stands in fewer than QR_THEMES_WITH_MIN entries is no theme, and most words are such: a
 * sketch of counters (count-min; Cormode, Muthukrishnan, 2005) leaves them out in a first pass, so that
 * memory does not grow with the texts.
 */
#ifndef QR_INSIGHT_WORDS_H
#define QR_INSIGHT_WORDS_H

#include "insight/bundle.h"
#include "insight/themes.h"

#define QR_WORDS_SKETCH (1u << 18)
#define QR_WORDS_CANDIDATES_MAX 16384 /* later ones are left out */
#define QR_WORDS_NAME_SIZE 64

struct qr_word {
    uint64_t hash;
    uint32_t entries;
    uint8_t points; /* of CJK: its length; 0: a word */
    bool covered;   /* a longer one stands in nearly the same entries */
};

struct qr_words {
    uint8_t sketch[2][QR_WORDS_SKETCH];
    struct qr_word candidates[QR_WORDS_CANDIDATES_MAX];
    uint16_t table[2 * QR_WORDS_CANDIDATES_MAX]; /* 1 + candidate; 0 free */
    uint32_t candidate_count;
    uint64_t seeds[QR_THEMES_WORDS_MAX];
    char names[QR_THEMES_WORDS_MAX][QR_WORDS_NAME_SIZE]; /* folded, UTF-8; cut at a character */
    bool cjk[QR_THEMES_WORDS_MAX];
    uint32_t count;
    uint8_t bits[QR_THEMES_WORDS_MAX][QR_THEMES_ENTRIES_MAX / 8];
};

/**
 * Reads the texts three or four times. texts: count ≤ QR_THEMES_ENTRIES_MAX, in order; bundles: those of the languages
 * in use, whose frequent words are left out. `scratch` is cleared.
 */
void qr_words_gather(struct qr_words *words, struct qr_features *scratch,
    const struct quire_bytes *texts, uint32_t count, const struct qr_bundle *const *bundles,
    size_t bundle_count);

#endif
