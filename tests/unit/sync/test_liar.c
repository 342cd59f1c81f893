/*
 * A lying server against a device: nothing is applied that no device of the user wrote, nothing of
 * the user's is lost, the alarm is the right one, and with an honest server all goes on.
 */
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static uint64_t alarms(struct world *world, size_t person, enum quire_alarm_kind alarm)
{
    return world_state(world, person).alarms[alarm];
}

static uint64_t all_alarms(struct world *world, size_t person)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        sum += world_state(world, person).alarms[i];
    }
    return sum;
}

static const char *kept_text(struct world *world, size_t person)
{
    static char text[65536];
    strcpy(text, world_text(world, person, hostile_diary));
    return text;
}

/* ---- DELTA ------------------------------------------------------------------------------------ */

Test(liar, batches_in_a_wrong_order_are_put_right_by_subscribing_again)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer first = {0}, second = {0};
    forge_next(&forger, hostile_diary, "one ", &first);
    forge_next(&forger, hostile_diary, "two ", &second);
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    struct quire_bytes batches[] = {quire_buffer_bytes(&second), quire_buffer_bytes(&first)};
    liar_delta(&world, 0, batches, 1);
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    liar_wait(&world, 0, 1500);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB));
    liar_delta(&world, 0, batches, 2); /* of these the second is good */
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    liar_delta(&world, 0, batches, 2);
    liar_delta(&world, 0, batches, 2); /* repeated: nothing happens */
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    cr_assert_eq(all_alarms(&world, 0), 0);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    hostile_end(&world);
}

Test(liar, a_bit_flipped_anywhere_in_a_batch_changes_nothing)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer batch = {0};
    forge_next(&forger, hostile_diary, "true ", &batch);
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    uint64_t batches = world_state(&world, 0).batch_count;
    for (size_t i = 0; i < batch.size; i++) {
        struct quire_bytes bytes = quire_buffer_bytes(&batch);
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        liar_delta(&world, 0, &bytes, 1);
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        cr_assert_eq(world_state(&world, 0).batch_count, batches, "byte %zu", i);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    cr_assert_gt(alarms(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), batch.size / 2);
    struct quire_bytes cut = quire_buffer_bytes(&batch);
    for (cut.size = 1; cut.size < batch.size; cut.size++) {
        liar_delta(&world, 0, &cut, 1);
    }
    cr_assert_eq(world_state(&world, 0).batch_count, batches);
    liar_delta(&world, 0, &cut, 1); /* the whole, as it was */
    cr_assert_eq(world_state(&world, 0).batch_count, batches + 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "true"));
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(liar, what_is_before_the_first_lie_of_a_frame_is_taken)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer batches = {0};
    struct quire_bytes items[3];
    size_t ends[3];
    for (int i = 0; i < 3; i++) {
        forge_next(&forger, hostile_diary, i == 0 ? "one " : i == 1 ? "two " : "three ", &batches);
        ends[i] = batches.size;
    }
    for (int i = 0; i < 3; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        items[i] = (struct quire_bytes){batches.data + start, ends[i] - start};
    }
    batches.data[ends[2] - 1] ^= 1; /* the signature that vouches for the run */
    batches.data[ends[1] - 1] ^= 1;
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, 3);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    quire_buffer_finish(&batches);
    hostile_end(&world);
}

/* The run is vouched for by its last signature: the others must be in what that one signs, or this
 * device would hold a batch that no server takes from it. */
