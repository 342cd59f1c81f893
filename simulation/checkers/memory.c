/*
 * Claim: what the hub keeps for its connections is bounded, and it counts them right.
 */
#include "checkers.h"

#include "network/network.h"
#include "server/server.h"

void memory_check_link(struct world *world, uint64_t number)
{
    const struct link *link = &world->network->links[number - 1];
    if (link->unsent > QR_HUB_UNSENT_MAX) {
        world_fail(world, "memory", "connection %llu has %llu bytes unsent, %u are allowed",
            (unsigned long long)number, (unsigned long long)link->unsent,
            (unsigned)QR_HUB_UNSENT_MAX);
    }
}

void memory_check_hub(struct world *world)
{
    struct qr_hub_counters counters;
    qr_hub_counters(world->server->hub, &counters);
    if (counters.connections > world->network->count + (world->mallory != NULL)) { /* an intruder */
        world_fail(world, "memory", "the hub counts %llu connections, there were %zu in all",
            (unsigned long long)counters.connections, world->network->count);
    }
    if (counters.pending_verify > counters.connections + counters.batches_accepted + 64
        || counters.pending_persist > world->server->written + 64) {
        world_fail(world, "memory", "the hub waits for %llu checks and %llu records",
            (unsigned long long)counters.pending_verify,
            (unsigned long long)counters.pending_persist);
    }
}
