/*
 * Which alarms the user has read: an encrypted file of the profile.
 */
#include "client/shell.h"
#include <string.h>

#define FOLDER "acknowledged"
#define NAME "0000000000000000"

void quire_client_acknowledged(struct quire_client *client, uint64_t out_counts[QUIRE_ALARM_COUNT])
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    struct qr_client_error ignored;
    struct quire_buffer content = {0};
    memset(out_counts, 0, QUIRE_ALARM_COUNT * sizeof *out_counts);
    if (qr_client_find_sealed(client, &key_file, &sealed) == QUIRE_OK
        && qr_client_sealed_read(&sealed, FOLDER, NAME, &content, &ignored) == QUIRE_OK) {
        size_t size = QUIRE_ALARM_COUNT * sizeof *out_counts;
        memcpy(out_counts, content.data, content.size < size ? content.size : size);
    }
    quire_buffer_finish(&content);
}

enum quire_status quire_client_acknowledge(struct quire_client *client)
{
    struct qr_client_path key_file;
    struct qr_client_sealed sealed;
    struct quire_device_state state;
    enum quire_status status = qr_client_needs_profile(client);
    if (status == QUIRE_OK) {
        status = qr_client_find_sealed(client, &key_file, &sealed);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    quire_device_state(client->device, &state);
    return qr_client_sealed_write(&sealed, FOLDER, NAME,
        (struct quire_bytes){(const uint8_t *)state.alarms, sizeof state.alarms}, &client->error);
}
