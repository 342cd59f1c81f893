/*
 * States, deflated where that is smaller.
 */
#include "codec/packed.h"
#include "base/ids.h"
#include "base/reader.h"
#include "base/writer.h"
#include "codec/deflate.h"

enum { CODEC_PLAIN = 0, CODEC_DEFLATE = 1 };

static void write_header(uint8_t out[QR_PACKED_HEADER], uint8_t codec, size_t plain, size_t size)
{
    out[0] = codec;
    qr_store_u32(out + 1, (uint32_t)plain);
    qr_store_u32(out + 5, (uint32_t)size);
}

enum quire_status qr_pack(struct quire_bytes state, struct quire_buffer *out_text)
{
    static const uint8_t header[QR_PACKED_HEADER];
    size_t start = out_text->size;
    enum quire_status status = quire_buffer_append(out_text, header, sizeof header);
    if (status == QUIRE_OK) {
        status = qr_deflate(state, out_text);
    }
    size_t size = out_text->size - start - QR_PACKED_HEADER;
    bool deflated = size < state.size && state.size <= size * QR_INFLATE_RATIO;
    if (status == QUIRE_OK && !deflated) {
        out_text->size = start + QR_PACKED_HEADER;
        size = state.size;
        status = quire_buffer_append(out_text, state.data, state.size);
    }
    if (status != QUIRE_OK) {
        out_text->size = start;
        return status;
    }
    write_header(out_text->data + start, deflated ? CODEC_DEFLATE : CODEC_PLAIN, state.size, size);
    return QUIRE_OK;
}

enum quire_status qr_unpack(
    struct quire_bytes text, struct quire_buffer *out_state, size_t *out_used)
{
    struct qr_reader reader = qr_reader_over(text);
    uint8_t codec = qr_read_u8(&reader);
    size_t plain = qr_read_u32(&reader);
    struct quire_bytes bytes = qr_read_bytes(&reader, qr_read_u32(&reader));
    size_t left = qr_reader_left(&reader);
    if (reader.failed) {
        return QUIRE_EMALFORMED;
    }
    if (codec > CODEC_DEFLATE) {
        return QUIRE_EUNSUPPORTED;
    }
    if (!qr_is_zero(reader.next, left) || (codec == CODEC_PLAIN && bytes.size != plain)) {
        return QUIRE_EMALFORMED;
    }
    if (plain > QR_OBJECT_MAX) {
        return QUIRE_ELIMIT;
    }
    enum quire_status status = codec == CODEC_DEFLATE
        ? qr_inflate(bytes, plain, out_state)
        : quire_buffer_append(out_state, bytes.data, bytes.size);
    if (status == QUIRE_OK) {
        *out_used = text.size - left;
    }
    return status;
}
