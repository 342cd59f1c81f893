/*
 * A user in the hub's memory: its index loaded from the log, in slices, and evicted when no device is
 * connected.
 */
#include "sync/hub/user.h"
#include "sync/hub/index.h"
#include "sync/hub/member.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include <stdlib.h>

void hub_user_destroy(struct hub_user *user)
{
    if (user == NULL) {
        return;
    }
    for (size_t i = 0; i < user->chain_count; i++) {
        free(user->chains[i].offsets);
    }
    qr_roster_finish(&user->roster);
    hub_members_destroy(user);
    free(user->chains);
    free(user->chain_order);
    free(user->entries);
    free(user);
}

/* An index that is being loaded, a slice at a time. */
struct hub_loading {
    struct hub_loading *next, *prev;
    struct hub_user *user;
    uint64_t next_lsn;
    uint64_t record_count; /* of the roster, so far */
    size_t next_entry;     /* whose record, if it is one of the roster, is read next */
    size_t visited;        /* in this slice */
    bool listed;           /* all entries are there */
};

static enum quire_status visit_entry(void *context, const struct qr_log_entry *entry)
{
    struct hub_loading *loading = context;
    loading->next_lsn = entry->lsn + 1;
    loading->visited++;
    /* After damage a record may be in the log twice, or without those before it: accept what
     * continues its chain or the roster; the devices send the rest again. */
    if (entry->kind == QR_LOG_BATCH) {
        const struct hub_chain *chain = hub_chain_find(loading->user, entry->replica);
        if (entry->seq != (chain == NULL ? 0 : chain->accepted) + 1) {
            return QUIRE_OK;
        }
    } else if (entry->seq != loading->record_count) {
        return QUIRE_OK;
    } else {
        loading->record_count++;
    }
    return hub_user_add(loading->user, entry, 0);
}

static enum quire_status load_record(
    struct qr_hub *hub, struct hub_user *user, const struct hub_entry *entry)
{
    struct quire_bytes bytes;
    enum quire_status status = hub->reader.read(hub->reader.context, entry->lsn, &bytes);
    if (status == QUIRE_OK) {
        status = qr_roster_append(&user->roster, bytes);
    }
    if (status == QUIRE_OK || status == QUIRE_ENOMEM || status == QUIRE_EIO) {
        return status;
    }
    hub->counters.records_damaged++;
    hub_forget(hub, user, entry->lsn);
    return QUIRE_ECORRUPT;
}

/* One slice: at most limits.slice entries, and as many roster records as fit in its time. OK: the
 * index is whole. ESTATE: more is left. */
static enum quire_status load_slice(struct qr_hub *hub, struct hub_loading *loading)
{
    struct hub_user *user = loading->user;
    uint32_t slice = hub->limits.slice;
    bool sliced = slice > 0 && hub->reader.some != NULL;
    loading->visited = 0;
    if (!loading->listed) {
        enum quire_status status = sliced
            ? hub->reader.some(
                hub->reader.context, user->user, loading->next_lsn, slice, visit_entry, loading)
            : hub->reader.each(hub->reader.context, user->user, visit_entry, loading);
        if (status != QUIRE_OK) {
            return status;
        }
        loading->listed = !sliced || loading->visited < slice;
        if (!loading->listed) {
            return QUIRE_ESTATE;
        }
    }
    size_t read = 0;
    while (loading->next_entry < user->entry_count) {
        const struct hub_entry *entry = &user->entries[loading->next_entry];
        if (entry->chain == HUB_ROSTER_CHAIN) {
            if (sliced && read++ >= HUB_RECORDS_PER_SLICE) {
                return QUIRE_ESTATE;
            }
            enum quire_status status = load_record(hub, user, entry);
            if (status != QUIRE_OK) {
                return status;
            }
        }
        loading->next_entry++;
    }
    return user->entry_count == 0 ? QUIRE_ENOTFOUND : QUIRE_OK;
}