Test(liar, a_signature_damaged_in_the_middle_of_a_run_is_not_kept)
{
    static const char *const words[] = {"alpha ", "beta ", "gamma "};
    for (int damaged = 0; damaged < 3; damaged++) {
        struct world world;
        hostile_begin(&world);
        struct forger forger = peer_keys(&world, 1, 'f');
        struct quire_buffer batches = {0};
        struct quire_bytes items[3];
        size_t ends[4] = {0};
        for (int i = 0; i < 3; i++) {
            forge_next(&forger, hostile_diary, words[i], &batches);
            ends[i + 1] = batches.size;
        }
        for (int i = 0; i < 3; i++) {
            items[i] = (struct quire_bytes){batches.data + ends[i], ends[i + 1] - ends[i]};
        }
        uint8_t *bit = &batches.data[ends[damaged + 1] - 40];
        liar_accept(&world, 0);
        liar_want_nothing(&world, 0);
        uint64_t before = world_state(&world, 0).batch_count;
        *bit ^= 4;
        liar_delta(&world, 0, items, 3);
        cr_assert_eq(world_state(&world, 0).batch_count, before + (uint64_t)damaged, "of %d", damaged);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), 1);
        cr_assert_null(strstr(world_text(&world, 0, hostile_diary), words[damaged]));
        liar_wait(&world, 0, 1500);
        cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB), "asks for what is good");
        *bit ^= 4;
        liar_delta(&world, 0, items, 3);
        cr_assert_eq(world_state(&world, 0).batch_count, before + 3);
        cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), words[damaged]));
        quire_buffer_finish(&batches);
        hostile_end(&world); /* it brings them to an honest server that never had them */
    }
}

Test(liar, batches_of_strangers_other_users_and_other_places_are_refused)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {5};
    struct world world;
    struct qr_vault *ghost;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f'), neighbour = peer_keys(&world, 2, 'n');
    struct quire_buffer bytes = {0};
    cr_assert_eq(qr_vault_create(entropy, &ghost), QUIRE_OK);
    struct plan plans[6];
    struct forger signers[6];
    for (size_t i = 0; i < 6; i++) {
        plans[i] = forge_plan(&forger, NULL, NULL);
        signers[i] = forger;
    }
    signers[0].vault = ghost; /* in another's name */
    signers[1].vault = ghost; /* in its own */
    memcpy(plans[1].device, qr_vault_public(ghost).device, QR_DEVICE_SIZE);
    plans[2] = forge_plan(&neighbour, NULL, NULL);
    signers[2] = neighbour;
    memcpy(plans[3].user, neighbour.roster->user, QR_USER_SIZE);
    plans[4].epoch = 2;
    plans[5].roster_seq = 1; /* before this device was there */
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    uint64_t batches = world_state(&world, 0).batch_count;
    for (size_t i = 0; i < 6; i++) {
        quire_buffer_clear(&bytes);
        forge_batch(&signers[i], &plans[i], &bytes, NULL);
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        liar_delta(&world, 0, &item, 1);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), i + 1, "batch %zu", i);
        cr_assert_eq(world_state(&world, 0).batch_count, batches, "batch %zu", i);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    qr_vault_destroy(ghost);
    quire_buffer_finish(&bytes);
    hostile_end(&world);
}

Test(liar, a_ciphertext_moved_elsewhere_does_not_open)
{
    static const uint8_t other[QR_ENTRY_SIZE] = {7};
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    /* Sealed for another entry, writer, seq, index, kind, epoch; signed by a true device all the
     * same, as a thief of a session could have it signed. */
    for (size_t i = 0; i < 6; i++) {
        struct plan plan = forge_plan(&forger, hostile_diary, "moved");
        struct quire_buffer bytes = {0};
        plan.moved = true;
        plan.place = (struct qr_change_place){
            .seq = plan.seq, .kind = QR_CHANGE_OPS, .epoch = plan.epoch};
        memcpy(plan.place.writer, plan.writer, QR_WRITER_SIZE);
        memcpy(plan.place.entry, hostile_diary, QR_ENTRY_SIZE);
        switch (i) {
        case 0:
            memcpy(plan.place.entry, other, QR_ENTRY_SIZE);
            break;
        case 1:
            plan.place.writer[0] ^= 1;
            break;
        case 2:
            plan.place.seq++;
            break;
        case 3:
            plan.place.index++;
            break;
        case 4:
            plan.place.kind = QR_CHANGE_CKPT;
            break;
        default:
            plan.moved = false;
            plan.padding = 1;
            break;
        }
        forge_batch(&forger, &plan, &bytes, forger.head);
        forger.seq++;
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        liar_delta(&world, 0, &item, 1);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_UNREADABLE), i + 1);
        quire_buffer_finish(&bytes);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    /* The chain goes on: what is unreadable blocks nothing. */
    struct quire_buffer last = {0};
    forge_next(&forger, hostile_diary, "readable ", &last);
    struct quire_bytes item = quire_buffer_bytes(&last);
    liar_delta(&world, 0, &item, 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "readable"));
    quire_buffer_finish(&last);
    hostile_end(&world);
}

