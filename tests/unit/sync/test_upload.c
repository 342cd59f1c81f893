/*
 * What an upload costs when the server takes less than the device has.
 */
#include "harness.h"
#include "sync/device/state.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES = 600, ENTRY_SIZE = 2400 };

/* The n-th entry, saved; sealed at once into a batch of its own if `seal`. */
static void write_entry(struct world *world, size_t n, bool seal)
{
    uint8_t entry[QUIRE_ENTRY_SIZE] = {5, (uint8_t)n, (uint8_t)(n >> 8)};
    char text[ENTRY_SIZE + 1];
    for (size_t i = 0; i < ENTRY_SIZE; i++) {
        text[i] = (char)('a' + (i * 7 + n * 13 + i * i % 5) % 26);
    }
    text[ENTRY_SIZE] = 0;
    if (seal) {
        cr_assert(world_type(world, 0, entry, text));
    } else {
        cr_assert(world_keep(world, 0, entry, text));
    }
}

static uint64_t stored(struct world *world)
{
    uint64_t size = 0;
    for (size_t i = 0; i < world->server.log.count; i++) {
        size += world->server.log.records[i].bytes.size;
    }
    return size;
}

static void upload_all(struct world *world)
{
    world_connect(world, 0);
    for (size_t i = 0; i < 600 && world_state(world, 0).unacknowledged_count > 0; i++) {
        world_run(world, 1000);
    }
    cr_assert_eq(world_state(world, 0).unacknowledged_count, 0);
}

Test(upload, is_paced_by_a_server_that_takes_less_and_sends_a_tenth_twice_at_most)
{
    struct world world;
    world_init(&world);
    world.server.limits.pushes_per_second = 10; /* as quired has them */
    world.server.limits.pushes_burst = 200;
    world_restart_hub(&world, 0);
    world_account(&world, 0);
    for (size_t n = 0; n < ENTRIES; n++) {
        write_entry(&world, n, true);
    }
    uint64_t begun_ms = world.now_ms;
    upload_all(&world);
    double again = (double)world.people[0].pushed / (double)stored(&world);
    cr_log_info("pushed %.3f times what was stored, in %llu s", again,
        (unsigned long long)(world.now_ms - begun_ms) / 1000);
    cr_assert_leq(again, 1.1, "%.3f", again);
    /* 600 batches, of which 200 go at once and then 10 a second */
    cr_assert_leq(world.now_ms - begun_ms, 60000);
    world_finish(&world);
}

Test(upload, small_saves_share_batches)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    for (size_t n = 0; n < ENTRIES; n++) {
        write_entry(&world, n, false);
    }
    upload_all(&world);
    cr_assert_leq(world_state(&world, 0).batch_count, ENTRIES / 5);
    cr_assert_leq((double)world.people[0].pushed, 1.1 * (double)stored(&world));
    world_finish(&world);
}
