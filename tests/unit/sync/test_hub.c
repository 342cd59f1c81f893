/*
 * The hub alone: its invariants, each violated once on purpose; work in slices; and what one device,
 * one stranger or one address may cost.
 */
#include "peer.h"
#include "sync/hub/state.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4};

/* ---- invariants ------------------------------------------------------------------------------- */

/* A hub with one user, one ready connection and a few records. */
static struct hub_connection *hub_of(struct world *world, struct hub_user **out_user)
{
    world_init(world);
    world_account(world, 0);
    for (int i = 0; i < 5; i++) {
        world_type(world, 0, diary, "words ");
    }
    world_connect(world, 0);
    world_run(world, 2000);
    struct hub_connection *connection = world->server.hub->connections;
    *out_user = connection->user;
    cr_assert_gt((*out_user)->chain_count, 0);
    return connection;
}

static void tick(struct world *world)
{
    world_hub_step(world, (struct qr_hub_event){.kind = QR_HUB_TICK});
}

#define VIOLATION(name, harm) \
    Test(hub_check, name, .signal = SIGABRT) \
    { \
        static struct world world; \
        struct hub_user *user; \
        struct hub_connection *connection = hub_of(&world, &user); \
        struct qr_hub *hub = world.server.hub; \
        tick(&world); /* all holds */ \
        (void)connection, (void)hub; \
        harm; \
        tick(&world); \
    }

VIOLATION(connections_are_counted, hub->counters.connections++)
VIOLATION(ready_connections_are_counted, hub->counters.connections_ready--)
VIOLATION(users_are_counted, hub->counters.users_loaded++)
VIOLATION(mailboxes_are_counted, hub->mailbox_count++)
VIOLATION(idle_users_are_counted, hub->idle_count++)
VIOLATION(idle_bytes_are_counted, hub->idle_bytes++)
VIOLATION(unsent_bytes_are_bounded, connection->unsent = QR_HUB_UNSENT_MAX + 1)
VIOLATION(a_ready_connection_has_a_user, user->chains[0].durable = user->chains[0].accepted + 1)
VIOLATION(a_position_is_in_the_log, connection->reader.position = user->entry_count + 1)
VIOLATION(entries_ascend, user->entries[1].lsn = user->entries[0].lsn)
VIOLATION(a_chains_offsets_point_at_its_entries, user->chains[0].offsets[0]++)
VIOLATION(chains_are_in_order, user->chain_order[0] = 7)
VIOLATION(bytes_are_the_sum_of_the_entries, user->bytes--)
VIOLATION(roster_records_are_entries, user->entries[0].chain = 0)
VIOLATION(durable_entries_come_first, user->durable_count--)
VIOLATION(members_count_their_connections, user->members->connection_count++)
VIOLATION(unverified_bytes_are_the_sum_of_the_pushes, connection->unverified++)
VIOLATION(noted_entries_are_in_the_log, user->noted_from = user->entry_count + 1)
VIOLATION(pending_records_have_the_last_lsn, {
    world.server.hold_commits = true;
    world_type(&world, 0, diary, "pending");
    world_run(&world, 500);
    hub->next_lsn++;
})

Test(hub_check, a_state_follows_only_those_of_the_table, .signal = SIGABRT)
{
    static struct world world;
    struct hub_user *user;
    struct hub_connection *connection = hub_of(&world, &user);
    hub_set_state(world.server.hub, connection, HUB_AUTHENTICATING);
}

/* ---- states ----------------------------------------------------------------------------------- */

