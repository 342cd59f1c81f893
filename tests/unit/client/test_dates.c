/*
 * Dates as people say them, against a given clock and time zone.
 */
#define _GNU_SOURCE
#include "client/dates.h"
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Wednesday 2026-03-04 15:30 in Berlin, 09:30 in New York, 23:30 in Tokyo. */
#define NOW INT64_C(1772634600000)

static enum qr_client_date_order order;

static void begin(void)
{
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    order = QR_CLIENT_ORDER_UNKNOWN;
}

TestSuite(dates, .init = begin);

static void civil_text(int64_t ms, char out_text[32])
{
    int64_t days = ms / QR_CLIENT_DAY_MS - (ms % QR_CLIENT_DAY_MS < 0), year;
    int64_t rest = (ms - days * QR_CLIENT_DAY_MS) / 1000;
    int month, day;
    qr_client_civil(days, &year, &month, &day);
    snprintf(out_text, 32, "%04d-%02d-%02d %02d:%02d:%02d", (int)year, month, day,
        (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

static void expect(const char *said, const char *from, const char *until)
{
    struct qr_client_span span;
    char error[256] = "", from_text[32], until_text[32];
    cr_assert_eq(qr_client_date_read(said, NOW, order, &span, error, sizeof error), QUIRE_OK,
        "%s: %s", said, error);
    civil_text(span.from_ms, from_text);
    civil_text(span.until_ms, until_text);
    cr_expect(strcmp(from_text, from) == 0 && strcmp(until_text, until) == 0, "%s: %s … %s", said,
        from_text, until_text);
}

static void expect_day(const char *said, const char *day)
{
    struct qr_client_span span;
    char error[256] = "", text[32];
    cr_assert_eq(qr_client_date_read(said, NOW, order, &span, error, sizeof error), QUIRE_OK,
        "%s: %s", said, error);
    civil_text(span.from_ms, text);
    cr_expect(strncmp(text, day, 10) == 0 && strcmp(text + 10, " 00:00:00") == 0
            && span.until_ms - span.from_ms == QR_CLIENT_DAY_MS
            && span.grain == QR_CLIENT_GRAIN_DAY,
        "%s: %s", said, text);
}

static void expect_minute(const char *said, const char *minute)
{
    struct qr_client_span span;
    char error[256] = "", text[32];
    cr_assert_eq(qr_client_date_read(said, NOW, order, &span, error, sizeof error), QUIRE_OK,
        "%s: %s", said, error);
    civil_text(span.from_ms, text);
    cr_expect(
        strncmp(text, minute, 16) == 0 && span.grain == QR_CLIENT_GRAIN_TIME, "%s: %s", said, text);
}

static void refused(const char *said, const char *why)
{
    struct qr_client_span span = {7, 8, QR_CLIENT_GRAIN_DAY};
    char error[256] = "";
    cr_expect_eq(qr_client_date_read(said, NOW, order, &span, error, sizeof error), QUIRE_EINVALID,
        "%s was taken", said);
    cr_expect(strstr(error, why) != NULL, "%s: %s", said, error);
    cr_expect(span.from_ms == 7 && span.until_ms == 8, "%s: the span was touched", said);
}

Test(dates, days_by_their_distance)
{
    expect_day("today", "2026-03-04");
    expect_day("Yesterday", "2026-03-03");
    expect_day("tomorrow", "2026-03-05");
    expect_day("3 days ago", "2026-03-01");
    expect_day("a week ago", "2026-02-25");
    expect_day("2 weeks ago", "2026-02-18");
    expect_day("one month ago", "2026-02-04");
    expect_day("10 years ago", "2016-03-04");
    expect_day("in 2 days", "2026-03-06");
    expect_minute("now", "2026-03-04 15:30");
    expect_minute("20 minutes ago", "2026-03-04 15:10");
    expect_minute("an hour ago", "2026-03-04 14:30");
    expect_minute("16 hours ago", "2026-03-03 23:30");
}

Test(dates, weekdays_are_the_last_or_the_next)
{
    expect_day("friday", "2026-02-27");
    expect_day("fri", "2026-02-27");
    expect_day("last friday", "2026-02-27");
    expect_day("last wednesday", "2026-02-25");
    expect_day("next friday", "2026-03-06");
    expect_day("next wednesday", "2026-03-11");
    expect_minute("last friday 8pm", "2026-02-27 20:00");
    expect_minute("last friday at 8:15 pm", "2026-02-27 20:15");
}

Test(dates, weeks_months_and_years_are_spans)
{
    expect("last week", "2026-02-23 00:00:00", "2026-03-02 00:00:00");
    expect("this week", "2026-03-02 00:00:00", "2026-03-09 00:00:00");
    expect("last month", "2026-02-01 00:00:00", "2026-03-01 00:00:00");
    expect("next month", "2026-04-01 00:00:00", "2026-05-01 00:00:00");
    expect("this year", "2026-01-01 00:00:00", "2027-01-01 00:00:00");
    expect("2026-01", "2026-01-01 00:00:00", "2026-02-01 00:00:00");
    expect("2025-12", "2025-12-01 00:00:00", "2026-01-01 00:00:00");
    expect("2024", "2024-01-01 00:00:00", "2025-01-01 00:00:00");
    expect("march 2024", "2024-03-01 00:00:00", "2024-04-01 00:00:00");
    expect("february", "2026-02-01 00:00:00", "2026-03-01 00:00:00");
    expect("april", "2025-04-01 00:00:00", "2025-05-01 00:00:00");
}

Test(dates, calendar_dates_and_times)
{
    expect_day("2024-02-29", "2024-02-29");
    expect_day("2024/02/29", "2024-02-29");
    expect_day("0001-01-01", "0001-01-01");
    expect_day("9999-12-31", "9999-12-31");
    expect_minute("2024-03-01 12:30", "2024-03-01 12:30");
    expect_minute("2024-03-01T12:30", "2024-03-01 12:30");
    expect("2024-03-01T12:30:15", "2024-03-01 12:30:15", "2024-03-01 12:30:16");
    expect_day("3 march 2024", "2024-03-03");
    expect_day("March 3, 2024", "2024-03-03");
    expect_day("3rd mar 2024", "2024-03-03");
    expect_day("march 3", "2026-03-03");
    expect_day("march 5", "2025-03-05");
    expect_day("29 february", "2024-02-29");
    expect_minute("march 3 noon", "2026-03-03 12:00");
    expect_minute("yesterday 12am", "2026-03-03 00:00");
    expect_minute("8am", "2026-03-04 08:00");
    expect_minute("8pm yesterday", "2026-03-03 20:00");
    expect_minute("at 20:30 on 3 march", "2026-03-03 20:30");
}

Test(dates, a_month_that_lacks_the_day_gives_its_last)
{
    struct qr_client_span span;
    char error[256], text[32];
    /* 2026-03-31 12:00 UTC */
    cr_assert_eq(qr_client_date_read(
                     "a month ago", INT64_C(1774958400000), order, &span, error, sizeof error),
        QUIRE_OK);
    civil_text(span.from_ms, text);
    cr_assert_str_eq(text, "2026-02-28 00:00:00");
}

Test(dates, time_zone_says_what_today_is)
{
    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    expect_day("today", "2026-03-04");
    expect_minute("now", "2026-03-04 23:30");
    setenv("TZ", "Pacific/Kiritimati", 1);
    tzset();
    expect_day("today", "2026-03-05");
    setenv("TZ", "America/New_York", 1);
    tzset();
    expect_minute("now", "2026-03-04 09:30");
    /* On 2026-03-08 the clocks of New York skip 02:00 to 03:00: an hour before 03:30 is 01:30. */
    struct qr_client_span span;
    char error[256], text[32];
    cr_assert_eq(qr_client_date_read(
                     "1 hour ago", INT64_C(1772955000000), order, &span, error, sizeof error),
        QUIRE_OK);
    civil_text(span.from_ms, text);
    cr_assert_str_eq(text, "2026-03-08 01:30:00");
}

Test(dates, order_of_day_and_month_is_the_locales_or_refused)
{
    expect_day("31.1.2026", "2026-01-31");
    expect_day("3.4.2026", "2026-04-03");
    expect_day("1/31/2026", "2026-01-31");
    expect_day("31/1/2026", "2026-01-31");
    expect_day("4/4/2026", "2026-04-04");
    refused("3/4/2026", "ambiguous");
    refused("3-4-2026", "ambiguous");
    order = QR_CLIENT_ORDER_DAY_FIRST;
    expect_day("3/4/2026", "2026-04-03");
    order = QR_CLIENT_ORDER_MONTH_FIRST;
    expect_day("3/4/2026", "2026-03-04");
    expect_day("3.4.2026", "2026-04-03");
    cr_assert_eq(qr_client_locale_order(), QR_CLIENT_ORDER_UNKNOWN);
}

Test(dates, what_is_ambiguous_is_refused)
{
    refused("wednesday", "ambiguous");
    refused("this friday", "ambiguous");
    refused("8pm", "still to come");
    refused("yesterday midnight", "midnight");
    refused("midnight", "midnight");
    refused("31/1/26", "four digits");
}

Test(dates, what_is_no_date_is_refused)
{
    static const char *const bad[] = {"", " ", "8", "soon", "2026-13", "2026-02-30", "0000-01-01",
        "2026-1-1", "2026-01-01 25:00", "2026-01-01 12:60", "13pm", "0am", "yesterday 8",
        "last week 8pm", "3 days", "999999 years ago", "9999 years ago", "days ago", "last", "in",
        "in 2", "yesterday yesterday", "30 february 2026", "march 0", "2026-01-01 at", "1/2",
        "1/2/", "12345", "10000-01-01", "99999999999999999999", "last minute", "8pm last week",
        "at", "20:30 on", "\xff\xfe", "a b c d e f g h i j k l m n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refused(bad[i], "\"");
    }
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    refused(text, "not a date");
}
