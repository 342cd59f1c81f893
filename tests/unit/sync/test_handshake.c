/*
 * A stranger at the hub's door: logins that are replayed, relayed or out of turn, mailboxes, and a
 * reader that does not read.
 */
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>

/* ---- the handshake ---------------------------------------------------------------------------- */

/* AUTH with a signature made for `host` over these frames; the code that answers. */
static int authenticate(struct world *world, struct stranger *stranger, const struct forger *forger,
    const char *host, const struct quire_buffer *hello, const struct quire_buffer *challenge)
{
    uint8_t signature[QR_SIGNATURE_SIZE];
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    forge_auth(forger, host, quire_buffer_bytes(hello), quire_buffer_bytes(challenge), signature);
    auth.auth.signature = signature;
    peer_say(world, stranger, &auth);
    const struct qr_frame *frame = peer_hear(world, stranger);
    return frame == NULL ? -1 : frame->type == QR_FRAME_ERROR ? (int)frame->error.code : 0;
}

Test(handshake, a_login_is_good_for_one_host_and_one_connection)
{
    struct world world;
    struct quire_buffer hello = {0}, challenge = {0}, again = {0}, another = {0};
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = world_stranger(&world, "evil.example:7433");
    peer_hello(&world, stranger, &forger, &hello, &challenge);
    cr_assert_eq(authenticate(&world, stranger, &forger, PEER_HOST, &hello, &challenge),
        QR_ERROR_AUTH); /* relayed: signed for our host, shown to another */

    stranger = world_stranger(&world, PEER_HOST);
    peer_hello(&world, stranger, &forger, &again, &another);
    cr_assert_neq(memcmp(challenge.data, another.data, challenge.size), 0);
    cr_assert_eq(authenticate(&world, stranger, &forger, PEER_HOST, &hello, &challenge),
        QR_ERROR_AUTH); /* kept from another connection */

    stranger = world_stranger(&world, PEER_HOST);
    peer_hello(&world, stranger, &forger, &hello, &challenge);
    struct forger thief = peer_keys(&world, 2, 't');
    cr_assert_eq(authenticate(&world, stranger, &thief, PEER_HOST, &hello, &challenge),
        QR_ERROR_AUTH); /* right words, another's key */

    stranger = world_stranger(&world, PEER_HOST);
    peer_hello(&world, stranger, &forger, &hello, &challenge);
    cr_assert_eq(authenticate(&world, stranger, &forger, PEER_HOST, &hello, &challenge), 0);
    cr_assert_eq(peer_last()->type, QR_FRAME_WELCOME);
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    quire_buffer_finish(&again);
    quire_buffer_finish(&another);
    hostile_end(&world);
}

Test(handshake, a_second_hello_ends_the_connection)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = world_stranger(&world, PEER_HOST);
    peer_hello(&world, stranger, &forger, NULL, NULL);
    cr_assert_eq(peer_last()->type, QR_FRAME_CHALLENGE);
    peer_hello(&world, stranger, &forger, NULL, NULL);
    cr_assert_eq(peer_last()->type, QR_FRAME_ERROR);
    cr_assert_eq(peer_last()->error.code, QR_ERROR_PROTO);
    cr_assert_eq(stranger->connection, 0);
    stranger = peer_login(&world, &forger);
    peer_hello(&world, stranger, &forger, NULL, NULL);
    cr_assert_eq(stranger->connection, 0);
    hostile_end(&world);
}

