/*
 * Writes, verifies and restores backups of a profile.
 */
#define _GNU_SOURCE
#include "client/backup.h"
#include "client/backup_stream.h"
#include "client/keyfile.h"
#include "client/lock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORM 1
#define ITEM 1
#define NAME_MAX_BYTES 64
#define FILES_MAX 20000 /* drafts and inbox hold far fewer */
#define BLOCK 65536

static const char *const folders[] = {"drafts", "inbox", "acknowledged"};
#define FOLDER_COUNT (sizeof folders / sizeof folders[0])

/* ---- writing --------------------------------------------------------------------------------- */

static void put_number(struct qr_client_backup_stream *stream, uint64_t number, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--) {
        uint8_t byte = (uint8_t)(number >> 8 * (i - 1));
        qr_client_backup_put(stream, &byte, 1);
    }
}

static void put_head(struct qr_client_backup_stream *stream, const char *name, uint64_t size,
    struct qr_client_backup_counts *counts)
{
    put_number(stream, ITEM, 1);
    put_number(stream, strlen(name), 2);
    put_number(stream, size, 8);
    qr_client_backup_put(stream, name, strlen(name));
    counts->files++;
    counts->bytes += size;
}

static void put_file(struct qr_client_backup_stream *stream, int file, const char *name,
    struct qr_client_backup_counts *counts)
{
    struct stat info;
    uint8_t block[BLOCK];
    uint64_t left = 0;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        qr_client_backup_fail(stream, QUIRE_EIO, "%s of the profile cannot be read.", name);
        return;
    }
    left = (uint64_t)info.st_size;
    put_head(stream, name, left, counts);
    while (stream->good && left > 0) {
        ssize_t size = read(file, block, left < BLOCK ? left : BLOCK);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            qr_client_backup_fail(stream, QUIRE_EIO, "%s of the profile cannot be read: %s.", name,
                size < 0 ? strerror(errno) : "it became shorter");
            return;
        }
        qr_client_backup_put(stream, block, (size_t)size);
        left -= (uint64_t)size;
    }
}

static void put_path(struct qr_client_backup_stream *stream, const char *folder, const char *name,
    struct qr_client_backup_counts *counts)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    int file = qr_client_path(&path, &ignored, "%s/%s", folder, name) == QUIRE_OK
        ? open(path.text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        : -1;
    if (file < 0) {
        qr_client_backup_fail(
            stream, QUIRE_EIO, "%s of the profile cannot be read: %s.", name, strerror(errno));
        return;
    }
    put_file(stream, file, name, counts);
    close(file);
}

static bool is_sealed_name(const char *text)
{
    return strlen(text) == QR_CLIENT_SEALED_NAME - 1
        && strspn(text, "0123456789abcdef") == QR_CLIENT_SEALED_NAME - 1;
}

