/*
 * Stories of a hub and a few devices: what a person relies on, one story a test.
 */
#include "harness.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4};
static const uint8_t other[QUIRE_ENTRY_SIZE] = {9, 9};

static void assert_text(struct world *world, size_t person, const char *expected)
{
    const char *text = world_text(world, person, diary);
    cr_assert_str_eq(
        text, expected, "device %zu shows \"%s\" instead of \"%s\"", person, text, expected);
}

static void assert_same(struct world *world, size_t a, size_t b, size_t length)
{
    char first[65536];
    strcpy(first, world_text(world, a, diary));
    const char *second = world_text(world, b, diary);
    cr_assert_str_eq(
        first, second, "device %zu shows \"%s\", device %zu \"%s\"", a, first, b, second);
    cr_assert_eq(strlen(first), length, "\"%s\"", first);
}

Test(stories, an_account_works_offline_and_goes_up_when_there_is_a_server)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_type(&world, 0, diary, "a quiet day");
    assert_text(&world, 0, "a quiet day");
    world_connect(&world, 0);
    world_run(&world, 2000);
    struct quire_device_state state = world_state(&world, 0);
    cr_assert(state.connected);
    cr_assert(state.caught_up);
    cr_assert_eq(state.unsealed_count, 0);
    cr_assert_eq(state.unacknowledged_count, 0);
    cr_assert_gt(world.people[0].shell.notices[QUIRE_NOTICE_UPLOADED], 0);
    cr_assert_eq(world.server.log.count, 4); /* genesis, epoch, device, one batch */
    world_finish(&world);
}

Test(stories, a_paired_device_has_everything_and_both_write_on)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_type(&world, 0, diary, "first. ");
    world_pair(&world, 0, 1);
    cr_assert_eq(world.people[1].shell.notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIRED], 1);
    assert_text(&world, 1, "first. ");
    world_type(&world, 1, diary, "second.");
    world_run(&world, 3000);
    assert_text(&world, 0, "first. second.");
    cr_assert_eq(memcmp(world_state(&world, 0).words, world_state(&world, 1).words, 12), 0);
    world_finish(&world);
}

Test(stories, two_devices_write_offline_and_nothing_is_lost)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 0);
    world_disconnect(&world, 1);
    for (int i = 0; i < 20; i++) {
        world_type(&world, 0, diary, "from the phone. ");
        world_type(&world, 1, diary, "from the laptop.");
        world_run(&world, 5000);
    }
    world_connect(&world, 0);
    world_connect(&world, 1);
    world_run(&world, 3000);
    assert_same(&world, 0, 1, 20 * 32);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(world_state(&world, 1).unacknowledged_count, 0);
    world_finish(&world);
}

Test(stories, saved_edits_survive_the_end_of_the_process)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_keep(&world, 0, diary, "kept");
    world_restart(&world, 0, true);
    assert_text(&world, 0, "kept");
    world_keep(&world, 0, diary, " and more");
    world_restart(&world, 0, false);
    assert_text(&world, 0, "kept and more");
    world_pair(&world, 0, 1);
    assert_text(&world, 1, "kept and more");
    world_finish(&world);
}

Test(stories, edits_are_sealed_soon_when_another_device_watches_and_late_when_none_does)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_keep(&world, 0, diary, "seen at once");
    world_run(&world, 2000);
    assert_text(&world, 1, "seen at once");
    world_disconnect(&world, 1);
    world_keep(&world, 0, diary, ", alone");
    world_run(&world, 20000);
    cr_assert_eq(world_state(&world, 0).unsealed_count, 1);
    world_run(&world, 20000);
    cr_assert_eq(world_state(&world, 0).unsealed_count, 0);
    world_finish(&world);
}

Test(stories, a_process_goes_on_with_its_chain_only_if_the_record_outside_agrees)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_connect(&world, 0);
    for (int i = 0; i < 3; i++) {
        world_type(&world, 0, diary, "x");
        world_run(&world, 3000);
        world_restart(&world, 0, true);
        world_connect(&world, 0);
    }
    cr_assert_eq(world_state(&world, 0).chain_count, 1);
    world_keep(&world, 0, diary, "y");
    world_restart(&world, 0, false);
    world_connect(&world, 0);
    world_run(&world, 40000);
    cr_assert_eq(world_state(&world, 0).chain_count, 2);
    world_finish(&world);
}

