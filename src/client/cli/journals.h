/*
 * Several journals in one account: each entry names the one that it belongs to.
 */
#ifndef QR_CLIENT_CLI_JOURNALS_H
#define QR_CLIENT_CLI_JOURNALS_H

#include "client/cli/cli.h"

#define QR_CLI_JOURNAL_DEFAULT "diary" /* of entries that name none */
#define QR_CLI_JOURNAL_OPTION \
    { \
        "journal", "NAME", "entries of this journal only" \
    }

/** The journal's name as it is shown. Borrowed from the document. */
struct quire_bytes qr_cli_journal_of(const struct quire_document *document);
/** An entry's journal is the one that is meant, capitals and accents aside. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_cli_journal_is(
    struct quire_bytes journal, const char *wanted, bool *out_is);
/** Puts an entry into a journal; the default one's name, into none. As quire_document_set_journal. */
QUIRE_CHECKED enum quire_status qr_cli_journal_set(
    struct quire_document *document, const struct quire_stamp *stamp, const char *name);

#endif
