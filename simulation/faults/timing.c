/*
 * Each fault in its own rhythm, as in process.c. A run without it draws nothing for it.
 */
#include "timing.h"

#include "rhythm.h"
#include "network/network.h"
#include "server/server.h"

#define HOUR_MS UINT64_C(3600000)
#define PAUSE_MAX_MS 300000u
#define FLAP_MIN_MS 50
#define FLAP_MAX_MS 5000
#define STAY_AWAY_MS 600000 /* after a sleep, some phones come back this late */

static const struct quire_bytes nothing = {NULL, 0};

/* ---- machines that stand still ----------------------------------------------------------------- */

static uint64_t pause_ms(struct world *world, uint64_t mean_s)
{
    uint64_t length_ms = prng_about(&world->people, 1000 * mean_s);
    return length_ms < PAUSE_MAX_MS ? length_ms : PAUSE_MAX_MS;
}

void timing_pause_phone(struct world *world, struct phone *phone, uint64_t length_ms)
{
    if (world->now_ms < phone->paused_until_ms) {
        return; /* longer, and what waits for the end of the first pause would fall behind */
    }
    mark(world, MARK_phone_paused);
    TRACE(world, "phone # stands still for # ms", phone->number, length_ms);
    phone->paused_until_ms = world->now_ms + length_ms;
}

static void pause_phone(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.phone_pause_mean_s, pause_phone, phone->number);
    if (world_operation(world) && phone->device != NULL) {
        timing_pause_phone(world, phone, pause_ms(world, world->options.pause_length_s));
    }
}

void timing_pause_server(struct world *world, uint64_t length_ms)
{
    if (world->now_ms < world->server->paused_until_ms) {
        return;
    }
    mark(world, MARK_server_paused);
    TRACE(world, "server stands still for # ms", length_ms);
    world->server->paused_until_ms = world->now_ms + length_ms;
}

static void pause_server(struct world *world, const struct event *event)
{
    rhythm_again(world, world->options.server_pause_mean_s, pause_server, event->actor);
    if (world_operation(world) && server_up(world)) {
        timing_pause_server(world, pause_ms(world, world->options.pause_length_s));
    }
}

/* ---- months go by ------------------------------------------------------------------------------ */

/* All lines are cut, all machines sleep, and wake up that much later. */
static void sleep_all(struct world *world, uint64_t length_ms)
{
    mark(world, MARK_world_slept);
    if (length_ms > 60 * 24 * HOUR_MS) {
        mark(world, MARK_world_slept_for_months);
    }
    for (uint64_t link = 1; link <= world->network->count; link++) {
        network_cut(world, link);
    }
    TRACE(world, "all sleep for # ms", length_ms);
    world_skip(world, length_ms);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->tick_at_ms != UINT64_MAX) {
            phone->tick_at_ms += length_ms;
        }
    }
}

static void sleeps(struct world *world, const struct event *event)
{
    (void)event;
    if (!world_operation(world)) {
        return;
    }
    sleep_all(world, world->options.sleep_h * HOUR_MS);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (prng_chance(&world->people, 400000) && phone->online) {
            phone_set_online(world, phone, false);
            rhythm_online_later(world, phone, prng_below(&world->people, STAY_AWAY_MS));
        }
    }
}

/* ---- lines ------------------------------------------------------------------------------------- */

static void flaps(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (!world_operation(world) || world->now_ms >= event->number) {
        if (!phone->online) {
            phone_set_online(world, phone, true);
        }
        return;
    }
    mark(world, MARK_line_flapped);
    phone_set_online(world, phone, !phone->online);
    world_later(world, world->now_ms + prng_range(&world->people, FLAP_MIN_MS, FLAP_MAX_MS), flaps,
        phone->number, 0, event->number, nothing);
}

static void begins_to_flap(struct world *world, const struct event *event)
{
    rhythm_again(world, world->options.flap_mean_s, begins_to_flap, event->actor);
    if (world_operation(world) && world->phones[event->actor].online) {
        uint64_t until_ms =
            world->now_ms + prng_about(&world->people, 1000 * world->options.flap_length_s);
        world_later(world, world->now_ms, flaps, event->actor, 0, until_ms, nothing);
    }
}

/* One direction is gone for a while: what is connected believes that it is, and no new connection
 * comes about. */
static void goes_one_way(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.half_mean_s, goes_one_way, phone->number);
    if (world_operation(world)) {
        bool upwards = prng_chance(&world->network_chance, 500000);
        uint64_t length_ms =
            prng_about(&world->network_chance, 1000 * world->options.half_length_s);
        mark(world, MARK_line_one_way);
        TRACE(world, "phone #: nothing passes for # ms, upwards: #", phone->number, length_ms,
            upwards);
        phone->no_dial_until_ms = world->now_ms + length_ms;
        if (phone->link != 0) {
            network_stall(world, phone->link, upwards, length_ms);
        }
    }
}

/* ---- disks ------------------------------------------------------------------------------------- */

static void server_is_slow(struct world *world, const struct event *event)
{
    rhythm_again(world, world->options.server_slow_mean_s, server_is_slow, event->actor);
    if (world_operation(world)) {
        world->server->slow = true;
    }
}

/* ---- all of it --------------------------------------------------------------------------------- */

void timing_faults_begin(struct world *world)
{
    const struct options *options = &world->options;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        rhythm_again(world, options->phone_pause_mean_s, pause_phone, i);
        rhythm_again(world, options->flap_mean_s, begins_to_flap, i);
        rhythm_again(world, options->half_mean_s, goes_one_way, i);
    }
    rhythm_again(world, options->server_pause_mean_s, pause_server, 0);
    rhythm_again(world, options->server_slow_mean_s, server_is_slow, 0);
    for (uint64_t n = 0; n < options->sleeps; n++) {
        rhythm_once(world, sleeps, 0);
    }
}

void timing_faults_end(struct world *world)
{
    world->server->slow = false;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        world->phones[i].no_dial_until_ms = 0;
    }
}
