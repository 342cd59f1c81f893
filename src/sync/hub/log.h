/*
 * What is accepted for a user, on its way to the disk: made durable, or rolled back.
 */
#ifndef QR_SYNC_HUB_LOG_H
#define QR_SYNC_HUB_LOG_H

#include "sync/hub/state.h"

/** Gives a record the next lsn, adds it and asks for it to be persisted. */
QUIRE_CHECKED enum quire_status hub_user_accept(struct qr_hub *hub, struct hub_user *user,
    struct qr_log_entry *entry, struct quire_bytes bytes, uint64_t origin);
void hub_persisted(struct qr_hub *hub, uint64_t lsn);
void hub_persist_failed(struct qr_hub *hub, uint64_t lsn, enum quire_status code);
/** A stored record is damaged: the user's log ends before it from now on. */
void hub_user_damaged(struct qr_hub *hub, struct hub_user *user, uint64_t lsn);

#endif