Test(hub, a_frame_out_of_turn_ends_the_connection_in_every_state)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    static const uint8_t zeros[QR_SIGNATURE_SIZE];
    static const enum qr_frame_type before[] = {QR_FRAME_SUB, QR_FRAME_CREDIT, QR_FRAME_PING};
    for (size_t i = 0; i < 3; i++) {
        for (int challenged = 0; challenged < 2; challenged++) {
            struct stranger *stranger = world_stranger(&world, PEER_HOST);
            if (challenged) {
                peer_hello(&world, stranger, &forger, NULL, NULL);
            }
            struct qr_frame frame = {.type = before[i]};
            if (frame.type == QR_FRAME_CREDIT) {
                frame.credit.bytes = 1;
            }
            peer_say(&world, stranger, &frame);
            cr_assert_eq(stranger->connection, 0);
        }
    }
    struct stranger *ready = peer_login(&world, &forger);
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    auth.auth.signature = zeros;
    peer_say(&world, ready, &auth);
    cr_assert_not_null(peer_hear_of(&world, ready, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_PROTO);
    cr_assert_eq(ready->connection, 0);
    hostile_end(&world);
}

/* ---- what a device may cost ------------------------------------------------------------------- */

Test(hub, one_push_gets_one_acknowledgement)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct quire_buffer batch = {0};
    for (int i = 0; i < 5; i++) {
        size_t acks = 0;
        const struct qr_frame *frame;
        quire_buffer_clear(&batch);
        forge_next(&forger, NULL, NULL, &batch);
        while (peer_hear(&world, stranger) != NULL) {
        }
        struct qr_frame push = {.type = QR_FRAME_PUSH};
        struct quire_bytes bytes = quire_buffer_bytes(&batch);
        push.push.batches = &bytes;
        push.push.batch_count = 1;
        peer_say(&world, stranger, &push);
        while ((frame = peer_hear(&world, stranger)) != NULL) {
            acks += frame->type == QR_FRAME_ACK;
        }
        cr_assert_eq(acks, 1, "push %d: %zu", i, acks);
    }
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(hub, pings_beyond_the_rate_end_the_connection_and_no_other)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *flood = peer_login(&world, &forger), *other = peer_login(&world, &forger);
    uint32_t said = 0;
    while (flood->connection != 0 && said <= world.server.limits.pings_burst + 1) {
        peer_say(&world, flood, &(struct qr_frame){.type = QR_FRAME_PING});
        while (flood->connection != 0 && peer_hear(&world, flood) != NULL) {
        }
        said++;
    }
    cr_assert_eq(said, world.server.limits.pings_burst + 1);
    cr_assert_eq(flood->connection, 0);
    cr_assert_neq(other->connection, 0);
    hostile_end(&world);
}

Test(hub, what_is_sent_to_a_user_has_a_rate_and_all_of_it_arrives)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 1);
    char text[2001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int i = 0; i < 20; i++) {
        world_type(&world, 0, diary, text);
    }
    world_run(&world, 3000);
    struct qr_hub_limits limits = world.server.limits;
    limits.delta_bytes_per_second = limits.delta_bytes_burst = 4096;
    world.server.limits = limits;
    world_restart_hub(&world, world.server.log.count);
    uint64_t began_ms = world.now_ms;
    world_connect(&world, 1);
    for (int i = 0; i < 120 && !world_state(&world, 1).caught_up; i++) {
        world_run(&world, 1000);
    }
    cr_assert(world_state(&world, 1).caught_up);
    cr_assert_geq(world.now_ms - began_ms, 5000, "forty thousand bytes at 4 KiB a second");
    cr_assert_eq(strlen(world_text(&world, 1, diary)), 20 * (sizeof text - 1));
    world_finish(&world);
}

Test(hub, a_full_store_takes_no_batch_and_tries_roster_records)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    struct quire_buffer batch = {0};
    forge_batch(&forger, &plan, &batch, NULL);
    world.server.refuse_commits = QUIRE_EFULL;
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), QR_ERROR_STORE_FULL);
    world.server.refuse_commits = QUIRE_OK; /* what comes now is not even tried */
    size_t stored = world.server.log.count;
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), QR_ERROR_STORE_FULL);
    cr_assert_eq(world.server.log.count, stored);
    world.now_ms += 31000;
    cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&batch)), 0);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

