/*
 * Two users on one hub: whatever a device of one says, in whatever state of its connection, no byte of
 * what the hub stores for the other reaches it, and nothing that is stored changes. Every frame that a
 * device may send is said with the other user's ids, positions, batches, records and mailbox.
 */
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 12 /* bytes that no two users' records share by chance */

/* What is said of the victim; `say` sends it on a connection of the neighbour. */
struct victim {
    struct forger keys; /* of person 0, borrowed: its ids, not its signatures */
    struct quire_bytes batch, records[QR_RECORDS_MAX];
    size_t record_count;
    struct qr_frame_position position;
    uint8_t zero_mailbox[QR_FRAME_MAILBOX_SIZE];
};

static void sub(struct qr_frame *frame, struct victim *victim)
{
    frame->type = QR_FRAME_SUB;
    frame->sub.positions = &victim->position;
    frame->sub.position_count = 1;
}

static void sub_of_nothing(struct qr_frame *frame, struct victim *victim)
{
    (void)victim;
    frame->type = QR_FRAME_SUB;
}

static void push(struct qr_frame *frame, struct victim *victim)
{
    frame->type = QR_FRAME_PUSH;
    frame->push.batches = &victim->batch;
    frame->push.batch_count = 1;
}

static void append(struct qr_frame *frame, struct victim *victim)
{
    frame->type = QR_FRAME_ROSTER_APPEND;
    frame->roster_append.prev_head = qr_roster_head(victim->keys.roster);
    frame->roster_append.records = victim->records;
    frame->roster_append.record_count = 1;
}

static void hello(struct qr_frame *frame, struct victim *victim)
{
    static const uint8_t nonce[QR_FRAME_NONCE_SIZE] = {3};
    frame->type = QR_FRAME_HELLO;
    frame->hello.min = frame->hello.max = QR_PROTOCOL_VERSION;
    frame->hello.nonce = nonce;
    frame->hello.user = victim->keys.roster->user;
    frame->hello.device = qr_vault_public(victim->keys.vault).device;
}

static void auth(struct qr_frame *frame, struct victim *victim)
{
    static const uint8_t signature[QR_SIGNATURE_SIZE] = {3};
    frame->type = QR_FRAME_AUTH;
    frame->auth.signature = signature;
    frame->auth.records = victim->records;
    frame->auth.record_count = victim->record_count;
}

static void auth_with_no_records(struct qr_frame *frame, struct victim *victim)
{
    auth(frame, victim);
    frame->auth.record_count = 0;
}

static void pair_open(struct qr_frame *frame, struct victim *victim)
{
    frame->type = QR_FRAME_PAIR;
    frame->pair.step = QR_PAIR_OPEN;
    frame->pair.mailbox = victim->zero_mailbox;
}

static void pair_request(struct qr_frame *frame, struct victim *victim)
{
    pair_open(frame, victim);
    frame->pair.step = QR_PAIR_REQUEST;
    frame->pair.data = victim->batch;
}

static void credit(struct qr_frame *frame, struct victim *victim)
{
    (void)victim;
    frame->type = QR_FRAME_CREDIT;
    frame->credit.bytes = QR_CREDIT_MAX;
}

static void ping(struct qr_frame *frame, struct victim *victim)
{
    (void)victim;
    frame->type = QR_FRAME_PING;
}

static void (*const says[])(struct qr_frame *, struct victim *) = {
    sub,
    sub_of_nothing,
    push,
    append,
    hello,
    auth,
    auth_with_no_records,
    pair_open,
    pair_request,
    credit,
    ping,
};

/* Everything that the hub stored for a user, one record after the other. */
static struct quire_buffer stored_for(struct world *world, const uint8_t *user)
{
    struct quire_buffer all = {0};
    for (size_t i = 0; i < world->server.log.count; i++) {
        const struct kit_log_record *record = &world->server.log.records[i];
        if (memcmp(record->user, user, QR_USER_SIZE) == 0) {
            cr_assert_eq(
                quire_buffer_append(&all, record->bytes.data, record->bytes.size), QUIRE_OK);
        }
    }
    return all;
}

