/*
 * Appends to a buffer.
 */
#include "base/writer.h"

struct qr_writer qr_writer_onto(struct quire_buffer *buffer)
{
    return (struct qr_writer){buffer, buffer->size, false};
}

void qr_write_bytes(struct qr_writer *writer, const void *data, size_t size)
{
    if (!writer->failed && quire_buffer_append(writer->buffer, data, size) != QUIRE_OK) {
        writer->failed = true;
    }
}

static void store_big_endian(uint8_t *out, uint64_t value, size_t size)
{
    for (size_t i = size; i > 0; i--) {
        out[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

/* Room for so few bytes that they are stored one by one, or NULL. */
static uint8_t *room_for(struct qr_writer *writer, size_t size)
{
    struct quire_buffer *buffer = writer->buffer;
    if (writer->failed
        || (buffer->capacity - buffer->size < size
            && quire_buffer_reserve(buffer, size) != QUIRE_OK)) {
        writer->failed = true;
        return NULL;
    }
    buffer->size += size;
    return buffer->data + buffer->size - size;
}

static void write_big_endian(struct qr_writer *writer, uint64_t value, size_t size)
{
    uint8_t *room = room_for(writer, size);
    if (room != NULL) {
        store_big_endian(room, value, size);
    }
}

void qr_write_u8(struct qr_writer *writer, uint8_t value)
{
    write_big_endian(writer, value, 1);
}

void qr_write_u16(struct qr_writer *writer, uint16_t value)
{
    write_big_endian(writer, value, 2);
}

void qr_write_u32(struct qr_writer *writer, uint32_t value)
{
    write_big_endian(writer, value, 4);
}

void qr_write_u64(struct qr_writer *writer, uint64_t value)
{
    write_big_endian(writer, value, 8);
}

void qr_write_varint(struct qr_writer *writer, uint64_t value)
{
    struct quire_buffer *buffer = writer->buffer;
    if (value < 0x80 && !writer->failed && buffer->size < buffer->capacity) {
        buffer->data[buffer->size++] = (uint8_t)value; /* nearly all are */
        return;
    }
    size_t size = 1;
    for (uint64_t rest = value >> 7; rest > 0; rest >>= 7) {
        size++;
    }
    uint8_t *room = room_for(writer, size);
    if (room != NULL) {
        for (; size > 1; size--, value >>= 7) {
            *room++ = (uint8_t)(value | 0x80);
        }
        *room = (uint8_t)value;
    }
}

enum quire_status qr_writer_end(struct qr_writer *writer)
{
    if (writer->failed) {
        writer->buffer->size = writer->start;
        return QUIRE_ENOMEM;
    }
    return QUIRE_OK;
}

void qr_store_u16(uint8_t *out, uint16_t value)
{
    store_big_endian(out, value, 2);
}

void qr_store_u32(uint8_t *out, uint32_t value)
{
    store_big_endian(out, value, 4);
}

void qr_store_u64(uint8_t *out, uint64_t value)
{
    store_big_endian(out, value, 8);
}

uint32_t qr_load_u32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

uint64_t qr_load_u64(const uint8_t *data)
{
    return (uint64_t)qr_load_u32(data) << 32 | qr_load_u32(data + 4);
}
