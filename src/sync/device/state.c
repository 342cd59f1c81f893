/*
 * What every flow uses, and the invariants between the parts.
 */
#include "sync/device/state.h"
#include <assert.h>

bool device_ok(struct quire_device *device, enum quire_status status)
{
    if (status != QUIRE_OK && device->step.failure == QUIRE_OK) {
        device->step.failure = status;
    }
    return status == QUIRE_OK;
}

void device_random(struct quire_device *device, uint8_t out[QR_ENTROPY_SIZE])
{
    qr_entropy_expand(out, device->step.entropy, device->step.entropy_count++);
}

const uint8_t *device_self(const struct quire_device *device)
{
    return qr_vault_public(device->vault).device;
}

struct device_chain *device_chain_find(const struct quire_device *device, const uint8_t *replica)
{
    return device_chains_find(&device->chains, replica);
}

bool device_chain_is_ours(const struct quire_device *device, const struct device_chain *chain)
{
    return memcmp(chain->replica, device->replica.id, QR_REPLICA_SIZE) == 0;
}

#ifndef QR_FAILPOINTS_BUILT
/* ---- invariants ------------------------------------------------------------------------------- */

static void check_roles(const struct quire_device *device)
{
    enum device_role role = device->enrolment.role;
    assert(role != ROLE_MEMBER || device->roster.count > 0);
    assert((device->enrolment.kit != NULL) == (role == ROLE_RECOVERING));
    assert(!device->enrolment.rejoining || role == ROLE_MEMBER);
    assert(!device->audit.auditing || role == ROLE_MEMBER);
    assert(role == ROLE_MEMBER || device->chains.count == 0);
    assert(device->append.kind != APPEND_RECOVER || role == ROLE_RECOVERING);
    assert(device->link.state != LINK_READY || role == ROLE_MEMBER);
}

static void check_connection(const struct quire_device *device)
{
    bool connected = device->link.state != LINK_NONE;
    assert(connected || device->upload.inflight_count == 0);
    assert(connected || !device->upload.got_want);
    assert(connected || device->receive.consumed == 0);
    assert(connected || !device->append.sent);
    assert(!device->pairing.open || device->link.state == LINK_READY);
    assert(!device->pairing.open || device->pairing.secret != NULL);
    assert(device->pairing.until_ms == 0 || device->pairing.open);
    assert(device->link.state != LINK_PAIRING || device->pairing.secret != NULL);
}

#ifdef QR_CHECK_FULL
static void check_fully(const struct quire_device *device)
{
    device_chains_check_all(&device->chains);
    device_pending_check_all(&device->pending);
    if (device->enrolment.role == ROLE_MEMBER) {
        assert(device->revoked == !qr_roster_active(&device->roster, device_self(device)));
    }
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        assert(chain->own == (memcmp(chain->device, device_self(device), QR_DEVICE_SIZE) == 0));
        assert(qr_roster_find(&device->roster, chain->device) != NULL);
    }
}
#endif

void device_check(const struct quire_device *device)
{
    device_output_check(&device->out);
    device_link_check(&device->link);
    device_receive_check(&device->receive);
    device_upload_check(&device->upload);
    device_chains_check(&device->chains);
    device_unread_check(&device->unread);
    device_cache_check(&device->cache);
    device_pending_check(&device->pending);
    device_rebased_check(&device->rebased);
    device_audit_check(&device->audit);
    device_lost_ops_check(&device->lost_ops);
    device_append_check(&device->append);
    device_recovery_check(&device->recovery);
    check_roles(device);
    check_connection(device);
#ifdef QR_CHECK_FULL
    check_fully(device);
#endif
}
#else
void device_check(const struct quire_device *device)
{
    (void)device;
}
#endif
