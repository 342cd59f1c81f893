/*
 * What is refused: wrong arguments and what is one above a limit. Nothing changes then.
 */
#include "support.h"
#include "base/writer.h"
#include "crdt/inner.h"
#include "kit/rounds.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** A call that is refused changes neither the state nor what is pending. */
#define REFUSED_WITHOUT_CHANGE(document, call, status) \
    do { \
        struct quire_buffer state_before = state_of(document); \
        struct quire_buffer pending_before = pending_of(document); \
        REFUSED(call, status); \
        struct quire_buffer state_after = state_of(document); \
        struct quire_buffer pending_after = pending_of(document); \
        cr_assert(quire_bytes_equal( \
            quire_buffer_bytes(&state_before), quire_buffer_bytes(&state_after))); \
        cr_assert(quire_bytes_equal( \
            quire_buffer_bytes(&pending_before), quire_buffer_bytes(&pending_after))); \
        quire_buffer_finish(&state_before); \
        quire_buffer_finish(&pending_before); \
        quire_buffer_finish(&state_after); \
        quire_buffer_finish(&pending_after); \
    } while (0)

static const struct quire_stamp me = {{'m', 'e'}, 1};

static struct quire_document *some_document(void)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "text");
    set_title(document, "a", 1, "title");
    tag(document, "a", "tag");
    return document;
}

