/*
 * PUSH: verify, accept, persist, acknowledge.
 */
#ifndef QR_SYNC_HUB_PUSH_H
#define QR_SYNC_HUB_PUSH_H

#include "sync/hub/state.h"

void hub_on_push(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
void hub_on_push_verified(struct qr_hub *hub, struct hub_push *push, size_t valid);
void hub_push_destroy(struct qr_hub *hub, struct hub_push *push);
/** Tells a connection what has become durable of what it waits for. */
void hub_acknowledge(struct qr_hub *hub, struct hub_connection *connection);

#endif
