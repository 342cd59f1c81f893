/*
 * Both sides of pairing. The old device shows a code and waits at a mailbox; the new one sends its
 * keys there; the old one enrols it and answers with what the new one needs to trust the server's
 * word: the user, the roster's head and how far every chain has come.
 */
#include "sync/device/pairing.h"
#include "sync/device/actions.h"
#include "sync/device/connection.h"
#include "base/reader.h"
#include "base/writer.h"

#define REPLY_VERSION 1
#define REQUEST_KEYS (2 * QR_KEY_SIZE)

/* ---- the old device --------------------------------------------------------------------------- */

void device_pair_open(struct quire_device *device)
{
    if (device->link.state != LINK_READY || device->append.kind != APPEND_NONE) {
        device_ok(device, QUIRE_ESTATE);
        return;
    }
    uint8_t entropy[QR_ENTROPY_SIZE];
    char code[QR_PAIR_CODE_SIZE];
    device_pair_close(device);
    device_random(device, entropy);
    if (!device_ok(device, qr_pair_create(entropy, &device->pairing.secret))) {
        return;
    }
    device->pairing.open = true;
    qr_pair_code(device->pairing.secret, code);
    device_send_pair(device, QR_PAIR_OPEN, (struct quire_bytes){0});
    device_notice_text(device, QUIRE_NOTICE_PAIR_CODE, code);
    qr_wipe(code, sizeof code);
    qr_wipe(entropy, sizeof entropy);
}

/* The reply may have been lost on its way. The new device is in the roster by then, so it must be
 * able to get another: the code is still good for a while, and for this one device alone. */
static void on_request_again(struct quire_device *device, struct quire_bytes data)
{
    uint8_t who[QR_DEVICE_SIZE];
    quire_buffer_clear(&device->pairing.request);
    if (qr_pair_open_request(device->pairing.secret, data, &device->pairing.request) == QUIRE_OK
        && device->pairing.request.size > REQUEST_KEYS) {
        qr_device_id(who, device->pairing.request.data, device->pairing.request.data + QR_KEY_SIZE);
        if (memcmp(who, device->pairing.device, sizeof who) == 0) {
            device_pair_reply(device);
        }
    }
}

static void on_request(struct quire_device *device, struct quire_bytes data)
{
    quire_buffer_clear(&device->pairing.request);
    enum quire_status status =
        qr_pair_open_request(device->pairing.secret, data, &device->pairing.request);
    if (status == QUIRE_OK && device->pairing.request.size <= REQUEST_KEYS) {
        status = QUIRE_EMALFORMED;
    }
    if (status != QUIRE_OK) {
        device_pair_close(device);
        device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        return;
    }
    qr_device_id(device->pairing.device, device->pairing.request.data,
        device->pairing.request.data + QR_KEY_SIZE);
    device_append_begin(&device->append, APPEND_PAIR, device->pairing.device);
}

void device_pair_reply(struct quire_device *device)
{
    struct quire_buffer content = {0}, reply = {0};
    struct qr_writer writer = qr_writer_onto(&content);
    qr_write_u8(&writer, REPLY_VERSION);
    qr_write_bytes(&writer, device->roster.user, QR_USER_SIZE);
    qr_write_u32(&writer, device->roster.count);
    qr_write_bytes(&writer, qr_roster_head(&device->roster), QR_HASH_SIZE);
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        /* Only what the server is known to have: the rest is ours to bring. */
        if (chain->link.sent > 0 && chain->link.sent <= chain->head
            && content.size + QR_REPLICA_SIZE + 8 <= QR_PAIR_REPLY_MAX) {
            uint64_t seq = chain->own ? chain->acked : chain->link.sent;
            if (seq > 0) {
                qr_write_bytes(&writer, chain->replica, QR_REPLICA_SIZE);
                qr_write_u64(&writer, seq);
            }
        }
    }
    uint8_t entropy[QR_ENTROPY_SIZE];
    device_random(device, entropy);
    if (device->pairing.open && device_ok(device, qr_writer_end(&writer))) {
        enum quire_status status = qr_pair_seal_reply(
            device->pairing.secret, quire_buffer_bytes(&content), entropy, &reply);
        if (status == QUIRE_OK) {
            device_send_pair(device, QR_PAIR_REPLY, quire_buffer_bytes(&reply));
        }
        if (device->pairing.until_ms == 0 && status == QUIRE_OK) {
            device->pairing.until_ms = device->step.now_ms + DEVICE_PAIR_AGAIN_MS;
            device_notice_device(device, QUIRE_NOTICE_PAIRED, device->pairing.device);
        } else if (status != QUIRE_OK) {
            device_pair_close(device);
            device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        }
    }
    quire_buffer_finish(&content);
    quire_buffer_finish(&reply);
}

