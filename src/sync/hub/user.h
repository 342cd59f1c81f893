/*
 * A user in the hub's memory: loaded and evicted.
 */
#ifndef QR_SYNC_HUB_USER_H
#define QR_SYNC_HUB_USER_H

#include "sync/hub/state.h"

/** Finds or loads a user. ENOTFOUND: the log has nothing of it. ESTATE: its index is being loaded,
 * and hub_load_more goes on. EIO. */
QUIRE_CHECKED enum quire_status hub_user_get(
    struct qr_hub *hub, const uint8_t *user, struct hub_user **out_user);
/** A user that the log has nothing of yet. */
QUIRE_CHECKED enum quire_status hub_user_new(
    struct qr_hub *hub, const uint8_t *user, struct hub_user **out_user);
/** The next slice of one index that is being loaded. */
void hub_load_more(struct qr_hub *hub);
void hub_loads_destroy(struct qr_hub *hub);
/** Lets a user without connections go to the idle ones, and evicts the oldest idle ones. */
void hub_user_rest(struct qr_hub *hub, struct hub_user *user);
/** Takes it from the idle ones. */
void hub_user_wake(struct qr_hub *hub, struct hub_user *user);
/** Bytes of memory that its index takes, about. */
uint64_t hub_user_memory(const struct hub_user *user);
void hub_user_destroy(struct hub_user *user);

#endif
