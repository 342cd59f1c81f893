/*
 * UTF-8 from outside: is it well-formed, and its code points.
 */
#ifndef QR_CLIENT_TEXT_H
#define QR_CLIENT_TEXT_H

#include <quire/bytes.h>

/** The code point at the start of `text` (not empty) and how many bytes it takes; 0 bytes: it is
 * ill-formed (overlong, a surrogate, beyond U+10FFFF, cut off, a stray byte). */
uint32_t qr_client_text_next(struct quire_bytes text, size_t *out_size);

/** Well-formed throughout; if not, out_offset (may be NULL) is where it stops being so, in bytes. */
bool qr_client_text_valid(struct quire_bytes text, size_t *out_offset);

/** Code points of well-formed text. */
size_t qr_client_text_length(struct quire_bytes text);

#endif
