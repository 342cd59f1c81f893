/*
 * Folding of search terms: what people type finds what they wrote, in any script.
 */
#include "client/fold.h"
#include <criterion/criterion.h>
#include <string.h>

static void check(const char *text, const char *expected)
{
    struct quire_buffer terms = {0};
    cr_assert_eq(qr_client_fold_terms(quire_bytes_of_text(text), &terms), QUIRE_OK);
    cr_expect(terms.size == strlen(expected)
            && (terms.size == 0 || memcmp(terms.data, expected, terms.size) == 0),
        "\"%s\" folds to \"%.*s\", not to \"%s\"", text, (int)terms.size,
        terms.size > 0 ? (const char *)terms.data : "", expected);
    quire_buffer_finish(&terms);
}

Test(fold, ascii_is_words_and_signs)
{
    check("", "");
    check(" .,;!? ", "");
    check("It RAINED, all day-long 42", "it\nrained\nall\nday\nlong\n42\n");
    check("C++ and a<b $5", "c\n++\nand\na\n<\nb\n$\n5\n");
}

Test(fold, both_normal_forms_are_one)
{
    check("Việt", "viet\n");
    check("Vie\xcc\xa3\xcc\x82t", "viet\n");
    check("\xed\x95\x9c\xea\xb5\xad", "\xed\x95\x9c\xea\xb5\xad\n"); /* 한국 */
    check("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8",
        "\xed\x95\x9c\xea\xb5\xad\n"); /* its jamo */
    check("パン", "パン\n");
    check("\xe3\x83\x8f\xe3\x82\x9aン", "パン\n");
    check("й", "и\n");
    check("и\xcc\x86", "и\n");
    check("أ", "ا\n");
    check("nǐ hǎo", "ni\nhao\n");
}

Test(fold, letters_fold_as_people_type_them)
{
    check("Straße STRASSE", "strasse\nstrasse\n");
    check("București Łódź smørrebrød Ĳssel", "bucuresti\nlodz\nsmorrebrod\nijssel\n");
    check("Ｆｕｌｌ　ｗｉｄｔｈ ﬁn ①", "full\nwidth\nfin\n1\n");
    check("ΣΊΣΥΦΟΣ", "σισυφοσ\n");
    check("שָׁלוֹם", "שלום\n");
    check("مُحَمَّد", "محمد\n");
    check("İstanbul ısı", "istanbul\nisi\n");
}

Test(fold, marks_that_make_other_words_stay)
{
    check("か が", "か\nが\n");
    check("फल फूल", "फल\nफूल\n");
    check("กา ก่า", "กา\nก่า\n");
}

Test(fold, emoji_and_symbols_are_terms)
{
    check("I ❤️ you ✅⭐", "i\n❤\nyou\n✅⭐\n");
    check("❤", "❤\n");
    check("family 👩‍👩‍👧!", "family\n👩👩👧\n");
    check("5 € © ∑", "5\n€\n©\n∑\n");
    check("…«»§¿", "");
}

Test(fold, a_long_text_takes_its_room)
{
    struct quire_buffer text = {0}, terms = {0};
    for (int i = 0; i < 2000; i++) { /* U+FDFA: one letter, eighteen once decomposed */
        cr_assert_eq(quire_buffer_append(&text, "\xef\xb7\xba", 3), QUIRE_OK);
    }
    cr_assert_eq(qr_client_fold_terms(quire_buffer_bytes(&text), &terms), QUIRE_OK);
    cr_assert_gt(terms.size, text.size * 4);
    quire_buffer_finish(&text);
    quire_buffer_finish(&terms);
}
