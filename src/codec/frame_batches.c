/*
 * DELTA and PUSH: batches, as opaque bytes, in the order in which they are to be taken.
 */
#include "codec/frame_fields.h"
#include "codec/frame.h"

static size_t take_batches(struct qr_fields *fields, struct qr_frame_space *space)
{
    size_t count = qr_take_items(fields, space->items, QR_FRAME_ITEMS_MAX, QR_BATCH_MAX);
    qr_take_rule(fields, count >= 1);
    return count;
}

static void put_batches(struct qr_packer *packer, const struct quire_bytes *batches, size_t count)
{
    qr_put_rule(packer, count >= 1);
    qr_put_items(packer, batches, count, QR_FRAME_ITEMS_MAX, QR_BATCH_MAX);
}

void qr_delta_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->delta.batches = space->items;
    out_frame->delta.batch_count = take_batches(fields, space);
}

void qr_delta_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    put_batches(packer, frame->delta.batches, frame->delta.batch_count);
}

void qr_push_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->push.batches = space->items;
    out_frame->push.batch_count = take_batches(fields, space);
}

void qr_push_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    put_batches(packer, frame->push.batches, frame->push.batch_count);
}