/* Is any stretch of `secret` in the message that is not in `own` as well (both users have an entry of
 * the same id)? */
static bool crosses(
    struct quire_bytes message, const struct quire_buffer *secret, const struct quire_buffer *own)
{
    for (size_t i = 0; i + WINDOW <= message.size; i++) {
        const uint8_t *window = message.data + i;
        if (memmem(secret->data, secret->size, window, WINDOW) != NULL
            && memmem(own->data, own->size, window, WINDOW) == NULL) {
            return true;
        }
    }
    return false;
}

static void hear_nothing_of(struct stranger *stranger, const struct quire_buffer *secret,
    const struct quire_buffer *own, size_t first, size_t second)
{
    struct message *message;
    while ((message = line_take(&stranger->from_hub)) != NULL) {
        cr_assert_not(crosses(quire_buffer_bytes(&message->bytes), secret, own),
            "says %zu, then %zu: bytes of another user came", first, second);
        message_free(message);
    }
}

/* The connection of a device of person 2, or of one that has said nothing yet. */
static struct stranger *connection_of(
    struct world *world, const struct forger *forger, bool logged_in)
{
    return logged_in ? peer_login(world, forger) : world_stranger(world, PEER_HOST);
}

Test(tenants, no_pair_of_frames_brings_another_users_bytes)
{
    struct world world;
    size_t count = sizeof says / sizeof *says, tried = 0;
    hostile_begin(&world);
    struct forger neighbour = peer_keys(&world, 2, 'n');
    struct victim victim = {.keys = peer_keys(&world, 0, 'v')};
    const struct quire_device *device = world.people[0].shell.device;
    const struct device_chain *chain = device_chain_find(device, device->replica.id);
    victim.position =
        (struct qr_frame_position){.replica = chain->replica, .seq = 1, .hash_prefix = chain->hash};
    for (uint32_t seq = 1; seq < victim.keys.roster->count; seq++) {
        victim.records[victim.record_count++] = qr_roster_record(victim.keys.roster, seq);
    }
    struct quire_buffer mine = stored_for(&world, victim.keys.roster->user);
    struct quire_buffer own = stored_for(&world, neighbour.roster->user);
    for (size_t i = 0; i < world.server.log.count; i++) {
        if (world.server.log.records[i].entry.kind == QR_LOG_BATCH
            && memcmp(world.server.log.records[i].user, victim.keys.roster->user, QR_USER_SIZE)
                == 0) {
            victim.batch = quire_buffer_bytes(&world.server.log.records[i].bytes);
        }
    }
    cr_assert_gt(victim.batch.size, 0);
    cr_assert(crosses(victim.batch, &mine, &own), "the search finds what it looks for");

    for (size_t first = 0; first < count; first++) {
        for (size_t second = 0; second < count; second++) {
            for (int logged_in = 0; logged_in < 2; logged_in++, tried++) {
                world.now_ms +=
                    3600000; /* the limits on attempts of an hour are not what is tested */
                struct stranger *stranger = connection_of(&world, &neighbour, logged_in);
                for (size_t step = 0; step < 2 && stranger->connection != 0; step++) {
                    struct qr_frame frame = {0};
                    says[step == 0 ? first : second](&frame, &victim);
                    peer_say(&world, stranger, &frame);
                    world_commit(&world);
                }
                hear_nothing_of(stranger, &mine, &own, first, second);
                if (stranger->connection != 0) {
                    world_hub_step(&world,
                        (struct qr_hub_event){
                            .kind = QR_HUB_CLOSED, .connection = stranger->connection});
                    stranger->connection = 0;
                }
                quire_buffer_finish(&stranger->last);
                world.stranger_count--;
            }
        }
    }
    cr_log_info("%zu conversations", tried);
    struct quire_buffer after = stored_for(&world, victim.keys.roster->user);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&mine), quire_buffer_bytes(&after)));
    quire_buffer_finish(&after);
    quire_buffer_finish(&own);
    quire_buffer_finish(&mine);
    hostile_end(&world);
}
