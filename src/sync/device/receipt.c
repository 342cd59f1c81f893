/*
 * A device that only reads says once a day what it has, in a batch of nothing but deps. A server that
 * keeps somebody's writes from it is given away by that, as it would be by an edit. What is said must
 * be of just now, so it is said upon CAUGHT_UP, and a connection that has lasted asks for one.
 */
#include "sync/device/state.h"

void device_heads_came(struct quire_device *device, const struct qr_batch *batch)
{
    bool edits = batch->change_count > 0 && batch->changes[0].kind != QR_CHANGE_HEADS;
    if (!edits || device->news_wall_ms != 0 || device->wall_ms <= 0) {
        return; /* two who only read would else answer each other for ever */
    }
    device->news_wall_ms = device->wall_ms;
    device_put_state(device);
}

/* How much longer what came can wait, by a clock that may have been put right meanwhile. */
static uint64_t remaining_ms(const struct quire_device *device)
{
    uint64_t came = (uint64_t)device->news_wall_ms, wall = (uint64_t)device->wall_ms;
    uint64_t since = wall > came ? wall - came : came - wall;
    return since < DEVICE_HEADS_MS ? DEVICE_HEADS_MS - since : 0;
}

/* Edits of ours would say it anyway, and soon. */
static bool wants_to_say(const struct quire_device *device)
{
    return device->news_wall_ms > 0 && device->wall_ms > 0 && device->pending_count == 0 &&
        device->carried_count == 0 && device_may_seal(device);
}

uint64_t device_heads_due_ms(const struct quire_device *device)
{
    if (device->link != LINK_READY || !device->caught_up || !wants_to_say(device)) {
        return UINT64_MAX;
    }
    uint64_t remaining = remaining_ms(device);
    return remaining == 0                       ? device->now_ms
        : remaining < DEVICE_HEADS_AGAIN_MS ? device->now_ms + DEVICE_HEADS_AGAIN_MS
                                                : device->now_ms + remaining;
}

void device_heads_caught_up(struct quire_device *device)
{
    if (wants_to_say(device) && remaining_ms(device) == 0) {
        device_seal_heads(device);
    }
}
