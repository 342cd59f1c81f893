/*
 * Folding, splitting into words, finding.
 */
#include "sync/search.h"
#include "crypto/wipe.h"
#include <stdlib.h>
#include <string.h>

#define PROBES_MAX 32 /* after so many a word is kept again: texts made to collide cost no more */
#define TABLE_MIN 256

/* Not a code point: what ends a word, and what is as if it were not there. */
enum { SEPARATOR = 0, NOTHING = 1 };

/* U+00C0 … U+017F without their accents; '=' stays as it is, '-' ends a word. */
static const char latin[] =
    "aaaaaa=ceeeeiiii=nooooo-ouuuuy=="
    "aaaaaa=ceeeeiiii=nooooo-ouuuuy=y"
    "aaaaaaccccccccdddd"
    "eeeeeeeeeegggggggghhhhiiiiiiiiii==jjkk=llllllllllnnnnnnn==oooooo==rrrrrrssssssssttttttuuuuuuuuuuuu"
    "wwyyyzzzzzzs";

static uint32_t fold_latin(uint32_t point)
{
    char letter = latin[point - 0xc0];
    if (letter == '-') {
        return SEPARATOR;
    }
    if (letter != '=') {
        return (uint32_t)letter;
    }
    switch (point) {
    case 0xc6: /* Æ */
    case 0xd0: /* Ð */
    case 0xde: /* Þ */ return point + 0x20;
    case 0x132: /* Ĳ */
    case 0x14a: /* Ŋ */
    case 0x152: /* Œ */ return point + 1;
    default: return point;
    }
}

static uint32_t fold(uint32_t point)
{
    if (point > 0xffff) {
        return point;
    }
    if (point < 0x80) {
        bool upper = point >= 'A' && point <= 'Z';
        bool kept = (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9');
        return upper ? point + 0x20 : kept ? point : SEPARATOR;
    }
    if (point < 0xc0) {
        return point == 0xaa ? 'a' : point == 0xba ? 'o' : point == 0xb5 ? 0x3bc : SEPARATOR;
    }
    if (point < 0x180) {
        return fold_latin(point);
    }
    if (point >= 0x300 && point < 0x370) {
        return NOTHING;
    }
    if (point >= 0x386 && point < 0x3d0) { /* Greek; the tonos goes, final sigma is a sigma */
        static const struct {
            uint16_t from, to;
        } accented[] = {{0x386, 0x3b1}, {0x388, 0x3b5}, {0x389, 0x3b7}, {0x38a, 0x3b9},
            {0x38c, 0x3bf}, {0x38e, 0x3c5}, {0x38f, 0x3c9}, {0x390, 0x3b9}, {0x3aa, 0x3b9},
            {0x3ab, 0x3c5}, {0x3ac, 0x3b1}, {0x3ad, 0x3b5}, {0x3ae, 0x3b7}, {0x3af, 0x3b9},
            {0x3b0, 0x3c5}, {0x3c2, 0x3c3}, {0x3ca, 0x3b9}, {0x3cb, 0x3c5}, {0x3cc, 0x3bf},
            {0x3cd, 0x3c5}, {0x3ce, 0x3c9}, {0x387, SEPARATOR}};
        for (size_t i = 0; i < sizeof accented / sizeof *accented; i++) {
            if (accented[i].from == point) {
                return accented[i].to;
            }
        }
        return point >= 0x391 && point <= 0x3a9 && point != 0x3a2 ? point + 0x20 : point;
    }
    if (point >= 0x400 && point < 0x530) { /* Cyrillic */
        if (point < 0x430) {
            return point < 0x410 ? point + 0x50 : point + 0x20;
        }
        if (point >= 0x4c1 && point <= 0x4ce) {
            return point + (point & 1);
        }
        bool pairs = (point >= 0x460 && point <= 0x481) || point >= 0x48a;
        return pairs && point != 0x4c0 && point % 2 == 0 ? point + 1 : point;
    }
    if (point >= 0x531 && point <= 0x556) { /* Armenian */
        return point + 0x30;
    }
    if (point >= 0x1e00 && point < 0x1f00) { /* more Latin */
        return point % 2 == 0 && (point < 0x1e96 || point > 0x1e9f) ? point + 1 : point;
    }
    if ((point >= 0x2000 && point < 0x2070) || (point >= 0x2190 && point < 0x2c00)
        || (point >= 0x2e00 && point < 0x2e80) || (point >= 0x3000 && point < 0x3003)
        || (point >= 0x3008 && point < 0x3021) || (point >= 0xff01 && point < 0xff10)
        || (point >= 0xff1a && point < 0xff21) || (point >= 0xff3b && point < 0xff41)
        || (point >= 0xff5b && point < 0xff66)) {
        return SEPARATOR;
    }
    if (point >= 0xfe00 && point < 0xfe10) {
        return NOTHING; /* variation selectors */
    }
    return point;
}

/* Of well-formed UTF-8. */
static uint32_t next_point(const uint8_t *text, size_t left, size_t *out_size)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint8_t first = text[0];
    size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    size = size > left ? left : size;
    uint32_t point = first & masks[size];
    for (size_t i = 1; i < size; i++) {
        point = point << 6 | (text[i] & 0x3f);
    }
    *out_size = size;
    return point;
}

