/*
 * The user's runtime folder.
 */
#include "client/runtime.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* /dev/shm is everybody's: what is ours there is a real folder, owned by us, closed to others. */
static bool is_private(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid()
        && (info.st_mode & 077) == 0;
}

static bool use(const char *path)
{
    return (mkdir(path, 0700) == 0 || errno == EEXIST) && is_private(path)
        && access(path, W_OK | X_OK) == 0;
}

enum quire_status qr_client_runtime_folder(
    struct qr_client_path *out_path, struct qr_client_error *error)
{
    struct qr_client_path path;
    unsigned long user = (unsigned long)geteuid();
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime != NULL && runtime[0] == '/'
        && qr_client_path(&path, error, "%s/quire", runtime) == QUIRE_OK && use(path.text)) {
        *out_path = path;
        return QUIRE_OK;
    }
    if (qr_client_path(&path, error, "/run/user/%lu/quire", user) == QUIRE_OK && use(path.text)) {
        *out_path = path;
        return QUIRE_OK;
    }
    if (qr_client_path(&path, error, "/dev/shm/quire-%lu", user) == QUIRE_OK && use(path.text)) {
        *out_path = path;
        return QUIRE_OK;
    }
    return qr_client_fail(error, QUIRE_EIO,
        "There is no private folder in memory: XDG_RUNTIME_DIR is not set or not writable, and "
        "/dev/shm/quire-%lu cannot be used.",
        user);
}

static bool record_path(const char *profile, struct qr_client_path *out_path)
{
    struct qr_client_error ignored;
    struct qr_client_path folder;
    char name[17];
    qr_client_path_name(profile, name);
    return qr_client_runtime_folder(&folder, &ignored) == QUIRE_OK
        && qr_client_path(out_path, &ignored, "%s/%s.replica", folder.text, name) == QUIRE_OK;
}

void qr_client_replica_read(const char *profile, struct quire_buffer *out_record)
{
    struct qr_client_error ignored;
    struct qr_client_path path;
    if (!record_path(profile, &path)
        || qr_client_read_file(path.text, 4096, out_record, &ignored) != QUIRE_OK) {
        quire_buffer_clear(out_record);
    }
}

void qr_client_replica_write(const char *profile, struct quire_bytes record)
{
    struct qr_client_error ignored;
    struct qr_client_path path;
    if (record_path(profile, &path)
        && qr_client_write_file(path.text, record, QR_CLIENT_ATOMIC, &ignored) != QUIRE_OK) {
        unlink(path.text);
    }
}
