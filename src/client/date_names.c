/*
 * How people where this process runs write dates.
 */
#define _GNU_SOURCE
#include "client/date_names.h"
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum qr_client_date_order qr_client_locale_order(void)
{
    const char *name = setlocale(LC_TIME, NULL);
    if (name == NULL || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0
        || strncmp(name, "C.", 2) == 0) {
        return QR_CLIENT_ORDER_UNKNOWN;
    }
    const char *format = nl_langinfo(D_FMT);
    const char *day = strpbrk(format, "de"), *month = strchr(format, 'm');
    if (strstr(format, "%D") != NULL) {
        return QR_CLIENT_ORDER_MONTH_FIRST;
    }
    if (day == NULL || month == NULL) {
        return QR_CLIENT_ORDER_UNKNOWN;
    }
    return day < month ? QR_CLIENT_ORDER_DAY_FIRST : QR_CLIENT_ORDER_MONTH_FIRST;
}

/* Lower case names of the locale; those of English come first. */
static int named(const char *word, const char *const *names, int count, const nl_item *items,
    const nl_item *short_items)
{
    size_t size = strlen(word);
    for (int i = 0; i < count; i++) {
        bool whole = strcmp(word, names[i]) == 0;
        bool cut = size >= 3 && strncmp(word, names[i], size) == 0;
        if (whole || cut) {
            return i;
        }
    }
    for (int i = 0; i < count; i++) {
        if (strcasecmp(word, nl_langinfo(items[i])) == 0
            || strcasecmp(word, nl_langinfo(short_items[i])) == 0) {
            return i;
        }
    }
    return -1;
}

int qr_client_month_named(const char *word)
{
    static const char *const names[12] = {"january", "february", "march", "april", "may", "june",
        "july", "august", "september", "october", "november", "december"};
    static const nl_item items[12] = {
        MON_1, MON_2, MON_3, MON_4, MON_5, MON_6, MON_7, MON_8, MON_9, MON_10, MON_11, MON_12};
    static const nl_item short_items[12] = {ABMON_1, ABMON_2, ABMON_3, ABMON_4, ABMON_5, ABMON_6,
        ABMON_7, ABMON_8, ABMON_9, ABMON_10, ABMON_11, ABMON_12};
    return named(word, names, 12, items, short_items) + 1;
}

int qr_client_weekday_named(const char *word)
{
    static const char *const names[7] = {
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
    static const nl_item items[7] = {DAY_2, DAY_3, DAY_4, DAY_5, DAY_6, DAY_7, DAY_1};
    static const nl_item short_items[7] = {
        ABDAY_2, ABDAY_3, ABDAY_4, ABDAY_5, ABDAY_6, ABDAY_7, ABDAY_1};
    return named(word, names, 7, items, short_items);
}
