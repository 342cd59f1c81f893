/*
 * The bounded form check: one pass over the bytes, no recursion, no allocation. Each value is
 * visited once and takes at least one byte, so the time is linear in the size of the frame.
 */
#include "codec/msgpack_check.h"
#include "base/reader.h"
#include "codec/limits.h"

enum {
    NIL = 0xc0,
    FALSE_VALUE = 0xc2,
    TRUE_VALUE = 0xc3,
    BIN_8 = 0xc4,
    BIN_16 = 0xc5,
    BIN_32 = 0xc6,
    UINT_8 = 0xcc,
    UINT_16 = 0xcd,
    UINT_32 = 0xce,
    UINT_64 = 0xcf,
    STR_8 = 0xd9,
    STR_16 = 0xda,
    STR_32 = 0xdb,
    ARRAY_16 = 0xdc,
    ARRAY_32 = 0xdd,
};

/* The length or number behind the first byte; one that would have fitted a shorter form fails. */
static uint64_t read_minimal(struct qr_reader *reader, uint64_t value, uint64_t least)
{
    reader->failed |= value < least;
    return value;
}

/* Reads one value. True for an array: its elements come next, *out_element_count of them. */
static bool read_value(struct qr_reader *reader, size_t *out_element_count)
{
    uint8_t first = qr_read_u8(reader);
    uint64_t skipped = 0;
    uint64_t elements = 0;
    bool array = false;

    if (first <= 0x7f) {
        /* a small unsigned integer */
    } else if (first >= 0x90 && first <= 0x9f) {
        array = true;
        elements = first & 0x0f;
    } else if (first >= 0xa0 && first <= 0xbf) {
        skipped = first & 0x1f;
    } else {
        switch (first) {
        case NIL:
        case FALSE_VALUE:
        case TRUE_VALUE: break;
        case UINT_8: read_minimal(reader, qr_read_u8(reader), 0x80); break;
        case UINT_16: read_minimal(reader, qr_read_u16(reader), 0x100); break;
        case UINT_32: read_minimal(reader, qr_read_u32(reader), 0x10000); break;
        case UINT_64: read_minimal(reader, qr_read_u64(reader), 0x100000000); break;
        case BIN_8: skipped = qr_read_u8(reader); break;
        case STR_8: skipped = read_minimal(reader, qr_read_u8(reader), 0x20); break;
        case BIN_16:
        case STR_16: skipped = read_minimal(reader, qr_read_u16(reader), 0x100); break;
        case BIN_32:
        case STR_32: skipped = read_minimal(reader, qr_read_u32(reader), 0x10000); break;
        case ARRAY_16:
            array = true;
            elements = read_minimal(reader, qr_read_u16(reader), 0x10);
            break;
        case ARRAY_32:
            array = true;
            elements = read_minimal(reader, qr_read_u32(reader), 0x10000);
            break;
        default: /* negative integers, floats, maps, extensions, 0xc1 */ reader->failed = true;
        }
    }
    if (array) {
        /* each element takes at least one byte */
        reader->failed |= elements > qr_reader_left(reader);
        *out_element_count = reader->failed ? 0 : (size_t)elements;
    } else {
        qr_read_bytes(reader, (size_t)skipped);
        *out_element_count = 0;
    }
    return array;
}

static size_t most_values(size_t size)
{
    size_t by_size = size / QR_MSGPACK_BYTES_PER_VALUE;
    size_t most = QR_MSGPACK_VALUES_MAX - QR_MSGPACK_VALUES_FREE;
    return QR_MSGPACK_VALUES_FREE + (by_size < most ? by_size : most);
}

enum quire_status qr_msgpack_measure(struct quire_bytes bytes, size_t *out_value_count)
{
    if (bytes.size > QR_FRAME_MAX) {
        return QUIRE_ELIMIT;
    }
    struct qr_reader reader = qr_reader_over(bytes);
    size_t most = most_values(bytes.size);
    size_t value_count = 0;
    size_t left[QR_MSGPACK_DEPTH_MAX]; /* elements still to come of each open array */
    size_t depth = 0;

    do {
        if (value_count == most) {
            return QUIRE_ELIMIT;
        }
        size_t element_count;
        bool array = read_value(&reader, &element_count);
        if (reader.failed) {
            return QUIRE_EMALFORMED;
        }
        value_count++;
        if (element_count > QR_MSGPACK_ARRAY_MAX || (array && depth == QR_MSGPACK_DEPTH_MAX)) {
            return QUIRE_ELIMIT;
        }
        if (element_count > 0) {
            left[depth++] = element_count;
        } else {
            while (depth > 0 && --left[depth - 1] == 0) {
                depth--;
            }
        }
    } while (depth > 0);

    if (!qr_reader_done(&reader)) {
        return QUIRE_EMALFORMED;
    }
    *out_value_count = value_count;
    return QUIRE_OK;
}

enum quire_status qr_msgpack_check(struct quire_bytes bytes)
{
    size_t value_count;
    return qr_msgpack_measure(bytes, &value_count);
}
