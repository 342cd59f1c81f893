/*
 * A server that keeps back: batches, records, whole views.
 */
#include "ideas.h"

#include "network/network.h"

#include <string.h>

/* by when a device must say that it was withheld from: ten minutes and what 32 marks in 40
 * minutes cannot tell apart */
#define WITHHELD_MS (13 * 60 * 1000)

/* Single batches never reach the targets, and she does not even hide that they exist. */
void drop_given(struct world *world, struct account *account, struct given *given)
{
    (void)account;
    if (chance(world, world->mallory->rate_ppm)) {
        given->hidden_from |= world->mallory->target;
        mallory_misdeed(
            world, "Mallory drops batch # of a chain of phone #", given->seq, given->phone);
    }
}

bool drop_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    static struct qr_frame_position positions[256]; /* until the frame is out */
    size_t count = 0;
    (void)world;
    if (frame->type != QR_FRAME_CAUGHT_UP || session->account->user != 0) {
        return true;
    }
    for (size_t i = 0; i < session->account->count && count < 256; i++) {
        const struct given *given = &session->account->items[i];
        if (archive_head(session->account, given->replica, NULL) == given->seq) {
            positions[count++] =
                (struct qr_frame_position){given->replica, given->seq, given->hash};
        }
    }
    frame->caught_up.positions = positions;
    frame->caught_up.position_count = count;
    return true;
}

/* Two groups of phones that never hear of each other; each view is whole in itself. */
void partition_given(struct world *world, struct account *account, struct given *given)
{
    struct mallory *mallory = world->mallory;
    struct qr_batch batch;
    if (account->user != 0
        || qr_batch_read((struct quire_bytes){given->bytes, given->size}, &batch) != QUIRE_OK) {
        return;
    }
    given->hidden_from |= is_target(world, given->phone) ? ~mallory->target : mallory->target;
    for (size_t i = 0; i <= batch.dep_count; i++) {
        const struct given *cause = i < batch.dep_count
            ? archive_find(account, batch.deps[i].replica, batch.deps[i].seq)
            : batch.seq > 1 ? archive_find(account, batch.replica, batch.seq - 1)
                            : NULL;
        given->hidden_from |= cause == NULL ? 0 : cause->hidden_from;
    }
    mallory_misdeed(world, "Mallory shows batch # of a chain of phone # to one side only",
        given->seq, given->phone);
    /* When the sides meet, an author must find that another device was caught up long after its batch and
     * did not see it: see is_withheld in truth of the rules, protocol.md 5 rule 4. */
    for (size_t i = 0; i < account->count; i++) {
        const struct given *other = &account->items[i];
        if ((other->hidden_from >> given->phone & 1) != 0
            && batch.caught_up_at > (uint64_t)WALL_START_MS + other->at_ms + WITHHELD_MS) {
            mallory_strike(world);
            break;
        }
    }
}

/* The targets see the server as it was some time ago. */
void rollback_begin(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct account *account = main_account(world);
    if (account != NULL) {
        mallory->has_cut = true;
        mallory->cut = prng_below(&mallory->chance, account->count + 1);
        mallory_misdeed(world, "Mallory goes back to # of # batches", mallory->cut, account->count);
        turn_away_targets(world);
    }
}

bool rollback_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    const struct mallory *mallory = world->mallory;
    const struct account *account = session->account;
    (void)bytes;
    if (frame->type != QR_FRAME_SUB || !is_target(world, session->phone) || account->user != 0) {
        return true;
    }
    for (size_t i = mallory->cut; i < account->count && mallory->has_cut; i++) {
        const struct given *given = &account->items[i];
        if (given->link != session->link && given->phone == session->phone
            && memcmp(given->device, session->device, QR_DEVICE_SIZE) == 0
            && given->at_ms + 2000 < world->now_ms) { /* its ACK has arrived */
            mallory_strike(world);
            break;
        }
    }
    return true;
}

/* A phone that has just been paired is shown half of the log. */
bool old_log_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    struct mallory *mallory = world->mallory;
    struct account *account = session->account;
    (void)bytes;
    if (frame->type != QR_FRAME_SUB || mallory->has_cut || frame->sub.position_count > 0
        || session->phone == 0 || account->user != 0 || account->count < 4) {
        return true;
    }
    mallory->target = UINT32_C(1) << session->phone;
    mallory->has_cut = true;
    mallory->cut = prng_below(&mallory->chance, account->count / 2);
    mallory_misdeed(
        world, "Mallory shows # of # batches to the new phone", mallory->cut, account->count);
    /* What the phone that helped had sent itself well before is in its answer. */
    for (size_t i = mallory->cut; i < account->count; i++) {
        if (account->items[i].phone == 0 && account->items[i].at_ms + 10000 < world->now_ms) {
            mallory_strike(world);
            break;
        }
    }
    return true;
}

