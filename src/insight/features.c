/*
 * Features by hash.
 */
#include "insight/features.h"
#include "insight/number.h"
#include <string.h>

#define WEIGHT_WHOLE 16
#define WEIGHT_PAIR 11
#define WEIGHT_PART 8
#define NEGATED_TOKENS 4
#define EDGE_BEFORE 0x51
#define EDGE_AFTER 0x99
#define NEGATED 0x777

/* Folded, zeros behind; the first free row ends a list. Compared as two numbers. */
#define LISTED_SIZE 16
#define LISTED_MAX 24

static const char negators[QR_LANGUAGE_COUNT][LISTED_MAX][LISTED_SIZE] = {
    [QR_LANGUAGE_EN] = {"not", "no", "never", "nothing", "nobody", "none", "neither", "nor",
        "without", "hardly", "barely", "cannot", "dont", "cant", "wont", "didnt", "doesnt", "isnt",
        "wasnt", "couldnt", "wouldnt"},
    [QR_LANGUAGE_ES] = {"no", "nunca", "sin", "ni", "tampoco", "nada", "nadie", "jamas"},
    [QR_LANGUAGE_DE] = {"nicht", "nie", "niemals", "ohne", "nichts", "kaum"},
    [QR_LANGUAGE_FR] = {"ne", "pas", "jamais", "sans", "rien", "ni", "aucun", "aucune"},
    [QR_LANGUAGE_ID] = {"tidak", "bukan", "jangan", "tanpa", "gak", "ga", "nggak", "enggak", "tak",
        "belum"},
};

static const char wishing[QR_LANGUAGE_COUNT][LISTED_MAX][LISTED_SIZE] = {
    [QR_LANGUAGE_EN] = {"wish", "wished", "wishing"},
    [QR_LANGUAGE_ES] = {"ojala", "quisiera"},
    [QR_LANGUAGE_DE] = {"wunschte", "ware", "hatte"},
    [QR_LANGUAGE_FR] = {"aimerais", "voudrais"},
    [QR_LANGUAGE_ID] = {"andai", "seandainya"},
};

static bool is_listed(const char list[LISTED_MAX][LISTED_SIZE], const struct qr_token *token)
{
    char word[LISTED_SIZE] = {0};
    uint64_t wanted[2], listed[2];
    if (token->count >= LISTED_SIZE) {
        return false;
    }
    for (uint32_t i = 0; i < token->count; i++) {
        if (token->points[i] >= 0x80) {
            return false;
        }
        word[i] = (char)token->points[i];
    }
    memcpy(wanted, word, sizeof wanted);
    for (size_t i = 0; i < LISTED_MAX && list[i][0] != 0; i++) {
        memcpy(listed, list[i], sizeof listed);
        if (listed[0] == wanted[0] && listed[1] == wanted[1]) {
            return true;
        }
    }
    return false;
}

static bool starts_with(const struct qr_token *token, const char *prefix)
{
    size_t size = strlen(prefix);
    for (size_t i = 0; i < size; i++) {
        if (i >= token->count || token->points[i] != (uint8_t)prefix[i]) {
            return false;
        }
    }
    return true;
}

bool qr_token_negates(const struct qr_token *token, enum qr_language language, bool wishes)
{
    if (token->kind != QR_TOKEN_WORD || language >= QR_LANGUAGE_COUNT) {
        return false;
    }
    uint32_t n = token->count;
    bool contracted = language == QR_LANGUAGE_EN && n > 3 && token->points[n - 1] == 't'
        && token->points[n - 2] == '\'' && token->points[n - 3] == 'n';
    bool kein = language == QR_LANGUAGE_DE && starts_with(token, "kein");
    return contracted || kein || is_listed(negators[language], token)
        || (wishes && is_listed(wishing[language], token));
}

void qr_features_clear(struct qr_features *features)
{
    for (uint32_t i = 0; i < features->count; i++) {
        features->weights[features->slots[i]] = 0;
    }
    features->count = 0;
}