static size_t put_point(uint8_t *out, uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)((0xf00 >> size) | point);
    return size;
}

/* ---- each word once --------------------------------------------------------------------------- */

static uint64_t hash_mix(uint64_t word)
{
    word *= UINT64_C(0x9e3779b185ebca87);
    return word ^ word >> 32;
}

static uint32_t hash_of(const uint8_t *word, size_t size)
{
    uint64_t hash = size, some;
    size_t i = 0;
    for (; size - i >= sizeof some; i += sizeof some) {
        memcpy(&some, word + i, sizeof some);
        hash = hash_mix(hash ^ some);
    }
    for (some = 0; i < size; i++) {
        some = some << 8 | word[i];
    }
    return (uint32_t)hash_mix(hash ^ some);
}

/* Size of a kept word, without its line feed. */
static size_t kept_size(const struct qr_search_words *words, size_t begin)
{
    const uint8_t *start = words->words.data + begin;
    const uint8_t *end = memchr(start, '\n', words->words.size - begin);
    return (size_t)(end - start);
}

static void put_in(struct qr_search_words *words, size_t begin, uint32_t hash)
{
    for (size_t probe = 0; probe < PROBES_MAX; probe++) {
        uint32_t *slot = &words->table[(hash + probe) & (words->table_size - 1)];
        if (*slot == 0) {
            *slot = (uint32_t)begin + 1;
            return;
        }
    }
}

static enum quire_status grow(struct qr_search_words *words)
{
    size_t size = words->table_size == 0 ? TABLE_MIN : words->table_size * 4;
    uint32_t *table = malloc(size * sizeof *table), *old = words->table;
    if (table == NULL) {
        return QUIRE_ENOMEM;
    }
    memset(table, 0, size * sizeof *table);
    size_t old_size = words->table_size;
    words->table = table;
    words->table_size = size;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] != 0) {
            size_t begin = old[i] - 1;
            put_in(words, begin, hash_of(words->words.data + begin, kept_size(words, begin)));
        }
    }
    free(old);
    return QUIRE_OK;
}

/* The word at the end of `words`, from `begin` on and with its line feed: kept if it is new. */
static enum quire_status end_word(struct qr_search_words *words, size_t begin)
{
    if (2 * words->word_count >= words->table_size) {
        enum quire_status status = grow(words);
        if (status != QUIRE_OK) {
            words->words.size = begin;
            return status;
        }
    }
    const uint8_t *word = words->words.data + begin;
    size_t size = words->words.size - begin;
    uint32_t hash = hash_of(word, size - 1);
    for (size_t probe = 0; probe < PROBES_MAX; probe++) {
        uint32_t kept = words->table[(hash + probe) & (words->table_size - 1)];
        if (kept == 0) {
            break;
        }
        if (kept - 1 + size <= begin && memcmp(words->words.data + kept - 1, word, size) == 0) {
            words->words.size = begin;
            return QUIRE_OK;
        }
    }
    put_in(words, begin, hash);
    words->word_count++;
    return QUIRE_OK;
}

