/*
 * Faults that come again and again, or once.
 */
#include "rhythm.h"

static const struct quire_bytes nothing = {NULL, 0};

void rhythm_again(struct world *world, uint64_t mean_s,
    void (*act)(struct world *, const struct event *), uint32_t actor)
{
    if (mean_s != 0 && !world->healed) {
        world_later(world, world->now_ms + prng_about(&world->rhythm, 1000 * mean_s), act, actor, 0,
            0, nothing);
    }
}

void rhythm_once(
    struct world *world, void (*act)(struct world *, const struct event *), uint32_t actor)
{
    uint64_t all = world->options.minutes * 60000;
    world_later(
        world, all / 6 + prng_below(&world->people, all * 4 / 6), act, actor, 0, 0, nothing);
}

static void back_online(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (!phone->online) {
        phone_set_online(world, phone, true);
    }
}

void rhythm_online_later(struct world *world, struct phone *phone, uint64_t after_ms)
{
    world_later(world, world->now_ms + after_ms, back_online, phone->number, 0, 0, nothing);
}
