/*
 * Undo and redo: own edits alone, across merges, in the places where others wrote.
 */
#include "undo_support.h"
#include <stdlib.h>
#include <string.h>

Test(undo, steps_go_back_and_forth)
{
    struct quire_document *document = new_document();
    struct quire_undo *undo = undo_of(document);
    REFUSED(quire_undo_undo(undo, &me), QUIRE_ENOTFOUND);
    type(document, "me", 0, "hello");
    next_step(undo);
    type(document, "me", 5, " world");
    next_step(undo);
    erase(document, "me", 0, 2);
    cr_assert_eq(quire_undo_count(undo), 3);
    back(undo);
    assert_text(document, "hello world");
    back(undo);
    assert_text(document, "hello");
    cr_assert_eq(quire_undo_redo_count(undo), 2);
    forth(undo);
    assert_text(document, "hello world");
    forth(undo);
    assert_text(document, "llo world");
    REFUSED(quire_undo_redo(undo, &me), QUIRE_ENOTFOUND);
    for (size_t i = 0; i < 3; i++) {
        back(undo);
    }
    assert_text(document, "");
    cr_assert_eq(quire_undo_count(undo), 0);
    end(undo, document, NULL);
}

Test(undo, the_caller_says_what_is_one_step)
{
    struct quire_document *document = new_document();
    struct quire_undo *undo = undo_of(document);
    for (size_t i = 0; i < 6; i++) { /* bursts: three letters, a pause */
        type(document, "me", i, "x");
        if (i % 3 == 2) {
            next_step(undo);
            next_step(undo); /* nothing in between is no step */
        }
    }
    cr_assert_eq(quire_undo_count(undo), 2);
    back(undo);
    assert_text(document, "xxx");
    forth(undo);
    back(undo);
    type(document, "me", 3, "y"); /* what was undone is forgotten */
    cr_assert_eq(quire_undo_redo_count(undo), 0);
    REFUSED(quire_undo_redo(undo, &me), QUIRE_ENOTFOUND);
    back(undo);
    back(undo);
    assert_text(document, "");
    end(undo, document, NULL);
}

Test(undo, what_was_put_back_goes_with_what_had_typed_it)
{
    struct quire_document *document = new_document();
    struct quire_undo *undo = undo_of(document);
    type(document, "me", 0, "a\xc3\xa9\xf0\x9f\x98\x80z");
    next_step(undo);
    erase(document, "me", 1, 2);
    next_step(undo);
    for (size_t i = 0; i < 5; i++) {
        back(undo); /* the two letters have new ids each time */
        assert_text(document, "a\xc3\xa9\xf0\x9f\x98\x80z");
        forth(undo);
        assert_text(document, "az");
    }
    back(undo);
    back(undo);
    assert_text(document, "");
    forth(undo);
    assert_text(document, "a\xc3\xa9\xf0\x9f\x98\x80z");
    forth(undo);
    assert_text(document, "az");
    end(undo, document, NULL);
}

Test(undo, erasures_in_any_order_come_back_in_the_order_of_the_text)
{
    struct quire_document *document = new_document();
    type(document, "base", 0, "[abcd]");
    struct quire_undo *undo = undo_of(document);
    erase(document, "me", 2, 1); /* b */
    erase(document, "me", 1, 1); /* a */
    erase(document, "me", 2, 1); /* d */
    erase(document, "me", 1, 1); /* c */
    assert_text(document, "[]");
    back(undo);
    assert_text(document, "[abcd]");
    forth(undo);
    assert_text(document, "[]");
    back(undo);
    assert_text(document, "[abcd]");
    end(undo, document, NULL);
}

Test(undo, what_others_typed_in_the_same_place_stays)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("[]", &a, &b);
    struct quire_undo *undo = undo_of(a);
    type(a, "me", 1, "hello");
    exchange(a, b);
    type(b, "other", 4, "XX"); /* [helXXlo] */
    exchange(a, b);
    back(undo);
    assert_text(a, "[XX]");
    exchange(a, b);
    forth(undo);
    assert_text(a, "[helXXlo]");
    exchange(a, b);
    assert_text(b, "[helXXlo]");
    end(undo, a, b);
}

