/*
 * Dates as people say them. A date is cut into words; each form is tried on the words that are left.
 */
#define _GNU_SOURCE
#include "client/dates.h"
#include "client/date_names.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define WORDS_MAX 12
#define TEXT_MAX 128
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define COUNT_MAX 100000 /* "100000 days ago" is the largest count */

int64_t qr_client_local_ms(int64_t wall_ms)
{
    struct tm parts;
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0);
    time_t time = (time_t)seconds;
    return localtime_r(&time, &parts) == NULL ? wall_ms : wall_ms + parts.tm_gmtoff * INT64_C(1000);
}

/* ---- words ----------------------------------------------------------------------------------- */

struct date_reader {
    char text[TEXT_MAX];
    const char *words[WORDS_MAX];
    size_t count, next;
    const char *said; /* as the caller gave it */
    int64_t now_ms;   /* wall clock */
    int64_t today;    /* civil days since 1970 */
    enum qr_client_date_order order;
    char *error;
    size_t error_size;
};

static enum quire_status refuse(struct date_reader *reader, const char *what)
{
    snprintf(reader->error, reader->error_size, "\"%.60s\" %s", reader->said, what);
    return QUIRE_EINVALID;
}

static enum quire_status not_a_date(struct date_reader *reader)
{
    return refuse(reader,
        "is not a date: it should look like 2024-03-01, \"2024-03-01 12:30\", yesterday, "
        "\"last friday 8pm\" or \"3 days ago\".");
}

static bool split(struct date_reader *reader, const char *text)
{
    if (strlen(text) >= sizeof reader->text) {
        return false;
    }
    snprintf(reader->text, sizeof reader->text, "%s", text);
    char *rest = reader->text, *word = NULL, *state = NULL;
    /* An ISO date and its time may be joined by a T. */
    for (char *t = rest; *t != 0; t++) {
        if ((*t == 'T' || *t == 't') && t > rest && isdigit((unsigned char)t[-1])
            && isdigit((unsigned char)t[1])) {
            *t = ' ';
        }
        *t = *t == ',' ? ' ' : (char)tolower((unsigned char)*t);
    }
    for (word = strtok_r(rest, " \t\n", &state); word != NULL;
         word = strtok_r(NULL, " \t\n", &state)) {
        if (reader->count == WORDS_MAX) {
            return false;
        }
        reader->words[reader->count++] = word;
    }
    return reader->count > 0;
}

static const char *peek(const struct date_reader *reader, size_t ahead)
{
    return reader->next + ahead < reader->count ? reader->words[reader->next + ahead] : "";
}

static bool take(struct date_reader *reader, const char *word)
{
    bool same = strcmp(peek(reader, 0), word) == 0;
    reader->next += same;
    return same;
}

/* A whole number of at most `digits` digits that ends at *out_end. */
static bool read_number(const char *text, size_t digits, int64_t *out_number, const char **out_end)
{
    size_t size = strspn(text, "0123456789");
    if (size == 0 || size > digits) {
        return false;
    }
    *out_number = strtoll(text, NULL, 10);
    *out_end = text + size;
    return true;
}

/* "minutes" → "minute"; NULL: no unit. */
static const char *unit_of(const char *word)
{
    static const char *const units[] = {"minute", "hour", "day", "week", "month", "year"};
    size_t size = strlen(word);
    size -= size > 1 && word[size - 1] == 's';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strlen(units[i]) == size && memcmp(units[i], word, size) == 0) {
            return units[i];
        }
    }
    return NULL;
}

/* A minute or an hour. */
static bool is_of_a_day(const char *unit)
{
    return unit[0] == 'h' || strncmp(unit, "mi", 2) == 0;
}

/* ---- spans ----------------------------------------------------------------------------------- */

static struct qr_client_span span_of_days(int64_t first, int64_t end)
{
    return (struct qr_client_span){first * QR_CLIENT_DAY_MS, end * QR_CLIENT_DAY_MS,
        end - first == 1 ? QR_CLIENT_GRAIN_DAY : QR_CLIENT_GRAIN_LONGER};
}

static struct qr_client_span span_of_months(int64_t year, int64_t month, int64_t count)
{
    int64_t first = year * 12 + month - 1, end = first + count;
    return span_of_days(
        qr_client_days(first / 12, first % 12 + 1, 1), qr_client_days(end / 12, end % 12 + 1, 1));
}

