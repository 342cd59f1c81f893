/*
 * A connection from HELLO to CAUGHT_UP, and who gets which frame. A server that breaks the protocol
 * is left; whatever does not match is cured by subscribing again.
 */
#include "sync/device/state.h"

#define RETRY_BROKEN_MS 5000
#define RETRY_ALARM_MS 60000
#define RETRY_REFUSED_MAX_MS 300000

static void wait_for_answer(struct quire_device *device)
{
    device->deadline_ms = device->now_ms + DEVICE_ANSWER_MS;
}

void device_connected(struct quire_device *device, struct quire_bytes host)
{
    if (device->link != LINK_NONE) {
        device_disconnected(device);
    }
    quire_buffer_clear(&device->host);
    if (host.size > QR_HOST_MAX ||
        !device_ok(device, quire_buffer_append(&device->host, host.data, host.size))) {
        return;
    }
    device->heard_ms = device->said_ms = device->now_ms;
    device->pinged = false;
    for (size_t i = 0; i < device->chain_count; i++) {
        device->chains[i].blocked_until_ms = 0; /* the cause may be gone, or the server another */
    }
    if (device->rejoining || (device->role == ROLE_JOINING && device->pair_roster_count == 0)) {
        device_pair_request(device);
    } else {
        device_hello(device);
    }
}

void device_disconnected(struct quire_device *device)
{
    device->link = LINK_NONE;
    device->deadline_ms = 0;
    device->resub_at_ms = 0;
    device->caught_up = false;
    device->got_want = false;
    device->consumed = 0;
    device->shut_out_count = 0;
    device->presence = 0;
    device->inflight_count = 0;
    device->inflight_size = 0;
    if (device->append != APPEND_NONE && device->append_sent) {
        /* Whether it went through is in the roster, on the next connection. */
        device_append_refused(device, 0);
    }
    if (device->pair_open) {
        bool answered = device->pair_until_ms > 0;
        device_pair_close(device);
        if (!answered) {
            device_notice(device, QUIRE_NOTICE_PAIR_FAILED, QUIRE_EIO);
        }
    }
}

void device_hello(struct quire_device *device)
{
    struct qr_vault_public self = qr_vault_public(device->vault);
    static const uint8_t root[QR_DEVICE_SIZE];
    struct qr_frame frame = {.type = QR_FRAME_HELLO};
    device_random(device, device->hello_nonce);
    frame.hello.min = QR_PROTOCOL_VERSION;
    frame.hello.max = QR_PROTOCOL_VERSION;
    frame.hello.nonce = device->hello_nonce;
    frame.hello.user = device->roster.count > 0 ? device->roster.user : device->pair_user;
    frame.hello.device = device->role == ROLE_RECOVERING ? root : self.device;
    frame.hello.roster_count = device->looking ? 1 : device->roster.count;
    device->link = LINK_HELLO;
    device->hello_wall_ms = device->wall_ms;
    wait_for_answer(device);
    quire_buffer_clear(&device->hello);
    if (device_ok(device, qr_frame_write(&frame, &device->hello))) {
        device_send(device, &frame);
    }
}

/* The server's roster must be a part of ours, or ours of its. */
static bool rosters_agree(struct quire_device *device, uint32_t count, const uint8_t *head)
{
    return count == 0 || count > device->roster.count ||
        memcmp(device->roster.entries[count - 1].hash, head, QR_HASH_SIZE) == 0;
}

static void on_challenge(struct quire_device *device, const struct qr_frame *frame,
    struct quire_bytes bytes)
{
    if (frame->challenge.version != QR_PROTOCOL_VERSION && !QR_FAILPOINT_ON(NO_VERSION_CHECK)) {
        device_notice(device, QUIRE_NOTICE_REFUSED, QR_ERROR_VERSION);
        device_close(device, RETRY_ALARM_MS);
        return;
    }
    if (frame->challenge.roster_count == 0) {
        device->looking = device->offer_refused = false; /* nothing there to look at */
    }
    if (!device->looking &&
        !rosters_agree(device, frame->challenge.roster_count, frame->challenge.roster_head)) {
        device_contradicted(device);
        return;
    }
    device->expected_roster = frame->challenge.roster_count;
    /* The server looked at its clock some time between HELLO and now: much later than that, should
     * the frame have waited for a machine that slept. Unsigned, since a stranger chose the time. */
    int64_t ahead = (int64_t)(frame->challenge.time_ms - (uint64_t)device->wall_ms);
    int64_t behind = (int64_t)((uint64_t)device->hello_wall_ms - frame->challenge.time_ms);
    bool far = ahead > DEVICE_CLOCK_MS || behind > DEVICE_CLOCK_MS;
    if (far && !QR_FAILPOINT_ON(NO_CLOCK_CHECK)) {
        device_alarm(device, QUIRE_ALARM_CLOCK);
    }
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_bytes message = {digest, sizeof digest};
    qr_auth_digest(quire_buffer_bytes(&device->host), quire_buffer_bytes(&device->hello), bytes,
        digest);
    if (device->role == ROLE_RECOVERING) {
        qr_kit_sign(device->kit, QR_CONTEXT_AUTH, &message, 1, signature);
    } else {
        qr_vault_sign(device->vault, QR_CONTEXT_AUTH, &message, 1, signature);
    }
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    struct quire_bytes *records = device->space.items;
    auth.auth.signature = signature;
    uint32_t end = device->offer_refused ? device->offer_end
        : device->looking                ? 0
                                         : device->roster.count;
    for (uint32_t seq = frame->challenge.roster_count; seq < end; seq++) {
        records[auth.auth.record_count++] = qr_roster_record(&device->roster, seq);
    }
    auth.auth.records = records;
    device->link = LINK_AUTH;
    wait_for_answer(device);
    device_send(device, &auth);
}

