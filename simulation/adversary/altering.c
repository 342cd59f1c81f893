/*
 * A server that changes what it passes on, or passes it on in another way.
 */
#include "ideas.h"

#include <string.h>

#define REPLAYED_AT_ONCE 50u
#define BITS 8u

static bool is_delta_for_target(
    const struct world *world, const struct session *session, const struct qr_frame *frame)
{
    return frame->type == QR_FRAME_DELTA && is_target(world, session->phone)
        && session->account->user == 0;
}

/* The frame's batches may be changed: they lie in an array of the sender's. */
static struct quire_bytes *batches_of(struct qr_frame *frame)
{
    union {
        const struct quire_bytes *in;
        struct quire_bytes *out;
    } cast = {frame->delta.batches};
    return cast.out;
}

/* One bit, anywhere in a batch. */
bool flip_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    if (!is_delta_for_target(world, session, frame) || !chance(world, mallory->rate_ppm)) {
        return true;
    }
    size_t which = prng_below(&mallory->chance, frame->delta.batch_count);
    struct quire_bytes *item = &batches_of(frame)[which];
    struct quire_buffer *copy = mallory_scratch(world);
    if (quire_buffer_append(copy, item->data, item->size) != QUIRE_OK) {
        return true;
    }
    uint64_t bit = prng_below(&mallory->chance, BITS * item->size);
    copy->data[bit / BITS] ^= (uint8_t)(1u << bit % BITS);
    *item = quire_buffer_bytes(copy);
    mallory_misdeed(world, "Mallory flips bit # on the way to phone #", bit, session->phone);
    return true;
}

/* The content of one batch in the place of another's. */
bool swap_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    struct qr_batch mine, theirs;
    if (!is_delta_for_target(world, session, frame) || !chance(world, mallory->rate_ppm)) {
        return true;
    }
    struct quire_bytes *item = &batches_of(frame)[0];
    for (int tries = 0; tries < 20; tries++) {
        const struct account *from =
            &mallory->accounts[prng_below(&mallory->chance, mallory->account_count)];
        const struct given *given = any_given(world, from);
        if (given == NULL
            || qr_batch_read((struct quire_bytes){given->bytes, given->size}, &theirs) != QUIRE_OK
            || qr_batch_read(*item, &mine) != QUIRE_OK) {
            continue;
        }
        const struct qr_change *to = &mine.changes[0], *content = &theirs.changes[0];
        if (to->ciphertext.size == 0 || to->ciphertext.size != content->ciphertext.size
            || quire_bytes_equal(to->ciphertext, content->ciphertext)) {
            continue;
        }
        struct quire_buffer *copy = mallory_scratch(world);
        if (quire_buffer_append(copy, item->data, item->size) != QUIRE_OK) {
            return true;
        }
        memcpy(copy->data + (to->nonce - item->data), content->nonce, QR_NONCE_SIZE);
        memcpy(copy->data + (to->ciphertext.data - item->data), content->ciphertext.data,
            content->ciphertext.size);
        *item = quire_buffer_bytes(copy);
        mallory_misdeed(world, "Mallory swaps the content of a batch for phone #; same user: #",
            session->phone, from->user == 0);
        if (world->options.cut_mean_s == 0) { /* it surely arrives */
            mallory_strike(world);
        }
        return true;
    }
    return true;
}

/* An old batch, as if it was the next of its chain. */
bool relabel_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    struct qr_batch batch;
    if (!is_delta_for_target(world, session, frame) || !chance(world, mallory->rate_ppm)) {
        return true;
    }
    struct quire_bytes *item = &batches_of(frame)[frame->delta.batch_count - 1];
    const struct given *old = any_given(world, session->account);
    const struct given *before = NULL;
    if (old == NULL || qr_batch_read(*item, &batch) != QUIRE_OK) {
        return true;
    }
    before = batch.seq > 1 ? archive_find(session->account, batch.replica, batch.seq - 1) : NULL;
    uint64_t seq = batch.seq;
    uint8_t replica[QR_REPLICA_SIZE];
    memcpy(replica, batch.replica, sizeof replica);
    struct quire_buffer *copy = mallory_scratch(world);
    if (memcmp(old->replica, replica, sizeof replica) != 0 || old->seq >= seq || before == NULL
        || quire_buffer_append(copy, old->bytes, old->size) != QUIRE_OK
        || qr_batch_read(quire_buffer_bytes(copy), &batch) != QUIRE_OK || batch.seq == 1) {
        return true;
    }
    for (size_t i = 0; i < 8; i++) {
        copy->data[1 + QR_REPLICA_SIZE + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    memcpy(copy->data + (batch.prev - copy->data), before->hash, QR_HASH_SIZE);
    *item = quire_buffer_bytes(copy);
    mallory_misdeed(world, "Mallory passes off batch # as batch #", old->seq, seq);
    return true;
}

/* Another order within a frame. */
bool reorder_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    if (!is_delta_for_target(world, session, frame) || frame->delta.batch_count < 2) {
        return true;
    }
    struct quire_bytes *items = batches_of(frame);
    for (size_t i = frame->delta.batch_count; i > 1; i--) {
        size_t other = prng_below(&mallory->chance, i);
        struct quire_bytes item = items[i - 1];
        items[i - 1] = items[other];
        items[other] = item;
    }
    mallory_misdeed(world, "Mallory shuffles # batches on the way to phone #",
        frame->delta.batch_count, session->phone);
    return true;
}

