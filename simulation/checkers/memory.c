/*
 * Claim: what the hub keeps for its connections is bounded, and it counts them right.
 */
#include "checkers.h"

#include "network/network.h"
#include "server/server.h"

static void check_link(struct world *world, uint64_t number)
{
    const struct link *link = &world->network->links[number - 1];
    if (link->unsent > QR_HUB_UNSENT_MAX) {
        world_fail(world, "memory", "connection %llu has %llu bytes unsent, %u are allowed",
            (unsigned long long)number, (unsigned long long)link->unsent,
            (unsigned)QR_HUB_UNSENT_MAX);
    }
}

static void check_hub(struct world *world, struct server *server)
{
    struct qr_hub_counters counters;
    qr_hub_counters(server->hub, &counters);
    if (counters.connections > world->network->count + (server->guest != NULL)) {
        world_fail(world, "memory", "the hub counts %llu connections, there were %zu in all",
            (unsigned long long)counters.connections, world->network->count);
    }
    if (counters.pending_verify > counters.connections + counters.batches_accepted + 64
        || counters.pending_persist > server->written + 64) {
        world_fail(world, "memory", "the hub waits for %llu checks and %llu records",
            (unsigned long long)counters.pending_verify,
            (unsigned long long)counters.pending_persist);
    }
}

const struct observer memory_observer = {.server_sent = check_link, .server_stepped = check_hub};
