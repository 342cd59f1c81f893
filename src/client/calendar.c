/*
 * The Gregorian calendar, as numbers of days.
 */
#include "client/calendar.h"

/* Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t qr_client_days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
        - 719468;
}

void qr_client_civil(int64_t days, int64_t *out_year, int *out_month, int *out_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *out_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *out_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

bool qr_client_civil_ms(
    int64_t year, int month, int day, int hour, int minute, int second, int64_t *out_ms)
{
    int64_t real_year = 0;
    int real_month = 0, real_day = 0;
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0
        || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) {
        return false;
    }
    int64_t days = qr_client_days(year, month, day);
    qr_client_civil(days, &real_year, &real_month, &real_day);
    if (real_year != year || real_month != month || real_day != day) {
        return false;
    }
    *out_ms = ((days * 24 + hour) * 60 + minute) * 60000 + second * INT64_C(1000);
    return true;
}
