/*
 * Who only reads says once a day what it has, and so gives a server away that keeps something from it.
 */
#include "harness.h"
#include "codec/batch.h"
#include <criterion/criterion.h>

#define HOUR_MS (60ULL * 60 * 1000)

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {7};

static void both_away_for(struct world *world, uint64_t hours)
{
    for (size_t i = 0; i < 2; i++) {
        world_disconnect(world, i);
    }
    world->now_ms += hours * HOUR_MS;
    world->wall_ms += (int64_t)(hours * HOUR_MS);
    for (size_t i = 0; i < 2; i++) {
        world_connect(world, i);
    }
    world_run(world, 3000);
}

static size_t heads(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < world->server.log.count; i++) {
        struct qr_batch batch;
        count += world->server.log.records[i].entry.seq > 0
            && qr_batch_read(quire_buffer_bytes(&world->server.log.records[i].bytes), &batch)
                == QUIRE_OK
            && batch.change_count == 1 && batch.changes[0].kind == QR_CHANGE_HEADS;
    }
    return count;
}

static uint64_t withheld(struct world *world, size_t person)
{
    return world_state(world, person).alarms[QUIRE_ALARM_WITHHELD];
}

static void begin(struct world *world)
{
    world_init(world);
    world_account(world, 0);
    world_pair(world, 0, 1);
    world_type(world, 0, diary, "a day by the sea");
    world_run(world, 3000);
}

Test(heads, who_reads_says_after_a_day_what_it_has_and_nobody_answers_that)
{
    struct world world;
    begin(&world);
    both_away_for(&world, 23);
    cr_assert_eq(heads(&world), 0);
    both_away_for(&world, 2);
    cr_assert_eq(heads(&world), 1);
    cr_assert_eq(world_state(&world, 1).unacknowledged_count, 0);
    for (int day = 0; day < 5; day++) {
        both_away_for(&world, 25);
    }
    cr_assert_eq(heads(&world), 1, "%zu batches in answer to one another", heads(&world));
    cr_assert_eq(withheld(&world, 0) + withheld(&world, 1), 0);
    world_finish(&world);
}

Test(heads, who_writes_has_said_it)
{
    struct world world;
    begin(&world);
    world_type(&world, 1, diary, ", and home by tram");
    world_run(&world, 3000);
    both_away_for(&world, 25);
    cr_assert_eq(heads(&world), 1); /* of the one who read that */
    world_type(&world, 0, diary, ".");
    world_type(&world, 1, diary, "!");
    world_run(&world, 3000);
    both_away_for(&world, 25);
    both_away_for(&world, 25);
    cr_assert_eq(heads(&world), 3); /* neither knew of the other's when it wrote */
    world_finish(&world);
}

Test(heads, a_process_that_ends_does_not_forget_how_long_it_has_read)
{
    struct world world;
    begin(&world);
    both_away_for(&world, 13);
    world_restart(&world, 1, true);
    both_away_for(&world, 13);
    cr_assert_eq(heads(&world), 1);
    world_finish(&world);
}

Test(heads, a_connection_that_lasts_asks_anew_once_a_day)
{
    struct world world;
    begin(&world);
    uint64_t connection = world.people[1].connection;
    for (uint64_t now = 0; now < 26 * HOUR_MS; now += 30000) {
        world.now_ms += 30000;
        world.wall_ms += 30000;
        world_run(&world, 100);
    }
    cr_assert_eq(world.people[1].connection, connection, "the line was cut: nothing is shown");
    cr_assert_eq(heads(&world), 1);
    cr_assert_eq(world.people[1].shell.notices[QUIRE_NOTICE_CAUGHT_UP], 2);
    world_finish(&world);
}

Test(heads, a_clock_that_was_wrong_for_years_makes_no_more_than_one)
{
    struct world world;
    begin(&world);
    world.wall_ms -= (int64_t)(20 * 365 * 24 * HOUR_MS);
    both_away_for(&world, 1);
    cr_assert_eq(heads(&world), 1);
    for (int i = 0; i < 5; i++) {
        both_away_for(&world, 1);
    }
    cr_assert_eq(heads(&world), 1);
    world_finish(&world);
}

/* The server keeps from 1 what 0 goes on writing; 1 writes nothing of its own. */
Test(heads, a_server_that_keeps_something_from_a_reader_is_noticed_by_the_replica)
{
    struct world world;
    begin(&world);
    size_t before = world.server.log.count;
    world_disconnect(&world, 1);
    world_type(&world, 0, diary, " that the server hides");
    world_run(&world, 3000);
    cr_assert_gt(world.server.log.count, before);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    world_disconnect(&world, 0);

    size_t shown = world.server.log.count;
    world_restart_hub(&world, before); /* what 1 is shown */
    world.now_ms += 26 * HOUR_MS;
    world.wall_ms += (int64_t)(26 * HOUR_MS);
    world_connect(&world, 1);
    world_run(&world, 3000);
    cr_assert_eq(heads(&world), 1);
    cr_assert_eq(shown, world.server.log.count); /* one hidden, one new */

    cr_assert_eq(withheld(&world, 0), 0);
    world_connect(&world, 0); /* brings the hidden one, and is brought what 1 says */
    world_run(&world, 3000);
    cr_assert_gt(withheld(&world, 0), 0);
    world_finish(&world);
}
