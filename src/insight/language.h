/*
 * Which language a text is in.
 */
#ifndef QR_INSIGHT_LANGUAGE_H
#define QR_INSIGHT_LANGUAGE_H

#include "insight/model.h"

#define QR_LANGUAGE_LETTERS_MIN 20
#define QR_LANGUAGE_PROBABILITY_MIN 6000 /* of 10,000 */

/**
 * Kana in more than a tenth of the letters: Japanese. More than half Han: Chinese. More than half Latin
 * and at least QR_LANGUAGE_LETTERS_MIN: the bundle's most probable, if its share reaches
 * QR_LANGUAGE_PROBABILITY_MIN. Else `last`, if the script allows it; other scripts: UNKNOWN.
 * bundle: of purpose LANGUAGES, or NULL: none. `scratch` is cleared.
 */
enum qr_language qr_language_of(const struct qr_bundle *bundle, struct qr_features *scratch,
    struct quire_bytes text, enum qr_language last);

/** "en", "es" …; "" for UNKNOWN. */
const char *qr_language_code(enum qr_language language);
/** By its code; UNKNOWN if it is none of ours. */
enum qr_language qr_language_by_code(struct quire_bytes code);

#endif
