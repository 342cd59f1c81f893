/*
 * An encoded document shows what it shows awake, and wakes at the first edit or merge.
 */
#include "crdt/inner.h"
#include "support.h"
#include <string.h>

/** Two people's text, values of every kind, some of it overwritten and erased. */
static struct quire_document *written(void)
{
    struct quire_document *document = new_document();
    struct quire_document *other = new_document();
    struct quire_stamp stamp = stamp_of("a", 5);
    struct quire_value value = {.number = 70};
    type(document, "a", 0, "Grüße aus Köln, 🙂 und so weiter");
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_MOOD, &value));
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_DATE, &value));
    OK(quire_document_add_element(
        document, &stamp, QUIRE_SET_EMOTIONS, quire_bytes_of_text("joy"), 9));
    set_title(document, "a", 5, "one");
    tag(document, "a", "home");
    tag(document, "a", "rain");
    sync_documents(document, other);
    type(other, "b", 6, "nicht ");
    set_title(other, "b", 6, "two");
    set_title(document, "a", 7, "three");
    untag(document, "a", "rain");
    erase(document, "a", 3, 4);
    sync_documents(document, other);
    while (quire_document_pending_size(document) > 0) {
        struct quire_buffer delta = take(document);
        quire_buffer_finish(&delta);
    }
    quire_document_destroy(other);
    return document;
}

static struct quire_document *opened(const struct quire_document *document)
{
    struct quire_buffer state = state_of(document);
    struct quire_document *encoded;
    OK(quire_document_open(&state, &encoded));
    cr_assert_eq(state.size, 0);
    cr_assert_null(state.data);
    return encoded;
}

/** To every function that only reads. */
static void assert_shows_the_same(const struct quire_document *a, const struct quire_document *b)
{
    struct quire_buffer shown_a = canonical_of(a);
    struct quire_buffer shown_b = canonical_of(b);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown_a), quire_buffer_bytes(&shown_b)));
    quire_buffer_finish(&shown_a);
    quire_buffer_finish(&shown_b);
    OK(quire_document_text(a, &shown_a));
    OK(quire_document_text(b, &shown_b));
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown_a), quire_buffer_bytes(&shown_b)));
    quire_buffer_finish(&shown_a);
    quire_buffer_finish(&shown_b);
    cr_assert_eq(quire_document_text_length(a), quire_document_text_length(b));
    cr_assert_eq(quire_document_text_size(a), quire_document_text_size(b));
    cr_assert_eq(quire_document_deleted(a), quire_document_deleted(b));
    cr_assert_eq(quire_document_empty(a), quire_document_empty(b));
    cr_assert_eq(quire_document_pending_size(a), quire_document_pending_size(b));
}

Test(encoded, a_encoded_document_shows_what_it_shows_awake)
{
    struct quire_document *document = written();
    struct quire_document *encoded = opened(document);
    assert_shows_the_same(document, encoded);
    assert_titles(encoded, "three|two");
    assert_tags(encoded, "home");
    assert_same_state(document, encoded);
    cr_assert(qr_document_is_encoded(encoded), "reading woke it");
    quire_document_destroy(encoded);
    quire_document_destroy(document);

    document = new_document();
    encoded = opened(document);
    assert_shows_the_same(document, encoded);
    type(encoded, "a", 0, "first words");
    assert_text(encoded, "first words");
    quire_document_destroy(encoded);
    quire_document_destroy(document);
}

static void insert_something(struct quire_document *document)
{
    type(document, "c", 3, "→ new ←");
}

static void erase_something(struct quire_document *document)
{
    erase(document, "c", 2, 5);
}

static void tag_something(struct quire_document *document)
{
    tag(document, "c", "rain");
}

static void untag_something(struct quire_document *document)
{
    untag(document, "c", "home");
}

static void delete_all(struct quire_document *document)
{
    struct quire_stamp stamp = stamp_of("c", 9);
    OK(quire_document_delete(document, &stamp));
}

static void merge_something(struct quire_document *document)
{
    struct quire_document *other = written();
    type(other, "d", 1, "from elsewhere");
    struct quire_buffer delta = take(other);
    merge_and_free(document, &delta);
    quire_document_destroy(other);
}

Test(encoded, any_edit_or_merge_wakes_it_and_does_what_it_does_awake)
{
    static void (*const changes[])(struct quire_document * document) = {insert_something,
        erase_something, tag_something, untag_something, delete_all, merge_something};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct quire_document *document = written();
        struct quire_document *encoded = opened(document);
        changes[i](document);
        changes[i](encoded);
        assert_shows_the_same(document, encoded);
        struct quire_buffer pending = pending_of(document);
        struct quire_buffer pending_too = pending_of(encoded);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&pending), quire_buffer_bytes(&pending_too)),
            "change %zu", i);
        assert_same_state(document, encoded);
        quire_buffer_finish(&pending);
        quire_buffer_finish(&pending_too);
        quire_document_destroy(encoded);
        quire_document_destroy(document);
    }
}

Test(encoded, a_document_rests_unless_edits_are_pending)
{
    struct quire_document *document = written();
    struct quire_document *same = copy_of(document);
    OK(quire_document_evict(document));
    cr_assert(qr_document_is_encoded(document));
    assert_shows_the_same(document, same);
    OK(quire_document_evict(document));
    insert_something(document);
    OK(quire_document_evict(document));
    cr_assert_not(qr_document_is_encoded(document));
    insert_something(same);
    assert_same_state(document, same);
    struct quire_buffer delta = take(document);
    quire_buffer_finish(&delta);
    OK(quire_document_evict(document));
    cr_assert(qr_document_is_encoded(document));
    assert_same_state(document, same);
    quire_document_destroy(document);
    quire_document_destroy(same);
}

