/*
 * Mallory's side of the protocol: what an honest server says, but for the hooks of her strategy. She
 * verifies no signature of a connection or a batch, which a hostile server does not need.
 */
#include "mallory.h"

#include "checkers/checkers.h"
#include "people/model.h"
#include "network/network.h"
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

#define DELTA_BATCHES 64u
#define DELTA_BYTES (128u * 1024)

static const struct quire_bytes nothing = {NULL, 0};

bool mallory_is_evil(const struct world *world)
{
    return !world->healed && world->now_ms >= world->mallory->begin_ms;
}

struct session *mallory_session_of(struct world *world, uint32_t phone)
{
    struct mallory *mallory = world->mallory;
    for (size_t i = mallory->session_count; i-- > 0;) {
        struct session *session = mallory->sessions[i];
        if (session != NULL && session->phone == phone && session->stage == SESSION_READY) {
            return session;
        }
    }
    return NULL;
}

void mallory_misdeed(struct world *world, const char *format, uint64_t a, uint64_t b)
{
    world->mallory->misdeeds++;
    trace_numbers(world, format, (const uint64_t[4]){a, b});
}

void mallory_strike(struct world *world)
{
    world->mallory->strikes++;
}

/* ---- sending --------------------------------------------------------------------------------- */

struct quire_buffer *mallory_scratch(struct world *world)
{
    struct mallory *mallory = world->mallory;
    struct quire_buffer *buffer =
        &mallory->scratch[mallory->scratch_count < MALLORY_SCRATCH_MAX ? mallory->scratch_count++
                                                                       : MALLORY_SCRATCH_MAX - 1];
    quire_buffer_clear(buffer);
    return buffer;
}

struct quire_bytes mallory_copy(struct world *world, struct quire_bytes bytes)
{
    struct quire_buffer *buffer = mallory_scratch(world);
    if (quire_buffer_append(buffer, bytes.data, bytes.size) != QUIRE_OK) {
        abort();
    }
    return quire_buffer_bytes(buffer);
}

void mallory_send_bytes(struct world *world, struct session *session, struct quire_bytes bytes)
{
    if (session->stage != SESSION_CLOSED) {
        network_send_down(world, session->link, bytes);
    }
}

static void remember_named(struct session *session, const struct qr_frame *frame)
{
    struct named *named = &session->named[session->named_count++ % NAMED_LISTS];
    named->count = 0;
    for (size_t i = 0; i < frame->caught_up.position_count && i < NAMED_CHAINS; i++) {
        memcpy(named->chains[i].replica, frame->caught_up.positions[i].replica, QR_REPLICA_SIZE);
        named->chains[i].seq = frame->caught_up.positions[i].seq;
        named->count++;
    }
}

void mallory_send_raw(struct world *world, struct session *session, const struct qr_frame *frame)
{
    struct quire_buffer bytes = {0};
    if (qr_frame_write(frame, &bytes) == QUIRE_OK) {
        if (frame->type == QR_FRAME_DELTA) {
            session->credit -= (int64_t)bytes.size;
        }
        if (frame->type == QR_FRAME_CAUGHT_UP) {
            remember_named(session, frame);
        }
        mallory_send_bytes(world, session, quire_buffer_bytes(&bytes));
    }
    quire_buffer_finish(&bytes);
}

void mallory_send(struct world *world, struct session *session, struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    size_t before = mallory->scratch_count;
    const struct strategy *strategy = mallory->strategy;
    bool goes = strategy->frame == NULL || !mallory_is_evil(world)
        || strategy->frame(world, session, frame);
    if (goes) {
        mallory_send_raw(world, session, frame);
    }
    mallory->scratch_count = before;
}

void mallory_deliver(struct world *world, struct session *session, struct quire_bytes batch)
{
    struct qr_frame frame = {.type = QR_FRAME_DELTA};
    frame.delta.batches = &batch;
    frame.delta.batch_count = 1;
    mallory_send_raw(world, session, &frame);
}