Test(liar, two_batches_at_one_place_are_a_fork)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct plan other = forge_plan(&forger, hostile_diary, "two ");
    struct quire_buffer first = {0}, second = {0};
    forge_next(&forger, hostile_diary, "one ", &first);
    forge_batch(&forger, &other, &second, NULL);
    struct quire_bytes items[] = {quire_buffer_bytes(&first), quire_buffer_bytes(&second)};
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, 2);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_FORK), 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    liar_delta(&world, 0, items + 1, 1);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_FORK), 2);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    hostile_end(&world);
}

Test(liar, chains_that_are_only_named_take_no_room)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer good = {0}, bad = {0};
    struct quire_bytes items[QR_FRAME_ITEMS_MAX];
    size_t ends[QR_CHAINS_MAX];
    for (size_t i = 0; i < QR_CHAINS_MAX - 10; i++) { /* without the batch before */
        struct plan plan = forge_plan(&forger, NULL, NULL);
        qr_store_u64(plan.writer, i + 1);
        plan.seq = 2;
        plan.prev[0] = 1;
        forge_batch(&forger, &plan, &bad, NULL);
        ends[i] = bad.size;
    }
    for (size_t i = 0; i < QR_CHAINS_MAX - 10; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        items[i] = (struct quire_bytes){bad.data + start, ends[i] - start};
    }
    forge_next(&forger, hostile_diary, "real ", &good);
    items[QR_CHAINS_MAX - 10] = quire_buffer_bytes(&good);
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, QR_CHAINS_MAX - 9);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "real"));
    cr_assert_eq(world.people[0].device->chain_count, world_state(&world, 0).chain_count);
    quire_buffer_finish(&good);
    quire_buffer_finish(&bad);
    hostile_end(&world);
}

Test(liar, a_batch_that_was_not_taken_counts_for_nothing)
{
    struct world world;
    hostile_begin(&world);
    struct quire_device *device = world.people[0].device;
    /* The next of the device's own chain, with a signature that does not hold, twice in a frame. */
    struct forger forger = peer_keys(&world, 0, 'f');
    const struct device_chain *own = device_chain_find(device, device->writer);
    memcpy(forger.writer, own->writer, sizeof forger.writer);
    memcpy(forger.head, own->hash, sizeof forger.head);
    forger.seq = own->head;
    struct quire_buffer batch = {0};
    forge_next(&forger, hostile_diary, "ghost", &batch);
    batch.data[batch.size - 1] ^= 1;
    struct quire_bytes twice[] = {quire_buffer_bytes(&batch), quire_buffer_bytes(&batch)};
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_delta(&world, 0, twice, 2);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world_type(&world, 0, hostile_diary, "mine");
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_PUSH));
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(liar, more_than_the_credit_ends_the_connection)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    liar_accept(&world, 0);
    world.hold_persisted = true; /* the device's disk is slow: it gives no credit back */
    size_t size = 0;
    while (world.people[0].connection != 0 && size < 4 * QR_CREDIT_INITIAL) {
        struct quire_buffer batch = {0};
        struct plan plan = forge_plan(&forger, hostile_diary, "large");
        plan.padding = 60000;
        forge_batch(&forger, &plan, &batch, forger.head);
        forger.seq++;
        struct quire_bytes item = quire_buffer_bytes(&batch);
        liar_delta(&world, 0, &item, 1);
        size += batch.size;
        quire_buffer_finish(&batch);
    }
    cr_assert_eq(world.people[0].connection, 0);
    cr_assert_eq(world.people[0].last_code[QUIRE_NOTICE_REFUSED], QR_ERROR_PROTO);
    cr_assert_gt(size, QR_CREDIT_INITIAL);
    cr_assert_lt(size, QR_CREDIT_INITIAL + 62000);
    world.hold_persisted = false;
    world_restart(&world, 0, true);
    hostile_end(&world);
}

/* ---- the roster ------------------------------------------------------------------------------- */

