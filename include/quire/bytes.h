/*
 * Byte ranges: borrowed (quire_bytes) and owned (quire_buffer).
 */
#ifndef QUIRE_BYTES_H
#define QUIRE_BYTES_H

#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A borrowed range: the caller or struct that lent it owns it. data may be NULL only where size is 0. */
struct quire_bytes {
    const uint8_t *data;
    size_t size; /* bytes */
};

/** An owned, growing range. Zero-initialise before use; finish with quire_buffer_finish. */
struct quire_buffer {
    uint8_t *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
};

/** Appends size bytes. ENOMEM: nothing has changed. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_buffer_append(
    struct quire_buffer *buffer, const void *data, size_t size);

/** Makes room for at least `extra` more bytes without changing the content. */
QUIRE_API QUIRE_CHECKED enum quire_status quire_buffer_reserve(
    struct quire_buffer *buffer, size_t extra);

/** Forgets the content, keeps the memory. */
QUIRE_API void quire_buffer_clear(struct quire_buffer *buffer);

/** Frees the memory; the buffer is empty and usable again. Accepts an empty buffer. */
QUIRE_API void quire_buffer_finish(struct quire_buffer *buffer);

/** The content as a borrowed range, valid until the buffer changes. */
QUIRE_API struct quire_bytes quire_buffer_bytes(const struct quire_buffer *buffer);

/** Same size and same content. Not constant in time: never for secrets. */
QUIRE_API bool quire_bytes_equal(struct quire_bytes a, struct quire_bytes b);

/** A range over a string without its terminating zero; text must not be NULL. */
QUIRE_API struct quire_bytes quire_bytes_of_text(const char *text);

#ifdef __cplusplus
}
#endif
#endif
