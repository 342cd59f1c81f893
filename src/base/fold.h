/*
 * Folding of code points: letters without case and accents, and what kind of character each is.
 *
 * The tables come from the Unicode Character Database (tools/make-fold.py; UAX #44). Both normal forms
 * of a text fold to the same: what NFD splits off is dropped. Kana keep their voicing marks, which
 * qr_fold_voiced joins.
 */
#ifndef QR_BASE_FOLD_H
#define QR_BASE_FOLD_H

#include <quire/bytes.h>

enum qr_fold_kind {
    QR_FOLD_WORD = 0,      /* letters, digits, and marks that are part of a word */
    QR_FOLD_SYMBOL = 1,    /* punctuation that carries a meaning, emoji, other symbols */
    QR_FOLD_SEPARATOR = 2, /* spaces, controls, other punctuation, what is not assigned */
    QR_FOLD_CJK = 3,       /* Han, kana, Hangul, Bopomofo: scripts without spaces */
    QR_FOLD_DROP = 4,      /* accents, joiners, variation selectors, skin tones */
};

/** The version of Unicode that the tables come from, as in "15.0.0". */
const char *qr_fold_unicode(void);

/** The folded code point. Those of kind DROP fold to themselves. */
uint32_t qr_fold_point(uint32_t point);

/** The kind of a code point, folded or not. Above U+10FFFF: SEPARATOR. */
enum qr_fold_kind qr_fold_kind_of(uint32_t point);

/** A kana with the mark U+3099 (voiced) or U+309A (half voiced) after it, as one code point; 0: there is
 * no such kana. */
uint32_t qr_fold_voiced(uint32_t kana, uint32_t mark);

/**
 * The code point that begins at text[0], and its size in bytes, 1 … 4. left ≥ 1. Ill-formed bytes
 * give U+FFFD, one for each maximal part as in Unicode 15, section 3.9, so any bytes are a text.
 */
uint32_t qr_fold_next(const uint8_t *text, size_t left, size_t *out_size);

#endif
