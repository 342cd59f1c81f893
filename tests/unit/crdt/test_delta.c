/*
 * Pending edits: kept, taken in pieces, squashed, restored.
 */
#include "support.h"
#include <string.h>

static size_t count_of(struct quire_buffer buffer, const char *needle)
{
    size_t count = 0;
    size_t size = strlen(needle);
    for (size_t i = 0; i + size <= buffer.size; i++) {
        count += memcmp(buffer.data + i, needle, size) == 0 ? 1 : 0;
    }
    return count;
}

Test(pending, nothing_is_pending_until_something_is_edited)
{
    struct quire_document *document = new_document();
    struct quire_buffer delta = {0};
    struct quire_stamp stamp = stamp_of("a", 1);
    cr_assert_eq(quire_document_pending_size(document), 0);
    REFUSED(quire_document_take_delta(document, 4096, &delta), QUIRE_ESTATE);
    REFUSED(quire_document_take_delta(document, 4095, &delta), QUIRE_EINVALID);
    OK(quire_document_clear_register(document, &stamp, QUIRE_REGISTER_MOOD));
    untag(document, "a", "tag");
    cr_assert_eq(quire_document_pending_size(document), 0);
    cr_assert(quire_document_empty(document));
    type(document, "a", 0, "x");
    cr_assert_gt(quire_document_pending_size(document), 0);
    delta = take(document);
    REFUSED(quire_document_take_delta(document, 4096, &delta), QUIRE_ESTATE);
    quire_buffer_finish(&delta);
    quire_document_destroy(document);
}

Test(pending, its_size_is_about_that_of_the_delta)
{
    struct quire_document *document = new_document();
    for (size_t i = 0; i < 500; i++) {
        type(document, "a", i, "x");
    }
    size_t estimate = quire_document_pending_size(document);
    struct quire_buffer delta = pending_of(document);
    cr_assert(
        estimate >= delta.size && estimate < delta.size + 100, "%zu, %zu", estimate, delta.size);
    erase(document, "a", 0, 400);
    cr_assert_lt(quire_document_pending_size(document), 200);
    quire_buffer_finish(&delta);
    quire_document_destroy(document);
}

