/*
 * Offsets in the units of editors: the same place in each, and none inside of a character.
 */
#include "support.h"
#include <string.h>

#define REFUSED_OFFSET SIZE_MAX

static size_t offset_of(
    const struct quire_document *document, enum quire_unit from, size_t offset, enum quire_unit to)
{
    size_t place = REFUSED_OFFSET;
    enum quire_status status = quire_document_offset(document, from, offset, to, &place);
    cr_assert_eq(status, place == REFUSED_OFFSET ? QUIRE_EINVALID : QUIRE_OK);
    return place;
}

/** Every offset of every unit against a walk over the text, and some past the end. */
static void compare_all(const struct quire_document *document)
{
    struct quire_buffer text = {0};
    OK(quire_document_text(document, &text));
    for (unsigned from = 0; from <= QUIRE_UNIT_UTF16; from++) {
        size_t next = 0; /* the next offset that no character has begun at */
        size_t at[3] = {0};
        for (size_t i = 0; i <= text.size;) {
            for (; next < at[from]; next++) {
                cr_assert_eq(offset_of(document, (enum quire_unit)from, next, QUIRE_UNIT_POINTS),
                    REFUSED_OFFSET);
            }
            for (unsigned to = 0; to <= QUIRE_UNIT_UTF16; to++) {
                cr_assert_eq(
                    offset_of(document, (enum quire_unit)from, at[from], (enum quire_unit)to),
                    at[to]);
            }
            next++;
            if (i == text.size) {
                break;
            }
            uint8_t lead = text.data[i];
            size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
            i += size;
            at[QUIRE_UNIT_POINTS] += 1;
            at[QUIRE_UNIT_UTF8] += size;
            at[QUIRE_UNIT_UTF16] += size == 4 ? 2 : 1;
        }
        for (size_t past = 0; past < 5; past++) {
            cr_assert_eq(offset_of(document, (enum quire_unit)from, next + past, QUIRE_UNIT_UTF8),
                REFUSED_OFFSET);
        }
    }
    quire_buffer_finish(&text);
}

Test(offset, each_unit_names_the_same_place)
{
    static const char *const words[] = {"a", "word ", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\x98\x80",
        "\xe6\x97\xa5\xe8\xa8\x98", "\xf4\x8f\xbf\xbf\xf0\x90\x80\x80"};
    struct dice dice = {5};
    struct quire_document *document = new_document();
    compare_all(document);
    for (size_t i = 0; i < 120; i++) {
        size_t length = quire_document_text_length(document);
        size_t position = pick(&dice, length + 1);
        if (position < length && pick(&dice, 3) == 0) {
            erase(document, "a", position, 1);
        } else {
            type(document, "a", position, words[pick(&dice, 6)]);
        }
        if (i % 10 == 0) {
            compare_all(document);
        }
    }
    struct quire_document *copy = copy_of(document); /* nothing was typed into that one */
    compare_all(copy);
    struct quire_buffer state = state_of(document);
    struct quire_document *encoded;
    OK(quire_document_open(&state, &encoded));
    compare_all(encoded);
    quire_document_destroy(encoded);
    quire_document_destroy(copy);
    quire_document_destroy(document);
}

Test(offset, a_long_text_is_not_read_from_its_beginning)
{
    /* A hundred thousand conversions each way in a text of 1 MiB: by reading, they would take minutes. */
    static char page[QUIRE_TEXT_MAX / 2 + 1];
    struct quire_document *document = new_document();
    for (size_t i = 0; i + 4 <= sizeof page; i += 4) {
        memcpy(page + i, i % 8 == 0 ? "\xf0\x9f\x98\x80" : "abcd", 4);
    }
    type(document, "a", 0, page);
    size_t points = quire_document_text_length(document);
    for (size_t i = 0; i < 100000; i++) {
        size_t point = i * 7919 % points;
        size_t unit = offset_of(document, QUIRE_UNIT_POINTS, point, QUIRE_UNIT_UTF16);
        cr_assert_eq(unit, point / 5 * 6 + point % 5 + (point % 5 > 0 ? 1 : 0));
        cr_assert_eq(offset_of(document, QUIRE_UNIT_UTF16, unit, QUIRE_UNIT_POINTS), point);
    }
    quire_document_destroy(document);
}

Test(offset, a_unit_that_there_is_not_is_refused)
{
    struct quire_document *document = new_document();
    size_t place = 77;
    REFUSED(quire_document_offset(document, (enum quire_unit)3, 0, QUIRE_UNIT_UTF8, &place),
        QUIRE_EINVALID);
    REFUSED(quire_document_offset(document, QUIRE_UNIT_UTF8, 0, (enum quire_unit)3, &place),
        QUIRE_EINVALID);
    cr_assert_eq(place, 77);
    quire_document_destroy(document);
}
