/*
 * A connection from HELLO to CAUGHT_UP, and who gets which frame. A server that breaks the protocol
 * is left; whatever does not match is cured by subscribing again.
 */
#include "sync/device/connect.h"
#include "sync/device/actions.h"
#include "sync/device/adopt.h"
#include "sync/device/caught_up.h"
#include "sync/device/connection.h"
#include "sync/device/keys.h"
#include "sync/device/pairing.h"
#include "sync/device/receipt.h"
#include "sync/device/receive.h"
#include "sync/device/recovery.h"
#include "sync/device/records.h"
#include "sync/device/roster.h"
#include "sync/device/roster_append.h"
#include "sync/device/upload.h"

#define RETRY_BROKEN_MS 5000
#define RETRY_ALARM_MS 60000
#define RETRY_REFUSED_MAX_MS 300000

void device_connected(struct quire_device *device, struct quire_bytes host)
{
    if (device->link.state != LINK_NONE) {
        device_disconnected(device);
    }
    quire_buffer_clear(&device->link.host);
    if (host.size > QR_HOST_MAX
        || !device_ok(device, quire_buffer_append(&device->link.host, host.data, host.size))) {
        return;
    }
    device->link.heard_ms = device->link.said_ms = device->step.now_ms;
    device->link.pinged = false;
    for (size_t i = 0; i < device->chains.count; i++) {
        device->chains.items[i].link.blocked_until_ms =
            0; /* the cause may be gone, or the server another */
    }
    if (device->enrolment.rejoining
        || (device->enrolment.role == ROLE_JOINING && device->enrolment.roster_count == 0)) {
        device_pair_request(device);
    } else {
        device_hello(device);
    }
}

/* The server's roster must be a part of ours, or ours of its. */
static bool rosters_agree(struct quire_device *device, uint32_t count, const uint8_t *head)
{
    return count == 0 || count > device->roster.count
        || memcmp(device->roster.entries[count - 1].hash, head, QR_HASH_SIZE) == 0;
}

static void on_challenge(
    struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes)
{
    if (frame->challenge.version != QR_PROTOCOL_VERSION && !QR_FAILPOINT_ON(NO_VERSION_CHECK)) {
        device_notice(device, QUIRE_NOTICE_REFUSED, QR_ERROR_VERSION);
        device_close(device, RETRY_ALARM_MS);
        return;
    }
    if (frame->challenge.roster_count == 0) {
        device->audit.auditing = device->audit.offer_refused = false; /* nothing there to look at */
    }
    if (!device->audit.auditing
        && !rosters_agree(device, frame->challenge.roster_count, frame->challenge.roster_head)) {
        device_contradicted(device);
        return;
    }
    device->link.expected_roster = frame->challenge.roster_count;
    /* The server looked at its clock some time between HELLO and now: much later than that, should
     * the frame have waited for a machine that slept. Unsigned, since a stranger chose the time. */
    int64_t ahead = (int64_t)(frame->challenge.time_ms - (uint64_t)device->step.wall_ms);
    int64_t behind = (int64_t)((uint64_t)device->link.hello_wall_ms - frame->challenge.time_ms);
    bool far = ahead > DEVICE_CLOCK_MS || behind > DEVICE_CLOCK_MS;
    if (far && !QR_FAILPOINT_ON(NO_CLOCK_CHECK)) {
        device_alarm(device, QUIRE_ALARM_CLOCK);
    }
    uint8_t digest[QR_HASH_SIZE], signature[QR_SIGNATURE_SIZE];
    struct quire_bytes message = {digest, sizeof digest};
    qr_auth_digest(quire_buffer_bytes(&device->link.host), quire_buffer_bytes(&device->link.hello),
        bytes, digest);
    if (device->enrolment.role == ROLE_RECOVERING) {
        qr_kit_sign(device->enrolment.kit, QR_CONTEXT_AUTH, &message, 1, signature);
    } else {
        qr_vault_sign(device->vault, QR_CONTEXT_AUTH, &message, 1, signature);
    }
    struct qr_frame auth = {.type = QR_FRAME_AUTH};
    struct quire_bytes *records = device->space.items;
    auth.auth.signature = signature;
    uint32_t end = device->audit.offer_refused ? device->audit.offer_end
        : device->audit.auditing               ? 0
                                               : device->roster.count;
    for (uint32_t seq = frame->challenge.roster_count; seq < end; seq++) {
        records[auth.auth.record_count++] = qr_roster_record(&device->roster, seq);
    }
    auth.auth.records = records;
    device_link_set(&device->link, LINK_AUTH);
    device_link_await(&device->link, device->step.now_ms);
    device_send(device, &auth);
}

