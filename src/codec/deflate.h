/*
 * Deflate (RFC 1951, raw) with one output: what qr_deflate makes of some bytes is fixed to the byte by
 * protocol/history.md, on every machine and for ever, since the hash of a compressed state names it.
 * qr_inflate reads what any deflate wrote.
 */
#ifndef QR_CODEC_DEFLATE_H
#define QR_CODEC_DEFLATE_H

#include "codec/limits.h"
#include <quire/bytes.h>

/** Appends `plain`, at most QR_OBJECT_MAX bytes, deflated: at most an eighth larger, and 16 bytes.
 * Takes 0.4 MiB meanwhile. ELIMIT, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_deflate(
    struct quire_bytes plain, struct quire_buffer *out_deflated);

/** Appends the `plain_size` bytes that `deflated` holds. Refused before anything is allocated: ELIMIT,
 * plain_size is above QR_OBJECT_MAX or above QR_INFLATE_RATIO × the deflated size. EMALFORMED: not
 * exactly plain_size bytes, not deflate, or anything after its end. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_inflate(
    struct quire_bytes deflated, size_t plain_size, struct quire_buffer *out_plain);

#endif
