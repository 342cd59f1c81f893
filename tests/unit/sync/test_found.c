/*
 * What the simulation once found, told without it: a seed means the same only as long as the
 * simulation draws the same.
 */
#include "harness.h"
#include "sync/device/state.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4};

static void edit_without_saving(struct world *world, const char *text)
{
    struct quire_document *document;
    struct quire_device *device = world->people[0].shell.device;
    cr_assert_eq(quire_device_document(device, diary, true, &document), QUIRE_OK);
    struct quire_stamp stamp = quire_device_stamp(device, world->wall_ms);
    cr_assert_eq(quire_document_insert(document, &stamp, 0, quire_bytes_of_text(text)), QUIRE_OK);
}

Test(found, edits_that_nobody_saved_outlive_the_documents_place_in_memory)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    edit_without_saving(&world, "not saved yet");
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t entry[QUIRE_ENTRY_SIZE] = {7, i};
        world_keep(&world, 0, entry, "one of many");
    }
    cr_assert_str_eq(world_text(&world, 0, diary), "not saved yet");
    world_restart(&world, 0, true);
    cr_assert_str_eq(world_text(&world, 0, diary), "not saved yet");
    world_finish(&world);
}

Test(found, entries_that_are_read_one_after_another_do_not_all_stay_in_memory)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t entry[QUIRE_ENTRY_SIZE] = {7, i};
        world_keep(&world, 0, entry, "one of many");
    }
    world_restart(&world, 0, true);
    for (uint8_t i = 0; i < 100; i++) {
        uint8_t entry[QUIRE_ENTRY_SIZE] = {7, i};
        cr_assert_str_eq(world_text(&world, 0, entry), "one of many");
    }
    cr_assert_eq(world.people[0].shell.device->cache.count, DEVICE_CACHE_MAX);
    world_finish(&world);
}

Test(found, more_batches_than_the_rate_allows_at_once_all_arrive_in_time)
{
    struct world world;
    world_init(&world);
    world.server.limits.pushes_burst = 5;
    world.server.limits.pushes_per_second = 2;
    world_restart_hub(&world, 0);
    world_account(&world, 0);
    for (int i = 0; i < 20; i++) {
        world_type(&world, 0, diary, "one batch. ");
    }
    world_connect(&world, 0);
    world_run(&world, 1);
    cr_assert_eq(world.server.log.count, 3 + 5, "%zu records",
        world.server.log.count); /* what is within it */
    world_run(&world, 60000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(world.server.log.count, 3 + 20);
    world_finish(&world);
}

Test(found, what_is_pasted_at_once_goes_in_frames_that_a_slow_connection_can_carry)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    char *text = calloc(1, 200001);
    cr_assert_not_null(text);
    memset(text, 'x', 200000);
    world_type(&world, 0, diary, text);
    world_connect(&world, 0);
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_gt(world.server.log.count, 3 + 4);
    for (size_t i = 0; i < world.server.log.count; i++) {
        cr_assert_lt(world.server.log.records[i].entry.size,
            40 * 1024); /* 40 s at 1 KB/s; a minute is the end */
    }
    free(text);
    world_finish(&world);
}

/* Person 1 is enrolled by person 0, and the reply that tells it so never comes. */
static void lose_reply(struct world *world, char code[QUIRE_PAIR_CODE_SIZE])
{
    world_init(world);
    world_account(world, 0);
    world_connect(world, 0);
    world_run(world, 100);
    world_step(world, 0, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    world_run(world, 100);
    memcpy(code, world->people[0].shell.code, QUIRE_PAIR_CODE_SIZE);
    world_join(world, 1, code);
    world_connect(world, 1);
    while (world->people[0].shell.notices[QUIRE_NOTICE_PAIRED] == 0) {
        cr_assert(world_carry(world) || world->now_ms < 100000);
        world->now_ms++;
    }
    world_disconnect(world, 1);
    world_run(world, 100);
    cr_assert(!world_state(world, 1).joined);
}

Test(found, a_pairing_reply_that_was_lost_is_given_again_and_to_that_device_alone)
{
    struct world world;
    char code[QUIRE_PAIR_CODE_SIZE];
    lose_reply(&world, code);
    uint32_t records = world_state(&world, 0).roster_count;
    world_join(&world, 2, code); /* who read the code over the shoulder */
    world_connect(&world, 2);
    world_run(&world, 1000);
    cr_assert(!world_state(&world, 2).joined);
    world_disconnect(&world, 2);
    world_run(&world, 100);
    cr_assert_eq(world_state(&world, 0).roster_count, records, "no other device was enrolled");

    world_connect(&world, 1);
    world_run(&world, 2000);
    cr_assert(world_state(&world, 1).joined);
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIRED], 1);
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIR_FAILED], 0);
    cr_assert_eq(world_state(&world, 0).roster_count, records);
    world_finish(&world);
}

