/*
 * A forger against the hub: enrolled or not, with real keys and raw frames. Whatever is sent,
 * nothing changes that must not, the error is the one that protocol/README.md names, and the
 * honest path still works afterwards.
 */
#include "base/writer.h"
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>

/* Expects one refusal that stores nothing. */
static void refused(struct world *world, struct stranger *stranger, struct forger *forger,
    const struct plan *plan, enum qr_error_code code)
{
    size_t before = world->server.log.count;
    int answer = peer_push_plan(world, stranger, forger, plan);
    cr_assert_eq(answer, (int)code, "%s instead of %s", qr_error_name((uint32_t)answer),
        qr_error_name(code));
    cr_assert_eq(world->server.log.count, before);
}

static struct qr_dep head_of(struct world *world, size_t person, const uint8_t *replica)
{
    const struct device_chain *chain =
        device_chain_find(world->people[person].shell.device, replica);
    struct qr_dep dep = {.seq = chain->head};
    memcpy(dep.replica, chain->replica, sizeof dep.replica);
    memcpy(dep.hash, chain->hash, sizeof dep.hash);
    return dep;
}

static struct qr_dep own_head(struct world *world, size_t person)
{
    return head_of(world, person, world->people[person].shell.device->replica.id);
}

/* ---- batches ---------------------------------------------------------------------------------- */

Test(hostile, what_a_forger_makes_honestly_is_taken)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, hostile_diary, "forged ");
    plan.deps[0] = own_head(&world, 0);
    plan.deps[1] = own_head(&world, 1);
    plan.dep_count = 2;
    cr_assert_eq(peer_push_plan(&world, stranger, &forger, &plan), 0);
    world_run(&world, 1000);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "forged"));
    hostile_end(&world);
}

Test(hostile, a_bit_flipped_anywhere_in_a_batch_is_refused)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, hostile_diary, "forged");
    struct quire_buffer batch = {0};
    plan.deps[0] = own_head(&world, 0);
    plan.dep_count = 1;
    forge_batch(&forger, &plan, &batch, NULL);
    size_t before = world.server.log.count;
    for (size_t i = 0; i < batch.size; i++) {
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        int code = peer_push(&world, stranger, quire_buffer_bytes(&batch));
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        cr_assert_gt(code, 0, "byte %zu of %zu", i, batch.size);
        cr_assert_eq(world.server.log.count, before, "byte %zu of %zu", i, batch.size);
        if (stranger->connection == 0) {
            world.stranger_count--;
            quire_buffer_finish(&stranger->last);
            line_clear(&stranger->from_hub);
            stranger = peer_login(&world, &forger);
        }
    }
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), 0);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(hostile, a_batch_of_a_device_that_is_not_in_the_roster_is_refused)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {5};
    struct world world;
    struct qr_vault *ghost;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    cr_assert_eq(qr_vault_create(entropy, &ghost), QUIRE_OK);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    struct forger ghosts = forger;
    ghosts.vault = ghost;
    memcpy(plan.device, qr_vault_public(ghost).device, sizeof plan.device);
    refused(&world, stranger, &ghosts, &plan, QR_ERROR_AUTH);
    /* … nor may it sign in another device's name. */
    plan = forge_plan(&forger, NULL, NULL);
    refused(&world, stranger, &ghosts, &plan, QR_ERROR_BAD_SIG);
    qr_vault_destroy(ghost);
    hostile_end(&world);
}

Test(hostile, another_users_batch_is_refused)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct forger neighbour = peer_keys(&world, 2, 'n');
    struct plan plan = forge_plan(&neighbour, hostile_diary, "not yours");
    plan.roster_seq = forger.roster->count - 1;
    refused(&world, stranger, &neighbour, &plan, QR_ERROR_AUTH);
    /* By a device of this user, but hashed for the other one. */
    plan = forge_plan(&forger, hostile_diary, "not yours");
    memcpy(plan.user, neighbour.roster->user, sizeof plan.user);
    refused(&world, stranger, &forger, &plan, QR_ERROR_BAD_SIG);
    hostile_end(&world);
}

Test(hostile, nobody_goes_on_with_another_devices_chain)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, hostile_diary, "stolen");
    struct qr_dep head = own_head(&world, 0);
    memcpy(plan.replica, head.replica, sizeof plan.replica);
    memcpy(plan.prev, head.hash, sizeof plan.prev);
    plan.seq = head.seq + 1;
    refused(&world, stranger, &forger, &plan, QR_ERROR_FORK);
    hostile_end(&world);
}

