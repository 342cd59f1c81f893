/*
 * Reads and writes the `config` file.
 */
#include "client/config.h"
#include <stdio.h>
#include <string.h>

static bool is_key_name(const char *text)
{
    return strlen(text) == QR_CLIENT_KEY_NAME_SIZE - 1
        && strspn(text, "0123456789abcdef") == QR_CLIENT_KEY_NAME_SIZE - 1;
}

static enum quire_status set_field(
    struct qr_client_config *config, const char *key, const char *value, bool *out_format)
{
    if (strcmp(key, "format") == 0) {
        *out_format = true;
        return strcmp(value, "1") == 0 || strcmp(value, "2") == 0 ? QUIRE_OK : QUIRE_EUNSUPPORTED;
    }
    if (strcmp(key, "key") == 0 && is_key_name(value)) {
        memcpy(config->key_name, value, sizeof config->key_name);
        return QUIRE_OK;
    }
    if (strcmp(key, "server") == 0) {
        struct qr_client_url url;
        if (qr_client_url_parse(value, &url) != QUIRE_OK) {
            return QUIRE_EMALFORMED;
        }
        qr_client_url_text(&url, config->server);
        return QUIRE_OK;
    }
    char *digest = strcmp(key, "fingerprint") == 0 ? config->pin.certificate
        : strcmp(key, "pinned_key") == 0           ? config->pin.key
        : strcmp(key, "pinned_authority") == 0     ? config->pin.authority
                                                   : NULL;
    if (digest != NULL) {
        return qr_client_fingerprint_parse(value, digest) == QUIRE_OK ? QUIRE_OK : QUIRE_EMALFORMED;
    }
    if (strcmp(key, "address") == 0 && strlen(value) < sizeof config->address) {
        memcpy(config->address, value, strlen(value) + 1);
        return QUIRE_OK;
    }
    if (strcmp(key, "stage") == 0 && strcmp(value, "starting") == 0) {
        config->stage = QR_CLIENT_STAGE_STARTING;
        return QUIRE_OK;
    }
    if (strcmp(key, "stage") == 0 && strcmp(value, "joining") == 0) {
        config->stage = QR_CLIENT_STAGE_JOINING;
        return QUIRE_OK;
    }
    return QUIRE_EMALFORMED;
}

/* The word between two places, without the white space around it. */
static bool copy_trimmed(const char *start, const char *end, char *out, size_t size)
{
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        end--;
    }
    if ((size_t)(end - start) >= size || memchr(start, 0, (size_t)(end - start)) != NULL) {
        return false;
    }
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = 0;
    return true;
}

enum quire_status qr_client_config_parse(
    struct quire_bytes text, struct qr_client_config *out_config, unsigned *out_line)
{
    struct qr_client_config config = {.stage = QR_CLIENT_STAGE_READY};
    bool format = false;
    unsigned line_number = 0;
    const char *cursor = (const char *)text.data;
    const char *end = cursor + text.size;
    while (cursor < end) {
        line_number++;
        const char *line_end = memchr(cursor, '\n', (size_t)(end - cursor));
        line_end = line_end == NULL ? end : line_end;
        char line[QR_CLIENT_URL_MAX + 64];
        char key[32], value[QR_CLIENT_URL_MAX + 1];
        enum quire_status status = QUIRE_EMALFORMED;
        if (copy_trimmed(cursor, line_end, line, sizeof line)) {
            const char *equals = strchr(line, '=');
            if (line[0] == 0 || line[0] == '#') {
                status = QUIRE_OK;
            } else if (equals != NULL && copy_trimmed(line, equals, key, sizeof key)
                && copy_trimmed(equals + 1, line + strlen(line), value, sizeof value)) {
                status = set_field(&config, key, value, &format);
            }
        }
        if (status != QUIRE_OK) {
            *out_line = line_number;
            return status;
        }
        cursor = line_end + (line_end < end);
    }
    if (!format || config.key_name[0] == 0) {
        *out_line = 0;
        return QUIRE_EMALFORMED;
    }
    *out_config = config;
    return QUIRE_OK;
}

enum quire_status qr_client_config_text(
    const struct qr_client_config *config, struct quire_buffer *out_text)
{
    char text[1024];
    int size = snprintf(text, sizeof text,
        /* 2: an earlier program, to which the added lines mean nothing, says that it is too old. */
        "# A profile of Quire. Change it with `quire server`.\nformat = %d\nkey = %s\n",
        config->pin.key[0] != 0 || config->pin.authority[0] != 0 || config->address[0] != 0 ? 2 : 1,
        config->key_name);
    if (config->server[0] != 0) {
        size += snprintf(text + size, sizeof text - (size_t)size, "server = %s\n", config->server);
    }
    const struct {
        const char *key, *digest;
    } pinned[] = {{"fingerprint", config->pin.certificate}, {"pinned_key", config->pin.key},
        {"pinned_authority", config->pin.authority}};
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        if (pinned[i].digest[0] != 0) {
            size += snprintf(text + size, sizeof text - (size_t)size, "%s = %s\n", pinned[i].key,
                pinned[i].digest);
        }
    }
    if (config->address[0] != 0) {
        size +=
            snprintf(text + size, sizeof text - (size_t)size, "address = %s\n", config->address);
    }
    if (config->stage != QR_CLIENT_STAGE_READY) {
        size += snprintf(text + size, sizeof text - (size_t)size, "stage = %s\n",
            config->stage == QR_CLIENT_STAGE_STARTING ? "starting" : "joining");
    }
    return quire_buffer_append(out_text, text, (size_t)size);
}
