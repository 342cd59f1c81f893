/*
 * A profile's folder.
 */
#define _GNU_SOURCE
#include "client/profile.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 10

enum quire_status qr_client_profile_path(
    const char *option, struct qr_client_path *out_path, struct qr_client_error *error)
{
    const char *from_environment = getenv("QUIRE_PROFILE");
    if (option == NULL && from_environment != NULL && from_environment[0] != 0) {
        option = from_environment;
    }
    if (option != NULL) {
        if (option[0] == 0) {
            return qr_client_fail(error, QUIRE_EINVALID, "The name of the profile is empty.");
        }
        return qr_client_path(out_path, error, "%s", option);
    }
    const char *data_home = getenv("XDG_DATA_HOME");
    if (data_home != NULL && data_home[0] == '/') {
        return qr_client_path(out_path, error, "%s/quire/default", data_home);
    }
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        return qr_client_fail(error, QUIRE_ENOTFOUND,
            "There is no folder for a profile: none of QUIRE_PROFILE, XDG_DATA_HOME and HOME is "
            "set. Name a folder with --profile.");
    }
    return qr_client_path(out_path, error, "%s/.local/share/quire/default", home);
}

/* ---- the lock -------------------------------------------------------------------------------- */

static int open_lock(const char *folder, const char *name, int flags)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    if (qr_client_path(&path, &ignored, "%s/%s", folder, name) != QUIRE_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path.text, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool try_lock(int file, uint32_t wait_ms)
{
    uint64_t deadline = now_ms() + wait_ms;
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || now_ms() >= deadline) {
            return false;
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return true;
}

static enum quire_status acquire_lock(
    const char *folder, uint32_t wait_ms, int *out_lock, struct qr_client_error *error)
{
    int lock = open_lock(folder, "lock", O_RDWR | O_CREAT);
    int waiting = lock < 0 ? -1 : open_lock(folder, "waiting", O_RDWR | O_CREAT);
    if (lock < 0 || waiting < 0) {
        int code = errno;
        if (lock >= 0) {
            close(lock);
        }
        if (code == ENOENT) {
            return qr_client_fail(error, QUIRE_ENOTFOUND, "There is no profile in %s yet.", folder);
        }
        return qr_client_fail(error, qr_client_status_of_errno(code),
            "The profile %s cannot be written: %s. Nothing was changed.", folder, strerror(code));
    }
    bool held = flock(waiting, LOCK_SH) == 0 && try_lock(lock, wait_ms);
    close(waiting);
    char holder[32] = "";
    if (!held) {
        ssize_t size = pread(lock, holder, sizeof holder - 1, 0);
        holder[size > 0 ? size : 0] = 0;
        holder[strspn(holder, "0123456789")] = 0;
        close(lock);
        return qr_client_fail(error, QUIRE_ELOCKED,
            "Another process (%s%s) is using the profile %s and did not finish within %u.%u s. "
            "Nothing was changed; try again when it is done.",
            holder[0] != 0 ? "pid " : "unknown", holder, folder, wait_ms / 1000,
            wait_ms % 1000 / 100);
    }
    /* Only for that sentence, so a failure to write it is none. */
    int size = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(lock, 0) != 0 || pwrite(lock, holder, (size_t)size, 0) != size) {
        errno = 0;
    }
    *out_lock = lock;
    return QUIRE_OK;
}

/* The lock file's text: the process, and whether it is online. */
#define ONLINE "online"

void qr_client_profile_set_online(const struct qr_client_profile *profile, bool online)
{
    char text[48];
    int size = snprintf(text, sizeof text, "%ld\n%s", (long)getpid(), online ? ONLINE "\n" : "");
    if (profile->lock >= 0
        && (ftruncate(profile->lock, 0) != 0
            || pwrite(profile->lock, text, (size_t)size, 0) != size)) {
        errno = 0; /* then other processes wait a little longer than they must */
    }
}

bool qr_client_profile_is_online(const char *path)
{
    char text[48] = "";
    int lock = open_lock(path, "lock", O_RDONLY);
    if (lock < 0) {
        return false;
    }
    bool held = flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ssize_t size = pread(lock, text, sizeof text - 1, 0);
    close(lock);
    return held && size > 0 && strstr(text, ONLINE) != NULL;
}