static void tell_records(struct world *world, size_t person, uint32_t first,
    const struct quire_bytes *records, size_t count)
{
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
    frame.roster_records.first_seq = first;
    frame.roster_records.records = records;
    frame.roster_records.record_count = count;
    liar_say(world, person, &frame);
}

Test(liar, a_ghost_device_in_the_roster_is_an_alarm)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {6};
    struct world world;
    struct qr_vault *ghost;
    struct quire_buffer bytes = {0};
    uint8_t name[QR_NAME_SIZE] = {0}, seal[QR_SEAL_SIZE] = {0};
    hostile_begin(&world);
    cr_assert_eq(qr_vault_create(entropy, &ghost), QUIRE_OK);
    struct forger forger = peer_keys(&world, 0, 'f');
    uint32_t count = forger.roster->count;
    for (int i = 0; i < 3; i++) {
        struct qr_record record = {.kind = QR_RECORD_ADD};
        struct forger signer = forger;
        signer.vault = i == 0 ? ghost : forger.vault;
        record.add.sign_public = qr_vault_public(ghost).sign_public;
        record.add.box_public = qr_vault_public(ghost).box_public;
        record.add.epoch = forger.roster->epoch;
        record.add.name = name;
        record.add.seal = seal;
        quire_buffer_clear(&bytes);
        forge_record(&signer, &record, &bytes);
        if (i == 1) {
            bytes.data[bytes.size - 1] ^= 1; /* unsigned */
        }
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        liar_accept(&world, 0);
        /* The last is well signed, and stands where another record is, or behind a hole. */
        tell_records(&world, 0, i == 2 ? count - 1 : count, &item, 1);
        cr_assert_eq(world.people[0].connection, 0);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_ROSTER), (uint64_t)i + 1);
        cr_assert_eq(world_state(&world, 0).roster_count, count);
    }
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    liar_accept(&world, 0);
    tell_records(&world, 0, count + 1, &item, 1);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_ROSTER), 4);
    qr_vault_destroy(ghost);
    quire_buffer_finish(&bytes);
    hostile_end(&world);
}

/* Whoever saw another roster reads the whole of it next, and does not go over to what is not there. */
static void look_at(struct world *world, size_t person, const struct qr_frame *challenge)
{
    const struct qr_frame *hello;
    liar_connect(world, person);
    cr_assert_not_null(hello = liar_hear_of(world, person, QR_FRAME_HELLO));
    cr_assert_eq(hello->hello.roster_count, 1);
    liar_say(world, person, challenge);
    const struct qr_frame *auth = liar_hear_of(world, person, QR_FRAME_AUTH);
    cr_assert_not_null(auth);
    cr_assert_eq(auth->auth.record_count, 0);
    struct qr_frame frame = {.type = QR_FRAME_WELCOME};
    frame.welcome.roster_count = challenge->challenge.roster_count;
    frame.welcome.roster_head = challenge->challenge.roster_head;
    liar_say(world, person, &frame);
    const struct qr_roster *roster = &world->people[person].device->roster;
    struct quire_bytes records[QR_RECORDS_MAX];
    for (uint32_t seq = 1; seq < roster->count; seq++) {
        records[seq - 1] = qr_roster_record(roster, seq);
    }
    if (roster->count > 1) {
        tell_records(world, person, 1, records, roster->count - 1); /* not those of that head */
    }
    cr_assert_null(liar_hear_of(world, person, QR_FRAME_SUB));
}

