/*
 * What new accounts may take, by the address that made them: how many in an hour, and how many bytes
 * in their first day. A fixed table: where two addresses meet at one slot, the younger takes it,
 * which errs towards accepting. An account that was made before the hub began is never new.
 */
#ifndef QR_SYNC_HUB_BIRTH_H
#define QR_SYNC_HUB_BIRTH_H

#include "sync/hub/bucket.h"

#define HUB_BIRTH_SLOTS 4096
#define HUB_DAY_MS 86400000u

struct hub_birth {
    uint64_t address; /* 0: no limit counts it */
    uint64_t at_ms;
};

struct hub_births {
    struct hub_birth_slot {
        uint64_t address;
        struct hub_bucket accounts, bytes;
    } slots[HUB_BIRTH_SLOTS];
};

/** May this address make one more account? The milliseconds to wait, 0: it may, and it is counted. */
uint32_t hub_birth_admit(
    struct hub_births *births, uint64_t now_ms, uint64_t address, uint32_t per_hour);
/** May an account with this birth store `size` bytes more? The milliseconds to wait, 0: it may. */
uint32_t hub_birth_take(struct hub_births *births, uint64_t now_ms, const struct hub_birth *birth,
    uint64_t size, uint32_t mib_per_day);

#endif
