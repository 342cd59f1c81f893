/*
 * HELLO, CHALLENGE, AUTH, WELCOME.
 */
#ifndef QR_SYNC_HUB_HANDSHAKE_H
#define QR_SYNC_HUB_HANDSHAKE_H

#include "sync/hub/state.h"

void hub_on_hello(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
void hub_on_auth(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
/** The signature of AUTH, or those of the records it brings, are checked: so many from the first on
 * hold. */
void hub_on_auth_verified(struct qr_hub *hub, struct hub_connection *connection, size_t valid);
/** Answers HELLO where the index is loaded by now. */
void hub_handshakes_go_on(struct qr_hub *hub);
/** Frees what only a handshake needs. */
void hub_handshake_leave(struct qr_hub *hub, struct hub_connection *connection);
/** A new account for the connection, if its address may make one. ESTATE: it may not, and was told. */
QUIRE_CHECKED enum quire_status hub_birth(
    struct qr_hub *hub, struct hub_connection *connection, struct hub_user **out_user);

#endif
