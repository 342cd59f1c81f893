/*
 * Values of fields that this version cannot read, as style marks and anchors will be: they are kept,
 * merged, saved while pending, and hashed, and nothing shows that they were not understood.
 */
#include "base/writer.h"
#include "support.h"
#include <string.h>

#define FIELD_ANCHOR 5
#define FIELD_STYLE 6

static void write_place(struct qr_writer *writer, unsigned rank, uint64_t counter, bool after)
{
    qr_write_varint(writer, 2 * ((uint64_t)rank + 1) + (after ? 1 : 0));
    qr_write_varint(writer, counter);
}

/** What a later version would send: B's edit 1 marks A's letters `from` to `to`, its edit 2 names a
 * place, and both may remove what `removes` says B did before. */
static struct quire_buffer marks(uint64_t from, uint64_t to, uint64_t first, uint64_t removes)
{
    struct quire_buffer bytes = {0};
    struct qr_writer writer = qr_writer_onto(&bytes);
    qr_write_u8(&writer, 1);
    qr_write_u8(&writer, removes > 0 ? 4 + 64 : 4);
    qr_write_varint(&writer, 200); /* its time: 100 */
    qr_write_varint(&writer, 2);
    qr_write_bytes(&writer, "a\0\0\0\0\0\0\0b\0\0\0\0\0\0\0", 16);
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, 2);
    qr_write_varint(&writer, first);
    qr_write_varint(&writer, 2); /* values */
    qr_write_varint(&writer, 1);
    qr_write_varint(&writer, first);
    qr_write_varint(&writer, 0);
    qr_write_u8(&writer, FIELD_STYLE);
    qr_write_varint(&writer, 2);
    write_place(&writer, 0, from, false);
    write_place(&writer, 0, to, true);
    qr_write_varint(&writer, 4);
    qr_write_bytes(&writer, "bold", 4);
    qr_write_varint(&writer, 0);
    qr_write_varint(&writer, 1);
    qr_write_varint(&writer, 0);
    qr_write_u8(&writer, FIELD_ANCHOR);
    qr_write_varint(&writer, 1);
    write_place(&writer, 0, to, false);
    qr_write_varint(&writer, 0);
    if (removes > 0) {
        qr_write_varint(&writer, 1);
        qr_write_varint(&writer, 1);
        qr_write_varint(&writer, removes);
    }
    OK(qr_writer_end(&writer));
    return bytes;
}

static bool shows(const struct quire_document *document, const char *bytes)
{
    struct quire_buffer canonical = canonical_of(document);
    size_t size = strlen(bytes);
    bool found = false;
    for (size_t i = 0; i + size <= canonical.size; i++) {
        found = found || memcmp(canonical.data + i, bytes, size) == 0;
    }
    quire_buffer_finish(&canonical);
    return found;
}

Test(unread, marks_survive_edits_states_rest_and_any_order_of_merges)
{
    struct quire_document *one = new_document();
    struct quire_document *two = new_document();
    type(one, "a", 0, "some styled text");
    struct quire_buffer words = take(one);
    struct quire_buffer first = marks(6, 11, 1, 0);
    struct quire_buffer second = marks(1, 16, 3, 1);
    REFUSED(
        quire_document_merge(two, quire_buffer_bytes(&first)), QUIRE_EMALFORMED); /* no letters */
    OK(quire_document_merge(one, quire_buffer_bytes(&first)));
    cr_assert(shows(one, "bold"));
    OK(quire_document_merge(two, quire_buffer_bytes(&words)));
    OK(quire_document_merge(two, quire_buffer_bytes(&first)));
    erase(two, "c", 4, 4); /* the letter that the mark begins at is among them */
    type(two, "c", 4, " and ");
    set_title(two, "c", 3, "title");
    assert_text(two, "some and led text");
    sync_documents(one, two);
    assert_same_state(one, two);
    cr_assert(shows(two, "bold"));

    OK(quire_document_evict(one));
    OK(quire_document_merge(one, quire_buffer_bytes(&second)));
    OK(quire_document_merge(two, quire_buffer_bytes(&second)));
    OK(quire_document_merge(
        two, quire_buffer_bytes(&first))); /* once more: what is removed stays so */
    assert_same_state(one, two);
    struct quire_document *stranger = copy_of(two);
    struct quire_buffer shown = canonical_of(one);
    struct quire_buffer shown_too = canonical_of(stranger);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&shown), quire_buffer_bytes(&shown_too)));
    quire_buffer_finish(&shown);
    quire_buffer_finish(&shown_too);
    quire_buffer_finish(&words);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    quire_document_destroy(stranger);
    quire_document_destroy(one);
    quire_document_destroy(two);
}

Test(unread, a_mark_makes_another_digest)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "some styled text");
    struct quire_buffer plain = canonical_of(document);
    struct quire_buffer delta = marks(6, 11, 1, 0);
    merge_and_free(document, &delta);
    struct quire_buffer marked = canonical_of(document);
    cr_assert_not(quire_bytes_equal(quire_buffer_bytes(&plain), quire_buffer_bytes(&marked)));
    assert_text(document, "some styled text");
    quire_buffer_finish(&plain);
    quire_buffer_finish(&marked);
    quire_document_destroy(document);
}

Test(unread, a_pending_mark_is_restored_and_sent)
{
    struct quire_document *document = new_document();
    type(document, "a", 0, "some styled text");
    struct quire_buffer words = take(document);
    struct quire_buffer delta = marks(6, 11, 1, 0);
    OK(quire_document_restore_pending(document, quire_buffer_bytes(&delta)));
    struct quire_buffer sent = take(document);
    cr_assert(quire_bytes_equal(quire_buffer_bytes(&sent), quire_buffer_bytes(&delta)));
    quire_buffer_finish(&words);
    quire_buffer_finish(&delta);
    quire_buffer_finish(&sent);
    quire_document_destroy(document);
}