Test(pending, deltas_carry_only_what_is_new)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    type(one, "a", 0, "a long first text");
    set_title(one, "a", 1, "title");
    struct quire_buffer first = take(one);
    merge_and_free(two, &first);
    type(one, "a", 6, " and second");
    erase(one, "a", 0, 2);
    tag(one, "a", "tag");
    struct quire_buffer second = take(one);
    cr_assert_eq(count_of(second, "first"), 0);
    cr_assert_eq(count_of(second, "title"), 0);
    cr_assert_lt(second.size, 60);
    merge_and_free(two, &second);
    assert_text(two, "long and second first text");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(pending, erasing_backwards_takes_one_range)
{
    struct quire_document *one = new_document();
    for (size_t i = 0; i < 1000; i++) {
        type(one, "a", i, "x");
    }
    struct quire_buffer text = take(one);
    struct quire_document *two = new_document();
    merge_and_free(two, &text);
    for (size_t i = 900; i > 100; i--) {
        erase(one, "a", i, 1);
    }
    struct quire_buffer delta = take(one);
    cr_assert_lt(delta.size, 40);
    merge_and_free(two, &delta);
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(pending, what_was_typed_and_erased_while_pending_leaves_no_letters)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "I hate this");
    erase(one, "a", 2, 4);
    type(one, "a", 2, "like");
    set_title(one, "a", 1, "first thought");
    set_title(one, "a", 2, "second thought");
    tag(one, "a", "angry");
    untag(one, "a", "angry");
    struct quire_buffer kept = pending_of(one);
    struct quire_buffer delta = take(one);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&kept), quire_buffer_bytes(&delta)));
    cr_assert_eq(count_of(delta, "hate") + count_of(delta, "first") + count_of(delta, "angry"), 0);
    struct quire_document *two = new_document();
    merge_and_free(two, &delta);
    quire_buffer_finish(&kept);
    assert_text(two, "I like this");
    assert_titles(two, "second thought");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(squash, squashed_and_unsquashed_edits_are_the_same_in_either_order)
{
    /* One profile lived on after its backup was taken: what was pending then has since gone out in
     * small deltas, and goes out again, squashed, from the restored backup. */
    struct quire_document *one = new_document();
    type(one, "base", 0, "[]");
    set_title(one, "base", 1, "base");
    struct quire_buffer base = take(one);
    struct quire_buffer small[4];
    struct quire_document *restored = new_document();
    OK(quire_document_merge(restored, quire_buffer_bytes(&base)));

    struct quire_document *whole = new_document();
    OK(quire_document_merge(whole, quire_buffer_bytes(&base)));
    struct quire_document *const both[2] = {one, whole};
    for (size_t i = 0; i < 2; i++) {
        type(both[i], "s", 1, "abc");
        set_title(both[i], "s", 2, "first");
        if (i == 0) {
            small[0] = take(one);
        }
        erase(both[i], "s", 2, 1);
        tag(both[i], "s", "tag");
        if (i == 0) {
            small[1] = take(one);
        }
        set_title(both[i], "s", 3, "second");
        type(both[i], "s", 2, "d");
        if (i == 0) {
            small[2] = take(one);
        }
        erase(both[i], "s", 0, 2);
        untag(both[i], "s", "tag");
        if (i == 0) {
            small[3] = take(one);
        }
    }
    struct quire_buffer kept = pending_of(whole);
    OK(quire_document_restore_pending(restored, quire_buffer_bytes(&kept)));
    assert_same_state(whole, restored);
    assert_same_state(whole, one);
    struct quire_buffer squashed = take(restored);

    for (size_t when = 0; when <= 4; when++) {
        struct quire_document *reader = new_document();
        OK(quire_document_merge(reader, quire_buffer_bytes(&base)));
        for (size_t i = 0; i <= 4; i++) {
            if (i == when) {
                OK(quire_document_merge(reader, quire_buffer_bytes(&squashed)));
            }
            if (i < 4) {
                OK(quire_document_merge(reader, quire_buffer_bytes(&small[i])));
            }
        }
        assert_same_state(reader, one);
        assert_text(reader, "dc]");
        assert_titles(reader, "second");
        assert_tags(reader, "");
        quire_document_destroy(reader);
    }
    for (size_t i = 0; i < 4; i++) {
        quire_buffer_finish(&small[i]);
    }
    quire_buffer_finish(&base);
    quire_buffer_finish(&kept);
    quire_buffer_finish(&squashed);
    quire_document_destroy(one);
    quire_document_destroy(whole);
    quire_document_destroy(restored);
}

Test(squash, a_backup_that_is_behind_its_own_replica_writes_on_without_a_gap)
{
    /* The backup's pending edits are restored, the rest of the same replica comes by sync, and then
     * the replica itself goes on: what goes out must have no hole in its counters. */
    struct quire_document *one = new_document();
    type(one, "s", 0, "abc");
    struct quire_buffer kept = pending_of(one);
    type(one, "s", 3, "def");
    struct quire_buffer all = take(one);
    struct quire_document *two = new_document();
    OK(quire_document_restore_pending(two, quire_buffer_bytes(&kept)));
    OK(quire_document_merge(two, quire_buffer_bytes(&all)));
    erase(two, "t", 4, 1);
    type(two, "s", 5, "g");
    erase(two, "s", 0, 1);
    struct quire_buffer delta = take(two);
    struct quire_document *three = new_document();
    merge_and_free(three, &delta);
    assert_text(three, "bcdfg");
    merge_and_free(three, &all);
    assert_text(three, "bcdfg");
    assert_same_state(two, three);
    quire_buffer_finish(&kept);
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
}

