/*
 * Well-formed UTF-8, as Unicode defines it: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
#ifndef QR_CRDT_UTF8_H
#define QR_CRDT_UTF8_H

#include <quire/bytes.h>

/** Counts code points. False, and out untouched: not well-formed. */
bool qr_utf8_count(struct quire_bytes text, size_t *out_count);

/** Bytes that the first `count` code points of a well-formed text take. */
size_t qr_utf8_size(const uint8_t *text, size_t count);

/** Bytes that the last `count` code points before `end` take. */
size_t qr_utf8_size_back(const uint8_t *end, size_t count);

/** Code points of a well-formed text, and how many of them are above U+FFFF. */
size_t qr_utf8_points(const uint8_t *text, size_t size);
size_t qr_utf8_wide(const uint8_t *text, size_t size);

#endif