static void proceed(struct quire_device *device)
{
    if (device->roster.count < device->expected_roster) {
        device->link = LINK_ROSTER;
        wait_for_answer(device);
        return;
    }
    device->deadline_ms = 0;
    device->refused_ms = 0;
    if (device->role == ROLE_RECOVERING) {
        device->link = LINK_ROSTER;
        if (device->append == APPEND_NONE) {
            if (device_take_keys(device) != QUIRE_OK) {
                device_notice(device, QUIRE_NOTICE_PAIR_FAILED, QUIRE_ECRYPTO);
                device_close(device, RETRY_ALARM_MS);
                return;
            }
            device->append = APPEND_RECOVER;
        }
        device_append_try(device);
        return;
    }
    if (device->role == ROLE_JOINING) {
        device_joined(device);
        if (device->role == ROLE_JOINING) {
            return;
        }
    }
    if (!qr_roster_active(&device->roster, qr_vault_public(device->vault).device)) {
        return; /* the server says so next, and closes */
    }
    device_notice(device, QUIRE_NOTICE_READY, 0);
    device_subscribe(device);
}

static void on_welcome(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->looking) {
        device_look_begin(device, frame);
        return;
    }
    bool goes_back = frame->welcome.roster_count < device->roster.count &&
        !QR_FAILPOINT_ON(NO_ROSTER_MEMORY);
    if (!rosters_agree(device, frame->welcome.roster_count, frame->welcome.roster_head) ||
        goes_back) {
        device_contradicted(device);
        return;
    }
    device->expected_roster = frame->welcome.roster_count;
    proceed(device);
}

void device_subscribe(struct quire_device *device)
{
    struct qr_frame frame = {.type = QR_FRAME_SUB};
    struct qr_frame_position *positions = device->space.positions;
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        if (chain->broken > 0) { /* what it lacks may be there to mend it */
            if (chain->knows_before) {
                positions[frame.sub.position_count++] = (struct qr_frame_position){chain->replica,
                    chain->broken - 1, chain->before_broken};
            }
        } else if (chain->head > 0) {
            positions[frame.sub.position_count++] =
                (struct qr_frame_position){chain->replica, chain->head, chain->hash};
        }
    }
    frame.sub.roster_count = device->roster.count;
    frame.sub.positions = positions;
    device->link = LINK_READY;
    device->caught_up = false;
    device->resub_at_ms = 0;
    device_upload_reset(device);
    device_send(device, &frame);
}

void device_resubscribe_later(struct quire_device *device)
{
    if (device->link == LINK_READY && device->resub_at_ms == 0) {
        uint64_t delay = device->resub_delay_ms;
        device->resub_at_ms = device->now_ms + delay;
        device->resub_delay_ms =
            delay * 2 > DEVICE_RESUB_LAST_MS ? DEVICE_RESUB_LAST_MS : delay * 2;
    }
}

/* A device that the server does not know must not use up the failures that its user is allowed. */
static uint32_t refused_ms(struct quire_device *device)
{
    uint32_t wait_ms = device->refused_ms < RETRY_ALARM_MS ? RETRY_ALARM_MS : device->refused_ms;
    device->refused_ms = 2 * wait_ms < RETRY_REFUSED_MAX_MS ? 2 * wait_ms : RETRY_REFUSED_MAX_MS;
    return wait_ms;
}

static void on_error(struct quire_device *device, const struct qr_frame *frame)
{
    if (frame->error.replica != NULL) {
        device_on_batch_error(device, frame);
        return;
    }
    if (!frame->error.fatal) {
        device_append_refused(device, frame->error.code);
        return;
    }
    if (frame->error.code == QR_ERROR_RATE || frame->error.code == QR_ERROR_OVERLOADED ||
        frame->error.code == QR_ERROR_STALE_ROSTER) {
        device_close(device, frame->error.retry_ms);
        return;
    }
    if (frame->error.code == QR_ERROR_FORK && device->link == LINK_AUTH) {
        device_offer_refused(device);
        return;
    }
    device_notice(device, QUIRE_NOTICE_REFUSED, frame->error.code);
    device_close(device, frame->error.retry_ms > 0 ? frame->error.retry_ms : refused_ms(device));
}

