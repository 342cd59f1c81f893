/*
 * Words that come up more, or less, than they did: checked against words that come in bursts by chance.
 *
 * A word's presence in entries is a chain of two states whose persistence is estimated over all entries
 * (estimated before the recent part only, 38 to 74 % of diaries without a theme got one), shrunk to the
 * person's common persistence. Over all words the false discovery rate is held (Benjamini, Hochberg 1995).
 */
#ifndef QR_INSIGHT_THEMES_H
#define QR_INSIGHT_THEMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_THEMES_WORDS_MAX 120
#define QR_THEMES_RECENT_DAYS 28
#define QR_THEMES_RECENT_MIN 6 /* entries */
#define QR_THEMES_BEFORE_MIN 20
#define QR_THEMES_ENTRIES_MAX 4096 /* the last ones of a window */
#define QR_THEMES_WITH_MIN 6       /* entries with the word */

/** The entries of a window and which words are in them. */
struct qr_presence {
    uint32_t entries, recent; /* the last `recent` of them are the recent ones */
    uint32_t words;           /* ≤ QR_THEMES_WORDS_MAX */
    const uint64_t *seeds;    /* of each word: its hash */
    const uint8_t *bits;      /* words × stride bytes; bit i & 7 of byte i / 8: entry i has it */
    size_t stride;
};

struct qr_theme {
    uint32_t word; /* index */
    bool rising;
    uint32_t recent_with, recent, before_with, before; /* entries */
    uint32_t chance; /* p of this word alone, in 1/10,000, rounded up */
};

/** Finds themes; out_themes: QR_THEMES_WORDS_MAX of them. Returns how many. */
uint32_t qr_themes_look(const struct qr_presence *presence, struct qr_theme *out_themes);

#endif
