/*
 * The budgets of new accounts.
 */
#include "sync/hub/birth.h"

#define HOUR_MS 3600000u

static struct hub_birth_slot *slot_of(struct hub_births *births, uint64_t address)
{
    /* The shell's addresses are the operator's network, or hashed by it; this only spreads them. */
    uint64_t number = (address ^ address >> 29) * 0x9e3779b97f4a7c15u >> 40;
    struct hub_birth_slot *slot = &births->slots[number % HUB_BIRTH_SLOTS];
    if (slot->address != address) {
        *slot = (struct hub_birth_slot){.address = address};
    }
    return slot;
}

uint32_t hub_birth_admit(
    struct hub_births *births, uint64_t now_ms, uint64_t address, uint32_t per_hour)
{
    if (address == 0 || per_hour == 0) {
        return 0;
    }
    return hub_bucket_take(&slot_of(births, address)->accounts, now_ms, 1,
        (struct hub_rate){per_hour, HOUR_MS, per_hour});
}

uint32_t hub_birth_take(struct hub_births *births, uint64_t now_ms, const struct hub_birth *birth,
    uint64_t size, uint32_t mib_per_day)
{
    if (birth->address == 0 || mib_per_day == 0 || now_ms - birth->at_ms > HUB_DAY_MS) {
        return 0;
    }
    /* In KiB, so that amount × interval stays far below 2^64. */
    uint64_t kib = (uint64_t)mib_per_day * 1024;
    return hub_bucket_take(&slot_of(births, birth->address)->bytes, now_ms, size / 1024 + 1,
        (struct hub_rate){kib, HUB_DAY_MS, kib});
}
