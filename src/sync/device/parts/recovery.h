/*
 * What a recovery asks the server before it revokes devices: the chains of each, which the revocation
 * pins, and how recently each wrote.
 */
#ifndef QR_SYNC_DEVICE_PARTS_RECOVERY_H
#define QR_SYNC_DEVICE_PARTS_RECOVERY_H

#include "sync/roster.h"

struct device_recovery_answer {
    uint8_t device[QR_DEVICE_SIZE];
    uint64_t last; /* place in the server's log of the device's newest batch; 0: it wrote nothing */
    struct quire_buffer pins; /* as in the body of REVOKE */
};

/** Invariant: count ≤ QR_DEVICES_MAX; devices are unique. */
struct device_recovery {
    bool revoke_others; /* all of them, not only as many as the new device needs room */
    bool asked;
    size_t expected; /* answers that complete it; meant only when asked */
    struct device_recovery_answer answers[QR_DEVICES_MAX];
    size_t count;
};

/** How many devices the recovery revokes. */
size_t device_recovery_revocations(
    const struct device_recovery *recovery, const struct qr_roster *roster);
/** Everything that it needs is known. */
bool device_recovery_complete(
    const struct device_recovery *recovery, const struct qr_roster *roster);
/** Adds an answer; one that was not asked for, or came before, changes nothing. ENOMEM. */
QUIRE_CHECKED enum quire_status device_recovery_answer(struct device_recovery *recovery,
    const uint8_t *device, uint64_t last, struct quire_bytes pins);
/** The active device that wrote least recently and is not in `roster` as revoked; of devices that
 * wrote nothing, the one enrolled first. NULL: none is left. */
const struct device_recovery_answer *device_recovery_choose(
    const struct device_recovery *recovery, const struct qr_roster *roster);
/** Forgets the answers: they are to be asked for again. */
void device_recovery_clear(struct device_recovery *recovery);
void device_recovery_check(const struct device_recovery *recovery);

#endif
