/*
 * Roster operations that the server lost: what our roster says and the server's does not.
 */
#include "sync/device/lost_op.h"
#include "sync/device/actions.h"
#include "sync/device/records.h"
#include "sync/device/roster_sign.h"
#include <stdlib.h>

/* NULL: out of memory (the step failed), or DEVICE_LOST_OPS_MAX are there. */
static struct device_lost_op *get_lost_op(struct quire_device *device, const uint8_t *who)
{
    struct device_lost_op *op = NULL;
    if (device_lost_ops_get(&device->lost_ops, who, &op) == QUIRE_ENOMEM) {
        device_ok(device, QUIRE_ENOMEM);
    }
    return op;
}

bool device_knows_revoked(struct quire_device *device, const uint8_t *who)
{
    const struct qr_roster_device *found = qr_roster_find(&device->roster, who);
    const struct device_lost_op *op = device_lost_ops_find(&device->lost_ops, who);
    return (found != NULL && found->revoked_seq != 0) || (op != NULL && op->revoke);
}

static void note_revoked(struct quire_device *device, const uint8_t *who)
{
    if (qr_roster_active(&device->audit.server_roster, who)
        && memcmp(who, qr_vault_public(device->vault).device, QR_DEVICE_SIZE) != 0) {
        struct device_lost_op *op = get_lost_op(device, who);
        if (op != NULL) {
            op->revoke = true;
            device_write_lost_op(device, op);
        }
    }
}

/* The device that enrolled it must not be revoked in the server's roster. */
static bool vouched_for(struct quire_device *device, const uint8_t *signer)
{
    const struct device_lost_op *op = device_lost_ops_find(&device->lost_ops, signer);
    return qr_is_zero(signer, QR_DEVICE_SIZE)
        || (op != NULL ? !op->revoke : qr_roster_active(&device->audit.server_roster, signer));
}

static void note_added(struct quire_device *device, const struct qr_record *record)
{
    uint8_t who[QR_DEVICE_SIZE];
    struct quire_buffer name = {0};
    qr_device_id(who, record->add.sign_public, record->add.box_public);
    if (qr_roster_find(&device->audit.server_roster, who) != NULL
        || !qr_roster_active(&device->roster, who) || device_knows_revoked(device, who)
        || !vouched_for(device, record->signer)) {
        return;
    }
    struct device_lost_op *op = get_lost_op(device, who);
    enum quire_status status =
        qr_vault_open_name(device->vault, record->add.epoch, who, record->add.name, &name);
    if (op != NULL && status == QUIRE_OK && name.size <= QUIRE_NAME_MAX) {
        memcpy(op->sign_public, record->add.sign_public, QR_KEY_SIZE);
        memcpy(op->box_public, record->add.box_public, QR_KEY_SIZE);
        memcpy(op->name, name.data, name.size);
        op->name_size = (uint8_t)name.size;
        device_write_lost_op(device, op);
    } else if (op != NULL) {
        device_erase_lost_op(
            device, op); /* its name does not open: a user could not tell which device that is */
    }
    quire_buffer_finish(&name);
}

/* A device that our roster revokes may have enrolled others in the server's: they are revoked, too. */
void device_note_lost_ops(struct quire_device *device, uint32_t fork)
{
    struct qr_record *record = malloc(sizeof *record);
    if (record == NULL) {
        device_ok(device, QUIRE_ENOMEM);
        return;
    }
    const struct qr_roster *ours = &device->roster, *theirs = &device->audit.server_roster;
    for (uint32_t seq = fork; seq < ours->count; seq++) {
        if (qr_record_read(qr_roster_record(ours, seq), record) == QUIRE_OK
            && record->kind == QR_RECORD_REVOKE) {
            note_revoked(device, record->revoke.device);
        }
    }
    for (uint32_t seq = fork; seq < theirs->count; seq++) {
        if (qr_record_read(qr_roster_record(theirs, seq), record) == QUIRE_OK
            && record->kind == QR_RECORD_ADD && !qr_is_zero(record->signer, QR_DEVICE_SIZE)
            && device_knows_revoked(device, record->signer)) {
            uint8_t who[QR_DEVICE_SIZE];
            qr_device_id(who, record->add.sign_public, record->add.box_public);
            note_revoked(device, who);
        }
    }
    for (uint32_t seq = fork; seq < ours->count; seq++) {
        if (qr_record_read(qr_roster_record(ours, seq), record) == QUIRE_OK
            && record->kind == QR_RECORD_ADD) {
            note_added(device, record);
        }
    }
    free(record);
}

/* ---- re-applying     -------------------------------------------------------------------------- */

void device_lost_op_next(struct quire_device *device)
{
    if (device->append.kind != APPEND_NONE || device->link.state != LINK_READY
        || !device->link.caught_up || device->step.now_ms < device->lost_ops.at_ms) {
        return;
    }
    while (device->lost_ops.count > 0) {
        struct device_lost_op *op = &device->lost_ops.items[0];
        const struct qr_roster_device *found = qr_roster_find(&device->roster, op->device);
        bool wanted = op->revoke ? found != NULL && found->revoked_seq == 0 : found == NULL;
        if (wanted) {
            device_append_begin(
                &device->append, op->revoke ? APPEND_REVOKE_AGAIN : APPEND_ADD_AGAIN, op->device);
            return;
        }
        device_erase_lost_op(device, op); /* another device was first */
    }
}

enum quire_status device_lost_op_sign(struct quire_device *device, struct qr_roster *roster)
{
    const struct device_lost_op *op =
        device_lost_ops_find(&device->lost_ops, device->append.device);
    if (op == NULL) {
        return QUIRE_ENOTFOUND;
    }
    return device_sign_add(device, roster, NULL, op->sign_public, op->box_public,
        (struct quire_bytes){op->name, op->name_size});
}

void device_lost_op_done(struct quire_device *device)
{
    struct device_lost_op *op = device_lost_ops_find(&device->lost_ops, device->append.device);
    if (op != NULL) {
        device_erase_lost_op(device, op);
    }
}

void device_lost_op_failed(struct quire_device *device)
{
    struct device_lost_op *op = device_lost_ops_find(&device->lost_ops, device->append.device);
    device->lost_ops.at_ms = device->step.now_ms + DEVICE_LOST_OP_RETRY_MS;
    if (op != NULL && !op->revoke && ++op->failures == DEVICE_LOST_OP_TRIES) {
        device_erase_lost_op(device, op); /* no room for it: the user must pair it again */
    }
}
