/*
 * Dates as people say them: "yesterday", "last friday 8pm", "2026-01", "3 days ago".
 *
 * An entry's date is a civil time: what a clock on the wall showed where the entry was written, in
 * milliseconds since 1970-01-01 00:00 of that clock, without a time zone. Calendar: proleptic
 * Gregorian, years 1 to 9999.
 */
#ifndef QR_CLIENT_DATES_H
#define QR_CLIENT_DATES_H

#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_CLIENT_DAY_MS INT64_C(86400000)
#define QR_CLIENT_DATE_MIN INT64_C(-62135596800000) /* 0001-01-01 00:00 */
#define QR_CLIENT_DATE_END INT64_C(253402300800000) /* 10000-01-01 00:00, exclusive */

/** Which of 3/4/2026 is the day. */
enum qr_client_date_order {
    QR_CLIENT_ORDER_UNKNOWN, /* such a date is refused as ambiguous */
    QR_CLIENT_ORDER_DAY_FIRST,
    QR_CLIENT_ORDER_MONTH_FIRST,
};

/** How exact a date is. Ordered from exact to vague. */
enum qr_client_date_grain {
    QR_CLIENT_GRAIN_TIME, /* a minute or a second */
    QR_CLIENT_GRAIN_DAY,
    QR_CLIENT_GRAIN_LONGER, /* a week, month or year */
};

/** A date covers a span of civil time: from_ms inclusive, until_ms exclusive. */
struct qr_client_span {
    int64_t from_ms, until_ms;
    enum qr_client_date_grain grain;
};

/** Days from 1970-01-01 to a date. The date need not exist: days and months beyond the end run on. */
int64_t qr_client_days(int64_t year, int64_t month, int64_t day);
/** The date that is `days` after 1970-01-01. */
void qr_client_civil(int64_t days, int64_t *out_year, int *out_month, int *out_day);
/** Civil time of a date and time that must exist, years 1 to 9999, second at most 59; else false. */
bool qr_client_civil_ms(
    int64_t year, int month, int day, int hour, int minute, int second, int64_t *out_ms);

/** What a wall clock in the process's time zone ($TZ) shows at wall_ms (milliseconds since 1970 UTC). */
int64_t qr_client_local_ms(int64_t wall_ms);

/** The order that the process's locale (LC_TIME) writes dates in; UNKNOWN for C and POSIX. */
enum qr_client_date_order qr_client_locale_order(void);

/**
 * Reads a date. Understood, without regard to capitals:
 *   now, today, yesterday, tomorrow; friday, last friday, next friday
 *   3 days ago, a week ago, in 2 months (minutes, hours, days, weeks, months, years)
 *   this week, last month, next year; a week begins on Monday
 *   2026, 2026-01, 2026-01-31, 31.1.2026, 31/1/2026, 1/31/2026 (order), 3 march, march 3 2026, march 2026
 *   names of months and weekdays in English and in the process's locale
 *   and a time after a day or alone: 20:30, 20:30:15, 8pm, 8:30 pm, noon; "at" may stand before it.
 * now_ms: milliseconds since 1970 UTC; the process's time zone says what day that is.
 * EINVALID: `error` (of error_size) says what is not understood or what is ambiguous, in one sentence;
 * out_span is untouched.
 */
QUIRE_CHECKED enum quire_status qr_client_date_read(const char *text, int64_t now_ms,
    enum qr_client_date_order order, struct qr_client_span *out_span, char *error,
    size_t error_size);

#endif