static void send_error(struct world *world, struct session *session, uint32_t code, bool fatal,
    uint32_t retry_ms, const uint8_t *replica, uint64_t seq)
{
    struct qr_frame frame = {.type = QR_FRAME_ERROR};
    frame.error.code = code;
    frame.error.fatal = fatal;
    frame.error.retry_ms = retry_ms;
    frame.error.replica = replica;
    frame.error.seq = replica == NULL ? 0 : seq;
    frame.error.data = nothing;
    mallory_send(world, session, &frame);
    if (fatal) {
        session->stage = SESSION_CLOSED;
        network_close_by_server(world, session->link);
    }
}

/* ---- what a session is told ------------------------------------------------------------------ */

/* How many records she shows. */
static uint32_t shown_records(const struct world *world, const struct session *session)
{
    const struct mallory *mallory = world->mallory;
    uint32_t count = session->account->roster.count;
    bool cut = mallory_is_evil(world) && mallory->roster_cut > 0 && mallory->roster_cut < count
        && session->account->user == 0 && (mallory->target & UINT32_C(1) << session->phone) != 0;
    return cut ? mallory->roster_cut : count;
}

static const uint8_t *head_of(const struct account *account, uint32_t count)
{
    static const uint8_t none[QR_HASH_SIZE];
    return count == 0 ? none : account->roster.entries[count - 1].hash;
}

static void send_records(struct world *world, struct session *session)
{
    struct quire_bytes records[QR_RECORDS_MAX];
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_RECORDS};
    uint32_t count = shown_records(world, session);
    if (session->roster_count >= count) {
        return;
    }
    frame.roster_records.first_seq = session->roster_count;
    frame.roster_records.records = records;
    while (session->roster_count < count) {
        records[frame.roster_records.record_count++] =
            qr_roster_record(&session->account->roster, session->roster_count++);
    }
    mallory_send(world, session, &frame);
}

static bool knows(const struct session *session, const struct given *given)
{
    for (size_t i = 0; i < session->known_count; i++) {
        if (memcmp(session->known[i].replica, given->replica, QR_REPLICA_SIZE) == 0) {
            return given->seq <= session->known[i].seq;
        }
    }
    return false;
}

static bool is_shown(const struct world *world, const struct session *session, size_t index)
{
    const struct mallory *mallory = world->mallory;
    const struct given *given = &session->account->items[index];
    uint32_t bit = UINT32_C(1) << session->phone;
    if (!mallory_is_evil(world)) {
        return true;
    }
    bool gone = mallory->has_cut && index < mallory->cut
        ? false
        : mallory->has_cut && (mallory->target & bit) != 0 && session->account->user == 0;
    bool shows =
        mallory->strategy->shows == NULL || mallory->strategy->shows(world, session, given);
    return (given->hidden_from & bit) == 0 && !gone && shows
        && given->roster_seq < shown_records(world, session);
}

/* The positions that an honest server of the shown part would name. */
static void send_caught_up(struct world *world, struct session *session)
{
    struct qr_frame_position positions[256];
    struct qr_frame frame = {.type = QR_FRAME_CAUGHT_UP};
    const struct account *account = session->account;
    size_t count = 0;
    for (size_t i = 0; i < account->count; i++) {
        const struct given *given = &account->items[i];
        size_t place = 0;
        while (place < count
            && memcmp(positions[place].replica, given->replica, QR_REPLICA_SIZE) != 0) {
            place++;
        }
        if (!is_shown(world, session, i) || place == 256
            || (place == count ? 0 : positions[place].seq) + 1 != given->seq) {
            continue;
        }
        positions[place] = (struct qr_frame_position){given->replica, given->seq, given->hash};
        count = place == count ? count + 1 : count;
    }
    frame.caught_up.positions = positions;
    frame.caught_up.position_count = count;
    session->caught_up = true;
    mallory_send(world, session, &frame);
}

