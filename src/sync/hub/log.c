/*
 * What is accepted for a user, on its way to the disk: made durable, or rolled back.
 */
#include "sync/hub/log.h"
#include "sync/hub/index.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include <stdlib.h>

#define RETRY_STORE_MS 30000
#define FULL_MS 500 /* after which a batch is tried again */

static bool has_pending(const struct hub_user *user)
{
    return user->durable_count < user->entry_count;
}

static bool push_pending(struct qr_hub *hub, uint64_t lsn, struct hub_user *user)
{
    if (hub->pending_count == hub->pending_capacity) {
        size_t capacity = hub->pending_capacity == 0 ? 256 : hub->pending_capacity * 2;
        struct hub_pending *ring = malloc(capacity * sizeof *ring);
        if (ring == NULL) {
            return false;
        }
        for (size_t i = 0; i < hub->pending_count; i++) {
            ring[i] = hub->pending[(hub->pending_first + i) % hub->pending_capacity];
        }
        free(hub->pending);
        hub->pending = ring;
        hub->pending_first = 0;
        hub->pending_capacity = capacity;
    }
    size_t slot = (hub->pending_first + hub->pending_count++) % hub->pending_capacity;
    hub->pending[slot] = (struct hub_pending){lsn, user};
    return true;
}

/* Dirty users are looked at once, when the step ends: step.c. */
static void mark_dirty(struct qr_hub *hub, struct hub_user *user)
{
    if (!user->dirty) {
        user->dirty = true;
        user->next_dirty = hub->dirty;
        hub->dirty = user;
    }
}

static void make_durable(struct qr_hub *hub, struct hub_user *user)
{
    const struct hub_entry *entry = &user->entries[user->durable_count++];
    if (entry->chain != HUB_ROSTER_CHAIN) {
        user->chains[entry->chain].durable = entry->seq;
    }
    mark_dirty(hub, user);
}

enum quire_status hub_user_accept(struct qr_hub *hub, struct hub_user *user,
    struct qr_log_entry *entry, struct quire_bytes bytes, uint64_t origin)
{
    entry->lsn = hub->next_lsn;
    entry->size = (uint32_t)bytes.size;
    enum quire_status status = hub_user_add(user, entry, origin);
    if (status != QUIRE_OK) {
        return status;
    }
    if (!push_pending(hub, entry->lsn, user)) {
        hub_user_drop_newest(user);
        return QUIRE_ENOMEM;
    }
    hub->next_lsn++;
    hub_persist(hub, user, entry, bytes);
    if (QR_FAILPOINT_ON(ACK_BEFORE_COMMIT)) {
        make_durable(hub, user);
    }
    return QUIRE_OK;
}

void hub_persisted(struct qr_hub *hub, uint64_t lsn)
{
    lsn += QR_FAILPOINT_ON(ACK_ONE_TOO_MANY);
    while (hub->pending_count > 0 && hub->pending[hub->pending_first].lsn <= lsn) {
        struct hub_user *user = hub->pending[hub->pending_first].user;
        hub->pending_first = (hub->pending_first + 1) % hub->pending_capacity;
        hub->pending_count--;
        if (!QR_FAILPOINT_ON(ACK_BEFORE_COMMIT)) {
            make_durable(hub, user);
        }
    }
}

static void rebuild_roster(struct qr_hub *hub, struct hub_user *user, uint32_t count)
{
    struct qr_roster kept = {0};
    for (uint32_t seq = 0; seq < count; seq++) {
        if (qr_roster_append(&kept, qr_roster_record(&user->roster, seq)) != QUIRE_OK) {
            hub->out.failed = true;
            break;
        }
    }
    qr_roster_finish(&user->roster);
    user->roster = kept;
    hub_roster_settle(user);
}

/* Back to what is durable; the connections that wait are told, and may try again later. */
static void roll_back(struct qr_hub *hub, struct hub_user *user, const struct hub_refusal *refusal)
{
    struct hub_connection *connection, *next;
    DL_FOREACH (user->connections, connection) {
        for (size_t i = 0; i < connection->mark_count; i++) {
            const struct hub_mark *mark = &connection->marks[i];
            const struct hub_chain *chain = &user->chains[mark->chain];
            if (mark->upto > chain->durable) {
                struct hub_refusal batch = *refusal;
                batch.replica = chain->replica;
                batch.seq = chain->durable + 1;
                hub_refuse(hub, connection, &batch);
            }
        }
        connection->mark_count = 0;
        if (connection->append_lsn != 0) {
            connection->append_lsn = 0;
            hub_refuse(hub, connection, refusal);
        }
    }
    uint32_t roster_count = hub_roster_durable(user);
    DL_FOREACH_SAFE (user->connections, connection, next) {
        if (connection->state == HUB_READY && connection->roster_count > roster_count) {
            /* Its AUTH brought records that are lost again: it has to bring them once more. */
            hub_refuse(hub, connection,
                &(struct hub_refusal){.code = QR_ERROR_OVERLOADED,
                    .fatal = true,
                    .retry_ms = RETRY_STORE_MS,
                    .cause = "the store refused its roster"});
        }
    }
    while (user->entry_count > user->durable_count) {
        hub_user_drop_newest(user);
    }
    if (roster_count < user->roster.count) {
        rebuild_roster(hub, user, roster_count);
    }
    DL_FOREACH (user->connections, connection) {
        if (connection->reader.filter_end > user->entry_count) {
            connection->reader.filter_end = user->entry_count;
        }
    }
}

void hub_persist_failed(struct qr_hub *hub, uint64_t lsn, enum quire_status status)
{
    bool full = status == QUIRE_EFULL;
    const struct hub_refusal refusal = {.code = full ? QR_ERROR_STORE_FULL : QR_ERROR_OVERLOADED,
        .retry_ms = RETRY_STORE_MS,
        .cause = full ? "the store is full" : "the store refused to write"};
    if (full) { /* until then only roster records are tried: the store has a reserve for them */
        hub->full_until_ms = hub->now_ms + FULL_MS;
    }
    for (; hub->pending_count > 0; hub->pending_count--) {
        struct hub_user *user = hub->pending[hub->pending_first].user;
        hub->pending_first = (hub->pending_first + 1) % hub->pending_capacity;
        if (has_pending(user)) {
            roll_back(hub, user, &refusal);
            mark_dirty(hub, user);
        }
    }
    hub->next_lsn = lsn;
}

void hub_user_damaged(struct qr_hub *hub, struct hub_user *user, uint64_t lsn)
{
    hub->counters.records_damaged++;
    if (user->gone) {
        return;
    }
    if (!user->damaged || lsn < user->damaged_lsn) {
        user->damaged_lsn = lsn;
    }
    user->damaged = true;
    struct hub_connection *connection, *next;
    DL_FOREACH_SAFE (user->connections, connection, next) {
        hub_refuse(hub, connection,
            &(struct hub_refusal){.code = QR_ERROR_OVERLOADED,
                .fatal = true,
                .retry_ms = 1000,
                .cause = "a stored record is damaged"});
    }
    /* Forgotten only when nothing of this user is on its way to disk any more: what is on its way
     * stands on what is damaged. */
    mark_dirty(hub, user);
}