/* The roster as it was before its last record. */
void old_roster_moment(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct account *account = main_account(world);
    if (!mallory->struck_once && account != NULL && account->roster.count > 3) {
        mallory->struck_once = true;
        mallory->roster_cut = (uint32_t)prng_range(&mallory->chance, 3, account->roster.count - 1);
        mallory_misdeed(world, "Mallory shows # of # roster records", mallory->roster_cut,
            account->roster.count);
        turn_away_targets(world);
    }
}

bool old_roster_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    const struct mallory *mallory = world->mallory;
    if (frame->type == QR_FRAME_WELCOME && mallory->struck_once && is_target(world, session->phone)
        && session->account->user == 0 && session->roster_count > frame->welcome.roster_count) {
        mallory_strike(world);
    }
    return true;
}

/* The first revocation that she takes, and from the record on that it will be, the targets see none. */
static bool begins_to_hide(struct world *world, const struct account *account,
    const struct qr_frame *frame, struct qr_record *out_record)
{
    struct mallory *mallory = world->mallory;
    bool revokes = frame->type == QR_FRAME_ROSTER_APPEND && mallory->roster_cut == 0
        && qr_record_read(frame->roster_append.records[0], out_record) == QUIRE_OK
        && out_record->kind == QR_RECORD_REVOKE && archive_pins_are_current(account, out_record);
    mallory->roster_cut = revokes ? account->roster.count : mallory->roster_cut;
    return revokes;
}

/* Everybody but the one who revokes is kept from hearing of it. */
bool hide_revocation_heard(struct world *world, struct session *session,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    struct qr_record record;
    (void)bytes;
    if (begins_to_hide(world, session->account, frame, &record)) {
        world->mallory->target = ~(UINT32_C(1) << session->phone);
        mallory_misdeed(
            world, "Mallory hides the revocation in record #", session->account->roster.count, 0);
    }
    /* What the revoked one writes she refuses: then all heals. See late_writes. */
    return frame->type != QR_FRAME_PUSH
        || qr_roster_active(&session->account->roster, session->device);
}

/* Only the revoked one is kept from hearing of it, and what it writes is passed on. */
bool late_writes_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    struct mallory *mallory = world->mallory;
    struct qr_record record;
    (void)bytes;
    if (begins_to_hide(world, session->account, frame, &record)) {
        mallory->target = 0;
        for (uint32_t i = 0; i < world->phone_count; i++) {
            bool revoked =
                memcmp(world->phones[i].state.device, record.revoke.device, QR_DEVICE_SIZE) == 0;
            mallory->target |= revoked ? UINT32_C(1) << i : 0;
        }
        mallory_misdeed(world, "Mallory keeps the revocation in record # from the revoked phones #",
            session->account->roster.count, mallory->target);
    }
    return true;
}

void late_writes_given(struct world *world, struct account *account, struct given *given)
{
    if (!qr_roster_active(&account->roster, given->device)) {
        mallory_misdeed(
            world, "Mallory passes on batch # of the revoked phone #", given->seq, given->phone);
        mallory_strike(world);
    }
}

/* She names batches that do not exist. */
bool boast_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    static struct qr_frame_position positions[256];
    struct mallory *mallory = world->mallory;
    size_t count = frame->caught_up.position_count;
    if (frame->type == QR_FRAME_CAUGHT_UP && is_target(world, session->phone) && count < 255) {
        memcpy(positions, frame->caught_up.positions, count * sizeof *positions);
        positions[count] = (struct qr_frame_position){
            mallory->replica, prng_range(&mallory->chance, 1, UINT32_MAX), mallory->replica};
        static uint8_t prefix[QR_HASH_PREFIX_SIZE];
        positions[count].hash_prefix = prefix;
        frame->caught_up.positions = positions;
        frame->caught_up.position_count = count + 1;
        mallory_misdeed(
            world, "Mallory names a chain that does not exist to phone #", session->phone, 0);
    }
    return true;
}
