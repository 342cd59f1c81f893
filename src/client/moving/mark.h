/*
 * A note in the profile that an import has begun and not ended.
 */
#ifndef QR_CLIENT_MOVING_MARK_H
#define QR_CLIENT_MOVING_MARK_H

#include <quire/client.h>

#define QR_MOVING_MARK_SIZE 64

/** Before the first entry of an import is written into the open profile. A failure is no harm: the note
 * is missing then. */
void qr_moving_mark_set(const struct quire_client *client, const char *format);
/** When an import of this format has ended; a note of another format stays. */
void qr_moving_mark_clear(const struct quire_client *client, const char *format);
/** The format of an import that broke off; "" if there is none. */
void qr_moving_mark_get(const struct quire_client *client, char out_format[QR_MOVING_MARK_SIZE]);

#endif
