/*
 * What went wrong, in sentences for a person: what happened, what is safe, what to do.
 */
#ifndef QR_CLIENT_ERROR_H
#define QR_CLIENT_ERROR_H

#include <quire/status.h>

#define QR_CLIENT_ERROR_SIZE 1024

struct qr_client_error {
    char text[QR_CLIENT_ERROR_SIZE];
};

/** Sets the text (as printf) and gives back `status`, so that `return qr_client_fail(…)` reads well. */
enum quire_status qr_client_fail(struct qr_client_error *error, enum quire_status status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The status for an errno of the file system: EFULL for a full disk or quota, ENOMEM, else EIO. */
enum quire_status qr_client_status_of_errno(int code);

#endif
