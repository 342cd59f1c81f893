/*
 * The roster append in hand. It is tried on a copy of the roster, sent with the head that it stands on,
 * and accepted when the server says that it is the next.
 */
#include "sync/device/roster_append.h"
#include "sync/device/accept_record.h"
#include "sync/device/actions.h"
#include "sync/device/adopt.h"
#include "sync/device/connection.h"
#include "sync/device/keys.h"
#include "sync/device/lost_op.h"
#include "sync/device/pairing.h"
#include "sync/device/records.h"
#include "sync/device/recovery.h"
#include "sync/device/roster_sign.h"
#include "base/reader.h"

#define RATE_WAIT_MAX_MS 10000 /* a longer wait is told to the user */

static void append_failed(struct quire_device *device, enum quire_status status)
{
    bool revoking = device_append_revokes(&device->append);
    bool repeats = device_append_repeats(&device->append);
    (void)device_append_end(&device->append);
    device->link.deadline_ms = 0;
    if (repeats) {
        device_lost_op_failed(device);
        return;
    }
    device_notice(device, revoking ? QUIRE_NOTICE_REVOKE_FAILED : QUIRE_NOTICE_PAIR_FAILED, status);
}

/* What the append in hand wants is so already, perhaps by our own hand before a connection broke. */
static bool already_so(const struct quire_device *device)
{
    const struct qr_roster_device *found = qr_roster_find(&device->roster, device->append.device);
    return device_append_revokes(&device->append) ? found != NULL && found->revoked_seq != 0
        : device_append_repeats(&device->append)  ? found != NULL
                                                  : found != NULL && found->revoked_seq == 0;
}

/* The devices that the recovery revoked: they were active when it asked about them. */
static void tell_revoked(struct quire_device *device)
{
    for (size_t i = 0; i < device->recovery.count; i++) {
        const uint8_t *other = device->recovery.answers[i].device;
        if (!qr_roster_active(&device->roster, other)) {
            device_notice_device(device, QUIRE_NOTICE_DEVICE_REVOKED, other);
        }
    }
}

static void append_done(struct quire_device *device)
{
    enum device_append_kind what = device_append_end(&device->append);
    device->link.deadline_ms = 0;
    if (what == APPEND_REVOKE_AGAIN || what == APPEND_ADD_AGAIN) {
        device_lost_op_done(device);
    } else if (what == APPEND_PAIR) {
        device_pair_reply(device);
    } else if (what == APPEND_RECOVER) {
        /* The roster may have grown, to an epoch whose key is not accepted yet. */
        enum quire_status status = device_accept_keys(device);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
        } else if (status != QUIRE_OK) {
            device_alarm(device, QUIRE_ALARM_ROSTER);
        }
        qr_kit_destroy(device->enrolment.kit);
        device->enrolment.kit = NULL;
        device->enrolment.role = ROLE_MEMBER;
        device_write_all(device);
        tell_revoked(device);
        device_recovery_clear(&device->recovery);
        device_notice(device, QUIRE_NOTICE_JOINED, 0);
        device_close(device, 0); /* the next connection is the device's own */
    }
}

static enum quire_status make_records(struct quire_device *device, struct qr_roster *roster)
{
    if (device->append.kind == APPEND_RECOVER) {
        return device_recovery_sign(device, roster, &device->append.epoch);
    }
    if (device->append.kind == APPEND_PAIR) {
        struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&device->pairing.request));
        struct quire_bytes sign_public = qr_read_bytes(&reader, QR_KEY_SIZE);
        struct quire_bytes box_public = qr_read_bytes(&reader, QR_KEY_SIZE);
        struct quire_bytes name = qr_read_bytes(&reader, qr_reader_left(&reader));
        return device_sign_add(device, roster, NULL, sign_public.data, box_public.data, name);
    }
    if (device->append.kind == APPEND_ADD_AGAIN) {
        return device_lost_op_sign(device, roster);
    }
    enum quire_status status = device_sign_revoke(device, roster, NULL, device->append.device);
    if (status == QUIRE_OK) {
        device->append.epoch = roster->epoch + 1;
        status = QR_FAILPOINT_ON(NO_NEW_EPOCH) ? QUIRE_OK : device_sign_epoch(device, roster, NULL);
    }
    return status;
}

static bool append_ready(const struct quire_device *device)
{
    /* A recovery signs what stands on all of the server's roster, and on answers of this connection. */
    return device->append.kind == APPEND_RECOVER ? device->link.state == LINK_ROSTER
            && device->roster.count >= device->link.expected_roster && device_recovery_ready(device)
        : device_append_revokes(&device->append)
        ? device->link.state == LINK_READY && device->link.caught_up
        : device->link.state == LINK_READY;
}

