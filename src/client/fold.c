/*
 * Unicode's data decides what a letter, a mark and a symbol is; only the choice of marks is made here.
 */
#include "client/fold.h"
#include "client/files.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define RULES 1 /* counts up when anything here folds otherwise */

enum class { SEPARATOR, WORD, SYMBOL };

static enum class class_of(int32_t point) {
    switch (utf8proc_category(point)){
        case UTF8PROC_CATEGORY_LU : case UTF8PROC_CATEGORY_LL : case UTF8PROC_CATEGORY_LT : case
        UTF8PROC_CATEGORY_LM : case UTF8PROC_CATEGORY_LO : case UTF8PROC_CATEGORY_MN : case
        UTF8PROC_CATEGORY_MC : case UTF8PROC_CATEGORY_ME : case UTF8PROC_CATEGORY_ND : case
        UTF8PROC_CATEGORY_NL : case UTF8PROC_CATEGORY_NO : case
        UTF8PROC_CATEGORY_CO : /* private use: a font's letters */
            return WORD;
        case UTF8PROC_CATEGORY_SM : case UTF8PROC_CATEGORY_SC : case UTF8PROC_CATEGORY_SK : case
        UTF8PROC_CATEGORY_SO : return SYMBOL;
        default : return SEPARATOR;
    }
}

/* Marks that are left out in writing, or typed as accents, by canonical combining class (UAX 44): overlays,
 * nuktas, Hebrew and Arabic points, Syriac, and all that stand above or below a Latin, Greek or Cyrillic
 * letter. Kept: 0 (vowel signs), 8 (kana voicing), 9 (viramas), 84 to 132 (Telugu, Thai, Lao, Tibetan). */
static bool is_left_out(int32_t point)
{
    unsigned class = (unsigned)utf8proc_get_property(point)->combining_class;
    return class == 1 || class == 7 || (class >= 10 && class <= 36)
        || (class >= 200 && class <= 240);
}

/* Letters that Unicode does not decompose, though people type them without their strokes. */
static int32_t without_stroke(int32_t point)
{
    static const struct {
        int32_t from, to;
    } letters[] = {
        {0xf8, 'o'}, {0x111, 'd'}, {0x127, 'h'}, {0x131, 'i'}, {0x142, 'l'}, {0x167, 't'}};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (letters[i].from == point) {
            return letters[i].to;
        }
    }
    return point;
}

/* Most texts are ASCII, or begin so. */
static enum quire_status fold_ascii(struct quire_bytes text, struct quire_buffer *out_terms)
{
    enum quire_status status = quire_buffer_reserve(out_terms, 2 * text.size + 1);
    enum class last = SEPARATOR;
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *out = out_terms->data + out_terms->size;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        c = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 0x20) : c;
        enum class class = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? WORD
            : c != 0 && strchr("$+<=>^`|~", c) != NULL                      ? SYMBOL
                                                                            : SEPARATOR;
        if (class != last && last != SEPARATOR) {
            *out++ = '\n';
        }
        if (class != SEPARATOR) {
            *out++ = c;
        }
        last = class;
    }
    if (last != SEPARATOR) {
        *out++ = '\n';
    }
    out_terms->size = (size_t)(out - out_terms->data);
    return QUIRE_OK;
}

static enum quire_status write_terms(
    const int32_t *points, size_t count, struct quire_buffer *out_terms)
{
    enum quire_status status =
        quire_buffer_reserve(out_terms, 5 * count + 1); /* a point and a line feed */
    enum class last = SEPARATOR;
    for (size_t i = 0; status == QUIRE_OK && i < count; i++) {
        enum class class = class_of(points[i]);
        bool mark = class == WORD
            && (utf8proc_category(points[i]) == UTF8PROC_CATEGORY_ME
                || utf8proc_category(points[i]) == UTF8PROC_CATEGORY_MN);
        class = mark && last == SYMBOL ? SYMBOL : class; /* it belongs to what it stands on */
        if (class != last && last != SEPARATOR) {
            out_terms->data[out_terms->size++] = '\n';
        }
        if (class != SEPARATOR) {
            out_terms->size +=
                (size_t)utf8proc_encode_char(points[i], out_terms->data + out_terms->size);
        }
        last = class;
    }
    if (status == QUIRE_OK && last != SEPARATOR) {
        out_terms->data[out_terms->size++] = '\n';
    }
    return status;
}

enum quire_status qr_client_fold_terms(struct quire_bytes text, struct quire_buffer *out_terms)
{
    const utf8proc_option_t options =
        UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE;
    bool ascii = true;
    for (size_t i = 0; ascii && i < text.size; i++) {
        ascii = text.data[i] < 0x80;
    }
    if (ascii) {
        return fold_ascii(text, out_terms);
    }
    utf8proc_ssize_t capacity = (utf8proc_ssize_t)text.size + 64, count = 0;
    int32_t *points = NULL;
    for (;;) {
        int32_t *grown = realloc(points, (size_t)(capacity + 1) * sizeof *points);
        if (grown == NULL) {
            free(points);
            return QUIRE_ENOMEM;
        }
        points = grown;
        count =
            utf8proc_decompose(text.data, (utf8proc_ssize_t)text.size, points, capacity, options);
        if (count <= capacity) {
            break;
        }
        capacity = count;
    }
    size_t kept = 0;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        if (!is_left_out(points[i])) {
            points[kept++] = without_stroke(points[i]);
        }
    }
    utf8proc_ssize_t composed = count < 0 ? 0
                                          : utf8proc_normalize_utf32(points, (utf8proc_ssize_t)kept,
                                              UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    enum quire_status status = write_terms(points, composed < 0 ? 0 : (size_t)composed, out_terms);
    qr_client_wipe(points, (size_t)capacity * sizeof *points);
    free(points);
    return status;
}

struct quire_fold qr_client_fold(void)
{
    /* "14.0.0" → 14: another Unicode may class or fold a point otherwise. */
    unsigned unicode = (unsigned)strtoul(utf8proc_unicode_version(), NULL, 10);
    return (struct quire_fold){.version = RULES << 16 | unicode, .terms = qr_client_fold_terms};
}
