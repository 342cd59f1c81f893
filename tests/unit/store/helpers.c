/*
 * What the tests of the store share. pwrite and its kin are defined here, before libc's in the
 * order of look-up, so that a test can make the disk fail.
 */
#include "helpers.h"

#include "base/writer.h"
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct disk_faults disk_faults;

static int fault_at(off_t offset)
{
    return offset < 8192 && disk_faults.meta_error != 0 ? disk_faults.meta_error
                                                        : disk_faults.write_error;
}

#define REPLACES(name) __asm__(name) __attribute__((visibility("default")))
ssize_t faulty_pwrite(int file, const void *data, size_t size, off_t offset) REPLACES("pwrite");
ssize_t faulty_writev(int file, const struct iovec *parts, int count) REPLACES("writev");
int faulty_fdatasync(int file) REPLACES("fdatasync");

ssize_t faulty_pwrite(int file, const void *data, size_t size, off_t offset)
{
    static ssize_t (*real)(int, const void *, size_t, off_t);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pwrite");
    }
    if (fault_at(offset) != 0) {
        if (offset < 8192 && disk_faults.meta_lies > 0) {
            disk_faults.meta_lies--;
            (void)real(file, data, size, offset);
        }
        errno = fault_at(offset);
        return -1;
    }
    disk_faults.written += size;
    return real(file, data, size, offset);
}

ssize_t faulty_writev(int file, const struct iovec *parts, int count)
{
    static ssize_t (*real)(int, const struct iovec *, int);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "writev");
    }
    if (disk_faults.write_error != 0) {
        errno = disk_faults.write_error;
        return -1;
    }
    ssize_t size = real(file, parts, count);
    disk_faults.written += size > 0 ? (uint64_t)size : 0;
    return size;
}

int faulty_fdatasync(int file)
{
    static int (*real)(int);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
    }
    if (disk_faults.sync_error != 0) {
        errno = disk_faults.sync_error;
        return -1;
    }
    return real(file);
}

void make_folder(char out_path[256])
{
    const char *base = getenv("TMPDIR");
    snprintf(out_path, 256, "%s/quire-store-XXXXXX", base != NULL ? base : "/tmp");
    cr_assert_not_null(mkdtemp(out_path));
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

void remove_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void file_path(char out_path[300], const char *folder)
{
    snprintf(out_path, 300, "%s/log.mdb", folder);
}

size_t file_size(const char *folder)
{
    char path[300];
    struct stat about;
    file_path(path, folder);
    cr_assert_eq(stat(path, &about), 0);
    return (size_t)about.st_size;
}

struct qr_store *open_store_sized(
    const char *folder, uint64_t map_size, uint64_t map_size_max, uint32_t tail_max)
{
    struct qr_store_options options = {.path = folder,
        .map_size = map_size,
        .map_size_max = map_size_max,
        .log_id = "a name of a log",
        .tail_max = tail_max};
    struct qr_store *store = NULL;
    enum quire_status status = qr_store_open(&options, &store);
    cr_assert_eq(status, QUIRE_OK, "opening said: %s", quire_status_text(status));
    return store;
}

struct qr_store *open_store(const char *folder)
{
    return open_store_sized(folder, 1 << 20, 1 << 28, 0);
}

void make_known(struct known *out, unsigned user, uint64_t lsn, size_t size)
{
    cr_assert_leq(size, RECORD_MAX);
    uint32_t state = (uint32_t)(lsn * 2654435761u) ^ user;
    memset(out, 0, sizeof *out);
    memset(out->record.user, 0x55, QR_USER_SIZE);
    qr_store_u32(out->record.user, user);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        out->bytes[i] = (uint8_t)(state >> 24);
    }
    out->record.entry =
        (struct qr_log_entry){lsn, lsn * 3, (uint32_t)size, QR_LOG_BATCH, {0}, {0}, {0}};
    qr_store_u32(out->record.entry.replica, user + 7);
    qr_store_u64(out->record.entry.device, lsn + 11);
    qr_store_u64(out->record.entry.hash, lsn + 13);
    out->record.bytes = (struct quire_bytes){out->bytes, size};
}

enum quire_status append_for(
    struct qr_store *store, const unsigned *users, size_t count, size_t size)
{
    struct known *known = calloc(count, sizeof *known);
    struct qr_log_record *records = calloc(count, sizeof *records);
    cr_assert(known != NULL && records != NULL);
    uint64_t next = qr_store_last_lsn(store) + 1;
    for (size_t i = 0; i < count; i++) {
        make_known(&known[i], users[i], next + i, size);
        records[i] = known[i].record;
    }
    enum quire_status status = qr_store_append(store, records, count);
    free(records);
    free(known);
    return status;
}

bool reads_as_known(struct qr_store *store, unsigned user, uint64_t lsn, size_t size)
{
    struct known known;
    struct quire_bytes bytes;
    struct qr_log_reader reader = qr_store_reader(store);
    make_known(&known, user, lsn, size);
    return reader.read(reader.context, lsn, &bytes) == QUIRE_OK
        && quire_bytes_equal(bytes, known.record.bytes);
}

struct collection {
    unsigned user;
    uint64_t *lsn;
    size_t count, capacity;
    bool wrong;
};

static enum quire_status collect(void *context, const struct qr_log_entry *entry)
{
    struct collection *collection = context;
    struct known known;
    make_known(&known, collection->user, entry->lsn, entry->size <= RECORD_MAX ? entry->size : 0);
    const struct qr_log_entry *wanted = &known.record.entry;
    if (entry->seq != wanted->seq || entry->size != wanted->size || entry->kind != wanted->kind
        || memcmp(entry->replica, wanted->replica, QR_REPLICA_SIZE) != 0
        || memcmp(entry->device, wanted->device, QR_DEVICE_SIZE) != 0
        || memcmp(entry->hash, wanted->hash, QR_HASH_SIZE) != 0) {
        collection->wrong = true;
    }
    if (collection->count < collection->capacity) {
        collection->lsn[collection->count] = entry->lsn;
    }
    collection->count++;
    return QUIRE_OK;
}

size_t entries_of(struct qr_store *store, unsigned user, uint64_t *out_lsn, size_t capacity)
{
    struct known known;
    struct collection collection = {user, out_lsn, 0, capacity, false};
    struct qr_log_reader reader = qr_store_reader(store);
    make_known(&known, user, 1, 0);
    cr_assert_eq(reader.each(reader.context, known.record.user, collect, &collection), QUIRE_OK);
    cr_assert_not(collection.wrong, "an entry is not as it was written");
    for (size_t i = 1; i < collection.count && i < capacity; i++) {
        cr_assert_lt(out_lsn[i - 1], out_lsn[i], "entries are not in order");
    }
    return collection.count;
}

size_t flip_in_file(
    const char *folder, const void *pattern, size_t size, long offset, uint8_t bit_mask)
{
    char path[300];
    file_path(path, folder);
    size_t length = file_size(folder);
    int file = open(path, O_RDWR);
    cr_assert_geq(file, 0);
    uint8_t *map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    cr_assert_neq(map, MAP_FAILED);
    size_t count = 0;
    for (uint8_t *at = map; at + size <= map + length;) {
        at = memmem(at, (size_t)(map + length - at), pattern, size);
        if (at == NULL) {
            break;
        }
        at[offset] ^= bit_mask;
        count++;
        at += size;
    }
    munmap(map, length);
    close(file);
    return count;
}
