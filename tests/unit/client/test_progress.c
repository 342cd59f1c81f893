/*
 * The line of a sync that goes on, and how long ago a moment was.
 */
#include "client/cli/cli.h"
#include "client/cli/progress.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KIB 1024
#define BEGAN 5000

static const char *text_of(
    const struct qr_cli_progress *progress, uint64_t waiting, uint64_t now_ms)
{
    static char text[256];
    qr_cli_progress_text(progress, waiting, now_ms, text, sizeof text);
    return text;
}

Test(progress, a_steady_sync_has_rates_and_a_time_left)
{
    struct qr_cli_progress progress = {0};
    qr_cli_progress_look(&progress, 0, 0, 100, BEGAN);
    cr_assert_str_eq(text_of(&progress, 100, BEGAN), "0 KiB in, 0 KiB out, 0 of 100 sent");
    for (uint64_t i = 1; i <= 40; i++) { /* ten seconds; a change each quarter of one */
        qr_cli_progress_look(&progress, i * 25 * KIB, i * 256 * KIB, 100 - i, BEGAN + i * 250);
    }
    cr_assert_str_eq(text_of(&progress, 60, BEGAN + 10000),
        "1000 KiB in (100 KiB/s), 10.0 MiB out (1.0 MiB/s), 40 of 100 sent, 16 s left");
    cr_assert_str_eq(text_of(&progress, 0, BEGAN + 10000),
        "1000 KiB in (100 KiB/s), 10.0 MiB out (1.0 MiB/s), 100 of 100 sent");
}

Test(progress, a_slow_one_counts_minutes_and_what_is_not_known_is_left_out)
{
    struct qr_cli_progress progress = {0};
    qr_cli_progress_look(&progress, 0, 0, 1000, BEGAN);
    qr_cli_progress_look(&progress, 0, 2 * KIB, 999, BEGAN + 1000);
    cr_assert_null(strstr(text_of(&progress, 999, BEGAN + 1000), "left"), "one says nothing yet");
    qr_cli_progress_look(&progress, 0, 4 * KIB, 998, BEGAN + 2000);
    cr_assert_not_null(
        strstr(text_of(&progress, 998, BEGAN + 2000), "2 of 1000 sent, 17 min left"));
    struct qr_cli_progress reading = {0};
    qr_cli_progress_look(&reading, 0, 0, 0, BEGAN);
    qr_cli_progress_look(&reading, 500 * KIB, 0, 0, BEGAN + 1000);
    cr_assert_str_eq(text_of(&reading, 0, BEGAN + 1000), "500 KiB in (500 KiB/s), 0 KiB out");
}

Test(progress, another_connection_and_a_clock_that_stands_still_break_nothing)
{
    struct qr_cli_progress progress = {0};
    qr_cli_progress_look(&progress, 900 * KIB, 900 * KIB, 5, BEGAN);
    qr_cli_progress_look(&progress, 900 * KIB, 900 * KIB, 5, BEGAN);
    qr_cli_progress_look(&progress, 100 * KIB, 0, 9, BEGAN + 1000); /* counts from 0 again */
    qr_cli_progress_look(&progress, 200 * KIB, 0, 9, BEGAN + 2000);
    cr_assert_null(strstr(text_of(&progress, 9, BEGAN + 2000), "-"));
    cr_assert_not_null(strstr(text_of(&progress, 9, BEGAN + 2000), "0 of 9 sent"));
}

static const char *ago(const char *then, const char *now)
{
    static char text[48];
    int64_t then_ms = 0, now_ms = 0;
    cr_assert(qr_cli_date(then, &then_ms));
    cr_assert(qr_cli_date(now, &now_ms));
    qr_cli_ago_text(then_ms, now_ms, text);
    return text;
}

Test(progress, a_moment_is_named_as_people_do)
{
    setenv("TZ", "UTC", 1);
    tzset();
    cr_assert_str_eq(ago("2024-03-01 12:30", "2024-03-01 12:31"), "just now");
    cr_assert_str_eq(ago("2024-03-01 12:30", "2024-03-01 12:42"), "12 minutes ago");
    cr_assert_str_eq(ago("2024-03-01 01:30", "2024-03-01 12:42"), "today at 01:30");
    cr_assert_str_eq(ago("2024-02-29 23:59", "2024-03-01 12:42"), "yesterday at 23:59");
    cr_assert_str_eq(ago("2023-12-31 00:01", "2024-01-01 12:42"), "yesterday at 00:01");
    cr_assert_str_eq(ago("2024-02-28 23:59", "2024-03-01 12:42"), "2024-02-28 23:59");
    cr_assert_str_eq(ago("2023-03-01 12:30", "2024-03-01 12:42"), "2023-03-01 12:30");
    cr_assert_str_eq(
        ago("2024-03-01 12:50", "2024-03-01 12:42"), "2024-03-01 12:50"); /* a clock went back */
}