Test(stories, a_profile_restored_from_a_copy_converges)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_keep(&world, 0, diary, "one ");
    struct kit_table copy = kit_table_copy(&world.people[0].shell.table);
    world_type(&world, 0, diary, "two ");
    world_run(&world, 3000);
    assert_text(&world, 1, "one two ");

    kit_table_finish(&world.people[0].shell.table);
    world.people[0].shell.table = copy;
    world_restart(&world, 0, true);
    world_type(&world, 0, diary, "three ");
    world_connect(&world, 0);
    world_run(&world, 5000);
    assert_same(&world, 0, 1, strlen("one two three "));
    world_finish(&world);
}

Test(stories, a_restored_server_gets_back_what_it_lost_from_any_device)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    for (int i = 0; i < 10; i++) {
        world_type(&world, 0, diary, "phone ");
        world_type(&world, 1, diary, "laptop");
        world_run(&world, 2000);
    }
    size_t before = world.server.log.count;
    world_restart_hub(&world, before / 2);
    world_connect(&world, 1); /* brings the phone's batches too */
    world_run(&world, 3000);
    cr_assert_eq(world.server.log.count, before);
    cr_assert_eq(world_state(&world, 1).alarms[QUIRE_ALARM_SERVER_BEHIND], 1);
    world_restart_hub(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 3000);
    cr_assert_eq(world.server.log.count, before);
    world_connect(&world, 1);
    world_run(&world, 3000);
    assert_same(&world, 0, 1, 120);
    world_finish(&world);
}

Test(stories, a_restored_server_is_noticed_by_whoever_heals_it_even_who_wrote_nothing_of_it)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_run(&world, 2000);
    size_t backup = world.server.log.count;
    for (int i = 0; i < 3; i++) {
        world_type(&world, 0, diary, "lost and found ");
        world_run(&world, 2000);
    }
    world_disconnect(&world, 0);
    world_disconnect(&world, 1);
    world_restart(&world, 1, false); /* what it knows of the server is kept, too */
    world_restart_hub(&world, backup);
    world_connect(&world, 1);
    world_run(&world, 5000);
    struct quire_device_state state = world_state(&world, 1);
    cr_assert_eq(state.alarms[QUIRE_ALARM_SERVER_BEHIND], 1);
    cr_assert_eq(state.not_on_server_count, 0);
    world_connect(&world, 0);
    world_run(&world, 5000);
    state = world_state(&world, 0);
    cr_assert_eq(state.alarms[QUIRE_ALARM_SERVER_BEHIND], 0, "all of it is back by then");
    cr_assert_eq(state.unacknowledged_count, 0);
    world_disconnect(&world, 1);
    world_connect(&world, 1);
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 1).alarms[QUIRE_ALARM_SERVER_BEHIND], 1, "it was said once");
    world_finish(&world);
}

Test(stories, nothing_is_acknowledged_or_passed_on_before_it_is_durable)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world.server.hold_commits = true;
    world_type(&world, 0, diary, "not yet");
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    assert_text(&world, 1, "(no such entry)");
    world_commit(&world);
    world_run(&world, 1000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    assert_text(&world, 1, "not yet");
    world_finish(&world);
}

Test(stories, a_full_disk_refuses_and_takes_it_later)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world.server.refuse_commits = QUIRE_EFULL;
    world_type(&world, 0, diary, "patience");
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_STORE_FULL);
    world.server.refuse_commits = QUIRE_OK;
    world_run(&world, 60000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    assert_text(&world, 1, "patience");
    world_finish(&world);
}