static void proceed(struct quire_device *device)
{
    if (device->roster.count < device->link.expected_roster) {
        device_link_set(&device->link, LINK_ROSTER);
        device_link_await(&device->link, device->step.now_ms);
        return;
    }
    device->link.deadline_ms = 0;
    device->link.refused_ms = 0;
    if (device->enrolment.role == ROLE_RECOVERING) {
        device_link_set(&device->link, LINK_ROSTER);
        if (device->append.kind == APPEND_NONE) {
            if (device_accept_keys(device) != QUIRE_OK) {
                device_notice(device, QUIRE_NOTICE_PAIR_FAILED, QUIRE_ECRYPTO);
                device_close(device, RETRY_ALARM_MS);
                return;
            }
            device_append_begin(&device->append, APPEND_RECOVER, device_self(device));
        }
        device_recovery_ask(device);
        device_append_try(device);
        return;
    }
    if (device->enrolment.role == ROLE_JOINING) {
        device_joined(device);
        if (device->enrolment.role == ROLE_JOINING) {
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
    if (device->audit.auditing) {
        device_audit_begin(device, frame);
        return;
    }
    bool goes_back =
        frame->welcome.roster_count < device->roster.count && !QR_FAILPOINT_ON(NO_ROSTER_MEMORY);
    if (!rosters_agree(device, frame->welcome.roster_count, frame->welcome.roster_head)
        || goes_back) {
        device_contradicted(device);
        return;
    }
    device->link.expected_roster = frame->welcome.roster_count;
    proceed(device);
}

/* A device that the server does not know must not use up the failures that its user is allowed. */
static uint32_t refused_ms(struct quire_device *device)
{
    uint32_t wait_ms =
        device->link.refused_ms < RETRY_ALARM_MS ? RETRY_ALARM_MS : device->link.refused_ms;
    device->link.refused_ms =
        2 * wait_ms < RETRY_REFUSED_MAX_MS ? 2 * wait_ms : RETRY_REFUSED_MAX_MS;
    return wait_ms;
}

static void on_error(struct quire_device *device, const struct qr_frame *frame)
{
    if (frame->error.replica != NULL) {
        device_on_batch_error(device, frame);
        return;
    }
    if (!frame->error.fatal) {
        device_append_refused(device, frame->error.code, frame->error.retry_ms);
        return;
    }
    if (frame->error.code == QR_ERROR_RATE || frame->error.code == QR_ERROR_OVERLOADED
        || frame->error.code == QR_ERROR_STALE_ROSTER) {
        device_close(device, frame->error.retry_ms);
        return;
    }
    if (frame->error.code == QR_ERROR_FORK && device->link.state == LINK_AUTH) {
        device_offer_refused(device);
        return;
    }
    device_notice_refused(device, frame->error.code, frame->error.data);
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

static void on_roster_records(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->audit.auditing) {
        device_audit_records(device, frame);
        return;
    }
    device_on_roster_records(device, frame);
    if (device->link.state == LINK_ROSTER && device->roster.count >= device->link.expected_roster) {
        proceed(device);
    }
}

static void on_goaway(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->upload.inflight_count == 0) {
        device_close(device, frame->goaway.retry_ms);
    }
}

static void on_presence(struct quire_device *device, const struct qr_frame *frame)
{
    device->link.presence = frame->presence.others;
    device_notice(device, QUIRE_NOTICE_PRESENCE, device->link.presence);
}

static void on_skip(struct quire_device *device, const struct qr_frame *frame)
{
    (void)device, (void)frame;
}

#define IN(state) (1u << (state))
#define WELCOMED (IN(LINK_ROSTER) | IN(LINK_READY))
#define ANY (IN(LINK_PAIRING) | IN(LINK_HELLO) | IN(LINK_AUTH) | WELCOMED)

/** Which frame may come in which states, and where it goes. Any other ends the connection. Which states
 * may follow is the table of parts/link.c; docs/state-machines.md draws both. */
static const struct rule {
    enum qr_frame_type frame;
    unsigned states;
    void (*handle)(struct quire_device *device, const struct qr_frame *frame);
    /* or, for what is hashed or counted as it came: */
    void (*handle_bytes)(
        struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes);
} rules[] = {
    {QR_FRAME_CHALLENGE, IN(LINK_HELLO), NULL, on_challenge},      /* → AUTH */
    {QR_FRAME_WELCOME, IN(LINK_AUTH), on_welcome, NULL},           /* → ROSTER or READY */
    {QR_FRAME_ROSTER_RECORDS, WELCOMED, on_roster_records, NULL},  /* ROSTER → READY */
    {QR_FRAME_ROSTER_DONE, WELCOMED, device_on_roster_done, NULL}, /* a recovery: → NONE */
    {QR_FRAME_CHAINS, IN(LINK_ROSTER), device_on_chains, NULL},
    {QR_FRAME_WANT, IN(LINK_READY), device_on_want, NULL},
    {QR_FRAME_DELTA, IN(LINK_READY), NULL, device_on_delta},
    {QR_FRAME_CAUGHT_UP, IN(LINK_READY), device_on_caught_up, NULL},
    {QR_FRAME_ACK, IN(LINK_READY), device_on_ack, NULL},
    {QR_FRAME_PAIR, ANY, device_on_pair, NULL}, /* PAIRING → HELLO */
    {QR_FRAME_PING, ANY, on_ping, NULL},
    {QR_FRAME_ERROR, ANY, on_error, NULL},   /* a fatal one: → NONE */
    {QR_FRAME_GOAWAY, ANY, on_goaway, NULL}, /* → NONE */
    {QR_FRAME_PRESENCE, ANY, on_presence, NULL},
    {QR_FRAME_SKIP, ANY, on_skip, NULL},
};

/* False: this frame has no place here. */
static bool dispatch(
    struct quire_device *device, const struct qr_frame *frame, struct quire_bytes bytes)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const struct rule *rule = &rules[i];
        if (rule->frame != frame->type) {
            continue;
        }
        bool allowed = (rule->states & IN(device->link.state)) != 0;
        if (allowed && rule->handle != NULL) {
            rule->handle(device, frame);
        } else if (allowed) {
            rule->handle_bytes(device, frame, bytes);
        }
        return allowed;
    }
    return false;
}

