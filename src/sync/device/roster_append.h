/*
 * The roster append in hand: made, sent, answered.
 */
#ifndef QR_SYNC_DEVICE_ROSTER_APPEND_H
#define QR_SYNC_DEVICE_ROSTER_APPEND_H

#include "sync/device/state.h"

/** Makes and sends the append in hand, if there is one and the time is right. */
void device_append_try(struct quire_device *device);
uint64_t device_append_due_ms(const struct quire_device *device);
void device_on_roster_done(struct quire_device *device, const struct qr_frame *frame);
/** ERROR about the append in hand. */
void device_append_refused(struct quire_device *device, uint32_t code, uint32_t retry_ms);
/** REVOKE. */
void device_revoke(struct quire_device *device, const uint8_t *subject);

#endif
