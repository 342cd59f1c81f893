/*
 * Undo and redo of registers and elements, where others write at the same time.
 */
#include "undo_support.h"

static void feel(
    struct quire_document *document, const char *replica, int64_t wall_ms, int64_t value)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    OK(quire_document_add_element(
        document, &stamp, QUIRE_SET_EMOTIONS, quire_bytes_of_text("joy"), value));
}

static void assert_joy(const struct quire_document *document, int64_t value)
{
    struct quire_element element;
    OK(quire_document_set_element(document, QUIRE_SET_EMOTIONS, 0, &element));
    cr_assert_eq(element.value, value, "%lld", (long long)element.value);
}

Test(undo_cells, registers_and_elements_go_back_to_what_they_were)
{
    struct quire_document *document = new_document();
    set_title(document, "base", 1, "before");
    struct quire_undo *undo = undo_of(document);
    set_title(document, "me", 2, "one");
    next_step(undo);
    set_title(document, "me", 3, "two");
    next_step(undo);
    OK(quire_document_clear_register(document, &me, QUIRE_REGISTER_TITLE));
    next_step(undo);
    struct quire_value mood = {.number = 40};
    OK(quire_document_set_register(document, &me, QUIRE_REGISTER_MOOD, &mood));
    next_step(undo);
    tag(document, "me", "tag");
    next_step(undo);
    untag(document, "me", "tag");
    assert_tags(document, "");
    for (size_t round = 0; round < 3; round++) {
        back(undo);
        assert_tags(document, "tag");
        back(undo);
        assert_tags(document, "");
        back(undo);
        cr_assert_eq(quire_document_register_count(document, QUIRE_REGISTER_MOOD), 0);
        back(undo);
        assert_titles(document, "two");
        back(undo);
        assert_titles(document, "one");
        back(undo);
        assert_titles(document, "before");
        REFUSED(quire_undo_undo(undo, &me), QUIRE_ENOTFOUND);
        for (size_t i = 0; i < 6; i++) {
            forth(undo);
        }
        assert_titles(document, "");
        assert_tags(document, "");
        cr_assert_eq(quire_document_register_count(document, QUIRE_REGISTER_MOOD), 1);
    }
    end(undo, document, NULL);
}

Test(undo_cells, a_register_that_somebody_wrote_since_is_left_alone)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    struct quire_undo *undo = undo_of(a);
    set_title(a, "me", 1, "mine");
    exchange(a, b);
    set_title(b, "other", 2, "theirs"); /* having seen it */
    exchange(a, b);
    back(undo);
    assert_titles(a, "theirs");
    exchange(a, b);
    end(undo, a, b);
}

Test(undo_cells, of_two_concurrent_values_the_other_stays)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    struct quire_undo *undo = undo_of(a);
    set_title(a, "me", 9, "mine");
    set_title(b, "other", 5, "theirs");
    exchange(a, b);
    assert_titles(a, "mine|theirs");
    back(undo);
    assert_titles(a, "theirs");
    exchange(a, b);
    assert_titles(b, "theirs");
    end(undo, a, b);
}

Test(undo_cells, a_value_that_is_made_again_stands_beside_the_other)
{
    for (int64_t mine = 1; mine <= 9; mine += 8) { /* before theirs by the clock, and after it */
        const char *both = mine < 5 ? "theirs|mine" : "mine|theirs";
        struct quire_document *a;
        struct quire_document *b;
        twins("x", &a, &b);
        set_title(a, "base", 0, "old");
        exchange(a, b);
        struct quire_undo *undo = undo_of(a);
        set_title(a, "me", mine, "mine");
        set_title(b, "other", 5, "theirs");
        exchange(a, b);
        for (size_t round = 0; round < 3; round++) {
            assert_titles(a, both);
            back(undo);
            assert_titles(a, "theirs"); /* which had overwritten the old one, too */
            exchange(a, b);
            forth(undo);
            exchange(a, b);
        }
        assert_titles(b, both);
        end(undo, a, b);
    }
}

