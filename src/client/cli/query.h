/*
 * What a search asks for: words, phrases, OR and NOT.
 *
 * The index finds entries by terms. Phrases and what must not be in an entry are looked up in the entries
 * that it found.
 */
#ifndef QR_CLIENT_CLI_QUERY_H
#define QR_CLIENT_CLI_QUERY_H

#include "client/cli/cli.h"

#define QR_CLI_ALTERNATIVES_MAX 16 /* parts that OR divides */

/** Words that an entry must hold, all of them. */
struct qr_cli_alternative {
    struct quire_buffer words;    /* for the index, each followed by a space */
    struct quire_buffer phrases;  /* folded: each one's terms, and an empty line at its end */
    struct quire_buffer unwanted; /* the same, of what must not be there */
};

/** Zero-initialise; qr_cli_query_finish. */
struct qr_cli_query {
    struct qr_cli_alternative alternatives[QR_CLI_ALTERNATIVES_MAX];
    size_t count;
    struct quire_buffer left_out; /* words that no index holds, each followed by a line feed */
};

/**
 * Reads well-formed text. EINVALID, ELIMIT: `error` (of error_size) says why, in one sentence. Each
 * alternative has words, unless there is nothing to search for in the whole text. ENOMEM.
 */
QUIRE_CHECKED enum quire_status qr_cli_query_read(
    const char *text, struct qr_cli_query *query, char *error, size_t error_size);
void qr_cli_query_finish(struct qr_cli_query *query);

/** An entry has to be opened to know. */
bool qr_cli_query_needs_document(const struct qr_cli_alternative *alternative);
/** The entry, in which the words are, holds the phrases, too, and nothing unwanted. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cli_query_holds(const struct qr_cli_alternative *alternative,
    const struct quire_document *document, bool *out_holds);

#endif
