/*
 * A recovery kit as people type it: which line is wrong is said.
 */
#include "client/cli/kit.h"
#include <criterion/criterion.h>
#include <string.h>

static const char *const letters[QR_CLI_KIT_LINES] = {
    "0123ABCD", "4567EFGH", "89ABJKMN", "CDEFPQRS", "GHJKTVWX", "MNPQYZ01", "RSTV2345"};

/* "N. ABCD-EFGH XY", as on a page. */
static void page_line(unsigned number, char out_line[32])
{
    char check[QR_CLI_KIT_CHECK + 1];
    qr_cli_kit_line_check(letters[number - 1], number, check);
    snprintf(out_line, 32, "%u. %.4s-%.4s %s", number, letters[number - 1], letters[number - 1] + 4,
        check);
}

Test(kit_lines, the_check_of_a_line_is_what_it_was)
{
    char check[QR_CLI_KIT_CHECK + 1];
    qr_cli_kit_line_check("0123ABCD", 1, check);
    cr_assert_str_eq(check, "KK"); /* printed pages hold these */
    qr_cli_kit_line_check("0123ABCD", 2, check);
    cr_assert_str_eq(check, "JQ");
}

Test(kit_lines, a_page_is_read_and_any_slip_names_its_line)
{
    struct qr_cli_kit_reader reader = {0};
    char line[32];
    for (unsigned number = 1; number <= QR_CLI_KIT_LINES; number++) {
        page_line(number, line);
        for (size_t i = 3; line[i] != 0; i++) {
            char kept = line[i];
            if (kept == '-' || kept == ' ') {
                continue;
            }
            line[i] = kept == 'Z' ? 'Y' : 'Z';
            cr_assert_not(qr_cli_kit_read_line(&reader, line), "%s", line);
            char wanted[16];
            snprintf(wanted, sizeof wanted, "Line %u is", number);
            cr_assert_not_null(strstr(reader.error, wanted), "%s", reader.error);
            line[i] = kept;
        }
        cr_assert(qr_cli_kit_read_line(&reader, line), "%s: %s", line, reader.error);
    }
    cr_assert_eq(reader.count, QR_CLI_KIT_LETTERS);
    cr_assert_eq(strncmp(reader.letters, "0123ABCD4567EFGH", 16), 0);
}

Test(kit_lines, lines_that_change_places_are_noticed)
{
    struct qr_cli_kit_reader reader = {0};
    char line[32];
    page_line(1, line);
    cr_assert(qr_cli_kit_read_line(&reader, line));
    page_line(3, line);
    cr_assert_not(qr_cli_kit_read_line(&reader, line));
    cr_assert_not_null(strstr(reader.error, "Line 2"));
    page_line(2, line);
    cr_assert(qr_cli_kit_read_line(&reader, line));
}

Test(kit_lines, a_line_is_typed_in_many_ways)
{
    struct qr_cli_kit_reader reader = {0};
    char line[32], check[QR_CLI_KIT_CHECK + 1], text[64];
    qr_cli_kit_line_check(letters[0], 1, check);
    snprintf(
        text, sizeof text, "1 o123 - abcd%s\r", check); /* O for 0, small letters, the number */
    cr_assert(qr_cli_kit_read_line(&reader, text), "%s", reader.error);
    cr_assert(qr_cli_kit_read_line(&reader, "  "));
    page_line(2, line);
    cr_assert_not(qr_cli_kit_read_line(&reader, line + 5), "a character too few");
    cr_assert_not_null(strstr(reader.error, "Line 2 has 8 characters"), "%s", reader.error);
    cr_assert_not(qr_cli_kit_read_line(&reader, "2. 4567-EFUH 00"));
    cr_assert_not_null(strstr(reader.error, "Line 2 has a 'U'"), "%s", reader.error);
    cr_assert_not(qr_cli_kit_read_line(&reader, "\xc3\xa9"));
    cr_assert(qr_cli_kit_read_line(&reader, line));
    cr_assert_eq(reader.lines, 2);
}

Test(kit_lines, a_kit_without_checks_comes_in_lines_of_any_length)
{
    static const char kit[] =
        "0123-ABCD-4567-EFGH-89AB-JKMN-CDEF-PQRS-GHJK-TVWX-MNPQ-YZ01-RSTV-2345";
    static const size_t sizes[] = {69, 35, 5, 7};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct qr_cli_kit_reader reader = {0};
        for (size_t at = 0; at < sizeof kit - 1; at += sizes[i]) {
            char line[80];
            snprintf(line, sizeof line, "%.*s", (int)sizes[i], kit + at);
            cr_assert(qr_cli_kit_read_line(&reader, line), "%s: %s", line, reader.error);
        }
        cr_assert_eq(reader.count, QR_CLI_KIT_LETTERS);
        cr_assert_not(reader.checked);
    }
    struct qr_cli_kit_reader reader = {0};
    cr_assert_not(qr_cli_kit_read_line(
        &reader, "0123-ABCD-4567-EFGH-89AB-JKMN-CDEF-PQRS-GHJK-TVWX-MNPQ-YZ01-RSTV-2345-6"));
    cr_assert_not_null(strstr(reader.error, "too long"));
}
