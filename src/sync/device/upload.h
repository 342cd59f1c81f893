/*
 * WANT, PUSH, ACK, and refusals of batches.
 */
#ifndef QR_SYNC_DEVICE_UPLOAD_H
#define QR_SYNC_DEVICE_UPLOAD_H

#include "sync/device/state.h"

#define DEVICE_PUSH_MAX (32 * 1024) /* bytes of batches in one PUSH: half a minute at 1 KB/s */
#define DEVICE_PUSH_COUNT 64

void device_on_want(struct quire_device *device, const struct qr_frame *frame);
/** The server has this batch of a chain that is here, and all before it, durably. What is in flight
 * stays there: its PUSH is still to be answered, and an ERROR speaks for what is behind it. */
void device_is_on_server(struct quire_device *device, struct device_chain *chain, uint64_t seq);
void device_on_ack(struct quire_device *device, const struct qr_frame *frame);
void device_on_batch_error(struct quire_device *device, const struct qr_frame *frame);
/** Pushes as much as may go now. */
void device_upload_more(struct quire_device *device);
/** NOTICE_UPLOADED, if everything is there and the notice is due. */
void device_tell_uploaded(struct quire_device *device);
uint64_t device_upload_due_ms(const struct quire_device *device);

#endif
