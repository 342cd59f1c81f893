/*
 * A server that lost roster records: revocations and enrolments are not lost with it, whichever device
 * comes first, and no edit is.
 */
#include "sync/device/state.h"
#include "harness.h"
#include <criterion/criterion.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {7, 7, 7};

static void write(struct world *world, size_t person, const char *text)
{
    world_type(world, person, diary, text);
    world_run(world, 3000);
}

static void online(struct world *world, size_t person)
{
    /* A device that leaves a server comes back when it said it would. */
    for (int i = 0; i < 8 && !world_state(world, person).connected; i++) {
        world_connect(world, person);
        world_run(world, 3000);
    }
    world_run(world, 5000);
}

static void offline(struct world *world, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        world_disconnect(world, i);
    }
}

static void revoke(struct world *world, size_t by, size_t revoked)
{
    struct quire_event event = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(event.device, world_state(world, revoked).device, QUIRE_DEVICE_SIZE);
    world_step(world, by, event);
    world_run(world, 3000);
}

static bool active(struct world *world, size_t seen_by, size_t who)
{
    return qr_roster_active(
        &world->people[seen_by].shell.device->roster, world_state(world, who).device);
}

static bool shows(struct world *world, size_t person, const char *text)
{
    return strstr(world_text(world, person, diary), text) != NULL;
}

/* All of these are online and show and hold the same. */
static void assert_one(struct world *world, const size_t *people, size_t count)
{
    struct quire_device_state first = world_state(world, people[0]);
    char text[4096];
    cr_assert_lt(strlen(world_text(world, people[0], diary)), sizeof text);
    strcpy(text, world_text(world, people[0], diary));
    for (size_t i = 0; i < count; i++) {
        struct quire_device_state state = world_state(world, people[i]);
        cr_assert(state.connected && state.caught_up, "person %zu", people[i]);
        cr_assert_eq(state.unacknowledged_count + state.unsealed_count + state.lost_op_count, 0);
        cr_assert_str_eq(state.words, first.words, "person %zu", people[i]);
        cr_assert_str_eq(world_text(world, people[i], diary), text);
        cr_assert_eq(state.alarms[QUIRE_ALARM_FORK], 0);
        cr_assert_eq(state.alarms[QUIRE_ALARM_BAD_SIGNATURE], 0);
        cr_assert_eq(state.alarms[QUIRE_ALARM_UNREADABLE], 0);
    }
}

/* Persons 0, 1 and 3 share an account, each has written; 3 is offline. Returns the log's length. */
static size_t begin(struct world *world)
{
    world_init(world);
    world_account(world, 0);
    world_pair(world, 0, 1);
    world_pair(world, 0, 3);
    write(world, 0, "phone. ");
    write(world, 1, "laptop. ");
    write(world, 3, "tablet. ");
    world_disconnect(world, 3);
    return world->server.log.count;
}

/* Person 0 has revoked 1, of which neither 1 nor 3 heard, and the server has lost it. No device is
 * online. `text` is what 0 wrote meanwhile, or NULL. */
static void begin_with_forgotten_revocation(struct world *world, const char *text)
{
    size_t before = begin(world);
    world_disconnect(world, 1);
    revoke(world, 0, 1);
    if (text != NULL) {
        write(world, 0, text);
    }
    offline(world, 4);
    world_restart_hub(world, before);
}

Test(forgotten, a_revocation_that_others_wrote_past_is_made_again)
{
    struct world world;
    begin_with_forgotten_revocation(&world, "secret. ");
    online(&world, 1);
    write(&world, 1, "late. ");
    online(&world, 3);
    write(&world, 3, "upon it. ");
    cr_assert(shows(&world, 3, "late"));
    online(&world, 0);
    cr_assert_gt(world_state(&world, 0).alarms[QUIRE_ALARM_ROSTER], 0);
    world_run(&world, 5000);
    cr_assert(world_state(&world, 1).revoked);
    cr_assert_not(active(&world, 3, 1));
    assert_one(&world, (size_t[]){0, 3}, 2);
    cr_assert(
        shows(&world, 3, "secret") && shows(&world, 0, "upon it") && shows(&world, 0, "late"));
    /* The revoked one has no key for what was written after its revocation, the first or the second. */
    cr_assert_not(shows(&world, 1, "secret"));
    write(&world, 0, "more. ");
    cr_assert(shows(&world, 3, "more"));
    cr_assert_not(shows(&world, 1, "more"));
    world_finish(&world);
}

