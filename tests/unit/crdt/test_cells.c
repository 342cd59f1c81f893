/*
 * Registers, sets and the entry's delete.
 */
#include "support.h"

Test(registers, a_later_write_overwrites_whatever_its_clock_says)
{
    struct quire_document *one = new_document();
    set_title(one, "a", INT64_MAX, "from the future");
    struct quire_document *two = copy_of(one);
    set_title(two, "b", INT64_MIN, "seen and replaced");
    sync_documents(one, two);
    assert_titles(one, "seen and replaced");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(registers, concurrent_writes_are_all_kept_the_latest_first)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    struct quire_document *three = new_document();
    set_title(one, "a", 10, "ten");
    set_title(two, "b", 30, "thirty");
    set_title(three, "c", 20, "twenty");
    sync_documents(one, two);
    sync_documents(two, three);
    sync_documents(one, two);
    assert_titles(one, "thirty|twenty|ten");
    assert_same_state(one, three);
    set_title(three, "c", 5, "settled");
    sync_documents(one, three);
    assert_titles(one, "settled");
    quire_document_destroy(one);
    quire_document_destroy(two);
    quire_document_destroy(three);
}

Test(registers, equal_clocks_are_settled_by_the_replica)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    set_title(one, "a", 10, "a's");
    set_title(two, "b", 10, "b's");
    sync_documents(one, two);
    assert_titles(one, "b's|a's");
    assert_titles(two, "b's|a's");
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(registers, a_write_survives_a_clear_that_did_not_see_it)
{
    struct quire_document *one = new_document();
    set_title(one, "a", 1, "old");
    struct quire_document *two = copy_of(one);
    struct quire_stamp stamp = stamp_of("a", 2);
    OK(quire_document_clear_register(one, &stamp, QUIRE_REGISTER_TITLE));
    assert_titles(one, "");
    set_title(two, "b", 1, "new");
    sync_documents(one, two);
    assert_titles(one, "new");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(registers, date_and_mood_hold_numbers)
{
    struct quire_document *document = new_document();
    struct quire_stamp stamp = stamp_of("a", -5);
    struct quire_value value = {.number = INT64_MIN};
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_DATE, &value));
    value.number = QUIRE_MOOD_MAX;
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_MOOD, &value));
    struct quire_document *copy = copy_of(document);
    OK(quire_document_register(copy, QUIRE_REGISTER_DATE, 0, &value));
    cr_assert_eq(value.number, INT64_MIN);
    cr_assert_eq(value.wall_ms, -5);
    cr_assert_eq(value.text.size, 0);
    OK(quire_document_register(copy, QUIRE_REGISTER_MOOD, 0, &value));
    cr_assert_eq(value.number, QUIRE_MOOD_MAX);
    assert_same_state(document, copy);
    quire_document_destroy(document);
    quire_document_destroy(copy);
}

Test(registers, a_title_may_be_set_to_itself)
{
    struct quire_document *document = new_document();
    struct quire_stamp stamp = stamp_of("a", 1);
    set_title(document, "a", 1, "borrowed");
    struct quire_value value;
    OK(quire_document_register(document, QUIRE_REGISTER_TITLE, 0, &value));
    OK(quire_document_set_register(document, &stamp, QUIRE_REGISTER_TITLE, &value));
    assert_titles(document, "borrowed");
    quire_document_destroy(document);
}

Test(sets, elements_are_shown_in_byte_order)
{
    struct quire_document *document = new_document();
    tag(document, "a", "b");
    tag(document, "a", "ab");
    tag(document, "a", "a");
    tag(document, "a", "ü");
    tag(document, "a", "b");
    assert_tags(document, "a ab b ü");
    untag(document, "a", "ab");
    untag(document, "a", "never there");
    assert_tags(document, "a b ü");
    quire_document_destroy(document);
}

