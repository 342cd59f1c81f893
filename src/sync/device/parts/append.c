/*
 * The append in hand and its state.
 */
#include "sync/device/parts/append.h"
#include <assert.h>

bool device_append_idle(const struct device_append *append)
{
    return append->kind == APPEND_NONE;
}

bool device_append_revokes(const struct device_append *append)
{
    return append->kind == APPEND_REVOKE || append->kind == APPEND_REVOKE_AGAIN;
}

bool device_append_repeats(const struct device_append *append)
{
    return append->kind == APPEND_ADD_AGAIN || append->kind == APPEND_REVOKE_AGAIN;
}

void device_append_begin(struct device_append *append, enum device_append_kind kind,
    const uint8_t device[QR_DEVICE_SIZE])
{
    assert(append->kind == APPEND_NONE && kind != APPEND_NONE);
    append->kind = kind;
    append->tries = 0;
    append->at_ms = 0;
    memmove(append->device, device, QR_DEVICE_SIZE);
}

void device_append_mark_sent(struct device_append *append)
{
    assert(append->kind != APPEND_NONE && !append->sent && append->roster.count > 0);
    append->sent = true;
}

uint32_t device_append_retry(struct device_append *append, uint64_t at_ms)
{
    assert(append->sent);
    uint32_t epoch = append->epoch;
    append->epoch = 0;
    append->sent = false;
    append->at_ms = at_ms;
    qr_roster_finish(&append->roster);
    return epoch;
}

enum device_append_kind device_append_end(struct device_append *append)
{
    enum device_append_kind kind = append->kind;
    append->kind = APPEND_NONE;
    append->sent = false;
    append->at_ms = 0;
    append->epoch = 0;
    qr_roster_finish(&append->roster);
    return kind;
}

void device_append_check(const struct device_append *append)
{
    assert(append->kind < APPEND_KIND_COUNT);
    assert(!append->sent || append->kind != APPEND_NONE);
    assert(append->sent == (append->roster.count > 0));
}
