/*
 * The step that runs: its clocks, its randomness and whether it has failed.
 */
#ifndef QR_SYNC_DEVICE_PARTS_STEP_H
#define QR_SYNC_DEVICE_PARTS_STEP_H

#include "crypto/hash.h"
#include <quire/status.h>

struct device_step {
    uint64_t now_ms; /* of the caller's monotonic clock */
    int64_t wall_ms;
    uint8_t entropy[QR_ENTROPY_SIZE]; /* wiped at the end of the step */
    uint64_t entropy_count;           /* how often it was expanded */
    enum quire_status failure;        /* the first one; QUIRE_OK while the step goes well */
};

#endif