static void on_ping(struct quire_device *device, const struct qr_frame *frame)
{
    if (!frame->ping.reply) {
        struct qr_frame reply = *frame;
        reply.ping.reply = true;
        device_send(device, &reply);
    }
}

/* False: this frame has no place here. */
static bool take(struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes)
{
    bool ready = device->link == LINK_READY;
    bool welcomed = ready || device->link == LINK_ROSTER;
    switch (frame->type) {
    case QR_FRAME_CHALLENGE:
        return device->link == LINK_HELLO && (on_challenge(device, frame, bytes), true);
    case QR_FRAME_WELCOME:
        return device->link == LINK_AUTH && (on_welcome(device, frame), true);
    case QR_FRAME_ROSTER_RECORDS:
        if (!welcomed) {
            return false;
        }
        if (device->looking) {
            device_look_records(device, frame);
            return true;
        }
        device_on_roster_records(device, frame);
        if (device->link == LINK_ROSTER && device->roster.count >= device->expected_roster) {
            proceed(device);
        }
        return true;
    case QR_FRAME_ROSTER_DONE:
        return welcomed && (device_on_roster_done(device, frame), true);
    case QR_FRAME_WANT:
        return ready && (device_on_want(device, frame), true);
    case QR_FRAME_DELTA:
        return ready && (device_on_delta(device, frame, bytes.size), true);
    case QR_FRAME_CAUGHT_UP:
        return ready && (device_on_caught_up(device, frame), true);
    case QR_FRAME_ACK:
        return ready && (device_on_ack(device, frame), true);
    case QR_FRAME_PAIR:
        device_on_pair(device, frame);
        return true;
    case QR_FRAME_PING:
        on_ping(device, frame);
        return true;
    case QR_FRAME_ERROR:
        on_error(device, frame);
        return true;
    case QR_FRAME_GOAWAY:
        if (device->inflight_count == 0) {
            device_close(device, frame->goaway.retry_ms);
        }
        return true;
    case QR_FRAME_PRESENCE:
        device->presence = frame->presence.others;
        device_notice(device, QUIRE_NOTICE_PRESENCE, device->presence);
        return true;
    case QR_FRAME_SKIP:
        return true;
    default:
        return false;
    }
}

void device_frame(struct quire_device *device, struct quire_bytes bytes)
{
    struct qr_frame frame;
    if (device->link == LINK_NONE) {
        return;
    }
    device->heard_ms = device->now_ms;
    device->pinged = false;
    enum quire_status status = qr_frame_read(bytes, &device->space, &frame);
    if (status == QUIRE_ENOMEM) {
        device_ok(device, status);
    } else if (status != QUIRE_OK || !take(device, &frame, bytes)) {
        device_notice(device, QUIRE_NOTICE_REFUSED, QR_ERROR_PROTO);
        device_close(device, RETRY_BROKEN_MS);
    }
}

/* ---- time ------------------------------------------------------------------------------------- */

/* A PING when either side has been silent: one that only listens is given up otherwise. */
static uint64_t ping_due_ms(const struct quire_device *device)
{
    if (device->pinged) {
        return device->heard_ms + QR_SILENCE_CLIENT_MS;
    }
    return (device->heard_ms < device->said_ms ? device->heard_ms : device->said_ms) +
        QR_PING_IDLE_MS;
}

uint64_t device_connection_due_ms(const struct quire_device *device)
{
    uint64_t due = UINT64_MAX;
    if (device->link == LINK_NONE) {
        return due;
    }
    if (device->deadline_ms > 0) {
        due = device->deadline_ms;
    }
    if (device->resub_at_ms > 0 && device->resub_at_ms < due) {
        due = device->resub_at_ms;
    }
    if (device->pair_until_ms > 0 && device->pair_until_ms < due) {
        due = device->pair_until_ms;
    }
    if (device_heads_due_ms(device) < due) {
        due = device_heads_due_ms(device);
    }
    return ping_due_ms(device) < due ? ping_due_ms(device) : due;
}

void device_connection_tick(struct quire_device *device)
{
    if (device->link == LINK_NONE) {
        return;
    }
    if (device->deadline_ms > 0 && device->now_ms >= device->deadline_ms) {
        device_close(device, RETRY_BROKEN_MS);
        return;
    }
    if (device->pair_until_ms > 0 && device->now_ms >= device->pair_until_ms) {
        device_pair_close(device);
    }
    bool again = device->resub_at_ms > 0 && device->now_ms >= device->resub_at_ms;
    if (device->link == LINK_READY && (again || device_heads_due_ms(device) <= device->now_ms)) {
        device_subscribe(device);
    }
    if (device->now_ms >= ping_due_ms(device)) {
        if (device->pinged) {
            device_close(device, RETRY_BROKEN_MS);
            return;
        }
        struct qr_frame ping = {.type = QR_FRAME_PING};
        device->pinged = true;
        device_send(device, &ping);
    }
}