void device_frame(struct quire_device *device, struct quire_bytes bytes)
{
    struct qr_frame frame;
    if (device->link.state == LINK_NONE) {
        return;
    }
    device->link.heard_ms = device->step.now_ms;
    device->link.pinged = false;
    enum quire_status status = qr_frame_read(bytes, &device->space, &frame);
    if (status == QUIRE_ENOMEM) {
        device_ok(device, status);
    } else if (status != QUIRE_OK || !dispatch(device, &frame, bytes)) {
        device_notice(device, QUIRE_NOTICE_REFUSED, QR_ERROR_PROTO);
        device_close(device, RETRY_BROKEN_MS);
    }
}

/* ---- time ------------------------------------------------------------------------------------- */

/* A PING when either side has been silent: one that only listens is given up otherwise. */
static uint64_t ping_due_ms(const struct quire_device *device)
{
    if (device->link.pinged) {
        return device->link.heard_ms + QR_SILENCE_CLIENT_MS;
    }
    return (device->link.heard_ms < device->link.said_ms ? device->link.heard_ms
                                                         : device->link.said_ms)
        + QR_PING_IDLE_MS;
}

uint64_t device_connection_due_ms(const struct quire_device *device)
{
    uint64_t due = UINT64_MAX;
    if (device->link.state == LINK_NONE) {
        return due;
    }
    if (device->link.deadline_ms > 0) {
        due = device->link.deadline_ms;
    }
    if (device->link.resub_at_ms > 0 && device->link.resub_at_ms < due) {
        due = device->link.resub_at_ms;
    }
    if (device->pairing.until_ms > 0 && device->pairing.until_ms < due) {
        due = device->pairing.until_ms;
    }
    if (device_receipt_due_ms(device) < due) {
        due = device_receipt_due_ms(device);
    }
    return ping_due_ms(device) < due ? ping_due_ms(device) : due;
}

void device_connection_tick(struct quire_device *device)
{
    if (device->link.state == LINK_NONE) {
        return;
    }
    if (device->link.deadline_ms > 0 && device->step.now_ms >= device->link.deadline_ms) {
        device_close(device, RETRY_BROKEN_MS);
        return;
    }
    if (device->pairing.until_ms > 0 && device->step.now_ms >= device->pairing.until_ms) {
        device_pair_close(device);
    }
    bool again = device->link.resub_at_ms > 0 && device->step.now_ms >= device->link.resub_at_ms;
    if (device->link.state == LINK_READY
        && (again || device_receipt_due_ms(device) <= device->step.now_ms)) {
        device_subscribe(device);
    }
    if (device->step.now_ms >= ping_due_ms(device)) {
        if (device->link.pinged) {
            device_close(device, RETRY_BROKEN_MS);
            return;
        }
        struct qr_frame ping = {.type = QR_FRAME_PING};
        device->link.pinged = true;
        device_send(device, &ping);
    }
}