static void stream(struct world *world, struct session *session)
{
    struct account *account = session->account;
    struct quire_bytes items[DELTA_BATCHES];
    while (session->subscribed && session->stage == SESSION_READY) {
        struct qr_frame frame = {.type = QR_FRAME_DELTA};
        size_t size = 0, count = 0;
        bool blocked = false;
        for (; session->position < account->count && count < DELTA_BATCHES && size < DELTA_BYTES;
             session->position++) {
            const struct given *given = &account->items[session->position];
            if (given->link == session->link || knows(session, given)
                || !is_shown(world, session, session->position)) {
                continue;
            }
            if (session->credit < (int64_t)(size + given->size + 16 * (count + 1))) {
                blocked = true;
                break;
            }
            items[count++] = (struct quire_bytes){given->bytes, given->size};
            size += given->size;
        }
        if (count == 0) {
            if (!blocked && !session->caught_up) {
                send_caught_up(world, session);
            }
            return;
        }
        frame.delta.batches = items;
        frame.delta.batch_count = count;
        mallory_send(world, session, &frame);
    }
}

/* A revoked device is told so, and sent away, unless she likes it. */
static bool sent_away(struct world *world, struct session *session)
{
    static const uint8_t root[QR_DEVICE_SIZE];
    const struct account *account = session->account;
    bool root_itself = memcmp(session->device, root, QR_DEVICE_SIZE) == 0;
    if (root_itself || qr_roster_active(&account->roster, session->device)
        || (mallory_is_evil(world) && world->mallory->roster_cut > 0)) {
        return false;
    }
    send_records(world, session);
    send_error(world, session, QR_ERROR_REVOKED, true, 60000, NULL, 0);
    return true;
}

static void presence(struct world *world, const struct account *account)
{
    struct mallory *mallory = world->mallory;
    uint32_t count = 0;
    for (size_t i = 0; i < mallory->session_count; i++) {
        const struct session *session = mallory->sessions[i];
        count += session != NULL && session->stage == SESSION_READY && session->account == account;
    }
    for (size_t i = 0; i < mallory->session_count; i++) {
        struct session *session = mallory->sessions[i];
        if (session != NULL && session->stage == SESSION_READY && session->account == account) {
            struct qr_frame frame = {.type = QR_FRAME_PRESENCE};
            frame.presence.others = count - 1;
            mallory_send(world, session, &frame);
        }
    }
}

void mallory_pump(struct world *world, struct account *account)
{
    struct mallory *mallory = world->mallory;
    for (size_t i = 0; i < mallory->session_count; i++) {
        struct session *session = mallory->sessions[i];
        if (session != NULL && session->stage == SESSION_READY && session->account == account
            && !sent_away(world, session)) {
            send_records(world, session);
            stream(world, session);
        }
    }
}

/* ---- what a session says --------------------------------------------------------------------- */

static void on_hello(struct world *world, struct session *session, const struct qr_frame *hello)
{
    uint8_t nonce[QR_FRAME_NONCE_SIZE];
    struct qr_frame frame = {.type = QR_FRAME_CHALLENGE};
    session->account = archive_account(world, hello->hello.user, hello->hello.roster_count > 0);
    memcpy(session->device, hello->hello.device, QR_DEVICE_SIZE);
    session->roster_count = hello->hello.roster_count;
    if (session->account == NULL) {
        send_error(world, session, QR_ERROR_AUTH, true, 1000, NULL, 0);
        return;
    }
    uint32_t count = shown_records(world, session);
    prng_bytes(&world->entropy, nonce, sizeof nonce);
    session->stage = SESSION_HELLO;
    frame.challenge.version = QR_PROTOCOL_VERSION;
    frame.challenge.nonce = nonce;
    frame.challenge.log = world->server->log_id;
    frame.challenge.time_ms = (uint64_t)server_wall_ms(world);
    frame.challenge.roster_count = count;
    frame.challenge.roster_head = head_of(session->account, count);
    mallory_send(world, session, &frame);
}

