/*
 * The connection's state and its clocks.
 */
#include "sync/device/parts/link.h"
#include <assert.h>

/* Which state may follow which. */
static const bool may_follow[LINK_STATE_COUNT][LINK_STATE_COUNT] = {
    [LINK_NONE] = {[LINK_PAIRING] = true, [LINK_HELLO] = true},
    [LINK_PAIRING] = {[LINK_NONE] = true, [LINK_HELLO] = true},
    [LINK_HELLO] = {[LINK_NONE] = true, [LINK_AUTH] = true},
    [LINK_AUTH] = {[LINK_NONE] = true, [LINK_ROSTER] = true, [LINK_READY] = true},
    [LINK_ROSTER] = {[LINK_NONE] = true, [LINK_ROSTER] = true, [LINK_READY] = true},
    [LINK_READY] = {[LINK_NONE] = true, [LINK_READY] = true},
};

void device_link_set(struct device_link *link, enum device_link_state state)
{
    assert(may_follow[link->state][state]);
    link->state = state;
}

void device_link_await(struct device_link *link, uint64_t now_ms)
{
    link->deadline_ms = now_ms + DEVICE_ANSWER_MS;
}

void device_link_resubscribe_later(struct device_link *link, uint64_t now_ms)
{
    if (link->state == LINK_READY && link->resub_at_ms == 0) {
        uint64_t delay = link->resub_delay_ms;
        link->resub_at_ms = now_ms + delay;
        link->resub_delay_ms = delay * 2 > DEVICE_RESUB_LAST_MS ? DEVICE_RESUB_LAST_MS : delay * 2;
    }
}

/* Silence of either side counts: the server gives up a device that only listens. */
uint64_t device_link_ping_ms(const struct device_link *link)
{
    if (link->pinged) {
        return link->heard_ms + QR_SILENCE_CLIENT_MS;
    }
    return (link->heard_ms < link->said_ms ? link->heard_ms : link->said_ms) + QR_PING_IDLE_MS;
}

uint64_t device_link_due_ms(const struct device_link *link)
{
    if (link->state == LINK_NONE) {
        return UINT64_MAX;
    }
    uint64_t due = device_link_ping_ms(link);
    if (link->deadline_ms > 0 && link->deadline_ms < due) {
        due = link->deadline_ms;
    }
    if (link->resub_at_ms > 0 && link->resub_at_ms < due) {
        due = link->resub_at_ms;
    }
    return due;
}

void device_link_check(const struct device_link *link)
{
    bool none = link->state == LINK_NONE;
    bool shakes = link->state == LINK_PAIRING || link->state == LINK_HELLO;
    assert(link->state < LINK_STATE_COUNT);
    assert(!none || link->deadline_ms == 0);
    assert(!none || link->resub_at_ms == 0);
    assert(!none || link->presence == 0);
    assert(!link->caught_up || link->state == LINK_READY);
    assert(!shakes || link->deadline_ms > 0);
}

void device_link_finish(struct device_link *link)
{
    quire_buffer_finish(&link->host);
    quire_buffer_finish(&link->hello);
}
