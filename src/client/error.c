/*
 * Failures in sentences.
 */
#include "client/error.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum quire_status qr_client_fail(
    struct qr_client_error *error, enum quire_status status, const char *format, ...)
{
    /* By way of a copy: the old text may be an argument of the new one. */
    char text[QR_CLIENT_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(error->text, sizeof error->text, "%s", text);
    return status;
}

enum quire_status qr_client_status_of_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return QUIRE_EFULL;
    case ENOMEM: return QUIRE_ENOMEM;
    default: return QUIRE_EIO;
    }
}
