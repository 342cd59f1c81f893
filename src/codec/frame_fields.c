/*
 * A cursor over a frame's values, and a packer onto a buffer.
 */
#include "codec/frame_fields.h"
#include "codec/limits.h"
#include <assert.h>

/* ---- reading ------------------------------------------------------------------------------ */

static void refuse(struct qr_fields *fields, enum quire_status status)
{
    if (*fields->status == QUIRE_OK) {
        *fields->status = status;
    }
}

/* The next value if it is of this type, else NULL. */
static const msgpack_object *take(struct qr_fields *fields, msgpack_object_type type)
{
    if (*fields->status != QUIRE_OK) {
        return NULL;
    }
    if (fields->left == 0 || fields->next->type != type) {
        refuse(fields, QUIRE_EMALFORMED);
        return NULL;
    }
    fields->left--;
    return fields->next++;
}

static uint64_t take_uint(struct qr_fields *fields, uint64_t most, enum quire_status above)
{
    const msgpack_object *value = take(fields, MSGPACK_OBJECT_POSITIVE_INTEGER);
    if (value == NULL) {
        return 0;
    }
    if (value->via.u64 > most) {
        refuse(fields, above);
        return 0;
    }
    return value->via.u64;
}

void qr_take_rule(struct qr_fields *fields, bool holds)
{
    if (!holds) {
        refuse(fields, QUIRE_EMALFORMED);
    }
}

void qr_take_limit(struct qr_fields *fields, bool holds)
{
    if (!holds) {
        refuse(fields, QUIRE_ELIMIT);
    }
}

bool qr_take_bool(struct qr_fields *fields)
{
    const msgpack_object *value = take(fields, MSGPACK_OBJECT_BOOLEAN);
    return value != NULL && value->via.boolean;
}

uint64_t qr_take_u64(struct qr_fields *fields)
{
    return take_uint(fields, UINT64_MAX, QUIRE_EMALFORMED);
}

uint32_t qr_take_u32(struct qr_fields *fields)
{
    return (uint32_t)take_uint(fields, UINT32_MAX, QUIRE_EMALFORMED);
}

uint64_t qr_take_count(struct qr_fields *fields, uint64_t most)
{
    return take_uint(fields, most, QUIRE_ELIMIT);
}

struct quire_bytes qr_take_data(struct qr_fields *fields, size_t most)
{
    const msgpack_object *value = take(fields, MSGPACK_OBJECT_BIN);
    if (value == NULL) {
        return (struct quire_bytes){0};
    }
    if (value->via.bin.size > most) {
        refuse(fields, QUIRE_ELIMIT);
        return (struct quire_bytes){0};
    }
    return (struct quire_bytes){(const uint8_t *)value->via.bin.ptr, value->via.bin.size};
}

const uint8_t *qr_take_bin(struct qr_fields *fields, size_t size)
{
    struct quire_bytes data = qr_take_data(fields, SIZE_MAX);
    qr_take_rule(fields, data.size == size);
    return data.data;
}

const uint8_t *qr_take_bin_or_nil(struct qr_fields *fields, size_t size)
{
    if (fields->left > 0 && fields->next->type == MSGPACK_OBJECT_NIL) {
        take(fields, MSGPACK_OBJECT_NIL);
        return NULL;
    }
    return qr_take_bin(fields, size);
}

struct qr_fields qr_take_array(struct qr_fields *fields, size_t most)
{
    const msgpack_object *value = take(fields, MSGPACK_OBJECT_ARRAY);
    if (value != NULL && value->via.array.size > most) {
        refuse(fields, QUIRE_ELIMIT);
        value = NULL;
    }
    if (value == NULL) {
        return (struct qr_fields){NULL, 0, fields->status};
    }
    return (struct qr_fields){value->via.array.ptr, value->via.array.size, fields->status};
}

struct qr_fields qr_take_row(struct qr_fields *fields, size_t count)
{
    struct qr_fields row = qr_take_array(fields, SIZE_MAX);
    qr_take_rule(fields, row.left == count);
    return row;
}