Test(undo, an_erasure_comes_back_round_what_others_typed_into_it)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("[abcdef]", &a, &b);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 1, 6);
    type(b, "other", 4, "XY"); /* at the same time, in the middle */
    exchange(a, b);
    assert_text(a, "[XY]");
    back(undo);
    assert_text(a, "[abcXYdef]");
    exchange(a, b);
    forth(undo);
    assert_text(a, "[XY]");
    end(undo, a, b);
}

Test(undo, an_erasure_does_not_bring_back_what_its_author_took_back)
{
    /* b erases what a typed; a takes the typing back; then b takes the erasure back. */
    struct quire_document *a;
    struct quire_document *b;
    twins("[]", &a, &b);
    struct quire_undo *of_a = undo_of(a);
    struct quire_undo *of_b = undo_of(b);
    type(a, "me", 1, "typo");
    exchange(a, b);
    erase(b, "other", 1, 4);
    exchange(a, b); /* a knows that it is gone, and takes it back nonetheless */
    back(of_a);
    assert_text(a, "[]");
    exchange(a, b);
    OK(quire_undo_undo(of_b, &(struct quire_stamp){{'o'}, 1}));
    assert_text(b, "[]");
    exchange(a, b);
    quire_undo_destroy(of_b);
    end(of_a, a, b);
}

Test(undo, what_another_erased_too_comes_back_with_the_rest)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("[abcdef]", &a, &b);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 1, 6);
    erase(b, "other", 3, 2); /* cd, at the same time */
    exchange(a, b);
    back(undo);
    assert_text(a, "[abcdef]");
    exchange(a, b);
    forth(undo);
    assert_text(a, "[]");
    back(undo);
    assert_text(a, "[abcdef]");
    end(undo, a, b);
}

Test(undo, deltas_of_our_own_that_come_again_take_nothing_away)
{
    struct quire_document *document = new_document();
    type(document, "base", 0, "abc");
    struct quire_buffer first = take(document);
    struct quire_undo *undo = undo_of(document);
    erase(document, "me", 1, 1);
    struct quire_buffer delta = take(document);
    merge_and_free(document, &first);
    merge_and_free(document, &delta);
    back(undo);
    assert_text(document, "abc");
    end(undo, document, NULL);
}

Test(undo, redo_after_a_merge_does_again_what_was_done_here)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("one two three", &a, &b);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 4, 4);
    next_step(undo);
    type(a, "me", 9, "!");
    back(undo);
    back(undo);
    assert_text(a, "one two three");
    type(b, "other", 0, ">> ");
    erase(b, "other", 3, 4);
    exchange(a, b);
    assert_text(a, ">> two three");
    forth(undo);
    assert_text(a, ">> three");
    forth(undo);
    assert_text(a, ">> three!");
    exchange(a, b);
    assert_text(b, ">> three!");
    end(undo, a, b);
}

Test(undo, what_others_erased_of_ours_is_no_longer_ours_to_take_back)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("[]", &a, &b);
    struct quire_undo *undo = undo_of(a);
    type(a, "me", 1, "abcdef");
    exchange(a, b);
    erase(b, "other", 2, 2);
    exchange(a, b);
    back(undo);
    assert_text(a, "[]");
    exchange(a, b);
    forth(undo); /* what the other erased does not come with it */
    assert_text(a, "[adef]");
    end(undo, a, b);
}

Test(undo, a_restored_version_is_one_step)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("the new text, with an end", &a, &b);
    set_title(a, "base", 1, "new");
    tag(a, "base", "kept");
    tag(a, "base", "new");
    exchange(a, b);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 4, 3); /* as restoring an old version writes it */
    type(a, "me", 4, "old");
    erase(a, "me", 12, 13);
    set_title(a, "me", 2, "old");
    untag(a, "me", "new");
    tag(a, "me", "old");
    assert_text(a, "the old text");
    type(b, "other", 25, "!");
    tag(b, "other", "theirs");
    exchange(a, b);
    back(undo);
    assert_text(a, "the new text, with an end!");
    assert_titles(a, "new");
    assert_tags(a, "kept new theirs");
    exchange(a, b);
    forth(undo);
    assert_text(a, "the old text!");
    assert_titles(a, "old");
    assert_tags(a, "kept old theirs");
    exchange(a, b);
    end(undo, a, b);
}

