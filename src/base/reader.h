/*
 * A cursor over borrowed bytes. The first read past the end marks the reader as failed; every
 * later read gives zeros, so that a decoder reads straight down and asks once, at its end.
 * Integers are big-endian.
 */
#ifndef QR_BASE_READER_H
#define QR_BASE_READER_H

#include <quire/bytes.h>

struct qr_reader {
    const uint8_t *next;
    const uint8_t *end;
    bool failed;
};

struct qr_reader qr_reader_over(struct quire_bytes bytes);
size_t qr_reader_left(const struct qr_reader *reader);
uint8_t qr_read_u8(struct qr_reader *reader);
uint16_t qr_read_u16(struct qr_reader *reader);
uint32_t qr_read_u32(struct qr_reader *reader);
uint64_t qr_read_u64(struct qr_reader *reader);
/** Unsigned LEB128, at most 10 bytes; a longer or non-minimal one fails the reader. */
uint64_t qr_read_varint(struct qr_reader *reader);
/** A range into the input; empty once the reader has failed. */
struct quire_bytes qr_read_bytes(struct qr_reader *reader, size_t size);
/** Copies size bytes; zeros once the reader has failed. */
void qr_read_copy(struct qr_reader *reader, void *out, size_t size);
/** Read to the last byte and never failed. */
bool qr_reader_done(const struct qr_reader *reader);

#endif
