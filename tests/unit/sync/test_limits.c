/*
 * Every number that bounds a stranger: exactly at it is accepted, one above it is refused, and what
 * was there before is as it was. Limits of form alone are in tests/unit/codec.
 */
#include "base/writer.h"
#include "limits.h"
#include "sync/device/roster_sign.h"
#include "sync/hub/state.h"
#include <criterion/criterion.h>
#include <stdlib.h>

/* ---- rates ------------------------------------------------------------------------------------ */

/* Pushes `count` HEADS batches in one frame; how many were stored. */
static size_t push_many(
    struct world *world, struct stranger *stranger, struct forger *forger, size_t count)
{
    struct quire_buffer bytes = {0};
    struct quire_bytes items[64];
    struct forger before = *forger;
    size_t size = 0, stored = world->server.log.count;
    for (size_t i = 0; i < count; i++) {
        forge_next(forger, NULL, NULL, &bytes);
        size = bytes.size / (i + 1);
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct quire_bytes){bytes.data + i * size, size};
    }
    struct qr_frame push = {.type = QR_FRAME_PUSH};
    push.push.batches = items;
    push.push.batch_count = count;
    peer_say(world, stranger, &push);
    stored = world->server.log.count - stored;
    if (stored < count) { /* the chain goes on from what was taken */
        *forger = before;
        for (size_t i = 0; i < stored; i++) {
            quire_buffer_clear(&bytes);
            forge_next(forger, NULL, NULL, &bytes);
        }
    }
    quire_buffer_finish(&bytes);
    return stored;
}

Test(limits, pushes_beyond_the_burst_wait_for_their_rate)
{
    struct world world;
    limits_begin(&world);
    struct qr_hub_limits limits = world.server.limits;
    limits.pushes_burst = 50;
    limits.pushes_per_second = 10;
    limits_set(&world, &limits);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    cr_assert_eq(push_many(&world, stranger, &forger, 40), 40);
    cr_assert_eq(push_many(&world, stranger, &forger, 11), 10);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_RATE);
    cr_assert_eq(peer_last()->error.seq, forger.seq + 1);
    cr_assert_eq(peer_last()->error.retry_ms, 101);
    for (int i = 0; i < 50; i++) { /* asking often makes no user wait longer */
        limits_wait(&world, 2);
        cr_assert_eq(push_many(&world, stranger, &forger, 1), i == 49);
    }
    limits_wait(&world, 20000);
    cr_assert_eq(push_many(&world, stranger, &forger, 51), 50); /* never more than the burst */
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_gt(counters.rate_limited, 0);
    limits_end(&world);
}

Test(limits, bytes_beyond_the_burst_wait_for_their_rate)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct quire_buffer batch = {0};
    struct plan plan = forge_plan(&forger, NULL, NULL);
    forge_batch(&forger, &plan, &batch, NULL);
    struct qr_hub_limits limits = world.server.limits;
    limits.push_bytes_burst = (uint32_t)(4 * batch.size);
    limits.push_bytes_per_second = (uint32_t)batch.size;
    limits_set(&world, &limits);
    struct stranger *stranger = peer_login(&world, &forger);
    cr_assert_eq(push_many(&world, stranger, &forger, 5), 4);
    limits_wait(&world, 999);
    cr_assert_eq(push_many(&world, stranger, &forger, 1), 0);
    limits_wait(&world, 1);
    cr_assert_eq(push_many(&world, stranger, &forger, 2), 1);
    /* What is larger than the burst goes when the bucket is full: an operator's number may be small,
     * but it locks no user out. */
    limits.push_bytes_burst = (uint32_t)(batch.size / 2);
    limits_set(&world, &limits);
    stranger = peer_login(&world, &forger);
    cr_assert_eq(push_many(&world, stranger, &forger, 1), 1);
    cr_assert_eq(push_many(&world, stranger, &forger, 1), 0);
    limits_wait(&world, 1000);
    cr_assert_eq(push_many(&world, stranger, &forger, 1), 1);
    quire_buffer_finish(&batch);
    limits_end(&world);
}