Test(hostile, another_batch_at_the_same_place_is_a_fork_with_evidence)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct quire_buffer first = {0};
    struct plan second = forge_plan(&forger, hostile_diary, "two");
    forge_next(&forger, hostile_diary, "one", &first);
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&first)), 0);
    refused(&world, stranger, &forger, &second, QR_ERROR_FORK);
    cr_assert(quire_bytes_equal(peer_last()->error.data, quire_buffer_bytes(&first)));
    cr_assert_eq(peer_last()->error.seq, 1);
    /* The same once more is no fork, but an acknowledgement. */
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&first)), 0);
    /* A wrong prev at the next place is one, too. */
    second = forge_plan(&forger, hostile_diary, "three");
    second.prev[0] ^= 1;
    refused(&world, stranger, &forger, &second, QR_ERROR_FORK);
    cr_assert(quire_bytes_equal(peer_last()->error.data, quire_buffer_bytes(&first)));
    quire_buffer_finish(&first);
    hostile_end(&world);
}

Test(hostile, a_gap_is_told_with_the_head_that_the_hub_has)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct quire_buffer batch = {0};
    struct plan plan = forge_plan(&forger, NULL, NULL);
    plan.seq = 2;
    plan.prev[0] = 1;
    refused(&world, stranger, &forger, &plan, QR_ERROR_GAP);
    cr_assert_eq(peer_last()->error.data.size, 8 + QR_HASH_SIZE);
    cr_assert(qr_is_zero(peer_last()->error.data.data, 8 + QR_HASH_SIZE));
    forge_next(&forger, NULL, NULL, &batch);
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), 0);
    plan = forge_plan(&forger, NULL, NULL);
    plan.seq = UINT64_MAX;
    refused(&world, stranger, &forger, &plan, QR_ERROR_GAP);
    cr_assert_eq(qr_load_u64(peer_last()->error.data.data), 1);
    cr_assert_arr_eq(peer_last()->error.data.data + 8, forger.head, QR_HASH_SIZE);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(hostile, a_batch_without_its_deps_is_refused)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    plan.deps[0] = (struct qr_dep){.replica = "unknown", .seq = 7, .hash = "?"};
    plan.deps[1] = own_head(&world, 0);
    plan.deps[1].seq += 1;
    plan.deps[2] = own_head(&world, 1);
    plan.dep_count = 3;
    refused(&world, stranger, &forger, &plan, QR_ERROR_MISSING_DEPS);
    cr_assert_eq(peer_last()->error.data.size, 2 * QR_DEP_SIZE);
    plan.deps[0] = own_head(&world, 0);
    plan.deps[0].hash[31] ^= 1;
    plan.dep_count = 1;
    refused(&world, stranger, &forger, &plan, QR_ERROR_FORK);
    cr_assert_gt(peer_last()->error.data.size, 0);
    plan.deps[0].seq = 0; /* found as no batch at all */
    plan.deps[0] = own_head(&world, 0);
    plan.deps[0].seq = UINT64_MAX;
    refused(&world, stranger, &forger, &plan, QR_ERROR_MISSING_DEPS);
    hostile_end(&world);
}

Test(hostile, a_batch_that_depends_on_its_own_chain_ends_the_connection)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    struct quire_buffer batch = {0};
    struct qr_batch read;
    plan.deps[0] = own_head(&world, 0);
    plan.dep_count = 1;
    forge_batch(&forger, &plan, &batch, NULL);
    cr_assert_eq(qr_batch_read(quire_buffer_bytes(&batch), &read), QUIRE_OK);
    memcpy(batch.data + (read.head.size - 1 - QR_DEP_SIZE), forger.replica, QR_REPLICA_SIZE);
    cr_assert_eq(qr_batch_read(quire_buffer_bytes(&batch), &read), QUIRE_EMALFORMED);
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), QR_ERROR_PROTO);
    cr_assert_eq(stranger->connection, 0);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(hostile, a_batch_stands_on_a_roster_that_is_there_and_on_its_epoch)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    plan.roster_seq = forger.roster->count;
    refused(&world, stranger, &forger, &plan, QR_ERROR_STALE_ROSTER);
    plan.roster_seq = UINT32_MAX;
    refused(&world, stranger, &forger, &plan, QR_ERROR_STALE_ROSTER);
    plan = forge_plan(&forger, NULL, NULL);
    plan.epoch++;
    refused(&world, stranger, &forger, &plan, QR_ERROR_STALE_ROSTER);
    plan = forge_plan(&forger, NULL, NULL);
    plan.roster_seq = 2; /* before this device was there */
    refused(&world, stranger, &forger, &plan, QR_ERROR_AUTH);
    hostile_end(&world);
}