Test(undo_cells, what_stood_side_by_side_does_so_again_with_its_times)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    set_title(a, "one", 3, "first");
    set_title(b, "two", 3, "second"); /* only the id says which is shown */
    feel(a, "one", 3, 10);
    feel(b, "two", 4, 20);
    exchange(a, b);
    struct quire_undo *undo = undo_of(a);
    struct quire_buffer before = canonical_of(a);
    assert_titles(a, "second|first");
    set_title(a, "me", 9, "chosen");
    feel(a, "me", 9, 30);
    struct quire_buffer after = canonical_of(a);
    for (size_t round = 0; round < 3; round++) {
        back(undo);
        assert_titles(a, "second|first");
        struct quire_buffer here = canonical_of(a);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&here), quire_buffer_bytes(&before)));
        quire_buffer_finish(&here);
        exchange(a, b);
        forth(undo);
        here = canonical_of(a);
        cr_assert(quire_bytes_equal(quire_buffer_bytes(&here), quire_buffer_bytes(&after)));
        quire_buffer_finish(&here);
        exchange(a, b);
    }
    back(undo); /* both values of the element are there: without the one shown there is the other */
    exchange(a, b);
    assert_joy(b, 20);
    quire_buffer_finish(&before);
    quire_buffer_finish(&after);
    end(undo, a, b);
}

Test(undo_cells, what_another_had_not_seen_comes_back_beside_what_they_wrote)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    set_title(a, "base", 3, "old"); /* which b does not hear of */
    struct quire_undo *undo = undo_of(a);
    set_title(a, "me", 4, "mine");
    set_title(b, "other", 5, "theirs");
    exchange(a, b);
    assert_titles(a, "theirs|mine");
    back(undo);
    assert_titles(a, "theirs|old");
    exchange(a, b);
    forth(undo);
    assert_titles(a, "theirs|mine");
    exchange(a, b);
    end(undo, a, b);
}

Test(undo_cells, what_came_while_ours_was_taken_back_stays_when_it_is_made_again)
{
    for (size_t seen = 0; seen < 2; seen++) {
        struct quire_document *a;
        struct quire_document *b;
        twins("x", &a, &b);
        set_title(a, "base", 0, "old");
        exchange(a, b);
        struct quire_undo *undo = undo_of(a);
        set_title(a, "me", 4, "mine");
        if (seen == 1) {
            exchange(a, b);
        }
        set_title(b, "other", 5, "theirs");
        back(undo);
        exchange(a, b);
        assert_titles(a, "theirs|old");
        forth(undo); /* who overwrote ours knowingly has done so for good */
        assert_titles(a, seen == 1 ? "theirs" : "theirs|mine");
        exchange(a, b);
        end(undo, a, b);
    }
}

Test(undo_cells, what_was_written_since_is_left_alone_by_what_is_made_again)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    struct quire_undo *undo = undo_of(a);
    set_title(a, "me", 4, "mine");
    set_title(b, "other", 5, "theirs");
    exchange(a, b);
    back(undo);
    exchange(a, b);
    set_title(b, "other", 6, "theirs, later");
    exchange(a, b);
    forth(undo);
    assert_titles(a, "theirs, later");
    cr_assert_eq(quire_undo_count(undo), 0);
    cr_assert_eq(quire_undo_redo_count(undo), 0);
    exchange(a, b);
    end(undo, a, b);
}

Test(undo_cells, an_element_removed_elsewhere_too_stays_removed)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    tag(a, "base", "both");
    tag(a, "base", "mine");
    exchange(a, b);
    struct quire_undo *undo = undo_of(a);
    untag(a, "me", "both");
    untag(a, "me", "mine");
    untag(b, "other", "both");
    exchange(a, b);
    back(undo);
    assert_tags(a, "mine");
    exchange(a, b);
    forth(undo);
    assert_tags(a, "");
    exchange(a, b);
    end(undo, a, b);
}

Test(undo_cells, an_element_made_again_outlives_what_removed_the_others)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("x", &a, &b);
    struct quire_undo *undo = undo_of(a);
    tag(a, "me", "tag");
    tag(b, "other", "tag");
    exchange(a, b);
    back(undo);
    assert_tags(a, "tag");
    exchange(a, b);
    forth(undo);
    untag(b, "other", "tag"); /* theirs, for of ours they have not heard */
    exchange(a, b);
    assert_tags(a, "tag");
    back(undo);
    assert_tags(a, "");
    exchange(a, b);
    end(undo, a, b);
}