Test(found, a_code_that_was_used_is_good_for_two_minutes_more)
{
    struct world world;
    char code[QUIRE_PAIR_CODE_SIZE];
    lose_reply(&world, code);
    world_run(&world, 125000);
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIR_FAILED], 0);
    world_connect(&world, 1);
    world_run(&world, 2000);
    cr_assert(!world_state(&world, 1).joined);
    cr_assert_eq(world.people[1].shell.last_code[QUIRE_NOTICE_PAIR_FAILED], QUIRE_ENOTFOUND);
    world_finish(&world);
}

static void revoke(struct world *world, size_t by, size_t revoked)
{
    struct quire_event event = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(event.device, world_state(world, revoked).device, QUIRE_DEVICE_SIZE);
    world_step(world, by, event);
}

Test(found, of_two_who_revoke_at_once_the_second_wraps_the_key_of_the_first)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    for (size_t i = 1; i < 4; i++) {
        world_pair(&world, 0, i);
    }
    world_type(&world, 1, diary, "long ago. ");
    world_run(&world, 3000);
    revoke(&world, 0, 2);
    revoke(&world, 1, 3); /* both have a key for epoch 2 now, and one record will be the next */
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 0).epoch, 3);
    cr_assert_eq(world_state(&world, 1).epoch, 3);
    world_pair(&world, 0, 4); /* it has to unwrap all of them */
    cr_assert_eq(world.people[4].shell.notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_str_eq(world_text(&world, 4, diary), "long ago. ");
    world_finish(&world);
}

Test(found, a_device_that_recovers_while_another_is_revoked_has_the_new_key)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_recover(&world, 2, world.people[0].kit);
    world.server.hold_commits = true;
    world_connect(&world, 2);
    world_run(&world, 1000);
    world_disconnect(
        &world, 2); /* its enrolment is on its way to disk, and it will not hear of it */
    world.server.hold_commits = false;
    world_commit(&world);
    world_run(&world, 1000);
    revoke(&world, 0, 1);
    world_run(&world, 1000);
    for (int i = 0; i < 6; i++) {
        world_run(&world, 1000);
        world_connect(&world, 2);
    }
    cr_assert_eq(world_state(&world, 0).epoch, 2);
    cr_assert_eq(world.people[2].shell.notices[QUIRE_NOTICE_JOINED], 1);
    world_type(&world, 0, diary, "for those who are left");
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 2).alarms[QUIRE_ALARM_UNREADABLE], 0);
    cr_assert_str_eq(world_text(&world, 2, diary), "for those who are left");
    world_finish(&world);
}

Test(found, a_recovery_that_hears_late_of_its_append_has_the_key_that_it_appended)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_connect(&world, 0);
    world_type(&world, 0, diary, "before, ");
    world_run(&world, 3000);
    struct quire_device_options options = world_options(&world, &world.people[1]);
    options.revoke_others = true;
    cr_assert_eq(quire_device_recover(&options, quire_bytes_of_text("new phone"),
                     quire_bytes_of_text(world.people[0].kit), &world.people[1].shell.device),
        QUIRE_OK);
    world.server.hold_commits = true;
    world_connect(&world, 1);
    world_run(&world, 1000);
    world_disconnect(&world, 1); /* revocation, enrolment and epoch are on their way to disk */
    world.server.hold_commits = false;
    world_commit(&world);
    for (int i = 0; i < 6; i++) {
        world_run(&world, 1000);
        world_connect(&world, 1);
    }
    cr_assert_eq(world.people[1].shell.notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_eq(world_state(&world, 1).epoch, 2);
    world_type(&world, 1, diary, "after");
    world_run(&world, 3000);
    world_pair(&world, 1, 2); /* it takes the key that the roster commits to */
    cr_assert_eq(world.people[2].shell.notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_eq(world_state(&world, 2).alarms[QUIRE_ALARM_UNREADABLE], 0);
    cr_assert_str_eq(world_text(&world, 2, diary), world_text(&world, 1, diary));
    world_finish(&world);
}

Test(found, records_that_a_full_disk_takes_back_are_brought_once_more)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    revoke(&world, 0, 1);
    world_run(&world, 2000);
    size_t roster = world_state(&world, 0).roster_count;
    world_restart_hub(&world, roster - 2); /* it forgot the revocation */
    world.server.refuse_commits = QUIRE_EFULL;
    world_connect(&world, 0); /* AUTH brings them, WELCOME counts them, and the disk is full */
    world_run(&world, 3000);
    cr_assert_eq(world.people[0].connection, 0);
    world.server.refuse_commits = QUIRE_OK;
    world_connect(&world, 0);
    world_run(&world, 3000);
    size_t kept = 0;
    for (size_t i = 0; i < world.server.log.count; i++) {
        kept += world.server.log.records[i].entry.kind == QR_LOG_ROSTER;
    }
    cr_assert_eq(kept, roster);
    world_finish(&world);
}
