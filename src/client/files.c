/*
 * Small files.
 */
#define _GNU_SOURCE
#include "client/files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum quire_status qr_client_path(
    struct qr_client_path *out_path, struct qr_client_error *error, const char *format, ...)
{
    struct qr_client_path path;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(path.text, sizeof path.text, format, arguments);
    va_end(arguments);
    if (size < 0 || (size_t)size >= sizeof path.text) {
        return qr_client_fail(
            error, QUIRE_ELIMIT, "A path is longer than %d bytes.", QR_CLIENT_PATH_MAX - 1);
    }
    *out_path = path;
    return QUIRE_OK;
}

enum quire_status qr_client_read_file(const char *path, size_t max_size,
    struct quire_buffer *out_content, struct qr_client_error *error)
{
    size_t start = out_content->size;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) {
        return qr_client_fail(error, errno == ENOENT ? QUIRE_ENOTFOUND : QUIRE_EIO,
            "Cannot read %s: %s.", path, strerror(errno));
    }
    enum quire_status status = QUIRE_OK;
    for (;;) {
        if (quire_buffer_reserve(out_content, 4096) != QUIRE_OK) {
            status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
            break;
        }
        ssize_t size = read(file, out_content->data + out_content->size, 4096);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            status = qr_client_fail(error, QUIRE_EIO, "Cannot read %s: %s.", path, strerror(errno));
            break;
        }
        if (size == 0) {
            break;
        }
        out_content->size += (size_t)size;
        if (out_content->size - start > max_size) {
            status =
                qr_client_fail(error, QUIRE_ELIMIT, "%s is larger than %zu bytes.", path, max_size);
            break;
        }
    }
    close(file);
    if (status != QUIRE_OK) {
        out_content->size = start;
    }
    return status;
}

static bool write_all(int file, struct quire_bytes content)
{
    size_t done = 0;
    while (done < content.size) {
        ssize_t size = write(file, content.data + done, content.size - done);
        if (size < 0 && errno != EINTR) {
            return false;
        }
        done += size > 0 ? (size_t)size : 0;
    }
    return true;
}

bool qr_client_sync_folder_of(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return false;
    }
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (folder < 0) {
        return false;
    }
    bool good = fsync(folder) == 0;
    int code = errno;
    close(folder);
    errno = code;
    return good;
}

bool qr_client_put_new(const char *fresh, const char *path)
{
    if (link(fresh, path) == 0) {
        unlink(fresh);
        return true;
    }
    bool linkless = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS; /* FAT, exFAT */
    return linkless && renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
}

enum quire_status qr_client_write_file(const char *path, struct quire_bytes content,
    enum qr_client_replace how, struct qr_client_error *error)
{
    struct qr_client_path fresh;
    enum quire_status status = qr_client_path(&fresh, error, "%s.new-XXXXXX", path);
    if (status != QUIRE_OK) {
        return status;
    }
    int file = mkostemp(fresh.text, O_CLOEXEC); /* mode 0600 */
    if (file < 0) {
        return qr_client_fail(
            error, qr_client_status_of_errno(errno), "Cannot write %s: %s.", path, strerror(errno));
    }
    bool good = write_all(file, content) && (how == QR_CLIENT_ATOMIC || fsync(file) == 0);
    int code = errno;
    if (close(file) != 0 && good) {
        good = false;
        code = errno;
    }
    if (good) {
        good = how == QR_CLIENT_NEW ? qr_client_put_new(fresh.text, path)
                                    : rename(fresh.text, path) == 0;
        code = errno;
    }
    if (!good || how == QR_CLIENT_NEW) {
        unlink(fresh.text);
    }
    if (good && how != QR_CLIENT_ATOMIC) {
        good = qr_client_sync_folder_of(path);
        code = errno;
    }
    if (!good) {
        status = how == QR_CLIENT_NEW && code == EEXIST ? QUIRE_ECONFLICT
                                                        : qr_client_status_of_errno(code);
        return qr_client_fail(error, status, "Cannot write %s: %s.", path, strerror(code));
    }
    return QUIRE_OK;
}

enum quire_status qr_client_make_folders(const char *path, struct qr_client_error *error)
{
    struct qr_client_path part;
    enum quire_status status = qr_client_path(&part, error, "%s", path);
    if (status != QUIRE_OK) {
        return status;
    }
    for (char *cursor = part.text + 1;; cursor++) {
        if (*cursor != '/' && *cursor != 0) {
            continue;
        }
        char kept = *cursor;
        *cursor = 0;
        struct stat info;
        if (mkdir(part.text, 0700) != 0
            && (errno != EEXIST || stat(part.text, &info) != 0 || !S_ISDIR(info.st_mode))) {
            int code = errno == EEXIST ? ENOTDIR : errno;
            return qr_client_fail(error, qr_client_status_of_errno(code),
                "Cannot make the folder %s: %s.", part.text, strerror(code));
        }
        *cursor = kept;
        if (kept == 0) {
            return QUIRE_OK;
        }
    }
}

enum quire_status qr_client_remove_folder(const char *path, struct qr_client_error *error)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *listing = folder < 0 ? NULL : fdopendir(folder);
    if (listing == NULL && folder >= 0) {
        close(folder);
    }
    for (struct dirent *row; listing != NULL && (row = readdir(listing)) != NULL;) {
        if (strcmp(row->d_name, ".") != 0 && strcmp(row->d_name, "..") != 0) {
            unlinkat(dirfd(listing), row->d_name, 0);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
    if (rmdir(path) != 0 && errno != ENOENT) {
        return qr_client_fail(error, QUIRE_EIO, "Cannot remove %s: %s.", path, strerror(errno));
    }
    return QUIRE_OK;
}

void qr_client_path_name(const char *path, char out_name[17])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)path, strlen(path), hash);
    for (size_t i = 0; i < 8; i++) {
        snprintf(out_name + 2 * i, 3, "%02x", hash[i]);
    }
}

enum quire_status qr_client_random(void *out, size_t size, struct qr_client_error *error)
{
    uint8_t *cursor = out;
    while (size > 0) {
        ssize_t got = getrandom(cursor, size, 0);
        if (got < 0 && errno != EINTR) {
            return qr_client_fail(
                error, QUIRE_EIO, "The system gives no random bytes: %s.", strerror(errno));
        }
        cursor += got > 0 ? got : 0;
        size -= got > 0 ? (size_t)got : 0;
    }
    return QUIRE_OK;
}

void qr_client_wipe(void *data, size_t size)
{
    explicit_bzero(data, size);
}