Test(limits, roster_appends_beyond_the_hours_wait)
{
    struct world world;
    limits_begin(&world);
    struct qr_hub_limits limits = world.server.limits;
    limits.roster_appends_per_hour = 3;
    limits_set(&world, &limits);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct quire_bytes junk = quire_bytes_of_text("not a record");
    const uint8_t *head = qr_roster_head(forger.roster);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(peer_append(&world, stranger, head, &junk, 1), QR_ERROR_PROTO);
    }
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(peer_append(&world, stranger, head, &junk, 1), QR_ERROR_RATE);
    }
    uint32_t retry_ms = peer_last()->error.retry_ms;
    cr_assert_eq(retry_ms, 20 * 60 * 1000 + 1);
    for (int i = 1; i < 20; i++) { /* the connection lives, and every minute it asks in vain */
        limits_wait(&world, 60000);
        peer_say(&world, stranger, &(struct qr_frame){.type = QR_FRAME_PING});
        cr_assert_eq(peer_append(&world, stranger, head, &junk, 1), QR_ERROR_RATE);
    }
    limits_wait(&world, 60000);
    cr_assert_eq(peer_append(&world, stranger, head, &junk, 1), QR_ERROR_PROTO);
    limits_end(&world);
}

/* What answers a SUB that knows nothing: the error's code, 0 for a WANT. */
static int subscribe(struct world *world, struct stranger *stranger)
{
    peer_say(world, stranger, &(struct qr_frame){.type = QR_FRAME_SUB});
    const struct qr_frame *frame = peer_hear(world, stranger);
    while (frame != NULL && frame->type != QR_FRAME_WANT && frame->type != QR_FRAME_ERROR) {
        frame = peer_hear(world, stranger);
    }
    return frame == NULL ? -1 : frame->type == QR_FRAME_ERROR ? (int)frame->error.code : 0;
}

Test(limits, subscribing_over_and_over_is_told_to_come_later_on_any_connection)
{
    struct world world;
    limits_begin(&world);
    struct qr_hub_limits limits = world.server.limits;
    limits.subs_per_minute = 6;
    limits.subs_burst = 5;
    limits_set(&world, &limits);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(subscribe(&world, stranger), 0, "%d", i);
    }
    cr_assert_eq(subscribe(&world, stranger), QR_ERROR_RATE);
    cr_assert_eq(peer_last()->error.retry_ms, 10001);
    cr_assert_eq(stranger->connection, 0, "and it is closed");
    stranger = peer_login(&world, &forger);
    cr_assert_eq(subscribe(&world, stranger), QR_ERROR_RATE);
    limits_wait(&world, 10001);
    stranger = peer_login(&world, &forger);
    cr_assert_eq(subscribe(&world, stranger), 0);
    limits_end(&world);
}

static int fail_to_login(struct world *world, const struct forger *forger, bool well)
{
    struct stranger *stranger = world_stranger(world, PEER_HOST);
    struct quire_buffer hello = {0}, challenge = {0};
    uint8_t signature[QR_SIGNATURE_SIZE];
    peer_hello(world, stranger, forger, &hello, &challenge);
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    forge_auth(forger, well ? PEER_HOST : "elsewhere", quire_buffer_bytes(&hello),
        quire_buffer_bytes(&challenge), signature);
    auth.auth.signature = signature;
    peer_say(world, stranger, &auth);
    const struct qr_frame *frame = peer_hear(world, stranger);
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    return frame == NULL ? -1 : frame->type == QR_FRAME_ERROR ? (int)frame->error.code : 0;
}

