/*
 * A lying server against a device: who belongs to the account, by the roster and in pairing.
 * Whatever it does, nothing is applied that no device of the user wrote, nothing of the user's is lost,
 * the alarm is the right one, and with an honest server all goes on.
 */
#include "peer.h"
#include <criterion/criterion.h>

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
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_ROSTER), (uint64_t)i + 1);
        cr_assert_eq(world_state(&world, 0).roster_count, count);
    }
    struct quire_bytes item = quire_buffer_bytes(&bytes);
    liar_accept(&world, 0);
    tell_records(&world, 0, count + 1, &item, 1);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_ROSTER), 4);
    qr_vault_destroy(ghost);
    quire_buffer_finish(&bytes);
    hostile_end(&world);
}

/* A device that saw another roster audits the whole of it next, and does not adopt what is not there. */
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
    const struct qr_roster *roster = &world->people[person].shell.device->roster;
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
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9},
                         other[QR_HASH_SIZE] = {9};
    struct world world;
    hostile_begin(&world);
    const struct qr_roster *roster = &world.people[0].shell.device->roster;
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
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_ROSTER), count);
        cr_assert_null(liar_hear_of(&world, 0, QR_FRAME_AUTH));
        cr_assert_eq(world.people[0].connection, 0);
        look_at(&world, 0, &frame);
        cr_assert_eq(roster->count, whole);
        liar_accept(&world, 0); /* one that agrees: it has not changed its mind */
    }
    uint64_t before = liar_alarm(&world, 0, QUIRE_ALARM_ROSTER);
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
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_ROSTER), before + 1 + (uint64_t)i);
        liar_accept(&world, 0);
    }
    hostile_end(&world);
}

Test(liar, a_challenge_that_waited_while_the_machine_slept_is_no_alarm_but_a_wrong_clock_is)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9},
                         none[QR_HASH_SIZE];
    static const struct {
        int64_t server_ms, slept_ms; /* the server's clock at HELLO; and then */
        uint64_t alarms;
    } cases[] = {{0, 0, 0}, {119000, 0, 0}, {-119000, 0, 0}, {0, 86400000, 0}, {121000, 0, 1},
        {-121000, 0, 1}, {-121000, 86400000, 1}, {86400000 + 121000, 86400000, 1}};
    struct world world;
    hostile_begin(&world);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = liar_alarm(&world, 0, QUIRE_ALARM_CLOCK);
        liar_connect(&world, 0);
        struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
        frame.challenge.version = QR_PROTOCOL_VERSION;
        frame.challenge.nonce = nonce;
        frame.challenge.log = log;
        frame.challenge.roster_head = none;
        frame.challenge.time_ms = (uint64_t)(world.wall_ms + cases[i].server_ms);
        world.wall_ms += cases[i].slept_ms;
        liar_say(&world, 0, &frame);
        cr_assert_eq(
            liar_alarm(&world, 0, QUIRE_ALARM_CLOCK), before + cases[i].alarms, "case %zu", i);
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
        cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REFUSED],
            i == 7 ? QR_ERROR_VERSION : QR_ERROR_PROTO, "frame %zu", i);
    }
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        if (frames[i].type == QR_FRAME_WELCOME || frames[i].type >= QR_FRAME_CREDIT) {
            liar_accept(&world, 0);
            liar_say(&world, 0, &frames[i]); /* a second time */
            cr_assert_eq(world.people[0].connection, 0, "frame %zu", i);
        }
    }
    cr_assert_eq(liar_alarms(&world, 0), 0);
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
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_ROSTER), 1);
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
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIR_FAILED], 1);
    cr_assert_null(liar_hear_of(&world, 0, QR_FRAME_ROSTER_APPEND));
    liar_say(&world, 0, &frame); /* and once more, to no device */
    cr_assert_eq(world.people[0].shell.notices[QUIRE_NOTICE_PAIR_FAILED], 1);
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
    cr_assert_eq(
        qr_pair_parse(quire_bytes_of_text(world.people[0].shell.code), entropy, &new), QUIRE_OK);
    entropy[1] = 1;
    cr_assert_eq(
        qr_pair_seal_request(new, (struct quire_bytes){content, sizeof content}, entropy, &request),
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
    cr_assert_eq(world.people[4].shell.notices[QUIRE_NOTICE_JOINED], 1);
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
    world_join(&world, 3, world.people[0].shell.code);
    world_connect(&world, 3);
    struct quire_device *device = world.people[3].shell.device;
    for (int i = 0; i < 50 && device->enrolment.roster_count == 0; i++) { /* up to the reply */
        world_carry(&world);
    }
    cr_assert_neq(device->enrolment.roster_count, 0);

    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9};
    const struct qr_roster *theirs = &world.people[2].shell.device->roster;
    const struct qr_roster *ours = &world.people[0].shell.device->roster;
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
    cr_assert_eq(liar_alarm(&world, 3, QUIRE_ALARM_ROSTER), 1);
    cr_assert_eq(world.people[3].shell.notices[QUIRE_NOTICE_PAIR_FAILED], 1);
    cr_assert_eq(world.people[3].shell.table.count,
        0); /* nothing is kept of a device without an account yet */
    world_connect(&world, 3);
    world_run(&world, 2000);
    cr_assert_eq(world.people[3].shell.notices[QUIRE_NOTICE_JOINED], 1);
    cr_assert_not_null(strstr(world_text(&world, 3, hostile_diary), "laptop"));
    hostile_end(&world);
}
