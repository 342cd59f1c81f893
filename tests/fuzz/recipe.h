/*
 * Batches, records and frames that a few bytes of a script choose: well formed and well signed by
 * true keys, and wrong in what the bytes say. So a fuzzer gets behind the signatures.
 */
#ifndef QUIRE_FUZZ_RECIPE_H
#define QUIRE_FUZZ_RECIPE_H

#include "../unit/sync/forge.h"
#include "codec/frame.h"

#define RECIPE_VAULTS 4
#define RECIPE_CHAINS 8
#define RECIPE_BATCH_SIZE 4 /* bytes of a script for one batch */

/** Whose keys there are, and how far their chains have come as they think. */
struct recipe {
    const struct qr_vault *vaults[RECIPE_VAULTS]; /* borrowed; the first is in the roster */
    const struct qr_roster *roster;               /* borrowed; may grow */
    struct forger chains[RECIPE_CHAINS];          /* chain i is of vault i modulo RECIPE_VAULTS */
    /* what the last frame borrows from */
    struct quire_buffer bytes;
    struct qr_frame_space space;
};

/** The other three devices' keys, the same in every run. */
void recipe_init(
    struct recipe *recipe, const struct qr_vault *first, const struct qr_roster *roster);
void recipe_finish(struct recipe *recipe);

/** A DELTA or PUSH of one batch for every RECIPE_BATCH_SIZE bytes. False: none. */
bool recipe_batches(struct recipe *recipe, struct quire_bytes script, struct quire_bytes *out_items,
    size_t *out_count);
/** One record: an ADD, REVOKE or EPOCH after the roster's head. False: none can be made. */
bool recipe_record(
    struct recipe *recipe, struct quire_bytes script, struct quire_buffer *out_record);
/** Positions or ranges of the chains, two bytes each; returns how many. */
size_t recipe_positions(struct recipe *recipe, struct quire_bytes script);
size_t recipe_ranges(struct recipe *recipe, struct quire_bytes script);
/** A byte of the script; 0 behind its end. */
uint8_t recipe_byte(struct quire_bytes script, size_t index);

#endif
