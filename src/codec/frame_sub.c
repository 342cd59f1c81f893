/*
 * SUB, WANT, CAUGHT_UP, ACK: where chains stand.
 */
#include "base/failpoint.h"
#include "codec/frame_fields.h"
#include "codec/frame.h"

static size_t take_positions(struct qr_fields *fields, struct qr_frame_space *space)
{
    struct qr_fields array = qr_take_array(fields, QR_FRAME_ITEMS_MAX);
    size_t count = array.left;
    for (size_t i = 0; i < count; i++) {
        struct qr_fields row = qr_take_row(&array, 3);
        struct qr_frame_position *position = &space->positions[i];
        position->replica = qr_take_bin(&row, QR_REPLICA_SIZE);
        position->seq = qr_take_u64(&row);
        position->hash_prefix = qr_take_bin(&row, QR_HASH_PREFIX_SIZE);
        qr_take_rule(&row, position->seq >= 1);
    }
    return count;
}

static void put_positions(
    struct qr_packer *packer, const struct qr_frame_position *positions, size_t count)
{
    qr_put_array(packer, count, QR_FRAME_ITEMS_MAX);
    for (size_t i = 0; packer->status == QUIRE_OK && i < count; i++) {
        qr_put_array(packer, 3, 3);
        qr_put_bin(packer, positions[i].replica, QR_REPLICA_SIZE);
        qr_put_uint(packer, positions[i].seq);
        qr_put_bin(packer, positions[i].hash_prefix, QR_HASH_PREFIX_SIZE);
        qr_put_rule(packer, positions[i].seq >= 1);
    }
}

void qr_sub_read(struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->sub.roster_count = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    out_frame->sub.manifest = qr_take_bin_or_nil(fields, QR_HASH_SIZE);
    out_frame->sub.positions = space->positions;
    out_frame->sub.position_count = take_positions(fields, space);
}

void qr_sub_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_count(packer, frame->sub.roster_count, QR_RECORDS_MAX);
    qr_put_bin_or_nil(packer, frame->sub.manifest, QR_HASH_SIZE);
    put_positions(packer, frame->sub.positions, frame->sub.position_count);
}

void qr_caught_up_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->caught_up.positions = space->positions;
    out_frame->caught_up.position_count = take_positions(fields, space);
}

void qr_caught_up_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    put_positions(packer, frame->caught_up.positions, frame->caught_up.position_count);
}

void qr_want_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    struct qr_fields array = qr_take_array(fields, QR_FRAME_ITEMS_MAX);
    out_frame->want.ranges = space->ranges;
    out_frame->want.range_count = array.left - (QR_FAILPOINT_ON(WANT_LOSES_LAST) && array.left > 1);
    for (size_t i = 0; i < out_frame->want.range_count; i++) {
        struct qr_fields row = qr_take_row(&array, 3);
        struct qr_frame_range *range = &space->ranges[i];
        range->replica = qr_take_bin(&row, QR_REPLICA_SIZE);
        range->from = qr_take_u64(&row);
        range->to = qr_take_u64(&row);
        qr_take_rule(&row, range->from >= 1 && range->from <= range->to);
    }
}

void qr_want_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_array(packer, frame->want.range_count, QR_FRAME_ITEMS_MAX);
    for (size_t i = 0; packer->status == QUIRE_OK && i < frame->want.range_count; i++) {
        const struct qr_frame_range *range = &frame->want.ranges[i];
        qr_put_array(packer, 3, 3);
        qr_put_bin(packer, range->replica, QR_REPLICA_SIZE);
        qr_put_uint(packer, range->from);
        qr_put_uint(packer, range->to);
        qr_put_rule(packer, range->from >= 1 && range->from <= range->to);
    }
}

void qr_ack_read(struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    struct qr_fields array = qr_take_array(fields, QR_FRAME_ITEMS_MAX);
    out_frame->ack.ranges = space->ranges;
    out_frame->ack.range_count = array.left;
    for (size_t i = 0; i < out_frame->ack.range_count; i++) {
        struct qr_fields row = qr_take_row(&array, 2);
        struct qr_frame_range *range = &space->ranges[i];
        range->replica = qr_take_bin(&row, QR_REPLICA_SIZE);
        range->from = 0;
        range->to = qr_take_u64(&row);
        qr_take_rule(&row, range->to >= 1);
    }
}

void qr_ack_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_array(packer, frame->ack.range_count, QR_FRAME_ITEMS_MAX);
    for (size_t i = 0; packer->status == QUIRE_OK && i < frame->ack.range_count; i++) {
        const struct qr_frame_range *range = &frame->ack.ranges[i];
        qr_put_array(packer, 2, 2);
        qr_put_bin(packer, range->replica, QR_REPLICA_SIZE);
        qr_put_uint(packer, range->to);
        qr_put_rule(packer, range->to >= 1);
    }
}
