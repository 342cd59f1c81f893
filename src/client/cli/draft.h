/*
 * What is written in an editor, from before it starts until it is saved or thrown away.
 *
 * A draft is on the disk, encrypted, before the editor has its file, and follows that file while the
 * editor runs. The file itself is in the runtime folder, in memory. So whatever dies, the words are found
 * again: `quire drafts` lists them, and status, list and edit mention them.
 */
#ifndef QR_CLIENT_CLI_DRAFT_H
#define QR_CLIENT_CLI_DRAFT_H

#include "client/cli/cli.h"
#include "client/drafts.h"

struct qr_cli_draft {
    char name[QR_CLIENT_SEALED_NAME];
    bool is_new;                     /* of an entry that does not exist yet */
    uint8_t entry[QUIRE_ENTRY_SIZE]; /* meaningful unless is_new */
    int64_t started_ms;              /* wall clock */
    bool detached;                   /* its editor came back at once: a window may still be open */
    struct quire_buffer before;      /* the text that the editor began with */
    struct quire_buffer snapshot;    /* of the entry at that time; empty if is_new */
    struct quire_buffer text;        /* what was written, as far as it is known */
    struct quire_buffer options;     /* of `write`: each with a final zero */
};

/** Wipes and frees. */
void qr_cli_draft_finish(struct qr_cli_draft *draft);

/** Makes a draft durable, with a name of its own. It needs before and, unless is_new, entry and snapshot. */
enum qr_cli_exit qr_cli_draft_begin(struct qr_cli *cli, struct qr_cli_draft *draft);

/**
 * Opens it in the editor. out_edited: draft->text is to be saved; else everything was said (and exit is
 * DONE where nothing was to be done). The draft stays until qr_cli_draft_remove, unless nothing is in it.
 */
enum qr_cli_exit qr_cli_draft_edit(
    struct qr_cli *cli, struct qr_cli_draft *draft, bool *out_edited);

/** Removes the draft and its file. */
void qr_cli_draft_remove(struct qr_cli *cli, const struct qr_cli_draft *draft);

/** A sentence on stderr: the draft is kept, and how to come back to it. */
void qr_cli_draft_print_kept(struct qr_cli *cli);

/**
 * The draft of this entry (NULL: of a new one) that was left behind, if the user is asked on a terminal and
 * wants it; else out_found is false. Prints that there is one where nothing can be asked.
 */
enum qr_cli_exit qr_cli_draft_offer(
    struct qr_cli *cli, const uint8_t *entry, struct qr_cli_draft *out_draft, bool *out_found);

/** How many drafts are left behind; takes in what their editors wrote. */
size_t qr_cli_draft_count(struct qr_cli *cli);
/** A line on stderr if there are any. */
void qr_cli_draft_print_notice(struct qr_cli *cli);

/** For drafts.c: reads one. As qr_client_draft_read; ECORRUPT. */
QUIRE_CHECKED enum quire_status qr_cli_draft_read(
    struct qr_cli *cli, const char *name, struct qr_cli_draft *out_draft);
/** An editor, or the command that waits for it, has the draft now. */
bool qr_cli_draft_is_open(const struct qr_cli_draft *draft);
/** Its command is gone: what its file holds goes into the draft, and the file away. */
void qr_cli_draft_absorb(struct qr_cli *cli, struct qr_cli_draft *draft);
bool qr_cli_draft_is_changed(const struct qr_cli_draft *draft);

/** Saves a draft's text into the journal (journal.c). */
enum qr_cli_exit qr_cli_save_draft(struct qr_cli *cli, struct qr_cli_draft *draft);

#endif
