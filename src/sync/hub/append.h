/*
 * Appending to a roster.
 */
#ifndef QR_SYNC_HUB_APPEND_H
#define QR_SYNC_HUB_APPEND_H

#include "sync/hub/state.h"

void hub_on_roster_append(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
/** The root asks what a device wrote, to pin it in a revocation. */
void hub_on_chains(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
/** Persists the records of `roster` that the user's roster lacks and takes it over. */
QUIRE_CHECKED enum quire_status hub_roster_take(
    struct qr_hub *hub, struct hub_user *user, struct qr_roster *roster, uint64_t origin);

#endif
