/*
 * What a flow asks of the host: records, frames and notices.
 */
#ifndef QR_SYNC_DEVICE_ACTIONS_H
#define QR_SYNC_DEVICE_ACTIONS_H

#include "sync/device/state.h"

void device_write(struct quire_device *device, struct quire_bytes key, struct quire_bytes value);
/** The value is what device->out.bytes has from `offset` on. */
void device_write_made(struct quire_device *device, struct quire_bytes key, size_t offset);
void device_erase(struct quire_device *device, struct quire_bytes key);
/** Sends a frame; nothing without a connection. */
void device_send(struct quire_device *device, const struct qr_frame *frame);
void device_notice(struct quire_device *device, enum quire_notice_kind notice, uint32_t code);
/** REFUSED, with what the server says about it: of `auth` the Host header that it saw. */
void device_notice_refused(struct quire_device *device, uint32_t code, struct quire_bytes data);
void device_notice_entry(struct quire_device *device, const uint8_t *entry);
void device_notice_device(
    struct quire_device *device, enum quire_notice_kind notice, const uint8_t *subject);
void device_notice_text(
    struct quire_device *device, enum quire_notice_kind notice, const char *text);
/** Puts the step's transaction first, then the other actions. ENOMEM. */
QUIRE_CHECKED enum quire_status device_end_step(
    struct quire_device *device, struct quire_actions *out_actions);

#endif
