/*
 * The hub's invariants, asserted at the end of every step: those that cost nothing always, all of
 * them if limits.check_all is set. A violation is a mistake in the hub and ends the process; what was
 * acknowledged is on the disk.
 */
#ifndef QR_SYNC_HUB_CHECK_H
#define QR_SYNC_HUB_CHECK_H

#include "sync/hub/state.h"

/** connection: the one that the step was about, or NULL. */
void hub_check(const struct qr_hub *hub, const struct hub_connection *connection);

#endif
