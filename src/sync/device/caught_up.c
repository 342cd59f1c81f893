/*
 * CAUGHT_UP names the server's heads: what they say about what it lost, about forks, and about what is
 * still to come.
 */
#include "sync/device/caught_up.h"
#include "base/reader.h"
#include "sync/device/actions.h"
#include "sync/device/chains.h"
#include "sync/device/connection.h"
#include "sync/device/receipt.h"
#include "sync/device/records.h"
#include "sync/device/upload.h"
#include "sync/device/withheld.h"

/* What cannot be read here is no fork: the step fails. */
static bool is_fork(struct quire_device *device, const struct device_chain *chain,
    const struct qr_frame_position *position)
{
    uint8_t hash[QR_HASH_SIZE];
    return device_ok(device, device_chain_hash(device, chain, position->seq, hash))
        && memcmp(hash, position->hash_prefix, QR_HASH_PREFIX_SIZE) != 0;
}

static const struct qr_frame_position *find_position(
    const struct qr_frame *frame, const uint8_t *replica)
{
    for (size_t i = 0; i < frame->caught_up.position_count; i++) {
        if (memcmp(frame->caught_up.positions[i].replica, replica, QR_REPLICA_SIZE) == 0) {
            return &frame->caught_up.positions[i];
        }
    }
    return NULL;
}

/* What the server says it has of a chain is what it is known to have had, or more; less means that it
 * lost something, which WANT has asked for. */
static void compare_heads(struct quire_device *device, const struct qr_frame *frame)
{
    bool behind = false;
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        if (chain->head == 0) {
            continue;
        }
        const struct qr_frame_position *position = find_position(frame, chain->replica);
        uint64_t seq = position == NULL ? 0 : position->seq;
        /* One that has another branch has not lost this one: that is a fork, and said as such. */
        if (seq < chain->acked && (seq == 0 || !is_fork(device, chain, position))) {
            behind = true;
        }
        if (seq != chain->acked && seq <= chain->head) {
            chain->acked = seq;
            chain->acked_wall_ms = (uint64_t)device->step.wall_ms;
            if (memcmp(chain->replica, device->replica.id, QR_REPLICA_SIZE) == 0) {
                device_note_ack(device, seq);
            }
            device_write_chain(device, chain);
        }
    }
    if (behind && !QR_FAILPOINT_ON(NO_SERVER_MEMORY)) {
        device_alarm(device, QUIRE_ALARM_SERVER_BEHIND);
    }
}

/* A device that was just paired knows what the old one had: the server must have shown as much. */
static void compare_paired(struct quire_device *device)
{
    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&device->enrolment.heads));
    bool withheld = false;
    while (qr_reader_left(&reader) >= QR_REPLICA_SIZE + 8) {
        struct quire_bytes replica = qr_read_bytes(&reader, QR_REPLICA_SIZE);
        uint64_t seq = qr_read_u64(&reader);
        const struct device_chain *chain = device_chain_find(device, replica.data);
        withheld |= chain == NULL || chain->head < seq;
    }
    if (withheld && !QR_FAILPOINT_ON(NO_PAIRED_HEADS)) {
        device_alarm(device, QUIRE_ALARM_WITHHELD);
    }
    quire_buffer_clear(&device->enrolment.heads);
}

void device_on_caught_up(struct quire_device *device, const struct qr_frame *frame)
{
    bool agree = true;
    compare_heads(device, frame);
    for (size_t i = 0; i < frame->caught_up.position_count; i++) {
        const struct qr_frame_position *position = &frame->caught_up.positions[i];
        const struct device_chain *chain = device_chain_find(device, position->replica);
        if (chain == NULL || chain->head < position->seq) {
            /* What a revoked device wrote too late is not lacking: asking again brings it again. */
            agree &= device_receive_is_shut_out(&device->receive, position->replica);
        } else if (is_fork(device, chain, position)) {
            device_alarm(device, QUIRE_ALARM_FORK);
        }
    }
    if (!agree && !QR_FAILPOINT_ON(NO_AGREEMENT)) {
        device_resubscribe_later(device);
        return;
    }
    compare_paired(device);
    device->link.caught_up = true;
    device->receipt.caught_up_wall_ms = device->step.wall_ms;
    device->link.resub_delay_ms = DEVICE_RESUB_FIRST_MS;
    device_write_state(device);
    device_receipt_caught_up(device);
    device_notice(device, QUIRE_NOTICE_CAUGHT_UP, 0);
    device_tell_uploaded(device);
}