/* Each line of what the host's folding made of the text. */
static enum quire_status add_terms(struct qr_search_words *words, struct quire_bytes text)
{
    struct quire_buffer terms = {0};
    enum quire_status status = words->fold->terms(text, &terms);
    for (size_t i = 0; status == QUIRE_OK && i < terms.size;) {
        const uint8_t *end = memchr(terms.data + i, '\n', terms.size - i);
        size_t size = end == NULL ? terms.size - i : (size_t)(end - (terms.data + i)) + 1;
        size_t begin = words->words.size;
        if (end != NULL && size > 1) {
            status = quire_buffer_append(&words->words, terms.data + i, size);
            status = status == QUIRE_OK ? end_word(words, begin) : status;
        }
        i += size;
    }
    if (terms.data != NULL) {
        qr_wipe(terms.data, terms.capacity);
    }
    quire_buffer_finish(&terms);
    return status;
}

enum quire_status qr_search_add(struct qr_search_words *words, struct quire_bytes text)
{
    if (words->fold != NULL && words->fold->terms != NULL) {
        return add_terms(words, text);
    }
    /* Folding makes no letter longer, and what ends a word takes a byte of the text, but for the last. */
    enum quire_status status = quire_buffer_reserve(&words->words, text.size + 1);
    size_t begin = words->words.size;
    for (size_t i = 0; status == QUIRE_OK && i <= text.size;) {
        if (i + 4 <= text.size
            && text.data[i] >= 0xf0) { /* above U+FFFF: a letter that has no case */
            size_t run = 4;
            while (i + run + 4 <= text.size && text.data[i + run] >= 0xf0) {
                run += 4;
            }
            memcpy(words->words.data + words->words.size, text.data + i, run);
            words->words.size += run;
            i += run;
            continue;
        }
        uint32_t folded = SEPARATOR;
        size_t size = 1;
        if (i < text.size) {
            folded = fold(next_point(text.data + i, text.size - i, &size));
        }
        i += size;
        if (folded > NOTHING) {
            words->words.size += put_point(words->words.data + words->words.size, folded);
        } else if (folded == SEPARATOR && words->words.size > begin) {
            words->words.data[words->words.size++] = '\n';
            status = end_word(words, begin);
            begin = words->words.size;
        }
    }
    return status;
}

void qr_search_finish(struct qr_search_words *words)
{
    if (words->words.data != NULL) {
        qr_wipe(words->words.data, words->words.capacity);
    }
    quire_buffer_finish(&words->words);
    free(words->table);
    *words = (struct qr_search_words){0};
}

/* ---- finding ---------------------------------------------------------------------------------- */

/* Which byte of a needle to look for: one that is rare in most texts. */
static size_t rarest(const uint8_t *needle, size_t size)
{
    static const char frequent[] = "etaoinsrhldcumfpgwybvk"; /* the most frequent first */
    size_t best = 0, best_rank = 0;
    for (size_t i = 0; i < size; i++) {
        const char *place = needle[i] < 0x80 ? strchr(frequent, needle[i]) : NULL;
        size_t rank = place == NULL ? sizeof frequent : (size_t)(place - frequent) + 1;
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

static bool holds(struct quire_bytes words, const uint8_t *needle, size_t size)
{
    size_t anchor = rarest(needle, size);
    size_t from = anchor;
    while (from + (size - anchor) <= words.size) {
        const uint8_t *place =
            memchr(words.data + from, needle[anchor], words.size - (size - anchor) + 1 - from);
        if (place == NULL) {
            return false;
        }
        if (memcmp(place - anchor, needle, size) == 0) {
            return true;
        }
        from = (size_t)(place - words.data) + 1;
    }
    return false;
}

bool qr_search_match(struct quire_bytes words, struct quire_bytes needles)
{
    size_t begin = 0;
    while (begin < needles.size) {
        const uint8_t *needle = needles.data + begin;
        const uint8_t *end = memchr(needle, '\n', needles.size - begin);
        size_t size = end == NULL ? needles.size - begin : (size_t)(end - needle);
        if (size > 0 && !holds(words, needle, size)) {
            return false;
        }
        begin += size + 1;
    }
    return true;
}
