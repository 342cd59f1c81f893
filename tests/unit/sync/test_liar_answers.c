/*
 * A lying server against a device: false answers, and none.
 * Whatever it does, nothing is applied that no device of the user wrote, nothing of the user's is lost,
 * the alarm is the right one, and with an honest server all goes on.
 */
#include "peer.h"
#include <criterion/criterion.h>

/* ---- answers ---------------------------------------------------------------------------------- */

Test(liar, heads_that_nobody_has_are_asked_for_and_not_believed)
{
    static const uint8_t unknown[QR_REPLICA_SIZE] = "unknown", prefix[QR_HASH_PREFIX_SIZE] = "hash";
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].shell.device;
    struct qr_frame_position positions[3];
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    frame.caught_up.positions = positions;
    for (size_t i = 0; i < 2; i++) {
        positions[i] = (struct qr_frame_position){device->chains.items[i].replica,
            device->chains.items[i].head, device->chains.items[i].hash};
    }
    positions[2] = (struct qr_frame_position){unknown, UINT64_MAX, prefix};
    liar_accept(&world, 0);
    frame.caught_up.position_count = 3;
    liar_say(&world, 0, &frame);
    cr_assert_not(world_state(&world, 0).caught_up);
    for (int i = 0; i < 3; i++) { /* again, later each time */
        liar_wait(&world, 0, 1100u << i);
        cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB));
        liar_say(&world, 0, &frame);
    }
    cr_assert_eq(liar_alarms(&world, 0), 0);
    positions[1].hash_prefix = prefix;
    frame.caught_up.position_count = 2;
    liar_say(&world, 0, &frame);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_FORK), 1);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_SERVER_BEHIND), 0);
    hostile_end(&world);
}

Test(liar, a_server_that_lost_what_it_confirmed_is_found_out)
{
    struct world world;
    hostile_begin(&world);
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_say(&world, 0, &(struct qr_frame){.type = QR_FRAME_CAUGHT_UP});
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_SERVER_BEHIND), 1);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    hostile_end(&world);
}

Test(liar, an_ack_beyond_what_there_is_says_nothing)
{
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].shell.device;
    static const uint8_t unknown[QR_REPLICA_SIZE] = "unknown";
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    world_keep(&world, 0, hostile_diary, "not sent yet");
    struct qr_frame_range ranges[] = {{.replica = unknown, .to = 7},
        {.replica = device->replica.id, .to = UINT64_MAX}, {.replica = device->replica.id, .to = 2},
        {.replica = device->chains.items[1].replica, .to = 9}};
    struct qr_frame frame = {.type = QR_FRAME_ACK};
    frame.ack.ranges = ranges;
    frame.ack.range_count = 4;
    liar_say(&world, 0, &frame);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_PUSH));
    hostile_end(&world);
}

Test(liar, errors_of_every_code_lose_nothing)
{
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].shell.device;
    static const uint8_t unknown[QR_REPLICA_SIZE] = "unknown";
    for (uint32_t code = 0; code < QR_ERROR_CODE_COUNT + 3; code++) {
        for (int kind = 0; kind < 5; kind++) {
            struct qr_frame frame = {.type = QR_FRAME_ERROR};
            frame.error.code = code;
            frame.error.retry_ms = kind % 2 == 0 ? 0 : UINT32_MAX;
            frame.error.fatal = kind == 0;
            frame.error.replica = kind < 2 ? NULL : kind == 4 ? unknown : device->replica.id;
            frame.error.seq = kind < 2 ? 0 : kind == 2 ? 1 : UINT64_MAX;
            frame.error.data = quire_bytes_of_text("evidence");
            liar_accept(&world, 0);
            liar_want_nothing(&world, 0);
            liar_say(&world, 0, &frame);
            if (kind == 0) {
                cr_assert_eq(world.people[0].connection, 0);
            }
        }
    }
    world_keep(&world, 0, hostile_diary, "still here ");
    hostile_end(&world);
}

Test(liar, no_server_sends_a_device_away_for_ever)
{
    struct world world;
    hostile_begin(&world);
    struct qr_frame frame = {.type = QR_FRAME_ERROR};
    frame.error.code = QR_ERROR_OVERLOADED;
    frame.error.fatal = true;
    frame.error.retry_ms = UINT32_MAX;
    liar_accept(&world, 0);
    liar_say(&world, 0, &frame);
    cr_assert_leq(world.people[0].retry_ms, 3600000);
    frame = (struct qr_frame){.type = QR_FRAME_GOAWAY};
    frame.goaway.retry_ms = UINT32_MAX;
    liar_accept(&world, 0);
    liar_say(&world, 0, &frame);
    cr_assert_leq(world.people[0].retry_ms, 3600000);
    /* A batch refused for months is tried again at the next connection. */
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    world_type(&world, 0, hostile_diary, "refused ");
    frame = (struct qr_frame){.type = QR_FRAME_ERROR};
    frame.error.code = QR_ERROR_QUOTA;
    frame.error.retry_ms = UINT32_MAX;
    frame.error.replica = world.people[0].shell.device->replica.id;
    frame.error.seq = 2;
    liar_say(&world, 0, &frame);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_QUOTA);
    world_disconnect(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 2000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    hostile_end(&world);
}

