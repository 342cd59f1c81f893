/*
 * Strangers and lying servers: raw frames, one at a time.
 */
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static struct qr_frame_space space;
static struct qr_frame last;
static struct quire_buffer heard; /* the bytes that `last` borrows from */

struct forger peer_keys(struct world *world, size_t person, uint8_t replica_name)
{
    const struct quire_device *device = world->people[person].shell.device;
    return forger_of(device->vault, &device->roster, replica_name);
}

const struct qr_frame *peer_last(void)
{
    return &last;
}

static const struct qr_frame *take_in(struct message *message)
{
    if (message == NULL) {
        return NULL;
    }
    quire_buffer_finish(&heard);
    heard = message->bytes;
    free(message);
    cr_assert_eq(qr_frame_read(quire_buffer_bytes(&heard), &space, &last), QUIRE_OK);
    return &last;
}

const uint8_t hostile_diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4};

void hostile_begin(struct world *world)
{
    world_init(world);
    world_account(world, 0);
    world_pair(world, 0, 1);
    world_account(world, 2);
    world_connect(world, 2);
    world_type(world, 0, hostile_diary, "phone ");
    world_run(world, 2000);
    world_type(world, 1, hostile_diary, "laptop ");
    world_type(world, 2, hostile_diary, "other");
    world_run(world, 2000);
    world_disconnect(world, 1);
    world_disconnect(world, 2);
}

void hostile_end(struct world *world)
{
    char text[65536];
    for (size_t i = 0; i < 2; i++) {
        world_disconnect(world, i); /* from the peer it was talking to */
        world_connect(world, i);
        world_type(world, i, hostile_diary, "honest ");
    }
    world_run(world, 2000);
    for (size_t i = 0; i < 2; i++) {
        if (world->people[i].connection == 0) { /* it compared rosters first */
            world_connect(world, i);
        }
    }
    world_run(world, 70000);
    strcpy(text, world_text(world, 0, hostile_diary));
    cr_assert_not_null(strstr(text, "honest"));
    cr_assert_str_eq(text, world_text(world, 1, hostile_diary));
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(world_state(world, i).unacknowledged_count, 0);
        cr_assert(world_state(world, i).caught_up);
    }
    world_finish(world);
}

/* ---- to the hub ------------------------------------------------------------------------------- */

void peer_say_bytes(struct world *world, struct stranger *stranger, struct quire_bytes bytes)
{
    world_hub_step(world,
        (struct qr_hub_event){
            .kind = QR_HUB_FRAME, .connection = stranger->connection, .bytes = bytes});
}

void peer_say(struct world *world, struct stranger *stranger, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    cr_assert_eq(qr_frame_write(frame, &bytes), QUIRE_OK);
    peer_say_bytes(world, stranger, quire_buffer_bytes(&bytes));
    quire_buffer_finish(&bytes);
}

const struct qr_frame *peer_hear(struct world *world, struct stranger *stranger)
{
    struct message *message = line_take(&stranger->from_hub);
    if (message != NULL && stranger->connection != 0) {
        world_hub_step(world,
            (struct qr_hub_event){.kind = QR_HUB_SENT,
                .connection = stranger->connection,
                .size = message->bytes.size});
    }
    return take_in(message);
}

const struct qr_frame *peer_hear_of(
    struct world *world, struct stranger *stranger, enum qr_frame_type type)
{
    const struct qr_frame *frame;
    while ((frame = peer_hear(world, stranger)) != NULL && frame->type != type) {
    }
    return frame;
}

void peer_hello(struct world *world, struct stranger *stranger, const struct forger *forger,
    struct quire_buffer *out_hello, struct quire_buffer *out_challenge)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {1};
    struct qr_frame hello = {.type = QR_FRAME_HELLO};
    struct quire_buffer bytes = {0};
    hello.hello.min = hello.hello.max = QR_PROTOCOL_VERSION;
    hello.hello.nonce = nonce;
    hello.hello.user = forger->roster->user;
    hello.hello.device = qr_vault_public(forger->vault).device;
    hello.hello.roster_count = forger->roster->count;
    cr_assert_eq(qr_frame_write(&hello, &bytes), QUIRE_OK);
    peer_say_bytes(world, stranger, quire_buffer_bytes(&bytes));
    peer_hear(world, stranger);
    if (out_hello != NULL) {
        cr_assert_eq(last.type, QR_FRAME_CHALLENGE);
        quire_buffer_clear(out_hello);
        quire_buffer_clear(out_challenge);
        cr_assert_eq(quire_buffer_append(out_hello, bytes.data, bytes.size), QUIRE_OK);
        cr_assert_eq(quire_buffer_append(out_challenge, heard.data, heard.size), QUIRE_OK);
    }
    quire_buffer_finish(&bytes);
}

struct stranger *peer_login(struct world *world, const struct forger *forger)
{
    struct stranger *stranger = world_stranger(world, PEER_HOST);
    struct quire_buffer hello = {0}, challenge = {0};
    struct quire_bytes records[QR_RECORDS_MAX];
    uint8_t signature[QR_SIGNATURE_SIZE];
    peer_hello(world, stranger, forger, &hello, &challenge);
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    for (uint32_t seq = last.challenge.roster_count; seq < forger->roster->count; seq++) {
        records[auth.auth.record_count++] = qr_roster_record(forger->roster, seq);
    }
    forge_auth(
        forger, PEER_HOST, quire_buffer_bytes(&hello), quire_buffer_bytes(&challenge), signature);
    auth.auth.signature = signature;
    auth.auth.records = records;
    peer_say(world, stranger, &auth);
    cr_assert_not_null(peer_hear_of(world, stranger, QR_FRAME_WELCOME));
    quire_buffer_finish(&hello);
    quire_buffer_finish(&challenge);
    return stranger;
}

