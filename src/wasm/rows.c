/*
 * Fields in a row. The core has the like in src/base, but this folder uses include/ only.
 */
#include "wasm/rows.h"

struct rows rows_begin(struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (struct rows){out, false};
}

void rows_fixed(struct rows *rows, const void *data, size_t size)
{
    if (!rows->failed && size > 0 && quire_buffer_append(rows->out, data, size) != QUIRE_OK) {
        rows->failed = true;
    }
}

static void number(struct rows *rows, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    }
    rows_fixed(rows, bytes, size);
}

void rows_u8(struct rows *rows, uint8_t value)
{
    number(rows, value, 1);
}

void rows_u32(struct rows *rows, uint32_t value)
{
    number(rows, value, 4);
}

void rows_u64(struct rows *rows, uint64_t value)
{
    number(rows, value, 8);
}

void rows_bytes(struct rows *rows, struct quire_bytes bytes)
{
    if (bytes.size > UINT32_MAX) {
        rows->failed = true;
        return;
    }
    rows_u32(rows, (uint32_t)bytes.size);
    rows_fixed(rows, bytes.data, bytes.size);
}

enum quire_status rows_end(struct rows *rows, enum quire_status status)
{
    if (status == QUIRE_OK && !rows->failed) {
        return QUIRE_OK;
    }
    quire_buffer_clear(rows->out);
    return status != QUIRE_OK ? status : QUIRE_ENOMEM;
}
