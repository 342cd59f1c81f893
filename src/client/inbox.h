/*
 * Edits for a profile that another process holds: encrypted files in the profile's folder `inbox`.
 *
 * A command that finds the profile held writes what it edited there, durably, and is done. The process
 * that holds the profile, or opens it next, merges the files into the entries and removes them. Readers merge them in
 * memory, so that what was saved is shown at once. Merging one twice changes nothing.
 *
 *     file = u8 1 ‖ entry 16 ‖ delta (quire_document_encode_pending)       name = 12 hex digits of the wall
 *     clock in ms ‖ 4 random ones: files are merged in the order of their names
 */
#ifndef QR_CLIENT_INBOX_H
#define QR_CLIENT_INBOX_H

#include "client/shell.h"

#define QR_CLIENT_INBOX_MAX 4096 /* files taken at once; the rest by the next call */

/** Writes the pending edits of an entry, durably. EIO, EFULL, ENOMEM, ELIMIT. */
QUIRE_CHECKED enum quire_status qr_client_inbox_write(
    struct quire_client *client, const uint8_t entry[QUIRE_ENTRY_SIZE], struct quire_bytes delta);

/** What lies in an inbox, opened. Zero-initialise. */
struct qr_client_inbox {
    struct qr_client_inbox_item {
        char name[QR_CLIENT_SEALED_NAME];
        struct quire_buffer content;
    } * items; /* in the order of their names */
    size_t count;
};

/**
 * Reads the inbox. A reader does this before it opens the records: what another process merges and
 * removes in between is then in both, never in neither. A file that does not open is left out. ENOMEM, EIO.
 */
QUIRE_CHECKED enum quire_status qr_client_inbox_read(
    struct quire_client *client, struct qr_client_inbox *out_inbox);

/**
 * Merges and saves its items. With `remove` (the lock is held, and the records are on the disk) each file
 * goes once it is saved. One that does not merge stays where it is. As feed.
 */
QUIRE_CHECKED enum quire_status qr_client_inbox_merge(
    struct quire_client *client, const struct qr_client_inbox *inbox, bool remove);

/** Wipes and frees. */
void qr_client_inbox_finish(struct qr_client_inbox *inbox);

/** Reads, merges and removes, for the process that holds the lock. As feed. */
QUIRE_CHECKED enum quire_status qr_client_inbox_drain(struct quire_client *client);

#endif
