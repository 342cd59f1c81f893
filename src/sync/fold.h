/*
 * The fold: what every entry is at a cut, out of the settled states and the batches between.
 *
 *   state(entry) = settled(entry) ⊕ the OPS of the entry in those batches, in canonical order
 *
 * A pure function: any device that has the same batches makes the same states, in whichever order it got
 * them and into however many slices it cuts the work. It never sees a live document, which holds
 * edits that are not sealed yet, and later ones.
 *
 * Canonical order: a batch stands behind the one before it in its chain and behind its dependencies; of those
 * that may come next the one with the least (replica, seq) does. A change that does not merge at its
 * place is skipped.
 *
 * Use:    add every batch of the cut that is not in the settled cut; begin; step until done.
 * Memory: about 130 bytes a batch and 32 a change, and one document at a time.
 * Errors: a fold that failed with ENOMEM or EIO may be stepped again; after any other it is of no use.
 */
#ifndef QR_SYNC_FOLD_H
#define QR_SYNC_FOLD_H

#include "codec/batch.h"

struct qr_fold;

/** What the fold reads and gives; borrowed for one call. */
struct qr_fold_source {
    void *context;
    /** Appends the settled state of an entry. ENOTFOUND: it has none. */
    enum quire_status (*settled)(
        void *context, const uint8_t *entry, struct quire_buffer *out_state);
    /** Appends what a change holds, opened. ECRYPTO, EMALFORMED: it holds nothing, for any device.
     * EUNSUPPORTED: a later version wrote it; nothing can be folded here. */
    enum quire_status (*change)(void *context, const uint8_t *replica, uint64_t seq, uint32_t index,
        struct quire_buffer *out_delta);
    /** Takes note of an entry's state at the cut; entries come in ascending order, each once. */
    enum quire_status (*folded)(void *context, const uint8_t *entry, struct quire_bytes state);
};

/** ENOMEM. */
QUIRE_CHECKED enum quire_status qr_fold_create(struct qr_fold **out_fold);
/** Accepts NULL. */
void qr_fold_destroy(struct qr_fold *fold);
/** Adds a batch of the cut, in any order; what it points to is not kept. EUNSUPPORTED: of a later version, or
 * with a reserved kind. ENOMEM: not added. */
QUIRE_CHECKED enum quire_status qr_fold_add(struct qr_fold *fold, const struct qr_batch *batch);
/** Brings what was added into canonical order. EMALFORMED: a batch was added twice, a chain has a gap, or a
 * dependency that is above the settled cut is missing: the cut is not closed. ENOMEM: may be called again. */
QUIRE_CHECKED enum quire_status qr_fold_begin(struct qr_fold *fold);
/** Merges at most `change_count` changes more. Errors: those of the source. EMALFORMED: a settled state
 * is none. */
QUIRE_CHECKED enum quire_status qr_fold_step(
    struct qr_fold *fold, const struct qr_fold_source *source, size_t change_count, bool *out_done);

/** Changes that were skipped so far, since they did not merge. */
size_t qr_fold_skipped(const struct qr_fold *fold);
/** Changes there are, and entries that they are of (known from begin on). */
size_t qr_fold_changes(const struct qr_fold *fold);
size_t qr_fold_entries(const struct qr_fold *fold);

#endif
