/*
 * Read receipts. A device that only reads publishes its version vector once a day, in a batch of nothing
 * but dependencies: other devices see if the server withholds their writes from it. The vector must be
 * current, so it is sealed upon CAUGHT_UP, and a connection that has lasted a day asks for one.
 */
#include "sync/device/receipt.h"
#include "sync/device/records.h"
#include "sync/device/seal.h"

void device_receipt_came(struct quire_device *device, const struct qr_batch *batch)
{
    bool edits = batch->change_count > 0 && batch->changes[0].kind != QR_CHANGE_HEADS;
    if (!edits || device->receipt.news_wall_ms != 0 || device->step.wall_ms <= 0) {
        return; /* two devices that only read would answer each other for ever */
    }
    device->receipt.news_wall_ms = device->step.wall_ms;
    device_write_state(device);
}

/* How much longer what came can wait, by a clock that may have been put right meanwhile. */
static uint64_t remaining_ms(const struct quire_device *device)
{
    uint64_t came = (uint64_t)device->receipt.news_wall_ms, wall = (uint64_t)device->step.wall_ms;
    uint64_t since = wall > came ? wall - came : came - wall;
    return since < DEVICE_RECEIPT_MS ? DEVICE_RECEIPT_MS - since : 0;
}

/* Edits of ours would say it anyway, and soon. */
static bool wants_to_say(const struct quire_device *device)
{
    return device->receipt.news_wall_ms > 0 && device->step.wall_ms > 0
        && device->pending.count == 0 && device->rebased.count == 0 && device_may_seal(device);
}

uint64_t device_receipt_due_ms(const struct quire_device *device)
{
    if (device->link.state != LINK_READY || !device->link.caught_up || !wants_to_say(device)) {
        return UINT64_MAX;
    }
    uint64_t remaining = remaining_ms(device);
    return remaining == 0                     ? device->step.now_ms
        : remaining < DEVICE_RECEIPT_AGAIN_MS ? device->step.now_ms + DEVICE_RECEIPT_AGAIN_MS
                                              : device->step.now_ms + remaining;
}

void device_receipt_caught_up(struct quire_device *device)
{
    if (wants_to_say(device) && remaining_ms(device) == 0) {
        device_seal_heads(device);
    }
}