Test(stories, a_revoked_device_is_told_and_shut_out)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_type(&world, 1, diary, "before. ");
    world_run(&world, 3000);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, world_state(&world, 1).device, QUIRE_DEVICE_SIZE);
    world_step(&world, 0, revoke);
    world_run(&world, 3000);
    cr_assert(world_state(&world, 1).revoked);
    cr_assert_not(world_state(&world, 1).connected);
    cr_assert_eq(world_state(&world, 0).epoch, 2);
    world_type(&world, 0, diary, "after.");
    world_type(&world, 1, diary, "ghost.");
    world_run(&world, 3000);
    world_connect(&world, 1);
    world_run(&world, 3000);
    assert_text(&world, 0, "before. after.");
    cr_assert_eq(world.people[1].shell.last_code[QUIRE_NOTICE_REFUSED], QR_ERROR_REVOKED);
    cr_assert_null(strstr(world_text(&world, 1, diary), "after"));
    world_finish(&world);
}

Test(stories, a_device_added_after_a_revocation_reads_all_history)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_type(&world, 1, diary, "epoch one. ");
    world_run(&world, 3000);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, world_state(&world, 1).device, QUIRE_DEVICE_SIZE);
    world_step(&world, 0, revoke);
    world_run(&world, 3000);
    world_type(&world, 0, diary, "epoch two.");
    world_run(&world, 3000);
    world_pair(&world, 0, 2);
    assert_text(&world, 2, "epoch one. epoch two.");
    world_finish(&world);
}

Test(stories, the_recovery_kit_alone_brings_everything_back)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_type(&world, 0, diary, "only on the server now");
    world_connect(&world, 0);
    world_run(&world, 3000);
    world_disconnect(&world, 0);
    struct person *person = &world.people[1];
    world_recover(&world, 1, world.people[0].kit);
    world_connect(&world, 1);
    world_run(&world, 3000);
    world_connect(&world, 1);
    world_run(&world, 3000);
    cr_assert_eq(person->shell.notices[QUIRE_NOTICE_JOINED], 1);
    assert_text(&world, 1, "only on the server now");
    world_type(&world, 1, diary, "!");
    world_run(&world, 3000);
    world_connect(&world, 0);
    world_run(&world, 3000);
    assert_text(&world, 0, "only on the server now!");
    world_finish(&world);
}

Test(stories, a_damaged_record_is_never_served_and_is_healed)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    for (int i = 0; i < 8; i++) {
        world_type(&world, 0, diary, "word ");
        world_connect(&world, 0);
        world_run(&world, 2000);
    }
    world_restart_hub(&world, world.server.log.count);
    world.server.log.records[6].damaged = true;
    world_connect(&world, 0);
    world_run(&world, 1000);
    world_pair(&world, 0, 1);
    for (int i = 0; i < 4; i++) {
        world_connect(&world, 0);
        world_connect(&world, 1);
        world_run(&world, 3000);
    }
    assert_same(&world, 0, 1, 40);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_geq(counters.records_damaged, 1);
    world_finish(&world);
}

/* Records of the log that are in its index. */
static size_t indexed(const struct world *world, size_t from)
{
    size_t count = 0;
    for (size_t i = from; i < world->server.log.count; i++) {
        count += world->server.log.records[i].entry.lsn != 0;
    }
    return count;
}

Test(stories, what_is_on_its_way_to_disk_is_forgotten_with_the_damaged_record_it_stands_on)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 1);
    world_type(&world, 0, diary, "first ");
    world_type(&world, 0, diary, "second ");
    world_connect(&world, 0);
    world_run(&world, 2000);
    size_t before = world.server.log.count;
    world.server.hold_commits = true;
    world_type(&world, 0, diary, "third ");
    world_run(&world, 2000);
    cr_assert_eq(world.server.log.count, before + 1, "it is on its way");
    world.server.log.records[before - 2].damaged = true;
    world_connect(&world, 1); /* reads the damaged record */
    world_run(&world, 500);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.records_damaged, 1);
    cr_assert_eq(counters.connections_ready, 0, "no connection goes on with that log");
    cr_assert_eq(
        indexed(&world, 0), before + 1, "nothing is forgotten while something is on its way");
    world_connect(&world, 0);
    world_run(&world, 500);
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.connections_ready, 0, "who comes back is told to come later");
    world_commit(&world);
    cr_assert_eq(indexed(&world, before - 2), 0, "the record, and all that stands on it");
    cr_assert_eq(indexed(&world, 0), before - 2);
    world.server.hold_commits = false;
    for (int i = 0; i < 4; i++) {
        world_connect(&world, 0);
        world_connect(&world, 1);
        world_run(&world, 3000);
    }
    assert_text(&world, 0, "first second third ");
    assert_text(&world, 1, "first second third ");
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(indexed(&world, 0), before + 1, "each once");
    world_finish(&world);
}