Test(sets, an_add_outlives_a_removal_that_did_not_see_it)
{
    struct quire_document *one = new_document();
    tag(one, "a", "tag");
    struct quire_document *two = copy_of(one);
    untag(one, "a", "tag");
    tag(two, "b", "tag");
    sync_documents(one, two);
    assert_tags(one, "tag");
    untag(one, "a", "tag");
    sync_documents(one, two);
    assert_tags(two, "");
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(sets, what_was_removed_does_not_come_back_with_an_old_state)
{
    struct quire_document *one = new_document();
    tag(one, "a", "tag");
    struct quire_document *old = copy_of(one);
    untag(one, "a", "tag");
    sync_documents(one, old);
    assert_tags(one, "");
    assert_tags(old, "");
    quire_document_destroy(one);
    quire_document_destroy(old);
}

Test(sets, of_concurrent_intensities_the_latest_is_shown)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    struct quire_stamp early = stamp_of("z", 1);
    struct quire_stamp late = stamp_of("a", 2);
    struct quire_element element;
    OK(quire_document_add_element(one, &early, QUIRE_SET_EMOTIONS, quire_bytes_of_text("joy"), 30));
    OK(quire_document_add_element(two, &late, QUIRE_SET_EMOTIONS, quire_bytes_of_text("joy"), 60));
    sync_documents(one, two);
    cr_assert_eq(quire_document_set_count(one, QUIRE_SET_EMOTIONS), 1);
    cr_assert_eq(quire_document_set_count(one, QUIRE_SET_TAGS), 0);
    OK(quire_document_set_element(one, QUIRE_SET_EMOTIONS, 0, &element));
    cr_assert_eq(element.value, 60);
    OK(quire_document_add_element(one, &early, QUIRE_SET_EMOTIONS, element.name, 5));
    sync_documents(one, two);
    OK(quire_document_set_element(two, QUIRE_SET_EMOTIONS, 0, &element));
    cr_assert_eq(element.value, 5);
    OK(quire_document_remove_element(two, &early, QUIRE_SET_EMOTIONS, element.name));
    cr_assert_eq(quire_document_set_count(two, QUIRE_SET_EMOTIONS), 0);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

static void delete_entry(struct quire_document *document, const char *replica)
{
    struct quire_stamp stamp = stamp_of(replica, 1);
    OK(quire_document_delete(document, &stamp));
}

Test(delete, it_holds_for_all_that_it_saw)
{
    struct quire_document *one = new_document();
    cr_assert_not(quire_document_deleted(one));
    type(one, "a", 0, "text");
    struct quire_document *two = copy_of(one);
    delete_entry(one, "a");
    cr_assert(quire_document_deleted(one));
    sync_documents(one, two);
    cr_assert(quire_document_deleted(two));
    assert_same_state(one, two);
    type(two, "b", 0, "again ");
    sync_documents(one, two);
    cr_assert_not(quire_document_deleted(one));
    assert_text(one, "again text");
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(delete, a_concurrent_edit_of_any_kind_wins)
{
    for (int kind = 0; kind < 3; kind++) {
        struct quire_document *one = new_document();
        type(one, "a", 0, "text");
        struct quire_document *two = copy_of(one);
        delete_entry(one, "a");
        if (kind == 0) {
            erase(two, "b", 0, 1);
        } else if (kind == 1) {
            tag(two, "b", "tag");
        } else {
            set_title(two, "b", 1, "title");
        }
        struct quire_buffer delta = take(two);
        merge_and_free(one, &delta);
        cr_assert_not(quire_document_deleted(one));
        sync_documents(one, two);
        assert_same_state(one, two);
        quire_document_destroy(one);
        quire_document_destroy(two);
    }
}

Test(delete, two_deletes_that_did_not_see_each_other_agree)
{
    struct quire_document *one = new_document();
    type(one, "a", 0, "text");
    struct quire_document *two = copy_of(one);
    delete_entry(one, "a");
    delete_entry(two, "b");
    sync_documents(one, two);
    cr_assert(quire_document_deleted(one));
    assert_same_state(one, two);
    quire_document_destroy(one);
    quire_document_destroy(two);
}