Test(handshake, before_the_login_nothing_is_heard_but_the_handshake)
{
    static const uint8_t sixteen[16] = {1};
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer batch = {0};
    forge_next(&forger, hostile_diary, "too early", &batch);
    struct quire_bytes item = quire_buffer_bytes(&batch);
    struct qr_frame frames[] = {{.type = QR_FRAME_SUB}, {.type = QR_FRAME_PUSH},
        {.type = QR_FRAME_ROSTER_APPEND}, {.type = QR_FRAME_CREDIT}, {.type = QR_FRAME_PING},
        {.type = QR_FRAME_WANT}, {.type = QR_FRAME_ACK}, {.type = QR_FRAME_PRESENCE},
        {.type = QR_FRAME_PAIR}, {.type = QR_FRAME_PAIR}, {.type = QR_FRAME_GOAWAY}};
    frames[1].push.batches = &item;
    frames[1].push.batch_count = 1;
    frames[2].roster_append.prev_head = forger.head;
    frames[2].roster_append.records = &item;
    frames[2].roster_append.record_count = 1;
    frames[3].credit.bytes = 1;
    frames[8].pair.step = QR_PAIR_OPEN;
    frames[8].pair.mailbox = sixteen;
    frames[9].pair.step = QR_PAIR_REPLY;
    frames[9].pair.mailbox = sixteen;
    frames[9].pair.data = item;
    size_t before = world.server.log.count;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        for (int greeted = 0; greeted < 2; greeted++) {
            struct stranger *stranger = world_stranger(&world, PEER_HOST);
            if (greeted) {
                peer_hello(&world, stranger, &forger, NULL, NULL);
            }
            peer_say(&world, stranger, &frames[i]);
            cr_assert_not_null(peer_hear_of(&world, stranger, QR_FRAME_ERROR), "frame %zu", i);
            cr_assert_eq(peer_last()->error.code, QR_ERROR_PROTO, "frame %zu", i);
            cr_assert_eq(stranger->connection, 0, "frame %zu", i);
        }
    }
    cr_assert_eq(world.server.log.count, before);
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(handshake, a_hello_of_other_versions_or_strangers_is_turned_away)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {1}, unknown[QR_USER_SIZE] = {1};
    struct world world;
    hostile_begin(&world);
    struct qr_frame hello = {.type = QR_FRAME_HELLO};
    hello.hello.nonce = nonce;
    hello.hello.user = unknown;
    hello.hello.device = unknown;
    hello.hello.min = 2;
    hello.hello.max = 9;
    struct stranger *stranger = world_stranger(&world, PEER_HOST);
    peer_say(&world, stranger, &hello);
    cr_assert_not_null(peer_hear(&world, stranger));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_VERSION);
    hello.hello.min = hello.hello.max = 1;
    stranger = world_stranger(&world, PEER_HOST);
    peer_say(&world, stranger, &hello);
    cr_assert_not_null(peer_hear(&world, stranger));
    cr_assert_eq(peer_last()->error.code, QR_ERROR_UNKNOWN_USER);
    hostile_end(&world);
}

