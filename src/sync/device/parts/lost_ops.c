/*
 * The list of lost roster operations, and their records.
 */
#include "sync/device/parts/lost_ops.h"
#include "base/reader.h"
#include "base/writer.h"
#include <assert.h>
#include <stdlib.h>

struct device_lost_op *device_lost_ops_find(
    const struct device_lost_ops *ops, const uint8_t *device)
{
    for (size_t i = 0; i < ops->count; i++) {
        if (memcmp(ops->items[i].device, device, QR_DEVICE_SIZE) == 0) {
            return &ops->items[i];
        }
    }
    return NULL;
}

enum quire_status device_lost_ops_get(
    struct device_lost_ops *ops, const uint8_t *device, struct device_lost_op **out_op)
{
    struct device_lost_op *op = device_lost_ops_find(ops, device);
    if (op == NULL) {
        if (ops->count >= DEVICE_LOST_OPS_MAX) {
            return QUIRE_ELIMIT;
        }
        struct device_lost_op *items = realloc(ops->items, (ops->count + 1) * sizeof *items);
        if (items == NULL) {
            return QUIRE_ENOMEM;
        }
        ops->items = items;
        op = &items[ops->count++];
        *op = (struct device_lost_op){0};
        memcpy(op->device, device, QR_DEVICE_SIZE);
    }
    *out_op = op;
    return QUIRE_OK;
}

void device_lost_ops_remove(struct device_lost_ops *ops, struct device_lost_op *op)
{
    assert(ops->count > 0);
    *op = ops->items[--ops->count];
}

enum quire_status device_lost_op_encode(
    const struct device_lost_op *op, struct quire_buffer *out_value)
{
    struct qr_writer writer = qr_writer_onto(out_value);
    qr_write_u8(&writer, op->revoke);
    qr_write_bytes(&writer, op->sign_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, op->box_public, QR_KEY_SIZE);
    qr_write_bytes(&writer, op->name, op->name_size);
    return qr_writer_end(&writer);
}

enum quire_status device_lost_op_decode(struct quire_bytes value, struct device_lost_op *op)
{
    struct qr_reader reader = qr_reader_over(value);
    op->revoke = qr_read_u8(&reader) != 0;
    qr_read_copy(&reader, op->sign_public, QR_KEY_SIZE);
    qr_read_copy(&reader, op->box_public, QR_KEY_SIZE);
    struct quire_bytes name = qr_read_bytes(&reader, qr_reader_left(&reader));
    if (!qr_reader_done(&reader) || name.size > QUIRE_NAME_MAX) {
        return QUIRE_ECORRUPT;
    }
    op->name_size = (uint8_t)name.size;
    if (name.size > 0) {
        memcpy(op->name, name.data, name.size);
    }
    return QUIRE_OK;
}

void device_lost_ops_check(const struct device_lost_ops *ops)
{
    assert(ops->count <= DEVICE_LOST_OPS_MAX);
    for (size_t i = 0; i < ops->count; i++) {
        assert(ops->items[i].name_size <= QUIRE_NAME_MAX);
        assert(device_lost_ops_find(ops, ops->items[i].device) == &ops->items[i]);
    }
}

void device_lost_ops_finish(struct device_lost_ops *ops)
{
    free(ops->items);
    *ops = (struct device_lost_ops){0};
}
