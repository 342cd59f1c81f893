/*
 * A user's index in the hub: loaded from the log, grown as records are accepted, rolled back when
 * the disk refuses them, let go when nobody is connected.
 */
#include "sync/hub/user.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include <stdlib.h>

#define RETRY_STORE_MS 30000

void hub_user_destroy(struct hub_user *user)
{
    if (user == NULL) {
        return;
    }
    for (size_t i = 0; i < user->chain_count; i++) {
        free(user->chains[i].places);
    }
    qr_roster_finish(&user->roster);
    free(user->chains);
    free(user->chain_order);
    free(user->entries);
    free(user);
}

/* The first place in chain_order whose replica is not less. */
static size_t chain_place(const struct hub_user *user, const uint8_t *replica)
{
    size_t low = 0, high = user->chain_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct hub_chain *chain = &user->chains[user->chain_order[middle]];
        if (memcmp(chain->replica, replica, QR_REPLICA_SIZE) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct hub_chain *hub_chain_find(const struct hub_user *user, const uint8_t *replica)
{
    size_t place = chain_place(user, replica);
    if (place == user->chain_count) {
        return NULL;
    }
    struct hub_chain *chain = &user->chains[user->chain_order[place]];
    return memcmp(chain->replica, replica, QR_REPLICA_SIZE) == 0 ? chain : NULL;
}

const struct hub_entry *hub_chain_entry(const struct hub_user *user, const struct hub_chain *chain,
    uint64_t seq)
{
    return &user->entries[chain->places[seq - 1]];
}

static enum quire_status add_chain(struct hub_user *user, const struct qr_log_entry *entry)
{
    if (user->chain_count >= QR_CHAINS_MAX) {
        return QUIRE_ELIMIT;
    }
    if (user->chain_count == user->chain_capacity) {
        size_t capacity = user->chain_capacity == 0 ? 4 : user->chain_capacity * 2;
        struct hub_chain *chains = realloc(user->chains, capacity * sizeof *chains);
        if (chains == NULL) {
            return QUIRE_ENOMEM;
        }
        user->chains = chains;
        uint16_t *order = realloc(user->chain_order, capacity * sizeof *order);
        if (order == NULL) {
            return QUIRE_ENOMEM;
        }
        user->chain_order = order;
        user->chain_capacity = capacity;
    }
    size_t place = chain_place(user, entry->replica);
    memmove(user->chain_order + place + 1, user->chain_order + place,
        (user->chain_count - place) * sizeof *user->chain_order);
    user->chain_order[place] = (uint16_t)user->chain_count;
    struct hub_chain *chain = &user->chains[user->chain_count++];
    *chain = (struct hub_chain){.admitted = UINT64_MAX};
    memcpy(chain->replica, entry->replica, QR_REPLICA_SIZE);
    memcpy(chain->device, entry->device, QR_DEVICE_SIZE);
    return QUIRE_OK;
}

/* Chains are made in order of entries, so one that goes is the last. */
static void drop_last_chain(struct hub_user *user)
{
    struct hub_chain *chain = &user->chains[user->chain_count - 1];
    size_t place = chain_place(user, chain->replica);
    memmove(user->chain_order + place, user->chain_order + place + 1,
        (user->chain_count - 1 - place) * sizeof *user->chain_order);
    free(chain->places);
    user->chain_count--;
}

/* Room for one more entry, and for its place in the chain. */
static enum quire_status reserve(struct hub_user *user, struct hub_chain *chain)
{
    if (user->entry_count == user->entry_capacity) {
        size_t capacity = user->entry_capacity == 0 ? 8 : user->entry_capacity * 2;
        struct hub_entry *entries = realloc(user->entries, capacity * sizeof *entries);
        if (entries == NULL) {
            return QUIRE_ENOMEM;
        }
        user->entries = entries;
        user->entry_capacity = capacity;
    }
    if (chain != NULL && chain->accepted == chain->capacity) {
        size_t capacity = chain->capacity == 0 ? 4 : chain->capacity * 2;
        uint32_t *places = realloc(chain->places, capacity * sizeof *places);
        if (places == NULL) {
            return QUIRE_ENOMEM;
        }
        chain->places = places;
        chain->capacity = capacity;
    }
    return QUIRE_OK;
}

enum quire_status hub_user_add(struct hub_user *user, const struct qr_log_entry *entry,
    uint64_t origin)
{
    struct hub_chain *chain = NULL;
    bool fresh = false;
    if (entry->kind == QR_LOG_BATCH) {
        chain = hub_chain_find(user, entry->replica);
        if (chain == NULL) {
            enum quire_status status = add_chain(user, entry);
            if (status != QUIRE_OK) {
                return status;
            }
            chain = &user->chains[user->chain_count - 1];
            fresh = true;
        }
    }
    enum quire_status status = reserve(user, chain);
    if (status != QUIRE_OK) {
        if (fresh) {
            drop_last_chain(user);
        }
        return status;
    }
    struct hub_entry *place = &user->entries[user->entry_count];
    *place = (struct hub_entry){.lsn = entry->lsn,
        .seq = entry->seq,
        .origin = origin,
        .size = entry->size,
        .chain = chain == NULL ? HUB_ROSTER_CHAIN : (uint16_t)(chain - user->chains)};
    memcpy(place->hash, entry->hash, QR_HASH_SIZE);
    if (chain != NULL) {
        chain->places[chain->accepted++] = (uint32_t)user->entry_count;
    }
    user->entry_count++;
    user->bytes += entry->size;
    return QUIRE_OK;
}

/* Takes back the newest entry. */
static void drop_newest(struct hub_user *user)
{
    struct hub_entry *entry = &user->entries[--user->entry_count];
    user->bytes -= entry->size;
    if (entry->chain == HUB_ROSTER_CHAIN) {
        return;
    }
    struct hub_chain *chain = &user->chains[entry->chain];
    if (--chain->accepted == 0) {
        drop_last_chain(user);
    }
}

/* ---- loading --------------------------------------------------------------------------------- */

struct loading {
    struct hub_user *user;
    uint64_t record_count; /* of the roster, so far */
};

static enum quire_status visit_entry(void *context, const struct qr_log_entry *entry)
{
    struct loading *loading = context;
    /* After damage a record may stand in the log twice, or without those before it: a chain, and
     * the roster, is what continues; the rest is sent again by the devices. */
    if (entry->kind == QR_LOG_BATCH) {
        const struct hub_chain *chain = hub_chain_find(loading->user, entry->replica);
        if (entry->seq != (chain == NULL ? 0 : chain->accepted) + 1) {
            return QUIRE_OK;
        }
    } else if (entry->seq != loading->record_count++) {
        loading->record_count--;
        return QUIRE_OK;
    }
    return hub_user_add(loading->user, entry, 0);
}

static enum quire_status load_roster(struct qr_hub *hub, struct hub_user *user)
{
    for (size_t i = 0; i < user->entry_count; i++) {
        const struct hub_entry *entry = &user->entries[i];
        if (entry->chain != HUB_ROSTER_CHAIN) {
            continue;
        }
        struct quire_bytes bytes;
        enum quire_status status = hub->reader.read(hub->reader.context, entry->lsn, &bytes);
        if (status == QUIRE_OK) {
            status = qr_roster_append(&user->roster, bytes);
        }
        if (status == QUIRE_ENOMEM || status == QUIRE_EIO) {
            return status;
        }
        if (status != QUIRE_OK) {
            hub->counters.records_damaged++;
            hub_forget(hub, user, entry->lsn);
            return QUIRE_ECORRUPT;
        }
    }
    return QUIRE_OK;
}

static unsigned hash_user(const struct qr_hub *hub, const uint8_t *user)
{
    uint8_t hash[16];
    qr_keyed_hash(hash, sizeof hash, hub->key, QR_CONTEXT_USER,
        &(struct quire_bytes){user, QR_USER_SIZE}, 1);
    unsigned value;
    memcpy(&value, hash, sizeof value);
    return value;
}

enum quire_status hub_user_new(struct qr_hub *hub, const uint8_t *id, struct hub_user **out_user)
{
    struct hub_user *user = calloc(1, sizeof *user);
    if (user == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(user->user, id, QR_USER_SIZE);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, hub->users, user->user, QR_USER_SIZE, hash_user(hub, id), user);
    if (user->hh.tbl == NULL) {
        free(user);
        return QUIRE_ENOMEM;
    }
    hub->counters.users_loaded++;
    *out_user = user;
    return QUIRE_OK;
}

static void remove_from_table(struct qr_hub *hub, struct hub_user *user)
{
    if (user->idle) {
        DL_DELETE(hub->idle_users, user);
        hub->idle_count--;
        user->idle = false;
    }
    if (!user->gone) {
        HASH_DELETE(hh, hub->users, user);
        hub->counters.users_loaded--;
        user->gone = true;
    }
}

static bool has_pending(const struct hub_user *user)
{
    return user->durable_count < user->entry_count;
}

enum quire_status hub_user_get(struct qr_hub *hub, const uint8_t *id, struct hub_user **out_user)
{
    struct hub_user *user = NULL;
    HASH_FIND_BYHASHVALUE(hh, hub->users, id, QR_USER_SIZE, hash_user(hub, id), user);
    if (user != NULL) {
        *out_user = user;
        return user->damaged ? QUIRE_EIO : QUIRE_OK;
    }
    enum quire_status status = hub_user_new(hub, id, &user);
    if (status != QUIRE_OK) {
        return status;
    }
    struct loading loading = {.user = user};
    status = hub->reader.each(hub->reader.context, id, visit_entry, &loading);
    if (status == QUIRE_OK && user->entry_count == 0) {
        status = QUIRE_ENOTFOUND;
    }
    if (status == QUIRE_OK) {
        status = load_roster(hub, user);
    }
    if (status != QUIRE_OK) {
        remove_from_table(hub, user);
        hub_user_destroy(user);
        return status;
    }
    user->durable_count = user->loaded_count = user->entry_count;
    for (size_t i = 0; i < user->chain_count; i++) {
        user->chains[i].durable = user->chains[i].accepted;
    }
    hub_roster_settle(user);
    hub_user_rest(hub, user);
    *out_user = user;
    return QUIRE_OK;
}

void hub_user_rest(struct qr_hub *hub, struct hub_user *user)
{
    if (has_pending(user)) {
        return;
    }
    if (user->damaged && !user->gone) {
        hub_forget(hub, user, user->damaged_lsn);
        remove_from_table(hub, user);
    }
    if (user->connections != NULL) {
        return;
    }
    if (user->gone) {
        hub_user_destroy(user);
        return;
    }
    if (!user->idle) {
        user->idle = true;
        DL_APPEND(hub->idle_users, user);
        hub->idle_count++;
    }
    while (hub->idle_count > hub->limits.users_loaded && hub->idle_users != user) {
        struct hub_user *oldest = hub->idle_users;
        remove_from_table(hub, oldest);
        hub_user_destroy(oldest);
    }
}

/* ---- growing --------------------------------------------------------------------------------- */

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
    size_t place = (hub->pending_first + hub->pending_count++) % hub->pending_capacity;
    hub->pending[place] = (struct hub_pending){lsn, user};
    return true;
}

/* Dirty users are looked at once, when the step ends: hub.c. */
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
        drop_newest(user);
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

/* Back to what is durable; whoever waits is told, and may try again later. */
static void roll_back(struct qr_hub *hub, struct hub_user *user, enum qr_error_code code)
{
    const struct quire_bytes nothing = {0};
    struct hub_connection *connection, *next;
    DL_FOREACH (user->connections, connection) {
        for (size_t i = 0; i < connection->mark_count; i++) {
            const struct hub_mark *mark = &connection->marks[i];
            const struct hub_chain *chain = &user->chains[mark->chain];
            if (mark->upto > chain->durable) {
                hub_error(hub, connection, code, false, RETRY_STORE_MS, chain->replica,
                    chain->durable + 1, nothing);
            }
        }
        connection->mark_count = 0;
        if (connection->append_lsn != 0) {
            connection->append_lsn = 0;
            hub_error(hub, connection, code, false, RETRY_STORE_MS, NULL, 0, nothing);
        }
    }
    uint32_t roster_count = hub_roster_durable(user);
    DL_FOREACH_SAFE (user->connections, connection, next) {
        if (connection->state == HUB_READY && connection->roster_count > roster_count) {
            /* Its AUTH brought records that are lost again: it has to bring them once more. */
            hub_error(hub, connection, QR_ERROR_OVERLOADED, true, RETRY_STORE_MS, NULL, 0, nothing);
        }
    }
    while (user->entry_count > user->durable_count) {
        drop_newest(user);
    }
    if (roster_count < user->roster.count) {
        rebuild_roster(hub, user, roster_count);
    }
    DL_FOREACH (user->connections, connection) {
        if (connection->filter_end > user->entry_count) {
            connection->filter_end = user->entry_count;
        }
    }
}

void hub_persist_failed(struct qr_hub *hub, uint64_t lsn, enum quire_status status)
{
    enum qr_error_code code = status == QUIRE_EFULL ? QR_ERROR_QUOTA : QR_ERROR_OVERLOADED;
    for (; hub->pending_count > 0; hub->pending_count--) {
        struct hub_user *user = hub->pending[hub->pending_first].user;
        hub->pending_first = (hub->pending_first + 1) % hub->pending_capacity;
        if (has_pending(user)) {
            roll_back(hub, user, code);
            mark_dirty(hub, user);
        }
    }
    hub->next_lsn = lsn;
}

uint32_t hub_roster_durable(const struct hub_user *user)
{
    uint32_t waiting = 0;
    for (size_t i = user->durable_count; i < user->entry_count; i++) {
        waiting += user->entries[i].chain == HUB_ROSTER_CHAIN;
    }
    return user->roster.count - waiting;
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
        hub_error(hub, connection, QR_ERROR_OVERLOADED, true, 1000, NULL, 0,
            (struct quire_bytes){0});
    }
    /* Forgotten only when nothing of this user is on its way to disk any more: what is on its way
     * stands on what is damaged. */
    mark_dirty(hub, user);
}