bool qr_features_insert(struct qr_features *features, uint64_t hash, uint8_t weight)
{
    uint32_t slot = (uint32_t)(hash >> 20) % QR_FEATURES_TABLE;
    while (features->weights[slot] != 0) {
        if (features->hashes[slot] == hash) {
            if (features->weights[slot] < weight) {
                features->weights[slot] = weight;
            }
            return false;
        }
        slot = (slot + 1) % QR_FEATURES_TABLE;
    }
    if (features->count == QR_FEATURES_MAX) {
        return false;
    }
    features->slots[features->count++] = slot;
    features->hashes[slot] = hash;
    features->weights[slot] = weight;
    return true;
}

/* The hashes of one start share their beginning, so each is one step more; they are added by size. */
static void add_parts(struct qr_features *features, const struct qr_token *token)
{
    uint32_t framed[QR_TOKEN_POINTS_MAX + 2];
    uint64_t hashes[3][QR_TOKEN_POINTS_MAX];
    uint32_t count = token->count + 2;
    framed[0] = framed[count - 1] = '_';
    memcpy(framed + 1, token->points, token->count * sizeof *framed);
    for (uint32_t i = 0; i + 3 <= count; i++) {
        uint64_t hash = qr_hash_begin(3);
        for (uint32_t size = 1; size <= 5 && i + size <= count; size++) {
            hash = qr_hash_step(hash, framed[i + size - 1]);
            if (size >= 3) {
                hashes[size - 3][i] = qr_mix(hash);
            }
        }
    }
    for (uint32_t size = 3; size <= 5; size++) {
        for (uint32_t i = 0; i + size <= count && size != count; i++) {
            qr_features_insert(features, hashes[size - 3][i], WEIGHT_PART);
        }
    }
}

uint8_t qr_features_weight(const struct qr_features *features, uint64_t hash)
{
    uint32_t slot = (uint32_t)(hash >> 20) % QR_FEATURES_TABLE;
    while (features->weights[slot] != 0 && features->hashes[slot] != hash) {
        slot = (slot + 1) % QR_FEATURES_TABLE;
    }
    return features->weights[slot];
}

static void add_grams(struct qr_features *features, const struct qr_token *token)
{
    for (uint32_t size = 1; size <= 3; size++) {
        for (uint32_t i = 0; i + size <= token->count; i++) {
            qr_features_insert(features, qr_hash_points(token->points + i, size, 7),
                size == 1 ? WEIGHT_PAIR : WEIGHT_WHOLE);
        }
    }
}

void qr_features_add_token(struct qr_features *features, const struct qr_token *token)
{
    if (token->kind == QR_TOKEN_CJK) {
        add_grams(features, token);
        return;
    }
    qr_features_insert(features, qr_hash_points(token->points, token->count, 1), WEIGHT_WHOLE);
    if (token->kind == QR_TOKEN_WORD) {
        add_parts(features, token);
    }
}

void qr_features_add(
    struct qr_features *features, enum qr_language language, struct quire_bytes text)
{
    struct qr_tokens tokens = {.text = text};
    struct qr_token token;
    uint64_t previous = EDGE_BEFORE;
    uint32_t negated = 0; /* so many tokens are still under a negator */
    bool any = false;
    while (qr_tokens_next(&tokens, &token)) {
        any = true;
        qr_features_add_token(features, &token);
        if (token.kind == QR_TOKEN_CJK) {
            previous = qr_hash_points(token.points, token.count, 7);
            continue;
        }
        uint64_t hash = qr_hash_points(token.points, token.count, 1);
        qr_features_insert(features, qr_mix(previous * 31 + hash), WEIGHT_PAIR);
        previous = hash;
        if (token.kind == QR_TOKEN_SYMBOL) {
            negated = 0;
        } else if (negated > 0) {
            qr_features_insert(features, qr_mix(hash ^ NEGATED), WEIGHT_WHOLE);
            negated--;
        }
        if (qr_token_negates(&token, language, false)) {
            negated = NEGATED_TOKENS;
        }
    }
    if (any) {
        qr_features_insert(features, qr_mix(previous * 31 + EDGE_AFTER), WEIGHT_PAIR);
    }
}