Test(limits, who_fails_to_log_in_too_often_waits_and_who_has_the_key_never_does)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(fail_to_login(&world, &forger, false), QR_ERROR_AUTH, "%d", i);
    }
    cr_assert_eq(fail_to_login(&world, &forger, false), QR_ERROR_RATE);
    cr_assert_eq(peer_last()->error.retry_ms, 3 * 60 * 1000 + 1);
    cr_assert_eq(fail_to_login(&world, &forger, true), 0, "the device itself is not kept out");
    cr_assert_eq(fail_to_login(&world, &forger, false), QR_ERROR_RATE);
    limits_wait(&world, 3 * 60 * 1000);
    cr_assert_eq(fail_to_login(&world, &forger, false), QR_ERROR_AUTH, "one more try");
    cr_assert_eq(fail_to_login(&world, &forger, false), QR_ERROR_RATE);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.auth_failures, 24);
    cr_assert_eq(counters.rate_limited, 3);
    limits_end(&world);
}

/* ---- how many at once ------------------------------------------------------------------------- */

Test(limits, connections_beyond_the_limit_are_told_to_come_back)
{
    struct world world;
    limits_begin(&world);
    struct qr_hub_limits limits = world.server.limits;
    limits.connections = 5;
    limits_set(&world, &limits);
    struct stranger *strangers[5];
    for (int i = 0; i < 5; i++) {
        strangers[i] = world_stranger(&world, PEER_HOST);
        cr_assert_neq(strangers[i]->connection, 0);
    }
    struct stranger *late = world_stranger(&world, PEER_HOST);
    cr_assert_eq(late->connection, 0);
    cr_assert_not_null(peer_hear(&world, late));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_OVERLOADED);
    cr_assert_gt(peer_last()->error.retry_ms, 0);
    world_hub_step(&world,
        (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = strangers[0]->connection});
    cr_assert_neq(world_stranger(&world, PEER_HOST)->connection, 0);
    limits_end(&world);
}

Test(limits, a_devices_newest_connection_replaces_its_oldest)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *strangers[16];
    uint32_t most = world.server.limits.connections_per_device;
    for (uint32_t i = 0; i < most + 2; i++) {
        strangers[i] = peer_login(&world, &forger);
    }
    for (uint32_t i = 0; i < most + 2; i++) {
        cr_assert_eq(strangers[i]->connection == 0, i < 2, "%u", i);
    }
    cr_assert_not_null(peer_hear_of(&world, strangers[0], QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_OVERLOADED);
    cr_assert_gt(peer_last()->error.retry_ms, 0);
    limits_end(&world);
}

Test(limits, a_device_with_many_connections_keeps_no_other_device_out)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 0);
    world_disconnect(&world, 1);
    struct qr_hub_limits limits = world.server.limits;
    limits.connections_per_user = 4;
    limits_set(&world, &limits);
    struct forger thief = peer_keys(&world, 1, 't'), owner = peer_keys(&world, 0, 'o');
    struct stranger *strangers[4];
    for (int i = 0; i < 4; i++) {
        strangers[i] = peer_login(&world, &thief);
    }
    struct stranger *mine = peer_login(&world, &owner);
    cr_assert_neq(mine->connection, 0);
    cr_assert_eq(strangers[0]->connection, 0, "the oldest of the device with most");
    cr_assert_neq(strangers[1]->connection, 0);
    for (int i = 0; i < 8; i++) { /* and the thief cannot push it out again */
        (void)peer_login(&world, &thief);
        cr_assert_neq(mine->connection, 0);
    }
    limits_end(&world);
}

