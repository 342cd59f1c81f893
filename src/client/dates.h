/*
 * Dates as people say them: "yesterday", "last friday 8pm", "2026-01", "3 days ago".
 *
 * An entry's date is a civil time: what a clock on the wall showed where the entry was written, in
 * milliseconds since 1970-01-01 00:00 of that clock, without a time zone. Calendar: proleptic
 * Gregorian, years 1 to 9999.
 */
#ifndef QR_CLIENT_DATES_H
#define QR_CLIENT_DATES_H

#include "client/calendar.h"
#include "client/date_names.h"
#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_CLIENT_DAY_MS INT64_C(86400000)
#define QR_CLIENT_DATE_MIN INT64_C(-62135596800000) /* 0001-01-01 00:00 */
#define QR_CLIENT_DATE_END INT64_C(253402300800000) /* 10000-01-01 00:00, exclusive */

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

/** What a wall clock in the process's time zone ($TZ) shows at wall_ms (milliseconds since 1970 UTC). */
int64_t qr_client_local_ms(int64_t wall_ms);

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
