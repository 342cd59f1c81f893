/*
 * Mallory as a device that means no good, at an honest server: a connection of her own to the hub, with
 * the keys of an enrolled phone (the traitor's) or with none that count.
 */
#include "ideas.h"

#include "crypto/sign.h"
#include "network/network.h"
#include "server/server.h"
#include "sync/device/state.h"
#include "sync/transcript.h"

#include <stdlib.h>
#include <string.h>

#define FLOOD_BATCHES 64u
#define FLOOD_APPENDS 40u
#define FLOOD_CHAINS 8u
#define HUB_PUSHES_BURST 200u /* as mallory_prepare has it */
#define HUB_PUSHES_PER_SECOND 10u
/* a device has this part of the user's budget beside it: protocol/limits.md */
#define HUB_SHARE 20u

struct intruder {
    uint64_t link;
    enum { INTRUDER_AWAY, INTRUDER_HELLO, INTRUDER_AUTH, INTRUDER_READY } stage;
    struct quire_buffer hello;
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq, acked, begin_ms;
    uint8_t head[QR_HASH_SIZE];
    struct account account; /* as the traitor knows it; without items */
};

void intruder_finish(struct intruder *intruder)
{
    if (intruder != NULL) {
        quire_buffer_finish(&intruder->hello);
        qr_roster_finish(&intruder->account.roster);
        free(intruder);
    }
}

static void say(struct world *world, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    if (qr_frame_write(frame, &bytes) != QUIRE_OK) {
        abort();
    }
    server_frame(world, world->mallory->intruder->link, quire_buffer_bytes(&bytes));
    quire_buffer_finish(&bytes);
}

/* The traitor's vault while its device runs; the account is brought up to what it knows. */
static const struct qr_vault *keys(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct intruder *intruder = mallory->intruder;
    const struct phone *phone = &world->phones[mallory->traitor];
    if (mallory->traitor >= world->phone_count || phone->device == NULL
        || phone->stage != PHONE_JOINED) {
        return NULL;
    }
    qr_roster_finish(&intruder->account.roster);
    if (qr_roster_copy(&phone->device->roster, &intruder->account.roster) != QUIRE_OK) {
        abort();
    }
    memcpy(intruder->account.id, phone->state.user, QR_USER_SIZE);
    return phone->device->vault;
}

/* ---- the connection -------------------------------------------------------------------------- */

static void say_hello(struct world *world, const uint8_t *user, const uint8_t *device)
{
    struct intruder *intruder = world->mallory->intruder;
    uint8_t nonce[QR_FRAME_NONCE_SIZE];
    struct qr_frame hello = {.type = QR_FRAME_HELLO};
    prng_bytes(&world->mallory->chance, nonce, sizeof nonce);
    hello.hello.min = hello.hello.max = QR_PROTOCOL_VERSION;
    hello.hello.nonce = nonce;
    hello.hello.user = user;
    hello.hello.device = device;
    hello.hello.roster_count = intruder->account.roster.count;
    intruder->stage = INTRUDER_HELLO;
    quire_buffer_clear(&intruder->hello);
    if (qr_frame_write(&hello, &intruder->hello) == QUIRE_OK) {
        say(world, &hello);
    }
}

static void begin(struct world *world)
{
    struct mallory *mallory = world->mallory;
    if (mallory->intruder == NULL) {
        mallory->intruder = sim_alloc(sizeof *mallory->intruder);
        mallory->intruder->link = SERVER_GUEST_LINK;
    }
    struct intruder *intruder = mallory->intruder;
    if (intruder->stage != INTRUDER_AWAY || keys(world) == NULL || !server_up(world)) {
        return;
    }
    intruder->link++;
    intruder->seq = intruder->acked = 0;
    intruder->begin_ms = world->now_ms;
    memset(intruder->head, 0, sizeof intruder->head);
    prng_bytes(&mallory->chance, intruder->replica, sizeof intruder->replica);
    server_opened(world, intruder->link);
    const struct phone *as = &world->phones[mallory->traitor];
    if (mallory->strategy->poses) { /* as a phone of the other user */
        for (uint32_t i = 0; i < world->phone_count; i++) {
            as = world->phones[i].user != 0 && world->phones[i].stage == PHONE_JOINED
                ? &world->phones[i]
                : as;
        }
        if (as->user == 0) {
            return;
        }
        mallory_misdeed(world, "Mallory says that she is phone #", as->number, 0);
        mallory_strike(world);
    }
    say_hello(world, as->state.user, as->state.device);
}

