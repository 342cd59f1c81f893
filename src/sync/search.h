/*
 * The index terms of an entry, folded, and whether a query matches them.
 *
 * Words are runs of letters and digits; capitals are small letters, and Latin letters have lost their
 * accents (U+00C0 … U+017F, and combining marks everywhere). Each is kept once, in the order in which it
 * came first, and ends in a line feed. A looked-for word may stand anywhere inside of a kept one, so
 * that "rain" finds "rained", and that scripts without spaces can be searched.
 */
#ifndef QR_SYNC_SEARCH_H
#define QR_SYNC_SEARCH_H

#include <quire/device.h>

#define QR_SEARCH_NEEDLES_MAX 32

/** Zero-initialise; set fold before the first text. */
struct qr_search_words {
    const struct quire_fold
        *fold; /* borrowed; NULL, or with terms NULL: the folding of this file */
    struct quire_buffer words;
    uint32_t *table; /* 1 + where a word begins in `words`; 0 free */
    size_t table_size, word_count;
};

/** Adds the words of a well-formed text. ENOMEM: some may be missing. */
QUIRE_CHECKED enum quire_status qr_search_add(
    struct qr_search_words *words, struct quire_bytes text);
/** Wipes and frees. */
void qr_search_finish(struct qr_search_words *words);

/** Do `words` (the bytes of qr_search_words.words) hold all words of `needles` (the same of a query)? */
bool qr_search_match(struct quire_bytes words, struct quire_bytes needles);

#endif