static int64_t weekday_of_day(int64_t day)
{
    return ((day + 3) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
}

/* `count` months after a day; a day that its month lacks becomes the last of that month. */
static int64_t add_months(int64_t day, int64_t count)
{
    int64_t year;
    int month, day_of_month;
    qr_client_civil(day, &year, &month, &day_of_month);
    int64_t months = year * 12 + month - 1 + count;
    int64_t first = qr_client_days(months / 12, months % 12 + 1, 1);
    int64_t length = qr_client_days((months + 1) / 12, (months + 1) % 12 + 1, 1) - first;
    return first + (day_of_month <= length ? day_of_month : length) - 1;
}

static enum quire_status read_distance(struct date_reader *reader, int64_t count, const char *unit,
    bool back, struct qr_client_span *out_span)
{
    int64_t signed_count = back ? -count : count;
    if (strcmp(unit, "minute") == 0 || strcmp(unit, "hour") == 0) {
        int64_t length = strcmp(unit, "hour") == 0 ? HOUR_MS : MINUTE_MS;
        int64_t moment = qr_client_local_ms(reader->now_ms + signed_count * length);
        moment -= moment % MINUTE_MS;
        *out_span = (struct qr_client_span){moment, moment + MINUTE_MS, QR_CLIENT_GRAIN_TIME};
        return QUIRE_OK;
    }
    if ((strcmp(unit, "year") == 0 && count > 9999)
        || (strcmp(unit, "month") == 0 && count > 9999 * 12)) {
        return not_a_date(reader);
    }
    int64_t day = strcmp(unit, "day") == 0 ? reader->today + signed_count
        : strcmp(unit, "week") == 0        ? reader->today + 7 * signed_count
        : strcmp(unit, "month") == 0       ? add_months(reader->today, signed_count)
                                           : add_months(reader->today, 12 * signed_count);
    *out_span = span_of_days(day, day + 1);
    return QUIRE_OK;
}

/* "last week", "this month", "next year": direction −1, 0, 1. */
static void read_period(const struct date_reader *reader, const char *unit, int64_t direction,
    struct qr_client_span *out_span)
{
    int64_t year;
    int month, day;
    qr_client_civil(reader->today, &year, &month, &day);
    if (strcmp(unit, "day") == 0) {
        *out_span = span_of_days(reader->today + direction, reader->today + direction + 1);
    } else if (strcmp(unit, "week") == 0) {
        int64_t monday = reader->today - weekday_of_day(reader->today) + 7 * direction;
        *out_span = span_of_days(monday, monday + 7);
    } else if (strcmp(unit, "month") == 0) {
        *out_span = span_of_months(year, month + direction, 1);
    } else {
        *out_span = span_of_months(year + direction, 1, 12);
    }
}

/* ---- forms of a day -------------------------------------------------------------------------- */

static enum quire_status exact_day(struct date_reader *reader, int64_t year, int64_t month,
    int64_t day, struct qr_client_span *out_span)
{
    int64_t ms = 0;
    if (!qr_client_civil_ms(year, (int)month, (int)day, 0, 0, 0, &ms)) {
        return refuse(reader, "names a day that does not exist (years are 1 to 9999).");
    }
    *out_span = span_of_days(ms / QR_CLIENT_DAY_MS - (ms % QR_CLIENT_DAY_MS < 0),
        ms / QR_CLIENT_DAY_MS - (ms % QR_CLIENT_DAY_MS < 0) + 1);
    return QUIRE_OK;
}

/* 2026, 2026-01, 2026-01-31; slashes will do */
static enum quire_status read_iso(
    struct date_reader *reader, const char *word, struct qr_client_span *out_span)
{
    int64_t parts[3] = {0};
    size_t count = 0;
    const char *rest = word;
    char separator = word[4];
    if (separator != 0 && separator != '-' && separator != '/') {
        return not_a_date(reader);
    }
    for (; count < 3; count++) {
        const char *begin = rest;
        if (!read_number(rest, count == 0 ? 4 : 2, &parts[count], &rest)
            || rest - begin != (count == 0 ? 4 : 2)) {
            return not_a_date(reader);
        }
        if (*rest == 0) {
            break;
        }
        if (*rest++ != separator) {
            return not_a_date(reader);
        }
    }
    if (count == 3) {
        return not_a_date(reader);
    }
    if (parts[0] == 0 || (count > 0 && (parts[1] < 1 || parts[1] > 12))) {
        return refuse(reader, "names a day that does not exist (years are 1 to 9999).");
    }
    if (count == 2) {
        return exact_day(reader, parts[0], parts[1], parts[2], out_span);
    }
    *out_span =
        count == 1 ? span_of_months(parts[0], parts[1], 1) : span_of_months(parts[0], 1, 12);
    return QUIRE_OK;
}

/* 31.1.2026, 31/1/2026, 1/31/2026, 31-1-2026 */
static enum quire_status read_numbers(
    struct date_reader *reader, const char *word, struct qr_client_span *out_span)
{
    int64_t first = 0, second = 0, year = 0;
    const char *rest = word;
    if (!read_number(rest, 2, &first, &rest) || strchr("./-", *rest) == NULL || *rest == 0) {
        return not_a_date(reader);
    }
    char separator = *rest++;
    if (!read_number(rest, 2, &second, &rest) || *rest++ != separator
        || strspn(rest, "0123456789") != strlen(rest)) {
        return not_a_date(reader);
    }
    if (strlen(rest) != 4) {
        return refuse(reader, "is ambiguous: write the year with four digits.");
    }
    year = strtoll(rest, NULL, 10);
    bool day_first = separator == '.' || reader->order == QR_CLIENT_ORDER_DAY_FIRST;
    bool same = first == second;
    if (first > 12 || second > 12) { /* only one order is possible */
        day_first = first > 12;
    } else if (!same && separator != '.' && reader->order == QR_CLIENT_ORDER_UNKNOWN) {
        return refuse(
            reader, "is ambiguous: the day or the month may come first. Write it as 2026-01-31.");
    }
    return exact_day(
        reader, year, day_first ? second : first, day_first ? first : second, out_span);
}

/* "3", "3rd", "3." as a day of a month. */
static bool read_ordinal(const char *word, int64_t *out_day)
{
    const char *rest = NULL;
    return read_number(word, 2, out_day, &rest)
        && (*rest == 0 || strcmp(rest, "st") == 0 || strcmp(rest, "nd") == 0
            || strcmp(rest, "rd") == 0 || strcmp(rest, "th") == 0 || strcmp(rest, ".") == 0);
}

static bool read_year(const char *word, int64_t *out_year)
{
    const char *rest = NULL;
    return strlen(word) == 4 && read_number(word, 4, out_year, &rest) && *rest == 0;
}

/* "march", "march 2026", "march 3", "3 march 2026": without a year the last one that has begun. */
static enum quire_status read_month_name(
    struct date_reader *reader, int64_t day, int month, struct qr_client_span *out_span)
{
    int64_t year = 0;
    if (day == 0 && read_ordinal(peek(reader, 0), &day)) {
        reader->next++;
        if (day == 0) {
            return not_a_date(reader);
        }
    }
    bool with_year = read_year(peek(reader, 0), &year);
    if (with_year) {
        reader->next++;
    } else {
        int this_month, this_day;
        qr_client_civil(reader->today, &year, &this_month, &this_day);
        bool begun = this_month > month || (this_month == month && this_day >= day);
        year -= !begun;
    }
    if (day == 0) {
        if (year == 0) {
            return not_a_date(reader);
        }
        *out_span = span_of_months(year, month, 1);
        return QUIRE_OK;
    }
    for (int tries = 0; !with_year && tries < 8 && month == 2 && day == 29; tries++) {
        int64_t ms;
        if (qr_client_civil_ms(year, month, (int)day, 0, 0, 0, &ms)) {
            break;
        }
        year--; /* the last 29 February */
    }
    return exact_day(reader, year, month, day, out_span);
}

static enum quire_status read_weekday(
    struct date_reader *reader, int weekday, int64_t direction, struct qr_client_span *out_span)
{
    int64_t today = weekday_of_day(reader->today);
    if (direction == 0 && today == weekday) {
        return refuse(reader,
            "is ambiguous, as that is today's weekday: say \"today\" or put \"last\" before it.");
    }
    int64_t back = (today - weekday + 7) % 7;
    int64_t day = direction > 0 ? reader->today + (weekday - today + 6) % 7 + 1
                                : reader->today - (back == 0 ? 7 : back);
    *out_span = span_of_days(day, day + 1);
    return QUIRE_OK;
}

/* "last", "this" or "next" was taken: a weekday, a unit or a month's name follows. */
static enum quire_status read_relative(
    struct date_reader *reader, int64_t direction, struct qr_client_span *out_span)
{
    const char *word = peek(reader, 0);
    int weekday = qr_client_weekday_named(word);
    const char *unit = unit_of(word);
    if (weekday >= 0 && direction == 0) {
        return refuse(
            reader, "is ambiguous: it may be before or after today. Say \"last\" or \"next\".");
    }
    if (weekday >= 0) {
        reader->next++;
        return read_weekday(reader, weekday, direction, out_span);
    }
    if (unit == NULL || is_of_a_day(unit)) {
        return not_a_date(reader);
    }
    reader->next++;
    read_period(reader, unit, direction, out_span);
    return QUIRE_OK;
}

/* "3 days ago", "a week ago"; `forward`: after "in". */
static bool looks_like_distance(const struct date_reader *reader, int64_t *out_count)
{
    const char *word = peek(reader, 0), *rest = NULL;
    if (unit_of(peek(reader, 1)) == NULL) {
        return false;
    }
    if (strcmp(word, "a") == 0 || strcmp(word, "an") == 0 || strcmp(word, "one") == 0) {
        *out_count = 1;
        return true;
    }
    return read_number(word, 6, out_count, &rest) && *rest == 0 && *out_count <= COUNT_MAX;
}

/* ---- times ----------------------------------------------------------------------------------- */

/* 20:30, 20:30:15, 8pm, 8:30pm, noon; the words are taken. *out_ms: after midnight. */
static bool read_time(struct date_reader *reader, int64_t *out_ms, int64_t *out_length)
{
    int64_t parts[3] = {0};
    size_t count = 0, used = 1;
    const char *rest = peek(reader, 0);
    *out_length = MINUTE_MS;
    if (strcmp(rest, "noon") == 0) {
        reader->next++;
        *out_ms = 12 * HOUR_MS;
        return true;
    }
    while (count < 3 && read_number(rest, 2, &parts[count], &rest)) {
        count++;
        if (*rest != ':' || count == 3) {
            break;
        }
        rest++;
    }
    if (count == 0) {
        return false;
    }
    const char *half = *rest != 0 ? rest : peek(reader, 1);
    bool morning = strcmp(half, "am") == 0 || strcmp(half, "a.m.") == 0;
    bool evening = strcmp(half, "pm") == 0 || strcmp(half, "p.m.") == 0;
    if (morning || evening) {
        used += *rest == 0;
        if (parts[0] < 1 || parts[0] > 12) {
            return false;
        }
        parts[0] = parts[0] % 12 + (evening ? 12 : 0);
    } else if (*rest != 0 || count < 2) {
        return false;
    }
    if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) {
        return false;
    }
    reader->next += used;
    *out_length = count == 3 ? 1000 : MINUTE_MS;
    *out_ms = parts[0] * HOUR_MS + parts[1] * MINUTE_MS + parts[2] * 1000;
    return true;
}

