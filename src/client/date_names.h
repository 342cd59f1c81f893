/*
 * How people where this process runs write dates: names and order, by its locale (LC_TIME).
 */
#ifndef QR_CLIENT_DATE_NAMES_H
#define QR_CLIENT_DATE_NAMES_H

/** Which of 3/4/2026 is the day. */
enum qr_client_date_order {
    QR_CLIENT_ORDER_UNKNOWN, /* such a date is refused as ambiguous */
    QR_CLIENT_ORDER_DAY_FIRST,
    QR_CLIENT_ORDER_MONTH_FIRST,
};

/** The order that the process's locale (LC_TIME) writes dates in; UNKNOWN for C and POSIX. */
enum qr_client_date_order qr_client_locale_order(void);

/** The month with this name, 1 to 12, in English (three letters or more of it) or in the process's
 * locale; 0: none. The word is in lower case. */
int qr_client_month_named(const char *word);
/** The same of a weekday, 0 for Monday; −1: none. */
int qr_client_weekday_named(const char *word);

#endif
