/*
 * ROSTER_APPEND, ROSTER_RECORDS, ROSTER_DONE: roster records, as opaque bytes. CHAINS.
 */
#include "codec/frame_fields.h"
#include "codec/frame.h"

void qr_roster_append_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->roster_append.prev_head = qr_take_bin(fields, QR_HASH_SIZE);
    out_frame->roster_append.records = space->items;
    out_frame->roster_append.record_count =
        qr_take_items(fields, space->items, QR_APPEND_MAX, QR_RECORD_MAX);
    qr_take_rule(fields, out_frame->roster_append.record_count >= 1);
}

void qr_roster_append_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_bin(packer, frame->roster_append.prev_head, QR_HASH_SIZE);
    qr_put_items(packer, frame->roster_append.records, frame->roster_append.record_count,
        QR_APPEND_MAX, QR_RECORD_MAX);
    qr_put_rule(packer, frame->roster_append.record_count >= 1);
}

void qr_roster_records_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    out_frame->roster_records.first_seq = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    out_frame->roster_records.records = space->items;
    out_frame->roster_records.record_count = qr_take_items(
        fields, space->items, QR_RECORDS_MAX - out_frame->roster_records.first_seq, QR_RECORD_MAX);
}

void qr_roster_records_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_count(packer, frame->roster_records.first_seq, QR_RECORDS_MAX);
    if (packer->status == QUIRE_OK) {
        qr_put_items(packer, frame->roster_records.records, frame->roster_records.record_count,
            QR_RECORDS_MAX - frame->roster_records.first_seq, QR_RECORD_MAX);
    }
}

void qr_roster_done_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->roster_done.roster_count = (uint32_t)qr_take_count(fields, QR_RECORDS_MAX);
    out_frame->roster_done.roster_head = qr_take_bin(fields, QR_HASH_SIZE);
}

void qr_roster_done_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_count(packer, frame->roster_done.roster_count, QR_RECORDS_MAX);
    qr_put_bin(packer, frame->roster_done.roster_head, QR_HASH_SIZE);
}

void qr_chains_read(
    struct qr_fields *fields, struct qr_frame_space *space, struct qr_frame *out_frame)
{
    (void)space;
    out_frame->chains.device = qr_take_bin(fields, QR_DEVICE_SIZE);
    out_frame->chains.last = qr_take_u64(fields);
    out_frame->chains.pins = qr_take_data(fields, QR_CHAINS_DATA_MAX);
    qr_take_rule(fields, out_frame->chains.pins.size % QR_PIN_SIZE == 0);
}

void qr_chains_write(struct qr_packer *packer, const struct qr_frame *frame)
{
    qr_put_bin(packer, frame->chains.device, QR_DEVICE_SIZE);
    qr_put_uint(packer, frame->chains.last);
    qr_put_data(packer, frame->chains.pins, QR_CHAINS_DATA_MAX);
    qr_put_rule(packer, frame->chains.pins.size % QR_PIN_SIZE == 0);
}