Test(limits, what_a_device_uses_up_leaves_the_others_a_share)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 0);
    world_disconnect(&world, 1);
    struct qr_hub_limits limits = world.server.limits;
    limits.roster_appends_per_hour = 3;
    limits.pushes_burst = 40;
    limits.pushes_per_second = 1;
    limits.subs_burst = 3;
    limits.subs_per_minute = 1;
    limits_set(&world, &limits);
    struct forger thief = peer_keys(&world, 1, 't'), owner = peer_keys(&world, 0, 'o');
    struct stranger *theirs = peer_login(&world, &thief), *mine = peer_login(&world, &owner);
    struct quire_bytes junk = quire_bytes_of_text("not a record");
    const uint8_t *head = qr_roster_head(owner.roster);
    for (int i = 0; i < 4; i++) { /* refused changes to the roster cost only the device itself */
        cr_assert_eq(
            peer_append(&world, theirs, head, &junk, 1), i < 3 ? QR_ERROR_PROTO : QR_ERROR_RATE);
    }
    cr_assert_eq(peer_append(&world, mine, head, &junk, 1), QR_ERROR_PROTO);
    cr_assert_geq(push_many(&world, theirs, &thief, 60), 40);
    cr_assert_eq(push_many(&world, theirs, &thief, 1), 0, "nothing is left");
    cr_assert_eq(push_many(&world, mine, &owner, 1), 1, "but for the other device");
    while (peer_hear(&world, theirs) != NULL || peer_hear(&world, mine) != NULL) {
    }
    for (int i = 0; i < 4; i++) {
        (void)subscribe(&world, theirs);
        if (theirs->connection == 0) {
            theirs = peer_login(&world, &thief);
        }
    }
    cr_assert_eq(subscribe(&world, theirs), QR_ERROR_RATE);
    cr_assert_eq(subscribe(&world, mine), 0);
    world_finish(&world);
}

Test(limits, users_beyond_those_kept_in_memory_are_read_again)
{
    struct world world;
    world_init(&world);
    struct qr_hub_limits limits = world.server.limits;
    limits.users_loaded = 2;
    limits_set(&world, &limits);
    for (size_t i = 0; i < 5; i++) {
        world_account(&world, i);
        world_type(&world, i, limits_diary, "one ");
    }
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 5; i++) {
            struct qr_hub_counters counters;
            world_connect(&world, i);
            world_run(&world, 500);
            world_type(&world, i, limits_diary, "more ");
            world_run(&world, 500);
            cr_assert_eq(world_state(&world, i).unacknowledged_count, 0);
            world_disconnect(&world, i);
            qr_hub_counters(world.server.hub, &counters);
            cr_assert_leq(counters.users_loaded, 2);
        }
    }
    for (size_t i = 0; i < 5; i++) { /* all at once: those who are here count for themselves */
        world_connect(&world, i);
    }
    world_run(&world, 1000);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.users_loaded, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_assert(world_state(&world, i).caught_up);
        cr_assert_eq(world_state(&world, i).alarms[QUIRE_ALARM_SERVER_BEHIND], 0);
    }
    world_finish(&world);
}

/* Opens mailbox `number`; the step that answers, -1: silence. */
static int open_mailbox(struct world *world, struct stranger *stranger, uint32_t number)
{
    uint8_t mailbox[QR_MAILBOX_SIZE] = {0};
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    qr_store_u32(mailbox, number);
    frame.pair.step = QR_PAIR_OPEN;
    frame.pair.mailbox = mailbox;
    while (peer_hear(world, stranger) != NULL) {
    }
    peer_say(world, stranger, &frame);
    const struct qr_frame *answer = peer_hear_of(world, stranger, QR_FRAME_PAIR);
    return answer == NULL ? -1 : (int)answer->pair.step;
}

Test(limits, a_third_mailbox_closes_the_users_oldest_and_mailboxes_expire)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *strangers[HUB_MAILBOXES_PER_USER + 1];
    size_t closed = 0;
    for (uint32_t i = 0; i <= HUB_MAILBOXES_PER_USER; i++) {
        strangers[i] = peer_login(&world, &forger);
        for (uint32_t again = 0; again < 3; again++) { /* one has one, however many it opens */
            cr_assert_eq(open_mailbox(&world, strangers[i], 3 * i + again), -1);
        }
    }
    cr_assert_eq(world.server.hub->mailbox_count, HUB_MAILBOXES_PER_USER);
    cr_assert_not_null(peer_hear_of(&world, strangers[0], QR_FRAME_PAIR));
    cr_assert_eq(peer_last()->pair.step, QR_PAIR_CLOSE);
    for (uint32_t waited = 0; waited <= world.server.limits.mailbox_ms + 60000; waited += 60000) {
        limits_wait(&world, 60000);
        for (size_t i = 0; i <= HUB_MAILBOXES_PER_USER; i++) {
            peer_say(&world, strangers[i], &(struct qr_frame){.type = QR_FRAME_PING});
            const struct qr_frame *frame;
            while ((frame = peer_hear(&world, strangers[i])) != NULL) {
                closed += frame->type == QR_FRAME_PAIR && frame->pair.step == QR_PAIR_CLOSE;
            }
        }
    }
    cr_assert_eq(world.server.hub->mailbox_count, 0);
    cr_assert_eq(closed, HUB_MAILBOXES_PER_USER);
    cr_assert_neq(strangers[1]->connection, 0, "only the mailbox is closed");
    limits_end(&world);
}

