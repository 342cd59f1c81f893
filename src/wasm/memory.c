/*
 * What a host needs before anything else: memory, buffers, sentences; and what a failed assertion
 * does where there is no standard error.
 */
#include "wasm/exports.h"
#include <stdlib.h>
#include <string.h>

uint32_t quire_wasm_version(void)
{
    return QUIRE_WASM_VERSION;
}

uint8_t *quire_wasm_alloc(size_t size)
{
    return malloc(size > 0 ? size : 1);
}

void quire_wasm_free(uint8_t *memory)
{
    free(memory);
}

struct quire_buffer *quire_wasm_buffer_create(void)
{
    return calloc(1, sizeof(struct quire_buffer));
}

void quire_wasm_buffer_destroy(struct quire_buffer *buffer)
{
    if (buffer != NULL) {
        quire_buffer_finish(buffer);
        free(buffer);
    }
}

const uint8_t *quire_wasm_buffer_data(const struct quire_buffer *buffer)
{
    return buffer->data;
}

size_t quire_wasm_buffer_size(const struct quire_buffer *buffer)
{
    return buffer->size;
}

uint8_t *quire_wasm_buffer_extend(struct quire_buffer *buffer, size_t size)
{
    /* One more, so that nothing at all has a place too. */
    if (size == SIZE_MAX || quire_buffer_reserve(buffer, size + 1) != QUIRE_OK) {
        return NULL;
    }
    uint8_t *place = buffer->data + buffer->size;
    memset(place, 0, size);
    buffer->size += size;
    return place;
}

void quire_wasm_buffer_finish(struct quire_buffer *buffer)
{
    quire_buffer_finish(buffer);
}

const char *quire_wasm_status_text(int status)
{
    return quire_status_text((enum quire_status)status);
}

#ifdef __wasm__
/* In place of the C library's, which would bring standard output and with it half of WASI. */
_Noreturn void __assert_fail(
    const char *expression, const char *file, int line, const char *function);

_Noreturn void __assert_fail(
    const char *expression, const char *file, int line, const char *function)
{
    (void)expression, (void)function; /* no one reads them: they are not in the module */
    quire_host_failed(file, (uint32_t)line);
    __builtin_trap();
}
#endif