/* ---- the new device --------------------------------------------------------------------------- */

void device_pair_request(struct quire_device *device)
{
    struct qr_vault_public self = qr_vault_public(device->vault);
    struct quire_buffer content = {0}, request = {0};
    struct qr_writer writer = qr_writer_onto(&content);
    uint8_t entropy[QR_ENTROPY_SIZE];
    qr_write_bytes(&writer, self.sign_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, self.box_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, device->enrolment.name.data, device->enrolment.name.size);
    device_random(device, entropy);
    device_link_set(&device->link, LINK_PAIRING);
    device_link_await(&device->link, device->step.now_ms);
    if (device_ok(device, qr_writer_end(&writer))
        && device_ok(device,
            qr_pair_seal_request(
                device->pairing.secret, quire_buffer_bytes(&content), entropy, &request))) {
        device_send_pair(device, QR_PAIR_REQUEST, quire_buffer_bytes(&request));
    }
    quire_buffer_finish(&content);
    quire_buffer_finish(&request);
}

/* A member keeps what it has, and adopts the roster that has it in it now. */
static void end_rejoining(struct quire_device *device, enum quire_status status)
{
    device->enrolment.rejoining = false;
    qr_pair_destroy(device->pairing.secret);
    device->pairing.secret = NULL;
    if (status != QUIRE_OK) {
        device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        device_close(device, 0);
        return;
    }
    device->audit.auditing = true;
    device_notice(device, QUIRE_NOTICE_JOINED, 0);
    device_hello(device);
}

static void on_reply(struct quire_device *device, struct quire_bytes data)
{
    struct quire_buffer content = {0};
    enum quire_status status = qr_pair_open_reply(device->pairing.secret, data, &content);
    if (status == QUIRE_OK) {
        struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&content));
        uint8_t version = qr_read_u8(&reader);
        struct quire_bytes user = qr_read_bytes(&reader, QR_USER_SIZE);
        uint32_t count = qr_read_u32(&reader);
        struct quire_bytes head = qr_read_bytes(&reader, QR_HASH_SIZE);
        struct quire_bytes heads = qr_read_bytes(&reader, qr_reader_left(&reader));
        status = version != REPLY_VERSION ? QUIRE_EUNSUPPORTED
            : reader.failed || count == 0 ? QUIRE_EMALFORMED
                                          : QUIRE_OK;
        if (status == QUIRE_OK && device->enrolment.rejoining
            && memcmp(user.data, device->roster.user, QR_USER_SIZE) != 0) {
            status = QUIRE_ECRYPTO; /* another account's device showed the code */
        }
        if (status == QUIRE_OK && !device->enrolment.rejoining) {
            memcpy(device->user, user.data, QR_USER_SIZE);
            memcpy(device->enrolment.roster_head, head.data, QR_HASH_SIZE);
            device->enrolment.roster_count = count;
            quire_buffer_clear(&device->enrolment.heads);
            device_ok(
                device, quire_buffer_append(&device->enrolment.heads, heads.data, heads.size));
            qr_vault_set_user(device->vault, device->user);
            device_hello(device);
        }
    }
    if (device->enrolment.rejoining) {
        end_rejoining(device, status);
    } else if (status != QUIRE_OK) {
        device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        device_close(device, 0);
    }
    quire_buffer_finish(&content);
}

void device_on_pair(struct quire_device *device, const struct qr_frame *frame)
{
    if (device->pairing.secret == NULL) {
        return; /* late, after it was closed here */
    }
    bool waits = device->link.state == LINK_PAIRING;
    switch (frame->pair.step) {
    case QR_PAIR_REQUEST:
        if (device->pairing.open && device->pairing.until_ms > 0) {
            on_request_again(device, frame->pair.data);
        } else if (device->pairing.open && device->append.kind == APPEND_NONE) {
            on_request(device, frame->pair.data);
        }
        break;
    case QR_PAIR_REPLY:
        if (waits) {
            on_reply(device, frame->pair.data);
        }
        break;
    case QR_PAIR_CLOSE:
        if (waits && device->enrolment.rejoining) {
            end_rejoining(device, QUIRE_ENOTFOUND);
            break;
        }
        if (waits || (device->pairing.open && device->pairing.until_ms == 0)) {
            device_notice(device, QUIRE_NOTICE_PAIR_FAILED, QUIRE_ENOTFOUND);
        }
        if (waits) {
            device_close(device, 0);
        } else {
            device_pair_close(device);
        }
        break;
    default: break;
    }
}
