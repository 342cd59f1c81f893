/*
 * A device's step, its time and its state.
 */
#include "sync/device/actions.h"
#include "sync/device/connect.h"
#include "sync/device/connection.h"
#include "sync/device/entries.h"
#include "sync/device/merge.h"
#include "sync/device/pairing.h"
#include "sync/device/records.h"
#include "sync/device/roster_append.h"
#include "sync/device/seal.h"
#include "sync/device/search.h"
#include "sync/device/upload.h"

static void give_credit(struct quire_device *device)
{
    bool due = device->receive.consumed > 0
        && device->receive.consumed >= device->receive.credit / DEVICE_CREDIT_STEPS;
    if (device->link.state == LINK_READY && due && !QR_FAILPOINT_ON(CREDIT_ONCE)) {
        struct qr_frame frame = {.type = QR_FRAME_CREDIT};
        frame.credit.bytes = device->receive.consumed;
        device->receive.consumed = 0;
        device_send(device, &frame);
    }
}

static void take_event(struct quire_device *device, const struct quire_event *event)
{
    switch (event->kind) {
    case QUIRE_EVENT_TICK: break;
    case QUIRE_EVENT_CONNECTED: device_connected(device, event->bytes); break;
    case QUIRE_EVENT_DISCONNECTED: device_disconnected(device); break;
    case QUIRE_EVENT_FRAME: device_frame(device, event->bytes); break;
    case QUIRE_EVENT_PERSISTED:
        device_chains_persisted(&device->chains, event->token);
        give_credit(device);
        break;
    case QUIRE_EVENT_SAVE:
        if (device->enrolment.role == ROLE_MEMBER) {
            device_save(device, event->entry);
        }
        break;
    case QUIRE_EVENT_INDEX: device_index(device); break;
    case QUIRE_EVENT_FLUSH: device->pending.flush = true; break;
    case QUIRE_EVENT_PAIR_OPEN: device_pair_open(device); break;
    case QUIRE_EVENT_PAIR_CLOSE: device_pair_close(device); break;
    case QUIRE_EVENT_REVOKE: device_revoke(device, event->device); break;
    }
}

enum quire_status quire_device_step(
    struct quire_device *device, const struct quire_event *event, struct quire_actions *out_actions)
{
    device_output_clear(&device->out);
    device->step.failure = QUIRE_OK;
    device->step.now_ms = event->now_ms;
    device->step.wall_ms = event->wall_ms;
    memcpy(device->step.entropy, event->entropy, sizeof device->step.entropy);
    device->step.entropy_count = 0;
    if (device->pending.count > 0 && device->pending.first_ms == 0) {
        device->pending.first_ms = device->pending.last_ms =
            device->step.now_ms; /* found at open */
    }

    device_unread_read(device);
    if (device->step.failure == QUIRE_OK) {
        take_event(device, event);
    }
    if (device->step.failure == QUIRE_OK) {
        device_connection_tick(device);
        device_seal(device);
        device_append_try(device);
        device_upload_more(device);
        device_entries_trim(device);
        if (device->replica.moved) {
            device->replica.moved = false;
            device_emit_replica(device);
        }
        if (device->out.write_count == 0) {
            give_credit(device); /* no PERSISTED will follow to give it */
        }
    }
    qr_wipe(device->step.entropy, sizeof device->step.entropy);
    if (device->step.failure == QUIRE_ESTATE) {
        *out_actions = (struct quire_actions){0};
        return device->step.failure;
    }
    if (device->step.failure != QUIRE_OK) {
        return device->step.failure;
    }
    enum quire_status status = device_end_step(device, out_actions);
    if (status == QUIRE_OK) {
        device_check(device);
    }
    return status;
}

uint64_t quire_device_wake_ms(const struct quire_device *device)
{
    uint64_t due[] = {device_connection_due_ms(device), device_seal_due_ms(device),
        device_upload_due_ms(device), device_append_due_ms(device)};
    uint64_t first = device_unread_due(&device->unread) ? device->step.now_ms : UINT64_MAX;
    for (size_t i = 0; i < sizeof due / sizeof *due; i++) {
        first = due[i] < first ? due[i] : first;
    }
    return first;
}