/* ---- what a stranger may cost ----------------------------------------------------------------- */

Test(hub, the_signature_of_auth_is_checked_before_the_records_it_brings)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    world_restart_hub(&world, 0); /* wiped: AUTH brings the whole roster */
    struct stranger *stranger = world_stranger(&world, PEER_HOST);
    struct quire_buffer hello = {0}, challenge = {0};
    peer_hello(&world, stranger, &forger, &hello, &challenge);
    static const uint8_t wrong[QR_SIGNATURE_SIZE] = {1};
    struct quire_bytes records[16];
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    cr_assert_leq(forger.roster->count, 16);
    for (uint32_t i = 0; i < forger.roster->count; i++) {
        records[i] = qr_roster_record(forger.roster, i);
    }
    auth.auth.signature = wrong;
    auth.auth.records = records;
    auth.auth.record_count = forger.roster->count;
    world.server.hold_verify = true;
    peer_say(&world, stranger, &auth);
    struct hub_connection *connection = world.server.hub->connections;
    while (connection != NULL && connection->id != stranger->connection) {
        connection = connection->hh.next;
    }
    cr_assert_not_null(connection);
    cr_assert_eq(connection->state, HUB_AUTHENTICATING);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.pending_stranger_jobs, 0, "no record is under verification yet");
    world_verify(&world);
    cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_AUTH);
    cr_assert_eq(peer_last()->error.data.size, strlen(PEER_HOST), "the host that the hub saw");
    world.server.hold_verify = false;
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    hostile_end(&world);
}

Test(hub, records_of_strangers_under_verification_are_bounded)
{
    struct world world;
    hostile_begin(&world);
    world_disconnect(&world, 0);
    world.server.limits.stranger_jobs = 1;
    world_restart_hub(&world, 0);
    world_connect(&world, 1); /* with a roster of several records */
    world_run(&world, 100);
    cr_assert(!world_state(&world, 1).connected);
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.pending_stranger_jobs, 0);
    cr_assert_eq(counters.accounts_made, 0);
    world.server.limits.stranger_jobs = 8192;
    world_restart_hub(&world, 0);
    hostile_end(&world);
}

Test(hub, an_address_makes_so_many_accounts_and_no_more)
{
    struct world world;
    world_init(&world);
    world.server.limits.accounts_per_hour = 2;
    world.address = 77;
    world_restart_hub(&world, 0);
    for (size_t i = 0; i < 3; i++) {
        world_account(&world, i);
        world_type(&world, i, diary, "hello");
        world_connect(&world, i);
        world_run(&world, 2000);
        cr_assert_eq(world_state(&world, i).caught_up, i < 2, "%zu", i);
    }
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.accounts_made, 2);
    cr_assert_geq(counters.accounts_refused, 1);
    world.now_ms += 1800001;
    world_run(&world, 1000);
    world_connect(&world, 2);
    world_run(&world, 2000);
    cr_assert(world_state(&world, 2).caught_up);
    world_finish(&world);
}

/* ---- slices ----------------------------------------------------------------------------------- */

static void work(struct world *world, size_t *out_slices)
{
    *out_slices = 0;
    while (qr_hub_has_work(world->server.hub)) {
        world_hub_step(world, (struct qr_hub_event){.kind = QR_HUB_WORK});
        ++*out_slices;
        cr_assert_lt(*out_slices, 10000);
    }
}