Test(undo, a_deleted_entry_comes_back_and_goes_again)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("entry", &a, &b);
    struct quire_undo *undo = undo_of(a);
    OK(quire_document_delete(a, &me));
    exchange(a, b);
    cr_assert(quire_document_deleted(b));
    back(undo);
    cr_assert_not(quire_document_deleted(a));
    exchange(a, b);
    cr_assert_not(quire_document_deleted(b));
    forth(undo);
    exchange(a, b);
    cr_assert(quire_document_deleted(b));
    back(undo);
    type(b, "other", 0, "an ");
    exchange(a, b);
    assert_text(a, "an entry");
    end(undo, a, b);
}

Test(undo, it_outlives_the_document_that_was_closed_and_opened)
{
    struct quire_document *document = new_document();
    type(document, "base", 0, "base ");
    struct quire_undo *undo = undo_of(document);
    type(document, "me", 5, "more");
    next_step(undo);
    erase(document, "me", 0, 5);
    struct quire_document *again = copy_of(document);
    quire_document_destroy(document);
    REFUSED(quire_undo_undo(undo, &me), QUIRE_ESTATE);
    OK(quire_undo_attach(undo, again));
    back(undo);
    assert_text(again, "base more");
    back(undo);
    assert_text(again, "base ");
    forth(undo);
    assert_text(again, "base more");
    struct quire_buffer state = state_of(again); /* and opened from its bytes, where it rests */
    quire_document_destroy(again);
    OK(quire_document_open(&state, &again));
    OK(quire_undo_attach(undo, again));
    cr_assert_eq(quire_undo_count(undo), 1);
    back(undo);
    assert_text(again, "base ");
    forth(undo);

    struct quire_undo *second;
    OK(quire_undo_create(1 << 20, &second));
    REFUSED(quire_undo_attach(second, again), QUIRE_ESTATE);
    OK(quire_undo_attach(undo, NULL));
    OK(quire_undo_attach(second, again));
    quire_undo_destroy(second);
    type(again, "me", 0, "free ");
    assert_text(again, "free base more");
    end(undo, again, NULL);
}

Test(undo, its_memory_is_bounded_and_the_oldest_steps_go_first)
{
    struct quire_document *document = new_document();
    struct quire_undo *undo;
    OK(quire_undo_create(4096, &undo));
    OK(quire_undo_attach(undo, document));
    for (size_t i = 0; i < 1000; i++) {
        type(document, "me", 0, "0123456789");
        erase(document, "me", 5, 5);
        next_step(undo);
    }
    size_t steps = quire_undo_count(undo);
    cr_assert(steps >= 4 && steps <= 40, "%zu steps", steps);
    size_t undone = 0;
    for (; quire_undo_count(undo) > 0; undone++) { /* what is to be made again takes room as well */
        back(undo);
    }
    cr_assert(undone >= steps / 2);
    REFUSED(quire_undo_undo(undo, &me), QUIRE_ENOTFOUND);
    cr_assert_eq(quire_document_text_length(document), 5 * (1000 - undone));

    static char page[20001]; /* one step that is too large takes all older ones with it */
    memset(page, 'p', 20000);
    type(document, "me", 0, page);
    next_step(undo);
    type(document, "me", 0, "kept");
    erase(document, "me", 10, 10000);
    type(document, "me", 0, "not noted either");
    next_step(undo);
    cr_assert_eq(quire_undo_count(undo), 0);
    type(document, "me", 0, "next");
    cr_assert_eq(quire_undo_count(undo), 1);
    size_t length = quire_document_text_length(document);
    back(undo);
    cr_assert_eq(quire_document_text_length(document), length - 4);
    end(undo, document, NULL);
}

Test(undo, what_was_erased_comes_back_into_a_full_text)
{
    char *page = malloc(QUIRE_TEXT_MAX + 1);
    memset(page, 'p', QUIRE_TEXT_MAX);
    page[QUIRE_TEXT_MAX] = '\0';
    struct quire_document *a;
    struct quire_document *b;
    twins("abc", &a, &b);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 0, 3);
    exchange(a, b);
    type(b, "other", 0, page);
    sync_documents(a, b);
    back(undo);
    cr_assert_eq(quire_document_text_length(a), QUIRE_TEXT_MAX + 3);
    sync_documents(a, b);
    cr_assert_eq(quire_document_text_length(b), QUIRE_TEXT_MAX + 3);
    free(page);
    end(undo, a, b);
}

