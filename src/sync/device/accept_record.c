/*
 * A new roster record and what follows from it here.
 */
#include "sync/device/accept_record.h"
#include "sync/device/actions.h"
#include "sync/device/keys.h"
#include "sync/device/records.h"
#include <assert.h>

/* Does this revocation shut out something that is here? */
static bool shuts_out(const struct quire_device *device, const uint8_t *subject)
{
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        if (memcmp(chain->device, subject, QR_DEVICE_SIZE) == 0
            && !qr_roster_admits(
                &device->roster, subject, chain->replica, chain->head, chain->hash)) {
            return true;
        }
    }
    return false;
}

void device_accept_record(struct quire_device *device, uint32_t seq)
{
    struct qr_record record;
    if (qr_record_read(qr_roster_record(&device->roster, seq), &record) != QUIRE_OK) {
        assert(false); /* it was read when it joined the roster */
        return;
    }
    if (device->enrolment.role != ROLE_MEMBER) {
        return; /* kept and told as a whole once this device belongs */
    }
    const uint8_t *self = qr_vault_public(device->vault).device;
    device_write_record(device, seq);
    switch (record.kind) {
    case QR_RECORD_ADD: {
        uint8_t id[QR_DEVICE_SIZE];
        qr_device_id(id, record.add.sign_public, record.add.box_public);
        device_notice_device(device, QUIRE_NOTICE_DEVICE_ADDED, id);
        break;
    }
    case QR_RECORD_REVOKE:
        device->revoked |= memcmp(record.revoke.device, self, QR_DEVICE_SIZE) == 0;
        device->audit.must_conform |= shuts_out(device, record.revoke.device);
        device_notice_device(device, QUIRE_NOTICE_DEVICE_REVOKED, record.revoke.device);
        break;
    case QR_RECORD_EPOCH:
        device_forget_own_key(device, record.epoch.epoch, record.epoch.commitment);
        /* A revoked device gets no seal, and needs none. */
        if (!device->revoked && qr_roster_active(&device->roster, self)) {
            enum quire_status status = device_accept_keys(device);
            if (status == QUIRE_ENOMEM) {
                device_ok(device, status);
            } else if (status != QUIRE_OK) {
                device_alarm(device, QUIRE_ALARM_ROSTER);
            }
            device_write_vault(device);
        }
        break;
    default: break;
    }
}