Test(forgotten, a_device_enrolled_on_a_forgotten_record_is_enrolled_again)
{
    struct world world;
    size_t before = begin(&world);
    world_disconnect(&world, 1);
    world_pair(&world, 0, 4); /* only 0 and 4 know */
    write(&world, 4, "newcomer. ");
    offline(&world, 5);
    world_restart_hub(&world, before);
    online(&world, 1);
    world_pair(&world, 1, 5); /* its record stands where the other one stood */
    write(&world, 5, "second. ");
    /* No device vouches for it yet: it stays outside, and keeps what it has. */
    world_connect(&world, 4);
    world_run(&world, 3000);
    world_connect(&world, 4);
    world_run(&world, 3000);
    cr_assert_not(world_state(&world, 4).connected);
    cr_assert_gt(world_state(&world, 4).alarms[QUIRE_ALARM_ROSTER], 0);
    cr_assert(shows(&world, 4, "newcomer"));
    online(&world, 0);
    online(&world, 4);
    online(&world, 3);
    for (size_t i = 0; i < 6; i++) {
        cr_assert(i == 2 || active(&world, 0, i), "person %zu", i);
    }
    assert_one(&world, (size_t[]){0, 1, 3, 4, 5}, 5);
    cr_assert(shows(&world, 3, "newcomer") && shows(&world, 3, "second"));
    world_restart(&world, 4, true);
    online(&world, 4);
    assert_one(&world, (size_t[]){0, 1, 3, 4, 5}, 5);
    world_finish(&world);
}

Test(forgotten, revocations_of_both_sides_hold)
{
    struct world world;
    begin(&world);
    world_pair(&world, 0, 4);
    size_t before = world.server.log.count;
    offline(&world, 5);
    online(&world, 0);
    revoke(&world, 0, 1);
    write(&world, 0, "one side. ");
    uint8_t chain[QR_REPLICA_SIZE];
    memcpy(chain, world.people[0].shell.device->replica.id, sizeof chain);
    offline(&world, 5);
    world_restart_hub(&world, before);
    online(&world, 3);
    revoke(&world, 3, 4);
    write(&world, 3, "other side. ");
    world_disconnect(&world, 3);
    online(&world, 0); /* it has lost the place, and follows */
    online(&world, 3);
    assert_one(&world, (size_t[]){0, 3}, 2);
    for (size_t i = 0; i < 4; i += 3) {
        cr_assert(shows(&world, i, "one side") && shows(&world, i, "other side"));
        cr_assert_not(active(&world, i, 1) || active(&world, i, 4));
    }
    cr_assert_geq(world_state(&world, 0).epoch, 3);
    /* Another device may have the old end of its chain, so it does not go on with that. */
    cr_assert_neq(memcmp(chain, world.people[0].shell.device->replica.id, sizeof chain), 0);
    cr_assert_eq(world_state(&world, 0).alarms[QUIRE_ALARM_ROSTER], 1);
    world_finish(&world);
}

Test(forgotten, what_a_device_has_of_a_revoked_one_it_carries_over_the_pins)
{
    struct world world;
    begin(&world);
    offline(&world, 4);
    online(&world, 1);
    size_t before = world.server.log.count;
    write(&world, 1, "last words. ");
    online(&world, 3);
    write(&world, 3, "answer. ");
    cr_assert(shows(&world, 3, "last words"));
    world_disconnect(&world, 1);
    world_disconnect(&world, 3);
    world_restart_hub(&world, before); /* 3 alone has it now, but for its author */
    online(&world, 0);
    revoke(&world, 0, 1);
    cr_assert_not(shows(&world, 0, "last words"));
    online(&world, 3);
    assert_one(&world, (size_t[]){0, 3}, 2);
    cr_assert(shows(&world, 0, "last words") && shows(&world, 0, "answer"));
    /* None of its batches beyond the pin is left; and all is there after a start. */
    world_restart(&world, 3, false);
    online(&world, 3);
    assert_one(&world, (size_t[]){0, 3}, 2);
    world_finish(&world);
}