static void answer_challenge(struct world *world, struct quire_bytes challenge)
{
    struct intruder *intruder = world->mallory->intruder;
    const struct qr_vault *vault = keys(world);
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    if (vault == NULL) {
        return;
    }
    qr_auth_digest(
        quire_bytes_of_text(SERVER_HOST), quire_buffer_bytes(&intruder->hello), challenge, digest);
    qr_vault_sign(
        vault, QR_CONTEXT_AUTH, &(struct quire_bytes){digest, sizeof digest}, 1, signature);
    auth.auth.signature = signature;
    intruder->stage = INTRUDER_AUTH;
    say(world, &auth);
}

static void take_ack(struct world *world, const struct qr_frame *frame)
{
    struct intruder *intruder = world->mallory->intruder;
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        if (memcmp(frame->ack.ranges[i].replica, intruder->replica, QR_REPLICA_SIZE) == 0) {
            intruder->acked = frame->ack.ranges[i].to;
        }
    }
    uint64_t seconds = (world->now_ms - intruder->begin_ms) / 1000 + 1;
    uint64_t most = HUB_PUSHES_BURST + seconds * HUB_PUSHES_PER_SECOND;
    if (intruder->acked > most + most / HUB_SHARE + 1) {
        mallory_breach(world, "the server took %llu batches of one device in %llu s",
            (unsigned long long)intruder->acked, (unsigned long long)seconds);
    }
}

/* What the server says is heard at once; she answers a little later, as nothing may be fed to a hub
 * that is carrying out its actions. */
static void hears(struct world *world, const struct event *event)
{
    struct mallory *mallory = world->mallory;
    struct intruder *intruder = mallory->intruder;
    struct quire_bytes bytes = {event->bytes, event->size};
    struct qr_frame frame;
    if (event->number != intruder->link
        || qr_frame_read(bytes, mallory->space, &frame) != QUIRE_OK) {
        return;
    }
    bool harmless = frame.type == QR_FRAME_CHALLENGE || frame.type == QR_FRAME_ERROR;
    if (mallory->strategy->poses && !harmless) {
        mallory_breach(world,
            "the server tells a stranger what is another user's: a frame of type %d", frame.type);
    }
    switch (frame.type) {
    case QR_FRAME_CHALLENGE: answer_challenge(world, bytes); break;
    case QR_FRAME_WELCOME: intruder->stage = INTRUDER_READY; break;
    case QR_FRAME_ACK: take_ack(world, &frame); break;
    case QR_FRAME_ERROR: mallory->refused++; break;
    default: break;
    }
}

static void hear_later(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    world_later(world, world->now_ms + 1, hears, 0, 0, link, bytes);
}

static void gone(struct world *world, const struct event *event)
{
    struct intruder *intruder = world->mallory->intruder;
    if (event->number == intruder->link && intruder->stage != INTRUDER_AWAY) {
        intruder->stage = INTRUDER_AWAY;
        if (server_up(world)) {
            server_closed(world, intruder->link);
        }
    }
}

static void gone_later(struct world *world, uint64_t link)
{
    world_later(world, world->now_ms + 1, gone, 0, 0, link, (struct quire_bytes){NULL, 0});
}

const struct server_guest intruder_guest = {.hear = hear_later, .closed = gone_later};

void intruder_leave(struct world *world)
{
    gone_later(world, 0);
}

/* ---- what she does there --------------------------------------------------------------------- */

