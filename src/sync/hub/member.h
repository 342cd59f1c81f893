/*
 * What one device of a user may use up. The user's budget is shared by its devices, so a hostile one
 * could drain it: when it is empty, each device still has a small share that no other device can
 * take. Connections likewise: the newest of a device replaces its oldest.
 */
#ifndef QR_SYNC_HUB_MEMBER_H
#define QR_SYNC_HUB_MEMBER_H

#include "sync/hub/state.h"

/** The budget of a device, made at its first connection since the user was loaded; zeros name the
 * root. NULL: no memory. */
struct hub_member *hub_member_of(struct hub_user *user, const uint8_t device[QR_DEVICE_SIZE]);
void hub_members_destroy(struct hub_user *user);

/** Takes from the user's budget of that kind, or else from the device's share; the milliseconds to
 * wait, 0: taken. */
uint32_t hub_budget_take(struct qr_hub *hub, struct hub_user *user, struct hub_member *member,
    enum hub_budget kind, uint64_t amount);

/** Frees a slot for one more connection of the device, if it or its user has too many. */
void hub_make_slot(struct qr_hub *hub, struct hub_user *user, const struct hub_member *member);

#endif
