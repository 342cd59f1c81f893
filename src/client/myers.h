/*
 * Differences of two arrays of symbols: the search under diff.h.
 */
#ifndef QR_CLIENT_MYERS_H
#define QR_CLIENT_MYERS_H

#include <quire/bytes.h>

/** Old symbols [old_from, old_to) become new symbols [new_from, new_to). Counts in symbols. */
struct qr_client_change {
    uint32_t old_from, old_to;
    uint32_t new_from, new_to;
};

/** Ascending; neighbours do not touch. Zero-initialise; free(items). */
struct qr_client_changes {
    struct qr_client_change *items;
    size_t count;
    size_t capacity;
};

/**
 * Appends the changes from old_symbols[0 … old_count) to new_symbols[0 … new_count), with `offset`
 * added to all of their places (from and to of old and new). Every comparison lowers *budget; at
 * 0 what is left becomes one change. ENOMEM: out_changes may have grown.
 */
QUIRE_CHECKED enum quire_status qr_client_myers(const uint32_t *old_symbols, uint32_t old_count,
    const uint32_t *new_symbols, uint32_t new_count, uint32_t old_offset, uint32_t new_offset,
    uint64_t *budget, struct qr_client_changes *out_changes);

#endif
