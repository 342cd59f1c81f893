/*
 * Words and their entries, in three passes.
 */
#include "insight/words.h"
#include "insight/number.h"
#include <string.h>

#define LETTERS_MIN 3
#define GRAM_MIN 2
#define GRAM_MAX 4
#define COVERED_PERCENT 80
#define SHARE_PERCENT 60

/** One word or gram that a pass meets. */
struct piece {
    uint64_t hash;
    const uint32_t *points;
    uint32_t count;
    bool cjk;
};

typedef void visit_piece(struct qr_words *words, uint32_t entry, const struct piece *piece);

static bool is_word(const struct qr_token *token)
{
    bool letters = false;
    for (uint32_t i = 0; i < token->count; i++) {
        letters |= token->points[i] > '9';
    }
    return letters && token->count >= LETTERS_MIN;
}

static bool is_hiragana(const uint32_t *points, uint32_t count)
{
    uint32_t kana = 0;
    for (uint32_t i = 0; i < count; i++) {
        kana += points[i] >= 0x3041 && points[i] <= 0x309f;
    }
    return kana == count;
}

/* Each word of an entry once; grams of CJK as far as the scratch reaches. */
static void visit_entry(struct qr_words *words, struct qr_features *scratch, uint32_t entry,
    struct quire_bytes text, visit_piece *visit)
{
    struct qr_tokens tokens = {.text = text};
    struct qr_token token;
    qr_features_clear(scratch);
    while (qr_tokens_next(&tokens, &token)) {
        struct piece piece = {.points = token.points, .count = token.count};
        if (token.kind == QR_TOKEN_WORD && is_word(&token)) {
            piece.hash = qr_hash_points(token.points, token.count, 1);
            if (qr_features_insert(scratch, piece.hash, 1)) {
                visit(words, entry, &piece);
            }
        }
        if (token.kind != QR_TOKEN_CJK) {
            continue;
        }
        piece.cjk = true;
        for (piece.count = GRAM_MIN; piece.count <= GRAM_MAX; piece.count++) {
            for (uint32_t i = 0; i + piece.count <= token.count; i++) {
                piece.points = token.points + i;
                piece.hash = qr_hash_points(piece.points, piece.count, 7);
                if (!is_hiragana(piece.points, piece.count)
                    && qr_features_insert(scratch, piece.hash, 1)) {
                    visit(words, entry, &piece);
                }
            }
        }
    }
    qr_features_clear(scratch);
}

/* ---- pass 1: about how many entries ----------------------------------------------------------- */

static uint8_t *cell(struct qr_words *words, int row, uint64_t hash)
{
    return &words->sketch[row][(row == 0 ? hash : hash >> 32) % QR_WORDS_SKETCH];
}

static void sketch(struct qr_words *words, uint32_t entry, const struct piece *piece)
{
    (void)entry;
    for (int row = 0; row < 2; row++) {
        uint8_t *counter = cell(words, row, piece->hash);
        *counter += *counter < UINT8_MAX;
    }
}

/* ---- pass 2: exactly how many, of those that may have enough ---------------------------------- */

/* The candidate's place in the table, or the free one. */
static uint16_t *place_of(struct qr_words *words, uint64_t hash)
{
    uint32_t size = 2 * QR_WORDS_CANDIDATES_MAX, at = (uint32_t)(hash >> 16) % size;
    while (words->table[at] != 0 && words->candidates[words->table[at] - 1].hash != hash) {
        at = (at + 1) % size;
    }
    return &words->table[at];
}

static void count_entries(struct qr_words *words, uint32_t entry, const struct piece *piece)
{
    (void)entry;
    if (*cell(words, 0, piece->hash) < QR_THEMES_WITH_MIN
        || *cell(words, 1, piece->hash) < QR_THEMES_WITH_MIN) {
        return;
    }
    uint16_t *place = place_of(words, piece->hash);
    if (*place == 0) {
        if (words->candidate_count == QR_WORDS_CANDIDATES_MAX) {
            return;
        }
        words->candidates[words->candidate_count++] =
            (struct qr_word){.hash = piece->hash, .points = piece->cjk ? (uint8_t)piece->count : 0};
        *place = (uint16_t)words->candidate_count;
    }
    words->candidates[*place - 1].entries++;
}

