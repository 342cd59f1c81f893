/*
 * Answers to a recovery's questions.
 */
#include "sync/device/parts/recovery.h"
#include "base/limit.h"
#include <assert.h>

size_t device_recovery_revocations(
    const struct device_recovery *recovery, const struct qr_roster *roster)
{
    size_t active = roster->active_count, most = QR_LIMIT(DEVICES, QR_DEVICES_MAX);
    return recovery->revoke_others ? active : active >= most ? active - most + 1 : 0;
}

bool device_recovery_complete(
    const struct device_recovery *recovery, const struct qr_roster *roster)
{
    return device_recovery_revocations(recovery, roster) == 0
        || (recovery->asked && recovery->count == recovery->expected);
}

enum quire_status device_recovery_answer(
    struct device_recovery *recovery, const uint8_t *device, uint64_t last, struct quire_bytes pins)
{
    if (!recovery->asked || recovery->count == QR_DEVICES_MAX) {
        return QUIRE_OK;
    }
    for (size_t i = 0; i < recovery->count; i++) {
        if (memcmp(recovery->answers[i].device, device, QR_DEVICE_SIZE) == 0) {
            return QUIRE_OK;
        }
    }
    struct device_recovery_answer *answer = &recovery->answers[recovery->count];
    quire_buffer_clear(&answer->pins);
    enum quire_status status = quire_buffer_append(&answer->pins, pins.data, pins.size);
    if (status == QUIRE_OK) {
        memcpy(answer->device, device, QR_DEVICE_SIZE);
        answer->last = last;
        recovery->count++;
    }
    return status;
}

const struct device_recovery_answer *device_recovery_choose(
    const struct device_recovery *recovery, const struct qr_roster *roster)
{
    const struct device_recovery_answer *best = NULL;
    uint32_t best_added = 0;
    for (size_t i = 0; i < recovery->count; i++) {
        const struct device_recovery_answer *answer = &recovery->answers[i];
        const struct qr_roster_device *found = qr_roster_find(roster, answer->device);
        if (found == NULL || found->revoked_seq != 0) {
            continue;
        }
        if (best == NULL || answer->last < best->last
            || (answer->last == best->last && found->added_seq < best_added)) {
            best = answer;
            best_added = found->added_seq;
        }
    }
    return best;
}

void device_recovery_clear(struct device_recovery *recovery)
{
    for (size_t i = 0; i < QR_DEVICES_MAX; i++) {
        quire_buffer_finish(&recovery->answers[i].pins);
    }
    recovery->count = 0;
    recovery->asked = false;
}

void device_recovery_check(const struct device_recovery *recovery)
{
    assert(recovery->count <= QR_DEVICES_MAX);
    assert(recovery->asked || recovery->count == 0);
}