Test(limits, mailboxes_beyond_the_limit_are_refused)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *first = peer_login(&world, &forger), *second = peer_login(&world, &forger);
    cr_assert_eq(open_mailbox(&world, first, 1), -1);
    world.server.hub->mailbox_count = HUB_MAILBOXES_MAX; /* as if other users had the rest */
    cr_assert_eq(open_mailbox(&world, second, 2), QR_PAIR_CLOSE);
    world.server.hub->mailbox_count = 1;
    cr_assert_eq(open_mailbox(&world, second, 2), -1);
    limits_end(&world);
}

/* ---- what a user may have --------------------------------------------------------------------- */

Test(limits, a_user_stores_up_to_its_quota_and_no_byte_more)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct quire_buffer batch = {0};
    struct plan plan = forge_plan(&forger, NULL, NULL);
    forge_batch(&forger, &plan, &batch, NULL);
    struct qr_hub_limits limits = world.server.limits;
    limits.user_bytes = 0;
    for (size_t i = 0; i < world.server.log.count; i++) {
        limits.user_bytes += world.server.log.records[i].bytes.size;
    }
    limits.user_bytes += batch.size - 1;
    limits_set(&world, &limits);
    struct stranger *stranger = peer_login(&world, &forger);
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), QR_ERROR_QUOTA);
    cr_assert_gt(peer_last()->error.retry_ms, 0);
    limits.user_bytes++;
    limits_set(&world, &limits);
    stranger = peer_login(&world, &forger);
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), 0);
    /* What is there already is acknowledged all the same. */
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), 0);
    quire_buffer_finish(&batch);
    limits_end(&world);
}

Test(limits, chains_beyond_the_limit_are_refused_and_edits_stay_saved)
{
    struct world world;
    limits_begin(&world);
    struct stranger *stranger;
    struct forger forger = peer_keys(&world, 0, 'f');
    stranger = peer_login(&world, &forger);
    world_connect(&world, 0);
    uint32_t most = QR_CHAINS_MAX - 100; /* of one device: 5 for each of 20 devices are reserved */
    for (uint32_t i = 0; i < most; i++) {
        struct plan plan = forge_plan(&forger, NULL, NULL);
        qr_store_u32(plan.replica, i * 2654435761u); /* in no order */
        int code = peer_push_plan(&world, stranger, &forger, &plan);
        cr_assert_eq(code, i < most - 1 ? 0 : QR_ERROR_CHAINS, "chain %u", i);
        world_carry(&world);
    }
    world_run(&world, 2000);
    cr_assert_eq(world_state(&world, 0).chain_count, most);
    cr_assert(world_state(&world, 0).caught_up);
    /* A new process has no chain, and gets none: what it writes is kept, and it goes on. */
    world_restart(&world, 0, false);
    world_connect(&world, 0);
    world_type(&world, 0, limits_diary, "kept ");
    world_run(&world, 40000);
    cr_assert_geq(world_state(&world, 0).unacknowledged_count, 1);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_CHAINS);
    cr_assert(world_state(&world, 0).connected);
    world_restart(&world, 0, false);
    cr_assert_not_null(strstr(world_text(&world, 0, limits_diary), "kept"));
    world_finish(&world);
}

