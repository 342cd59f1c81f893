/*
 * A text as folded tokens, and as segments: the passages that the model reads one by one.
 *
 * Any bytes are a text: ill-formed UTF-8 reads as U+FFFD, which separates.
 */
#ifndef QR_INSIGHT_SEGMENT_H
#define QR_INSIGHT_SEGMENT_H

#include <quire/bytes.h>

#define QR_TOKEN_POINTS_MAX 60 /* a word is cut there; a run of CJK goes on as the next token */
#define QR_SYMBOL_RUN_MAX 3
#define QR_SEGMENT_TOKENS_MIN 6 /* a shorter passage joins its neighbour */
#define QR_SEGMENT_TOKENS_MAX 40

enum qr_token_kind { QR_TOKEN_WORD, QR_TOKEN_SYMBOL, QR_TOKEN_CJK };

struct qr_token {
    enum qr_token_kind kind;
    bool ends_line;    /* a line ended between the token before and this one */
    uint32_t count;    /* code points */
    size_t begin, end; /* bytes in the text */
    uint32_t points[QR_TOKEN_POINTS_MAX];
};

/** Reads tokens one by one. Set `text`, zero the rest. */
struct qr_tokens {
    struct quire_bytes text; /* borrowed */
    size_t position;         /* bytes read */
};

/** The next token; false at the end. A letter that stands three times or more in a row counts twice. */
bool qr_tokens_next(struct qr_tokens *tokens, struct qr_token *out_token);

/** How much a token counts towards a segment: 1, and half a token for each CJK character. */
uint32_t qr_token_weight(const struct qr_token *token);

/** Reads segments one by one. Set `text`, zero the rest. */
struct qr_segments {
    struct quire_bytes text; /* borrowed */
    size_t position;
};

/**
 * The next segment, as a range of the text; false at the end. A segment ends at a line's end and after
 * . ! ? 。！？ if it has QR_SEGMENT_TOKENS_MIN tokens, and after QR_SEGMENT_TOKENS_MAX in any case.
 */
bool qr_segments_next(struct qr_segments *segments, struct quire_bytes *out_segment);

#endif
