/*
 * CREDIT, PING, GOAWAY, ERROR, PRESENCE: about the connection itself.
 */
#include "codec/frame_fields.h"
#include "codec/frame.h"

void qr_credit_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->credit.bytes = qr_take_count(fields, QR_CREDIT_MAX);
    qr_take_rule(fields, out_frame->credit.bytes >= 1);
}

void qr_credit_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_count(packer, frame->credit.bytes, QR_CREDIT_MAX);
    qr_put_rule(packer, frame->credit.bytes >= 1);
}

void qr_ping_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->ping.reply = qr_take_bool(fields);
    out_frame->ping.token = qr_take_u64(fields);
}

void qr_ping_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_bool(packer, frame->ping.reply);
    qr_put_uint(packer, frame->ping.token);
}

void qr_goaway_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->goaway.reason = qr_take_u32(fields);
    out_frame->goaway.retry_ms = qr_take_u32(fields);
}

void qr_goaway_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->goaway.reason);
    qr_put_uint(packer, frame->goaway.retry_ms);
}

/* A batch is named by replica and seq together, or not at all. */
static bool names_a_batch_or_none(const struct qr_frame *frame)
{
    return (frame->error.replica != NULL) == (frame->error.seq > 0);
}

void qr_error_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->error.code = qr_take_u32(fields);
    out_frame->error.fatal = qr_take_bool(fields);
    out_frame->error.retry_ms = qr_take_u32(fields);
    out_frame->error.replica = qr_take_bin_or_nil(fields, QR_REPLICA_SIZE);
    out_frame->error.seq = qr_take_u64(fields);
    out_frame->error.data = qr_take_data(fields, QR_BATCH_MAX);
    qr_take_rule(fields, names_a_batch_or_none(out_frame));
}

void qr_error_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->error.code);
    qr_put_bool(packer, frame->error.fatal);
    qr_put_uint(packer, frame->error.retry_ms);
    qr_put_bin_or_nil(packer, frame->error.replica, QR_REPLICA_SIZE);
    qr_put_uint(packer, frame->error.seq);
    qr_put_data(packer, frame->error.data, QR_BATCH_MAX);
    qr_put_rule(packer, names_a_batch_or_none(frame));
}

void qr_presence_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->presence.others = qr_take_u32(fields);
}

void qr_presence_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->presence.others);
}
