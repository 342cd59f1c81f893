/*
 * Fields in a row: appended to a buffer, big-endian; asked once at the end whether all of it fitted.
 */
#ifndef QUIRE_WASM_ROWS_H
#define QUIRE_WASM_ROWS_H

#include <quire/bytes.h>

struct rows {
    struct quire_buffer *out; /* borrowed */
    bool failed;
};

/** Rows onto a buffer, which is emptied. */
struct rows rows_begin(struct quire_buffer *out);
void rows_u8(struct rows *rows, uint8_t value);
void rows_u32(struct rows *rows, uint32_t value);
void rows_u64(struct rows *rows, uint64_t value);
/** As they are, without a size. */
void rows_fixed(struct rows *rows, const void *data, size_t size);
/** A size, then the bytes. */
void rows_bytes(struct rows *rows, struct quire_bytes bytes);
/** `status` if it is not OK, else ENOMEM if anything did not fit; the buffer is then empty. */
QUIRE_CHECKED enum quire_status rows_end(struct rows *rows, enum quire_status status);

#endif