Test(liar, a_challenge_or_welcome_of_another_roster_is_an_alarm_and_gets_no_signature)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9}, other[QR_HASH_SIZE] = {9};
    struct world world;
    hostile_begin(&world);
    const struct qr_roster *roster = &world.people[0].device->roster;
    uint32_t whole = roster->count;
    for (uint32_t count = 1; count <= whole; count++) {
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = QR_PROTOCOL_VERSION;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.time_ms = (uint64_t)world.wall_ms;
        frame.challenge.roster_count = count;
        frame.challenge.roster_head = other;
        liar_connect(&world, 0);
        liar_say(&world, 0, &frame);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_ROSTER), count);
        cr_assert_null(liar_hear_of(&world, 0, QR_FRAME_AUTH));
        cr_assert_eq(world.people[0].connection, 0);
        look_at(&world, 0, &frame);
        cr_assert_eq(roster->count, whole);
        liar_accept(&world, 0); /* one that agrees: it has not changed its mind */
    }
    uint64_t before = alarms(&world, 0, QUIRE_ALARM_ROSTER);
    for (int i = 0; i < 2; i++) {
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = QR_PROTOCOL_VERSION;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.time_ms = (uint64_t)world.wall_ms;
        frame.challenge.roster_head = other;
        liar_connect(&world, 0);
        liar_say(&world, 0, &frame);
        cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_AUTH));
        frame = (struct qr_frame){.type = QR_FRAME_WELCOME};
        frame.welcome.roster_count = roster->count - (i == 0 ? 1 : 0);
        frame.welcome.roster_head = i == 0 ? roster->entries[roster->count - 2].hash : other;
        liar_say(&world, 0, &frame);
        cr_assert_null(liar_hear_of(&world, 0, QR_FRAME_SUB));
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_ROSTER), before + 1 + (uint64_t)i);
        liar_accept(&world, 0);
    }
    hostile_end(&world);
}

Test(liar, a_challenge_that_waited_while_the_machine_slept_is_no_alarm_but_a_wrong_clock_is)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9}, none[QR_HASH_SIZE];
    static const struct {
        int64_t server_ms, slept_ms; /* the server's clock at HELLO; and then */
        uint64_t alarms;
    } cases[] = {{0, 0, 0}, {119000, 0, 0}, {-119000, 0, 0}, {0, 86400000, 0}, {121000, 0, 1},
        {-121000, 0, 1}, {-121000, 86400000, 1}, {86400000 + 121000, 86400000, 1}};
    struct world world;
    hostile_begin(&world);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = alarms(&world, 0, QUIRE_ALARM_CLOCK);
        liar_connect(&world, 0);
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = QR_PROTOCOL_VERSION;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.roster_head = none;
        frame.challenge.time_ms = (uint64_t)(world.wall_ms + cases[i].server_ms);
        world.wall_ms += cases[i].slept_ms;
        liar_say(&world, 0, &frame);
        cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_CLOCK), before + cases[i].alarms, "case %zu", i);
    }
    hostile_end(&world);
}

Test(liar, another_version_or_a_frame_out_of_turn_is_left)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, hash[QR_HASH_SIZE] = {9};
    struct world world;
    hostile_begin(&world);
    struct qr_frame frames[] = {{.type = QR_FRAME_WELCOME}, {.type = QR_FRAME_CAUGHT_UP},
        {.type = QR_FRAME_WANT}, {.type = QR_FRAME_ACK}, {.type = QR_FRAME_ROSTER_DONE},
        {.type = QR_FRAME_SUB}, {.type = QR_FRAME_CREDIT}, {.type = QR_FRAME_CHALLENGE}};
    frames[0].welcome.roster_head = hash;
    frames[4].roster_done.roster_head = hash;
    frames[6].credit.bytes = 1;
    frames[7].challenge.version = 2;
    frames[7].challenge.nonce = nonce;
    frames[7].challenge.log = hash;
    frames[7].challenge.roster_head = hash;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        liar_connect(&world, 0);
        liar_say(&world, 0, &frames[i]);
        cr_assert_eq(world.people[0].connection, 0, "frame %zu", i);
        cr_assert_eq(world.people[0].last_code[QUIRE_NOTICE_REFUSED],
            i == 7 ? QR_ERROR_VERSION : QR_ERROR_PROTO, "frame %zu", i);
    }
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        if (frames[i].type == QR_FRAME_WELCOME || frames[i].type >= QR_FRAME_CREDIT) {
            liar_accept(&world, 0);
            liar_say(&world, 0, &frames[i]); /* a second time */
            cr_assert_eq(world.people[0].connection, 0, "frame %zu", i);
        }
    }
    cr_assert_eq(all_alarms(&world, 0), 0);
    hostile_end(&world);
}

