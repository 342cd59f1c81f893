/*
 * What a roster admits of each chain, and whether a longer one may take over.
 */
#ifndef QR_SYNC_HUB_ROSTER_H
#define QR_SYNC_HUB_ROSTER_H

#include "sync/hub/state.h"

/** The roster changed: how much of each chain it admits. */
void hub_roster_settle(struct hub_user *user);
/** May the roster take over, as far as its revocations from record `from` on go: no batch of
 * another device depends on what they shut out. ECONFLICT: one does. ESTATE: part of the log has
 * to be looked through first, and hub_note_more does it; what is noted stays noted. */
QUIRE_CHECKED enum quire_status hub_roster_admissible(
    struct qr_hub *hub, struct hub_user *user, const struct qr_roster *roster, uint32_t from);
/** The next slice of one log that is looked through. The user if it is done, and nothing else keeps
 * it in memory for that any more; else NULL. */
struct hub_user *hub_note_more(struct qr_hub *hub);
/** Notes in each chain how far another device's batch depends on it. */
void hub_note_deps(struct hub_user *user, const struct qr_batch *batch);
/** Do the revocations from record `from` on pin chains that the server knows, QR_UNKNOWN_PINS_MAX
 * others each at most? */
bool hub_roster_pins_known(
    const struct hub_user *user, const struct qr_roster *roster, uint32_t from);
/** Sends the durable records from `from` on. */
void hub_send_roster(struct qr_hub *hub, struct hub_connection *connection, uint32_t from);
/** Records of the roster that are durable. */
uint32_t hub_roster_durable(const struct hub_user *user);

#endif