static void take_records(struct account *account, const struct quire_bytes *records, size_t count)
{
    struct qr_roster *roster = &account->roster;
    for (size_t i = 0; i < count; i++) {
        if (qr_roster_append(roster, records[i]) != QUIRE_OK) {
            return; /* she has it already */
        }
    }
}

static void on_auth(struct world *world, struct session *session, const struct qr_frame *auth)
{
    struct account *account = session->account;
    struct qr_frame frame = {.type = QR_FRAME_WELCOME};
    take_records(account, auth->auth.records, auth->auth.record_count);
    session->stage = SESSION_READY;
    session->credit = QR_CREDIT_INITIAL;
    uint32_t count = shown_records(world, session);
    frame.welcome.roster_count = count;
    frame.welcome.roster_head = head_of(account, count);
    frame.welcome.session = session->link;
    mallory_send(world, session, &frame);
    if (!sent_away(world, session)) {
        send_records(world, session);
        presence(world, account);
    }
}

static void on_sub(struct world *world, struct session *session, const struct qr_frame *sub)
{
    struct account *account = session->account;
    struct qr_frame_range ranges[256];
    struct qr_frame frame = {.type = QR_FRAME_WANT};
    session->known_count = 0;
    for (size_t i = 0; i < sub->sub.position_count && i < 256; i++) {
        const struct qr_frame_position *position = &sub->sub.positions[i];
        struct qr_dep *known = &session->known[session->known_count++];
        memcpy(known->replica, position->replica, QR_REPLICA_SIZE);
        known->seq = position->seq;
        uint64_t have = 0;
        for (size_t k = 0; k < account->count; k++) { /* of what she admits to have */
            if (is_shown(world, session, k) && account->items[k].seq == have + 1
                && memcmp(account->items[k].replica, position->replica, QR_REPLICA_SIZE) == 0) {
                have++;
            }
        }
        if (position->seq > have) {
            ranges[frame.want.range_count++] =
                (struct qr_frame_range){position->replica, have + 1, position->seq};
        }
    }
    session->roster_count = sub->sub.roster_count;
    session->subscribed = true;
    session->caught_up = false;
    session->position = 0;
    frame.want.ranges = ranges;
    mallory_send(world, session, &frame);
    mallory_pump(world, account);
}

/* Dependencies that she has not been given. */
static bool lacks_deps(const struct account *account, const struct qr_batch *batch)
{
    for (size_t i = 0; i < batch->dep_count; i++) {
        if (archive_find(account, batch->deps[i].replica, batch->deps[i].seq) == NULL) {
            return true;
        }
    }
    return false;
}

static bool may_write(const struct account *account, const struct qr_batch *batch)
{
    uint8_t hash[QR_HASH_SIZE];
    archive_hash(account, batch, hash);
    return qr_roster_admits(&account->roster, batch->device, batch->replica, batch->seq, hash);
}

static void on_push(struct world *world, struct session *session, const struct qr_frame *push)
{
    struct account *account = session->account;
    struct mallory *mallory = world->mallory;
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    struct qr_frame_range ranges[64];
    struct qr_frame ack = {.type = QR_FRAME_ACK};
    for (size_t i = 0; i < push->push.batch_count; i++) {
        if (qr_batch_read(push->push.batches[i], batch) != QUIRE_OK) {
            world_fail(world, "device", "a phone pushed what is no batch");
            break;
        }
        uint64_t head = archive_head(account, batch->replica, NULL);
        uint32_t refusal = batch->seq > head + 1                    ? QR_ERROR_GAP
            : batch->seq <= head                                    ? 0
            : lacks_deps(account, batch)                            ? QR_ERROR_MISSING_DEPS
            : batch->roster_seq >= account->roster.count            ? QR_ERROR_STALE_ROSTER
            : !mallory_is_evil(world) && !may_write(account, batch) ? QR_ERROR_REVOKED
                                                                    : 0;
        if (refusal != 0) {
            send_error(world, session, refusal, false, 1000, batch->replica, batch->seq);
            continue;
        }
        if (batch->seq == head + 1) {
            struct given *given = archive_put(world, account, batch, session->phone);
            given->link = session->link;
            if (mallory->strategy->given != NULL && mallory_is_evil(world)) {
                mallory->strategy->given(world, account, given);
            }
        }
        if (ack.ack.range_count < 64) {
            ranges[ack.ack.range_count++] = (struct qr_frame_range){batch->replica, 0, batch->seq};
        }
    }
    free(batch);
    ack.ack.ranges = ranges;
    if (ack.ack.range_count > 0) {
        mallory_send(world, session, &ack);
    }
    mallory_pump(world, account);
}

