/*
 * Compares what was read with a vector's meaning. Every member of the meaning must be asked for,
 * so that a field without a comparison fails the test.
 */
#ifndef QR_TESTS_CODEC_MATCH_H
#define QR_TESTS_CODEC_MATCH_H

#include "../vectors.h"

struct match {
    const json_t *object;
    size_t seen;
};

static inline struct match match_begin(const json_t *object)
{
    cr_assert(json_is_object(object));
    return (struct match){object, 0};
}

static inline void match_end(const struct match *match)
{
    cr_assert_eq(match->seen, json_object_size(match->object), "a member is not compared");
}

static inline void match_text(struct match *match, const char *key, const char *text)
{
    match->seen++;
    cr_assert_str_eq(vector_text(match->object, key), text);
}

static inline void match_number(struct match *match, const char *key, uint64_t value)
{
    match->seen++;
    uint64_t expected = vector_number(match->object, key);
    cr_assert_eq(expected, value, "%s is %" PRIu64 ", not %" PRIu64, key, value, expected);
}

static inline void match_bool(struct match *match, const char *key, bool value)
{
    match->seen++;
    const json_t *expected = json_object_get(match->object, key);
    cr_assert(json_is_boolean(expected));
    cr_assert_eq(json_is_true(expected), value, "%s", key);
}

/** NULL stands for null. */
static inline void match_bytes(struct match *match, const char *key, const void *data, size_t size)
{
    match->seen++;
    if (data == NULL) {
        cr_assert(json_is_null(json_object_get(match->object, key)), "%s is missing", key);
    } else {
        cr_assert(vector_is(match->object, key, data, size), "%s differs", key);
    }
}

static inline void match_data(struct match *match, const char *key, struct quire_bytes data)
{
    match->seen++;
    cr_assert(vector_is(match->object, key, data.data, data.size), "%s differs", key);
}

static inline void match_items(
    struct match *match, const char *key, const struct quire_bytes *items, size_t count)
{
    match->seen++;
    const json_t *array = json_object_get(match->object, key);
    cr_assert(json_is_array(array), "no array %s", key);
    cr_assert_eq(json_array_size(array), count, "%s: %zu items", key, count);
    for (size_t i = 0; i < count; i++) {
        struct quire_buffer expected = {0};
        vector_parse(json_string_value(json_array_get(array, i)), &expected);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&expected), items[i]), "%s %zu", key, i);
        quire_buffer_finish(&expected);
    }
}

/** Begins to compare the index-th object of an array that has `count`. */
static inline struct match match_row(
    const struct match *match, const char *key, size_t index, size_t count)
{
    const json_t *array = json_object_get(match->object, key);
    cr_assert_eq(json_array_size(array), count, "%s: %zu rows", key, count);
    return match_begin(json_array_get(array, index));
}

/** An array whose rows were compared by match_row, if it has any. */
static inline void match_rows_end(struct match *match, const char *key, size_t count)
{
    match->seen++;
    cr_assert_eq(json_array_size(json_object_get(match->object, key)), count, "%s", key);
}

/** A copy in memory of exactly its size, so that a sanitizer sees a read past the end. */
static inline struct quire_bytes exact_copy(struct quire_bytes bytes)
{
    uint8_t *copy = malloc(bytes.size == 0 ? 1 : bytes.size);
    cr_assert_not_null(copy);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (struct quire_bytes){copy, bytes.size};
}

static inline void free_copy(struct quire_bytes copy)
{
    free((void *)(uintptr_t)copy.data);
}

/** The bytes of a vector in memory of exactly their size. */
static inline struct quire_bytes vector_exact(const json_t *vector)
{
    struct quire_buffer bytes = vector_bytes(vector, "bytes");
    struct quire_bytes copy = exact_copy(quire_buffer_bytes(&bytes));
    quire_buffer_finish(&bytes);
    return copy;
}

#endif
