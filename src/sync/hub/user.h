/*
 * A user's index in the hub: loaded, grown, rolled back, evicted.
 */
#ifndef QR_SYNC_HUB_USER_H
#define QR_SYNC_HUB_USER_H

#include "sync/hub/state.h"

/** Finds or loads a user. ENOTFOUND: the log has nothing of it. */
QUIRE_CHECKED enum quire_status hub_user_get(struct qr_hub *hub, const uint8_t *user,
    struct hub_user **out_user);
/** A user that the log has nothing of yet. */
QUIRE_CHECKED enum quire_status hub_user_new(struct qr_hub *hub, const uint8_t *user,
    struct hub_user **out_user);
/** Lets a user without connections go to the idle ones, and the oldest idle one go. */
void hub_user_rest(struct qr_hub *hub, struct hub_user *user);
void hub_user_destroy(struct hub_user *user);
/** NULL: no such chain. */
struct hub_chain *hub_chain_find(const struct hub_user *user, const uint8_t *replica);
const struct hub_entry *hub_chain_entry(const struct hub_user *user, const struct hub_chain *chain,
    uint64_t seq);
/** Adds an entry that continues its chain (made when seq is 1) or the roster. ELIMIT: too many
 * chains. ENOMEM. */
QUIRE_CHECKED enum quire_status hub_user_add(struct hub_user *user, const struct qr_log_entry *entry,
    uint64_t origin);
/** Gives a record the next lsn, adds it and asks for it to be persisted. */
QUIRE_CHECKED enum quire_status hub_user_accept(struct qr_hub *hub, struct hub_user *user,
    struct qr_log_entry *entry, struct quire_bytes bytes, uint64_t origin);
void hub_persisted(struct qr_hub *hub, uint64_t lsn);
void hub_persist_failed(struct qr_hub *hub, uint64_t lsn, enum quire_status code);
/** A stored record is damaged: the user's log ends before it from now on. */
void hub_user_damaged(struct qr_hub *hub, struct hub_user *user, uint64_t lsn);

#endif
