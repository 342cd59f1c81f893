/*
 * A note in the profile that an import has begun and not ended. It holds the format's name alone: the
 * profile's folder is not encrypted as a whole.
 */
#include "client/moving/mark.h"
#include "client/shell.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool path_of(const struct quire_client *client, struct qr_client_path *out_path)
{
    struct qr_client_error error = {""};
    return client->device != NULL
        && qr_client_path(out_path, &error, "%s/importing", client->profile.path.text) == QUIRE_OK;
}

void qr_moving_mark_set(const struct quire_client *client, const char *format)
{
    struct qr_client_path path;
    struct qr_client_error error = {""};
    if (path_of(client, &path)) {
        enum quire_status status =
            qr_client_write_file(path.text, quire_bytes_of_text(format), QR_CLIENT_DURABLE, &error);
        (void)status;
    }
}

void qr_moving_mark_get(const struct quire_client *client, char out_format[QR_MOVING_MARK_SIZE])
{
    struct qr_client_path path;
    struct qr_client_error error = {""};
    struct quire_buffer content = {0};
    out_format[0] = 0;
    if (path_of(client, &path)
        && qr_client_read_file(path.text, QR_MOVING_MARK_SIZE - 1, &content, &error) == QUIRE_OK) {
        snprintf(out_format, QR_MOVING_MARK_SIZE, "%.*s", (int)content.size,
            content.size > 0 ? (const char *)content.data : "");
    }
    quire_buffer_finish(&content);
}

void qr_moving_mark_clear(const struct quire_client *client, const char *format)
{
    struct qr_client_path path;
    char present[QR_MOVING_MARK_SIZE];
    qr_moving_mark_get(client, present);
    if (strcmp(present, format) == 0 && path_of(client, &path)) {
        unlink(path.text);
    }
}
