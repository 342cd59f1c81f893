/*
 * Batches in flight.
 */
#include "sync/device/parts/upload.h"
#include <assert.h>
#include <string.h>

#define MILLI 1000
#define RATE_MOST (1000u * 1000 * MILLI) /* batches per 1,000 s: no pace at all */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

bool device_upload_has_room(const struct device_upload *upload)
{
    size_t window = upload->window < DEVICE_WINDOW_FIRST ? DEVICE_WINDOW_FIRST : upload->window;
    bool fits = upload->inflight_count == 0 || upload->inflight_size < window;
    return fits && upload->inflight_count < DEVICE_INFLIGHT_COUNT
        && upload->inflight_size < QR_UNACKED_MAX - QR_BATCH_MAX
        && (!upload->pace.on || upload->pace.allowance >= MILLI);
}

static uint64_t allowance_at(const struct device_pace *pace, uint64_t now_ms)
{
    uint64_t since = now_ms > pace->counted_ms ? now_ms - pace->counted_ms : 0;
    since = least(since, 3600 * MILLI); /* no overflow, and more than enough */
    return least(pace->allowance + since * pace->rate / MILLI, DEVICE_PACE_MOST * MILLI);
}

bool device_upload_begin_push(struct device_upload *upload, uint64_t now_ms)
{
    struct device_pace *pace = &upload->pace;
    if (pace->on) {
        if (device_upload_pace_ms(upload, now_ms) > now_ms) {
            return false;
        }
        pace->allowance = allowance_at(pace, now_ms);
        pace->counted_ms = now_ms;
    }
    upload->push_number++;
    return true;
}

uint64_t device_upload_pace_ms(const struct device_upload *upload, uint64_t now_ms)
{
    const struct device_pace *pace = &upload->pace;
    if (!pace->on) {
        return 0;
    }
    uint64_t from = now_ms > pace->not_before_ms ? now_ms : pace->not_before_ms;
    uint64_t there = allowance_at(pace, from), wanted = DEVICE_PACE_LEAST * MILLI;
    return there >= wanted ? pace->not_before_ms : from + (wanted - there) * MILLI / pace->rate + 1;
}

void device_upload_acked(struct device_upload *upload)
{
    struct device_pace *pace = &upload->pace;
    size_t window = upload->window < DEVICE_WINDOW_FIRST ? DEVICE_WINDOW_FIRST : upload->window;
    upload->window = (size_t)least(2 * window, DEVICE_WINDOW_MOST);
    if (pace->on) {
        pace->rate += pace->rate / 64 + 1;
        pace->on = pace->rate < RATE_MOST;
    }
}

void device_upload_rated(struct device_upload *upload, const uint8_t *replica, uint64_t seq,
    uint64_t now_ms, uint64_t retry_ms)
{
    struct device_pace *pace = &upload->pace;
    size_t first = device_upload_find(upload, replica, seq), waiting = 0;
    for (size_t i = first; i < upload->inflight_count; i++) {
        waiting += upload->inflight[i].push == upload->inflight[first].push;
    }
    if (waiting == 0 || (pace->on && now_ms < pace->not_before_ms)) {
        return; /* of a PUSH that was on its way when the first RATE came */
    }
    uint64_t rate = waiting * MILLI * MILLI / (retry_ms > 0 ? retry_ms : 1);
    *pace = (struct device_pace){.on = true,
        .not_before_ms = now_ms + retry_ms,
        .counted_ms = now_ms + retry_ms,
        .allowance = least(waiting, DEVICE_PACE_MOST) * MILLI,
        .rate = rate > 0 ? rate : 1};
    upload->window = DEVICE_WINDOW_FIRST;
}

void device_upload_sent(
    struct device_upload *upload, const uint8_t *replica, uint64_t seq, size_t size)
{
    assert(upload->inflight_count < DEVICE_INFLIGHT_COUNT);
    struct device_inflight *item = &upload->inflight[upload->inflight_count++];
    memcpy(item->replica, replica, QR_REPLICA_SIZE);
    item->seq = seq;
    item->size = size;
    item->push = upload->push_number;
    upload->inflight_size += size;
    if (upload->pace.on) {
        assert(upload->pace.allowance >= MILLI);
        upload->pace.allowance -= MILLI;
    }
}

void device_upload_drop(
    struct device_upload *upload, const uint8_t *replica, uint64_t from, uint64_t to)
{
    size_t kept = 0;
    for (size_t i = 0; i < upload->inflight_count; i++) {
        struct device_inflight item = upload->inflight[i];
        if (memcmp(item.replica, replica, QR_REPLICA_SIZE) == 0 && item.seq >= from
            && item.seq <= to) {
            upload->inflight_size -= item.size;
        } else {
            upload->inflight[kept++] = item;
        }
    }
    upload->inflight_count = kept;
}

size_t device_upload_find(const struct device_upload *upload, const uint8_t *replica, uint64_t seq)
{
    size_t first = 0;
    while (first < upload->inflight_count
        && (upload->inflight[first].seq != seq
            || memcmp(upload->inflight[first].replica, replica, QR_REPLICA_SIZE) != 0)) {
        first++;
    }
    return first;
}

bool device_upload_pop(struct device_upload *upload, struct device_inflight *out_item)
{
    if (upload->inflight_count == 0) {
        return false;
    }
    *out_item = upload->inflight[--upload->inflight_count];
    upload->inflight_size -= out_item->size;
    return true;
}

void device_upload_clear(struct device_upload *upload)
{
    upload->inflight_count = 0;
    upload->inflight_size = 0;
}

void device_upload_reset(struct device_upload *upload)
{
    device_upload_clear(upload);
    upload->window = DEVICE_WINDOW_FIRST;
    upload->pace.on = false;
}

void device_upload_check(const struct device_upload *upload)
{
    assert(upload->inflight_count <= DEVICE_INFLIGHT_COUNT);
    assert(upload->inflight_size <= QR_UNACKED_MAX);
    size_t size = 0;
    for (size_t i = 0; i < upload->inflight_count; i++) {
        size += upload->inflight[i].size;
    }
    assert(size == upload->inflight_size);
    assert(upload->pace.allowance <= DEVICE_PACE_MOST * MILLI);
}
