/*
 * The connection as every flow uses it: said HELLO, subscribed, closed.
 */
#ifndef QR_SYNC_DEVICE_CONNECTION_H
#define QR_SYNC_DEVICE_CONNECTION_H

#include "sync/device/state.h"

/** HELLO: who we are. */
void device_hello(struct quire_device *device);
/** SUB: what is here. Uploads begin anew with the WANT that answers it. */
void device_subscribe(struct quire_device *device);
/** Something does not match: SUB again soon, later each time. */
void device_resubscribe_later(struct quire_device *device);
/** Closes the connection, the next one not before retry_ms; forgets what belongs to it. */
void device_close(struct quire_device *device, uint32_t retry_ms);
/** The connection ended: forgets what belongs to it. */
void device_disconnected(struct quire_device *device);
/** The append in hand was not answered, or refused: it waits and is tried again. */
void device_append_interrupted(struct quire_device *device);
/** A frame to the pairing's mailbox. */
void device_send_pair(struct quire_device *device, enum qr_pair_step step, struct quire_bytes data);
/** Shows no code any longer. */
void device_pair_close(struct quire_device *device);

#endif