Test(hub, an_index_is_loaded_in_slices_and_hello_is_answered_when_it_is_whole)
{
    struct world world;
    hostile_begin(&world);
    for (int i = 0; i < 50; i++) {
        world_type(&world, 0, diary, "x");
    }
    world_run(&world, 3000);
    struct forger forger = peer_keys(&world, 1, 'f');
    world.server.limits.slice = 8;
    world_restart_hub(&world, world.server.log.count);
    struct stranger *first = world_stranger(&world, PEER_HOST),
                    *second = world_stranger(&world, PEER_HOST);
    struct quire_buffer hello = {0};
    struct qr_frame frame = {.type = QR_FRAME_HELLO};
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {1};
    frame.hello.min = frame.hello.max = 1;
    frame.hello.nonce = nonce;
    frame.hello.user = forger.roster->user;
    frame.hello.device = qr_vault_public(forger.vault).device;
    frame.hello.roster_count = forger.roster->count;
    peer_say(&world, first, &frame);
    peer_say(&world, second, &frame);
    cr_assert_null(peer_hear(&world, first), "not yet");
    cr_assert(qr_hub_has_work(world.server.hub));
    world_hub_step(
        &world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = second->connection});
    second->connection = 0;
    size_t slices;
    work(&world, &slices);
    cr_assert_gt(slices, 5);
    cr_assert_not_null(peer_hear(&world, first));
    cr_assert_eq(peer_last()->type, QR_FRAME_CHALLENGE);
    quire_buffer_finish(&hello);
    world.server.limits.slice = 0;
    world_restart_hub(&world, world.server.log.count);
    hostile_end(&world);
}

Test(hub, a_log_is_looked_through_in_slices_for_a_revocation)
{
    struct world world;
    hostile_begin(&world);
    struct forger revoked = peer_keys(&world, 0, 'r'), forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &revoked);
    struct quire_buffer bytes = {0};
    for (int i = 0; i < 40; i++) {
        quire_buffer_clear(&bytes);
        forge_next(&revoked, NULL, NULL, &bytes);
        cr_assert_eq(peer_push(&world, stranger, quire_buffer_bytes(&bytes)), 0);
    }
    world_restart_hub(&world, world.server.log.count);
    struct qr_record record = {.kind = QR_RECORD_REVOKE};
    record.revoke.device = qr_vault_public(revoked.vault).device;
    size_t slices, most = 0, refused = 0;
    int code;
    quire_buffer_clear(&bytes);
    forge_record(&forger, &record, &bytes);
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    struct stranger *mine = peer_login(&world, &forger);
    world.server.hub->limits.slice = 1;
    for (;;) {
        uint64_t reads = world.server.log.reads;
        code = peer_append(&world, mine, qr_roster_head(forger.roster), &item, 1);
        if (code != QR_ERROR_RATE) {
            break;
        }
        refused++;
        most = world.server.log.reads - reads > most ? world.server.log.reads - reads : most;
        work(&world, &slices);
        cr_assert_gt(slices, 1);
    }
    cr_assert_gt(refused, 0);
    cr_assert_lt(most, 8, "one request reads little: %zu", most);
    cr_assert_eq(code, QR_ERROR_STALE_ROSTER, "the other device's batches depend on it");
    uint64_t reads = world.server.log.reads;
    cr_assert_eq(
        peer_append(&world, mine, qr_roster_head(forger.roster), &item, 1), QR_ERROR_STALE_ROSTER);
    cr_assert_eq(world.server.log.reads, reads, "what was read is remembered");
    quire_buffer_finish(&bytes);
    world.server.limits.slice = 0;
    world_restart_hub(&world, world.server.log.count);
    hostile_end(&world);
}

Test(hub, memory_for_idle_users_is_bounded_in_bytes)
{
    struct world world;
    world_init(&world);
    world.server.limits.users_loaded_bytes = 1;
    world_restart_hub(&world, 0);
    for (size_t i = 0; i < 3; i++) {
        world_account(&world, i);
        world_type(&world, i, diary, "hello");
        world_connect(&world, i);
        world_run(&world, 2000);
        world_disconnect(&world, i);
    }
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.users_loaded, 1, "the last one that left stays");
    cr_assert_gt(counters.users_loaded_bytes, 0);
    world_finish(&world);
}
