/*
 * Command lines and the values on them.
 */
#include "client/cli/options.h"
#include <criterion/criterion.h>
#include <string.h>

static const struct qr_cli_option first[] = {
    {"title", "TEXT", ""}, {"clear", "", ""}, {"insert", "POS TEXT", ""}, {0}};
static const struct qr_cli_option second[] = {{"json", "", ""}, {"profile", "DIR", ""}, {0}};

static enum quire_status parse(struct qr_cli_args *args, int count, ...)
{
    char *list[16];
    char error[128] = "";
    int used = 0;
    va_list arguments;
    va_start(arguments, count);
    for (int i = 0; i < count; i++) {
        list[i] = va_arg(arguments, char *);
    }
    va_end(arguments);
    enum quire_status status =
        qr_cli_parse(first, second, count, list, false, args, &used, error, sizeof error);
    cr_assert(status == QUIRE_OK || error[0] != 0, "an error without its sentence");
    return status;
}

Test(options, options_and_operands_in_any_order)
{
    struct qr_cli_args args = {0};
    cr_assert_eq(parse(&args, 9, "a", "--title", "one", "--json", "b", "--title=two=three",
                     "--insert", "4", "-x"),
        QUIRE_OK);
    cr_assert_eq(args.operand_count, 2);
    cr_assert_str_eq(args.operands[1], "b");
    cr_assert_str_eq(qr_cli_value(&args, "title"), "two=three");
    cr_assert(qr_cli_has(&args, "json"));
    cr_assert_not(qr_cli_has(&args, "clear"));
    cr_assert_eq(args.given_count, 4);
    cr_assert_str_eq(args.given[3].values[1], "-x");
    qr_cli_args_finish(&args);
}

Test(options, after_two_dashes_all_is_text)
{
    struct qr_cli_args args = {0};
    cr_assert_eq(parse(&args, 4, "--json", "--", "--title", "-"), QUIRE_OK);
    cr_assert_eq(args.operand_count, 2);
    cr_assert_str_eq(args.operands[0], "--title");
    qr_cli_args_finish(&args);
    cr_assert_eq(parse(&args, 1, "-"), QUIRE_OK); /* a dash alone stands for standard input */
    cr_assert_eq(args.operand_count, 1);
    qr_cli_args_finish(&args);
}

Test(options, what_is_no_option_is_refused)
{
    static const char *const bad[] = {
        "--titel", "-t", "--json=yes", "--title", "--insert=3", "--=x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct qr_cli_args args = {0};
        cr_assert_eq(parse(&args, 1, bad[i]), QUIRE_EINVALID, "%s", bad[i]);
        qr_cli_args_finish(&args);
    }
    struct qr_cli_args args = {0};
    cr_assert_eq(parse(&args, 2, "--insert", "3"), QUIRE_EINVALID);
    qr_cli_args_finish(&args);
}

Test(options, numbers_are_whole_and_within_bounds)
{
    int64_t number = -7;
    cr_assert(qr_cli_number("0", 0, 100, &number) && number == 0);
    cr_assert(qr_cli_number("100", 0, 100, &number) && number == 100);
    cr_assert(qr_cli_number("-3", -5, 0, &number) && number == -3);
    static const char *const bad[] = {
        "", "101", "-1", "1.5", "1e2", " 1", "1 ", "+1", "0x10", "-", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(qr_cli_number(bad[i], 0, 100, &number), "%s", bad[i]);
    }
    cr_assert_eq(number, -3);
}

Test(options, an_emotion_is_split_at_its_last_equals_sign)
{
    size_t size = 0;
    int64_t number = 0;
    cr_assert(qr_cli_pair("joy=70", 0, 100, &size, &number) && size == 3 && number == 70);
    cr_assert(qr_cli_pair("a=b=1", 0, 100, &size, &number) && size == 3 && number == 1);
    cr_assert_not(qr_cli_pair("joy", 0, 100, &size, &number));
    cr_assert_not(qr_cli_pair("=5", 0, 100, &size, &number));
    cr_assert_not(qr_cli_pair("joy=", 0, 100, &size, &number));
    cr_assert_not(qr_cli_pair("joy=101", 0, 100, &size, &number));
}

Test(options, dates_go_in_and_come_out)
{
    static const struct {
        const char *text, *shown;
        int64_t ms;
    } good[] = {
        {"1970-01-01", "1970-01-01 00:00", 0},
        {"2024-02-29T12:30", "2024-02-29 12:30", 1709209800000},
        {"2000-02-29 23:59:59", "2000-02-29 23:59", 951868799000},
        {"1969-12-31 23:59", "1969-12-31 23:59", -60000},
        {"0001-01-01", "0001-01-01 00:00", -62135596800000},
        {"9999-12-31T23:59:59", "9999-12-31 23:59", 253402300799000},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t ms = 1;
        char shown[48];
        cr_assert(qr_cli_date(good[i].text, &ms), "%s", good[i].text);
        cr_assert_eq(ms, good[i].ms, "%s", good[i].text);
        qr_cli_date_text(ms, shown);
        cr_assert_str_eq(shown, good[i].shown);
    }
    static const char *const bad[] = {"", "today", "2023-02-29", "2024-13-01", "2024-00-10",
        "2024-01-00", "2024-1-1", "2024-01-01T24:00", "2024-01-01T12:60", "2024-01-01T12:30:60",
        "2024-01-01T12", "0000-01-01", "2024-01-01T12:30Z", "2024/01/01"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 5;
        cr_assert_not(qr_cli_date(bad[i], &ms), "%s", bad[i]);
        cr_assert_eq(ms, 5);
    }
    char shown[48];
    qr_cli_date_text(INT64_MIN, shown); /* another device may write any number */
    cr_assert_str_eq(shown, "?");
    qr_cli_date_text(INT64_MAX, shown);
    cr_assert_str_eq(shown, "?");
}