/* What a phone was given long ago, again and again. */
void replay_moment(struct world *world)
{
    struct session *session = any_target(world);
    struct quire_bytes items[REPLAYED_AT_ONCE];
    struct qr_frame frame = {.type = QR_FRAME_DELTA};
    if (session == NULL || !session->caught_up || session->account->count == 0
        || session->credit < QR_CREDIT_INITIAL / 2) {
        return;
    }
    size_t size = 0;
    while (frame.delta.batch_count < REPLAYED_AT_ONCE && size < 200000) {
        const struct given *given = any_given(world, session->account);
        items[frame.delta.batch_count++] = (struct quire_bytes){given->bytes, given->size};
        size += given->size;
    }
    frame.delta.batches = items;
    mallory_misdeed(
        world, "Mallory replays # batches to phone #", frame.delta.batch_count, session->phone);
    mallory_send_raw(world, session, &frame);
}

/* A batch in the name of an enrolled device, signed by a device that may not. */
void forge_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    if (session == NULL) {
        return;
    }
    const struct qr_roster *roster = &session->account->roster;
    const struct qr_roster_device *victim =
        &roster->devices[prng_below(&mallory->chance, roster->device_count)];
    uint8_t replica[QR_REPLICA_SIZE], hash[QR_HASH_SIZE];
    prng_bytes(&mallory->chance, replica, sizeof replica);
    struct draft draft = forge_draft(session->account, replica, victim->device);
    if (draft.roster_seq < victim->added_seq || victim->revoked_seq != 0
        || session->roster_count <= draft.roster_seq) {
        return;
    }
    struct quire_buffer *batch = mallory_scratch(world);
    forge_batch(session->account, &draft, mallory->own, batch, hash);
    mallory_misdeed(world, "Mallory forges a batch for phone #", session->phone, 0);
    mallory_strike(world);
    mallory_deliver(world, session, quire_buffer_bytes(batch));
    mallory->scratch_count = 0;
}

/* Another user's batch, as its author signed it. */
void foreign_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    if (session == NULL || mallory->account_count < 2) {
        return;
    }
    const struct account *other =
        session->account == &mallory->accounts[0] ? &mallory->accounts[1] : &mallory->accounts[0];
    const struct given *given = any_given(world, other);
    if (given != NULL && given->roster_seq < session->roster_count) {
        mallory_misdeed(
            world, "Mallory gives phone # another user's batch #", session->phone, given->seq);
        mallory_strike(world);
        mallory_deliver(world, session, (struct quire_bytes){given->bytes, given->size});
    }
}

/* Bytes that are no frame, or one that promises more than it holds. */
void garbage_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    static const uint8_t bombs[][16] = {
        {0xdd, 0x03, 0xff, 0xff, 0xff},             /* an array of 67 million */
        {0xdd, 0xff, 0xff, 0xff, 0xff},             /* of 4 thousand million */
        {0x92, 0x0c, 0xdd, 0x03, 0xff, 0xff, 0xff}, /* a DELTA of 67 million batches */
        {0x92, 0x0c, 0xc6, 0x7f, 0xff, 0xff, 0xff}, /* a batch of 2 GB */
        {0xdf, 0xff, 0xff, 0xff, 0xff},             /* a map */
        {0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91},
        {0xc7, 0x08, 0x01},
    };
    uint8_t bytes[512];
    if (session == NULL) {
        return;
    }
    struct quire_bytes sent = {bytes, prng_range(&mallory->chance, 1, sizeof bytes)};
    size_t kind = prng_below(&mallory->chance, 8);
    if (kind < 7) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes, bombs[kind], sizeof bombs[kind]);
        sent.size = prng_range(&mallory->chance, 5, 16);
    } else {
        prng_bytes(&mallory->chance, bytes, sent.size);
    }
    struct qr_frame frame;
    if (qr_frame_read(sent, mallory->space, &frame) == QUIRE_OK) {
        return; /* by chance it means something */
    }
    mallory_misdeed(
        world, "Mallory sends # bytes of garbage to phone #", sent.size, session->phone);
    mallory_strike(world);
    mallory_send_bytes(world, session, sent);
}
