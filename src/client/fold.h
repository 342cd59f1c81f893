/*
 * Folding of texts for the search index, by Unicode's data (utf8proc).
 *
 * A term is a run of letters, digits and marks, or a run of symbols (emoji, ❤, €, +): after compatibility
 * decomposition (NFKD), full case folding, without default ignorables (joiners, variation selectors),
 * without the marks that readers leave out (accents, Hebrew and Arabic points, nuktas; not the vowel signs
 * and tone marks that make other words), composed again (NFC). Letters with a stroke lose it. Punctuation
 * and spaces end a term.
 */
#ifndef QR_CLIENT_FOLD_H
#define QR_CLIENT_FOLD_H

#include <quire/device.h>

/** For quire_device_options.fold. Its version changes with this file's rules and with utf8proc's Unicode. */
struct quire_fold qr_client_fold(void);

/** Appends the terms of well-formed text, each followed by a line feed. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_client_fold_terms(
    struct quire_bytes text, struct quire_buffer *out_terms);

#endif
