/*
 * A token bucket.
 */
#include "sync/hub/bucket.h"

#define HOUR_MS 3600000

/* The level is in units × interval, so that nothing is lost to rounding however often one looks. */
uint32_t hub_bucket_take(struct hub_bucket *bucket, uint64_t now_ms, uint64_t amount, uint64_t rate,
    uint64_t interval_ms, uint64_t burst)
{
    uint64_t full = burst * interval_ms;
    uint64_t elapsed = now_ms - bucket->filled_ms;
    if (!bucket->filled || elapsed > HOUR_MS) {
        bucket->level = full;
    } else {
        uint64_t gained = elapsed * rate;
        bucket->level = gained > full - bucket->level ? full : bucket->level + gained;
    }
    bucket->filled = true;
    bucket->filled_ms = now_ms;
    uint64_t wanted = (amount < burst ? amount : burst) * interval_ms; /* what is larger goes, too */
    if (wanted <= bucket->level) {
        bucket->level -= wanted;
        return 0;
    }
    uint64_t wait_ms = rate == 0 ? HOUR_MS : (wanted - bucket->level) / rate + 1;
    return wait_ms > HOUR_MS ? HOUR_MS : (uint32_t)wait_ms;
}