/* A gram is left out if a longer one stands in nearly all of its entries. */
static void mark_covered(struct qr_words *words, uint32_t entry, const struct piece *piece)
{
    (void)entry;
    if (!piece->cjk || piece->count == GRAM_MIN) {
        return;
    }
    uint16_t longer = *place_of(words, piece->hash);
    for (uint32_t i = 0; longer != 0 && i < 2; i++) {
        uint16_t shorter = *place_of(words, qr_hash_points(piece->points + i, piece->count - 1, 7));
        if (shorter != 0
            && words->candidates[longer - 1].entries * 100
                >= COVERED_PERCENT * words->candidates[shorter - 1].entries) {
            words->candidates[shorter - 1].covered = true;
        }
    }
}

/* ---- the choice ------------------------------------------------------------------------------- */

static bool is_eligible(const struct qr_word *word, uint32_t count,
    const struct qr_bundle *const *bundles, size_t bundle_count)
{
    if (word->covered || word->entries < QR_THEMES_WITH_MIN
        || (uint64_t)word->entries * 100 > (uint64_t)count * SHARE_PERCENT) {
        return false;
    }
    for (size_t i = 0; i < bundle_count; i++) {
        if (qr_bundle_is_frequent(bundles[i], word->hash)) {
            return false;
        }
    }
    return true;
}

static bool comes_before(const struct qr_word *a, const struct qr_word *b)
{
    return a->entries != b->entries ? a->entries > b->entries : a->hash < b->hash;
}

/* The most frequent eligible ones; the table then leads to them alone. */
static void choose(struct qr_words *words, uint32_t count, const struct qr_bundle *const *bundles,
    size_t bundle_count)
{
    struct qr_word chosen[QR_THEMES_WORDS_MAX];
    words->count = 0;
    for (uint32_t i = 0; i < words->candidate_count; i++) {
        const struct qr_word *word = &words->candidates[i];
        if (!is_eligible(word, count, bundles, bundle_count)) {
            continue;
        }
        uint32_t at = words->count;
        while (at > 0 && comes_before(word, &chosen[at - 1])) {
            at--;
        }
        if (at == QR_THEMES_WORDS_MAX) {
            continue;
        }
        words->count += words->count < QR_THEMES_WORDS_MAX;
        for (uint32_t j = words->count - 1; j > at; j--) {
            chosen[j] = chosen[j - 1];
        }
        chosen[at] = *word;
    }
    memset(words->table, 0, sizeof words->table);
    for (uint32_t i = 0; i < words->count; i++) {
        words->candidates[i] = chosen[i];
        words->seeds[i] = chosen[i].hash;
        words->cjk[i] = chosen[i].points > 0;
        *place_of(words, chosen[i].hash) = (uint16_t)(i + 1);
    }
}

/* ---- pass 3: which entries -------------------------------------------------------------------- */

static void put_name(char *name, const struct piece *piece)
{
    size_t size = 0;
    for (uint32_t i = 0; i < piece->count && size + 5 < QR_WORDS_NAME_SIZE; i++) {
        uint32_t point = piece->points[i];
        size_t width = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        for (size_t byte = width; byte > 1; byte--) {
            name[size + byte - 1] = (char)(0x80 | (point & 0x3f));
            point >>= 6;
        }
        name[size] = (char)(width == 1 ? point : (0xf00 >> width & 0xff) | point);
        size += width;
    }
    name[size] = 0;
}

static void mark_entry(struct qr_words *words, uint32_t entry, const struct piece *piece)
{
    uint16_t place = *place_of(words, piece->hash);
    if (place != 0) {
        words->bits[place - 1][entry / 8] |= (uint8_t)(1u << (entry & 7));
        if (words->names[place - 1][0] == 0) {
            put_name(words->names[place - 1], piece);
        }
    }
}

void qr_words_gather(struct qr_words *words, struct qr_features *scratch,
    const struct quire_bytes *texts, uint32_t count, const struct qr_bundle *const *bundles,
    size_t bundle_count)
{
    memset(words, 0, sizeof *words);
    for (uint32_t i = 0; i < count; i++) {
        visit_entry(words, scratch, i, texts[i], sketch);
    }
    for (uint32_t i = 0; i < count; i++) {
        visit_entry(words, scratch, i, texts[i], count_entries);
    }
    bool any_gram = false;
    for (uint32_t i = 0; i < words->candidate_count; i++) {
        any_gram |= words->candidates[i].points > 0;
    }
    for (uint32_t i = 0; i < count && any_gram; i++) {
        visit_entry(words, scratch, i, texts[i], mark_covered);
    }
    choose(words, count, bundles, bundle_count);
    for (uint32_t i = 0; i < count; i++) {
        visit_entry(words, scratch, i, texts[i], mark_entry);
    }
}
