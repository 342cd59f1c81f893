/*
 * Replica chains: hashes of batches, the next batch, and batches that are read again.
 */
#ifndef QR_SYNC_DEVICE_CHAINS_H
#define QR_SYNC_DEVICE_CHAINS_H

#include "sync/device/state.h"

/** Finds or adds. NULL: out of memory (the step failed) or too many chains. */
struct device_chain *device_chain_get(
    struct quire_device *device, const uint8_t *replica, const uint8_t *author);
/** The hash of a batch that is here. ENOTFOUND, ECORRUPT, EIO, ENOMEM. */
QUIRE_CHECKED enum quire_status device_chain_hash(struct quire_device *device,
    const struct device_chain *chain, uint64_t seq, uint8_t out_hash[QR_HASH_SIZE]);
/** Is this the damaged batch? Then it is written again. */
bool device_chain_mend(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash);
/** Makes a batch the head: what it depends on is covered. */
void device_chain_advance(struct quire_device *device, struct device_chain *chain,
    const struct qr_batch *batch, const uint8_t *hash);

#endif
