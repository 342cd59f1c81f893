/*
 * Encrypted files beside the records.
 */
#define _GNU_SOURCE
#include "client/sealed.h"
#include "client/keyfile.h"
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FORM 1
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_SIZE ((size_t)1 + NONCE_SIZE)

enum quire_status qr_client_sealed_name(
    char out_name[QR_CLIENT_SEALED_NAME], struct qr_client_error *error)
{
    uint8_t random[(QR_CLIENT_SEALED_NAME - 1) / 2];
    enum quire_status status = qr_client_random(random, sizeof random, error);
    for (size_t i = 0; status == QUIRE_OK && i < sizeof random; i++) {
        snprintf(out_name + 2 * i, 3, "%02x", random[i]);
    }
    return status;
}

static enum quire_status derive_key(const struct qr_client_sealed *sealed,
    uint8_t out_key[crypto_kdf_KEYBYTES], struct qr_client_error *error)
{
    uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE];
    _Static_assert(sizeof profile_key == crypto_kdf_KEYBYTES, "the profile's key is a KDF key");
    enum quire_status status = QUIRE_OK;
    if (sealed->key != NULL) {
        memcpy(profile_key, sealed->key, sizeof profile_key);
    } else {
        status = qr_client_key_read(sealed->key_file, profile_key, error);
    }
    if (status == QUIRE_OK && sodium_init() < 0) {
        status = qr_client_fail(error, QUIRE_EIO, "The cryptographic library does not start.");
    }
    if (status == QUIRE_OK) {
        crypto_kdf_derive_from_key(out_key, crypto_kdf_KEYBYTES, 1, "quireprf", profile_key);
    }
    qr_client_wipe(profile_key, sizeof profile_key);
    return status;
}

static enum quire_status find_file(const struct qr_client_sealed *sealed, const char *folder,
    const char *name, struct qr_client_path *out_path, struct qr_client_path *out_label,
    struct qr_client_error *error)
{
    enum quire_status status = qr_client_path(out_label, error, "%s/%s", folder, name);
    return status == QUIRE_OK
        ? qr_client_path(out_path, error, "%s/%s", sealed->profile, out_label->text)
        : status;
}

enum quire_status qr_client_sealed_write(const struct qr_client_sealed *sealed, const char *folder,
    const char *name, struct quire_bytes content, struct qr_client_error *error)
{
    struct qr_client_path path, label, parent;
    struct quire_buffer file = {0};
    uint8_t key[crypto_kdf_KEYBYTES];
    if (content.size > QR_CLIENT_SEALED_MAX) {
        return qr_client_fail(
            error, QUIRE_ELIMIT, "A draft holds %zu MiB at most.", QR_CLIENT_SEALED_MAX >> 20);
    }
    enum quire_status status = find_file(sealed, folder, name, &path, &label, error);
    if (status == QUIRE_OK) {
        status = qr_client_path(&parent, error, "%s/%s", sealed->profile, folder);
    }
    if (status == QUIRE_OK) {
        status = qr_client_make_folders(parent.text, error);
    }
    if (status == QUIRE_OK) {
        status = derive_key(sealed, key, error);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    if (quire_buffer_reserve(&file, HEAD_SIZE + content.size + TAG_SIZE) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    } else {
        file.data[0] = FORM;
        status = qr_client_random(file.data + 1, NONCE_SIZE, error);
    }
    if (status == QUIRE_OK) {
        unsigned long long size = 0;
        crypto_aead_xchacha20poly1305_ietf_encrypt(file.data + HEAD_SIZE, &size, content.data,
            content.size, (const uint8_t *)label.text, strlen(label.text), NULL, file.data + 1,
            key);
        file.size = HEAD_SIZE + (size_t)size;
        status =
            qr_client_write_file(path.text, quire_buffer_bytes(&file), QR_CLIENT_DURABLE, error);
    }
    qr_client_wipe(key, sizeof key);
    quire_buffer_finish(&file);
    return status;
}

enum quire_status qr_client_sealed_read(const struct qr_client_sealed *sealed, const char *folder,
    const char *name, struct quire_buffer *out_content, struct qr_client_error *error)
{
    struct qr_client_path path, label;
    struct quire_buffer file = {0};
    uint8_t key[crypto_kdf_KEYBYTES] = {0};
    enum quire_status status = find_file(sealed, folder, name, &path, &label, error);
    if (status == QUIRE_OK) {
        status = qr_client_read_file(
            path.text, HEAD_SIZE + QR_CLIENT_SEALED_MAX + TAG_SIZE, &file, error);
    }
    if (status == QUIRE_OK) {
        status = derive_key(sealed, key, error);
    }
    if (status == QUIRE_OK && quire_buffer_reserve(out_content, file.size + 1) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (status == QUIRE_OK) {
        unsigned long long size = 0;
        if (file.size < HEAD_SIZE + TAG_SIZE || file.data[0] != FORM
            || crypto_aead_xchacha20poly1305_ietf_decrypt(out_content->data + out_content->size,
                   &size, NULL, file.data + HEAD_SIZE, file.size - HEAD_SIZE,
                   (const uint8_t *)label.text, strlen(label.text), file.data + 1, key)
                != 0) {
            status = qr_client_fail(error, QUIRE_ECRYPTO,
                "%s does not open: it is damaged, or another profile's. It was not touched.",
                path.text);
        } else {
            out_content->size += (size_t)size;
        }
    }
    qr_client_wipe(key, sizeof key);
    quire_buffer_finish(&file);
    return status;
}

void qr_client_sealed_remove(
    const struct qr_client_sealed *sealed, const char *folder, const char *name)
{
    struct qr_client_path path, label;
    struct qr_client_error ignored;
    if (find_file(sealed, folder, name, &path, &label, &ignored) == QUIRE_OK) {
        unlink(path.text);
    }
    if (qr_client_path(&path, &ignored, "%s/%s", sealed->profile, folder) == QUIRE_OK) {
        rmdir(path.text);
    }
}

static bool is_name(const char *text)
{
    return strlen(text) == QR_CLIENT_SEALED_NAME - 1
        && strspn(text, "0123456789abcdef") == QR_CLIENT_SEALED_NAME - 1;
}

enum quire_status qr_client_sealed_list(const struct qr_client_sealed *sealed, const char *folder,
    char (*out_names)[QR_CLIENT_SEALED_NAME], size_t capacity, size_t *out_count,
    struct qr_client_error *error)
{
    struct qr_client_path path;
    size_t count = 0;
    enum quire_status status = qr_client_path(&path, error, "%s/%s", sealed->profile, folder);
    if (status != QUIRE_OK) {
        return status;
    }
    DIR *listing = opendir(path.text);
    if (listing == NULL && errno != ENOENT) {
        return qr_client_fail(error, QUIRE_EIO, "Cannot read %s: %s.", path.text, strerror(errno));
    }
    for (struct dirent *row; listing != NULL && (row = readdir(listing)) != NULL;) {
        if (is_name(row->d_name)) {
            if (count < capacity) {
                memcpy(out_names[count], row->d_name, QR_CLIENT_SEALED_NAME);
            }
            count++;
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    *out_count = count;
    return QUIRE_OK;
}
