/*
 * Pending edits become signed batches.
 */
#ifndef QR_SYNC_DEVICE_SEAL_H
#define QR_SYNC_DEVICE_SEAL_H

#include "sync/device/state.h"

/* bytes of pending edits that are sealed at once: small saves share a batch, of which a server
 * takes few a second */
#define DEVICE_SEAL_SIZE (16 * 1024)
/* another device is connected: when nothing was typed for so long … */
#define DEVICE_SEAL_IDLE_MS 1000
#define DEVICE_SEAL_LATEST_MS 10000  /* … or this long after the first pending edit */
#define DEVICE_SEAL_ALONE_MS 30000   /* no other device is connected, or this one is not */
#define DEVICE_DELTA_MAX (24 * 1024) /* plaintext of one change */

uint64_t device_seal_due_ms(const struct quire_device *device);
/** Seals what is due. */
void device_seal(struct quire_device *device);
/** Nothing prevents a batch of ours, now. */
bool device_may_seal(const struct quire_device *device);
/** Publishes our version vector: batches with nothing but deps. False: the step failed. */
bool device_seal_heads(struct quire_device *device);

#endif