static bool append(struct account *account, const struct qr_frame *frame)
{
    struct qr_roster tried = {0};
    bool well =
        memcmp(frame->roster_append.prev_head, qr_roster_head(&account->roster), QR_HASH_SIZE) == 0
        && qr_roster_copy(&account->roster, &tried) == QUIRE_OK;
    struct qr_record *record = sim_alloc(sizeof *record);
    for (size_t i = 0; i < frame->roster_append.record_count && well; i++) {
        struct quire_bytes bytes = frame->roster_append.records[i];
        well = qr_record_read(bytes, record) == QUIRE_OK
            && (record->kind != QR_RECORD_REVOKE || archive_pins_are_current(account, record))
            && qr_roster_append(&tried, bytes) == QUIRE_OK;
    }
    free(record);
    if (well) {
        qr_roster_finish(&account->roster);
        account->roster = tried;
    } else {
        qr_roster_finish(&tried);
    }
    return well;
}

static void on_append(struct world *world, struct session *session, const struct qr_frame *frame)
{
    struct account *account = session->account;
    uint32_t before = account->roster.count;
    for (size_t i = 0; i < frame->roster_append.record_count; i++) {
        truth_appended(world, account->user, frame->roster_append.records[i]);
    }
    if (!append(account, frame)) {
        send_records(world, session);
        send_error(world, session, QR_ERROR_STALE_ROSTER, false, 100, NULL, 0);
        return;
    }
    if (session->roster_count == before) {
        session->roster_count = account->roster.count;
    }
    struct qr_frame done = {.type = QR_FRAME_ROSTER_DONE};
    done.roster_done.roster_count = account->roster.count;
    done.roster_done.roster_head = qr_roster_head(&account->roster);
    mallory_send(world, session, &done);
    mallory_pump(world, account);
}

/* ---- pairing: she passes on what she cannot read --------------------------------------------- */

static void pass(struct world *world, struct session *to, const uint8_t *mailbox,
    enum qr_pair_step step, struct quire_bytes data)
{
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    frame.pair.step = step;
    frame.pair.mailbox = mailbox;
    frame.pair.data = data;
    mallory_send(world, to, &frame);
}

static struct session *session_at(struct world *world, uint64_t link)
{
    struct mallory *mallory = world->mallory;
    return link > 0 && link <= mallory->session_count ? mallory->sessions[link - 1] : NULL;
}