/* What the hub says to a push or an append: an error's code, 0 for `good`, -1 for nothing. */
static int answer(struct world *world, struct stranger *stranger, enum qr_frame_type good)
{
    const struct qr_frame *frame;
    while ((frame = peer_hear(world, stranger)) != NULL) {
        if (frame->type == QR_FRAME_ERROR) {
            return (int)frame->error.code;
        }
        if (frame->type == good) {
            return 0;
        }
    }
    return -1;
}

int peer_push(struct world *world, struct stranger *stranger, struct quire_bytes batch)
{
    struct qr_frame push = {.type = QR_FRAME_PUSH};
    push.push.batches = &batch;
    push.push.batch_count = 1;
    peer_say(world, stranger, &push);
    return answer(world, stranger, QR_FRAME_ACK);
}

int peer_push_plan(
    struct world *world, struct stranger *stranger, struct forger *forger, const struct plan *plan)
{
    struct quire_buffer batch = {0};
    forge_batch(forger, plan, &batch, NULL);
    int code = peer_push(world, stranger, quire_buffer_bytes(&batch));
    quire_buffer_finish(&batch);
    return code;
}

int peer_append(struct world *world, struct stranger *stranger, const uint8_t *prev,
    const struct quire_bytes *records, size_t count)
{
    struct qr_frame append = {.type = QR_FRAME_ROSTER_APPEND};
    append.roster_append.prev_head = prev;
    append.roster_append.records = records;
    append.roster_append.record_count = count;
    peer_say(world, stranger, &append);
    return answer(world, stranger, QR_FRAME_ROSTER_DONE);
}

/* ---- to a device ------------------------------------------------------------------------------ */

void liar_connect(struct world *world, size_t person)
{
    world_disconnect(world, person);
    world->people[person].connection = world->next_connection++; /* the hub knows nothing of it */
    world_step(world, person,
        (struct quire_event){
            .kind = QUIRE_EVENT_CONNECTED, .bytes = quire_bytes_of_text(PEER_HOST)});
}

void liar_say(struct world *world, size_t person, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    cr_assert_eq(qr_frame_write(frame, &bytes), QUIRE_OK);
    world_step(world, person,
        (struct quire_event){.kind = QUIRE_EVENT_FRAME, .bytes = quire_buffer_bytes(&bytes)});
    quire_buffer_finish(&bytes);
}

const struct qr_frame *liar_hear_of(struct world *world, size_t person, enum qr_frame_type type)
{
    struct message *message;
    while ((message = line_take(&world->people[person].to_hub)) != NULL) {
        if (take_in(message)->type == type) {
            return &last;
        }
    }
    return NULL;
}

static void challenge(struct world *world, size_t person)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {9}, log[QR_LOG_SIZE] = {9};
    const struct qr_roster *roster = &world->people[person].shell.device->roster;
    liar_connect(world, person);
    cr_assert_not_null(liar_hear_of(world, person, QR_FRAME_HELLO));
    struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
    frame.challenge.version = QR_PROTOCOL_VERSION;
    frame.challenge.nonce = nonce;
    frame.challenge.time_ms = (uint64_t)world->wall_ms;
    frame.challenge.roster_count = roster->count;
    frame.challenge.roster_head = qr_roster_head(roster);
    frame.challenge.log = log;
    liar_say(world, person, &frame);
    cr_assert_not_null(liar_hear_of(world, person, QR_FRAME_AUTH));
    frame = (struct qr_frame){.type = QR_FRAME_WELCOME};
    frame.welcome.roster_count = roster->count;
    frame.welcome.roster_head = qr_roster_head(roster);
    liar_say(world, person, &frame);
}

void liar_accept(struct world *world, size_t person)
{
    const struct quire_device *device = world->people[person].shell.device;
    struct quire_bytes records[QR_RECORDS_MAX];
    challenge(world, person);
    if (device->audit.auditing) { /* it saw another roster before, and compares first */
        struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
        frame.roster_records.first_seq = 1;
        frame.roster_records.records = records;
        for (uint32_t seq = 1; seq < device->roster.count; seq++) {
            records[frame.roster_records.record_count++] = qr_roster_record(&device->roster, seq);
        }
        liar_say(world, person, &frame);
        cr_assert_not(device->audit.auditing);
        challenge(world, person);
    }
    cr_assert_not_null(liar_hear_of(world, person, QR_FRAME_SUB));
}

void liar_want_nothing(struct world *world, size_t person)
{
    liar_say(world, person, &(struct qr_frame){.type = QR_FRAME_WANT});
}

void liar_delta(struct world *world, size_t person, const struct quire_bytes *batches, size_t count)
{
    struct qr_frame delta = {.type = QR_FRAME_DELTA};
    delta.delta.batches = batches;
    delta.delta.batch_count = count;
    liar_say(world, person, &delta);
}

void liar_wait(struct world *world, size_t person, uint64_t ms)
{
    for (uint64_t gone = 0; gone < ms; gone += 50) {
        world->now_ms += 50;
        world->wall_ms += 50;
        if (quire_device_wake_ms(world->people[person].shell.device) <= world->now_ms) {
            world_step(world, person, (struct quire_event){.kind = QUIRE_EVENT_TICK});
        }
    }
}

uint64_t liar_alarm(struct world *world, size_t person, enum quire_alarm_kind alarm)
{
    return world_state(world, person).alarms[alarm];
}

uint64_t liar_alarms(struct world *world, size_t person)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        sum += world_state(world, person).alarms[i];
    }
    return sum;
}