Test(hostile, a_chain_never_goes_back_in_the_roster)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3); /* one record more */
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct quire_buffer batches = {0};
    struct quire_bytes items[2];
    size_t before = world.server.log.count;
    /* Both in one PUSH, so that the first is not durable yet when the second is looked at. */
    forge_next(&forger, NULL, NULL, &batches);
    size_t size = batches.size;
    struct plan plan = forge_plan(&forger, NULL, NULL);
    plan.roster_seq--;
    forge_batch(&forger, &plan, &batches, NULL);
    items[0] = (struct quire_bytes){batches.data, size};
    items[1] = (struct quire_bytes){batches.data + size, batches.size - size};
    struct qr_frame push = {.type = QR_FRAME_PUSH};
    push.push.batches = items;
    push.push.batch_count = 2;
    peer_say(&world, stranger, &push);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_STALE_ROSTER);
    cr_assert_eq(peer_last()->error.seq, 2);
    cr_assert_eq(world.server.log.count, before + 1);
    /* And once more, over a hub that knows the first only from its log. */
    world_restart_hub(&world, world.server.log.count);
    stranger = peer_login(&world, &forger);
    refused(&world, stranger, &forger, &plan, QR_ERROR_STALE_ROSTER);
    quire_buffer_finish(&batches);
    hostile_end(&world);
}

/* ---- a revoked device ------------------------------------------------------------------------- */

Test(hostile, a_revoked_device_writes_nothing_more_by_unknown_hand)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3);
    struct qr_vault *stolen = world.people[1].shell.device->vault;
    struct forger thief = peer_keys(&world, 1, 't');
    struct plan back_dated = forge_plan(&thief, hostile_diary, "back-dated");
    world_connect(&world, 1);
    world_type(&world, 1, hostile_diary, "more ");
    world_run(&world, 2000);
    world_disconnect(&world, 1);
    struct qr_dep pin = own_head(&world, 1);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, qr_vault_public(stolen).device, QUIRE_DEVICE_SIZE);
    world_connect(&world, 0);
    world_run(&world, 1000);
    world_step(&world, 0, revoke);
    world_run(&world, 2000);
    world_connect(&world, 3);
    world_run(&world, 2000);

    /* It is told, and shut out. */
    struct stranger *stranger = peer_login(&world, &thief);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_REVOKED);
    cr_assert_eq(stranger->connection, 0);

    /* Nor does another device bring it: back-dated, in a new chain, or on the pinned one. */
    struct forger friend = peer_keys(&world, 3, 'm');
    thief.roster = friend.roster;
    stranger = peer_login(&world, &friend);
    refused(&world, stranger, &thief, &back_dated, QR_ERROR_REVOKED);
    struct plan plan = forge_plan(&thief, NULL, NULL);
    refused(&world, stranger, &thief, &plan, QR_ERROR_REVOKED);
    memcpy(plan.replica, pin.replica, sizeof plan.replica);
    memcpy(plan.prev, pin.hash, sizeof plan.prev);
    plan.seq = pin.seq + 1;
    refused(&world, stranger, &thief, &plan, QR_ERROR_REVOKED);
    /* Below the pin, but not what was pinned: the hub has the true one. */
    plan = back_dated;
    memcpy(plan.replica, pin.replica, sizeof plan.replica);
    refused(&world, stranger, &thief, &plan, QR_ERROR_FORK);
    /* At the pin, likewise. */
    plan.seq = pin.seq;
    plan.prev[0] = 1;
    refused(&world, stranger, &thief, &plan, QR_ERROR_REVOKED);

    world_type(&world, 0, hostile_diary, "after.");
    world_run(&world, 3000);
    cr_assert_not_null(strstr(world_text(&world, 3, hostile_diary), "after."));
    cr_assert_eq(world_state(&world, 3).alarms[QUIRE_ALARM_REVOKED_WRITE], 0);
    world_finish(&world);
}

