/*
 * A recovery asks for chains, chooses which devices to revoke, and signs it all as the root.
 *
 * The recovering device holds no batches, so it takes the pins from the server. A server that names too
 * few only makes other devices seal the rest again under their own names (rebase.c).
 */
#include "sync/device/recovery.h"
#include "sync/device/actions.h"
#include "sync/device/roster_sign.h"

void device_recovery_ask(struct quire_device *device)
{
    struct device_recovery *recovery = &device->recovery;
    const struct qr_roster *roster = &device->roster;
    device_recovery_clear(recovery);
    if (device_recovery_revocations(recovery, roster) == 0) {
        return;
    }
    recovery->asked = true;
    recovery->expected = roster->active_count;
    for (size_t i = 0; i < roster->device_count; i++) {
        if (roster->devices[i].revoked_seq == 0) {
            struct qr_frame frame = {.type = QR_FRAME_CHAINS};
            frame.chains.device = roster->devices[i].device;
            device_send(device, &frame);
        }
    }
    device_link_await(&device->link, device->step.now_ms);
}

void device_on_chains(struct quire_device *device, const struct qr_frame *frame)
{
    if (!device_ok(device,
            device_recovery_answer(
                &device->recovery, frame->chains.device, frame->chains.last, frame->chains.pins))) {
        return;
    }
    if (device_recovery_ready(device) && !device->append.sent) {
        device->link.deadline_ms = 0;
    }
}

bool device_recovery_ready(const struct quire_device *device)
{
    return device_recovery_complete(&device->recovery, &device->roster);
}

enum quire_status device_recovery_sign(
    struct quire_device *device, struct qr_roster *roster, uint32_t *out_epoch)
{
    const struct qr_kit *kit = device->enrolment.kit;
    struct qr_vault_public self = qr_vault_public(device->vault);
    size_t count = device_recovery_revocations(&device->recovery, roster);
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        const struct device_recovery_answer *answer =
            device_recovery_choose(&device->recovery, roster);
        status = answer == NULL ? QUIRE_ECONFLICT /* the roster grew since the server was asked */
                                : device_sign_revoke_pinned(device, roster, kit, answer->device,
                                    quire_buffer_bytes(&answer->pins));
    }
    if (status == QUIRE_OK) {
        status = device_sign_add(device, roster, kit, self.sign_public, self.box_public,
            quire_buffer_bytes(&device->enrolment.name));
    }
    *out_epoch = 0;
    if (status == QUIRE_OK && count > 0) {
        *out_epoch = roster->epoch + 1;
        status = device_sign_epoch(device, roster, kit);
    }
    return status;
}
