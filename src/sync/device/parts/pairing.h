/*
 * A pairing: the shared secret, on either side, and what the old device knows of the new one.
 */
#ifndef QR_SYNC_DEVICE_PARTS_PAIRING_H
#define QR_SYNC_DEVICE_PARTS_PAIRING_H

#include "crypto/pair.h"

#define DEVICE_PAIR_AGAIN_MS (2 * 60 * 1000) /* a reply that was lost is sent again for so long */

/** Invariant: open only with a secret; until_ms only while open. */
struct device_pairing {
    struct qr_pair *secret; /* owned */
    bool open;              /* the old device's side: a code is shown */
    uint64_t until_ms; /* it replied, and replies to the same device again until then; 0: not yet */
    uint8_t device[QR_DEVICE_SIZE]; /* the new device, to which it replies */
    struct quire_buffer request;    /* its content: keys and name */
};

#endif