Test(arguments, text_that_is_not_utf8_is_refused)
{
    static const char *const wrong[] = {"\x80", "a\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "\xe2\x82", "\xc3(", "\xf0\x9f\x98", "ok\xe2(\xa1"};
    struct quire_document *document = some_document();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t size = strlen(wrong[i]);
        uint8_t *exact = malloc(size); /* so that a read past the end is seen */
        memcpy(exact, wrong[i], size);
        struct quire_bytes text = {exact, size};
        struct quire_value value = {.text = text};
        REFUSED_WITHOUT_CHANGE(
            document, quire_document_insert(document, &me, 0, text), QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(document,
            quire_document_set_register(document, &me, QUIRE_REGISTER_TITLE, &value),
            QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(document,
            quire_document_add_element(document, &me, QUIRE_SET_TAGS, text, 0), QUIRE_EINVALID);
        free(exact);
    }
    type(document, "a", 0,
        "\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80"
        "\xf4\x8f\xbf\xbf"); /* the first and last of each length are text */
    OK(quire_document_insert(document, &me, 0, (struct quire_bytes){(const uint8_t *)"\0", 1}));
    quire_document_destroy(document);
}

Test(arguments, places_outside_of_the_text_are_refused)
{
    struct quire_document *document = some_document();
    struct quire_bytes text = quire_bytes_of_text("x");
    REFUSED_WITHOUT_CHANGE(document, quire_document_insert(document, &me, 5, text), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(
        document, quire_document_insert(document, &me, SIZE_MAX, text), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_insert(document, &me, 0, (struct quire_bytes){NULL, 0}), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(document, quire_document_erase(document, &me, 0, 0), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(document, quire_document_erase(document, &me, 0, 5), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(document, quire_document_erase(document, &me, 4, 1), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(document, quire_document_erase(document, &me, 5, 1), QUIRE_EINVALID);
    REFUSED_WITHOUT_CHANGE(
        document, quire_document_erase(document, &me, 1, SIZE_MAX), QUIRE_EINVALID);
    quire_document_destroy(document);
}

Test(arguments, values_outside_of_their_range_are_refused)
{
    struct quire_document *document = some_document();
    struct quire_bytes name = quire_bytes_of_text("name");
    static const int64_t wrong[] = {-1, 101, INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        struct quire_value value = {.number = wrong[i]};
        REFUSED_WITHOUT_CHANGE(document,
            quire_document_set_register(document, &me, QUIRE_REGISTER_MOOD, &value),
            QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(document,
            quire_document_add_element(document, &me, QUIRE_SET_EMOTIONS, name, wrong[i]),
            QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(document,
            quire_document_add_element(document, &me, QUIRE_SET_TAGS, name, wrong[i]),
            QUIRE_EINVALID);
    }
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_add_element(document, &me, QUIRE_SET_TAGS, (struct quire_bytes){NULL, 0}, 0),
        QUIRE_EINVALID);
    quire_document_destroy(document);
}

Test(arguments, fields_that_do_not_exist_are_refused)
{
    struct quire_document *document = some_document();
    struct quire_value value = {.number = 1};
    struct quire_element element;
    struct quire_bytes name = quire_bytes_of_text("name");
    static const int wrong[] = {-1, 3, 1000};
    for (size_t i = 0; i < 3; i++) {
        enum quire_register field = (enum quire_register)wrong[i];
        enum quire_set set = (enum quire_set)wrong[i];
        REFUSED_WITHOUT_CHANGE(
            document, quire_document_set_register(document, &me, field, &value), QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(
            document, quire_document_clear_register(document, &me, field), QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(
            document, quire_document_add_element(document, &me, set, name, 0), QUIRE_EINVALID);
        REFUSED_WITHOUT_CHANGE(
            document, quire_document_remove_element(document, &me, set, name), QUIRE_EINVALID);
        REFUSED(quire_document_register(document, field, 0, &value), QUIRE_ENOTFOUND);
        REFUSED(quire_document_set_element(document, set, 0, &element), QUIRE_ENOTFOUND);
    }
    REFUSED(quire_document_register(document, QUIRE_REGISTER_TITLE, 1, &value), QUIRE_ENOTFOUND);
    REFUSED(quire_document_set_element(document, QUIRE_SET_TAGS, 1, &element), QUIRE_ENOTFOUND);
    quire_document_destroy(document);
}

Test(limits, text_grows_to_its_limit_and_no_further)
{
    static uint8_t text[QUIRE_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    struct quire_document *document = new_document();
    REFUSED(quire_document_insert(document, &me, 0, (struct quire_bytes){text, sizeof text}),
        QUIRE_ELIMIT);
    cr_assert(quire_document_empty(document));
    OK(quire_document_insert(document, &me, 0, (struct quire_bytes){text, QUIRE_TEXT_MAX}));
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_insert(document, &me, 0, (struct quire_bytes){text, 1}), QUIRE_ELIMIT);
    struct quire_document *copy = copy_of(document); /* and it can be merged */
    /* Two who wrote at the same time may go past it together. */
    erase(copy, "c", 0, 10);
    OK(quire_document_insert(copy, &me, 0, (struct quire_bytes){text, 10}));
    sync_documents(document, copy);
    assert_same_state(document, copy);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

Test(limits, titles_and_names_have_a_length)
{
    char text[QUIRE_TITLE_MAX + 2];
    memset(text, 'x', sizeof text);
    struct quire_document *document = new_document();
    struct quire_value value = {.text = {(uint8_t *)text, QUIRE_TITLE_MAX}};
    OK(quire_document_set_register(document, &me, QUIRE_REGISTER_TITLE, &value));
    value.text.size++;
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_set_register(document, &me, QUIRE_REGISTER_TITLE, &value), QUIRE_ELIMIT);
    struct quire_bytes name = {(uint8_t *)text, QUIRE_ELEMENT_MAX};
    OK(quire_document_add_element(document, &me, QUIRE_SET_TAGS, name, 0));
    name.size++;
    REFUSED_WITHOUT_CHANGE(
        document, quire_document_add_element(document, &me, QUIRE_SET_TAGS, name, 0), QUIRE_ELIMIT);
    struct quire_document *copy = copy_of(document);
    assert_same_state(document, copy);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

Test(limits, a_set_shows_so_many_elements)
{
    struct quire_document *document = new_document();
    char name[16];
    for (int i = 0; i < QUIRE_ELEMENTS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tag(document, "a", name);
    }
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_add_element(
            document, &me, QUIRE_SET_TAGS, quire_bytes_of_text("one more"), 0),
        QUIRE_ELIMIT);
    tag(document, "a", "tag 7"); /* it is there already */
    OK(quire_document_add_element(
        document, &me, QUIRE_SET_EMOTIONS, quire_bytes_of_text("one more"), 0)); /* another set */
    struct quire_document *other = new_document();
    for (int i = 0; i < QUIRE_ELEMENTS_MAX; i++) {
        snprintf(name, sizeof name, "other %d", i);
        tag(other, "b", name);
    }
    sync_documents(document, other); /* concurrently there may be more */
    cr_assert_eq(quire_document_set_count(other, QUIRE_SET_TAGS), 2 * QUIRE_ELEMENTS_MAX);
    assert_same_state(document, other);
    quire_document_destroy(other);
    quire_document_destroy(document);
}

#define MANY_REPLICAS 6000

Test(limits, a_document_of_thousands_of_replicas_takes_another)
{
    struct quire_document *document = new_document();
    struct quire_stamp stamp = {.wall_ms = 1};
    struct quire_value value = {.number = 1};
    for (unsigned i = 0; i < MANY_REPLICAS; i++) {
        stamp.replica[0] = (uint8_t)(i >> 8);
        stamp.replica[1] = (uint8_t)i;
        OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_MOOD, &value));
    }
    OK(quire_document_delete(document, &me));
    struct quire_document *copy = copy_of(document);
    assert_same_state(document, copy);

    /* And with deltas of a small size, too: the delete's vector is larger than one. */
    struct quire_document *reader = new_document();
    while (quire_document_pending_size(document) > 0) {
        struct quire_buffer delta = {0};
        OK(quire_document_take_delta(document, 4096, &delta));
        cr_assert_leq(delta.size, 4096);
        merge_and_free(reader, &delta);
    }
    cr_assert(quire_document_deleted(reader));
    struct quire_document *stranger = new_document();
    type(stranger, "stranger", 0, "x");
    struct quire_buffer delta = take(stranger);
    merge_and_free(reader, &delta);
    assert_text(reader, "x");
    quire_document_destroy(stranger);
    quire_document_destroy(reader);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

/** A delta of one character and so many left children of it, all dead. */
static struct quire_buffer many_children(uint8_t replica, unsigned first, unsigned count)
{
    struct quire_buffer bytes = {0};
    struct qr_writer writer = qr_writer_onto(&bytes);
    static const uint8_t names[2][QUIRE_REPLICA_SIZE] = {{1}, {2}};
    bool own = replica == 0;
    size_t name_count = own ? 1 : 2;
    qr_write_u8(&writer, QR_DOCUMENT_VERSION);
    qr_write_u8(&writer, 16); /* runs */
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, name_count);
    qr_write_bytes(&writer, names, name_count * QUIRE_REPLICA_SIZE);
    if (!own) {
        qr_write_varint(&writer, 0);
    }
    qr_write_varint(&writer, count);
    qr_write_varint(&writer, first);
    qr_write_varint(&writer, count);
    qr_write_varint(&writer, replica); /* one turn */
    qr_write_varint(&writer, count);
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, 2u | (own && first + i == 1 ? 0u : 1u));
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, 0); /* no gap */
    }
    for (unsigned i = 0; i < count; i++) {
        if (own && first + i == 1) {
            qr_write_varint(&writer, 0);
        } else if (own) {
            qr_write_varint(&writer, 2 * (first + i - 1) - 1); /* back to character 1 */
        } else {
            qr_write_varint(&writer, 2);
            qr_write_varint(&writer, i == 0 ? 2 : 0); /* character 1 */
        }
    }
    if (own && first == 1) {
        qr_write_varint(&writer, 0); /* right of the first: the end */
    }
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, count);
    OK(qr_writer_end(&writer));
    return bytes;
}

Test(limits, a_character_has_any_number_of_children)
{
    struct quire_document *document = new_document();
    struct quire_document *other = new_document();
    struct quire_buffer first = many_children(0, 1, 50001);
    struct quire_buffer second = many_children(1, 1, 1);
    OK(quire_document_merge(document, quire_buffer_bytes(&first)));
    OK(quire_document_merge(document, quire_buffer_bytes(&second)));
    OK(quire_document_merge(other, quire_buffer_bytes(&first)));
    OK(quire_document_merge(other, quire_buffer_bytes(&first)));
    merge_and_free(other, &second);
    assert_same_state(document, other);
    quire_buffer_finish(&first);
    quire_document_destroy(other);
    quire_document_destroy(document);
}

Test(limits, a_payload_has_a_size)
{
    struct quire_document *document = some_document();
    uint8_t *bytes = calloc(1, QR_PAYLOAD_MAX + 1);
    bytes[0] = QR_DOCUMENT_VERSION;
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_merge(document, (struct quire_bytes){bytes, QR_PAYLOAD_MAX + 1}),
        QUIRE_ELIMIT);
    REFUSED_WITHOUT_CHANGE(document,
        quire_document_merge(document, (struct quire_bytes){bytes, QR_PAYLOAD_MAX}),
        QUIRE_EMALFORMED);
    free(bytes);
    quire_document_destroy(document);
}

/** All that is pending, as one delta. */
static struct quire_buffer take_large(struct quire_document *document)
{
    struct quire_buffer delta = {0};
    OK(quire_document_take_delta(document, QR_PAYLOAD_MAX, &delta));
    cr_assert_eq(quire_document_pending_size(document), 0);
    return delta;
}

/** Merges the deltas in an order of its own, some of them twice; returns the canonical form. */
static struct quire_buffer shown_after(
    struct quire_buffer *const deltas, size_t count, size_t first, size_t step)
{
    struct quire_document *document = new_document();
    struct quire_buffer shown = {0};
    for (size_t i = 0; i < count; i++) {
        size_t at = (first + i * step) % count;
        OK(quire_document_merge(document, quire_buffer_bytes(&deltas[at])));
        if (i % 3 == 1) {
            OK(quire_document_merge(document, quire_buffer_bytes(&deltas[at])));
        }
    }
    OK(quire_document_canonical(document, &shown));
    quire_document_destroy(document);
    return shown;
}

/** Every order shows the same; `count` is prime, so that each step visits all. */
static void assert_any_order(struct quire_buffer *deltas, size_t count)
{
    struct quire_buffer shown = shown_after(deltas, count, 0, 1);
    for (size_t step = 1; step < count; step += count / 3) {
        struct quire_buffer other = shown_after(deltas, count, count - 1, step);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown), quire_buffer_bytes(&other)));
        quire_buffer_finish(&other);
    }
    quire_buffer_finish(&shown);
    for (size_t i = 0; i < count; i++) {
        quire_buffer_finish(&deltas[i]);
    }
}

/** Items that a document's text has; it is awake. */
static size_t items_of(const struct quire_document *document)
{
    OK(qr_document_settle(document));
    qr_text_check(&document->text);
    return document->text.item_count - document->text.free_count;
}

Test(limits, two_million_keys_of_letters_typed_and_erased_leave_few_items_here_and_elsewhere)
{
    static const char *const words[] = {"a", "to", "and", "tired", "thirteen char"};
    struct quire_document *writer = new_document();
    struct quire_document *reader = new_document();
    type(writer, "me", 0, "before  after");
    merge_and_free(reader, &(struct quire_buffer[]){take(writer)}[0]);
    size_t keys = 0;
    for (size_t round = 0; keys < 2000000; round++) {
        size_t m = strlen(words[round / 40000 % 5]);
        for (size_t i = 0; i < m; i++) {
            OK(quire_document_insert(writer, &me, 7 + i,
                (struct quire_bytes){(const uint8_t *)words[round / 40000 % 5] + i, 1}));
        }
        if (round % 4096 < 40) { /* the letters are sent before they are erased */
            merge_and_free(reader, &(struct quire_buffer[]){take(writer)}[0]);
        }
        for (size_t i = m; i > 0; i--) {
            OK(quire_document_erase(writer, &me, 7 + i - 1, 1));
        }
        keys += 2 * m;
        if (round % 4096 < 40) {
            merge_and_free(reader, &(struct quire_buffer[]){take(writer)}[0]);
        }
    }
    merge_and_free(reader, &(struct quire_buffer[]){take(writer)}[0]);
    cr_assert_lt(items_of(writer), 10);
    cr_assert_lt(items_of(reader), 10);
    assert_same_state(writer, reader);
    struct quire_buffer state = state_of(writer);
    cr_assert_lt(state.size, 100);
    quire_buffer_finish(&state);
    assert_text(reader, "before  after");
    quire_document_destroy(writer);
    quire_document_destroy(reader);
}

Test(limits, two_devices_that_rewrite_one_entry_in_turn_leave_few_items)
{
    struct quire_document *devices[2] = {new_document(), new_document()};
    for (size_t i = 0; i < 4000; i++) {
        struct quire_document *document = devices[i % 2];
        struct quire_stamp stamp = {{'d', (uint8_t)(i % 2)}, 1};
        size_t length = quire_document_text_length(document);
        if (length > 0) {
            OK(quire_document_erase(document, &stamp, 0, length));
        }
        OK(quire_document_insert(
            document, &stamp, 0, quire_bytes_of_text(i % 7 ? "slept" : "well")));
        merge_and_free(devices[1 - i % 2], &(struct quire_buffer[]){take(document)}[0]);
    }
    cr_assert_lt(items_of(devices[0]), 20);
    cr_assert_lt(items_of(devices[1]), 20);
    assert_same_state(devices[0], devices[1]);
    quire_document_destroy(devices[0]);
    quire_document_destroy(devices[1]);
}

Test(limits, five_devices_that_rewrote_an_entry_131000_times_each_show_the_same)
{
    struct quire_buffer deltas[5] = {0};
    for (size_t device = 0; device < 5; device++) {
        struct quire_document *document = new_document();
        struct quire_stamp stamp = {{'d', (uint8_t)device}, 1};
        for (size_t i = 0; i < 131000; i++) {
            size_t length = quire_document_text_length(document);
            if (length > 0) {
                OK(quire_document_erase(document, &stamp, 0, length));
            }
            OK(quire_document_insert(
                document, &stamp, 0, quire_bytes_of_text(i % 7 ? "slept" : "well")));
        }
        deltas[device] = take_large(document);
        quire_document_destroy(document);
    }
    assert_any_order(deltas, 5);
}

Test(limits, nine_megabytes_of_nine_devices_show_the_same_and_can_be_edited)
{
    static uint8_t text[QUIRE_TEXT_MAX];
    struct quire_buffer deltas[11] = {0};
    struct quire_document *reader = new_document();
    for (size_t device = 0; device < 11; device++) { /* nine, and two that write a line */
        struct quire_document *document = new_document();
        struct quire_stamp stamp = {{'d', (uint8_t)device}, 1};
        memset(text, 'a' + (int)device, sizeof text);
        OK(quire_document_insert(
            document, &stamp, 0, (struct quire_bytes){text, device < 9 ? sizeof text : 40}));
        deltas[device] = take_large(document);
        OK(quire_document_merge(reader, quire_buffer_bytes(&deltas[device])));
        quire_document_destroy(document);
    }
    assert_any_order(deltas, 11);
    cr_assert_eq(quire_document_text_length(reader), 9 * QUIRE_TEXT_MAX + 80);

    /* Nothing more is written, but the entry is opened, cleared, and written again. */
    REFUSED_WITHOUT_CHANGE(
        reader, quire_document_insert(reader, &me, 0, quire_bytes_of_text("x")), QUIRE_ELIMIT);
    struct quire_buffer state = state_of(reader);
    struct quire_document *copy;
    OK(quire_document_open(&state, &copy));
    OK(quire_document_erase(copy, &me, 0, quire_document_text_length(copy)));
    type(copy, "me", 0, "again");
    sync_documents(reader, copy);
    assert_text(reader, "again");
    quire_document_destroy(copy);
    quire_document_destroy(reader);
}

Test(limits, scattered_edits_are_refused_by_nothing_but_the_text_s_size)
{
    struct quire_document *document = new_document();
    struct dice dice = {3};
    static uint8_t text[512 * 1024];
    memset(text, 'x', sizeof text);
    OK(quire_document_insert(document, &me, 0, (struct quire_bytes){text, sizeof text}));
    for (size_t i = 0; i < KIT_ROUNDS(150000); i++) {
        size_t position = pick(&dice, quire_document_text_length(document));
        OK(quire_document_insert(document, &me, position, quire_bytes_of_text("ab")));
    }
    for (size_t i = 0; i < KIT_ROUNDS(300000); i++) {
        OK(quire_document_erase(document, &me, i, 1));
    }
    struct quire_document *copy = copy_of(document);
    assert_same_state(document, copy);
    OK(quire_document_erase(copy, &me, 0, quire_document_text_length(copy)));
    sync_documents(document, copy);
    assert_text(document, "");
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

/** A delta of dead runs, each going on from the one before. */
static struct quire_buffer dead_runs(uint64_t length, unsigned count)
{
    struct quire_buffer bytes = {0};
    struct qr_writer writer = qr_writer_onto(&bytes);
    static const uint8_t name[QUIRE_REPLICA_SIZE] = {7};
    qr_write_u8(&writer, QR_DOCUMENT_VERSION);
    qr_write_u8(&writer, 16); /* runs */
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, 1);
    qr_write_bytes(&writer, name, sizeof name);
    qr_write_varint(&writer, length * count);
    qr_write_varint(&writer, 1);
    qr_write_varint(&writer, count);
    qr_write_varint(&writer, 0); /* one turn */
    qr_write_varint(&writer, count);
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, length << 1);
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, 0); /* no gap */
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, i == 0 ? 0 : 1); /* the character before */
    }
    for (unsigned i = 0; i < count; i++) {
        qr_write_varint(&writer, 0); /* the end */
    }
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, length * count);
    OK(qr_writer_end(&writer));
    return bytes;
}

Test(limits, dead_characters_without_end_can_be_kept_and_read)
{
    for (unsigned count = 2; count <= 5; count++) {
        struct quire_document *whole = new_document();
        struct quire_buffer runs = dead_runs(QR_RUN_MAX, count);
        merge_and_free(whole, &runs);
        struct quire_document *copy = copy_of(whole);
        assert_same_state(whole, copy);
        type(copy, "a", 0, "before all of it");
        quire_document_destroy(copy);
        quire_document_destroy(whole);
    }
}
