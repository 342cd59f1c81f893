/*
 * The file with a profile's key.
 */
#define _GNU_SOURCE
#include "client/keyfile.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static enum quire_status parse_either(const char *path, struct quire_bytes text,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_keybox *out_box, bool *out_sealed,
    struct qr_client_error *error)
{
    bool sealed = qr_client_keybox_is(text);
    if (sealed && qr_client_keybox_parse(text, out_box) != QUIRE_OK) {
        return qr_client_fail(error, QUIRE_EMALFORMED,
            "The key file %s is damaged, or a newer version of Quire wrote it. Nothing was touched; "
            "if there is a backup of it, put it back.",
            path);
    }
    if (!sealed && !parse_key(text, out_key)) {
        return qr_client_fail(error, QUIRE_EMALFORMED,
            "%s is not a key file of Quire: it should hold %zu hex digits. Nothing was touched.",
            path, KEY_DIGITS);
    }
    *out_sealed = sealed;
    return QUIRE_OK;
}

enum quire_status qr_client_key_look(const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE],
    struct qr_client_keybox *out_box, bool *out_sealed, struct qr_client_error *error)
{
    struct stat info;
    if (stat(path, &info) == 0 && (info.st_mode & 077) != 0) {
        return qr_client_fail(error, QUIRE_EINVALID,
            "The key file %s can be read by others (mode %03o), so it is not used. "
            "Make it yours alone (chmod 600 %s), then do it again.",
            path, (unsigned)(info.st_mode & 0777), path);
    }
    struct quire_buffer content = {0};
    enum quire_status status =
        qr_client_read_file(path, QR_CLIENT_KEYBOX_TEXT_MAX, &content, error);
    if (status == QUIRE_ENOTFOUND) {
        status = qr_client_fail(error, QUIRE_ENOTFOUND,
            "The key file %s is missing, and the profile cannot be read without it; nothing in the "
            "profile was touched. If the key is elsewhere, name it with --key-file or "
            "QUIRE_KEY_FILE.",
            path);
    } else if (status == QUIRE_ELIMIT) {
        status = qr_client_fail(error, QUIRE_EMALFORMED,
            "%s is not a key file of Quire: it is larger than any. Nothing was touched.", path);
    } else if (status == QUIRE_OK) {
        status =
            parse_either(path, quire_buffer_bytes(&content), out_key, out_box, out_sealed, error);
    }
    if (content.data != NULL) {
        qr_client_wipe(content.data, content.capacity);
    }
    quire_buffer_finish(&content);
    return status;
}

enum quire_status qr_client_key_read(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error)
{
    struct qr_client_keybox box;
    bool sealed = false;
    enum quire_status status = qr_client_key_look(path, out_key, &box, &sealed, error);
    return status == QUIRE_OK && sealed
        ? qr_client_fail(error, QUIRE_EINVALID, "The key file %s is sealed by a passphrase.", path)
        : status;
}

/* What a process left that was killed between writing a new key file and putting it in its place. */
static void remove_leftovers(const char *path)
{
    struct qr_client_path folder;
    struct qr_client_error ignored;
    if (qr_client_path(&folder, &ignored, "%s", path) != QUIRE_OK) {
        return;
    }
    const char *base = strrchr(path, '/') + 1; /* a real path */
    DIR *listing = opendir(dirname(folder.text));
    for (struct dirent *row; listing != NULL && (row = readdir(listing)) != NULL;) {
        size_t size = strlen(base);
        if (strncmp(row->d_name, base, size) == 0 && strncmp(row->d_name + size, ".new-", 5) == 0) {
            unlinkat(dirfd(listing), row->d_name, 0);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

void qr_client_key_tidy(const char *path)
{
    char *real = realpath(path, NULL);
    if (real != NULL) {
        remove_leftovers(real);
    }
    free(real);
}

static enum quire_status write_key(const char *path, const uint8_t key[QUIRE_PROFILE_KEY_SIZE],
    enum qr_client_replace how, struct qr_client_error *error)
{
    char text[KEY_DIGITS + 2];
    for (size_t i = 0; i < QUIRE_PROFILE_KEY_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    }
    text[KEY_DIGITS] = '\n';
    enum quire_status status = qr_client_write_file(
        path, (struct quire_bytes){(const uint8_t *)text, KEY_DIGITS + 1}, how, error);
    qr_client_wipe(text, sizeof text);
    return status;
}

enum quire_status qr_client_key_replace(const char *path, const uint8_t key[QUIRE_PROFILE_KEY_SIZE],
    const struct qr_client_keybox *box, struct qr_client_error *error)
{
    char *real = realpath(path, NULL);
    struct quire_buffer text = {0};
    enum quire_status status = QUIRE_OK;
    if (real == NULL) {
        return qr_client_fail(
            error, QUIRE_EIO, "The key file %s cannot be found: %s.", path, strerror(errno));
    }
    if (box == NULL) {
        status = write_key(real, key, QR_CLIENT_DURABLE, error);
    } else if (qr_client_keybox_text(box, &text) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    } else {
        status = qr_client_write_file(real, quire_buffer_bytes(&text), QR_CLIENT_DURABLE, error);
    }
    if (status == QUIRE_OK) {
        remove_leftovers(real);
    }
    quire_buffer_finish(&text);
    free(real);
    return status;
}

enum quire_status qr_client_key_make(
    const char *path, uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error)
{
    uint8_t key[QUIRE_PROFILE_KEY_SIZE];
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
            status = write_key(path, key, QR_CLIENT_NEW, error);
        }
        if (status == QUIRE_ECONFLICT) { /* another process made it just now */
            status = qr_client_key_read(path, key, error);
        }
    }
    if (status == QUIRE_OK) {
        memcpy(out_key, key, sizeof key);
    }
    qr_client_wipe(key, sizeof key);
    return status;
}
