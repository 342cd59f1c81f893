/*
 * The Gregorian calendar, proleptic, as numbers of days.
 */
#ifndef QR_CLIENT_CALENDAR_H
#define QR_CLIENT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/** Days from 1970-01-01 to a date. The date need not exist: days and months beyond the end run on. */
int64_t qr_client_days(int64_t year, int64_t month, int64_t day);
/** The date that is `days` after 1970-01-01. */
void qr_client_civil(int64_t days, int64_t *out_year, int *out_month, int *out_day);
/** Civil time of a date and time that must exist, years 1 to 9999, second at most 59; else false. */
bool qr_client_civil_ms(
    int64_t year, int month, int day, int hour, int minute, int second, int64_t *out_ms);

#endif
