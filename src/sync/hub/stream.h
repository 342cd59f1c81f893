/*
 * SUB, WANT, DELTA, CAUGHT_UP, PRESENCE.
 */
#ifndef QR_SYNC_HUB_STREAM_H
#define QR_SYNC_HUB_STREAM_H

#include "sync/hub/state.h"

void hub_on_sub(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame,
    struct quire_bytes bytes);
void hub_stream(struct qr_hub *hub, struct hub_connection *connection);
void hub_presence(struct qr_hub *hub, struct hub_user *user);

#endif