static unsigned hash_user(const struct qr_hub *hub, const uint8_t *user)
{
    uint8_t hash[16];
    qr_keyed_hash(
        hash, sizeof hash, hub->key, QR_CONTEXT_USER, &(struct quire_bytes){user, QR_USER_SIZE}, 1);
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
    user->number = ++hub->last_user;
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
    hub_user_wake(hub, user);
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

/* Ends a loading, whatever came of it. */
static void end_loading(struct qr_hub *hub, struct hub_loading *loading, enum quire_status status)
{
    struct hub_user *user = loading->user;
    DL_DELETE(hub->loads, loading);
    free(loading);
    user->loading = false;
    if (status != QUIRE_OK) {
        remove_from_table(hub, user);
        hub_user_destroy(user);
        return;
    }
    user->durable_count = user->noted_from = user->note_goal = user->entry_count;
    for (size_t i = 0; i < user->chain_count; i++) {
        user->chains[i].durable = user->chains[i].accepted;
    }
    hub_roster_settle(user);
    hub_user_rest(hub, user);
}

enum quire_status hub_user_get(struct qr_hub *hub, const uint8_t *id, struct hub_user **out_user)
{
    struct hub_user *user = NULL;
    HASH_FIND_BYHASHVALUE(hh, hub->users, id, QR_USER_SIZE, hash_user(hub, id), user);
    if (user != NULL) {
        *out_user = user->loading ? NULL : user;
        return user->loading ? QUIRE_ESTATE : user->damaged ? QUIRE_EIO : QUIRE_OK;
    }
    struct hub_loading *loading = calloc(1, sizeof *loading);
    if (loading == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status = hub_user_new(hub, id, &user);
    if (status != QUIRE_OK) {
        free(loading);
        return status;
    }
    user->loading = true;
    loading->user = user;
    DL_APPEND(hub->loads, loading);
    status = load_slice(hub, loading);
    if (status != QUIRE_ESTATE) {
        end_loading(hub, loading, status);
    }
    *out_user = status == QUIRE_OK ? user : NULL;
    return status;
}

void hub_load_more(struct qr_hub *hub)
{
    struct hub_loading *loading = hub->loads;
    if (loading == NULL) {
        return;
    }
    enum quire_status status = load_slice(hub, loading);
    if (status != QUIRE_ESTATE) {
        end_loading(hub, loading, status);
    } else { /* the next one's turn */
        DL_DELETE(hub->loads, loading);
        DL_APPEND(hub->loads, loading);
    }
    hub->out.failed |= status == QUIRE_ENOMEM;
}

void hub_loads_destroy(struct qr_hub *hub)
{
    while (hub->loads != NULL) {
        end_loading(hub, hub->loads, QUIRE_ESTATE);
    }
}

uint64_t hub_user_memory(const struct hub_user *user)
{
    uint64_t bytes = sizeof *user + user->entry_capacity * sizeof *user->entries
        + user->chain_capacity * (sizeof *user->chains + sizeof *user->chain_order)
        + user->roster.bytes.capacity + user->roster.count * sizeof *user->roster.entries
        + user->roster.device_count * sizeof *user->roster.devices;
    return bytes + user->entry_count * sizeof(uint32_t); /* the chains' offsets, about */
}

void hub_user_wake(struct qr_hub *hub, struct hub_user *user)
{
    if (user->idle) {
        DL_DELETE(hub->idle_users, user);
        hub->idle_count--;
        hub->idle_bytes -= user->idle_bytes;
        user->idle = false;
    }
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
    if (user->connections != NULL || user->noting) {
        return;
    }
    if (user->gone) {
        hub_user_destroy(user);
        return;
    }
    if (!user->idle) {
        user->idle = true;
        user->idle_bytes = hub_user_memory(user);
        hub->idle_bytes += user->idle_bytes;
        DL_APPEND(hub->idle_users, user);
        hub->idle_count++;
    }
    while ((hub->idle_count > hub->limits.users_loaded
               || hub->idle_bytes > hub->limits.users_loaded_bytes)
        && hub->idle_users != user) {
        struct hub_user *oldest = hub->idle_users;
        remove_from_table(hub, oldest);
        hub_user_destroy(oldest);
    }
}