Test(liar, a_device_without_the_key_of_the_epoch_keeps_its_edits)
{
    static const uint8_t zeros[QR_RECORD_SEAL_SIZE];
    struct world world;
    struct quire_buffer bytes = {0};
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    const struct qr_roster_device *first = &forger.roster->devices[0];
    const struct qr_roster_device *second = &forger.roster->devices[1];
    bool ascend = memcmp(first->device, second->device, QR_DEVICE_SIZE) < 0;
    struct qr_record record = {.kind = QR_RECORD_EPOCH};
    record.epoch.epoch = 2;
    record.epoch.commitment = zeros;
    record.epoch.wrap = zeros;
    record.epoch.seal_count = 3;
    record.epoch.seals[0].device = zeros;
    record.epoch.seals[1].device = (ascend ? first : second)->device;
    record.epoch.seals[2].device = (ascend ? second : first)->device;
    for (size_t i = 0; i < 3; i++) {
        record.epoch.seals[i].seal = zeros; /* nothing that opens */
    }
    forge_record(&forger, &record, &bytes);
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    cr_assert_eq(peer_append(&world, stranger, qr_roster_head(forger.roster), &item, 1), 0);
    world_run(&world, 1000);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_ROSTER), 1);
    cr_assert_eq(world_state(&world, 0).epoch, 2);
    world_type(&world, 0, hostile_diary, "kept ");
    world_run(&world, 40000);
    cr_assert_eq(world_state(&world, 0).unsealed_count, 1);
    cr_assert(world_state(&world, 0).connected);
    world_restart(&world, 0, true);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "kept"));
    quire_buffer_finish(&bytes);
    world_finish(&world);
}

/* ---- answers ---------------------------------------------------------------------------------- */

Test(liar, heads_that_nobody_has_are_asked_for_and_not_believed)
{
    static const uint8_t nobody[QR_WRITER_SIZE] = "nobody", prefix[QR_HASH_PREFIX_SIZE] = "hash";
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].device;
    struct qr_frame_position positions[3];
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    frame.caught_up.positions = positions;
    for (size_t i = 0; i < 2; i++) {
        positions[i] = (struct qr_frame_position){
            device->chains[i].writer, device->chains[i].head, device->chains[i].hash};
    }
    positions[2] = (struct qr_frame_position){nobody, UINT64_MAX, prefix};
    liar_accept(&world, 0);
    frame.caught_up.position_count = 3;
    liar_say(&world, 0, &frame);
    cr_assert_not(world_state(&world, 0).caught_up);
    for (int i = 0; i < 3; i++) { /* again, later each time */
        liar_wait(&world, 0, 1100u << i);
        cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB));
        liar_say(&world, 0, &frame);
    }
    cr_assert_eq(all_alarms(&world, 0), 0);
    positions[1].hash_prefix = prefix;
    frame.caught_up.position_count = 2;
    liar_say(&world, 0, &frame);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_FORK), 1);
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_SERVER_BEHIND), 0);
    hostile_end(&world);
}

Test(liar, a_server_that_lost_what_it_confirmed_is_found_out)
{
    struct world world;
    hostile_begin(&world);
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_say(&world, 0, &(struct qr_frame){.type = QR_FRAME_CAUGHT_UP});
    cr_assert_eq(alarms(&world, 0, QUIRE_ALARM_SERVER_BEHIND), 1);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 1);
    hostile_end(&world);
}