Test(hostile, a_server_that_lost_a_pinned_chain_takes_back_the_pinned_one_only)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3);
    struct forger thief = peer_keys(&world, 1, 't');
    struct qr_dep pin = own_head(&world, 1);
    cr_assert_eq(pin.seq, 1);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, qr_vault_public(thief.vault).device, QUIRE_DEVICE_SIZE);
    world_connect(&world, 0);
    world_run(&world, 1000);
    world_step(&world, 0, revoke);
    world_run(&world, 2000);

    world_restart_hub(&world, 0);
    struct forger friend = peer_keys(&world, 0, 'm');
    struct stranger *stranger = peer_login(&world, &friend);
    thief.roster = friend.roster;
    struct plan plan = forge_plan(&thief, hostile_diary, "another first");
    memcpy(plan.replica, pin.replica, sizeof plan.replica);
    plan.epoch = 1;
    plan.roster_seq = 3;
    refused(&world, stranger, &thief, &plan, QR_ERROR_REVOKED);
    world_connect(&world, 0);
    world_run(&world, 3000);
    world_connect(&world, 3);
    world_run(&world, 3000);
    cr_assert_not_null(strstr(world_text(&world, 3, hostile_diary), "laptop"));
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world_finish(&world);
}

Test(hostile, what_a_wiped_server_took_from_a_revoked_device_reaches_nobody)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3);
    struct forger thief = peer_keys(&world, 1, 't');
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, qr_vault_public(thief.vault).device, QUIRE_DEVICE_SIZE);
    world_step(&world, 0, revoke);
    world_run(&world, 2000);
    /* A server that knows nothing hears the thief first. */
    world_restart_hub(&world, 0);
    struct stranger *stranger = peer_login(&world, &thief);
    struct plan plan = forge_plan(&thief, hostile_diary, "too late");
    cr_assert_eq(peer_push_plan(&world, stranger, &thief, &plan), 0);
    world_connect(&world, 0);
    world_run(&world, 1000);
    world_connect(&world, 3);
    world_run(&world, 100000);
    for (size_t i = 0; i < 4; i += 3) {
        struct quire_device_state state = world_state(&world, i);
        cr_assert(state.caught_up);
        cr_assert_eq(state.alarms[QUIRE_ALARM_REVOKED_WRITE], 0); /* no device is shown it */
        cr_assert_eq(state.alarms[QUIRE_ALARM_ROSTER], 0);
        cr_assert_eq(state.not_on_server_count, 0);
        cr_assert_null(strstr(world_text(&world, i, hostile_diary), "too late"));
    }
    world_finish(&world);
}

/* ---- the roster ------------------------------------------------------------------------------- */

/* An ADD of new keys, signed by the forger's device. */
static void forge_add(struct forger *forger, const struct qr_vault *who, const uint8_t *prev,
    struct quire_buffer *out_record)
{
    uint8_t name[QR_NAME_SIZE] = {0}, seal[QR_SEAL_SIZE] = {0};
    struct qr_record record = {.kind = QR_RECORD_ADD, .prev = prev, .seq = forger->roster->count};
    record.add.sign_public = qr_vault_public(who).sign_public;
    record.add.box_public = qr_vault_public(who).box_public;
    record.add.epoch = forger->roster->epoch;
    record.add.name = name;
    record.add.seal = seal;
    forge_record(forger, &record, out_record);
}