Test(stories, malformed_frames_end_the_connection_and_change_nothing)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 1000);
    size_t before = world.server.log.count;
    const char *frames[] = {
        "", "\xc1", "\x91\x01", "\xdd\x7f\xff\xff\xff", "\x92\x14\x90", "\x91\xcc\x63"};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        world_connect(&world, 0);
        world_run(&world, 500);
        uint64_t closed = world.people[0].closed;
        world_hub_step(&world,
            (struct qr_hub_event){.kind = QR_HUB_FRAME,
                .connection = world.people[0].connection,
                .bytes = quire_bytes_of_text(frames[i])});
        cr_assert_gt(world.people[0].closed, closed, "frame %zu", i);
        world_connect(&world, 0);
        world_run(&world, 500);
        world_step(&world, 0,
            (struct quire_event){
                .kind = QUIRE_EVENT_FRAME, .bytes = quire_bytes_of_text(frames[i])});
        cr_assert_eq(world.people[0].connection, 0, "frame %zu", i);
    }
    cr_assert_eq(world.server.log.count, before);
    world_type(&world, 0, diary, "still works");
    world_connect(&world, 0);
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    world_finish(&world);
}

Test(stories, a_push_with_a_wrong_signature_is_refused_and_stays_in_the_outbox)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 1000);
    world.server.deny_verify = true;
    world_type(&world, 0, diary, "doubted");
    world_run(&world, 3000);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_BAD_SIG);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    world.server.deny_verify = false;
    world_run(&world, 70000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    world_finish(&world);
}

Test(stories, users_do_not_see_each_other)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_account(&world, 1);
    world_connect(&world, 0);
    world_connect(&world, 1);
    world_type(&world, 0, diary, "mine");
    world_type(&world, 1, other, "yours");
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 0).chain_count, 1);
    cr_assert_eq(world_state(&world, 1).chain_count, 1);
    assert_text(&world, 1, "(no such entry)");
    world_finish(&world);
}

Test(stories, the_server_never_sees_a_word)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_type(&world, 0, diary, "CANARY-in-the-text-0123456789");
    world_run(&world, 3000);
    assert_text(&world, 1, "CANARY-in-the-text-0123456789");
    cr_assert_null(memmem(world.seen.data, world.seen.size, "CANARY", 6));
    cr_assert_null(memmem(world.seen.data, world.seen.size, "laptop", 6));
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < world.people[d].shell.table.count; i++) {
            const struct quire_buffer *value = &world.people[d].shell.table.records[i].value;
            cr_assert_null(memmem(value->data, value->size, "CANARY", 6));
        }
    }
    world_finish(&world);
}

Test(stories, a_clock_that_is_wrong_by_years_loses_nothing)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world.wall_ms += 40ll * 365 * 86400 * 1000;
    world_type(&world, 0, diary, "from 2063. ");
    world_run(&world, 3000);
    world.wall_ms -= 80ll * 365 * 86400 * 1000;
    world_type(&world, 1, diary, "from 1983.");
    world_run(&world, 3000);
    assert_same(&world, 0, 1, strlen("from 2063. from 1983."));
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    world_finish(&world);
}

Test(stories, a_thousand_entries_reach_a_new_device)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    uint8_t entry[QUIRE_ENTRY_SIZE] = {0};
    for (int i = 0; i < 1000; i++) {
        entry[0] = (uint8_t)i;
        entry[1] = (uint8_t)(i >> 8);
        world_type(&world, 0, entry, "an entry of some length, so that there is something to send");
    }
    world_pair(&world, 0, 1);
    world_run(&world, 5000);
    size_t count = 0;
    for (int i = 0; i < 1000; i++) {
        entry[0] = (uint8_t)i;
        entry[1] = (uint8_t)(i >> 8);
        count += strlen(world_text(&world, 1, entry)) == 59;
    }
    cr_assert_eq(count, 1000);
    world_finish(&world);
}