/* Opens chains of one empty batch; how many were accepted before one was refused, `most` at the most. */
static uint32_t open_chains(
    struct world *world, struct stranger *stranger, struct forger *forger, uint32_t most)
{
    for (uint32_t i = 0; i < most; i++) {
        struct plan plan = forge_plan(forger, NULL, NULL);
        qr_store_u32(plan.replica + 4, i + 1);
        int code = peer_push_plan(world, stranger, forger, &plan);
        cr_assert(
            code == 0 || code == QR_ERROR_CHAINS, "chain %u: %s", i, qr_error_name((uint32_t)code));
        if (code != 0) {
            return i;
        }
    }
    return most;
}

Test(limits, chains_that_a_revocation_shuts_out_do_not_count)
{
    enum { OWN = 150 }; /* more than the chains that are reserved */
    struct world world;
    struct quire_buffer bytes = {0};
    uint8_t head[QR_HASH_SIZE];
    hostile_begin(&world);
    world_disconnect(&world, 0);
    struct forger thief = peer_keys(&world, 1, 't'), owner = peer_keys(&world, 0, 'o');
    cr_assert_geq(
        open_chains(&world, peer_login(&world, &thief), &thief, QR_CHAINS_MAX), QR_CHAINS_MAX / 2);
    struct stranger *stranger = peer_login(&world, &owner);
    cr_assert_lt(open_chains(&world, stranger, &owner, OWN), OWN, "the account has no room now");

    struct qr_record record = {
        .kind = QR_RECORD_REVOKE, .revoke.device = qr_vault_public(thief.vault).device};
    forge_record(&owner, &record, &bytes); /* without pins: nothing of the thief stays */
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    memcpy(head, qr_roster_head(owner.roster), sizeof head);
    cr_assert_eq(peer_append(&world, stranger, head, &item, 1), 0);
    struct forger again = peer_keys(&world, 0, 'p');
    cr_assert_eq(open_chains(&world, stranger, &again, OWN), OWN);
    quire_buffer_finish(&bytes);
    world_finish(&world);
}

Test(limits, more_deps_than_one_batch_may_name_go_ahead_in_batches_of_their_own)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    for (uint32_t i = 0; i < 3 * QR_DEPS_MAX + 1; i++) {
        struct plan plan = forge_plan(&forger, NULL, NULL);
        qr_store_u32(plan.replica, i * 2654435761u); /* in no order */
        cr_assert_eq(peer_push_plan(&world, stranger, &forger, &plan), 0);
    }
    world_connect(&world, 0);
    world_run(&world, 2000);
    size_t before = world.server.log.count;
    world_type(&world, 0, limits_diary, "after all of them ");
    world_run(&world, 2000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(world.server.log.count, before + 4); /* 97 deps: three HEADS, then the edit */
    world_disconnect(&world, 0);
    limits_end(&world);
}

/* ---- sizes ------------------------------------------------------------------------------------ */

/* A frame of exactly this size that is to be skipped. */
static struct quire_bytes skipped(struct quire_buffer *buffer, size_t size)
{
    static const uint8_t head[] = {0x92, 0xcc, 0x80};
    uint8_t *next;
    quire_buffer_clear(buffer);
    cr_assert_eq(quire_buffer_reserve(buffer, size), QUIRE_OK);
    memset(buffer->data, 0, size);
    memcpy(buffer->data, head, sizeof head);
    next = buffer->data + sizeof head;
    if (size - sizeof head - 3 > UINT16_MAX) {
        *next++ = 0xc6;
        qr_store_u32(next, (uint32_t)(size - sizeof head - 5));
    } else {
        *next++ = 0xc5;
        qr_store_u16(next, (uint16_t)(size - sizeof head - 3));
    }
    buffer->size = size;
    return quire_buffer_bytes(buffer);
}