Test(handshake, two_devices_heal_a_wiped_server_at_the_same_moment)
{
    struct world world;
    struct quire_buffer hellos[2] = {{0}}, challenges[2] = {{0}};
    struct stranger *strangers[2];
    hostile_begin(&world);
    world_restart_hub(&world, 0);
    struct forger forgers[] = {peer_keys(&world, 0, 'a'), peer_keys(&world, 1, 'b')};
    for (size_t i = 0; i < 2; i++) {
        strangers[i] = world_stranger(&world, PEER_HOST);
        peer_hello(&world, strangers[i], &forgers[i], &hellos[i], &challenges[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        struct quire_bytes records[QR_RECORDS_MAX];
        uint8_t signature[QR_SIGNATURE_SIZE];
        struct qr_frame auth = {.type = QR_FRAME_AUTH};
        forge_auth(&forgers[i], PEER_HOST, quire_buffer_bytes(&hellos[i]),
            quire_buffer_bytes(&challenges[i]), signature);
        auth.auth.signature = signature;
        auth.auth.records = records;
        for (uint32_t seq = 0; seq < forgers[i].roster->count; seq++) {
            records[auth.auth.record_count++] = qr_roster_record(forgers[i].roster, seq);
        }
        peer_say(&world, strangers[i], &auth);
        cr_assert_not_null(peer_hear(&world, strangers[i]));
        if (i == 0) {
            cr_assert_eq(peer_last()->type, QR_FRAME_WELCOME);
        } else { /* no side did anything wrong: look again */
            cr_assert_eq(peer_last()->type, QR_FRAME_ERROR);
            cr_assert_eq(peer_last()->error.code, QR_ERROR_STALE_ROSTER);
        }
        quire_buffer_finish(&hellos[i]);
        quire_buffer_finish(&challenges[i]);
    }
    struct qr_hub_counters counters;
    qr_hub_counters(world.server.hub, &counters);
    cr_assert_eq(counters.auth_failures, 0);
    hostile_end(&world);
}

/* AUTH with all of a forger's roster, one bit of which is turned; what answers it. */
static const struct qr_frame *offer(struct world *world, const struct forger *forger, size_t bit)
{
    struct quire_buffer hello = {0}, challenge = {0}, copy = {0};
    struct quire_bytes records[QR_RECORDS_MAX];
    uint8_t signature[QR_SIGNATURE_SIZE];
    struct stranger *stranger = world_stranger(world, PEER_HOST);
    peer_hello(world, stranger, forger, &hello, &challenge);
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    forge_auth(
        forger, PEER_HOST, quire_buffer_bytes(&hello), quire_buffer_bytes(&challenge), signature);
    auth.auth.signature = signature;
    auth.auth.records = records;
    for (uint32_t seq = 0; seq < forger->roster->count; seq++) {
        records[auth.auth.record_count++] = qr_roster_record(forger->roster, seq);
    }
    struct quire_bytes *last = &records[auth.auth.record_count - 1];
    cr_assert_eq(quire_buffer_append(&copy, last->data, last->size), QUIRE_OK);
    copy.data[copy.size - 1 - bit / 8 % copy.size] ^= (uint8_t)(bit == SIZE_MAX ? 0 : 1 << bit % 8);
    *last = quire_buffer_bytes(&copy);
    size_t stored = world->server.log.count;
    world->server.hold_verify = true;
    peer_say(world, stranger, &auth);
    cr_assert_null(peer_hear(world, stranger), "it answers before any signature is checked");
    cr_assert_eq(world->server.log.count, stored);
    world->server.hold_verify = false;
    world_verify(world);
    cr_assert_not_null(peer_hear(world, stranger));
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    quire_buffer_finish(&copy);
    return peer_last();
}

Test(handshake, records_that_are_offered_are_checked_in_the_pool_and_all_of_them_count)
{
    struct world world;
    hostile_begin(&world);
    world_restart_hub(&world, 0);
    struct forger forger = peer_keys(&world, 0, 'a');
    for (size_t bit = 0; bit < (size_t)8 * QR_SIGNATURE_SIZE; bit += 37) {
        cr_assert_eq(offer(&world, &forger, bit)->type, QR_FRAME_ERROR, "bit %zu", bit);
        cr_assert_eq(peer_last()->error.code, QR_ERROR_AUTH);
        cr_assert_eq(world.server.log.count, 0);
    }
    cr_assert_eq(offer(&world, &forger, SIZE_MAX)->type, QR_FRAME_WELCOME);
    cr_assert_eq(world.server.log.count, forger.roster->count);
    hostile_end(&world);
}

/* ---- mailboxes -------------------------------------------------------------------------------- */

static const uint8_t mailbox[QR_MAILBOX_SIZE] = {1}, elsewhere[QR_MAILBOX_SIZE] = {2};
static const struct quire_bytes letter = {(const uint8_t *)"letter", 6};

static void pair(
    struct world *world, struct stranger *stranger, enum qr_pair_step step, const uint8_t *where)
{
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = step;
    frame.pair.mailbox = where;
    if (step == QR_PAIR_REQUEST || step == QR_PAIR_REPLY) {
        frame.pair.data = letter;
    }
    peer_say(world, stranger, &frame);
}

/* The step of the next PAIR that comes; -1 for none. */
static int step_of(struct world *world, struct stranger *stranger)
{
    const struct qr_frame *frame = peer_hear_of(world, stranger, QR_FRAME_PAIR);
    return frame == NULL ? -1 : (int)frame->pair.step;
}

Test(handshake, a_mailbox_serves_one_at_a_time_and_none_when_nobody_waits)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *old = peer_login(&world, &forger);
    struct stranger *new = world_stranger(&world, PEER_HOST);
    struct stranger *late = world_stranger(&world, PEER_HOST);
    pair(&world, new, QR_PAIR_REQUEST, mailbox);
    cr_assert_eq(step_of(&world, new), QR_PAIR_CLOSE);
    pair(&world, old, QR_PAIR_OPEN, mailbox);
    pair(&world, old, QR_PAIR_REPLY, mailbox); /* to no device */
    for (int i = 0; i < 100; i++) {
        pair(&world, i == 0 ? new : late, QR_PAIR_REQUEST, mailbox);
    }
    cr_assert_eq(step_of(&world, old), QR_PAIR_REQUEST);
    cr_assert_eq(step_of(&world, old), -1);
    cr_assert_eq(step_of(&world, late), QR_PAIR_CLOSE);
    pair(&world, old, QR_PAIR_REPLY, mailbox);
    cr_assert_eq(step_of(&world, new), QR_PAIR_REPLY);
    pair(&world, old, QR_PAIR_CLOSE, mailbox);
    cr_assert_eq(step_of(&world, new), QR_PAIR_CLOSE);
    pair(&world, new, QR_PAIR_REQUEST, mailbox);
    cr_assert_eq(step_of(&world, new), QR_PAIR_CLOSE);
    hostile_end(&world);
}

Test(handshake, a_mailbox_that_is_taken_stays_with_whom_it_has)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *first = peer_login(&world, &forger);
    struct stranger *second = peer_login(&world, &forger);
    struct stranger *new = world_stranger(&world, PEER_HOST);
    pair(&world, first, QR_PAIR_OPEN, mailbox);
    pair(&world, second, QR_PAIR_OPEN, mailbox);
    cr_assert_eq(step_of(&world, second), QR_PAIR_CLOSE);
    pair(&world, new, QR_PAIR_REQUEST, mailbox);
    cr_assert_eq(step_of(&world, first), QR_PAIR_REQUEST);
    cr_assert_eq(step_of(&world, second), -1);
    /* The old device goes: the new one hears of it. */
    world_hub_step(
        &world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = first->connection});
    cr_assert_eq(step_of(&world, new), QR_PAIR_CLOSE);
    pair(&world, second, QR_PAIR_OPEN, mailbox);
    pair(&world, new, QR_PAIR_REQUEST, mailbox);
    cr_assert_eq(step_of(&world, second), QR_PAIR_REQUEST);
    hostile_end(&world);
}

