/*
 * Appending to a roster, and what it admits of each chain.
 */
#ifndef QR_SYNC_HUB_ROSTER_H
#define QR_SYNC_HUB_ROSTER_H

#include "sync/hub/state.h"

void hub_on_roster_append(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame);
/** Persists the records of `roster` that the user's roster lacks and takes it over. */
QUIRE_CHECKED enum quire_status hub_roster_take(struct qr_hub *hub, struct hub_user *user,
    struct qr_roster *roster, uint64_t origin);
/** The roster changed: how much of each chain it admits. */
void hub_roster_settle(struct hub_user *user);
/** May the roster take over, as far as its revocations from record `from` on go: nobody has built on
 * what they shut out. ECONFLICT: somebody has. */
QUIRE_CHECKED enum quire_status hub_roster_admissible(struct qr_hub *hub, const struct hub_user *user,
    const struct qr_roster *roster, uint32_t from);
/** Sends the durable records from `from` on. */
void hub_send_roster(struct qr_hub *hub, struct hub_connection *connection, uint32_t from);
/** Records of the roster that are durable. */
uint32_t hub_roster_durable(const struct hub_user *user);

#endif
