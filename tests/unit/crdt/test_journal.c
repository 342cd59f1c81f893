/*
 * The journal that an entry belongs to: a register that older programs keep unread.
 */
#include "undo_support.h"
#include <stdio.h>
#include <string.h>

static void put_into(
    struct quire_document *document, const char *replica, int64_t wall_ms, const char *journal)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    OK(quire_document_set_journal(document, &stamp, quire_bytes_of_text(journal)));
}

static void assert_journal(const struct quire_document *document, const char *journal)
{
    struct quire_bytes found = quire_document_journal(document);
    cr_assert(quire_bytes_equal(found, quire_bytes_of_text(journal)), "%.*s", (int)found.size,
        found.size > 0 ? (const char *)found.data : "");
}

Test(journal, an_entry_has_one_and_can_leave_it)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "words");
    assert_journal(document, "");
    put_into(document, "a", 1, "work");
    assert_journal(document, "work");
    put_into(document, "a", 2, "home");
    assert_journal(document, "home");
    put_into(document, "a", 3, "");
    assert_journal(document, "");
    put_into(document, "a", 4, ""); /* nothing to leave */
    assert_journal(document, "");
    quire_document_destroy(document);
}

Test(journal, two_devices_that_choose_at_once_agree_and_a_later_choice_replaces_both)
{
    struct quire_document *a = new_document();
    type(a, "a", 0, "words");
    struct quire_document *b = copy_of(a);
    put_into(a, "a", 20, "work");
    put_into(b, "b", 10, "home");
    sync_documents(a, b);
    assert_same_state(a, b);
    assert_journal(a, "work");
    assert_journal(b, "work");
    put_into(b, "b", 5, "garden"); /* it saw both, so its clock does not matter */
    sync_documents(a, b);
    assert_same_state(a, b);
    assert_journal(a, "garden");
    quire_document_destroy(a);
    quire_document_destroy(b);
}

Test(journal, it_survives_states_deltas_and_what_is_pending)
{
    struct quire_document *document = new_document(), *other = new_document();
    type(document, "a", 0, "words");
    put_into(document, "a", 1, "work");
    struct quire_buffer pending = pending_of(document);
    struct quire_document *again = new_document();
    OK(quire_document_restore_pending(again, quire_buffer_bytes(&pending)));
    assert_journal(again, "work");
    struct quire_buffer delta = take(document);
    merge_and_free(other, &delta);
    assert_journal(other, "work");
    struct quire_document *awake = copy_of(other);
    assert_journal(awake, "work");
    assert_same_state(awake, document);
    quire_buffer_finish(&pending);
    quire_document_destroy(document);
    quire_document_destroy(other);
    quire_document_destroy(again);
    quire_document_destroy(awake);
}

Test(journal, what_is_no_name_is_refused_and_changes_nothing)
{
    char long_one[QUIRE_JOURNAL_MAX + 1];
    struct quire_document *document = new_document();
    struct quire_stamp stamp = stamp_of("a", 1);
    memset(long_one, 'j', sizeof long_one);
    put_into(document, "a", 1, "work");
    struct quire_document *before = copy_of(document);
    struct quire_bytes name = {(const uint8_t *)long_one, sizeof long_one};
    REFUSED(quire_document_set_journal(document, &stamp, name), QUIRE_ELIMIT);
    REFUSED(
        quire_document_set_journal(document, &stamp, quire_bytes_of_text("\xc3")), QUIRE_EINVALID);
    assert_same_state(document, before);
    name.size--;
    OK(quire_document_set_journal(document, &stamp, name));
    cr_assert_eq(quire_document_journal(document).size, QUIRE_JOURNAL_MAX);
    OK(quire_document_set_journal(
        document, &stamp, quire_document_journal(document))); /* its own */
    cr_assert_eq(quire_document_journal(document).size, QUIRE_JOURNAL_MAX);
    quire_document_destroy(document);
    quire_document_destroy(before);
}

Test(journal, undo_brings_back_the_one_before)
{
    struct quire_document *document = new_document();
    type(document, "base", 0, "words");
    put_into(document, "base", 1, "home");
    struct quire_undo *undo = undo_of(document);
    struct quire_stamp stamp = me;
    OK(quire_document_set_journal(document, &stamp, quire_bytes_of_text("work")));
    next_step(undo);
    OK(quire_document_set_journal(document, &stamp, (struct quire_bytes){0}));
    assert_journal(document, "");
    back(undo);
    assert_journal(document, "work");
    back(undo);
    assert_journal(document, "home");
    forth(undo);
    assert_journal(document, "work");
    end(undo, document, NULL);
}

Test(journal, a_set_that_is_full_does_not_matter_to_it)
{
    struct quire_document *document = new_document();
    char name[16];
    for (int i = 0; i < QUIRE_ELEMENTS_MAX; i++) {
        snprintf(name, sizeof name, "tag %d", i);
        tag(document, "a", name);
    }
    put_into(document, "a", 1, "work");
    assert_journal(document, "work");
    quire_document_destroy(document);
}