static void put_folder(struct qr_client_backup_stream *stream, const char *profile,
    const char *folder, struct qr_client_backup_counts *counts)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    char name[NAME_MAX_BYTES];
    DIR *listing = qr_client_path(&path, &ignored, "%s/%s", profile, folder) == QUIRE_OK
        ? opendir(path.text)
        : NULL;
    for (struct dirent *row; stream->good && listing != NULL && (row = readdir(listing)) != NULL;) {
        if (is_sealed_name(row->d_name)) {
            snprintf(name, sizeof name, "%s/%.16s", folder, row->d_name);
            put_path(stream, profile, name, counts);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

/* A copy of one moment, without its unused pages; the temporary file has no name. */
static void put_records(struct qr_client_backup_stream *stream, struct quire_client *client,
    const char *target, struct qr_client_backup_counts *counts)
{
    struct qr_client_path path;
    int file = -1;
    if (qr_client_path(&path, stream->error, "%s.records-XXXXXX", target) == QUIRE_OK) {
        file = mkostemp(path.text, O_CLOEXEC);
    }
    if (file < 0 || unlink(path.text) != 0) {
        qr_client_backup_fail(stream, qr_client_status_of_errno(errno),
            "The backup cannot be written: %s.", strerror(errno));
    } else if (qr_client_records_copy(client->records, file, stream->error) != QUIRE_OK) {
        stream->good = false;
        stream->status = QUIRE_EIO;
    } else if (lseek(file, 0, SEEK_SET) == 0) {
        put_file(stream, file, "records.mdb", counts);
    }
    if (file >= 0) {
        close(file);
    }
}

static void put_profile(struct qr_client_backup_stream *stream, struct quire_client *client,
    const char *target, struct qr_client_backup_counts *counts)
{
    const char *profile = client->profile.path.text;
    put_number(stream, FORM, 1);
    put_head(stream, "key", QUIRE_PROFILE_KEY_SIZE, counts);
    qr_client_backup_put(stream, qr_client_held_key(client), QUIRE_PROFILE_KEY_SIZE);
    put_path(stream, profile, "config", counts);
    put_records(stream, client, target, counts);
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        put_folder(stream, profile, folders[i], counts);
    }
    put_number(stream, 0, 1);
}

/* Reads the box at the start of a file and leaves the file behind it. */
static enum quire_status read_box(int file, const char *path, const char *passphrase,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], uint32_t *out_memory_mib,
    struct qr_client_error *error)
{
    char text[QR_CLIENT_KEYBOX_TEXT_MAX];
    struct qr_client_keybox box;
    ssize_t got = pread(file, text, sizeof text, 0);
    size_t size = 0;
    unsigned lines = 0;
    while (got > 0 && size < (size_t)got && lines < 6) {
        lines += text[size++] == '\n';
    }
    struct quire_bytes bytes = {(const uint8_t *)text, size};
    if (got <= 0 || !qr_client_keybox_is(bytes) || qr_client_keybox_parse(bytes, &box) != QUIRE_OK
        || lseek(file, (off_t)size, SEEK_SET) != (off_t)size) {
        return qr_client_fail(error, QUIRE_EMALFORMED,
            "%s is not a backup of Quire, or it is damaged. No profile was made or changed.", path);
    }
    *out_memory_mib = (uint32_t)(box.memory_kib / 1024);
    return qr_client_keybox_open(&box, passphrase, out_key, error);
}

/* The file's bytes, read again and opened by the passphrase, give what was written. */
static enum quire_status verify(const char *path, const char *passphrase, const uint8_t wanted[32],
    struct qr_client_error *error)
{
    struct qr_client_backup_stream *stream = malloc(sizeof *stream);
    uint8_t key[QUIRE_PROFILE_KEY_SIZE] = {0}, hash[32];
    uint32_t memory = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    enum quire_status status = stream == NULL ? QUIRE_ENOMEM : file < 0 ? QUIRE_EIO : QUIRE_OK;
    if (status == QUIRE_OK) {
        status = read_box(file, path, passphrase, key, &memory, error);
    }
    if (status == QUIRE_OK) {
        qr_client_backup_begin_read(stream, file, key, error);
        qr_client_backup_drain(stream);
        bool good = qr_client_backup_end_read(stream, hash);
        status = good && memcmp(hash, wanted, sizeof hash) == 0 ? QUIRE_OK : QUIRE_ECORRUPT;
    }
    if (status != QUIRE_OK) {
        qr_client_fail(error, status,
            "What was written to %s is not what is read from it: the disk or the memory is faulty. "
            "There is no backup; the profile was not touched.",
            path);
    }
    qr_client_wipe(key, sizeof key);
    if (file >= 0) {
        close(file);
    }
    free(stream);
    return status;
}

static enum quire_status write_new(struct quire_client *client, const char *fresh, int file,
    const char *passphrase, uint32_t memory_mib, struct qr_client_backup_counts *counts)
{
    struct qr_client_backup_stream *stream = malloc(sizeof *stream);
    struct qr_client_keybox box;
    struct quire_buffer text = {0};
    uint8_t key[QUIRE_PROFILE_KEY_SIZE] = {0}, hash[32] = {0};
    enum quire_status status = stream == NULL
        ? qr_client_fail(&client->error, QUIRE_ENOMEM, "There is not enough memory.")
        : qr_client_random(key, sizeof key, &client->error);
    if (status == QUIRE_OK) {
        status = qr_client_keybox_seal(key, passphrase, memory_mib, &box, &client->error);
    }
    if (status == QUIRE_OK
        && (qr_client_keybox_text(&box, &text) != QUIRE_OK
            || !qr_client_backup_write_all(file, text.data, text.size))) {
        status = qr_client_fail(&client->error, qr_client_status_of_errno(errno),
            "The backup cannot be written: %s. The profile was not touched.", strerror(errno));
    }
    if (status == QUIRE_OK) {
        qr_client_backup_begin_write(stream, file, key, &client->error);
        put_profile(stream, client, fresh, counts);
        status = qr_client_backup_end_write(stream, hash) ? QUIRE_OK : stream->status;
    }
    if (status == QUIRE_OK && fsync(file) != 0) {
        status = qr_client_fail(&client->error, qr_client_status_of_errno(errno),
            "The backup cannot be written: %s.", strerror(errno));
    }
    if (status == QUIRE_OK) {
        status = verify(fresh, passphrase, hash, &client->error);
    }
    qr_client_wipe(key, sizeof key);
    quire_buffer_finish(&text);
    free(stream);
    return status;
}

