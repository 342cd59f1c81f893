/*
 * Between a profile and a journal on its way: reading entries out, and writing entries in.
 */
#ifndef QR_CLIENT_MOVING_APPLY_H
#define QR_CLIENT_MOVING_APPLY_H

#include "client/moving/journal.h"
#include <quire/client.h>

#define QR_MOVING_BATCH 100                     /* entries in one transaction */
#define QR_MOVING_BATCH_BYTES ((size_t)8 << 20) /* of text in one transaction */

/** Fills an empty entry from a document: what it shows. out_also: values of registers that other devices
 * wrote at the same time and that the entry does not show. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_moving_read_document(const uint8_t id[QUIRE_ENTRY_SIZE],
    const struct quire_document *document, struct qr_moving_entry *out_entry, size_t *out_also);

/** What an import does with one entry. */
enum qr_moving_fate {
    QR_MOVING_NEW,     /* it is made */
    QR_MOVING_THERE,   /* it is in the journal already, the same */
    QR_MOVING_DIFFERS, /* it is in the journal, not the same, and stays as it is there */
    QR_MOVING_CHANGED, /* it is made the same as in the file */
    QR_MOVING_DELETED, /* it is deleted, as in the file */
    QR_MOVING_EMPTY,   /* there is nothing in it */
    QR_MOVING_FATE_COUNT
};

struct qr_moving_plan {
    enum qr_moving_fate *fates; /* one for each entry of the journal; free() */
    uint64_t counts[QR_MOVING_FATE_COUNT];
    uint64_t entries; /* in the profile before, without deleted ones */
};

/**
 * Compares a journal with the open profile. Entries without an id get theirs: derived from `format` and
 * their source name, the same on each import into this profile. An entry without an id whose title, date
 * and text are already in the profile under another id counts as THERE. update: entries that differ
 * become CHANGED or DELETED, else they stay DIFFERS. EIO, ECORRUPT, ENOMEM.
 */
QUIRE_CHECKED enum quire_status qr_moving_compare(struct quire_client *client, const char *format,
    struct qr_moving_journal *journal, bool update, struct qr_moving_plan *out_plan);

/** More than a tenth of the profile's entries would be changed or deleted. */
bool qr_moving_brakes(const struct qr_moving_plan *plan);

/**
 * Writes what the plan says, QR_MOVING_BATCH entries in one transaction. progress may be NULL; false from
 * it ends the import after what is durable then. out_written: entries that are durable, whatever the
 * result. EIO, EFULL, ENOMEM: the profile is closed.
 */
QUIRE_CHECKED enum quire_status qr_moving_apply(struct quire_client *client,
    const struct qr_moving_journal *journal, const struct qr_moving_plan *plan,
    bool (*progress)(void *context, uint64_t done, uint64_t all), void *context,
    uint64_t *out_written);

#endif