Test(forgotten, whom_a_revoked_device_enrolled_meanwhile_goes_with_it)
{
    struct world world;
    begin_with_forgotten_revocation(&world, NULL);
    online(&world, 1); /* a thief now, with a server that forgot */
    world_pair(&world, 1, 4);
    write(&world, 4, "ghost. ");
    online(&world, 0);
    world_run(&world, 5000);
    online(&world, 3);
    cr_assert_not(active(&world, 0, 1) || active(&world, 0, 4));
    cr_assert(world_state(&world, 1).revoked && world_state(&world, 4).revoked);
    assert_one(&world, (size_t[]){0, 3}, 2);
    write(&world, 0, "private. ");
    cr_assert(shows(&world, 3, "private"));
    cr_assert_not(shows(&world, 1, "private") || shows(&world, 4, "private"));
    world_finish(&world);
}

Test(forgotten, nothing_is_sealed_before_a_revocation_is_made_again)
{
    struct world world;
    begin_with_forgotten_revocation(&world, NULL);
    online(&world, 1);
    write(&world, 1, "late. ");
    online(&world, 3);
    write(&world, 3, "upon it. ");
    offline(&world, 4);
    /* It goes over and is ended before it could say so to the server. */
    for (int i = 0; i < 50 && world_state(&world, 0).lost_op_count == 0; i++) {
        if (world.people[0].connection == 0) {
            world_connect(&world, 0);
        }
        world_carry(&world);
        world.now_ms += 50;
    }
    cr_assert_eq(world_state(&world, 0).lost_op_count, 1);
    world_disconnect(&world, 0);
    world_restart(&world, 0, true);
    cr_assert_eq(world_state(&world, 0).lost_op_count, 1);
    uint64_t batches = world_state(&world, 0).batch_count;
    world_type(&world, 0, diary, "private. ");
    world_run(&world, 60000);
    cr_assert_eq(world_state(&world, 0).batch_count, batches);
    cr_assert_eq(world_state(&world, 0).unsealed_count, 1);
    online(&world, 0);
    online(&world, 3);
    assert_one(&world, (size_t[]){0, 3}, 2);
    cr_assert(shows(&world, 3, "private"));
    online(&world, 1);
    cr_assert_not(shows(&world, 1, "private"));
    world_finish(&world);
}

Test(forgotten, a_device_that_nobody_vouches_for_comes_back_by_a_code)
{
    static const uint8_t entropy[QUIRE_ENTROPY_SIZE] = {3};
    struct world world;
    size_t before = begin(&world);
    world_disconnect(&world, 1);
    world_pair(&world, 0, 4);
    write(&world, 4, "newcomer. ");
    offline(&world, 5);
    world_restart_hub(&world, before);
    world_drop(&world, 0); /* the only one who knew is gone for good */
    online(&world, 1);
    world_pair(&world, 1, 5);
    for (int i = 0; i < 3; i++) {
        world_connect(&world, 4);
        world_run(&world, 3000);
    }
    cr_assert_eq(world.people[4].shell.last_code[QUIRE_NOTICE_REFUSED], QR_ERROR_UNKNOWN_DEVICE);
    world_keep(&world, 4, diary, "unsent. ");
    world_disconnect(&world, 4);
    struct quire_device *device = world.people[4].shell.device;
    cr_assert_eq(
        quire_device_rejoin(device, quire_bytes_of_text("no code"), entropy), QUIRE_EMALFORMED);
    cr_assert_eq(
        quire_device_rejoin(world.people[1].shell.device, quire_bytes_of_text("no code"), entropy),
        QUIRE_ESTATE); /* it is connected */
    world_step(&world, 1, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    world_run(&world, 1000);
    struct quire_bytes code = quire_bytes_of_text(world.people[1].shell.code);
    cr_assert_eq(quire_device_rejoin(device, code, entropy), QUIRE_OK);
    world_connect(&world, 4);
    world_run(&world, 3000);
    cr_assert_eq(world.people[4].shell.notices[QUIRE_NOTICE_JOINED], 2);
    online(&world, 4);
    online(&world, 3);
    world_run(&world, 40000);
    assert_one(&world, (size_t[]){1, 3, 4, 5}, 4);
    cr_assert(shows(&world, 5, "newcomer") && shows(&world, 5, "unsent"));
    /* A code that no device waits for changes nothing. */
    world_disconnect(&world, 1);
    online(&world, 1);
    world_disconnect(&world, 4);
    cr_assert_eq(quire_device_rejoin(device, code, entropy), QUIRE_OK);
    world_connect(&world, 4);
    world_run(&world, 3000);
    cr_assert_eq(world.people[4].shell.last_code[QUIRE_NOTICE_PAIR_FAILED], QUIRE_ENOTFOUND);
    online(&world, 4);
    assert_one(&world, (size_t[]){1, 3, 4, 5}, 4);
    world_finish(&world);
}
