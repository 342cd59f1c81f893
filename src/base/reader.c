/*
 * A cursor over borrowed bytes.
 */
#include "base/reader.h"
#include <assert.h>
#include <string.h>

struct qr_reader qr_reader_over(struct quire_bytes bytes)
{
    static const uint8_t nothing[1];
    const uint8_t *start = bytes.data == NULL ? nothing : bytes.data;
    return (struct qr_reader){start, start + bytes.size, false};
}

size_t qr_reader_left(const struct qr_reader *reader)
{
    assert(reader->next <= reader->end);
    return (size_t)(reader->end - reader->next);
}

struct quire_bytes qr_read_bytes(struct qr_reader *reader, size_t size)
{
    if (reader->failed || size > qr_reader_left(reader)) {
        reader->failed = true;
        return (struct quire_bytes){reader->next, 0};
    }
    struct quire_bytes bytes = {reader->next, size};
    reader->next += size;
    return bytes;
}

void qr_read_copy(struct qr_reader *reader, void *out, size_t size)
{
    struct quire_bytes bytes = qr_read_bytes(reader, size);
    if (bytes.size == size) {
        memcpy(out, bytes.data, size);
    } else {
        memset(out, 0, size);
    }
}

static uint64_t read_big_endian(struct qr_reader *reader, size_t size)
{
    struct quire_bytes bytes = qr_read_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

uint8_t qr_read_u8(struct qr_reader *reader)
{
    if (reader->failed || reader->next == reader->end) {
        reader->failed = true;
        return 0;
    }
    return *reader->next++;
}

uint16_t qr_read_u16(struct qr_reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t qr_read_u32(struct qr_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t qr_read_u64(struct qr_reader *reader)
{
    return read_big_endian(reader, 8);
}

uint64_t qr_read_varint(struct qr_reader *reader)
{
    const uint8_t *next = reader->next;
    if (next < reader->end && *next < 0x80 && !reader->failed) {
        reader->next = next + 1; /* nearly all are one byte */
        return *next;
    }
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = qr_read_u8(reader);
        if (reader->failed) {
            return 0;
        }
        bool too_large = shift == 63 && byte > 1;
        bool not_minimal = shift > 0 && byte == 0;
        if (too_large || not_minimal) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    reader->failed = true;
    return 0;
}

bool qr_reader_done(const struct qr_reader *reader)
{
    return !reader->failed && reader->next == reader->end;
}
