/*
 * A token bucket.
 */
#include "sync/hub/bucket.h"

#define HOUR_MS 3600000u

uint32_t hub_bucket_take(
    struct hub_bucket *bucket, uint64_t now_ms, uint64_t amount, struct hub_rate rate)
{
    uint64_t full = rate.burst * rate.interval_ms;
    uint64_t elapsed = now_ms - bucket->filled_ms;
    uint64_t longest = rate.rate == 0 ? 0 : full / rate.rate; /* to fill from nothing */
    if (!bucket->used || (rate.rate > 0 && elapsed > longest)) {
        bucket->level = full;
    } else {
        uint64_t gained = elapsed * rate.rate;
        bucket->level = gained > full - bucket->level ? full : bucket->level + gained;
    }
    bucket->used = true;
    bucket->filled_ms = now_ms;
    uint64_t wanted = (amount < rate.burst ? amount : rate.burst) * rate.interval_ms;
    if (wanted <= bucket->level) {
        bucket->level -= wanted;
        return 0;
    }
    uint64_t wait_ms = rate.rate == 0 ? HOUR_MS : (wanted - bucket->level) / rate.rate + 1;
    return wait_ms > HOUR_MS ? HOUR_MS : (uint32_t)wait_ms;
}

void hub_bucket_return(struct hub_bucket *bucket, uint64_t amount, struct hub_rate rate)
{
    uint64_t full = rate.burst * rate.interval_ms;
    uint64_t more = (amount < rate.burst ? amount : rate.burst) * rate.interval_ms;
    bucket->level = more > full - bucket->level ? full : bucket->level + more;
}
