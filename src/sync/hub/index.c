/*
 * The index of a user: entries in the order of the log, and their chains.
 */
#include "sync/hub/index.h"
#include <assert.h>
#include <stdlib.h>

/* The first slot in chain_order whose replica is not less. */
static size_t chain_slot(const struct hub_user *user, const uint8_t *replica)
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
    size_t slot = chain_slot(user, replica);
    if (slot == user->chain_count) {
        return NULL;
    }
    struct hub_chain *chain = &user->chains[user->chain_order[slot]];
    return memcmp(chain->replica, replica, QR_REPLICA_SIZE) == 0 ? chain : NULL;
}

const struct hub_entry *hub_chain_entry(
    const struct hub_user *user, const struct hub_chain *chain, uint64_t seq)
{
    return &user->entries[chain->offsets[seq - 1]];
}

static enum quire_status add_chain(struct hub_user *user, const struct qr_log_entry *entry)
{
    if (user->chain_count >= HUB_CHAINS_MAX) {
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
    size_t slot = chain_slot(user, entry->replica);
    memmove(user->chain_order + slot + 1, user->chain_order + slot,
        (user->chain_count - slot) * sizeof *user->chain_order);
    user->chain_order[slot] = (uint16_t)user->chain_count;
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
    size_t slot = chain_slot(user, chain->replica);
    memmove(user->chain_order + slot, user->chain_order + slot + 1,
        (user->chain_count - 1 - slot) * sizeof *user->chain_order);
    free(chain->offsets);
    user->chain_count--;
}

/* Room for one more entry, and for its offset in the chain. */
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
        uint32_t *offsets = realloc(chain->offsets, capacity * sizeof *offsets);
        if (offsets == NULL) {
            return QUIRE_ENOMEM;
        }
        chain->offsets = offsets;
        chain->capacity = capacity;
    }
    return QUIRE_OK;
}

enum quire_status hub_user_add(
    struct hub_user *user, const struct qr_log_entry *entry, uint64_t origin)
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
    struct hub_entry *added = &user->entries[user->entry_count];
    *added = (struct hub_entry){.lsn = entry->lsn,
        .seq = entry->seq,
        .origin = origin,
        .size = entry->size,
        .chain = chain == NULL ? HUB_ROSTER_CHAIN : (uint16_t)(chain - user->chains)};
    memcpy(added->hash, entry->hash, QR_HASH_SIZE);
    if (chain != NULL) {
        chain->offsets[chain->accepted++] = (uint32_t)user->entry_count;
    }
    user->entry_count++;
    user->bytes += entry->size;
    return QUIRE_OK;
}

/* Takes back the newest entry. */
void hub_user_drop_newest(struct hub_user *user)
{
    struct hub_entry *entry = &user->entries[--user->entry_count];
    assert(user->entry_count >= user->durable_count); /* what is durable is never taken back */
    user->bytes -= entry->size;
    if (entry->chain == HUB_ROSTER_CHAIN) {
        return;
    }
    struct hub_chain *chain = &user->chains[entry->chain];
    if (--chain->accepted == 0) {
        drop_last_chain(user);
    }
}
