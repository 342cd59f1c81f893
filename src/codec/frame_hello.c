/*
 * HELLO, CHALLENGE, AUTH, WELCOME: how a connection begins.
 */
#include "codec/frame_fields.h"
#include "codec/frame.h"

/* HELLO and CHALLENGE keep this layout in every version: they are how a version is agreed on. */
void qr_hello_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->hello.min = qr_take_u32(fields);
    out_frame->hello.max = qr_take_u32(fields);
    out_frame->hello.features = qr_take_u32(fields);
    out_frame->hello.nonce = qr_take_bin(fields, QR_FRAME_NONCE_SIZE);
    out_frame->hello.user = qr_take_bin(fields, QR_USER_SIZE);
    out_frame->hello.device = qr_take_bin(fields, QR_DEVICE_SIZE);
    out_frame->hello.roster_count = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    qr_take_rule(fields, out_frame->hello.min >= 1);
    qr_take_rule(fields, out_frame->hello.min <= out_frame->hello.max);
}

void qr_hello_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->hello.min);
    qr_put_uint(packer, frame->hello.max);
    qr_put_uint(packer, frame->hello.features);
    qr_put_bin(packer, frame->hello.nonce, QR_FRAME_NONCE_SIZE);
    qr_put_bin(packer, frame->hello.user, QR_USER_SIZE);
    qr_put_bin(packer, frame->hello.device, QR_DEVICE_SIZE);
    qr_put_count(packer, frame->hello.roster_count, QR_RECORDS_MAX);
    qr_put_rule(packer, frame->hello.min >= 1);
    qr_put_rule(packer, frame->hello.min <= frame->hello.max);
}

void qr_challenge_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->challenge.version = qr_take_u32(fields);
    out_frame->challenge.features = qr_take_u32(fields);
    out_frame->challenge.nonce = qr_take_bin(fields, QR_FRAME_NONCE_SIZE);
    out_frame->challenge.time_ms = qr_take_u64(fields);
    out_frame->challenge.roster_count = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    out_frame->challenge.roster_head = qr_take_bin(fields, QR_HASH_SIZE);
    out_frame->challenge.log = qr_take_bin(fields, QR_LOG_SIZE);
    qr_take_rule(fields, out_frame->challenge.version >= 1);
}

void qr_challenge_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->challenge.version);
    qr_put_uint(packer, frame->challenge.features);
    qr_put_bin(packer, frame->challenge.nonce, QR_FRAME_NONCE_SIZE);
    qr_put_uint(packer, frame->challenge.time_ms);
    qr_put_count(packer, frame->challenge.roster_count, QR_RECORDS_MAX);
    qr_put_bin(packer, frame->challenge.roster_head, QR_HASH_SIZE);
    qr_put_bin(packer, frame->challenge.log, QR_LOG_SIZE);
    qr_put_rule(packer, frame->challenge.version >= 1);
}

static bool fit_in_a_roster(const struct quire_bytes *records, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += records[i].size;
    }
    return size <= QR_ROSTER_MAX;
}

void qr_auth_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->auth.signature = qr_take_bin(fields, QR_SIGNATURE_SIZE);
    out_frame->auth.records = space->items;
    out_frame->auth.record_count =
        qr_take_items(fields, space->items, QR_RECORDS_MAX, QR_RECORD_MAX);
    qr_take_limit(fields, fit_in_a_roster(space->items, out_frame->auth.record_count));
}

void qr_auth_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_bin(packer, frame->auth.signature, QR_SIGNATURE_SIZE);
    qr_put_items(
        packer, frame->auth.records, frame->auth.record_count, QR_RECORDS_MAX, QR_RECORD_MAX);
    if (packer->status == QUIRE_OK) {
        qr_put_limit(packer, fit_in_a_roster(frame->auth.records, frame->auth.record_count));
    }
}

void qr_welcome_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->welcome.roster_count = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    out_frame->welcome.roster_head = qr_take_bin(fields, QR_HASH_SIZE);
    out_frame->welcome.session = qr_take_u64(fields);
}

void qr_welcome_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_count(packer, frame->welcome.roster_count, QR_RECORDS_MAX);
    qr_put_bin(packer, frame->welcome.roster_head, QR_HASH_SIZE);
    qr_put_uint(packer, frame->welcome.session);
}