Test(pending, restored_edits_are_pending_again_and_go_before_newer_ones)
{
    struct quire_document *one = new_document();
    type(one, "base", 0, "base");
    tag(one, "base", "old");
    struct quire_buffer base = take(one);
    type(one, "s", 4, "!");
    erase(one, "s", 0, 1);
    untag(one, "s", "old");
    struct quire_stamp stamp = stamp_of("s", 5);
    OK(quire_document_delete(one, &stamp));
    struct quire_buffer kept = pending_of(one);

    struct quire_document *two = new_document();
    OK(quire_document_merge(two, quire_buffer_bytes(&base)));
    cr_assert_eq(quire_document_pending_size(two), 0);
    OK(quire_document_restore_pending(two, quire_buffer_bytes(&kept)));
    cr_assert_gt(quire_document_pending_size(two), 0);
    cr_assert(quire_document_deleted(two));
    struct quire_buffer again = pending_of(two);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&kept), quire_buffer_bytes(&again)));
    struct quire_buffer delta = take(two);
    struct quire_document *three = new_document();
    OK(quire_document_merge(three, quire_buffer_bytes(&base)));
    merge_and_free(three, &delta);
    assert_same_state(one, three);
    cr_assert(quire_document_deleted(three));

    /* Restored into a document that was edited meanwhile, by another replica. */
    struct quire_document *four = new_document();
    OK(quire_document_merge(four, quire_buffer_bytes(&base)));
    type(four, "t", 0, "new ");
    OK(quire_document_restore_pending(four, quire_buffer_bytes(&kept)));
    delta = take(four);
    struct quire_document *five = new_document();
    OK(quire_document_merge(five, quire_buffer_bytes(&base)));
    merge_and_free(five, &delta);
    assert_same_state(four, five);
    assert_text(five, "new ase!");

    quire_buffer_finish(&base);
    quire_buffer_finish(&kept);
    quire_buffer_finish(&again);
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
    quire_document_destroy(four);
    quire_document_destroy(five);
}

Test(pending, edits_restored_in_two_parts_are_whole)
{
    static char page[20001];
    memset(page, 'p', 20000);
    struct quire_document *one = new_document();
    type(one, "s", 0, page);
    struct quire_buffer first = pending_of(one);
    struct quire_buffer taken = take(one);
    type(one, "s", 7, page);
    struct quire_buffer second = pending_of(one);
    struct quire_document *two = new_document();
    OK(quire_document_restore_pending(two, quire_buffer_bytes(&first)));
    OK(quire_document_restore_pending(two, quire_buffer_bytes(&second)));
    OK(quire_document_restore_pending(two, quire_buffer_bytes(&second)));
    struct quire_document *three = new_document();
    while (quire_document_pending_size(two) > 0) {
        struct quire_buffer delta = {0};
        OK(quire_document_take_delta(two, 4096, &delta));
        merge_and_free(three, &delta);
    }
    assert_same_state(one, three);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    quire_buffer_finish(&taken);
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
}

Test(pending, a_state_is_not_restored_as_pending)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "text");
    struct quire_buffer state = state_of(one);
    struct quire_document *two = new_document();
    REFUSED(quire_document_restore_pending(two, quire_buffer_bytes(&state)), QUIRE_EMALFORMED);
    cr_assert(quire_document_empty(two));
    quire_buffer_finish(&state);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

/** Takes everything in deltas of at most max_size and gives them to the reader one by one. */
static size_t take_in_pieces(
    struct quire_document *from, size_t max_size, struct quire_document *reader)
{
    size_t count = 0;
    while (quire_document_pending_size(from) > 0) {
        struct quire_buffer delta = {0};
        OK(quire_document_take_delta(from, max_size, &delta));
        cr_assert_leq(delta.size, max_size);
        merge_and_free(reader, &delta);
        cr_assert_lt(++count, 10000);
    }
    return count;
}