static void on_pair(struct world *world, struct session *session, const struct qr_frame *frame)
{
    struct mallory *mallory = world->mallory;
    struct session *peer = session_at(world, session->peer);
    switch (frame->pair.step) {
    case QR_PAIR_OPEN:
        memcpy(session->mailbox, frame->pair.mailbox, sizeof session->mailbox);
        session->waits = true;
        session->peer = 0;
        break;
    case QR_PAIR_CLOSE: session->waits = false; break;
    case QR_PAIR_REQUEST:
        for (size_t i = 0; i < mallory->session_count; i++) {
            struct session *other = mallory->sessions[i];
            if (other != NULL && other->stage == SESSION_READY && other->waits && other->peer == 0
                && memcmp(other->mailbox, frame->pair.mailbox, sizeof other->mailbox) == 0) {
                other->peer = session->link;
                session->peer = other->link;
                pass(world, other, frame->pair.mailbox, QR_PAIR_REQUEST, frame->pair.data);
                return;
            }
        }
        pass(world, session, frame->pair.mailbox, QR_PAIR_CLOSE, nothing);
        break;
    case QR_PAIR_REPLY:
        if (peer != NULL && session->waits) {
            pass(world, peer, session->mailbox, QR_PAIR_REPLY, frame->pair.data);
        }
        session->waits = false;
        break;
    }
}

/* ---- the world's side ------------------------------------------------------------------------ */

static void opened(struct world *world, uint64_t link)
{
    struct mallory *mallory = world->mallory;
    while (mallory->session_count < link) {
        mallory->sessions = sim_grow(mallory->sessions, &mallory->session_capacity,
            mallory->session_count, sizeof *mallory->sessions);
        mallory->sessions[mallory->session_count++] = NULL;
    }
    struct session *session = sim_alloc(sizeof *session);
    session->link = link;
    session->phone = world->network->links[link - 1].phone;
    mallory->sessions[link - 1] = session;
}

static void closed(struct world *world, uint64_t link)
{
    struct session *session = session_at(world, link);
    if (session == NULL) {
        return;
    }
    struct session *peer = session_at(world, session->peer);
    if (peer != NULL && peer->peer == link) {
        peer->peer = 0;
        if (session->waits) {
            pass(world, peer, session->mailbox, QR_PAIR_CLOSE, nothing);
        }
    }
    struct account *account = session->stage == SESSION_READY ? session->account : NULL;
    free(session);
    world->mallory->sessions[link - 1] = NULL;
    if (account != NULL) {
        presence(world, account);
    }
}

static void take(struct world *world, struct session *session, const struct qr_frame *frame)
{
    bool ready = session->stage == SESSION_READY;
    switch (frame->type) {
    case QR_FRAME_HELLO: on_hello(world, session, frame); break;
    case QR_FRAME_AUTH:
        if (session->stage == SESSION_HELLO) {
            on_auth(world, session, frame);
        }
        break;
    case QR_FRAME_SUB:
        if (ready) {
            on_sub(world, session, frame);
        }
        break;
    case QR_FRAME_PUSH:
        if (ready) {
            on_push(world, session, frame);
        }
        break;
    case QR_FRAME_ROSTER_APPEND:
        if (ready) {
            on_append(world, session, frame);
        }
        break;
    case QR_FRAME_PAIR: on_pair(world, session, frame); break;
    case QR_FRAME_CREDIT:
        session->credit += (int64_t)frame->credit.bytes;
        if (ready) {
            stream(world, session);
        }
        break;
    case QR_FRAME_PING:
        if (!frame->ping.reply) {
            struct qr_frame reply = *frame;
            reply.ping.reply = true;
            mallory_send(world, session, &reply);
        }
        break;
    default: break;
    }
}

static void hears(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    struct mallory *mallory = world->mallory;
    struct session *session = session_at(world, link);
    struct qr_frame_space *space = sim_alloc(sizeof *space);
    struct qr_frame frame;
    OBSERVE(world, bytes_exposed, "a frame that Mallory got", bytes);
    if (session == NULL || session->stage == SESSION_CLOSED) {
        free(space);
        return;
    }
    if (qr_frame_read(bytes, space, &frame) != QUIRE_OK) {
        world_fail(world, "device", "phone %u sent what is no frame", session->phone);
    } else if (mallory->strategy->heard == NULL || !mallory_is_evil(world)
        || mallory->strategy->heard(world, session, &frame, bytes)) {
        take(world, session, &frame);
    }
    free(space);
}

const struct server_front mallory_front = {.opened = opened, .frame = hears, .closed = closed};
