/*
 * HELLO, CHALLENGE, AUTH, WELCOME.
 */
#ifndef QR_SYNC_HUB_HANDSHAKE_H
#define QR_SYNC_HUB_HANDSHAKE_H

#include "sync/hub/state.h"

void hub_on_hello(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame,
    struct quire_bytes bytes);
void hub_on_auth(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_on_auth_verified(struct qr_hub *hub, struct hub_connection *connection, bool valid);

#endif
