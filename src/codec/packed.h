/*
 * An entry's state as it is encrypted: deflated where that is smaller (protocol/history.md, Objects).
 *
 *   u8 codec: 0 plain, 1 deflate | u32 plain size | u32 n | n bytes | zeros
 */
#ifndef QR_CODEC_PACKED_H
#define QR_CODEC_PACKED_H

#include "codec/limits.h"
#include <quire/bytes.h>

#define QR_PACKED_HEADER 9

/** Appends the text without its zeros. The same state has the same text, on every machine. ELIMIT: the
 * state is larger than QR_OBJECT_MAX. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_pack(struct quire_bytes state, struct quire_buffer *out_text);

/** Appends the state; out_used is the size of the text without its zeros. EUNSUPPORTED: another codec.
 * ELIMIT: before anything is allocated. EMALFORMED: not a text, or anything but zeros behind it. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_unpack(
    struct quire_bytes text, struct quire_buffer *out_state, size_t *out_used);

#endif
