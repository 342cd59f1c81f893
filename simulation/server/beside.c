/*
 * src/store in a folder in memory. A process that is killed is a copy of its files, taken before
 * anything is closed in order; power cuts, where less than that survives, are told in tests/crash.
 */
#include "beside.h"

#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORGOTTEN_MAX 4096u

struct forgotten {
    uint8_t user[QR_USER_SIZE];
    uint64_t lsn;
};

struct beside {
    char base[64]; /* holds the folders: number, and "copy" */
    unsigned number;
    bool has_copy;
    struct qr_store *store;
    uint32_t tail_max;
    struct forgotten
        forgotten[FORGOTTEN_MAX]; /* since the copy: the simulated log forgets for good */
    size_t forgotten_count;
};

/* ---- files ------------------------------------------------------------------------------------ */

static void path_of(const struct beside *beside, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", beside->base, name);
}

static void folder_of(const struct beside *beside, char out[128])
{
    char name[16];
    snprintf(name, sizeof name, "%u", beside->number);
    path_of(beside, name, out);
}

static bool copy_file(const char *from, const char *to)
{
    char buffer[65536];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ssize_t size = in < 0 || out < 0 ? -1 : 1;
    while (size > 0 && (size = read(in, buffer, sizeof buffer)) > 0) {
        size = write(out, buffer, (size_t)size) == size ? size : -1;
    }
    close(in);
    close(out);
    return size == 0;
}

/* Each file of a folder into another, or away. */
static bool each_file(const char *from, const char *to)
{
    DIR *folder = opendir(from);
    if (folder == NULL) {
        return to == NULL;
    }
    bool fine = to == NULL || mkdir(to, 0700) == 0;
    for (struct dirent *entry; fine && (entry = readdir(folder)) != NULL;) {
        char source[512], target[512];
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to == NULL ? "" : to, entry->d_name);
        fine = to == NULL ? unlink(source) == 0 : copy_file(source, target);
    }
    closedir(folder);
    return fine && (to != NULL || rmdir(from) == 0);
}

/* ---- opening ---------------------------------------------------------------------------------- */

static enum quire_status open_folder(struct beside *beside)
{
    char folder[128];
    folder_of(beside, folder);
    struct qr_store_options options = {.path = folder,
        .map_size = 1 << 16,
        .map_size_max = UINT64_C(1) << 32,
        .tail_max = beside->tail_max};
    return qr_store_open(&options, &beside->store);
}

/* Closes the folder in use, and begins on a copy of another, or on nothing. */
static enum quire_status begin_on(struct beside *beside, const char *from)
{
    char old[128], fresh[128];
    folder_of(beside, old);
    beside->number++;
    folder_of(beside, fresh);
    bool copied = from == NULL || each_file(from, fresh); /* before anything is closed in order */
    qr_store_close(beside->store);
    beside->store = NULL;
    return each_file(old, NULL) && copied ? open_folder(beside) : QUIRE_EIO;
}

static void *store_open(struct world *world)
{
    struct beside *beside = sim_alloc(sizeof *beside);
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(beside->base, sizeof beside->base, "%s/quire-sim-XXXXXX", base);
    beside->tail_max =
        4 + (uint32_t)(world->seed % 61); /* few, so that the index is written often */
    if (mkdtemp(beside->base) == NULL || open_folder(beside) != QUIRE_OK) {
        world_fail(world, "store", "no store can be made in %s", beside->base);
        free(beside);
        return NULL;
    }
    return beside;
}

static void store_close(void *store)
{
    struct beside *beside = store;
    char path[128];
    if (beside == NULL) {
        return;
    }
    qr_store_close(beside->store);
    folder_of(beside, path);
    (void)each_file(path, NULL);
    path_of(beside, "copy", path);
    (void)each_file(path, NULL);
    (void)rmdir(beside->base);
    free(beside);
}

/* ---- its faults -------------------------------------------------------------------------- */

static enum quire_status store_append(
    void *store, const struct qr_log_record *records, size_t count)
{
    return qr_store_append(((struct beside *)store)->store, records, count);
}

static struct qr_log_reader store_reader(void *store)
{
    return qr_store_reader(((struct beside *)store)->store);
}

static enum quire_status store_forget(void *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    struct beside *beside = store;
    if (beside->has_copy && beside->forgotten_count < FORGOTTEN_MAX) {
        struct forgotten *forgotten = &beside->forgotten[beside->forgotten_count++];
        memcpy(forgotten->user, user, QR_USER_SIZE);
        forgotten->lsn = lsn;
    }
    return qr_store_forget(beside->store, user, lsn);
}

static enum quire_status store_killed(void *store)
{
    struct beside *beside = store;
    char folder[128];
    folder_of(beside, folder);
    return begin_on(beside, folder);
}

static enum quire_status store_copied(void *store)
{
    struct beside *beside = store;
    char folder[128], copy[128];
    folder_of(beside, folder);
    path_of(beside, "copy", copy);
    beside->has_copy = true;
    beside->forgotten_count = 0;
    return each_file(copy, NULL) && each_file(folder, copy) ? QUIRE_OK : QUIRE_EIO;
}

static enum quire_status store_restored(void *store)
{
    struct beside *beside = store;
    char copy[128];
    path_of(beside, "copy", copy);
    enum quire_status status = begin_on(beside, copy);
    for (size_t i = 0; i < beside->forgotten_count && status == QUIRE_OK; i++) {
        status =
            qr_store_forget(beside->store, beside->forgotten[i].user, beside->forgotten[i].lsn);
    }
    return status;
}

static enum quire_status store_wiped(void *store)
{
    return begin_on(store, NULL);
}

const struct backend store_beside = {store_open, store_close, store_append, store_reader,
    store_forget, store_killed, store_copied, store_restored, store_wiped};
