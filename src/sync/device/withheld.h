/*
 * The omission rule: a server that withholds our writes from another device is noticed.
 */
#ifndef QR_SYNC_DEVICE_WITHHELD_H
#define QR_SYNC_DEVICE_WITHHELD_H

#include "sync/device/state.h"

/* caught up so long after our ACK, and knew nothing of it */
#define DEVICE_WITHHELD_MS (10 * 60 * 1000)
#define DEVICE_CLOCK_AHEAD_MS UINT64_C(86400000) /* a clock that is more ahead of ours is wrong */

/** Our chain is acknowledged up to seq, now; back to less after a loss. */
void device_note_ack(struct quire_device *device, uint64_t seq);
/** A batch is about to be the head of its chain: notes what its causal past holds of our chain. */
void device_note_sight(
    struct quire_device *device, struct device_chain *chain, const struct qr_batch *batch);
/** Raises the alarm if the server withheld our writes from the author of the chain. A hint: it rests
 * on clocks. */
void device_check_withheld(struct quire_device *device, const struct device_chain *chain);
/** Our chain is a new one: forgets what was known of the old one. */
void device_forget_withheld(struct quire_device *device);

#endif