bool qr_client_profile_wanted(const struct qr_client_profile *profile)
{
    int waiting = open_lock(profile->path.text, "waiting", O_RDWR);
    if (waiting < 0) {
        return false;
    }
    bool wanted = flock(waiting, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(waiting); /* gives the lock back */
    return wanted;
}

/* ---- the config ------------------------------------------------------------------------------ */

static enum quire_status read_config(
    struct qr_client_profile *profile, struct qr_client_error *error)
{
    struct qr_client_path path;
    struct quire_buffer text = {0};
    unsigned line = 0;
    enum quire_status status = qr_client_path(&path, error, "%s/config", profile->path.text);
    if (status == QUIRE_OK) {
        status = qr_client_read_file(path.text, QR_CLIENT_CONFIG_MAX, &text, error);
    }
    if (status == QUIRE_ENOTFOUND) {
        return qr_client_fail(error, status, "There is no profile in %s yet.", profile->path.text);
    }
    if (status == QUIRE_OK) {
        status = qr_client_config_parse(quire_buffer_bytes(&text), &profile->config, &line);
        if (status == QUIRE_EUNSUPPORTED) {
            qr_client_fail(
                error, status, "A newer version of Quire made the profile %s.", profile->path.text);
        } else if (status != QUIRE_OK && line == 0) {
            qr_client_fail(error, status,
                "%s lacks its \"format\" or its \"key\" line. Nothing was changed.", path.text);
        } else if (status != QUIRE_OK) {
            qr_client_fail(error, status, "Line %u of %s is not understood. Nothing was changed.",
                line, path.text);
        }
    }
    quire_buffer_finish(&text);
    return status;
}

enum quire_status qr_client_profile_save(
    const struct qr_client_profile *profile, struct qr_client_error *error)
{
    struct qr_client_path path;
    struct quire_buffer text = {0};
    enum quire_status status = qr_client_path(&path, error, "%s/config", profile->path.text);
    if (status == QUIRE_OK && qr_client_config_text(&profile->config, &text) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (status == QUIRE_OK) {
        status =
            qr_client_write_file(path.text, quire_buffer_bytes(&text), QR_CLIENT_DURABLE, error);
    }
    quire_buffer_finish(&text);
    return status;
}

static enum quire_status find_real_path(
    const char *path, struct qr_client_path *out_path, struct qr_client_error *error)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        if (errno == ENOENT) {
            return qr_client_fail(error, QUIRE_ENOTFOUND, "There is no profile in %s yet.", path);
        }
        return qr_client_fail(error, qr_client_status_of_errno(errno),
            "The profile %s cannot be opened: %s.", path, strerror(errno));
    }
    enum quire_status status = qr_client_path(out_path, error, "%s", real);
    free(real);
    return status;
}

enum quire_status qr_client_profile_records(const struct qr_client_profile *profile,
    struct qr_client_path *out_path, struct qr_client_error *error)
{
    return qr_client_path(out_path, error, "%s/records.mdb", profile->path.text);
}

static bool has_file(const struct qr_client_profile *profile, const char *name)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    return qr_client_path(&path, &ignored, "%s/%s", profile->path.text, name) != QUIRE_OK
        || access(path.text, F_OK) == 0 || errno != ENOENT;
}

static void remove_file(const struct qr_client_profile *profile, const char *name)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    if (qr_client_path(&path, &ignored, "%s/%s", profile->path.text, name) == QUIRE_OK) {
        unlink(path.text);
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

enum quire_status qr_client_profile_open(const char *path, uint32_t wait_ms,
    struct qr_client_profile *out_profile, struct qr_client_error *error)
{
    struct qr_client_profile profile = {.lock = -1};
    enum quire_status status = find_real_path(path, &profile.path, error);
    if (status == QUIRE_OK && !has_file(&profile, "config")) {
        /* Looked at before the lock, so that asking leaves no files in a strange folder. */
        status = qr_client_fail(
            error, QUIRE_ENOTFOUND, "There is no profile in %s yet.", profile.path.text);
    }
    if (status == QUIRE_OK) {
        status = acquire_lock(profile.path.text, wait_ms, &profile.lock, error);
    }
    if (status == QUIRE_OK) {
        status = read_config(&profile, error);
    }
    if (status != QUIRE_OK) {
        qr_client_profile_close(&profile);
        return status;
    }
    *out_profile = profile;
    return QUIRE_OK;
}

enum quire_status qr_client_profile_look(
    const char *path, struct qr_client_profile *out_profile, struct qr_client_error *error)
{
    struct qr_client_profile profile = {.lock = -1};
    enum quire_status status = find_real_path(path, &profile.path, error);
    if (status == QUIRE_OK) {
        status = read_config(&profile, error);
    }
    if (status == QUIRE_OK) {
        *out_profile = profile;
    }
    return status;
}

enum quire_status qr_client_profile_make(const char *path, uint32_t wait_ms,
    enum qr_client_stage stage, struct qr_client_profile *out_profile,
    struct qr_client_error *error)
{
    struct qr_client_profile profile = {.lock = -1};
    enum quire_status status = qr_client_make_folders(path, error);
    if (status == QUIRE_OK) {
        status = find_real_path(path, &profile.path, error);
    }
    if (status == QUIRE_OK) {
        status = acquire_lock(profile.path.text, wait_ms, &profile.lock, error);
    }
    if (status == QUIRE_OK) {
        bool finished = has_file(&profile, "config") ? read_config(&profile, error) != QUIRE_OK
                || profile.config.stage == QR_CLIENT_STAGE_READY
                                                     : has_file(&profile, "records.mdb");
        if (finished) {
            status = qr_client_fail(error, QUIRE_ECONFLICT,
                "There is a profile in %s already; it was not touched.", profile.path.text);
        }
    }
    if (status == QUIRE_OK) {
        remove_file(&profile, "records.mdb");
        remove_file(&profile, "records.mdb-lock");
        memset(&profile.config, 0, sizeof profile.config);
        profile.config.stage = stage;
        qr_client_path_name(profile.path.text, profile.config.key_name);
        status = qr_client_profile_save(&profile, error);
    }
    if (status != QUIRE_OK) {
        qr_client_profile_close(&profile);
        return status;
    }
    *out_profile = profile;
    return QUIRE_OK;
}

void qr_client_profile_unmake(struct qr_client_profile *profile)
{
    static const char *const names[] = {
        "config", "records.mdb", "records.mdb-lock", "waiting", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        remove_file(profile, names[i]);
    }
    rmdir(profile->path.text);
    qr_client_profile_close(profile);
}

void qr_client_profile_close(struct qr_client_profile *profile)
{
    if (profile->lock >= 0) {
        close(profile->lock);
        profile->lock = -1;
    }
}
