/*
 * The table of replica chains: found, added, shortened, and how far each is on disk.
 */
#include "sync/device/parts/chain.h"
#include "base/limit.h"
#include "codec/limits.h"
#include <assert.h>
#include <stdlib.h>

struct device_chain *device_chains_find(const struct device_chains *chains, const uint8_t *replica)
{
    for (size_t i = 0; i < chains->count; i++) {
        if (memcmp(chains->items[i].replica, replica, QR_REPLICA_SIZE) == 0) {
            return &chains->items[i];
        }
    }
    return NULL;
}

enum quire_status device_chains_add(struct device_chains *chains, const uint8_t *replica,
    const uint8_t *author, bool own, struct device_chain **out_chain)
{
    if (chains->count >= QR_LIMIT(CHAINS, QR_CHAINS_MAX)) {
        return QUIRE_ELIMIT;
    }
    if (chains->count == chains->capacity) {
        size_t capacity = chains->capacity == 0 ? 8 : chains->capacity * 2;
        struct device_chain *items = realloc(chains->items, capacity * sizeof *items);
        if (items == NULL) {
            return QUIRE_ENOMEM;
        }
        chains->items = items;
        chains->capacity = capacity;
    }
    struct device_chain *chain = &chains->items[chains->count++];
    *chain = (struct device_chain){.own = own};
    memcpy(chain->replica, replica, QR_REPLICA_SIZE);
    memcpy(chain->device, author, QR_DEVICE_SIZE);
    *out_chain = chain;
    return QUIRE_OK;
}

void device_chains_drop_empty(struct device_chains *chains)
{
    size_t kept = 0;
    for (size_t i = 0; i < chains->count; i++) {
        if (chains->items[i].head > 0) {
            chains->items[kept++] = chains->items[i];
        } else {
            device_chain_forget_sights(&chains->items[i]);
        }
    }
    chains->count = kept;
}

void device_chains_begin_frame(struct device_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++) {
        struct device_chain *chain = &chains->items[i];
        chain->frame.head = chain->head;
        chain->frame.roster_seq = chain->roster_seq;
        chain->frame.last_item = 0;
        memcpy(chain->frame.hash, chain->hash, QR_HASH_SIZE);
    }
}

static void begin_persisting(struct device_chain *chain, uint64_t token)
{
    if (chain->disk.pending == 0 && chain->head > chain->disk.durable) {
        chain->disk.pending = chain->head;
        chain->disk.pending_token = token;
    }
}

void device_chains_persisting(struct device_chains *chains, uint64_t token)
{
    for (size_t i = 0; i < chains->count; i++) {
        begin_persisting(&chains->items[i], token);
    }
}

void device_chains_persisted(struct device_chains *chains, uint64_t token)
{
    for (size_t i = 0; i < chains->count; i++) {
        struct device_chain *chain = &chains->items[i];
        if (chain->disk.pending > 0 && chain->disk.pending_token <= token) {
            chain->disk.durable = chain->disk.pending;
            chain->disk.pending = 0;
            /* The head moved on meanwhile, with a later transaction. */
            begin_persisting(chain, chains->token);
        }
    }
    if (chains->token == token) {
        for (size_t i = 0; i < chains->count; i++) {
            chains->items[i].disk.durable = chains->items[i].head;
            chains->items[i].disk.pending = 0;
        }
    }
}

void device_chain_forget_sights(struct device_chain *chain)
{
    free(chain->sights);
    chain->sights = NULL;
}

static uint64_t at_most(uint64_t value, uint64_t limit)
{
    return value < limit ? value : limit;
}

void device_chain_shorten(struct device_chain *chain)
{
    assert(chain->cut.kept <= chain->head);
    chain->head = chain->cut.kept;
    chain->disk.durable = at_most(chain->disk.durable, chain->head);
    chain->disk.pending = at_most(chain->disk.pending, chain->head);
    chain->link.sent = at_most(chain->link.sent, chain->head);
    chain->acked = at_most(chain->acked, chain->head);
    chain->link.refusal = 0;
    if (chain->damage.seq > chain->head) {
        chain->damage.seq = 0; /* the damaged batch is dropped */
    }
}

void device_chains_check(const struct device_chains *chains)
{
    assert(chains->count <= chains->capacity && chains->count <= QR_CHAINS_MAX);
    for (size_t i = 0; i < chains->count; i++) {
        const struct device_chain *chain = &chains->items[i];
        assert(chain->head > 0);
        assert(chain->disk.durable <= chain->head);
        assert(chain->disk.pending <= chain->head);
        assert(chain->disk.pending == 0 || chain->disk.pending_token <= chains->token);
        assert(chain->link.sent <= chain->head);
        assert(chain->acked <= chain->head);
        assert(chain->damage.seq <= chain->head);
    }
}

void device_chains_check_all(const struct device_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++) {
        assert(device_chains_find(chains, chains->items[i].replica) == &chains->items[i]);
    }
}

void device_chains_finish(struct device_chains *chains)
{
    for (size_t i = 0; i < chains->count; i++) {
        device_chain_forget_sights(&chains->items[i]);
    }
    free(chains->items);
    *chains = (struct device_chains){0};
}
