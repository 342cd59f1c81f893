/*
 * The file with a profile's key.
 */
#define _GNU_SOURCE
#include "client/keyfile.h"
#include <ctype.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY_DIGITS ((size_t)2 * QUIRE_PROFILE_KEY_SIZE)

enum quire_status qr_client_key_path(const char *option, const char *name,
    struct qr_client_path *out_path, struct qr_client_error *error)
{
    const char *from_environment = getenv("QUIRE_KEY_FILE");
    if (option == NULL && from_environment != NULL && from_environment[0] != 0) {
        option = from_environment;
    }
    if (option != NULL) {
        return qr_client_path(out_path, error, "%s", option);
    }
    const char *config_home = getenv("XDG_CONFIG_HOME");
    if (config_home != NULL && config_home[0] == '/') {
        return qr_client_path(out_path, error, "%s/quire/keys/%s.key", config_home, name);
    }
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        return qr_client_fail(error, QUIRE_ENOTFOUND,
            "There is no folder for the profile's key: neither XDG_CONFIG_HOME nor HOME is set. "
            "Name a file with --key-file or QUIRE_KEY_FILE.");
    }
    return qr_client_path(out_path, error, "%s/.config/quire/keys/%s.key", home, name);
}

static int digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    int lower = tolower(digit);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool parse_key(struct quire_bytes text, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE])
{
    while (text.size > 0 && isspace(text.data[text.size - 1])) {
        text.size--;
    }
    if (text.size != KEY_DIGITS) {
        return false;
    }
    for (size_t i = 0; i < KEY_DIGITS; i++) {
        if (digit_value(text.data[i]) < 0) {
            return false;
        }
    }
    for (size_t i = 0; i < QUIRE_PROFILE_KEY_SIZE; i++) {
        out_key[i] =
            (uint8_t)(digit_value(text.data[2 * i]) << 4 | digit_value(text.data[2 * i + 1]));
    }
    return true;
}

enum quire_status qr_client_key_read(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & 077) != 0) {
        return qr_client_fail(error, QUIRE_EINVALID,
            "The key file %s can be read by others (mode %03o), so it is not used. "
            "Make it yours alone (chmod 600 %s), then do it again.",
            path, (unsigned)(info.st_mode & 0777), path);
    }
    struct quire_buffer content = {0};
    enum quire_status status = qr_client_read_file(path, 1024, &content, error);
    if (status == QUIRE_ENOTFOUND) {
        status = qr_client_fail(error, QUIRE_ENOTFOUND,
            "The key file %s is missing, and the profile cannot be read without it; nothing in the "
            "profile was touched. If the key is elsewhere, name it with --key-file or "
            "QUIRE_KEY_FILE.",
            path);
    } else if (status == QUIRE_ELIMIT
        || (status == QUIRE_OK && !parse_key(quire_buffer_bytes(&content), out_key))) {
        status = qr_client_fail(error, QUIRE_EMALFORMED,
            "%s is not a key file of Quire: it should hold %zu hex digits. Nothing was touched.",
            path, KEY_DIGITS);
    }
    if (content.data != NULL) {
        qr_client_wipe(content.data, content.capacity);
    }
    quire_buffer_finish(&content);
    return status;
}

enum quire_status qr_client_key_make(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error)
{
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
    char text[KEY_DIGITS + 2];
    enum quire_status status = qr_client_key_read(path, key, error);
    if (status == QUIRE_ENOTFOUND) {
        struct qr_client_path folder;
        status = qr_client_path(&folder, error, "%s", path);
        if (status == QUIRE_OK) {
            status = qr_client_make_folders(dirname(folder.text), error);
        }
        if (status == QUIRE_OK) {
            status = qr_client_random(key, sizeof key, error);
        }
        if (status == QUIRE_OK) {
            for (size_t i = 0; i < sizeof key; i++) {
                snprintf(text + 2 * i, 3, "%02x", key[i]);
            }
            text[KEY_DIGITS] = '\n';
            status = qr_client_write_file(path,
                (struct quire_bytes){(const uint8_t *)text, KEY_DIGITS + 1}, QR_CLIENT_NEW, error);
        }
        if (status == QUIRE_ECONFLICT) { /* another process made it just now */
            status = qr_client_key_read(path, key, error);
        }
    }
    if (status == QUIRE_OK) {
        memcpy(out_key, key, sizeof key);
    }
    qr_client_wipe(key, sizeof key);
    qr_client_wipe(text, sizeof text);
    return status;
}
