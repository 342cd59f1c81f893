/*
 * The connection: HELLO, SUB, and its end, which forgets what belongs to it.
 */
#include "sync/device/connection.h"
#include "sync/device/actions.h"
#include "sync/device/records.h"

#define RETRY_MAX_MS (60 * 60 * 1000) /* no server keeps a device away for longer */

void device_hello(struct quire_device *device)
{
    struct qr_vault_public self = qr_vault_public(device->vault);
    static const uint8_t root[QR_DEVICE_SIZE];
    struct device_link *link = &device->link;
    struct qr_frame frame = {.type = QR_FRAME_HELLO};
    device_random(device, link->hello_nonce);
    frame.hello.min = QR_PROTOCOL_VERSION;
    frame.hello.max = QR_PROTOCOL_VERSION;
    frame.hello.nonce = link->hello_nonce;
    frame.hello.user = device->roster.count > 0 ? device->roster.user : device->user;
    frame.hello.device = device->enrolment.role == ROLE_RECOVERING ? root : self.device;
    frame.hello.roster_count = device->audit.auditing ? 1 : device->roster.count;
    device_link_set(link, LINK_HELLO);
    link->hello_wall_ms = device->step.wall_ms;
    device_link_await(link, device->step.now_ms);
    quire_buffer_clear(&link->hello);
    if (device_ok(device, qr_frame_write(&frame, &link->hello))) {
        device_send(device, &frame);
    }
}

/* Uploads begin anew with the WANT that answers SUB. */
static void restart_upload(struct quire_device *device)
{
    device->upload.got_want = false;
    device->upload.owed = true;
    device_upload_clear(&device->upload);
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        chain->link.sent = chain->damage.seq > 0 ? chain->damage.seq - 1 : chain->head;
    }
}

void device_subscribe(struct quire_device *device)
{
    struct qr_frame frame = {.type = QR_FRAME_SUB};
    struct qr_frame_position *positions = device->space.positions;
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (chain->damage.seq > 0) { /* the server may have the damaged batch */
            if (chain->damage.knows_before) {
                positions[frame.sub.position_count++] = (struct qr_frame_position){
                    chain->replica, chain->damage.seq - 1, chain->damage.before};
            }
        } else if (chain->head > 0) {
            positions[frame.sub.position_count++] =
                (struct qr_frame_position){chain->replica, chain->head, chain->hash};
        }
    }
    frame.sub.roster_count = device->roster.count;
    frame.sub.positions = positions;
    device_link_set(&device->link, LINK_READY);
    device->link.caught_up = false;
    device->link.resub_at_ms = 0;
    restart_upload(device);
    device_send(device, &frame);
}

void device_resubscribe_later(struct quire_device *device)
{
    device_link_resubscribe_later(&device->link, device->step.now_ms);
}

/* ---- the end ---------------------------------------------------------------------------------- */

void device_append_interrupted(struct quire_device *device)
{
    uint64_t again_ms = device->step.now_ms + DEVICE_APPEND_RETRY_MS;
    uint32_t epoch = device_append_retry(&device->append, again_ms);
    if (epoch > device->roster.epoch) {
        qr_vault_forget_epoch(device->vault, epoch);
    }
    device->link.deadline_ms = 0;
}

void device_send_pair(struct quire_device *device, enum qr_pair_step step, struct quire_bytes data)
{
    uint8_t mailbox[QR_MAILBOX_SIZE];
    struct qr_frame frame = {.type = QR_FRAME_PAIR};
    qr_pair_mailbox(device->pairing.secret, mailbox);
    frame.pair.step = step;
    frame.pair.mailbox = mailbox;
    frame.pair.data = data;
    device_send(device, &frame);
}

void device_pair_close(struct quire_device *device)
{
    struct device_pairing *pairing = &device->pairing;
    if (!pairing->open) {
        return;
    }
    if (device->link.state == LINK_READY) {
        device_send_pair(device, QR_PAIR_CLOSE, (struct quire_bytes){0});
    }
    qr_pair_destroy(pairing->secret);
    pairing->secret = NULL;
    pairing->open = false;
    pairing->until_ms = 0;
    if (device->append.kind == APPEND_PAIR && !device->append.sent) {
        (void)device_append_end(&device->append);
    }
}

void device_disconnected(struct quire_device *device)
{
    struct device_link *link = &device->link;
    if (link->state != LINK_NONE) {
        device_link_set(link, LINK_NONE);
    }
    link->deadline_ms = 0;
    link->resub_at_ms = 0;
    link->caught_up = false;
    link->presence = 0;
    device->upload.got_want = false;
    device_upload_reset(&device->upload);
    device->receive.consumed = 0;
    device->receive.shut_out_count = 0;
    device_recovery_clear(&device->recovery);
    if (device->append.sent) {
        /* Whether it went through is in the roster, on the next connection. */
        device_append_interrupted(device);
    }
    if (device->pairing.open) {
        bool answered = device->pairing.until_ms > 0;
        device_pair_close(device);
        if (!answered) {
            device_notice(device, QUIRE_NOTICE_PAIR_FAILED, QUIRE_EIO);
        }
    }
}

void device_close(struct quire_device *device, uint32_t retry_ms)
{
    if (device->link.state == LINK_NONE) {
        return;
    }
    struct quire_action *action = device_output_add(&device->out, QUIRE_ACTION_CLOSE);
    if (action != NULL) {
        action->retry_ms = retry_ms < RETRY_MAX_MS ? retry_ms : RETRY_MAX_MS;
    }
    device_disconnected(device);
}
