/*
 * Language by script, then by a model over parts of words.
 */
#include "insight/language.h"
#include "base/fold.h"
#include <string.h>

#define READ_MAX 512 /* bytes of a text that say which language it is in */

static const char codes[QR_LANGUAGE_COUNT][3] = {"", "en", "es", "de", "fr", "id", "zh", "ja"};

const char *qr_language_code(enum qr_language language)
{
    return language < QR_LANGUAGE_COUNT ? codes[language] : "";
}

enum qr_language qr_language_by_code(struct quire_bytes code)
{
    for (int i = 1; code.size == 2 && i < QR_LANGUAGE_COUNT; i++) {
        if (memcmp(codes[i], code.data, 2) == 0) {
            return (enum qr_language)i;
        }
    }
    return QR_LANGUAGE_UNKNOWN;
}

struct letters {
    uint32_t all, latin, han, kana;
};

static struct letters count_letters(struct quire_bytes text)
{
    struct letters letters = {0};
    for (size_t i = 0, size; i < text.size; i += size) {
        uint32_t point = qr_fold_point(qr_fold_next(text.data + i, text.size - i, &size));
        enum qr_fold_kind kind = qr_fold_kind_of(point);
        if ((kind != QR_FOLD_WORD && kind != QR_FOLD_CJK) || (point >= '0' && point <= '9')) {
            continue;
        }
        letters.all++;
        letters.latin += (point >= 'a' && point <= 'z') || (point >= 0xc0 && point < 0x250)
            || (point >= 0x1e00 && point < 0x1f00);
        letters.kana += point >= 0x3041 && point <= 0x30ff;
        letters.han += (point >= 0x3400 && point < 0xa000) || (point >= 0x20000 && point < 0x32000);
    }
    return letters;
}

/* The label with the greatest logit, if its share of the probability is enough. */
static enum qr_language most_probable(
    const struct qr_bundle *bundle, const struct qr_reading *reading)
{
    uint32_t best = 0;
    uint64_t sum = 0, greatest = 0;
    for (uint32_t k = 0; k < bundle->outputs; k++) {
        uint64_t probability = qr_model_probability(&bundle->labels[k], reading->logits[k]);
        sum += probability;
        greatest = greatest < probability ? probability : greatest;
        best = reading->logits[k] > reading->logits[best] ? k : best;
    }
    bool enough = reading->hits > 0
        && 10000 * (uint64_t)qr_model_probability(&bundle->labels[best], reading->logits[best])
            >= QR_LANGUAGE_PROBABILITY_MIN * (sum > 10000 ? sum : 10000);
    return enough ? qr_language_by_code(bundle->labels[best].name) : QR_LANGUAGE_UNKNOWN;
}

enum qr_language qr_language_of(const struct qr_bundle *bundle, struct qr_features *scratch,
    struct quire_bytes text, enum qr_language last)
{
    text.size = text.size > READ_MAX ? READ_MAX : text.size;
    struct letters letters = count_letters(text);
    if (letters.kana * 10 > letters.all) {
        return QR_LANGUAGE_JA;
    }
    if (letters.han * 2 > letters.all) {
        return QR_LANGUAGE_ZH;
    }
    if (letters.all > 0 && letters.latin * 2 <= letters.all) {
        return QR_LANGUAGE_UNKNOWN;
    }
    bool last_is_latin = last != QR_LANGUAGE_ZH && last != QR_LANGUAGE_JA;
    enum qr_language found = QR_LANGUAGE_UNKNOWN;
    if (bundle != NULL && letters.all >= QR_LANGUAGE_LETTERS_MIN) {
        struct qr_reading reading;
        qr_features_clear(scratch);
        qr_features_add(scratch, QR_LANGUAGE_UNKNOWN, text);
        qr_model_score(bundle, scratch, &reading);
        qr_features_clear(scratch);
        found = most_probable(bundle, &reading);
    }
    return found != QR_LANGUAGE_UNKNOWN ? found : last_is_latin ? last : QR_LANGUAGE_UNKNOWN;
}
