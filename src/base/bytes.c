/*
 * Borrowed and owned byte ranges.
 */
#include <quire/bytes.h>
#include <stdlib.h>
#include <string.h>

enum quire_status quire_buffer_reserve(struct quire_buffer *buffer, size_t extra)
{
    if (extra <= buffer->capacity - buffer->size) {
        return QUIRE_OK;
    }
    if (extra > SIZE_MAX / 2 - buffer->size) {
        return QUIRE_ENOMEM;
    }
    size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < buffer->size + extra) {
        capacity += capacity / 2;
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return QUIRE_ENOMEM;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return QUIRE_OK;
}

enum quire_status quire_buffer_append(struct quire_buffer *buffer, const void *data, size_t size)
{
    enum quire_status status = quire_buffer_reserve(buffer, size);
    if (status == QUIRE_OK && size > 0) {
        memcpy(buffer->data + buffer->size, data, size);
        buffer->size += size;
    }
    return status;
}

void quire_buffer_clear(struct quire_buffer *buffer)
{
    buffer->size = 0;
}

void quire_buffer_finish(struct quire_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct quire_buffer){0};
}

struct quire_bytes quire_buffer_bytes(const struct quire_buffer *buffer)
{
    return (struct quire_bytes){buffer->data, buffer->size};
}

bool quire_bytes_equal(struct quire_bytes a, struct quire_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

struct quire_bytes quire_bytes_of_text(const char *text)
{
    return (struct quire_bytes){(const uint8_t *)text, strlen(text)};
}
