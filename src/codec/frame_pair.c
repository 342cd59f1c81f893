/*
 * PAIR: messages between an old and a new device, passed on by the server through a mailbox.
 */
#include "codec/frame_fields.h"
#include "codec/frame.h"

static bool well_formed(const struct qr_frame *frame)
{
    switch (frame->pair.step) {
    case QR_PAIR_OPEN:
    case QR_PAIR_CLOSE: return frame->pair.data.size == 0;
    case QR_PAIR_REQUEST:
    case QR_PAIR_REPLY: return frame->pair.data.size > 0;
    }
    return false;
}

void qr_pair_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->pair.step = (enum qr_pair_step)qr_take_u32(fields);
    out_frame->pair.mailbox = qr_take_bin(fields, QR_FRAME_MAILBOX_SIZE);
    out_frame->pair.data = qr_take_data(fields, QR_PAIR_DATA_MAX);
    qr_take_rule(fields, well_formed(out_frame));
}

void qr_pair_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_uint(packer, frame->pair.step);
    qr_put_bin(packer, frame->pair.mailbox, QR_FRAME_MAILBOX_SIZE);
    qr_put_data(packer, frame->pair.data, QR_PAIR_DATA_MAX);
    qr_put_rule(packer, well_formed(frame));
}