uint64_t device_append_due_ms(const struct quire_device *device)
{
    bool waits = device->append.kind != APPEND_NONE && !device->append.sent && append_ready(device)
        && device->append.at_ms > device->step.now_ms;
    bool redoes = device->append.kind == APPEND_NONE && device->lost_ops.count > 0
        && device->link.state == LINK_READY && device->link.caught_up
        && device->lost_ops.at_ms > device->step.now_ms;
    return waits ? device->append.at_ms : redoes ? device->lost_ops.at_ms : UINT64_MAX;
}

void device_append_try(struct quire_device *device)
{
    device_lost_op_next(device);
    if (device->append.kind == APPEND_NONE || device->append.sent || !append_ready(device)
        || device->step.now_ms < device->append.at_ms) {
        return;
    }
    if (already_so(device)) {
        append_done(device);
        return;
    }
    if (device->append.tries++ >= DEVICE_APPEND_TRIES) {
        append_failed(device, QUIRE_ECONFLICT);
        return;
    }
    struct qr_roster *tried = &device->append.roster;
    qr_roster_finish(tried);
    enum quire_status status = qr_roster_copy(&device->roster, tried);
    if (status == QUIRE_OK) {
        status = make_records(device, tried);
    }
    if (status != QUIRE_OK) {
        append_failed(device, status);
        return;
    }
    struct qr_frame frame = {.type = QR_FRAME_ROSTER_APPEND};
    struct quire_bytes records[QR_APPEND_MAX];
    for (uint32_t seq = device->roster.count; seq < tried->count; seq++) {
        records[frame.roster_append.record_count++] = qr_roster_record(tried, seq);
    }
    frame.roster_append.prev_head = qr_roster_head(&device->roster);
    frame.roster_append.records = records;
    device_append_mark_sent(&device->append);
    device_link_await(&device->link, device->step.now_ms);
    device_send(device, &frame);
}

void device_on_roster_done(struct quire_device *device, const struct qr_frame *frame)
{
    const struct qr_roster *tried = &device->append.roster;
    if (!device->append.sent || tried->count <= device->roster.count
        || frame->roster_done.roster_count != tried->count
        || memcmp(frame->roster_done.roster_head, qr_roster_head(tried), QR_HASH_SIZE) != 0) {
        return; /* the roster went on meanwhile; already_so finds out */
    }
    for (uint32_t seq = device->roster.count; seq < tried->count; seq++) {
        if (!device_ok(device, qr_roster_append(&device->roster, qr_roster_record(tried, seq)))) {
            return;
        }
        device_accept_record(device, seq);
    }
    append_done(device);
    device_conform(device); /* what came since the append was sent */
}

void device_append_refused(struct quire_device *device, uint32_t code, uint32_t retry_ms)
{
    if (device->append.kind == APPEND_NONE || !device->append.sent) {
        return;
    }
    device_append_interrupted(device);
    if (code == QR_ERROR_OVERLOADED) {
        return; /* the server's disk failed: again later */
    }
    if (code == QR_ERROR_RATE && retry_ms <= RATE_WAIT_MAX_MS) {
        device->append.at_ms =
            device->step.now_ms + retry_ms; /* the server searches its log for it */
        device->append.tries--;
        return;
    }
    if (code != QR_ERROR_STALE_ROSTER) {
        bool full = code == QR_ERROR_RATE || code == QR_ERROR_TOO_LARGE;
        append_failed(device, full ? QUIRE_ELIMIT : QUIRE_EINVALID);
    } else if (device_append_revokes(&device->append)) {
        device_resubscribe_later(device); /* its chains may have grown */
    } else if (device->append.kind == APPEND_RECOVER) {
        device_recovery_ask(device); /* the same, and the roster */
    }
}

void device_revoke(struct quire_device *device, const uint8_t *subject)
{
    if (device->append.kind != APPEND_NONE || device->link.state != LINK_READY) {
        device_ok(device, QUIRE_ESTATE);
        return;
    }
    if (!qr_roster_active(&device->roster, subject)
        || memcmp(subject, qr_vault_public(device->vault).device, QR_DEVICE_SIZE) == 0) {
        device_notice(device, QUIRE_NOTICE_REVOKE_FAILED, QUIRE_ENOTFOUND);
        return;
    }
    device_append_begin(&device->append, APPEND_REVOKE, subject);
}
