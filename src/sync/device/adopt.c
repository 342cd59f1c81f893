/*
 * What happens when the server's roster contradicts ours: because the server was restored from an old
 * backup, or because it lies. The device reads all of the server's roster, and adopts it: batches on
 * records that are not there leave, with their content sealed again elsewhere; revocations and
 * enrolments that the server lost are re-applied. Nothing is sealed before that. docs/decisions/0012
 * has the reasons.
 */
#include "sync/device/adopt.h"
#include "sync/device/accept_record.h"
#include "sync/device/actions.h"
#include "sync/device/connection.h"
#include "sync/device/keys.h"
#include "sync/device/lost_op.h"
#include "sync/device/rebase.h"
#include "sync/device/records.h"
#include <stdlib.h>

#define RETRY_ALARM_MS 60000
#define RETRY_AT_ONCE_MS 100

/* ---- adopting --------------------------------------------------------------------------------- */

static void adopt_server_roster(struct quire_device *device, uint32_t fork)
{
    const uint8_t *self = qr_vault_public(device->vault).device;
    device_note_lost_ops(device, fork);
    (void)device_drop(device, &device->audit.server_roster, fork);
    if (device->step.failure != QUIRE_OK) {
        return;
    }
    struct qr_roster old = device->roster;
    device_forget_epochs(device, old.entries[fork - 1].epoch);
    device->roster = device->audit.server_roster;
    device->audit.server_roster = (struct qr_roster){0};
    for (uint32_t seq = fork; seq < device->roster.count; seq++) {
        device_accept_record(device, seq);
    }
    for (uint32_t seq = device->roster.count; seq < old.count; seq++) {
        struct device_key key = device_key_number('r', NULL, 0, seq, 4);
        device_erase(device, device_key_bytes(&key));
    }
    qr_roster_finish(&old);
    device->audit.must_conform = false;
    device->revoked = !qr_roster_active(&device->roster, self);
    if (!device->revoked) {
        enum quire_status status = device_accept_keys(device);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
        }
    }
    device_write_vault(device);
    device_write_state(device);
}

void device_conform(struct quire_device *device)
{
    if (device->audit.must_conform && device->enrolment.role == ROLE_MEMBER
        && device->step.failure == QUIRE_OK) {
        device->audit.must_conform = false;
        if (device_drop(device, &device->roster, UINT32_MAX)) {
            device_close(device, RETRY_AT_ONCE_MS); /* what is here is another thing now */
        }
    }
}

/* ---- auditing --------------------------------------------------------------------------------- */

/* Not enrolled yet: nothing of ours is worth retaining. */
static void forget_roster(struct quire_device *device)
{
    device_forget_epochs(device, 0);
    qr_roster_finish(&device->roster);
}

static void audit_again(struct quire_device *device)
{
    uint32_t delay = device_audit_delay_ms(&device->audit);
    device->audit.auditing = device->enrolment.role == ROLE_MEMBER && !device->revoked;
    device_close(device, device->revoked ? RETRY_ALARM_MS : delay);
}

void device_contradicted(struct quire_device *device)
{
    device_alarm(device, QUIRE_ALARM_ROSTER);
    if (device->enrolment.role != ROLE_MEMBER) {
        forget_roster(device);
    }
    audit_again(device);
}

void device_offer_refused(struct quire_device *device)
{
    struct qr_record *record = malloc(sizeof *record);
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    /* Up to the first revocation that it lacks, it may have ours: it must know this device. */
    uint32_t seq = device->link.expected_roster;
    while (seq < device->roster.count
        && (qr_record_read(qr_roster_record(&device->roster, seq), record) != QUIRE_OK
            || record->kind != QR_RECORD_REVOKE)) {
        seq++;
    }
    free(record);
    device_alarm(device, QUIRE_ALARM_ROSTER);
    device->audit.offer_refused = true;
    device->audit.offer_end = seq;
    audit_again(device);
}

void device_audit_begin(struct quire_device *device, const struct qr_frame *welcome)
{
    qr_roster_finish(&device->audit.server_roster);
    device->link.expected_roster = welcome->welcome.roster_count;
    memcpy(device->audit.server_head, welcome->welcome.roster_head, QR_HASH_SIZE);
    device_link_set(&device->link, LINK_ROSTER);
    device_link_await(&device->link, device->step.now_ms);
    device_ok(device,
        qr_roster_append(&device->audit.server_roster, qr_roster_record(&device->roster, 0)));
}

/* Was this device revoked there by one that we know to be revoked? Then that does not count. */
static bool revoked_by_revoked(struct quire_device *device)
{
    const struct qr_roster_device *self =
        qr_roster_find(&device->audit.server_roster, qr_vault_public(device->vault).device);
    struct qr_record *record = malloc(sizeof *record);
    bool is = false;
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return true;
    }
    if (self != NULL && self->revoked_seq != 0
        && qr_record_read(qr_roster_record(&device->audit.server_roster, self->revoked_seq), record)
            == QUIRE_OK) {
        is = !qr_is_zero(record->signer, QR_DEVICE_SIZE)
            && device_knows_revoked(device, record->signer);
    }
    free(record);
    return is;
}

static void compare(struct quire_device *device)
{
    const struct qr_roster *ours = &device->roster, *theirs = &device->audit.server_roster;
    uint32_t fork = 0;
    while (fork < ours->count && fork < theirs->count
        && memcmp(ours->entries[fork].hash, theirs->entries[fork].hash, QR_HASH_SIZE) == 0) {
        fork++;
    }
    bool lacks = fork == theirs->count && fork < ours->count;
    device->audit.auditing = false;
    if (fork < ours->count && (!lacks || device->audit.offer_refused)) {
        if (revoked_by_revoked(device)) {
            audit_again(device);
            return;
        }
        adopt_server_roster(device, fork);
    }
    /* Otherwise one side only has more; the next login passes that on. */
    device->audit.offer_refused = false;
    device_close(device, RETRY_AT_ONCE_MS);
}

void device_audit_records(struct quire_device *device, const struct qr_frame *frame)
{
    struct qr_roster *theirs = &device->audit.server_roster;
    for (size_t i = 0; i < frame->roster_records.record_count; i++) {
        uint32_t seq = frame->roster_records.first_seq + (uint32_t)i;
        struct quire_bytes bytes = frame->roster_records.records[i];
        enum quire_status status = seq < theirs->count
            ? quire_bytes_equal(bytes, qr_roster_record(theirs, seq)) ? QUIRE_OK : QUIRE_ECONFLICT
            : seq > theirs->count ? QUIRE_ECONFLICT
                                  : qr_roster_append(theirs, bytes);
        if (status == QUIRE_ENOMEM) {
            device_ok(device, status);
            return;
        }
        if (status != QUIRE_OK) {
            device_contradicted(device);
            return;
        }
    }
    if (theirs->count < device->link.expected_roster) {
        return;
    }
    if (theirs->count > device->link.expected_roster
        || memcmp(qr_roster_head(theirs), device->audit.server_head, QR_HASH_SIZE) != 0) {
        audit_again(device); /* it grew meanwhile, or frames were lost */
        return;
    }
    compare(device);
}
