/*
 * ROSTER_RECORDS: records that extend our roster are accepted; one that contradicts it starts an audit.
 */
#include "sync/device/roster.h"
#include "sync/device/accept_record.h"
#include "sync/device/actions.h"
#include "sync/device/adopt.h"
#include "sync/device/connection.h"
#include "sync/device/keys.h"
#include "sync/device/records.h"

#define RETRY_ALARM_MS 60000

/* The first record makes the account: it must be the one that the code or the kit led to. */
static bool is_our_genesis(const struct quire_device *device, struct quire_bytes bytes)
{
    struct qr_record record;
    uint8_t user[QR_USER_SIZE];
    if (qr_record_read(bytes, &record) != QUIRE_OK) {
        return false;
    }
    qr_record_user(record.signed_bytes, user);
    return memcmp(user, device->user, QR_USER_SIZE) == 0;
}

void device_on_roster_records(struct quire_device *device, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->roster_records.record_count; i++) {
        uint32_t seq = frame->roster_records.first_seq + (uint32_t)i;
        struct quire_bytes bytes = frame->roster_records.records[i];
        if (seq < device->roster.count) {
            if (!quire_bytes_equal(bytes, qr_roster_record(&device->roster, seq))) {
                device_contradicted(device);
                return;
            }
            continue;
        }
        bool fits = seq == device->roster.count && (seq > 0 || is_our_genesis(device, bytes));
        enum quire_status status =
            fits ? qr_roster_append(&device->roster, bytes) : QUIRE_ECONFLICT;
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
            return;
        }
        if (status != QUIRE_OK) {
            device_contradicted(device);
            return;
        }
        device_accept_record(device, seq);
    }
    device_conform(device);
}

void device_joined(struct quire_device *device)
{
    const struct qr_roster *roster = &device->roster;
    bool holds = roster->count >= device->enrolment.roster_count
        && device->enrolment.roster_count > 0
        && memcmp(roster->entries[device->enrolment.roster_count - 1].hash,
               device->enrolment.roster_head, QR_HASH_SIZE)
            == 0
        && qr_roster_active(roster, qr_vault_public(device->vault).device);
    enum quire_status status = holds ? device_accept_keys(device) : QUIRE_ECRYPTO;
    if (status != QUIRE_OK) {
        device_notice(device, QUIRE_NOTICE_PAIR_FAILED, status);
        device_close(device, RETRY_ALARM_MS);
        return;
    }
    device->enrolment.role = ROLE_MEMBER;
    qr_pair_destroy(device->pairing.secret); /* a secret is for one pairing */
    device->pairing.secret = NULL;
    device_write_all(device);
    device_notice(device, QUIRE_NOTICE_JOINED, 0);
}
