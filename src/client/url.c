/*
 * Reads a server's address.
 */
#include "client/url.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool same_start(const char *text, const char *start)
{
    for (; *start != 0; text++, start++) {
        if (tolower((unsigned char)*text) != *start) {
            return false;
        }
    }
    return true;
}

static bool host_character(char c, bool bracketed)
{
    if (bracketed) {
        return isxdigit((unsigned char)c) || c == ':' || c == '.';
    }
    return isalnum((unsigned char)c) || c == '-' || c == '.' || c == '_';
}

static bool is_loopback(const char *address)
{
    if (strcmp(address, "localhost") == 0 || strcmp(address, "::1") == 0) {
        return true;
    }
    unsigned a = 0, b = 0, c = 0, d = 0;
    int used = 0;
    return sscanf(address, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &used) == 4
        && (size_t)used == strlen(address) && a == 127 && b < 256 && c < 256 && d < 256;
}

static bool read_port(const char **cursor, uint16_t *out_port)
{
    uint32_t port = 0;
    const char *start = *cursor;
    for (; isdigit((unsigned char)**cursor) && *cursor - start < 6; (*cursor)++) {
        port = port * 10 + (uint32_t)(**cursor - '0');
    }
    if (*cursor == start || *start == '0' || port == 0 || port > 65535) {
        return false;
    }
    *out_port = (uint16_t)port;
    return true;
}

enum quire_status qr_client_url_parse(const char *text, struct qr_client_url *out_url)
{
    struct qr_client_url url = {0};
    if (strlen(text) > QR_CLIENT_URL_MAX) {
        return QUIRE_EINVALID;
    }
    const char *cursor = text;
    if (same_start(cursor, "wss://")) {
        url.tls = true;
        cursor += 6;
    } else if (same_start(cursor, "ws://")) {
        cursor += 5;
    } else {
        return QUIRE_EINVALID;
    }
    bool bracketed = *cursor == '[';
    cursor += bracketed;
    size_t size = 0;
    while (host_character(*cursor, bracketed) && size < QR_CLIENT_HOST_MAX - 8) {
        url.address[size++] = (char)tolower((unsigned char)*cursor++);
    }
    if (size == 0 || (bracketed && *cursor++ != ']')) {
        return QUIRE_EINVALID;
    }
    bool with_port = *cursor == ':';
    url.port = url.tls ? 443 : 80;
    if (with_port) {
        cursor++;
        if (!read_port(&cursor, &url.port)) {
            return QUIRE_EINVALID;
        }
    }
    if (strcmp(cursor, "") != 0 && strcmp(cursor, "/") != 0 && strcmp(cursor, "/quire") != 0) {
        return QUIRE_EINVALID;
    }
    url.loopback = is_loopback(url.address);
    int length = snprintf(url.host, sizeof url.host, bracketed ? "[%s]" : "%s", url.address);
    if (with_port) {
        snprintf(url.host + length, sizeof url.host - (size_t)length, ":%u", (unsigned)url.port);
    }
    *out_url = url;
    return QUIRE_OK;
}

void qr_client_url_text(const struct qr_client_url *url, char *out_text)
{
    snprintf(out_text, QR_CLIENT_URL_MAX + 1, "%s%s", url->tls ? "wss://" : "ws://", url->host);
}

enum quire_status qr_client_fingerprint_parse(
    const char *text, char out_fingerprint[QR_CLIENT_FINGERPRINT_HEX + 1])
{
    char digits[QR_CLIENT_FINGERPRINT_HEX + 1];
    size_t count = 0;
    for (; *text != 0; text++) {
        if (*text == ':' && count > 0 && count % 2 == 0 && text[-1] != ':' && text[1] != 0) {
            continue;
        }
        if (!isxdigit((unsigned char)*text) || count == QR_CLIENT_FINGERPRINT_HEX) {
            return QUIRE_EINVALID;
        }
        digits[count++] = (char)tolower((unsigned char)*text);
    }
    if (count != QR_CLIENT_FINGERPRINT_HEX) {
        return QUIRE_EINVALID;
    }
    digits[count] = 0;
    memcpy(out_fingerprint, digits, sizeof digits);
    return QUIRE_OK;
}
