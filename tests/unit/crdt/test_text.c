/*
 * Text: positions, runs, and where concurrent typing ends up.
 */
#include "support.h"
#include <string.h>

Test(text, what_is_typed_is_read)
{
    struct quire_document *document = new_document();
    cr_assert(quire_document_empty(document));
    type(document, "a", 0, "hello");
    type(document, "a", 5, " world");
    type(document, "a", 5, ",");
    erase(document, "a", 0, 1);
    type(document, "a", 0, "H");
    assert_text(document, "Hello, world");
    cr_assert_eq(quire_document_text_length(document), 12);
    cr_assert_not(quire_document_empty(document));
    quire_document_destroy(document);
}

Test(text, positions_count_code_points)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "zü😀→");
    cr_assert_eq(quire_document_text_length(document), 4);
    cr_assert_eq(quire_document_text_size(document), 10);
    type(document, "a", 3, "-");
    erase(document, "a", 1, 1);
    assert_text(document, "z😀-→");
    erase(document, "a", 1, 2);
    assert_text(document, "z→");
    quire_document_destroy(document);
}

Test(text, a_hundred_thousand_typed_characters_take_few_bytes_besides)
{
    struct quire_document *document = new_document();
    for (size_t i = 0; i < 100000; i++) {
        type(document, "a", i, "x");
    }
    struct quire_buffer state = state_of(document);
    cr_assert_lt(state.size, 100000 + 40);
    struct quire_document *copy = copy_of(document);
    cr_assert_eq(quire_document_text_length(copy), 100000);
    type(copy, "b", 50000, "y");
    quire_buffer_finish(&state);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

Test(text, many_scattered_edits_keep_the_text_right)
{
    /* Long enough for several levels of the tree; a flat array says what is right. */
    static char flat[200000];
    size_t length = 0;
    struct dice dice = {7};
    struct quire_document *document = new_document();
    for (size_t i = 0; i < 30000; i++) {
        size_t position = pick(&dice, length + 1);
        if (length > 0 && position < length && pick(&dice, 3) == 0) {
            size_t count = 1 + pick(&dice, 3);
            count = count < length - position ? count : length - position;
            erase(document, "a", position, count);
            memmove(flat + position, flat + position + count, length - position - count);
            length -= count;
        } else {
            char text[4] = {(char)('a' + pick(&dice, 26)), (char)('a' + pick(&dice, 26))};
            type(document, "a", position, text);
            memmove(flat + position + 2, flat + position, length - position);
            memcpy(flat + position, text, 2);
            length += 2;
        }
    }
    flat[length] = '\0';
    assert_text(document, flat);
    struct quire_document *copy = copy_of(document);
    assert_text(copy, flat);
    assert_same_state(document, copy);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

Test(text, memory_of_erased_letters_is_used_again)
{
    static char page[10001];
    memset(page, 'p', 10000);
    struct quire_document *document = new_document();
    type(document, "a", 0, "<>");
    for (size_t i = 0; i < 50; i++) {
        type(document, "a", 1, page);
        erase(document, "a", 1, 9999);
        type(document, "a", 2, "ü");
        erase(document, "a", 1, 1);
    }
    cr_assert_eq(quire_document_text_length(document), 52);
    struct quire_document *copy = copy_of(document);
    assert_same_state(document, copy);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

/* ---- concurrent typing -------------------------------------------------------------------- */

/** Types each letter by itself, onwards from a place or always before what was typed last. */
static void forwards(
    struct quire_document *document, const char *replica, size_t position, const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        char letter[2] = {text[i], '\0'};
        type(document, replica, position + i, letter);
    }
}

static void backwards(
    struct quire_document *document, const char *replica, size_t position, const char *text)
{
    for (size_t i = strlen(text); i > 0; i--) {
        char letter[2] = {text[i - 1], '\0'};
        type(document, replica, position, letter);
    }
}

/** What two who typed at the same time read, whichever has the lesser id. */
static void assert_either(
    struct quire_document *one, struct quire_document *two, const char *expected, const char *other)
{
    sync_documents(one, two);
    assert_same_state(one, two);
    struct quire_buffer text = {0};
    OK(quire_document_text(one, &text));
    OK(quire_buffer_append(&text, "", 1));
    cr_assert(strcmp((char *)text.data, expected) == 0 || strcmp((char *)text.data, other) == 0,
        "read %s", (char *)text.data);
    quire_buffer_finish(&text);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

static void two_replicas(struct quire_document **out_one, struct quire_document **out_two)
{
    struct quire_document *base = new_document();
    type(base, "base", 0, "[]");
    *out_one = copy_of(base);
    *out_two = copy_of(base);
    quire_document_destroy(base);
}

Test(interleaving, words_typed_at_one_place_stay_whole)
{
    struct quire_document *one;
    struct quire_document *two;
    two_replicas(&one, &two);
    forwards(one, "one", 1, "aaaa");
    forwards(two, "two", 1, "bbbb");
    assert_either(one, two, "[aaaabbbb]", "[bbbbaaaa]");
}

Test(interleaving, words_typed_backwards_stay_whole)
{
    struct quire_document *one;
    struct quire_document *two;
    two_replicas(&one, &two);
    backwards(one, "one", 1, "AAAA");
    backwards(two, "two", 1, "BBBB");
    assert_either(one, two, "[AAAABBBB]", "[BBBBAAAA]");
}

Test(interleaving, words_typed_backwards_into_nothing_stay_whole)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    backwards(one, "one", 0, "AAAA");
    backwards(two, "two", 0, "BBBB");
    assert_either(one, two, "AAAABBBB", "BBBBAAAA");
}

Test(interleaving, a_word_put_before_another_stays_with_it)
{
    struct quire_document *one;
    struct quire_document *two;
    two_replicas(&one, &two);
    forwards(one, "one", 1, "two");
    forwards(one, "one", 1, "one ");
    forwards(two, "two", 1, "Y");
    forwards(two, "two", 1, "X ");
    assert_either(one, two, "[one twoX Y]", "[X Yone two]");
}

Test(interleaving, what_a_third_typed_does_not_part_a_from_b)
{
    /* One writes b, one who has seen it puts a before it, a third writes x: any order of ids. */
    static const char *const names[6][3] = {{"1", "2", "3"}, {"1", "3", "2"}, {"2", "1", "3"},
        {"2", "3", "1"}, {"3", "1", "2"}, {"3", "2", "1"}};
    for (size_t i = 0; i < 6; i++) {
        struct quire_document *first = new_document();
        type(first, names[i][0], 0, "b");
        struct quire_document *second = copy_of(first);
        type(second, names[i][1], 0, "a");
        struct quire_document *third = new_document();
        type(third, names[i][2], 0, "x");
        quire_document_destroy(first);
        assert_either(second, third, "abx", "xab");
    }
}

Test(text, one_character_erased_by_two_is_erased_once)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "abcdef");
    struct quire_document *two = copy_of(one);
    erase(one, "a", 1, 3);
    erase(two, "b", 2, 3);
    sync_documents(one, two);
    assert_text(one, "af");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(text, what_is_typed_into_an_erased_range_stays)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "abcdef");
    struct quire_document *two = copy_of(one);
    erase(one, "a", 1, 4);
    type(two, "b", 3, "XY");
    sync_documents(one, two);
    assert_text(one, "aXYf");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(text, a_run_is_not_continued_past_somebody_else_s_child)
{
    /* y types after a and erases it again: nothing to see, but z, typed there later, belongs to
     * it. c continues a's run by its ids, yet its place is after y's, whose replica is lesser. */
    struct quire_document *one = new_document();
    type(one, "m", 0, "a");
    struct quire_document *two = copy_of(one);
    struct quire_buffer ignored = take(one);
    type(one, "m", 1, "c");
    struct quire_buffer late = take(one);
    type(two, "b", 1, "y");
    erase(two, "b", 1, 1);
    struct quire_buffer dead = take(two);
    type(two, "b", 1, "z");
    struct quire_buffer beside = take(two);

    struct quire_document *three = new_document();
    merge_and_free(three, &ignored);
    merge_and_free(three, &dead);
    OK(quire_document_merge(three, quire_buffer_bytes(&late)));
    OK(quire_document_merge(three, quire_buffer_bytes(&beside)));
    merge_and_free(two, &late);
    quire_buffer_finish(&beside);
    assert_text(three, "azc");
    assert_text(two, "azc");
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
}
