/*
 * Records that were written in memory over those on the disk, in order of their keys.
 */
#ifndef QR_CLIENT_OVERLAY_H
#define QR_CLIENT_OVERLAY_H

#include <quire/device.h>

struct qr_client_overlay_row {
    struct quire_buffer key, value;
    bool erased;
};

/** Zero-initialise. Invariant: rows ascend by key, each key once. */
struct qr_client_overlay {
    struct qr_client_overlay_row **rows;
    size_t count, capacity;
};

/** Wipes and frees. */
void qr_client_overlay_finish(struct qr_client_overlay *overlay);

/** All or, with ENOMEM, a first part of the writes. */
QUIRE_CHECKED enum quire_status qr_client_overlay_write(
    struct qr_client_overlay *overlay, const struct quire_write *writes, size_t count);

/** The row with this key, or NULL. */
const struct qr_client_overlay_row *qr_client_overlay_find(
    const struct qr_client_overlay *overlay, struct quire_bytes key);
/** The index of the first row whose key is not less than `key`; `count` if there is none. */
size_t qr_client_overlay_from(const struct qr_client_overlay *overlay, struct quire_bytes key);
/** NULL past the end. */
const struct qr_client_overlay_row *qr_client_overlay_at(
    const struct qr_client_overlay *overlay, size_t index);

/** As memcmp, in LMDB's order: a prefix comes first. */
int qr_client_overlay_compare(struct quire_bytes a, struct quire_bytes b);

#endif
