/*
 * Credit and chains that are shut out.
 */
#include "sync/device/parts/receive.h"
#include <assert.h>

bool device_receive_is_shut_out(const struct device_receive *receive, const uint8_t *replica)
{
    for (size_t i = 0; i < receive->shut_out_count; i++) {
        if (memcmp(receive->shut_out[i], replica, QR_REPLICA_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

void device_receive_shut_out(struct device_receive *receive, const uint8_t *replica)
{
    if (!device_receive_is_shut_out(receive, replica)
        && receive->shut_out_count < DEVICE_SHUT_OUT_MAX) {
        memcpy(receive->shut_out[receive->shut_out_count++], replica, QR_REPLICA_SIZE);
    }
}

void device_receive_check(const struct device_receive *receive)
{
    assert(receive->consumed <= receive->credit);
    assert(receive->shut_out_count <= DEVICE_SHUT_OUT_MAX);
}
