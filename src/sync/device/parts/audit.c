/*
 * The audit's state.
 */
#include "sync/device/parts/audit.h"
#include <assert.h>

uint32_t device_audit_delay_ms(struct device_audit *audit)
{
    uint64_t delay =
        audit->delay_ms < DEVICE_AUDIT_FIRST_MS ? DEVICE_AUDIT_FIRST_MS : audit->delay_ms;
    audit->delay_ms = 2 * delay < DEVICE_AUDIT_LAST_MS ? 2 * delay : DEVICE_AUDIT_LAST_MS;
    return (uint32_t)delay;
}

void device_audit_check(const struct device_audit *audit)
{
    assert(audit->server_roster.count <= QR_RECORDS_MAX);
    assert(audit->delay_ms <= DEVICE_AUDIT_LAST_MS);
}

void device_audit_finish(struct device_audit *audit)
{
    qr_roster_finish(&audit->server_roster);
}
