/*
 * The world of the tests of limits.
 */
#include "limits.h"
#include <criterion/criterion.h>

const uint8_t limits_diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4};

void limits_begin(struct world *world)
{
    world_init(world);
    world_account(world, 0);
    world_type(world, 0, limits_diary, "mine ");
    world_connect(world, 0);
    world_run(world, 2000);
    world_disconnect(world, 0);
}

void limits_set(struct world *world, const struct qr_hub_limits *limits)
{
    world->server.limits = *limits;
    world_restart_hub(world, world->server.log.count);
}

void limits_end(struct world *world)
{
    world->server.limits.pushes_burst = 100000;
    world->server.limits.user_bytes = 1u << 30;
    world_restart_hub(world, world->server.log.count);
    world_type(world, 0, limits_diary, "still ");
    world_connect(world, 0);
    world_run(world, 5000);
    cr_assert_eq(world_state(world, 0).unacknowledged_count, 0);
    cr_assert(world_state(world, 0).caught_up);
    world_finish(world);
}

void limits_wait(struct world *world, uint64_t ms)
{
    world->now_ms += ms;
    world_hub_step(world, (struct qr_hub_event){.kind = QR_HUB_TICK});
}