Test(hostile, the_roster_grows_only_by_its_members_and_from_its_head)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {6}, more[QR_ENTROPY_SIZE] = {7};
    struct world world;
    struct qr_vault *ghost, *second;
    struct quire_buffer record = {0}, other = {0};
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    const uint8_t *head = qr_roster_head(forger.roster);
    cr_assert_eq(qr_vault_create(entropy, &ghost), QUIRE_OK);
    cr_assert_eq(qr_vault_create(more, &second), QUIRE_OK);
    size_t before = world.server.log.count;

    /* Signed by one who is not in it. */
    struct forger ghosts = forger;
    ghosts.vault = ghost;
    forge_add(&ghosts, ghost, NULL, &record);
    struct quire_bytes bytes = quire_buffer_bytes(&record);
    cr_assert_eq(peer_append(&world, stranger, head, &bytes, 1), QR_ERROR_BAD_SIG);

    /* Right, but from another head: as a claim in the frame, and in the record itself. */
    quire_buffer_clear(&record);
    forge_add(&forger, ghost, NULL, &record);
    bytes = quire_buffer_bytes(&record);
    const uint8_t *older = forger.roster->entries[1].hash;
    cr_assert_eq(peer_append(&world, stranger, older, &bytes, 1), QR_ERROR_STALE_ROSTER);
    forge_add(&forger, ghost, older, &other);
    bytes = quire_buffer_bytes(&other);
    cr_assert_eq(peer_append(&world, stranger, head, &bytes, 1), QR_ERROR_STALE_ROSTER);

    /* Two records with one prev: neither is taken. */
    quire_buffer_clear(&other);
    forge_add(&forger, second, NULL, &other);
    struct quire_bytes both[] = {quire_buffer_bytes(&record), quire_buffer_bytes(&other)};
    cr_assert_eq(peer_append(&world, stranger, head, both, 2), QR_ERROR_STALE_ROSTER);
    cr_assert_eq(world.server.log.count, before);

    /* The first alone is; then the second is too late. */
    cr_assert_eq(peer_append(&world, stranger, head, both, 1), 0);
    cr_assert_eq(peer_append(&world, stranger, head, both + 1, 1), QR_ERROR_STALE_ROSTER);
    cr_assert_eq(world.server.log.count, before + 1);
    world_run(&world, 1000);
    cr_assert_eq(world_state(&world, 0).roster_count, 5);
    cr_assert_eq(world_state(&world, 0).alarms[QUIRE_ALARM_ROSTER], 0);

    qr_vault_destroy(ghost);
    qr_vault_destroy(second);
    quire_buffer_finish(&record);
    quire_buffer_finish(&other);
    hostile_end(&world);
}

/* The forger's device revokes device 0 with these pins, ascending. */
static int append_revocation(struct world *world, struct forger *forger, struct stranger *stranger,
    const struct qr_dep *pins, uint16_t count)
{
    struct qr_record record = {.kind = QR_RECORD_REVOKE};
    struct quire_buffer bytes = {0};
    record.revoke.device = qr_vault_public(world->people[0].shell.device->vault).device;
    record.revoke.pin_count = count;
    for (uint16_t i = 0; i < count; i++) {
        record.revoke.pins[i] = pins[i];
    }
    forge_record(forger, &record, &bytes);
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    int code = peer_append(world, stranger, qr_roster_head(forger->roster), &item, 1);
    quire_buffer_finish(&bytes);
    return code;
}

static const struct qr_dep unknown = {
    .seq = 9, .replica = "unknown"}; /* a chain that there is not */

Test(hostile, a_revocation_that_shuts_out_what_others_stand_on_is_refused)
{
    for (int loaded = 0; loaded < 2; loaded++) {
        struct world world;
        hostile_begin(&world);
        struct forger forger = peer_keys(&world, 1, 'f');
        if (loaded) { /* then it has to read who stands on what */
            world_restart_hub(&world, world.server.log.count);
        }
        struct stranger *stranger = peer_login(&world, &forger);
        struct qr_dep wrong = own_head(&world, 0);
        wrong.hash[0] ^= 1;
        cr_assert_eq(append_revocation(&world, &forger, stranger, NULL, 0), QR_ERROR_STALE_ROSTER);
        cr_assert_eq(
            append_revocation(&world, &forger, stranger, &wrong, 1), QR_ERROR_STALE_ROSTER);
        cr_assert_eq(
            append_revocation(&world, &forger, stranger, &unknown, 1), QR_ERROR_STALE_ROSTER);
        hostile_end(&world);
    }
}

Test(hostile, a_revocation_may_shut_out_what_nobody_stands_on)
{
    struct world world;
    hostile_begin(&world);
    world_disconnect(&world, 0);
    struct forger forger = peer_keys(&world, 1, 'f'), thief = peer_keys(&world, 0, 't');
    struct stranger *stranger = peer_login(&world, &forger), *pushing = peer_login(&world, &thief);
    struct plan plan = forge_plan(&thief, hostile_diary, "at the last moment");
    cr_assert_eq(peer_push_plan(&world, pushing, &thief, &plan), 0);
    struct qr_dep head = own_head(&world, 0);
    cr_assert_eq(append_revocation(&world, &forger, stranger, &head, 1), 0);
    /* It is not served any more, nor told of: who subscribes now is caught up without it. */
    world_connect(&world, 1);
    world_run(&world, 2000);
    cr_assert(world_state(&world, 1).caught_up);
    cr_assert_null(strstr(world_text(&world, 1, hostile_diary), "last moment"));
    cr_assert_eq(world_state(&world, 1).alarms[QUIRE_ALARM_REVOKED_WRITE], 0);
    world_finish(&world);
}

