/*
 * The index of a user: entries in the order of the log, and their chains.
 */
#ifndef QR_SYNC_HUB_INDEX_H
#define QR_SYNC_HUB_INDEX_H

#include "sync/hub/state.h"

/** NULL: no such chain. */
struct hub_chain *hub_chain_find(const struct hub_user *user, const uint8_t *replica);
/** 1 ≤ seq ≤ chain->accepted. */
const struct hub_entry *hub_chain_entry(
    const struct hub_user *user, const struct hub_chain *chain, uint64_t seq);
/** Adds an entry that continues its chain (made when seq is 1) or the roster. ELIMIT: too many
 * chains. ENOMEM. */
QUIRE_CHECKED enum quire_status hub_user_add(
    struct hub_user *user, const struct qr_log_entry *entry, uint64_t origin);
/** Takes back the newest entry, which is not durable. */
void hub_user_drop_newest(struct hub_user *user);

#endif