static void push(struct world *world, const struct quire_bytes *batches, size_t count)
{
    struct qr_frame frame = {.type = QR_FRAME_PUSH};
    frame.push.batches = batches;
    frame.push.batch_count = count;
    say(world, &frame);
}

/* The next batch of her own chain, true in everything. */
static struct draft next(struct intruder *intruder, const struct qr_vault *vault)
{
    struct draft draft =
        forge_draft(&intruder->account, intruder->replica, qr_vault_public(vault).device);
    draft.seq = intruder->seq + 1;
    memcpy(draft.prev, intruder->head, sizeof draft.prev);
    return draft;
}

static const struct qr_vault *stage(struct world *world)
{
    begin(world);
    struct intruder *intruder = world->mallory->intruder;
    return intruder->stage == INTRUDER_READY ? keys(world) : NULL;
}

static void push_one(struct world *world, const struct draft *draft, const struct qr_vault *vault)
{
    uint8_t hash[QR_HASH_SIZE];
    struct quire_buffer *batch = mallory_scratch(world);
    forge_batch(&world->mallory->intruder->account, draft, vault, batch, hash);
    mallory_strike(world);
    push(world, &(struct quire_bytes){batch->data, batch->size}, 1);
    world->mallory->scratch_count = 0;
}

/* In another device's name. */
void intrude_forge(struct world *world)
{
    const struct qr_vault *vault = stage(world);
    struct intruder *intruder = world->mallory->intruder;
    if (vault != NULL) {
        const struct qr_roster *roster = &intruder->account.roster;
        struct draft draft = next(intruder, vault);
        prng_bytes(&world->mallory->chance, draft.replica, sizeof draft.replica);
        memcpy(draft.device, roster->devices[0].device, QR_DEVICE_SIZE);
        mallory_misdeed(world, "Mallory's traitor pushes in the first phone's name", 0, 0);
        push_one(world, &draft, vault);
    }
}

/* As a device that was never enrolled. */
void intrude_ghost(struct world *world)
{
    const struct qr_vault *vault = stage(world);
    if (vault != NULL) {
        struct draft draft = next(world->mallory->intruder, world->mallory->own);
        prng_bytes(&world->mallory->chance, draft.replica, sizeof draft.replica);
        mallory_misdeed(
            world, "Mallory's traitor pushes for a device that was never enrolled", 0, 0);
        push_one(world, &draft, world->mallory->own);
    }
}

/* On another device's chain, under her own name. */
void intrude_chain(struct world *world)
{
    const struct qr_vault *vault = stage(world);
    const struct device_chain *victim = NULL;
    struct intruder *intruder = world->mallory->intruder;
    const struct quire_device *device =
        vault == NULL ? NULL : world->phones[world->mallory->traitor].device;
    for (size_t i = 0; device != NULL && i < device->chains.count; i++) {
        victim = !device->chains.items[i].own && device->chains.items[i].head > 0
            ? &device->chains.items[i]
            : victim;
    }
    if (victim != NULL) {
        struct draft draft = next(intruder, vault);
        memcpy(draft.replica, victim->replica, QR_REPLICA_SIZE);
        memcpy(draft.prev, victim->hash, QR_HASH_SIZE);
        draft.seq = victim->head + 1;
        mallory_misdeed(
            world, "Mallory's traitor goes on with another's chain at batch #", draft.seq, 0);
        push_one(world, &draft, vault);
    }
}

/* An effect whose cause does not exist. */
void intrude_effect(struct world *world)
{
    const struct qr_vault *vault = stage(world);
    if (vault != NULL) {
        struct draft draft = next(world->mallory->intruder, vault);
        prng_bytes(&world->mallory->chance, draft.replica, sizeof draft.replica);
        prng_bytes(&world->mallory->chance, draft.dep.replica, sizeof draft.dep.replica);
        draft.dep.seq = 1;
        draft.has_dep = true;
        mallory_misdeed(world, "Mallory's traitor pushes an effect without its cause", 0, 0);
        push_one(world, &draft, vault);
    }
}

