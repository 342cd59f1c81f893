/*
 * A token bucket: a rate with a burst.
 */
#ifndef QR_SYNC_HUB_BUCKET_H
#define QR_SYNC_HUB_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/** A limit of so many in an interval, with a burst. */
struct hub_bucket {
    uint64_t level;
    uint64_t filled_ms;
    bool filled; /* once; before, it is full */
};

/** Takes `amount` (what is above the burst counts as the burst) from a bucket that gains `rate` in
 * an interval; the milliseconds to wait if it does not hold that much, else 0. */
uint32_t hub_bucket_take(struct hub_bucket *bucket, uint64_t now_ms, uint64_t amount, uint64_t rate,
    uint64_t interval_ms, uint64_t burst);

#endif
