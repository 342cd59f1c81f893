/*
 * From one text to another by few edits, in bounded time.
 *
 * Lines first (Myers, "An O(ND) Difference Algorithm", 1986, in its linear-space form), then the
 * code points inside the hunks that changed. Both run under one budget of steps; what the budget
 * does not reach is replaced whole, so the result is always right and only less fine.
 */
#ifndef QR_CLIENT_DIFF_H
#define QR_CLIENT_DIFF_H

#include <quire/bytes.h>

/** Erase `erase_count` code points at `old_position` of the old text, put `insert` there. */
struct qr_client_hunk {
    size_t old_position;       /* code points of the old text */
    size_t erase_count;        /* code points */
    size_t new_position;       /* code points of the new text: where `insert` stands in it */
    struct quire_bytes insert; /* borrowed from the new text */
};

/** Ascending, apart from each other, none empty. */
struct qr_client_hunks {
    struct qr_client_hunk *items;
    size_t count;
    size_t capacity;
};

/** EINVALID: either text is not well-formed UTF-8. ENOMEM. out_hunks: finish it. */
QUIRE_CHECKED enum quire_status qr_client_diff(
    struct quire_bytes old_text, struct quire_bytes new_text, struct qr_client_hunks *out_hunks);

void qr_client_hunks_finish(struct qr_client_hunks *hunks);

#endif
