/*
 * What the tests of documents share.
 */
#include "support.h"
#include "crdt/inner.h"
#include <string.h>

uint64_t roll(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

size_t pick(struct dice *dice, size_t below)
{
    return below == 0 ? 0 : (size_t)(roll(dice) % below);
}

struct quire_document *new_document(void)
{
    struct quire_document *document;
    OK(quire_document_create(&document));
    return document;
}

struct quire_stamp stamp_of(const char *replica, int64_t wall_ms)
{
    struct quire_stamp stamp = {.wall_ms = wall_ms};
    memcpy(stamp.replica, replica, strnlen(replica, QUIRE_REPLICA_SIZE));
    return stamp;
}

void type(struct quire_document *document, const char *replica, size_t position, const char *text)
{
    struct quire_stamp stamp = stamp_of(replica, 1);
    OK(quire_document_insert(document, &stamp, position, quire_bytes_of_text(text)));
}

void erase(struct quire_document *document, const char *replica, size_t position, size_t count)
{
    struct quire_stamp stamp = stamp_of(replica, 1);
    OK(quire_document_erase(document, &stamp, position, count));
}

void set_title(
    struct quire_document *document, const char *replica, int64_t wall_ms, const char *title)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    struct quire_value value = {.text = quire_bytes_of_text(title)};
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_TITLE, &value));
}

void tag(struct quire_document *document, const char *replica, const char *name)
{
    struct quire_stamp stamp = stamp_of(replica, 1);
    OK(quire_document_add_element(document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text(name), 0));
}

void untag(struct quire_document *document, const char *replica, const char *name)
{
    struct quire_stamp stamp = stamp_of(replica, 1);
    OK(quire_document_remove_element(document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text(name)));
}

struct quire_buffer state_of(const struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    OK(quire_document_encode(document, &bytes));
    if (!qr_document_is_encoded(document)) {
        qr_text_check(&document->text);
    }
    return bytes;
}

struct quire_buffer canonical_of(const struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    OK(quire_document_canonical(document, &bytes));
    return bytes;
}

struct quire_buffer pending_of(const struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    OK(quire_document_encode_pending(document, &bytes));
    return bytes;
}

struct quire_buffer take(struct quire_document *document)
{
    struct quire_buffer bytes = {0};
    OK(quire_document_take_delta(document, 1 << 20, &bytes));
    cr_assert_eq(quire_document_pending_size(document), 0);
    return bytes;
}

void merge_and_free(struct quire_document *document, struct quire_buffer *bytes)
{
    OK(quire_document_merge(document, quire_buffer_bytes(bytes)));
    quire_buffer_finish(bytes);
}

void sync_documents(struct quire_document *a, struct quire_document *b)
{
    struct quire_buffer state_a = state_of(a);
    struct quire_buffer state_b = state_of(b);
    merge_and_free(a, &state_b);
    merge_and_free(b, &state_a);
}

struct quire_document *copy_of(const struct quire_document *document)
{
    struct quire_document *copy = new_document();
    struct quire_buffer state = state_of(document);
    OK(quire_document_merge(copy, quire_buffer_bytes(&state)));
    merge_and_free(copy, &state); /* again, for the first one is kept as it is */
    return copy;
}

bool same_state(const struct quire_document *a, const struct quire_document *b)
{
    struct quire_buffer state_a = state_of(a);
    struct quire_buffer state_b = state_of(b);
    bool same = quire_bytes_equal(quire_buffer_bytes(&state_a), quire_buffer_bytes(&state_b));
    quire_buffer_finish(&state_a);
    quire_buffer_finish(&state_b);
    return same;
}

void assert_same_state(const struct quire_document *a, const struct quire_document *b)
{
    cr_assert(same_state(a, b), "two states differ");
    struct quire_buffer canonical_a = canonical_of(a);
    struct quire_buffer canonical_b = canonical_of(b);
    cr_assert(
        quire_bytes_equal(quire_buffer_bytes(&canonical_a), quire_buffer_bytes(&canonical_b)));
    quire_buffer_finish(&canonical_a);
    quire_buffer_finish(&canonical_b);
}

static void assert_buffer(struct quire_buffer *buffer, const char *text)
{
    OK(quire_buffer_append(buffer, "", 1));
    cr_assert_str_eq((const char *)buffer->data, text);
    quire_buffer_finish(buffer);
}

void assert_text(const struct quire_document *document, const char *text)
{
    struct quire_buffer buffer = {0};
    OK(quire_document_text(document, &buffer));
    cr_assert_eq(buffer.size, quire_document_text_size(document));
    assert_buffer(&buffer, text);
}

void assert_tags(const struct quire_document *document, const char *names)
{
    struct quire_buffer buffer = {0};
    for (size_t i = 0; i < quire_document_set_count(document, QUIRE_SET_TAGS); i++) {
        struct quire_element element;
        OK(quire_document_set_element(document, QUIRE_SET_TAGS, i, &element));
        OK(quire_buffer_append(&buffer, " ", i > 0 ? 1 : 0));
        OK(quire_buffer_append(&buffer, element.name.data, element.name.size));
    }
    assert_buffer(&buffer, names);
}

void assert_titles(const struct quire_document *document, const char *titles)
{
    struct quire_buffer buffer = {0};
    for (size_t i = 0; i < quire_document_register_count(document, QUIRE_REGISTER_TITLE); i++) {
        struct quire_value value;
        OK(quire_document_register(document, QUIRE_REGISTER_TITLE, i, &value));
        OK(quire_buffer_append(&buffer, "|", i > 0 ? 1 : 0));
        OK(quire_buffer_append(&buffer, value.text.data, value.text.size));
    }
    assert_buffer(&buffer, titles);
}