Test(limits, a_frame_may_be_as_large_as_its_sender_is_known)
{
    /* A stranger; one that AUTH needs no records of; a member; one that brings an account. */
    static const size_t most[] = {QR_UNAUTHENTICATED_MAX + QR_PAIR_DATA_MAX,
        QR_UNAUTHENTICATED_MAX + QR_PAIR_DATA_MAX, QR_FRAME_MAX,
        QR_UNAUTHENTICATED_MAX + QR_ROSTER_MAX};
    struct world world;
    struct quire_buffer buffer = {0};
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    for (size_t i = 0; i < 4; i++) {
        if (i == 3) {
            world_restart_hub(&world, 0);
        }
        struct stranger *stranger =
            i == 2 ? peer_login(&world, &forger) : world_stranger(&world, PEER_HOST);
        if (i == 1 || i == 3) {
            peer_hello(&world, stranger, &forger, NULL, NULL);
        }
        while (peer_hear(&world, stranger) != NULL) {
        }
        struct qr_hub_allowance allowance;
        qr_hub_allowance(world.server.hub, stranger->connection, &allowance);
        cr_assert_eq(allowance.message_max, most[i]);
        cr_assert_eq(allowance.member, i == 2);
        peer_say_bytes(&world, stranger, skipped(&buffer, most[i]));
        cr_assert_null(peer_hear(&world, stranger));
        peer_say_bytes(&world, stranger, skipped(&buffer, most[i] + 1));
        cr_assert_not_null(peer_hear(&world, stranger));
        cr_assert_eq(peer_last()->error.code, QR_ERROR_TOO_LARGE);
        cr_assert_eq(stranger->connection, 0);
    }
    quire_buffer_finish(&buffer);
    limits_end(&world);
}

Test(limits, what_waits_for_its_signatures_is_bounded)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, limits_diary, "large");
    struct quire_buffer batch = {0};
    plan.padding = 60000;
    forge_batch(&forger, &plan, &batch, NULL);
    size_t count = HUB_UNVERIFIED_MAX / batch.size;
    world.server.hold_verify = true;
    for (size_t i = 0; i <= count; i++) {
        cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), -1, "%zu", i);
    }
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), QR_ERROR_RATE);
    cr_assert_eq(stranger->connection, 0);
    world_verify(&world); /* answers for one who has gone */
    quire_buffer_finish(&batch);
    limits_end(&world);
}

/* ---- times ------------------------------------------------------------------------------------ */

Test(limits, one_who_does_not_say_who_it_is_is_let_go)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *silent = world_stranger(&world, PEER_HOST);
    struct stranger *greeted = world_stranger(&world, PEER_HOST);
    peer_hello(&world, greeted, &forger, NULL, NULL);
    limits_wait(&world, world.server.limits.handshake_ms);
    cr_assert_neq(silent->connection, 0);
    cr_assert_neq(greeted->connection, 0);
    limits_wait(&world, 1);
    cr_assert_eq(silent->connection, 0);
    cr_assert_eq(greeted->connection, 0);
    limits_end(&world);
}

Test(limits, one_who_says_nothing_for_long_is_let_go)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    while (peer_hear(&world, stranger) != NULL) {
    }
    limits_wait(&world, world.server.limits.idle_ms);
    cr_assert_neq(stranger->connection, 0);
    peer_say(&world, stranger, &(struct qr_frame){.type = QR_FRAME_PING});
    while (peer_hear(&world, stranger) != NULL) {
    }
    limits_wait(&world, world.server.limits.idle_ms);
    cr_assert_neq(stranger->connection, 0);
    limits_wait(&world, 1);
    cr_assert_eq(stranger->connection, 0);
    limits_end(&world);
}

Test(limits, one_who_takes_nothing_for_long_is_let_go)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    while (peer_hear(&world, stranger) != NULL) {
    }
    limits_wait(&world, 30000);
    peer_say(&world, stranger, &(struct qr_frame){.type = QR_FRAME_PING}); /* its answer stays */
    limits_wait(&world, world.server.limits.stalled_ms);
    cr_assert_neq(stranger->connection, 0);
    limits_wait(&world, 1);
    cr_assert_eq(stranger->connection, 0);
    cr_assert_eq(stranger->closed, 1008);
    limits_end(&world);
}
