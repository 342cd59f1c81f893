/*
 * What the parts of the decoder share (decode.c, decode_text.c).
 */
#ifndef QR_CRDT_DECODER_H
#define QR_CRDT_DECODER_H

#include "base/reader.h"
#include "crdt/payload.h"

/** Per replica of the payload, while it is read. */
struct qr_progress {
    uint64_t next;     /* where the next run's gap counts from */
    uint64_t referred; /* the counter that was last referred to from another replica */
    bool used;         /* something names it */
};

struct qr_decoder {
    const struct quire_document *document;
    struct qr_payload *payload;
    struct qr_reader reader;
    struct qr_progress *progress;
    uint8_t parts;
    bool to_show; /* only what is shown is read, and the letters are not looked at */
};

static inline enum quire_status qr_refused(bool condition)
{
    return condition ? QUIRE_EMALFORMED : QUIRE_OK;
}

static inline uint64_t qr_unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

/** A count, at least 1, of things that take at least `least` bytes each, and room for them. */
QUIRE_CHECKED enum quire_status qr_decoder_count(
    struct qr_decoder *decoder, size_t least, size_t size, size_t *out_count, void *out_array);

/** An id from an index in the replica table and a counter; QR_ID_NONE: there is no such id. */
uint64_t qr_decoder_id(struct qr_decoder *decoder, uint64_t rank, uint64_t counter);

static inline struct quire_bytes qr_decoder_sized(struct qr_reader *reader)
{
    uint64_t size = qr_read_varint(reader);
    if (size > qr_reader_left(reader)) {
        reader->failed = true;
        size = 0;
    }
    return qr_read_bytes(reader, (size_t)size);
}

QUIRE_CHECKED enum quire_status qr_decode_letters(struct qr_decoder *decoder);
QUIRE_CHECKED enum quire_status qr_decode_runs(struct qr_decoder *decoder);

#endif
