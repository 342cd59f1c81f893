/*
 * Making roster records, on a copy of the roster.
 */
#ifndef QR_SYNC_DEVICE_ROSTER_SIGN_H
#define QR_SYNC_DEVICE_ROSTER_SIGN_H

#include "sync/device/state.h"

/** Signs (as this device, or as the root of `kit`) and appends a record to `roster`. */
QUIRE_CHECKED enum quire_status device_sign_record(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, struct qr_record *record);
/** An enrolment. */
QUIRE_CHECKED enum quire_status device_sign_add(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, const uint8_t *sign_public,
    const uint8_t *box_public, struct quire_bytes name);
/** A new epoch key for the active devices; it is in the vault, too. */
QUIRE_CHECKED enum quire_status device_sign_epoch(
    struct quire_device *device, struct qr_roster *roster, const struct qr_kit *kit);
/** A revocation with these pins, QR_PIN_SIZE bytes each. EMALFORMED: too many, or not ascending. */
QUIRE_CHECKED enum quire_status device_sign_revoke_pinned(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, const uint8_t *subject,
    struct quire_bytes pins);
/** The same; every chain of the device that is here is pinned. */
QUIRE_CHECKED enum quire_status device_sign_revoke(struct quire_device *device,
    struct qr_roster *roster, const struct qr_kit *kit, const uint8_t *subject);

#endif