Test(encoded, what_is_no_state_is_not_opened_and_not_taken)
{
    struct quire_document *document = written();
    insert_something(document);
    struct quire_document *untouched = NULL;
    struct quire_buffer delta = pending_of(document);
    struct quire_buffer before = pending_of(document);
    REFUSED(quire_document_open(&delta, &untouched), QUIRE_EMALFORMED);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&delta), quire_buffer_bytes(&before)));
    delta.data[0] = 2;
    REFUSED(quire_document_open(&delta, &untouched), QUIRE_EUNSUPPORTED);
    quire_buffer_clear(&delta);
    REFUSED(quire_document_open(&delta, &untouched), QUIRE_EMALFORMED);
    cr_assert_null(untouched);
    quire_buffer_finish(&delta);
    quire_buffer_finish(&before);
    quire_document_destroy(document);
}

Test(encoded, bytes_that_are_spoiled_where_nobody_looked_refuse_every_change)
{
    struct quire_document *document = written();
    struct quire_buffer state = state_of(document);
    state.data[state.size - 1]++; /* the last stretch is longer than its run */
    struct quire_document *encoded;
    OK(quire_document_open(&state, &encoded));
    assert_shows_the_same(document, encoded);
    struct quire_stamp stamp = stamp_of("c", 9);
    REFUSED(quire_document_insert(encoded, &stamp, 0, quire_bytes_of_text("x")), QUIRE_EMALFORMED);
    REFUSED(quire_document_erase(encoded, &stamp, 0, 1), QUIRE_EMALFORMED);
    REFUSED(
        quire_document_add_element(encoded, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text("x"), 0),
        QUIRE_EMALFORMED);
    REFUSED(quire_document_delete(encoded, &stamp), QUIRE_EMALFORMED);
    state = state_of(document);
    REFUSED(quire_document_merge(encoded, quire_buffer_bytes(&state)), QUIRE_EMALFORMED);
    assert_shows_the_same(document, encoded);
    quire_buffer_finish(&state);
    quire_document_destroy(encoded);
    quire_document_destroy(document);
}

Test(encoded, a_state_that_an_empty_document_is_given_is_kept_as_it_is)
{
    struct quire_document *document = written();
    struct quire_buffer state = state_of(document);
    struct quire_document *kept = new_document();
    OK(quire_document_merge(kept, quire_buffer_bytes(&state)));
    cr_assert(qr_document_is_encoded(kept));
    assert_shows_the_same(document, kept);
    assert_same_state(document, kept);
    OK(quire_document_merge(kept, quire_buffer_bytes(&state)));
    cr_assert_not(qr_document_is_encoded(kept));
    assert_same_state(document, kept);
    merge_something(kept);
    merge_something(document);
    assert_same_state(document, kept);
    quire_document_destroy(kept);

    struct quire_undo *undo;
    struct quire_document *watched = new_document();
    OK(quire_undo_create(65536, &undo));
    OK(quire_undo_attach(undo, watched));
    OK(quire_document_merge(watched, quire_buffer_bytes(&state)));
    cr_assert_not(qr_document_is_encoded(watched), "an undo notes what comes");
    quire_undo_destroy(undo);
    quire_document_destroy(watched);
    quire_buffer_finish(&state);
    quire_document_destroy(document);
}

/** Bytes that are taken as a state are the one form of it, so they may be kept unread. */
Test(encoded, a_spoiled_state_is_refused_or_is_another_one)
{
    struct quire_document *document = written();
    struct quire_buffer state = state_of(document);
    size_t taken = 0;
    for (size_t at = 0; at < state.size; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct quire_document *kept = new_document();
            state.data[at] ^= (uint8_t)(1u << bit);
            enum quire_status status = quire_document_merge(kept, quire_buffer_bytes(&state));
            cr_assert_eq(
                qr_document_is_encoded(kept), status == QUIRE_OK && (state.data[1] & 1) != 0);
            if (status == QUIRE_OK) {
                OK(quire_document_merge(kept, quire_buffer_bytes(&state)));
                struct quire_buffer again = state_of(kept);
                cr_assert(quire_bytes_equal(quire_buffer_bytes(&state), quire_buffer_bytes(&again)),
                    "byte %zu, bit %u", at, bit);
                quire_buffer_finish(&again);
                taken++;
            } else {
                cr_assert(quire_document_empty(kept));
                type(kept, "a", 0, "it can still be used");
            }
            quire_document_destroy(kept);
            state.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    cr_assert_gt(taken, state.size, "letters and names may be any");
    quire_buffer_finish(&state);
    quire_document_destroy(document);
}

Test(encoded, a_time_that_came_with_nothing_is_kept)
{
    static const uint8_t nothing[] = {
        1, 0, 0xfe, 0xff, 0x3f, 0}; /* a delta of no replica, of some time */
    struct quire_document *document = written();
    struct quire_buffer state = state_of(document);
    struct quire_document *first = new_document();
    struct quire_document *last = new_document();
    OK(quire_document_merge(first, (struct quire_bytes){nothing, sizeof nothing}));
    OK(quire_document_merge(first, quire_buffer_bytes(&state)));
    OK(quire_document_merge(last, quire_buffer_bytes(&state)));
    OK(quire_document_merge(last, (struct quire_bytes){nothing, sizeof nothing}));
    assert_same_state(first, last);
    quire_buffer_finish(&state);
    quire_document_destroy(last);
    quire_document_destroy(first);
    quire_document_destroy(document);
}