Test(cut, a_large_text_goes_in_deltas_of_the_given_size)
{
    static char text[300001];
    for (size_t i = 0; i < 300000; i++) {
        text[i] = (char)('a' + i % 26);
    }
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    type(one, "a", 0, text);
    size_t count = take_in_pieces(one, 4096, two);
    cr_assert(count >= 74 && count < 80, "%zu deltas", count);
    assert_text(two, text);
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(cut, everything_else_goes_in_small_deltas_too)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct dice dice = {seed};
        struct quire_document *one = new_document();
        struct quire_document *two = new_document();
        for (size_t i = 0; i < 2000; i++) {
            char replica[2] = {(char)('a' + pick(&dice, 40)), '\0'};
            type(one, replica, pick(&dice, quire_document_text_length(one) + 1), "word");
        }
        take_in_pieces(one, 65536, two);
        assert_same_state(one, two);
        for (size_t i = 0; i < 2000; i++) { /* thousands of ranges to erase */
            erase(one, "x", pick(&dice, quire_document_text_length(one)), 1);
        }
        for (size_t i = 0; i < 200; i++) {
            char name[2] = {(char)('a' + pick(&dice, 26)), '\0'};
            tag(one, pick(&dice, 2) == 0 ? "y" : "z", name);
            untag(one, "x", name);
            set_title(one, "y", (int64_t)i, name);
        }
        struct quire_stamp stamp = stamp_of("q", 5);
        OK(quire_document_delete(one, &stamp));
        cr_assert_gt(take_in_pieces(one, 4096, two), 1);
        assert_same_state(one, two);
        quire_document_destroy(one);
        quire_document_destroy(two);
    }
}

Test(cut, restored_edits_of_several_replicas_are_cut_in_a_causal_order)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct dice dice = {seed};
        struct quire_document *one = new_document();
        for (size_t i = 0; i < 4000; i++) {
            char replica[2] = {(char)('a' + pick(&dice, 5)), '\0'};
            type(one, replica, pick(&dice, quire_document_text_length(one) + 1), "word");
        }
        struct quire_buffer kept = pending_of(one);
        struct quire_document *two = new_document();
        OK(quire_document_restore_pending(two, quire_buffer_bytes(&kept)));
        struct quire_document *three = new_document();
        cr_assert_gt(take_in_pieces(two, 4096, three), 3);
        assert_same_state(one, three);
        quire_buffer_finish(&kept);
        quire_document_destroy(one);
        quire_document_destroy(two);
        quire_document_destroy(three);
    }
}

Test(cut, a_value_is_there_until_the_one_that_replaces_it_is)
{
    /* The pending title is overwritten again far later: no delta between shows no title. */
    static char page[5001];
    memset(page, 'p', 5000);
    struct quire_document *one = new_document();
    set_title(one, "s", 1, "old");
    struct quire_buffer base = take(one);
    struct quire_document *two = new_document();
    merge_and_free(two, &base);
    set_title(one, "s", 2, "between");
    type(one, "s", 0, page);
    set_title(one, "s", 3, "new");
    size_t count = 0;
    while (quire_document_pending_size(one) > 0) {
        struct quire_buffer delta = {0};
        OK(quire_document_take_delta(one, 4096, &delta));
        merge_and_free(two, &delta);
        assert_titles(two, quire_document_pending_size(one) > 0 ? "old" : "new");
        count++;
    }
    cr_assert_eq(count, 2);
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(cut, an_overwritten_value_is_not_parted_from_what_replaces_it)
{
    /* Whatever the place of the cut: the title is the old or the new one. */
    static char page[4500];
    for (size_t size = 3950; size < 4060; size++) {
        struct quire_document *one = new_document();
        set_title(one, "s", 1, "old");
        struct quire_buffer base = take(one);
        struct quire_document *two = new_document();
        merge_and_free(two, &base);
        memset(page, 'p', size);
        page[size] = '\0';
        type(one, "s", 0, page);
        set_title(one, "s", 3, "new");
        type(one, "s", 0, "and some more text to make it too much");
        while (quire_document_pending_size(one) > 0) {
            struct quire_buffer delta = {0};
            OK(quire_document_take_delta(one, 4096, &delta));
            merge_and_free(two, &delta);
            cr_assert_eq(quire_document_register_count(two, QUIRE_REGISTER_TITLE), 1);
        }
        assert_titles(two, "new");
        quire_document_destroy(one);
        quire_document_destroy(two);
    }
}