Test(handshake, one_who_asks_at_two_mailboxes_keeps_neither_from_others)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *first = peer_login(&world, &forger), *second = peer_login(&world, &forger);
    struct stranger *greedy = world_stranger(&world, PEER_HOST);
    struct stranger *honest = world_stranger(&world, PEER_HOST);
    pair(&world, first, QR_PAIR_OPEN, mailbox);
    pair(&world, second, QR_PAIR_OPEN, elsewhere);
    pair(&world, greedy, QR_PAIR_REQUEST, mailbox);
    pair(&world, greedy, QR_PAIR_REQUEST, elsewhere);
    cr_assert_eq(step_of(&world, first), QR_PAIR_REQUEST);
    cr_assert_eq(step_of(&world, second), QR_PAIR_REQUEST);
    pair(&world, honest, QR_PAIR_REQUEST, mailbox);
    cr_assert_eq(step_of(&world, first), QR_PAIR_REQUEST);
    pair(&world, first, QR_PAIR_REPLY, mailbox);
    cr_assert_eq(step_of(&world, honest), QR_PAIR_REPLY);
    cr_assert_eq(step_of(&world, greedy), -1);
    hostile_end(&world);
}

/* ---- a reader that does not read --------------------------------------------------------------- */

Test(handshake, a_reader_that_never_reads_costs_a_fixed_budget_and_loses_nothing)
{
    struct world world;
    hostile_begin(&world);
    char text[3001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (int i = 0; i < 20; i++) {
        world_type(&world, 0, hostile_diary, text);
    }
    world_run(&world, 2000);
    world.server.limits.pings_burst = UINT32_MAX;
    world_restart_hub(&world, world.server.log.count);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *deaf = peer_login(&world, &forger);
    struct qr_frame sub = {.type = QR_FRAME_SUB}, ping = {.type = QR_FRAME_PING};
    size_t said = 0;
    ping.ping.token = UINT64_MAX;
    for (int i = 0; i < 200000 && deaf->connection != 0; i++) {
        peer_say(&world, deaf, i % 1000 == 0 ? &sub : &ping);
    }
    cr_assert_eq(deaf->connection, 0);
    cr_assert_eq(deaf->closed, 1008);
    for (const struct message *message = deaf->from_hub.first; message != NULL;
         message = message->next) {
        said += message->bytes.size;
    }
    cr_assert_leq(said, QR_HUB_UNSENT_MAX);
    cr_assert_gt(said, QR_HUB_UNSENT_MAX / 2);
    hostile_end(&world);
}

Test(handshake, a_flood_of_forks_reads_no_more_than_it_may_send)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, hostile_diary, "large");
    plan.padding = 60000;
    cr_assert_eq(peer_push_plan(&world, stranger, &forger, &plan), 0);
    struct qr_frame_position positions[QR_FRAME_ITEMS_MAX];
    static const uint8_t wrong[QR_HASH_PREFIX_SIZE];
    for (size_t i = 0; i < QR_FRAME_ITEMS_MAX; i++) {
        positions[i] = (struct qr_frame_position){forger.replica, 1, wrong};
    }
    struct qr_frame sub = {.type = QR_FRAME_SUB};
    sub.sub.positions = positions;
    sub.sub.position_count = QR_FRAME_ITEMS_MAX;
    uint64_t reads = world.server.log.reads;
    peer_say(&world, stranger, &sub);
    cr_assert_eq(stranger->connection, 0);
    cr_assert_leq(world.server.log.reads - reads, QR_HUB_UNSENT_MAX / 60000 + 1);
    hostile_end(&world);
}

Test(handshake, a_drained_hub_lets_go_of_one_whose_pushes_were_all_refused)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    struct plan plan = forge_plan(&forger, NULL, NULL);
    plan.seq = 2;
    plan.prev[0] = 1;
    world.server.hold_verify = true;
    cr_assert_eq(peer_push_plan(&world, stranger, &forger, &plan), -1);
    world_hub_step(&world, (struct qr_hub_event){.kind = QR_HUB_DRAIN});
    cr_assert_neq(stranger->connection, 0);
    world_verify(&world);
    world_hub_step(&world, (struct qr_hub_event){.kind = QR_HUB_TICK});
    cr_assert_eq(stranger->connection, 0);
    cr_assert_eq(stranger->closed, 1001);
    world_restart_hub(&world, world.server.log.count);
    hostile_end(&world);
}
