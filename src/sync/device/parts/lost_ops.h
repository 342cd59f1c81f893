/*
 * Roster operations that the server lost and this device knows: to be re-applied.
 */
#ifndef QR_SYNC_DEVICE_PARTS_LOST_OPS_H
#define QR_SYNC_DEVICE_PARTS_LOST_OPS_H

#include "codec/roster.h"
#include <quire/device.h>

#define DEVICE_LOST_OPS_MAX QR_RECORDS_MAX
#define DEVICE_LOST_OP_RETRY_MS 60000
#define DEVICE_LOST_OP_TRIES 5 /* of an enrolment; a revocation is tried for ever */

struct device_lost_op {
    uint8_t device[QR_DEVICE_SIZE];
    bool revoke; /* else the device is enrolled again, with these */
    uint8_t sign_public[QR_KEY_SIZE], box_public[QR_KEY_SIZE];
    uint8_t name[QUIRE_NAME_MAX];
    uint8_t name_size;
    uint8_t failures;
};

/** Invariant: one operation for each device; count ≤ DEVICE_LOST_OPS_MAX. */
struct device_lost_ops {
    struct device_lost_op *items; /* owned */
    size_t count;
    uint64_t at_ms; /* the next one not before */
};

/** NULL: none for this device. */
struct device_lost_op *device_lost_ops_find(
    const struct device_lost_ops *ops, const uint8_t *device);
/** Finds or adds. ENOMEM. ELIMIT: DEVICE_LOST_OPS_MAX are there. */
QUIRE_CHECKED enum quire_status device_lost_ops_get(
    struct device_lost_ops *ops, const uint8_t *device, struct device_lost_op **out_op);
void device_lost_ops_remove(struct device_lost_ops *ops, struct device_lost_op *op);
/** The record of one operation. ENOMEM. */
QUIRE_CHECKED enum quire_status device_lost_op_encode(
    const struct device_lost_op *op, struct quire_buffer *out_value);
/** Reads the record into `op`, which has its device already. ECORRUPT. */
QUIRE_CHECKED enum quire_status device_lost_op_decode(
    struct quire_bytes value, struct device_lost_op *op);
void device_lost_ops_check(const struct device_lost_ops *ops);
void device_lost_ops_finish(struct device_lost_ops *ops);

#endif
