/*
 * What the server may send: credit for DELTA frames, and chains it has more of than a revocation
 * lets this device accept.
 */
#ifndef QR_SYNC_DEVICE_PARTS_RECEIVE_H
#define QR_SYNC_DEVICE_PARTS_RECEIVE_H

#include "codec/frame.h"

#define DEVICE_CREDIT_STEPS 4 /* credit goes back when this part of it was consumed */
#define DEVICE_SHUT_OUT_MAX 64

/** Invariant: consumed ≤ credit; shut_out_count ≤ DEVICE_SHUT_OUT_MAX. */
struct device_receive {
    size_t credit;   /* bytes of DELTA that the server may send; fewer only in tests */
    size_t consumed; /* of them, not given back yet */
    uint8_t shut_out[DEVICE_SHUT_OUT_MAX][QR_REPLICA_SIZE];
    size_t shut_out_count;
};

bool device_receive_is_shut_out(const struct device_receive *receive, const uint8_t *replica);
/** A batch of a revoked device came, later than its revocation allows. */
void device_receive_shut_out(struct device_receive *receive, const uint8_t *replica);
void device_receive_check(const struct device_receive *receive);

#endif