/** a erases all of 10,000 letters, and b every other one at the same time. */
static void erase_by_halves(struct quire_undo **out_undo, size_t size_max,
    struct quire_document **out_a, struct quire_document **out_b)
{
    static char page[10001];
    memset(page, 'p', 10000);
    twins(page, out_a, out_b);
    OK(quire_undo_create(size_max, out_undo));
    OK(quire_undo_attach(*out_undo, *out_a));
    erase(*out_a, "me", 0, 10000);
    for (size_t i = 0; i < 5000; i++) {
        erase(*out_b, "other", i, 1);
    }
    struct quire_buffer delta = {0};
    OK(quire_document_take_delta(*out_b, 1 << 20, &delta));
    merge_and_free(*out_a, &delta);
}

Test(undo, what_another_cut_into_thousands_of_pieces_comes_back)
{
    struct quire_document *a;
    struct quire_document *b;
    struct quire_undo *undo;
    erase_by_halves(&undo, 1 << 20, &a, &b);
    back(undo);
    cr_assert_eq(quire_document_text_length(a), 10000);
    end(undo, a, b);
}

/** Two devices erase overlapping parts of ten digits and take that back, before they meet or after. */
static void overlap(bool first_meet)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("0123456789", &a, &b);
    struct quire_undo *of_a = undo_of(a);
    struct quire_undo *of_b = undo_of(b);
    erase(a, "me", 4, 2);
    erase(b, "other", 2, 6);
    if (first_meet) {
        exchange(a, b);
        assert_text(a, "0189");
    }
    back(of_a);
    back(of_b);
    exchange(a, b);
    assert_text(a, "0123456789");
    assert_text(b, "0123456789");
    forth(of_b);
    exchange(a, b);
    assert_text(a, "0189");
    quire_undo_destroy(of_b);
    end(of_a, a, b);
}

Test(undo, a_version_restored_on_two_devices_comes_back_once)
{
    struct quire_document *a;
    struct quire_document *b;
    twins("Grüße aus Köln", &a, &b);
    struct quire_document *version = copy_of(a);
    struct quire_undo *undo = undo_of(a);
    erase(a, "me", 0, 10);
    type(a, "me", 0, "Rain in ");
    exchange(a, b);
    OK(quire_undo_close_step(undo));
    OK(quire_document_restore_text(a, &me, version));
    OK(quire_document_restore_text(b, &(struct quire_stamp){{'o'}, 1}, version));
    assert_text(a, "Grüße aus Köln");
    exchange(a, b);
    assert_text(a, "Grüße aus Köln");
    assert_text(b, "Grüße aus Köln");
    back(undo);
    exchange(a, b);
    assert_text(b, "Rain in Köln");
    OK(quire_document_restore_text(a, &me, version)); /* nothing that it knows is unknown here */
    type(version, "elsewhere", 0, "x");
    REFUSED(quire_document_restore_text(a, &me, version), QUIRE_EINVALID);
    assert_text(a, "Grüße aus Köln");
    quire_document_destroy(version);
    end(undo, a, b);
}

Test(undo, overlapping_undos_on_two_devices_commute)
{
    overlap(false);
    overlap(true);
}

/* ---- at random ---------------------------------------------------------------------------- */

static void random_edit(
    struct dice *dice, struct quire_document *document, const char *replica, char first)
{
    size_t length = quire_document_text_length(document);
    size_t position = pick(dice, length + 1);
    char text[7] = {0};
    if (position < length && pick(dice, 3) == 0) {
        erase(document, replica, position,
            1 + pick(dice, length - position < 6 ? length - position : 6));
        return;
    }
    for (size_t i = 0, count = 1 + pick(dice, 5); i < count; i++) {
        text[i] = (char)(first + pick(dice, 26));
    }
    type(document, replica, position, text);
}

