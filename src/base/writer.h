/*
 * Appends to a buffer. The first failed allocation marks the writer as failed; every later write
 * does nothing, so that an encoder writes straight down and asks once, at its end.
 * Integers are big-endian.
 */
#ifndef QR_BASE_WRITER_H
#define QR_BASE_WRITER_H

#include <quire/bytes.h>

struct qr_writer {
    struct quire_buffer *buffer; /* borrowed */
    size_t start;                /* its size when the writer began */
    bool failed;
};

struct qr_writer qr_writer_onto(struct quire_buffer *buffer);
void qr_write_u8(struct qr_writer *writer, uint8_t value);
void qr_write_u16(struct qr_writer *writer, uint16_t value);
void qr_write_u32(struct qr_writer *writer, uint32_t value);
void qr_write_u64(struct qr_writer *writer, uint64_t value);
/** Unsigned LEB128, minimal. */
void qr_write_varint(struct qr_writer *writer, uint64_t value);
void qr_write_bytes(struct qr_writer *writer, const void *data, size_t size);
/** OK, or ENOMEM with the buffer cut back to where the writer began. */
QUIRE_CHECKED enum quire_status qr_writer_end(struct qr_writer *writer);

/** Big-endian integers at a place that has room for them. */
void qr_store_u16(uint8_t *out, uint16_t value);
void qr_store_u32(uint8_t *out, uint32_t value);
void qr_store_u64(uint8_t *out, uint64_t value);
uint32_t qr_load_u32(const uint8_t *data);
uint64_t qr_load_u64(const uint8_t *data);

#endif