Test(liar, a_want_of_nonsense_sends_at_most_what_there_is)
{
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].shell.device;
    static const uint8_t unknown[QR_REPLICA_SIZE] = "unknown";
    struct qr_frame_range ranges[] = {{unknown, 1, UINT64_MAX},
        {device->chains.items[0].replica, 1, UINT64_MAX},
        {device->chains.items[0].replica, UINT64_MAX, UINT64_MAX},
        {device->chains.items[1].replica, 2, 9}};
    struct qr_frame frame = {.type = QR_FRAME_WANT};
    frame.want.ranges = ranges;
    frame.want.range_count = 4;
    liar_accept(&world, 0);
    liar_say(&world, 0, &frame);
    const struct qr_frame *push = liar_hear_of(&world, 0, QR_FRAME_PUSH);
    cr_assert_not_null(push);
    cr_assert_eq(push->push.batch_count, 1);
    for (int i = 0; i < 2000; i++) { /* over and over: what is unanswered stays within its bound */
        liar_say(&world, 0, &frame);
    }
    size_t pushes = 0;
    while (liar_hear_of(&world, 0, QR_FRAME_PUSH) != NULL) {
        pushes++;
    }
    cr_assert_lt(pushes, DEVICE_INFLIGHT_COUNT);
    hostile_end(&world);
}

Test(liar, what_was_behind_a_refused_batch_in_any_frame_goes_again)
{
    struct world world;
    hostile_begin(&world);
    /* Three chains to bring, the first over several frames. */
    world_disconnect(&world, 0);
    for (int chain = 0; chain < 3; chain++) {
        for (int i = 0; i < (chain == 0 ? 100 : 40); i++) {
            world_type(&world, 0, hostile_diary, "word ");
        }
        world_restart(&world, 0, false);
    }
    world_restart_hub(&world, 0);
    world.server.limits.pushes_burst = 30;
    world.server.limits.pushes_per_second = 20;
    world_restart_hub(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 120000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world.server.limits.pushes_burst = 100000;
    hostile_end(&world);
}

/* ---- time ------------------------------------------------------------------------------------- */

Test(liar, a_server_that_never_answers_is_left)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9};
    struct world world;
    hostile_begin(&world);
    const struct qr_roster *roster = &world.people[0].shell.device->roster;
    liar_connect(&world, 0);
    liar_wait(&world, 0, DEVICE_ANSWER_MS + 100);
    cr_assert_eq(world.people[0].connection, 0); /* no CHALLENGE */
    liar_connect(&world, 0);
    struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
    frame.challenge.version = QR_PROTOCOL_VERSION;
    frame.challenge.nonce = nonce;
    frame.challenge.log = log;
    frame.challenge.roster_count = roster->count;
    frame.challenge.roster_head = qr_roster_head(roster);
    frame.challenge.time_ms = (uint64_t)world.wall_ms;
    liar_say(&world, 0, &frame);
    liar_wait(&world, 0, DEVICE_ANSWER_MS + 100);
    cr_assert_eq(world.people[0].connection, 0); /* no WELCOME */
    liar_accept(&world, 0);
    liar_wait(&world, 0, QR_PING_IDLE_MS + 100);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_PING));
    liar_wait(&world, 0, QR_SILENCE_CLIENT_MS);
    cr_assert_eq(world.people[0].connection, 0); /* no sign of life */
    hostile_end(&world);
}

Test(liar, a_revocation_without_an_answer_is_tried_on_another_connection)
{
    struct world world;
    hostile_begin(&world);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, world_state(&world, 1).device, QUIRE_DEVICE_SIZE);
    const struct quire_device *device = world.people[0].shell.device;
    struct qr_frame_position positions[2];
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    for (size_t i = 0; i < 2; i++) {
        positions[i] = (struct qr_frame_position){device->chains.items[i].replica,
            device->chains.items[i].head, device->chains.items[i].hash};
    }
    frame.caught_up.positions = positions;
    frame.caught_up.position_count = 2;
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_say(&world, 0, &frame);
    world_step(&world, 0, revoke);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_ROSTER_APPEND));
    for (int i = 0; i < 6 && world.people[0].connection != 0;
         i++) { /* it lives, and says nothing */
        liar_wait(&world, 0, 5000);
        liar_say(&world, 0, &(struct qr_frame){.type = QR_FRAME_PING});
    }
    cr_assert_eq(world.people[0].connection, 0);
    world_connect(&world, 0);
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 0).epoch, 2);
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_DEVICE_REVOKED], 1);
    world_finish(&world);
}

Test(liar, a_device_that_only_listens_says_now_and_then_that_it_is_there)
{
    struct world world;
    hostile_begin(&world);
    world_connect(&world, 1);
    for (int i = 0; i < 40; i++) { /* 0 writes every five seconds, 1 looks on */
        world_type(&world, 0, hostile_diary, ".");
        world_run(&world, 5000);
    }
    cr_assert_eq(world.people[1].closed, 0);
    cr_assert_neq(world.people[1].connection, 0);
    hostile_end(&world);
}