Test(undo, alone_all_the_way_back_and_forth_passes_every_text_there_was)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct dice dice = {seed};
        struct quire_document *document = new_document();
        type(document, "base", 0, "what was there before");
        struct quire_undo *undo = undo_of(document);
        struct quire_buffer texts[31] = {{0}};
        for (size_t i = 0; i <= 30; i++) {
            for (size_t edits = pick(&dice, 5); i > 0 && edits > 0; edits--) {
                random_edit(&dice, document, "me", 'a');
            }
            next_step(undo);
            size_t steps = quire_undo_count(undo);
            quire_buffer_finish(&texts[steps]);
            OK(quire_document_text(document, &texts[steps]));
        }
        size_t at = quire_undo_count(undo);
        for (size_t i = 0; i < 200; i++) {
            bool backwards = pick(&dice, 20) < (i < 100 ? 12 : 9);
            if (backwards ? at > 0 : quire_undo_redo_count(undo) > 0) {
                if (backwards) {
                    back(undo);
                } else {
                    forth(undo);
                }
                at = backwards ? at - 1 : at + 1;
                struct quire_buffer text = {0};
                OK(quire_document_text(document, &text));
                cr_assert(
                    quire_bytes_equal(quire_buffer_bytes(&text), quire_buffer_bytes(&texts[at])),
                    "seed %llu, step %zu: %.*s, not %.*s", (unsigned long long)seed, at,
                    (int)text.size, (char *)text.data, (int)texts[at].size, (char *)texts[at].data);
                quire_buffer_finish(&text);
            }
        }
        struct quire_document *copy = copy_of(document);
        assert_same_state(document, copy);
        for (size_t i = 0; i <= 30; i++) {
            quire_buffer_finish(&texts[i]);
        }
        end(undo, document, copy);
    }
}

/** The letters that are not ASCII, in order. */
static struct quire_buffer foreign_letters(const struct quire_document *document)
{
    struct quire_buffer text = {0};
    struct quire_buffer letters = {0};
    OK(quire_document_text(document, &text));
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 0x80) {
            OK(quire_buffer_append(&letters, &text.data[i], 1));
        }
    }
    quire_buffer_finish(&text);
    return letters;
}

/** Whether the letters, of three bytes each, stand in another text in the same order. */
static bool is_within(const struct quire_buffer *letters, const struct quire_buffer *text)
{
    size_t found = 0;
    for (size_t i = 0; i < text->size && found < letters->size; i += 3) {
        found += memcmp(text->data + i, letters->data + found, 3) == 0 ? 3 : 0;
    }
    return found == letters->size;
}

Test(undo, all_the_way_back_leaves_just_what_others_wrote_in_its_order)
{
    /* a types, erases anything, and takes back; b types letters that are all different, meanwhile.
     * What comes back is typed anew, so what is typed beside it before both have met may come to
     * stand on either side: only in every other world, where they meet first, is the order settled. */
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct dice dice = {seed};
        struct quire_document *a;
        struct quire_document *b;
        struct quire_buffer seen[80];
        size_t seen_count = 0;
        size_t typed = 0;
        twins("", &a, &b);
        struct quire_undo *undo = undo_of(a);
        for (size_t i = 0; i < 80; i++) {
            size_t action = pick(&dice, 7);
            if (action == 0 || (action <= 2 && seed % 2 == 0)) {
                exchange(a, b);
            }
            if (action == 1 && quire_undo_count(undo) > 0) {
                back(undo);
            } else if (action == 2 && quire_undo_redo_count(undo) > 0) {
                forth(undo);
            } else if (action <= 4) {
                random_edit(&dice, a, "me", 'a');
                next_step(undo);
            } else {
                char letter[4] = {
                    (char)0xe4, (char)(0xb8 + typed / 64), (char)(0x80 + typed % 64), '\0'};
                size_t place = pick(&dice, quire_document_text_length(b) + 1);
                type(b, "b", place, letter);
                seen[seen_count++] = foreign_letters(b);
                typed++;
            }
        }
        exchange(a, b);
        while (quire_undo_count(undo) > 0) {
            back(undo);
        }
        exchange(a, b);
        struct quire_buffer left = foreign_letters(a);
        struct quire_buffer all = {0};
        OK(quire_document_text(a, &all));
        cr_assert_eq(left.size, 3 * typed, "seed %llu, of %zu letters: %.*s",
            (unsigned long long)seed, typed, (int)all.size, (char *)all.data);
        quire_buffer_finish(&all);
        cr_assert_eq(quire_document_text_size(a), left.size, "seed %llu", (unsigned long long)seed);
        for (size_t i = 0; i < seen_count; i++) {
            cr_assert(
                seed % 2 == 1 || is_within(&seen[i], &left), "seed %llu", (unsigned long long)seed);
            quire_buffer_finish(&seen[i]);
        }
        quire_buffer_finish(&left);
        end(undo, a, b);
    }
}
