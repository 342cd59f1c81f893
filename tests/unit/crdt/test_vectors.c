/*
 * protocol/vectors/document.json: what each payload means, and which are refused.
 */
#include "support.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static json_t *load(void)
{
    json_error_t error;
    const char *path = getenv("QUIRE_DOCUMENT_VECTORS");
    cr_assert_not_null(path, "QUIRE_DOCUMENT_VECTORS names no file");
    json_t *vectors = json_load_file(path, JSON_ALLOW_NUL, &error);
    cr_assert_not_null(vectors, "%s: %s", path, error.text);
    return vectors;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "no %s", key);
    return text;
}

static struct quire_buffer hex_of(const json_t *object, const char *key)
{
    struct quire_buffer bytes = {0};
    for (const char *hex = text_of(object, key); *hex != '\0'; hex += 2) {
        const char pair[3] = {hex[0], hex[1], '\0'};
        uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);
        OK(quire_buffer_append(&bytes, &byte, 1));
    }
    return bytes;
}

/** A document that has merged what the vector comes after. */
static struct quire_document *document_before(const json_t *vectors, const json_t *vector)
{
    struct quire_document *document = new_document();
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(vector, "after"), index, name)
    {
        size_t at;
        json_t *other;
        bool found = false;
        json_array_foreach(json_object_get(vectors, "valid"), at, other)
        {
            if (strcmp(text_of(other, "name"), json_string_value(name)) == 0) {
                struct quire_buffer bytes = hex_of(other, "bytes");
                merge_and_free(document, &bytes);
                found = true;
            }
        }
        cr_assert(found, "no vector %s", json_string_value(name));
    }
    return document;
}

static void assert_register(const json_t *shows, const char *key,
    const struct quire_document *document, enum quire_register field)
{
    const json_t *values = json_object_get(shows, key);
    cr_assert_eq(quire_document_register_count(document, field), json_array_size(values));
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *expected = json_array_get(values, i);
        const json_t *content = json_array_get(expected, 0);
        struct quire_value value;
        OK(quire_document_register(document, field, i, &value));
        cr_assert_eq(value.wall_ms, json_integer_value(json_array_get(expected, 1)));
        if (field == QUIRE_REGISTER_TITLE) {
            cr_assert(
                quire_bytes_equal(value.text, quire_bytes_of_text(json_string_value(content))));
        } else {
            cr_assert_eq(value.number, json_integer_value(content));
        }
    }
}

static void assert_set(
    const json_t *shows, const char *key, const struct quire_document *document, enum quire_set set)
{
    const json_t *elements = json_object_get(shows, key);
    cr_assert_eq(quire_document_set_count(document, set), json_array_size(elements));
    for (size_t i = 0; i < json_array_size(elements); i++) {
        const json_t *expected = json_array_get(elements, i);
        struct quire_element element;
        OK(quire_document_set_element(document, set, i, &element));
        cr_assert(quire_bytes_equal(
            element.name, quire_bytes_of_text(json_string_value(json_array_get(expected, 0)))));
        cr_assert_eq(element.value, json_integer_value(json_array_get(expected, 1)));
    }
}

static void assert_bytes(const json_t *vector, const char *key, struct quire_buffer actual)
{
    struct quire_buffer expected = hex_of(vector, key);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&expected), quire_buffer_bytes(&actual)),
        "%s: another %s", text_of(vector, "name"), key);
    quire_buffer_finish(&expected);
    quire_buffer_finish(&actual);
}

Test(vectors, valid_payloads_mean_what_the_vectors_say)
{
    json_t *vectors = load();
    size_t index;
    json_t *vector;
    json_array_foreach(json_object_get(vectors, "valid"), index, vector)
    {
        struct quire_document *document = document_before(vectors, vector);
        struct quire_buffer bytes = hex_of(vector, "bytes");
        cr_assert_eq(quire_document_merge(document, quire_buffer_bytes(&bytes)), QUIRE_OK, "%s",
            text_of(vector, "name"));
        const json_t *shows = json_object_get(vector, "shows");
        assert_text(document, text_of(shows, "text"));
        assert_register(shows, "title", document, QUIRE_REGISTER_TITLE);
        assert_register(shows, "date", document, QUIRE_REGISTER_DATE);
        assert_register(shows, "mood", document, QUIRE_REGISTER_MOOD);
        assert_set(shows, "tags", document, QUIRE_SET_TAGS);
        assert_set(shows, "emotions", document, QUIRE_SET_EMOTIONS);
        const char *journal = json_string_value(json_object_get(shows, "journal"));
        cr_assert(quire_bytes_equal(quire_document_journal(document),
                      quire_bytes_of_text(journal != NULL ? journal : "")),
            "%s", text_of(vector, "name"));
        cr_assert_eq(
            quire_document_deleted(document), json_is_true(json_object_get(shows, "deleted")));
        assert_bytes(vector, "canonical", canonical_of(document));
        assert_bytes(vector, "state", state_of(document));
        quire_buffer_finish(&bytes);
        quire_document_destroy(document);
    }
    cr_assert_gt(index, 10);
    json_decref(vectors);
}

Test(vectors, invalid_payloads_are_refused_and_change_nothing)
{
    json_t *vectors = load();
    size_t index;
    json_t *vector;
    json_array_foreach(json_object_get(vectors, "invalid"), index, vector)
    {
        struct quire_document *document = document_before(vectors, vector);
        struct quire_document *before = copy_of(document);
        struct quire_buffer bytes = hex_of(vector, "bytes");
        enum quire_status expected = strcmp(text_of(vector, "status"), "unsupported") == 0
            ? QUIRE_EUNSUPPORTED
            : QUIRE_EMALFORMED;
        cr_assert_eq(quire_document_merge(document, quire_buffer_bytes(&bytes)), expected, "%s",
            text_of(vector, "name"));
        assert_same_state(document, before);
        quire_buffer_finish(&bytes);
        quire_document_destroy(before);
        quire_document_destroy(document);
    }
    cr_assert_gt(index, 40);
    json_decref(vectors);
}
