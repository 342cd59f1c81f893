/*
 * A server that meddles with who is who: devices, keys, versions, time.
 */
#include "ideas.h"

#include "crypto/pair.h"

#include <stdlib.h>
#include <string.h>

/* An ADD of a device of hers, in the name of an enrolled one. */
void ghost_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    if (session == NULL || session->roster_count != session->account->roster.count) {
        return;
    }
    const struct qr_roster *roster = &session->account->roster;
    struct qr_vault_public own = qr_vault_public(mallory->own);
    uint8_t name[QR_RECORD_NAME_SIZE], seal[QR_RECORD_SEAL_SIZE];
    prng_bytes(&mallory->chance, name, sizeof name);
    prng_bytes(&mallory->chance, seal, sizeof seal);
    struct qr_record *record = sim_alloc(sizeof *record);
    *record = (struct qr_record){.seq = roster->count,
        .kind = QR_RECORD_ADD,
        .prev = qr_roster_head(roster),
        .signer = roster->devices[prng_below(&mallory->chance, roster->device_count)].device};
    record->add.sign_public = own.sign_public;
    record->add.box_public = own.box_public;
    record->add.epoch = roster->epoch;
    record->add.name = name;
    record->add.seal = seal;
    struct quire_buffer *bytes = mallory_scratch(world);
    forge_record(mallory->own, record, bytes);
    struct quire_bytes records[1] = {quire_buffer_bytes(bytes)};
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
    frame.roster_records.first_seq = record->seq;
    frame.roster_records.records = records;
    frame.roster_records.record_count = 1;
    mallory_misdeed(world, "Mallory adds a device of hers for phone #", session->phone, 0);
    mallory_strike(world);
    mallory_send_raw(world, session, &frame);
    mallory->scratch_count = 0;
    free(record);
}

/* A batch by that device of hers. */
void ghost_batch_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct session *session = any_target(world);
    uint8_t replica[QR_REPLICA_SIZE], hash[QR_HASH_SIZE];
    if (session == NULL || session->roster_count != session->account->roster.count) {
        return;
    }
    prng_bytes(&mallory->chance, replica, sizeof replica);
    struct draft draft =
        forge_draft(session->account, replica, qr_vault_public(mallory->own).device);
    struct quire_buffer *batch = mallory_scratch(world);
    forge_batch(session->account, &draft, mallory->own, batch, hash);
    mallory_misdeed(world, "Mallory writes as a device that was never enrolled, for phone #",
        session->phone, 0);
    mallory_strike(world);
    mallory_deliver(world, session, quire_buffer_bytes(batch));
    mallory->scratch_count = 0;
}

/* Her key where another's is, in a true record on its way. */
bool substitute_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    struct qr_record *record = sim_alloc(sizeof *record);
    static struct quire_bytes records[QR_RECORDS_MAX];
    if (frame->type != QR_FRAME_ROSTER_RECORDS || !is_target(world, session->phone)
        || session->account->user != 0) {
        free(record);
        return true;
    }
    size_t count = frame->roster_records.record_count;
    size_t which = prng_below(&mallory->chance, count);
    memcpy(records, frame->roster_records.records, count * sizeof *records);
    struct quire_bytes copy = mallory_copy(world, records[which]);
    struct qr_vault_public own = qr_vault_public(mallory->own);
    if (qr_record_read(copy, record) == QUIRE_OK) {
        const uint8_t *place = record->kind == QR_RECORD_GENESIS ? record->genesis.root
            : record->kind == QR_RECORD_ADD
            ? (chance(world, 500000) ? record->add.sign_public : record->add.box_public)
            : record->kind == QR_RECORD_EPOCH ? record->epoch.commitment
                                              : record->revoke.device;
        size_t size = record->kind == QR_RECORD_REVOKE ? QR_DEVICE_SIZE : QR_KEY_SIZE;
        struct quire_buffer *bytes = &mallory->scratch[mallory->scratch_count - 1];
        memcpy(bytes->data + (place - copy.data), own.box_public, size);
        records[which] = quire_buffer_bytes(bytes);
        frame->roster_records.records = records;
        mallory_misdeed(world, "Mallory puts her key into record # for phone #",
            frame->roster_records.first_seq + which, session->phone);
        mallory_strike(world);
    }
    free(record);
    return true;
}

