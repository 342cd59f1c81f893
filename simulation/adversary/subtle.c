/*
 * Attacks that need no lie: the server that weighs and tries what it is given, the machine whose dice
 * repeat, the device whose clock stands at the end of time.
 */
#include "ideas.h"

#include "crypto/sign.h"
#include "people/people.h"
#include "faults/process.h"
#include "network/network.h"
#include "server/server.h"
#include "sync/transcript.h"

#include <stdlib.h>
#include <string.h>

/* How much a content weighs is all that she sees of it: truth.c judges what that tells her. */
void weigh_given(struct world *world, struct account *account, struct given *given)
{
    (void)account;
    mallory_misdeed(world, "Mallory weighs batch # of a chain: # bytes", given->seq, given->size);
}

/* ---- a signature for something else ---------------------------------------------------------- */

/* A signature for one purpose must not be one for another by it: the three purposes of a
 * device's key, each over 32 bytes. */
static void try_elsewhere(struct world *world, enum qr_context purpose, const uint8_t *public_key,
    const uint8_t digest[QR_HASH_SIZE], const uint8_t *signature)
{
    static const struct {
        enum qr_context context;
        const char *name;
    } purposes[] = {{QR_CONTEXT_ROSTER_SIGN, "a roster record"}, {QR_CONTEXT_BATCH_SIGN, "a batch"},
        {QR_CONTEXT_AUTH, "a connection"}};
    struct quire_bytes message = {digest, QR_HASH_SIZE};
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++) {
        bool good = qr_verify(public_key, purposes[i].context, &message, 1, signature);
        if (good != (purposes[i].context == purpose)) {
            mallory_breach(world,
                good ? "a signature for something else is good for %s"
                     : "the signature of %s is not what Mallory takes it for",
                purposes[i].name);
        }
    }
    mallory_misdeed(world, "Mallory tries a signature for purpose # elsewhere", purpose, 0);
}

static const uint8_t *key_of_signer(const struct account *account, const uint8_t *signer)
{
    static const uint8_t root[QR_DEVICE_SIZE];
    const struct qr_roster_device *device = qr_roster_find(&account->roster, signer);
    return device != NULL                        ? device->sign_public
        : memcmp(signer, root, sizeof root) == 0 ? account->roster.root
                                                 : NULL;
}

void reuse_given(struct world *world, struct account *account, struct given *given)
{
    const uint8_t *key = key_of_signer(account, given->device);
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    if (key != NULL
        && qr_batch_read((struct quire_bytes){given->bytes, given->size}, batch) == QUIRE_OK) {
        uint8_t digest[QR_HASH_SIZE];
        archive_signed(account, batch, digest);
        try_elsewhere(world, QR_CONTEXT_BATCH_SIGN, key, digest, batch->signature);
    }
    free(batch);
}

static void keep_said(struct session *session, size_t which, struct quire_bytes bytes)
{
    session->said_size[which] = bytes.size <= sizeof session->said[which] ? bytes.size : 0;
    memcpy(session->said[which], bytes.data, session->said_size[which]);
}

bool reuse_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    (void)world;
    if (frame->type == QR_FRAME_CHALLENGE && qr_frame_write(frame, &bytes) == QUIRE_OK) {
        keep_said(session, 1, quire_buffer_bytes(&bytes));
    }
    quire_buffer_finish(&bytes);
    return true;
}

static void try_auth(
    struct world *world, const struct session *session, const struct qr_frame *frame)
{
    uint8_t digest[QR_HASH_SIZE];
    const uint8_t *key = key_of_signer(session->account, session->device);
    if (key != NULL && session->said_size[0] > 0 && session->said_size[1] > 0) {
        qr_auth_digest(quire_bytes_of_text(SERVER_HOST),
            (struct quire_bytes){session->said[0], session->said_size[0]},
            (struct quire_bytes){session->said[1], session->said_size[1]}, digest);
        try_elsewhere(world, QR_CONTEXT_AUTH, key, digest, frame->auth.signature);
    }
}

static void try_records(
    struct world *world, const struct account *account, const struct qr_frame *frame)
{
    struct qr_record *record = sim_alloc(sizeof *record);
    for (size_t i = 0; i < frame->roster_append.record_count; i++) {
        uint8_t digest[QR_HASH_SIZE];
        if (qr_record_read(frame->roster_append.records[i], record) == QUIRE_OK
            && key_of_signer(account, record->signer) != NULL) {
            qr_record_hash(record->signed_bytes, digest);
            try_elsewhere(world, QR_CONTEXT_ROSTER_SIGN, key_of_signer(account, record->signer),
                digest, record->signature);
        }
    }
    free(record);
}

bool reuse_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    if (frame->type == QR_FRAME_HELLO) {
        keep_said(session, 0, bytes);
        session->said_size[1] = 0;
    } else if (frame->type == QR_FRAME_AUTH && session->account != NULL) {
        try_auth(world, session, frame);
    } else if (frame->type == QR_FRAME_ROSTER_APPEND && session->account != NULL) {
        try_records(world, session->account, frame);
    }
    return true;
}

/* ---- dice that repeat ------------------------------------------------------------------------ */

static struct phone *joined_target(struct world *world)
{
    uint32_t first = (uint32_t)prng_below(&world->mallory->chance, world->phone_count);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[(first + i) % world->phone_count];
        if (is_target(world, phone->number) && phone->user == 0 && phone->stage == PHONE_JOINED
            && phone->device != NULL && phone->disk.durable.count > 0) {
            return phone;
        }
    }
    return NULL;
}

/* A machine is copied while it runs, and from then on both get the same random bytes for everything. */
void dice_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct phone *phone =
        mallory->struck_once || world->phone_count == PHONES_MAX ? NULL : joined_target(world);
    if (phone != NULL) {
        mallory->struck_once = true;
        struct phone *copy = process_clone(world, phone);
        prng_bytes(&mallory->chance, phone->dice, sizeof phone->dice);
        memcpy(copy->dice, phone->dice, sizeof copy->dice);
        phone->same_dice = copy->same_dice = true;
        people_clone_writes(world, copy);
        mallory_misdeed(world, "Mallory gives phone # and its copy # the same dice", phone->number,
            copy->number);
    }
}

/* ---- the end of time ------------------------------------------------------------------------- */

/* An enrolled device's clock says the largest time there is, and its people write on. */
void poison_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct phone *phone = &world->phones[mallory->traitor];
    if (!mallory->struck_once && mallory->traitor < world->phone_count
        && phone->stage == PHONE_JOINED) {
        mallory->struck_once = true;
        phone->clock.frozen = true;
        phone->clock.frozen_at_ms = INT64_MAX;
        mallory_misdeed(world, "the clock of phone # stands at the end of time", phone->number, 0);
    }
}
