/*
 * Roster operations that the server lost: noted, and re-applied one by one.
 */
#ifndef QR_SYNC_DEVICE_LOST_OP_H
#define QR_SYNC_DEVICE_LOST_OP_H

#include "sync/device/state.h"

/** Notes what our roster says from record `fork` on and the server's does not. */
void device_note_lost_ops(struct quire_device *device, uint32_t fork);
/** Is it revoked by our roster, or by an operation that is to be re-applied? */
bool device_knows_revoked(struct quire_device *device, const uint8_t *subject);
/** Begins the next one as the append in hand, if the time is right. */
void device_lost_op_next(struct quire_device *device);
/** Signs the enrolment in hand. ENOTFOUND. */
QUIRE_CHECKED enum quire_status device_lost_op_sign(
    struct quire_device *device, struct qr_roster *roster);
void device_lost_op_done(struct quire_device *device);
void device_lost_op_failed(struct quire_device *device);

#endif