size_t qr_take_items(
    struct qr_fields *fields, struct quire_bytes *items, size_t most, size_t most_size)
{
    struct qr_fields array = qr_take_array(fields, most);
    size_t count = array.left;
    for (size_t i = 0; i < count; i++) {
        items[i] = qr_take_data(&array, most_size);
        qr_take_rule(&array, items[i].size > 0);
    }
    return count;
}

/* ---- writing ------------------------------------------------------------------------------ */

static void fail(struct qr_packer *packer, enum quire_status status)
{
    if (packer->status == QUIRE_OK) {
        packer->status = status;
    }
}

static int append(void *context, const char *data, size_t size)
{
    struct qr_packer *packer = context;
    if (packer->status == QUIRE_OK
        && size > QR_FRAME_MAX - (packer->buffer->size - packer->start)) {
        packer->status = QUIRE_ELIMIT;
    }
    if (packer->status == QUIRE_OK) {
        packer->status = quire_buffer_append(packer->buffer, data, size);
    }
    return packer->status == QUIRE_OK ? 0 : -1;
}

void qr_packer_init(struct qr_packer *packer, struct quire_buffer *buffer)
{
    *packer = (struct qr_packer){.buffer = buffer, .start = buffer->size, .status = QUIRE_OK};
    msgpack_packer_init(&packer->msgpack, packer, append);
}

enum quire_status qr_packer_end(struct qr_packer *packer)
{
    assert(packer->buffer->size >= packer->start); /* a frame only adds to its buffer */
    if (packer->status != QUIRE_OK) {
        packer->buffer->size = packer->start;
    }
    return packer->status;
}

void qr_put_rule(struct qr_packer *packer, bool holds)
{
    if (!holds) {
        fail(packer, QUIRE_EINVALID);
    }
}

void qr_put_limit(struct qr_packer *packer, bool holds)
{
    if (!holds) {
        fail(packer, QUIRE_ELIMIT);
    }
}

/* The results of msgpack_pack_* are those of `append`, which keeps them in the packer's status. */

void qr_put_bool(struct qr_packer *packer, bool value)
{
    value ? msgpack_pack_true(&packer->msgpack) : msgpack_pack_false(&packer->msgpack);
}

void qr_put_uint(struct qr_packer *packer, uint64_t value)
{
    msgpack_pack_uint64(&packer->msgpack, value);
}

void qr_put_count(struct qr_packer *packer, uint64_t value, uint64_t most)
{
    qr_put_limit(packer, value <= most);
    qr_put_uint(packer, value);
}

void qr_put_data(struct qr_packer *packer, struct quire_bytes data, size_t most)
{
    qr_put_limit(packer, data.size <= most);
    msgpack_pack_bin(&packer->msgpack, data.size);
    msgpack_pack_bin_body(&packer->msgpack, data.data, data.size);
}

void qr_put_bin(struct qr_packer *packer, const uint8_t *data, size_t size)
{
    if (data == NULL) {
        fail(packer, QUIRE_EINVALID);
        return;
    }
    qr_put_data(packer, (struct quire_bytes){data, size}, size);
}

void qr_put_bin_or_nil(struct qr_packer *packer, const uint8_t *data, size_t size)
{
    if (data == NULL) {
        msgpack_pack_nil(&packer->msgpack);
    } else {
        qr_put_bin(packer, data, size);
    }
}

void qr_put_array(struct qr_packer *packer, size_t count, size_t most)
{
    qr_put_limit(packer, count <= most);
    msgpack_pack_array(&packer->msgpack, count);
}

void qr_put_items(struct qr_packer *packer, const struct quire_bytes *items, size_t count,
    size_t most, size_t most_size)
{
    qr_put_array(packer, count, most);
    for (size_t i = 0; packer->status == QUIRE_OK && i < count; i++) {
        qr_put_rule(packer, items[i].size > 0);
        qr_put_data(packer, items[i], most_size);
    }
}
