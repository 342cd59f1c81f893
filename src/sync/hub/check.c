/*
 * The hub's invariants.
 */
#include "sync/hub/check.h"
#include "sync/hub/index.h"
#include <assert.h>

static void check_counts(const struct qr_hub *hub)
{
    assert(hub->counters.connections == HASH_COUNT(hub->connections));
    assert(hub->counters.connections_ready <= hub->counters.connections);
    assert(hub->counters.users_loaded == HASH_COUNT(hub->users));
    assert(hub->mailbox_count <= HUB_MAILBOXES_MAX);
    assert((hub->mailbox_count == 0) == (hub->waiting == NULL));
    assert(hub->pending_count <= hub->pending_capacity);
    /* What is pending has the lsn before next_lsn, without gaps. */
    assert(hub->pending_count == 0
        || hub->pending[hub->pending_first].lsn + hub->pending_count == hub->next_lsn);
    assert((hub->idle_count == 0) == (hub->idle_users == NULL));
    assert(hub->dirty == NULL); /* flushed */
}

static void check_connection(const struct hub_connection *connection)
{
    assert(connection->state < HUB_STATE_COUNT);
    assert(connection->unsent <= QR_HUB_UNSENT_MAX);
    assert(
        connection->state != HUB_READY || (connection->user != NULL && connection->member != NULL));
    assert(connection->state == HUB_READY || connection->state == HUB_CLOSING
        || connection->user == NULL);
    assert(connection->pushes == NULL ? connection->unverified == 0 : connection->user != NULL);
    assert(!connection->mailbox.waits || connection->user != NULL);
    assert(connection->reader.credit <= QR_CREDIT_MAX);
    if (connection->user != NULL) {
        assert(connection->reader.position <= connection->user->entry_count);
        assert(connection->reader.filter_end <= connection->user->entry_count);
    }
}

static void check_marks(const struct hub_connection *connection)
{
    for (size_t i = 0; i < connection->mark_count; i++) {
        const struct hub_mark *mark = &connection->marks[i];
        assert(mark->chain < connection->user->chain_count);
        assert(mark->acked < mark->upto);
        assert(mark->upto <= connection->user->chains[mark->chain].accepted);
    }
    size_t unverified = 0;
    const struct hub_push *push;
    DL_FOREACH (connection->pushes, push) {
        assert(push->connection == connection);
        unverified += push->frame.size;
    }
    assert(unverified == connection->unverified);
}

static void check_chain(const struct hub_user *user, const struct hub_chain *chain)
{
    assert(chain->accepted > 0 && chain->accepted <= chain->capacity);
    assert(chain->durable <= chain->accepted);
    for (uint64_t seq = 1; seq <= chain->accepted; seq++) {
        assert(chain->offsets[seq - 1] < user->entry_count);
        const struct hub_entry *entry = hub_chain_entry(user, chain, seq);
        assert(&user->chains[entry->chain] == chain && entry->seq == seq);
        assert((seq <= chain->durable) == (chain->offsets[seq - 1] < user->durable_count));
    }
}

static void check_user(const struct hub_user *user)
{
    uint64_t bytes = 0;
    size_t records = 0;
    if (user->loading) {
        assert(user->connections == NULL && !user->idle);
        return;
    }
    assert(user->durable_count <= user->entry_count && user->entry_count <= user->entry_capacity);
    assert(user->noted_from <= user->entry_count && user->note_goal <= user->noted_from);
    for (size_t i = 0; i < user->entry_count; i++) {
        const struct hub_entry *entry = &user->entries[i];
        assert(i == 0 || user->entries[i - 1].lsn < entry->lsn);
        assert(entry->chain == HUB_ROSTER_CHAIN || entry->chain < user->chain_count);
        bytes += entry->size;
        records += entry->chain == HUB_ROSTER_CHAIN;
    }
    assert(bytes == user->bytes);
    assert(records == user->roster.count);
    for (size_t i = 0; i < user->chain_count; i++) {
        check_chain(user, &user->chains[i]);
        assert(user->chain_order[i] < user->chain_count);
        assert(i == 0
            || memcmp(user->chains[user->chain_order[i - 1]].replica,
                   user->chains[user->chain_order[i]].replica, QR_REPLICA_SIZE)
                < 0);
    }
    uint32_t ready = 0, counted = 0;
    const struct hub_connection *connection;
    const struct hub_member *member;
    DL_FOREACH (user->connections, connection) {
        assert(connection->user == user);
        ready += connection->state == HUB_READY;
    }
    for (member = user->members; member != NULL; member = member->next) {
        counted += member->connection_count;
    }
    assert(ready == user->connection_count && counted == ready);
    assert(!user->idle || (user->connections == NULL && user->durable_count == user->entry_count));
}

static void check_all(const struct qr_hub *hub)
{
    struct hub_user *user, *next_user;
    struct hub_connection *connection, *next;
    size_t pending = 0, ready = 0;
    uint64_t idle_bytes = 0;
    HASH_ITER (hh, hub->users, user, next_user) {
        check_user(user);
        idle_bytes += user->idle ? user->idle_bytes : 0;
    }
    HASH_ITER (hh, hub->connections, connection, next) {
        check_connection(connection);
        check_marks(connection);
        ready += connection->state == HUB_READY;
    }
    for (size_t i = 0; i < hub->pending_count; i++) {
        pending += hub->pending[(hub->pending_first + i) % hub->pending_capacity].user != NULL;
    }
    assert(pending == hub->pending_count);
    assert(ready == hub->counters.connections_ready);
    assert(idle_bytes == hub->idle_bytes);
}

void hub_check(const struct qr_hub *hub, const struct hub_connection *connection)
{
    if (hub->out.failed) {
        return; /* the process ends */
    }
    check_counts(hub);
    if (connection != NULL) {
        check_connection(connection);
    }
    if (hub->limits.check_all) {
        check_all(hub);
    }
}
