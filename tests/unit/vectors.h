/*
 * Reads protocol/vectors/<name>.json in tests: bytes and their meaning.
 *
 * Bytes in text are hex in pieces, separated by spaces; a piece may be repeated: "00*32 ff".
 * Numbers above 2^53 are text, since many readers of JSON cannot hold them.
 */
#ifndef QR_TESTS_VECTORS_H
#define QR_TESTS_VECTORS_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <quire/bytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** The file's content; the caller calls json_decref. VECTORS is the folder, from meson. */
static inline json_t *vectors_load(const char *file)
{
    char path[1024];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", VECTORS, file);
    json_t *root = json_load_file(path, 0, &error);
    cr_assert_not_null(root, "%s: %s (line %d)", path, error.text, error.line);
    return root;
}

/** A member that must be text. */
static inline const char *vector_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "no text %s", key);
    return text;
}

/** Bytes of text; ends the test if it is not hex. */
static inline void vector_parse(const char *text, struct quire_buffer *out_bytes)
{
    while (*text != '\0') {
        size_t digits = strspn(text, "0123456789abcdef");
        cr_assert_eq(digits % 2, 0, "half a byte in %s", text);
        size_t start = out_bytes->size;
        for (size_t i = 0; i < digits; i += 2) {
            char pair[3] = {text[i], text[i + 1], '\0'};
            uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
            cr_assert_eq(quire_buffer_append(out_bytes, &byte, 1), QUIRE_OK);
        }
        text += digits;
        if (*text == '*') {
            char *end;
            unsigned long times = strtoul(text + 1, &end, 10);
            size_t size = digits / 2;
            cr_assert_eq(quire_buffer_reserve(out_bytes, size * times), QUIRE_OK);
            for (unsigned long i = 1; i < times; i++) {
                cr_assert_eq(
                    quire_buffer_append(out_bytes, out_bytes->data + start, size), QUIRE_OK);
            }
            text = end;
        }
        cr_assert(*text == ' ' || *text == '\0', "neither hex nor space: %s", text);
        text += *text == ' ';
    }
}

/** The bytes of a member; finish the buffer afterwards. */
static inline struct quire_buffer vector_bytes(const json_t *object, const char *key)
{
    struct quire_buffer bytes = {0};
    vector_parse(vector_text(object, key), &bytes);
    return bytes;
}

/** True if a member is exactly these bytes. */
static inline bool vector_is(const json_t *object, const char *key, const void *data, size_t size)
{
    struct quire_buffer bytes = vector_bytes(object, key);
    bool same = quire_bytes_equal(
        quire_buffer_bytes(&bytes), (struct quire_bytes){(const uint8_t *)data, size});
    quire_buffer_finish(&bytes);
    return same;
}

/** A number, or a number as text. */
static inline uint64_t vector_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) {
        return strtoull(json_string_value(value), NULL, 10);
    }
    cr_assert(json_is_integer(value), "no number %s", key);
    return (uint64_t)json_integer_value(value);
}

/** The status that an invalid vector is refused with. */
static inline enum quire_status vector_status(const json_t *vector)
{
    const char *text = vector_text(vector, "status");
    if (strcmp(text, "malformed") == 0) {
        return QUIRE_EMALFORMED;
    }
    if (strcmp(text, "limit") == 0) {
        return QUIRE_ELIMIT;
    }
    cr_assert_str_eq(text, "unsupported");
    return QUIRE_EUNSUPPORTED;
}

#endif
