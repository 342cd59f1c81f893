/*
 * A token bucket: a rate with a burst.
 */
#ifndef QR_SYNC_HUB_BUCKET_H
#define QR_SYNC_HUB_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/** Starts full; zero-initialise before use. */
struct hub_bucket {
    uint64_t level; /* amount × interval_ms, so that nothing is lost to rounding */
    uint64_t filled_ms;
    bool used; /* false: never taken from, so it is full */
};

/** What a bucket gains in an interval, and the most that it holds. */
struct hub_rate {
    uint64_t rate;
    uint64_t interval_ms;
    uint64_t burst;
};

/** Takes `amount` (what is above the burst counts as the burst); the milliseconds to wait if the
 * bucket does not hold that much, at most an hour, else 0. */
uint32_t hub_bucket_take(
    struct hub_bucket *bucket, uint64_t now_ms, uint64_t amount, struct hub_rate rate);
/** Puts back what was taken in vain. */
void hub_bucket_return(struct hub_bucket *bucket, uint64_t amount, struct hub_rate rate);

#endif