/* As after a loss that the revoking device has not heard of: a device that has that chain brings it. */
Test(hostile, a_revocation_may_pin_a_chain_that_the_server_lacks)
{
    struct world world;
    hostile_begin(&world);
    world_disconnect(&world, 0);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct qr_dep pins[2] = {own_head(&world, 0), unknown};
    if (memcmp(pins[0].replica, pins[1].replica, QR_REPLICA_SIZE) > 0) {
        pins[0] = unknown;
        pins[1] = own_head(&world, 0);
    }
    cr_assert_eq(append_revocation(&world, &forger, stranger, pins, 2), 0);
    world_connect(&world, 1);
    world_run(&world, 2000);
    cr_assert(world_state(&world, 1).caught_up);
    cr_assert_not(
        qr_roster_active(&world.people[1].shell.device->roster, world_state(&world, 0).device));
    cr_assert_not_null(strstr(world_text(&world, 1, hostile_diary), "phone"));
    world_finish(&world);
}

/* ---- what changes while a signature is checked ------------------------------------------------- */

Test(hostile, a_batch_on_a_record_that_was_rolled_back_is_refused)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {6}, more[QR_ENTROPY_SIZE] = {7};
    struct world world;
    struct qr_vault *one, *two;
    struct quire_buffer first = {0}, second = {0}, batch = {0};
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    const uint8_t *head = qr_roster_head(forger.roster);
    struct qr_roster tried = {0};
    cr_assert_eq(qr_vault_create(entropy, &one), QUIRE_OK);
    cr_assert_eq(qr_vault_create(more, &two), QUIRE_OK);
    forge_add(&forger, one, NULL, &first);
    forge_add(&forger, two, NULL, &second);

    /* The first record is on its way to the disk, a batch that stands on it is looked at … */
    world.server.hold_commits = true;
    struct quire_bytes record = quire_buffer_bytes(&first);
    cr_assert_eq(peer_append(&world, stranger, head, &record, 1), -1);
    cr_assert_eq(qr_roster_copy(forger.roster, &tried), QUIRE_OK);
    cr_assert_eq(qr_roster_append(&tried, record), QUIRE_OK);
    struct forger ahead = forger;
    ahead.roster = &tried;
    forge_next(&ahead, NULL, NULL, &batch);
    world.server.hold_verify = true;
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), -1);

    /* … and the disk takes the second record instead. */
    world_fail_commits(&world);
    world.server.hold_commits = false;
    record = quire_buffer_bytes(&second);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_append(&world, stranger, head, &record, 1), 0);
    size_t before = world.server.log.count;
    world_verify(&world);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_STALE_ROSTER);
    cr_assert_eq(world.server.log.count, before);

    qr_roster_finish(&tried);
    qr_vault_destroy(one);
    qr_vault_destroy(two);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(hostile, a_roster_with_a_hole_in_the_log_is_healed)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3);
    /* As after damage, when what was on its way to the disk came behind what was dropped. */
    size_t at = world.server.log.count;
    while (world.server.log.records[at - 1].entry.kind != QR_LOG_ROSTER
        || world.server.log.records[at - 1].entry.seq != 3) {
        at--;
    }
    world.server.log.records[at - 1].entry.lsn = 0;
    world_restart_hub(&world, world.server.log.count);
    /* One who does not bring what is lacking gets what there is. */
    const struct qr_roster *whole = &world.people[0].shell.device->roster;
    struct qr_roster part = {0};
    for (uint32_t seq = 0; seq < 3; seq++) {
        cr_assert_eq(qr_roster_append(&part, qr_roster_record(whole, seq)), QUIRE_OK);
    }
    struct forger forger = forger_of(world.people[0].shell.device->vault, &part, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct qr_frame sub = {.type = QR_FRAME_SUB};
    sub.sub.roster_count = part.count;
    peer_say(&world, stranger, &sub);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_CAUGHT_UP));
    qr_roster_finish(&part);
    world_connect(&world, 0);
    world_run(&world, 2000);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world_pair(&world, 0, 4);
    cr_assert(world_state(&world, 4).caught_up);
    cr_assert_eq(world_state(&world, 4).alarms[QUIRE_ALARM_ROSTER], 0);
    hostile_end(&world);
}
