/*
 * Which entries a list shows, beside its period: by mood, title, tags, emotions, and when they changed.
 */
#ifndef QR_CLIENT_CLI_FILTER_H
#define QR_CLIENT_CLI_FILTER_H

#include "client/cli/journals.h"

/** The rows of a command's table of options. */
#define QR_CLI_FILTER_OPTIONS \
    QR_CLI_JOURNAL_OPTION, \
        {"tag", "NAME", "entries with this tag only; may be repeated: with all of them"}, \
        {"emotion", "NAME", "entries with this emotion only; may be repeated"}, \
        {"mood", "RANGE", "entries with this mood only: 40, 40..60, 40.. or ..60"}, \
        {"title", "TEXT", "entries whose titles hold this text only"}, \
    { \
        "changed-since", "DATE", "entries that changed here on this day or later only" \
    }

struct qr_cli_filter {
    const struct qr_cli_args *args;
    bool has_mood, has_title, has_elements;
    int64_t mood_min, mood_max;
    int64_t changed_since_ms;  /* wall clock; INT64_MIN: any */
    struct quire_buffer title; /* its terms */
};

/** Reads the options; a usage error where one is none. qr_cli_filter_finish, also after a failure. */
enum qr_cli_exit qr_cli_read_filter(struct qr_cli *cli, struct qr_cli_filter *out_filter);
void qr_cli_filter_finish(struct qr_cli_filter *filter);

/** As far as the summary tells. */
bool qr_cli_filter_summary(const struct qr_cli_filter *filter, const struct quire_summary *summary);
/** The rest, for entries that passed: journal, tags and emotions, folded as a search folds them. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cli_filter_document(
    const struct qr_cli_filter *filter, const struct quire_document *document, bool *out_passes);

#endif