Test(liar, an_ack_beyond_what_there_is_says_nothing)
{
    struct world world;
    hostile_begin(&world);
    const struct quire_device *device = world.people[0].device;
    static const uint8_t nobody[QR_WRITER_SIZE] = "nobody";
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    world_keep(&world, 0, hostile_diary, "not sent yet");
    struct qr_frame_range ranges[] = {
        {.writer = nobody, .to = 7}, {.writer = device->writer, .to = UINT64_MAX},
        {.writer = device->writer, .to = 2}, {.writer = device->chains[1].writer, .to = 9}};
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
    const struct quire_device *device = world.people[0].device;
    static const uint8_t nobody[QR_WRITER_SIZE] = "nobody";
    for (uint32_t code = 0; code < QR_ERROR_CODE_COUNT + 3; code++) {
        for (int kind = 0; kind < 5; kind++) {
            struct qr_frame frame = {.type = QR_FRAME_ERROR};
            frame.error.code = code;
            frame.error.retry_ms = kind % 2 == 0 ? 0 : UINT32_MAX;
            frame.error.fatal = kind == 0;
            frame.error.writer = kind < 2 ? NULL : kind == 4 ? nobody : device->writer;
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
    frame.error.writer = world.people[0].device->writer;
    frame.error.seq = 2;
    liar_say(&world, 0, &frame);
    cr_assert_eq(world.people[0].last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_QUOTA);
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
    const struct quire_device *device = world.people[0].device;
    static const uint8_t nobody[QR_WRITER_SIZE] = "nobody";
    struct qr_frame_range ranges[] = {{nobody, 1, UINT64_MAX},
        {device->chains[0].writer, 1, UINT64_MAX}, {device->chains[0].writer, UINT64_MAX, UINT64_MAX},
        {device->chains[1].writer, 2, 9}};
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
    world.limits.pushes_burst = 30;
    world.limits.pushes_per_second = 20;
    world_restart_hub(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 120000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world.limits.pushes_burst = 100000;
    hostile_end(&world);
}

/* ---- time ------------------------------------------------------------------------------------- */

Test(liar, a_server_that_never_answers_is_left)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9};
    struct world world;
    hostile_begin(&world);
    const struct qr_roster *roster = &world.people[0].device->roster;
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
    liar_wait(&world, 0, DEVICE_PING_MS + 100);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_PING));
    liar_wait(&world, 0, DEVICE_SILENCE_MS);
    cr_assert_eq(world.people[0].connection, 0); /* no sign of life */
    hostile_end(&world);
}

Test(liar, a_revocation_without_an_answer_is_tried_on_another_connection)
{
    struct world world;
    hostile_begin(&world);
    struct quire_event revoke = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(revoke.device, world_state(&world, 1).device, QUIRE_DEVICE_SIZE);
    const struct quire_device *device = world.people[0].device;
    struct qr_frame_position positions[2];
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    for (size_t i = 0; i < 2; i++) {
        positions[i] = (struct qr_frame_position){
            device->chains[i].writer, device->chains[i].head, device->chains[i].hash};
    }
    frame.caught_up.positions = positions;
    frame.caught_up.position_count = 2;
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_say(&world, 0, &frame);
    world_step(&world, 0, revoke);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_ROSTER_APPEND));
    for (int i = 0; i < 6 && world.people[0].connection != 0; i++) { /* it lives, and says nothing */
        liar_wait(&world, 0, 5000);
        liar_say(&world, 0, &(struct qr_frame){.type = QR_FRAME_PING});
    }
    cr_assert_eq(world.people[0].connection, 0);
    world_connect(&world, 0);
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 0).epoch, 2);
    cr_assert_eq(world.people[0].notices[QUIRE_NOTICE_DEVICE_REVOKED], 1);
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

/* ---- pairing ---------------------------------------------------------------------------------- */

Test(liar, a_wrong_request_ends_the_pairing_and_enrols_nobody)
{
    struct world world;
    hostile_begin(&world);
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    uint8_t mailbox[QR_MAILBOX_SIZE];
    liar_accept(&world, 0);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    const struct qr_frame *open = liar_hear_of(&world, 0, QR_FRAME_PAIR);
    cr_assert_not_null(open);
    memcpy(mailbox, open->pair.mailbox, sizeof mailbox);
    frame.pair.step = QR_PAIR_REQUEST;
    frame.pair.mailbox = mailbox;
    frame.pair.data = quire_bytes_of_text("not made with the code, by one who saw the mailbox");
    liar_say(&world, 0, &frame);
    cr_assert_eq(world.people[0].notices[QUIRE_NOTICE_PAIR_FAILED], 1);
    cr_assert_null(liar_hear_of(&world, 0, QR_FRAME_ROSTER_APPEND));
    liar_say(&world, 0, &frame); /* and once more, to nobody */
    cr_assert_eq(world.people[0].notices[QUIRE_NOTICE_PAIR_FAILED], 1);
    hostile_end(&world);
}

