/*
 * Recovery by the kit: the root enrols this device, and revokes others where that is needed, in one
 * append.
 */
#ifndef QR_SYNC_DEVICE_RECOVERY_H
#define QR_SYNC_DEVICE_RECOVERY_H

#include "sync/device/state.h"

/** Asks the server for the chains of each active device, if the recovery revokes any. */
void device_recovery_ask(struct quire_device *device);
/** CHAINS: an answer. */
void device_on_chains(struct quire_device *device, const struct qr_frame *frame);
/** The append can be made: nothing has to be asked, or every answer is here. */
bool device_recovery_ready(const struct quire_device *device);
/** Signs, as the root: revocations, this device's enrolment, and a new epoch if any was revoked.
 * out_epoch: that epoch; 0: none. EMALFORMED: the server's answer is no list of pins. Errors as
 * device_sign_revoke. */
QUIRE_CHECKED enum quire_status device_recovery_sign(
    struct quire_device *device, struct qr_roster *roster, uint32_t *out_epoch);

#endif