static enum quire_status put_in_place(
    const char *fresh, const char *path, struct qr_client_error *error)
{
    if (!qr_client_put_new(fresh, path)) {
        return errno == EEXIST
            ? qr_client_fail(error, QUIRE_ECONFLICT, "%s exists already; it was not touched.", path)
            : qr_client_fail(error, qr_client_status_of_errno(errno), "Cannot write %s: %s.", path,
                strerror(errno));
    }
    (void)qr_client_sync_folder_of(path); /* some disks cannot; the backup is there */
    return QUIRE_OK;
}

enum quire_status qr_client_backup_write(struct quire_client *client, const char *path,
    const char *passphrase, uint32_t memory_mib, struct qr_client_backup_counts *out_counts)
{
    struct qr_client_path fresh;
    struct qr_client_backup_counts counts = {0};
    enum quire_status status = qr_client_needs_lock(client);
    if (status == QUIRE_OK) {
        status = qr_client_passphrase_check(passphrase, &client->error);
    }
    if (status == QUIRE_OK && access(path, F_OK) == 0) {
        status = qr_client_fail(
            &client->error, QUIRE_ECONFLICT, "%s exists already; it was not touched.", path);
    }
    if (status == QUIRE_OK) {
        status = qr_client_path(&fresh, &client->error, "%s.part-XXXXXX", path);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    int file = mkostemp(fresh.text, O_CLOEXEC); /* mode 0600 */
    if (file < 0) {
        return qr_client_fail(&client->error, qr_client_status_of_errno(errno),
            "Cannot write %s: %s.", path, strerror(errno));
    }
    status = write_new(client, fresh.text, file, passphrase,
        memory_mib == 0 ? QUIRE_PASSPHRASE_MEMORY : memory_mib, &counts);
    close(file);
    if (status == QUIRE_OK) {
        status = put_in_place(fresh.text, path, &client->error);
    }
    unlink(fresh.text);
    if (status == QUIRE_OK) {
        *out_counts = counts;
    }
    return status;
}

/* ---- restoring ------------------------------------------------------------------------------- */

static uint64_t get_number(struct qr_client_backup_stream *stream, unsigned bytes)
{
    uint8_t text[8] = {0};
    uint64_t number = 0;
    qr_client_backup_get(stream, text, bytes);
    for (unsigned i = 0; i < bytes; i++) {
        number = number << 8 | text[i];
    }
    return stream->good ? number : 0;
}

/* Only the names that a profile has: nothing is written elsewhere, whatever a file says. */
static bool is_known(const char *name)
{
    if (strcmp(name, "config") == 0 || strcmp(name, "records.mdb") == 0) {
        return true;
    }
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        size_t size = strlen(folders[i]);
        if (strncmp(name, folders[i], size) == 0 && name[size] == '/'
            && is_sealed_name(name + size + 1)) {
            return true;
        }
    }
    return false;
}