/* What may stand after a day. */
static enum quire_status read_time_of_day(struct date_reader *reader, struct qr_client_span *span)
{
    int64_t ms = 0, length = 0;
    bool at = take(reader, "at");
    if (reader->next == reader->count) {
        return at ? not_a_date(reader) : QUIRE_OK;
    }
    if (strcmp(peek(reader, 0), "midnight") == 0) {
        return refuse(reader,
            "is ambiguous: midnight may begin or end the day. Say 00:00 and the day it begins.");
    }
    if (span->grain != QR_CLIENT_GRAIN_DAY || !read_time(reader, &ms, &length)
        || reader->next < reader->count) {
        return not_a_date(reader);
    }
    span->from_ms += ms;
    span->until_ms = span->from_ms + length;
    span->grain = QR_CLIENT_GRAIN_TIME;
    return QUIRE_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum quire_status read_day(struct date_reader *reader, struct qr_client_span *out_span)
{
    const char *word = peek(reader, 0);
    int64_t count = 0, day = 0;
    int month = qr_client_month_named(word), weekday = qr_client_weekday_named(word);
    if (strcmp(word, "today") == 0 || strcmp(word, "yesterday") == 0
        || strcmp(word, "tomorrow") == 0) {
        int64_t offset = word[2] == 'd' ? 0 : word[0] == 'y' ? -1 : 1;
        reader->next++;
        *out_span = span_of_days(reader->today + offset, reader->today + offset + 1);
        return QUIRE_OK;
    }
    if (take(reader, "last")) {
        return read_relative(reader, -1, out_span);
    }
    if (take(reader, "this")) {
        return read_relative(reader, 0, out_span);
    }
    if (take(reader, "next")) {
        return read_relative(reader, 1, out_span);
    }
    if (looks_like_distance(reader, &count) && strcmp(peek(reader, 2), "ago") == 0) {
        const char *unit = unit_of(peek(reader, 1));
        reader->next += 3;
        return read_distance(reader, count, unit, true, out_span);
    }
    if (take(reader, "in") && looks_like_distance(reader, &count)) {
        const char *unit = unit_of(peek(reader, 1));
        reader->next += 2;
        return read_distance(reader, count, unit, false, out_span);
    }
    if (month > 0) {
        reader->next++;
        return read_month_name(reader, 0, month, out_span);
    }
    if (weekday >= 0) {
        reader->next++;
        return read_weekday(reader, weekday, 0, out_span);
    }
    if (read_ordinal(word, &day) && day > 0 && qr_client_month_named(peek(reader, 1)) > 0) {
        month = qr_client_month_named(peek(reader, 1));
        reader->next += 2;
        return read_month_name(reader, day, month, out_span);
    }
    reader->next++;
    return strspn(word, "0123456789") == 4 ? read_iso(reader, word, out_span)
                                           : read_numbers(reader, word, out_span);
}

/* "8pm", "8pm yesterday", "20:30 on 3 march" */
static enum quire_status read_time_first(struct date_reader *reader, struct qr_client_span *span)
{
    int64_t ms, length;
    (void)take(reader, "at");
    if (!read_time(reader, &ms, &length)) { /* midnight */
        *span = span_of_days(reader->today, reader->today + 1);
        return read_time_of_day(reader, span);
    }
    if (reader->next < reader->count) {
        (void)take(reader, "on");
        enum quire_status status =
            reader->next < reader->count ? read_day(reader, span) : not_a_date(reader);
        if (status != QUIRE_OK || reader->next < reader->count
            || span->grain != QR_CLIENT_GRAIN_DAY) {
            return status != QUIRE_OK ? status : not_a_date(reader);
        }
        span->from_ms += ms;
        span->until_ms = span->from_ms + length;
        span->grain = QR_CLIENT_GRAIN_TIME;
        return QUIRE_OK;
    }
    *span = (struct qr_client_span){reader->today * QR_CLIENT_DAY_MS + ms,
        reader->today * QR_CLIENT_DAY_MS + ms + length, QR_CLIENT_GRAIN_TIME};
    if (span->from_ms > qr_client_local_ms(reader->now_ms)) {
        return refuse(reader,
            "is ambiguous, as that time is still to come today: say \"yesterday\" or \"today\" "
            "before it.");
    }
    return QUIRE_OK;
}

static bool starts_with_time(const struct date_reader *reader)
{
    struct date_reader copy = *reader;
    int64_t ms, length;
    (void)take(&copy, "at");
    return strcmp(peek(&copy, 0), "midnight") == 0 || read_time(&copy, &ms, &length);
}

enum quire_status qr_client_date_read(const char *text, int64_t now_ms,
    enum qr_client_date_order order, struct qr_client_span *out_span, char *error,
    size_t error_size)
{
    int64_t local = qr_client_local_ms(now_ms);
    struct date_reader reader = {.said = text,
        .now_ms = now_ms,
        .order = order,
        .error = error,
        .error_size = error_size,
        .today = local / QR_CLIENT_DAY_MS - (local % QR_CLIENT_DAY_MS < 0)};
    struct qr_client_span span = {0};
    enum quire_status status = QUIRE_OK;
    if (!split(&reader, text)) {
        return not_a_date(&reader);
    }
    if (reader.count == 1 && take(&reader, "now")) {
        span.from_ms = local - local % MINUTE_MS;
        span.until_ms = span.from_ms + MINUTE_MS;
        span.grain = QR_CLIENT_GRAIN_TIME;
    } else if (starts_with_time(&reader)) {
        status = read_time_first(&reader, &span);
    } else {
        status = read_day(&reader, &span);
        if (status == QUIRE_OK) {
            status = read_time_of_day(&reader, &span);
        }
    }
    if (status == QUIRE_OK
        && (span.from_ms < QR_CLIENT_DATE_MIN || span.until_ms > QR_CLIENT_DATE_END)) {
        status = refuse(&reader, "is outside of the years 1 to 9999.");
    }
    if (status == QUIRE_OK) {
        *out_span = span;
    }
    return status;
}
