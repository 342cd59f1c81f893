/*
 * Mailboxes for pairing.
 */
#ifndef QR_SYNC_HUB_PAIR_H
#define QR_SYNC_HUB_PAIR_H

#include "sync/hub/state.h"

void hub_on_pair(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes);
void hub_pair_closed(struct qr_hub *hub, struct hub_connection *connection);
/** Closes the mailboxes that are older than limits.mailbox_ms. */
void hub_pair_expire(struct qr_hub *hub);

#endif