static void get_file(
    struct qr_client_backup_stream *stream, const char *folder, const char *name, uint64_t size)
{
    struct qr_client_path path, parent;
    uint8_t block[BLOCK];
    if (qr_client_path(&path, stream->error, "%s/%s", folder, name) != QUIRE_OK
        || qr_client_path(&parent, stream->error, "%s", path.text) != QUIRE_OK
        || qr_client_make_folders(dirname(parent.text), stream->error) != QUIRE_OK) {
        stream->good = false;
        stream->status = QUIRE_EIO;
        return;
    }
    int file = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0;
    while (good && stream->good && size > 0) {
        size_t part = size < BLOCK ? (size_t)size : BLOCK;
        good = !qr_client_backup_get(stream, block, part)
            || qr_client_backup_write_all(file, block, part);
        size -= part;
    }
    if (!good || fsync(file) != 0) {
        qr_client_backup_fail(stream, qr_client_status_of_errno(errno),
            "The profile cannot be written: %s. None was made.", strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
}

static void get_profile(struct qr_client_backup_stream *stream, const char *folder,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_backup_counts *counts)
{
    char name[NAME_MAX_BYTES + 1];
    uint64_t form = get_number(stream, 1);
    if (stream->good && form != FORM) {
        qr_client_backup_fail(
            stream, QUIRE_EUNSUPPORTED, "A newer version of Quire wrote the backup.");
    }
    while (stream->good && get_number(stream, 1) == ITEM) {
        size_t name_size = (size_t)get_number(stream, 2);
        uint64_t size = get_number(stream, 8);
        bool fits = name_size > 0 && name_size <= NAME_MAX_BYTES;
        if (stream->good && fits) {
            qr_client_backup_get(stream, name, name_size);
        }
        name[fits ? name_size : 0] = 0;
        bool key = strcmp(name, "key") == 0 && size == QUIRE_PROFILE_KEY_SIZE;
        if (key) {
            qr_client_backup_get(stream, out_key, QUIRE_PROFILE_KEY_SIZE);
        } else if (is_known(name) && counts->files < FILES_MAX) {
            get_file(stream, folder, name, size);
        } else {
            qr_client_backup_fail(stream, QUIRE_EMALFORMED,
                "The backup holds what no profile has. No profile was made or changed.");
        }
        counts->files++;
        counts->bytes += size;
    }
}

/* The key file's name in the config is fresh, so that it meets no other profile's. */
static enum quire_status name_key(
    const char *folder, struct qr_client_config *out_config, struct qr_client_error *error)
{
    struct qr_client_path path;
    struct quire_buffer text = {0}, again = {0};
    unsigned line = 0;
    enum quire_status status = qr_client_path(&path, error, "%s/config", folder);
    if (status == QUIRE_OK) {
        status = qr_client_read_file(path.text, QR_CLIENT_CONFIG_MAX, &text, error);
    }
    if (status == QUIRE_OK
        && qr_client_config_parse(quire_buffer_bytes(&text), out_config, &line) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_EMALFORMED,
            "The config in the backup is not understood. No profile was made.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_sealed_name(out_config->key_name, error);
    }
    if (status == QUIRE_OK && qr_client_config_text(out_config, &again) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (status == QUIRE_OK) {
        status =
            qr_client_write_file(path.text, quire_buffer_bytes(&again), QR_CLIENT_DURABLE, error);
    }
    quire_buffer_finish(&text);
    quire_buffer_finish(&again);
    return status;
}

static void remove_tree(const char *folder)
{
    struct qr_client_path path;
    struct qr_client_error ignored;
    for (size_t i = 0; i < FOLDER_COUNT; i++) {
        if (qr_client_path(&path, &ignored, "%s/%s", folder, folders[i]) == QUIRE_OK
            && qr_client_remove_folder(path.text, &ignored) != QUIRE_OK) {
            return;
        }
    }
    if (qr_client_remove_folder(folder, &ignored) != QUIRE_OK) {
        return; /* what is left is encrypted */
    }
}

/* The key file first: without a profile it opens nothing. */
static enum quire_status finish(struct quire_client *client, const char *fresh, const char *profile,
    const uint8_t key[QUIRE_PROFILE_KEY_SIZE], const char *passphrase, uint32_t memory_mib)
{
    struct qr_client_config config;
    struct qr_client_path key_path, folder;
    struct qr_client_keybox box;
    struct quire_buffer text = {0};
    struct qr_client_error *error = &client->error;
    enum quire_status status = name_key(fresh, &config, error);
    if (status == QUIRE_OK) {
        status = qr_client_key_path(client->key_option, config.key_name, &key_path, error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_keybox_seal(key, passphrase, memory_mib, &box, error);
    }
    if (status == QUIRE_OK && qr_client_keybox_text(&box, &text) != QUIRE_OK) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (status == QUIRE_OK) {
        status = qr_client_path(&folder, error, "%s", key_path.text);
    }
    if (status == QUIRE_OK) {
        status = qr_client_make_folders(dirname(folder.text), error);
    }
    if (status == QUIRE_OK) {
        status =
            qr_client_write_file(key_path.text, quire_buffer_bytes(&text), QR_CLIENT_NEW, error);
    }
    if (status == QUIRE_OK && rename(fresh, profile) != 0) {
        status = qr_client_fail(error, qr_client_status_of_errno(errno),
            "The profile cannot be put in %s: %s. Nothing there was changed.", profile,
            strerror(errno));
        unlink(key_path.text);
    }
    if (status == QUIRE_OK) {
        (void)qr_client_sync_folder_of(
            profile); /* what is written into it next must not lose its name */
    }
    quire_buffer_finish(&text);
    return status;
}

/* What a restore left that was killed. The profile's lock does not exist yet: two at once end with one profile,
 * and the other says that there is something. */
static void remove_leftovers(const char *profile)
{
    struct qr_client_path parent, fresh;
    struct qr_client_error ignored;
    const char *slash = strrchr(profile, '/');
    const char *base = slash != NULL ? slash + 1 : profile;
    size_t size = strlen(base);
    if (qr_client_path(&parent, &ignored, "%s", profile) != QUIRE_OK) {
        return;
    }
    DIR *listing = opendir(dirname(parent.text));
    for (struct dirent *row; listing != NULL && (row = readdir(listing)) != NULL;) {
        if (strncmp(row->d_name, base, size) == 0
            && strncmp(row->d_name + size, ".restoring-", 11) == 0
            && qr_client_path(&fresh, &ignored, "%s/%s", parent.text, row->d_name) == QUIRE_OK) {
            remove_tree(fresh.text);
        }
    }
    if (listing != NULL) {
        closedir(listing);
    }
}

static enum quire_status check_target(
    const char *profile, struct qr_client_path *out_fresh, struct qr_client_error *error)
{
    struct qr_client_path parent;
    if (rmdir(profile) != 0 && errno != ENOENT) { /* an empty folder is none */
        return qr_client_fail(error, QUIRE_ECONFLICT,
            "There is something in %s already; it was not touched. For another profile beside it: "
            "--profile DIR.",
            profile);
    }
    enum quire_status status = qr_client_path(&parent, error, "%s", profile);
    if (status == QUIRE_OK) {
        status = qr_client_make_folders(dirname(parent.text), error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_path(out_fresh, error, "%s.restoring-XXXXXX", profile);
    }
    if (status == QUIRE_OK && mkdtemp(out_fresh->text) == NULL) {
        status = qr_client_fail(error, qr_client_status_of_errno(errno),
            "The profile cannot be written to %s: %s.", profile, strerror(errno));
    }
    return status;
}

enum quire_status qr_client_backup_restore(struct quire_client *client, const char *path,
    const char *passphrase, struct qr_client_backup_counts *out_counts)
{
    struct qr_client_path profile, fresh;
    struct qr_client_backup_counts counts = {0};
    struct qr_client_backup_stream *stream = malloc(sizeof *stream);
    uint8_t box_key[QUIRE_PROFILE_KEY_SIZE] = {0}, key[QUIRE_PROFILE_KEY_SIZE] = {0}, hash[32];
    uint32_t memory = 0;
    struct qr_client_error *error = &client->error;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum quire_status status = QUIRE_OK;
    if (stream == NULL) {
        status = qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    } else if (file < 0) {
        status = qr_client_fail(error, QUIRE_EIO, "Cannot read %s: %s.", path, strerror(errno));
    }
    if (status == QUIRE_OK) {
        status = read_box(file, path, passphrase, box_key, &memory, error);
    }
    if (status == QUIRE_OK) {
        status = qr_client_profile_path(client->profile_option, &profile, error);
    }
    if (status == QUIRE_OK) {
        status = check_target(profile.text, &fresh, error);
    }
    if (status == QUIRE_OK) {
        qr_client_backup_begin_read(stream, file, box_key, error);
        get_profile(stream, fresh.text, key, &counts);
        status = qr_client_backup_end_read(stream, hash) ? QUIRE_OK : stream->status;
        if (status == QUIRE_OK) {
            status = finish(client, fresh.text, profile.text, key, passphrase, memory);
        }
        if (status != QUIRE_OK) {
            remove_tree(fresh.text);
        } else {
            remove_leftovers(profile.text);
        }
    }
    qr_client_wipe(box_key, sizeof box_key);
    qr_client_wipe(key, sizeof key);
    free(stream);
    if (file >= 0) {
        close(file);
    }
    if (status == QUIRE_OK) {
        *out_counts = counts;
    }
    return status;
}