/* Two batches at one place, in one frame. */
void intrude_twice(struct world *world)
{
    const struct qr_vault *vault = stage(world);
    struct intruder *intruder = world->mallory->intruder;
    if (vault == NULL) {
        return;
    }
    uint8_t hash[QR_HASH_SIZE];
    struct quire_buffer *first = mallory_scratch(world), *second = mallory_scratch(world);
    struct draft draft = next(intruder, vault);
    forge_batch(&intruder->account, &draft, vault, first, intruder->head);
    draft.caught_up_at++;
    forge_batch(&intruder->account, &draft, vault, second, hash);
    truth_batch(world, 0, quire_buffer_bytes(first));
    intruder->seq++;
    mallory_misdeed(world, "Mallory's traitor pushes two batches at place #", draft.seq, 0);
    mallory_strike(world);
    struct quire_bytes both[] = {quire_buffer_bytes(first), quire_buffer_bytes(second)};
    push(world, both, 2);
    world->mallory->scratch_count = 0;
}

/* As much as a line takes. */
void intrude_flood(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct intruder *intruder = mallory->intruder;
    for (int frame = 0; frame < 8; frame++) {
        const struct qr_vault *vault = stage(world);
        intruder = mallory->intruder;
        if (vault == NULL) {
            return;
        }
        struct quire_buffer batches[FLOOD_BATCHES] = {{0}};
        struct quire_bytes items[FLOOD_BATCHES];
        for (size_t i = 0; i < FLOOD_BATCHES; i++) {
            struct draft draft = next(intruder, vault);
            forge_batch(&intruder->account, &draft, vault, &batches[i], intruder->head);
            intruder->seq++;
            items[i] = quire_buffer_bytes(&batches[i]);
            truth_batch(world, 0, items[i]);
        }
        mallory_misdeed(world, "Mallory's traitor pushes # batches at once, # in all",
            FLOOD_BATCHES, intruder->seq);
        mallory_strike(world);
        push(world, items, FLOOD_BATCHES);
        for (size_t i = 0; i < FLOOD_BATCHES; i++) {
            quire_buffer_finish(&batches[i]);
        }
    }
}

/* Changes to the roster that are refused, and count all the same. */
void intrude_appends(struct world *world)
{
    for (size_t i = 0; i < FLOOD_APPENDS; i++) {
        if (stage(world) == NULL) {
            return;
        }
        uint8_t stale[QR_HASH_SIZE];
        prng_bytes(&world->mallory->chance, stale, sizeof stale);
        struct quire_bytes record = qr_roster_record(&world->mallory->intruder->account.roster, 0);
        struct qr_frame frame = {.type = QR_FRAME_ROSTER_APPEND};
        frame.roster_append.prev_head = stale;
        frame.roster_append.records = &record;
        frame.roster_append.record_count = 1;
        say(world, &frame);
    }
    mallory_misdeed(
        world, "Mallory's traitor sends # roster records that are refused", FLOOD_APPENDS, 0);
}

/* Chains of one batch each, all of them true. */
void intrude_chains(struct world *world)
{
    for (size_t i = 0; i < FLOOD_CHAINS; i++) {
        const struct qr_vault *vault = stage(world);
        if (vault == NULL) {
            return;
        }
        struct intruder *intruder = world->mallory->intruder;
        struct draft draft = next(intruder, vault);
        prng_bytes(&world->mallory->chance, draft.replica, sizeof draft.replica);
        uint8_t hash[QR_HASH_SIZE];
        struct quire_buffer batch = {0};
        forge_batch(&intruder->account, &draft, vault, &batch, hash);
        truth_batch(world, 0, quire_buffer_bytes(&batch));
        mallory_misdeed(world, "Mallory's traitor opens a chain", 0, 0);
        push(world, &(struct quire_bytes){batch.data, batch.size}, 1);
        quire_buffer_finish(&batch);
    }
}

/* Only to be let in, again and again. */
void intrude_pose(struct world *world)
{
    begin(world);
}