/* The messages of a pairing, changed or exchanged. */
bool pairing_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    if (frame->type != QR_FRAME_PAIR || frame->pair.data.size == 0
        || !chance(world, mallory->rate_ppm)) {
        return true;
    }
    struct quire_bytes copy = mallory_copy(world, frame->pair.data);
    struct quire_buffer *bytes = &mallory->scratch[mallory->scratch_count - 1];
    if (chance(world, 500000)) { /* her keys for a Diffie–Hellman */
        memcpy(bytes->data, qr_vault_public(mallory->own).box_public, QR_KEY_SIZE);
    } else {
        bytes->data[prng_below(&mallory->chance, copy.size)] ^= 1;
    }
    frame->pair.data = quire_buffer_bytes(bytes);
    mallory_misdeed(world, "Mallory meddles with step # of a pairing with phone #",
        frame->pair.step, session->phone);
    return true;
}

/* Another version of the protocol than was offered. */
bool downgrade_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    static const uint32_t versions[] = {0, 2, 3, 255, UINT32_MAX};
    if (frame->type == QR_FRAME_CHALLENGE && is_target(world, session->phone)) {
        frame->challenge.version = versions[prng_below(&world->mallory->chance, 5)];
        mallory_misdeed(
            world, "Mallory offers version # to phone #", frame->challenge.version, session->phone);
        struct quire_buffer bytes = {0};
        if (qr_frame_write(frame, &bytes) == QUIRE_OK) {
            mallory_strike(world);
            session->roster_count = UINT32_MAX; /* marks the offer */
        }
        quire_buffer_finish(&bytes);
    }
    return true;
}

bool downgrade_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    (void)bytes;
    if (frame->type == QR_FRAME_AUTH && session->roster_count == UINT32_MAX) {
        world_fail(world, "mallory", "phone %u goes on with a version that it did not offer",
            session->phone);
    }
    return true;
}

/* A time that is years off. */
bool clock_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    if (frame->type == QR_FRAME_CHALLENGE && is_target(world, session->phone)) {
        uint64_t off = prng_range(&world->mallory->chance, 3 * 60000, UINT64_C(315360000000));
        bool ahead = chance(world, 500000);
        frame->challenge.time_ms += ahead ? off : 0 - off;
        mallory_misdeed(world, "Mallory's clock is # ms off, ahead: #", off, ahead);
        mallory_strike(world);
    }
    return true;
}

/* A true record is missing, and the next one takes its place. */
bool roster_hole_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    if (frame->type != QR_FRAME_ROSTER_RECORDS || session->account->user != 0
        || !session->subscribed) {
        return true;
    }
    if (session->left_out == 0 && frame->roster_records.record_count == 1) {
        session->left_out = 1;
        mallory_misdeed(world, "Mallory leaves out record # for phone #",
            frame->roster_records.first_seq, session->phone);
        return false;
    }
    if (session->left_out > 0) {
        frame->roster_records.first_seq -= session->left_out;
        mallory_misdeed(world, "Mallory gives record # for the one before to phone #",
            frame->roster_records.first_seq + 1, session->phone);
        mallory_strike(world);
    }
    return true;
}

/* A request to be enrolled, in the place of the new device's, under a code that she made up. */
bool guessed_code_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    struct qr_pair *guess = NULL, *other = NULL;
    uint8_t entropy[QR_ENTROPY_SIZE], content[2 * QR_KEY_SIZE + 4];
    char code[QR_PAIR_CODE_SIZE];
    if (frame->type != QR_FRAME_PAIR || frame->pair.step != QR_PAIR_REQUEST) {
        return true;
    }
    struct qr_vault_public own = qr_vault_public(mallory->own);
    memcpy(content, own.sign_public, QR_KEY_SIZE);
    memcpy(content + QR_KEY_SIZE, own.box_public, QR_KEY_SIZE);
    memcpy(content + sizeof content - 4, "mine", 4);
    prng_bytes(&mallory->chance, entropy, sizeof entropy);
    if (qr_pair_create(entropy, &other) == QUIRE_OK) {
        qr_pair_code(other, code);
        struct quire_buffer *request = mallory_scratch(world);
        if (qr_pair_parse(quire_bytes_of_text(code), entropy, &guess) == QUIRE_OK
            && qr_pair_seal_request(
                   guess, (struct quire_bytes){content, sizeof content}, entropy, request)
                == QUIRE_OK) {
            frame->pair.data = quire_buffer_bytes(request);
            mallory_misdeed(world, "Mallory asks phone # to enrol her", session->phone, 0);
        }
    }
    qr_pair_destroy(guess);
    qr_pair_destroy(other);
    return true;
}
