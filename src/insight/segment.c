/*
 * Tokens and segments.
 */
#include "insight/segment.h"
#include "base/fold.h"

struct letter {
    uint32_t point; /* folded */
    enum qr_fold_kind kind;
    size_t size; /* bytes, with the dropped marks that follow */
    bool line_end;
};

/* The code point at `position` with what is dropped behind it. Half-width kana and their voicing marks
 * become one kana. */
static struct letter letter_at(struct quire_bytes text, size_t position)
{
    struct letter letter;
    uint32_t raw = qr_fold_next(text.data + position, text.size - position, &letter.size);
    letter.line_end = raw == '\n' || raw == '\r' || raw == 0x85 || raw == 0x2028 || raw == 0x2029;
    letter.point = qr_fold_point(raw);
    letter.kind = qr_fold_kind_of(letter.point);
    while (raw >= 0x80 && position + letter.size < text.size
        && text.data[position + letter.size] >= 0x80) {
        size_t size;
        uint32_t mark = qr_fold_next(
            text.data + position + letter.size, text.size - position - letter.size, &size);
        mark = mark == 0xff9e ? 0x3099 : mark == 0xff9f ? 0x309a : mark;
        uint32_t joined = mark == 0x3099 || mark == 0x309a ? qr_fold_voiced(letter.point, mark) : 0;
        if (joined != 0) {
            letter.point = joined;
        } else if (qr_fold_kind_of(mark) != QR_FOLD_DROP) {
            break;
        }
        letter.size += size;
    }
    return letter;
}

static void add_point(struct qr_token *token, uint32_t point)
{
    uint32_t count = token->count;
    bool third =
        count >= 2 && token->points[count - 1] == point && token->points[count - 2] == point;
    if (count < QR_TOKEN_POINTS_MAX && (!third || token->kind != QR_TOKEN_WORD)) {
        token->points[token->count++] = point;
    }
}

/* An apostrophe with letters on both sides belongs to the word. */
static bool is_inner_apostrophe(
    struct quire_bytes text, size_t position, const struct letter *letter)
{
    return letter->point == '\'' && position + letter->size < text.size
        && letter_at(text, position + letter->size).kind == QR_FOLD_WORD;
}

bool qr_tokens_next(struct qr_tokens *tokens, struct qr_token *out_token)
{
    struct quire_bytes text = tokens->text;
    size_t position = tokens->position;
    struct letter letter = {0};
    out_token->ends_line = false;
    out_token->count = 0;
    while (position < text.size) {
        letter = letter_at(text, position);
        if (letter.kind != QR_FOLD_SEPARATOR && letter.kind != QR_FOLD_DROP) {
            break;
        }
        out_token->ends_line |= letter.line_end;
        position += letter.size;
    }
    if (position >= text.size) {
        tokens->position = text.size;
        return false;
    }
    enum qr_fold_kind kind = letter.kind;
    uint32_t first = letter.point;
    out_token->kind = kind == QR_FOLD_CJK ? QR_TOKEN_CJK
        : kind == QR_FOLD_SYMBOL          ? QR_TOKEN_SYMBOL
                                          : QR_TOKEN_WORD;
    out_token->begin = position;
    for (;;) {
        add_point(out_token, letter.point);
        position += letter.size;
        if (position >= text.size
            || (kind == QR_FOLD_CJK && out_token->count == QR_TOKEN_POINTS_MAX)
            || (kind == QR_FOLD_SYMBOL && out_token->count == QR_SYMBOL_RUN_MAX)) {
            break;
        }
        letter = letter_at(text, position);
        bool joins = kind == QR_FOLD_SYMBOL ? letter.point == first && letter.kind == kind
            : kind == QR_FOLD_WORD
            ? letter.kind == kind || is_inner_apostrophe(text, position, &letter)
            : letter.kind == kind;
        if (!joins) {
            break;
        }
    }
    if (kind == QR_FOLD_SYMBOL) { /* the rest of a long run says nothing more */
        while (position < text.size && (letter = letter_at(text, position)).point == first) {
            position += letter.size;
        }
    }
    out_token->end = position;
    tokens->position = position;
    return true;
}

uint32_t qr_token_weight(const struct qr_token *token)
{
    return token->kind == QR_TOKEN_CJK ? (token->count + 1) / 2 : 1;
}

static bool ends_sentence(const struct qr_token *token)
{
    uint32_t point = token->points[0];
    return token->kind == QR_TOKEN_SYMBOL
        && (point == '.' || point == '!' || point == '?' || point == 0x3002);
}

/* Tokens from `position` on, counted no further than `enough`. */
static uint32_t tokens_left(struct quire_bytes text, size_t position, uint32_t enough)
{
    struct qr_tokens tokens = {.text = text, .position = position};
    struct qr_token token;
    uint32_t count = 0;
    while (count < enough && qr_tokens_next(&tokens, &token)) {
        count += qr_token_weight(&token);
    }
    return count;
}

bool qr_segments_next(struct qr_segments *segments, struct quire_bytes *out_segment)
{
    struct qr_tokens tokens = {.text = segments->text, .position = segments->position};
    struct qr_token token;
    size_t begin = 0, end = 0;
    uint32_t count = 0;
    bool stopped = false;
    while (qr_tokens_next(&tokens, &token)) {
        uint32_t weight = qr_token_weight(&token);
        bool closing = token.kind == QR_TOKEN_SYMBOL && !token.ends_line; /* a quote, another "!" */
        bool touches =
            token.kind == QR_TOKEN_WORD && token.begin == end; /* as in 3.5 or quire.org */
        bool may_end = count >= QR_SEGMENT_TOKENS_MIN
            && ((stopped && !closing && !touches) || token.ends_line);
        if (count > 0 && (may_end || count + weight > QR_SEGMENT_TOKENS_MAX)) {
            uint32_t left = tokens_left(segments->text, end, QR_SEGMENT_TOKENS_MAX);
            if (!may_end || left >= QR_SEGMENT_TOKENS_MIN || count + left > QR_SEGMENT_TOKENS_MAX) {
                break;
            }
        }
        begin = count == 0 ? token.begin : begin;
        end = token.end;
        count += weight;
        stopped = ends_sentence(&token) || (stopped && closing);
    }
    if (count == 0) {
        segments->position = segments->text.size;
        return false;
    }
    segments->position = end;
    *out_segment = (struct quire_bytes){segments->text.data + begin, end - begin};
    return true;
}