Test(liar, a_replayed_request_enrols_nobody_twice)
{
    struct world world;
    hostile_begin(&world);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    world_run(&world, 100);
    struct qr_pair *new;
    uint8_t entropy[QR_ENTROPY_SIZE] = {3}, mailbox[QR_MAILBOX_SIZE], content[2 * QR_KEY_SIZE + 1];
    struct quire_buffer request = {0};
    memset(content, 'k', sizeof content);
    cr_assert_eq(qr_pair_parse(quire_bytes_of_text(world.people[0].code), entropy, &new), QUIRE_OK);
    entropy[1] = 1;
    cr_assert_eq(qr_pair_seal_request(new, (struct quire_bytes){content, sizeof content}, entropy,
                     &request),
        QUIRE_OK);
    qr_pair_mailbox(new, mailbox);
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = QR_PAIR_REQUEST;
    frame.pair.mailbox = mailbox;
    frame.pair.data = quire_buffer_bytes(&request);
    uint32_t count = world_state(&world, 0).roster_count;
    for (int i = 0; i < 5; i++) {
        liar_say(&world, 0, &frame);
        world_run(&world, 1000);
    }
    cr_assert_leq(world_state(&world, 0).roster_count, count + 1);
    qr_pair_destroy(new);
    quire_buffer_finish(&request);
    hostile_end(&world);
}

Test(liar, a_device_that_has_just_joined_can_pair_the_next)
{
    struct world world;
    hostile_begin(&world);
    world_pair(&world, 0, 3);
    world_pair(&world, 3, 4); /* the same process that joined: its secret is gone by then */
    cr_assert_eq(world.people[4].notices[QUIRE_NOTICE_JOINED], 1);
    world_pair(&world, 4, 5);
    cr_assert_not_null(strstr(world_text(&world, 5, hostile_diary), "laptop"));
    hostile_end(&world);
}

Test(liar, a_joining_device_believes_no_other_account_and_can_still_join_its_own)
{
    struct world world;
    hostile_begin(&world);
    world_run(&world, 1000);
    world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
    world_run(&world, 100);
    world_join(&world, 3, world.people[0].code);
    world_connect(&world, 3);
    struct quire_device *device = world.people[3].device;
    for (int i = 0; i < 50 && device->pair_roster_count == 0; i++) { /* up to the reply */
        world_carry(&world);
    }
    cr_assert_neq(device->pair_roster_count, 0);

    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9};
    const struct qr_roster *theirs = &world.people[2].device->roster;
    const struct qr_roster *ours = &world.people[0].device->roster;
    for (int i = 0; i < 2; i++) {
        /* Another account's roster; then the right one without the newcomer in it. */
        const struct qr_roster *roster = i == 0 ? theirs : ours;
        uint32_t count = roster->count - (i == 0 ? 0 : 1);
        struct quire_bytes records[QR_RECORDS_MAX];
        for (uint32_t seq = 0; seq < count; seq++) {
            records[seq] = qr_roster_record(roster, seq);
        }
        liar_connect(&world, 3);
        cr_assert_not_null(liar_hear_of(&world, 3, QR_FRAME_HELLO));
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = QR_PROTOCOL_VERSION;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.time_ms = (uint64_t)world.wall_ms;
        frame.challenge.roster_count = count;
        frame.challenge.roster_head = roster->entries[count - 1].hash;
        liar_say(&world, 3, &frame);
        cr_assert_not_null(liar_hear_of(&world, 3, QR_FRAME_AUTH));
        frame = (struct qr_frame){.type = QR_FRAME_WELCOME};
        frame.welcome.roster_count = count;
        frame.welcome.roster_head = roster->entries[count - 1].hash;
        liar_say(&world, 3, &frame);
        tell_records(&world, 3, 0, records, count);
        cr_assert_eq(world.people[3].connection, 0);
        cr_assert_not(world_state(&world, 3).joined);
    }
    cr_assert_eq(alarms(&world, 3, QUIRE_ALARM_ROSTER), 1);
    cr_assert_eq(world.people[3].notices[QUIRE_NOTICE_PAIR_FAILED], 1);
    cr_assert_eq(world.people[3].table.count, 0); /* nothing is kept of a device that is nobody yet */
    world_connect(&world, 3);
    world_run(&world, 2000);
    cr_assert_eq(world.people[3].notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_not_null(strstr(world_text(&world, 3, hostile_diary), "laptop"));
    hostile_end(&world);
}
