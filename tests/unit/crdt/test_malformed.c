/*
 * A stranger's bytes: whatever is wrong with them, they are refused whole or merged whole.
 */
#include "support.h"
#include "kit/rounds.h"
#include <stdlib.h>
#include <string.h>

/** Merging must not fail for any other reason than the bytes, and a refusal changes nothing. */
static bool try_merge(struct quire_document *document, struct quire_bytes bytes)
{
    struct quire_buffer before = state_of(document);
    enum quire_status status = quire_document_merge(document, bytes);
    cr_assert(status == QUIRE_OK || status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT
        || status == QUIRE_EUNSUPPORTED);
    struct quire_buffer after = state_of(document);
    if (status != QUIRE_OK) {
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&before), quire_buffer_bytes(&after)));
    }
    quire_buffer_finish(&before);
    quire_buffer_finish(&after);
    return status == QUIRE_OK;
}

/** A base that two share, and a delta with something of everything on top of it. */
static struct quire_buffer rich_delta(struct quire_document **out_base)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "some text");
    set_title(document, "a", 1, "title");
    tag(document, "a", "tag");
    type(document, "b", 4, "thing");
    struct quire_buffer base = take(document);
    *out_base = new_document();
    merge_and_free(*out_base, &base);
    type(document, "a", 2, "ü😀");
    erase(document, "c", 0, 4);
    type(document, "c", 3, "more");
    set_title(document, "c", 7, "another");
    untag(document, "c", "tag");
    struct quire_stamp stamp = stamp_of("c", 9);
    struct quire_value value = {.number = 40};
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_MOOD, &value));
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_DATE, &value));
    OK(quire_document_add_element(
        document, &stamp, QUIRE_SET_EMOTIONS, quire_bytes_of_text("joy"), 50));
    OK(quire_document_delete(document, &stamp));
    struct quire_buffer delta = take(document);
    quire_document_destroy(document);
    return delta;
}

Test(malformed, what_is_cut_short_is_refused)
{
    struct quire_document *base;
    struct quire_buffer delta = rich_delta(&base);
    for (size_t size = 0; size < delta.size; size++) {
        uint8_t *exact = malloc(size + 1); /* so that a read past the end is seen */
        memcpy(exact, delta.data, size);
        cr_assert_not(try_merge(base, (struct quire_bytes){exact, size}), "%zu bytes", size);
        free(exact);
    }
    OK(quire_buffer_append(&delta, "", 1));
    cr_assert_not(try_merge(base, quire_buffer_bytes(&delta)), "a byte too many");
    delta.size--;
    cr_assert(try_merge(base, quire_buffer_bytes(&delta)));
    quire_buffer_finish(&delta);
    quire_document_destroy(base);
}

Test(malformed, no_changed_byte_does_harm)
{
    struct quire_document *base;
    struct quire_buffer delta = rich_delta(&base);
    for (size_t at = 0; at < delta.size; at++) {
        uint8_t kept = delta.data[at];
        for (unsigned value = 0; value < 256; value += KIT_FEWER) {
            delta.data[at] = (uint8_t)value;
            struct quire_document *document = copy_of(base);
            if (try_merge(document, quire_buffer_bytes(&delta))) {
                struct quire_document *copy = copy_of(document); /* whatever it is, it is sound */
                assert_same_state(document, copy);
                quire_document_destroy(copy);
            }
            quire_document_destroy(document);
        }
        delta.data[at] = kept;
    }
    quire_buffer_finish(&delta);
    quire_document_destroy(base);
}

Test(malformed, an_effect_without_its_cause_is_refused)
{
    struct quire_document *base;
    struct quire_buffer delta = rich_delta(&base);
    struct quire_document *empty = new_document();
    cr_assert_not(try_merge(empty, quire_buffer_bytes(&delta)));
    cr_assert(quire_document_empty(empty));
    quire_buffer_finish(&delta);
    quire_document_destroy(empty);
    quire_document_destroy(base);
}

Test(malformed, a_gap_in_a_replica_is_refused)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    tag(one, "a", "first");
    struct quire_buffer first = take(one);
    tag(one, "a", "second");
    struct quire_buffer second = take(one);
    cr_assert_not(try_merge(two, quire_buffer_bytes(&second)));
    cr_assert(try_merge(two, quire_buffer_bytes(&first)));
    cr_assert(try_merge(two, quire_buffer_bytes(&second)));
    assert_same_state(one, two);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(malformed, known_runs_that_say_they_hang_on_each_other_are_refused)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "x");
    type(document, "b", 1, "y");
    static const uint8_t circle[] = {1, 8 + 16, 0,                         /* letters and runs */
        2, 'a', 0, 0, 0, 0, 0, 0, 0, 'b', 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, /* each from 1 to 1 */
        2, 'x', 'y', 2, 0, 1, 1, 1, 2, 2, 0, 0, /* a run of one letter of each */
        4, 2, 2, 2, 0, 0, 2};                   /* a's parent is b's letter, b's is a's */
    cr_assert_not(try_merge(document, (struct quire_bytes){circle, sizeof circle}));
    quire_document_destroy(document);
}

Test(malformed, a_newer_version_says_so)
{
    struct quire_document *document = new_document();
    static const uint8_t newer[2] = {2, 0};
    static const uint8_t none[2] = {0, 0};
    REFUSED(quire_document_merge(document, (struct quire_bytes){newer, 2}), QUIRE_EUNSUPPORTED);
    REFUSED(quire_document_merge(document, (struct quire_bytes){none, 2}), QUIRE_EMALFORMED);
    REFUSED(quire_document_merge(document, (struct quire_bytes){NULL, 0}), QUIRE_EMALFORMED);
    quire_document_destroy(document);
}

Test(malformed, random_changes_do_no_harm)
{
    struct quire_document *base;
    struct quire_buffer delta = rich_delta(&base);
    struct quire_buffer state = state_of(base);
    struct dice dice = {11};
    for (size_t i = 0; i < 20000; i++) {
        struct quire_buffer from = pick(&dice, 2) == 0 ? delta : state;
        struct quire_buffer changed = {0};
        OK(quire_buffer_append(&changed, from.data, from.size));
        for (size_t changes = 1 + pick(&dice, 4); changes > 0; changes--) {
            size_t at = pick(&dice, changed.size);
            size_t size = pick(&dice, changed.size - at);
            switch (pick(&dice, 3)) {
            case 0: changed.data[at] = (uint8_t)roll(&dice); break;
            case 1:
                memmove(changed.data + at, changed.data + at + size, changed.size - at - size);
                changed.size -= size;
                break;
            default: changed.data[at] = (uint8_t)(changed.data[at] + 1);
            }
            changed.size += changed.size == 0 ? 1 : 0;
        }
        struct quire_document *document = i % 2 == 0 ? copy_of(base) : new_document();
        try_merge(document, quire_buffer_bytes(&changed));
        quire_buffer_finish(&changed);
        quire_document_destroy(document);
    }
    quire_buffer_finish(&delta);
    quire_buffer_finish(&state);
    quire_document_destroy(base);
}
