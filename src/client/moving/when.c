/*
 * Dates as programs write them, and the time zones of other places.
 */
#define _GNU_SOURCE
#include "client/dates.h"
#include "client/moving/journal.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool qr_moving_date_text(int64_t date_ms, char out_text[40])
{
    if (date_ms < QR_CLIENT_DATE_MIN || date_ms >= QR_CLIENT_DATE_END) {
        return false;
    }
    int64_t days = date_ms / QR_CLIENT_DAY_MS - (date_ms % QR_CLIENT_DAY_MS < 0), year;
    int64_t rest = date_ms - days * QR_CLIENT_DAY_MS;
    int month, day;
    qr_client_civil(days, &year, &month, &day);
    int size = snprintf(out_text, 40, "%04" PRId64 "-%02d-%02dT%02d:%02d", year, month, day,
        (int)(rest / 3600000), (int)(rest / 60000 % 60));
    if (rest % 60000 != 0) {
        size += snprintf(out_text + size, 40 - (size_t)size, ":%02d", (int)(rest / 1000 % 60));
    }
    if (rest % 1000 != 0) {
        snprintf(out_text + size, 40 - (size_t)size, ".%03d", (int)(rest % 1000));
    }
    return true;
}

static bool digits(struct quire_bytes *text, size_t count, int *out_number)
{
    int number = 0;
    if (text->size < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return false;
        }
        number = number * 10 + (text->data[i] - '0');
    }
    text->data += count;
    text->size -= count;
    *out_number = number;
    return true;
}

static bool skip(struct quire_bytes *text, const char *either)
{
    if (text->size == 0 || text->data[0] == 0 || strchr(either, text->data[0]) == NULL) {
        return false;
    }
    text->data++;
    text->size--;
    return true;
}

/* "Z", "+02:00", "-0500", "[Europe/Berlin]", in this order, each of which may be missing. */
static bool read_offset(struct quire_bytes text, bool *out_utc)
{
    int number;
    *out_utc = false;
    (void)skip(&text, " ");
    if (skip(&text, "Zz")) {
        *out_utc = true;
    } else if (skip(&text, "+-")) {
        if (!digits(&text, 2, &number) || (skip(&text, ":"), !digits(&text, 2, &number))) {
            return false;
        }
    }
    if (skip(&text, "[")) {
        return text.size >= 1 && memchr(text.data, ']', text.size) == text.data + text.size - 1;
    }
    return text.size == 0;
}

bool qr_moving_date_read(struct quire_bytes text, const char *zone, int64_t *out_ms)
{
    int year, month, day, hour = 0, minute = 0, second = 0, fraction = 0;
    int64_t ms = 0;
    bool utc = false;
    text = qr_moving_trim(text);
    if (!digits(&text, 4, &year) || !skip(&text, "-/") || !digits(&text, 2, &month)
        || !skip(&text, "-/") || !digits(&text, 2, &day)) {
        return false;
    }
    if (skip(&text, "Tt ")) {
        if (!digits(&text, 2, &hour) || !skip(&text, ":") || !digits(&text, 2, &minute)) {
            return false;
        }
        if (skip(&text, ":")) {
            if (!digits(&text, 2, &second)) {
                return false;
            }
            if (skip(&text, ".,")) {
                int digit, weight = 100, count = 0;
                while (digits(&text, 1, &digit)) {
                    fraction += weight * digit;
                    weight /= 10;
                    count++;
                }
                if (count == 0) {
                    return false;
                }
            }
        }
        if (!read_offset(text, &utc)) {
            return false;
        }
    } else if (text.size > 0) {
        return false;
    }
    second -= second == 60; /* a leap second */
    if (!qr_client_civil_ms(year, month, day, hour, minute, second, &ms)) {
        return false;
    }
    ms += fraction;
    *out_ms = utc ? qr_moving_zone_ms(ms, zone) : ms;
    return true;
}

/* A name as in the zone database; nothing that a C library would take for a file or a rule. */
static bool is_zone(const char *zone)
{
    size_t size = strlen(zone);
    return size >= 3 && size < 64 && zone[0] != '/' && strstr(zone, "..") == NULL
        && ((zone[0] >= 'A' && zone[0] <= 'Z') || (zone[0] >= 'a' && zone[0] <= 'z'))
        && strspn(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/")
        == size;
}

int64_t qr_moving_zone_ms(int64_t utc_ms, const char *zone)
{
    if (zone == NULL || !is_zone(zone)) {
        return qr_client_local_ms(utc_ms);
    }
    const char *present = getenv("TZ");
    char *before = present == NULL ? NULL : strdup(present);
    if (present != NULL && before == NULL) {
        return qr_client_local_ms(utc_ms);
    }
    setenv("TZ", zone, 1);
    tzset();
    int64_t local_ms = qr_client_local_ms(utc_ms);
    if (before != NULL) {
        setenv("TZ", before, 1);
    } else {
        unsetenv("TZ");
    }
    tzset();
    free(before);
    return local_ms;
}
