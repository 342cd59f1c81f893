#include "file_store.h"
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_SIZE 32
#define HEAD_SIZE (4 + HASH_SIZE)

struct record {
    struct quire_buffer key, value;
};

struct file_store {
    int file;
    struct record *records; /* keys ascend */
    size_t count, capacity;
};

/* ---- records in memory ------------------------------------------------------------------------ */

static int compare(struct quire_bytes a, struct quire_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* The index of the first record whose key is not less. */
static size_t lower_bound(const struct file_store *store, struct quire_bytes key)
{
    size_t low = 0, high = store->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(quire_buffer_bytes(&store->records[middle].key), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct record *find(const struct file_store *store, struct quire_bytes key)
{
    size_t i = lower_bound(store, key);
    bool found =
        i < store->count && quire_bytes_equal(quire_buffer_bytes(&store->records[i].key), key);
    return found ? &store->records[i] : NULL;
}

static void erase(struct file_store *store, struct quire_bytes key)
{
    struct record *record = find(store, key);
    if (record != NULL) {
        quire_buffer_finish(&record->key);
        quire_buffer_finish(&record->value);
        store->count--;
        memmove(record, record + 1,
            (store->count - (size_t)(record - store->records)) * sizeof *record);
    }
}

static enum quire_status insert(
    struct file_store *store, struct quire_bytes key, struct record **out_record)
{
    size_t i = lower_bound(store, key);
    if (store->count == store->capacity) {
        size_t capacity = store->capacity == 0 ? 64 : 2 * store->capacity;
        struct record *records = realloc(store->records, capacity * sizeof *records);
        if (records == NULL) {
            return QUIRE_ENOMEM;
        }
        store->records = records;
        store->capacity = capacity;
    }
    struct record added = {0};
    enum quire_status status = quire_buffer_append(&added.key, key.data, key.size);
    if (status == QUIRE_OK) {
        memmove(&store->records[i + 1], &store->records[i], (store->count - i) * sizeof added);
        store->records[i] = added;
        store->count++;
        *out_record = &store->records[i];
    }
    return status;
}

static enum quire_status apply(struct file_store *store, const struct quire_write *write)
{
    if (write->erase) {
        erase(store, write->key);
        return QUIRE_OK;
    }
    struct record *record = find(store, write->key);
    enum quire_status status = record != NULL ? QUIRE_OK : insert(store, write->key, &record);
    if (status == QUIRE_OK) {
        quire_buffer_clear(&record->value);
        status = quire_buffer_append(&record->value, write->value.data, write->value.size);
    }
    return status;
}

/* ---- groups ----------------------------------------------------------------------------------- */

static void write_u32(uint8_t *out, size_t number)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static size_t read_u32(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* Applies one group of checked writes. */
static enum quire_status replay(struct file_store *store, const uint8_t *bytes, size_t size)
{
    enum quire_status status = QUIRE_OK;
    for (size_t at = 0; at < size && status == QUIRE_OK;) {
        struct quire_write write = {
            .erase = bytes[at] != 0, .key = {bytes + at + 9, read_u32(bytes + at + 1)}};
        write.value =
            (struct quire_bytes){write.key.data + write.key.size, read_u32(bytes + at + 5)};
        at += 9 + write.key.size + write.value.size;
        status = apply(store, &write);
    }
    return status;
}

/* Reads all whole groups, and cuts off what a crash left after them. */
static enum quire_status load(struct file_store *store)
{
    struct stat info;
    if (fstat(store->file, &info) != 0) {
        return QUIRE_EIO;
    }
    size_t size = (size_t)info.st_size, whole = 0;
    uint8_t *bytes = malloc(size + 1), hash[HASH_SIZE];
    enum quire_status status = bytes == NULL ? QUIRE_ENOMEM : QUIRE_OK;
    if (status == QUIRE_OK && pread(store->file, bytes, size, 0) != (ssize_t)size) {
        status = QUIRE_EIO;
    }
    while (status == QUIRE_OK && size - whole >= HEAD_SIZE) {
        const uint8_t *head = bytes + whole;
        size_t length = read_u32(head);
        if (length > size - whole - HEAD_SIZE) {
            break;
        }
        crypto_generichash(hash, sizeof hash, head + HEAD_SIZE, length, NULL, 0);
        if (memcmp(hash, head + 4, HASH_SIZE) != 0) {
            break;
        }
        status = replay(store, head + HEAD_SIZE, length);
        whole += HEAD_SIZE + length;
    }
    free(bytes);
    if (status == QUIRE_OK
        && (ftruncate(store->file, (off_t)whole) != 0 || lseek(store->file, 0, SEEK_END) < 0)) {
        status = QUIRE_EIO;
    }
    return status;
}

static enum quire_status append_write(struct quire_buffer *group, const struct quire_write *write)
{
    size_t value_size = write->erase ? 0 : write->value.size;
    uint8_t head[9] = {write->erase};
    write_u32(head + 1, write->key.size);
    write_u32(head + 5, value_size);
    enum quire_status status = quire_buffer_append(group, head, sizeof head);
    if (status == QUIRE_OK) {
        status = quire_buffer_append(group, write->key.data, write->key.size);
    }
    if (status == QUIRE_OK && value_size > 0) {
        status = quire_buffer_append(group, write->value.data, value_size);
    }
    return status;
}

static enum quire_status write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written <= 0) {
            return QUIRE_EIO;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return fdatasync(file) == 0 ? QUIRE_OK : QUIRE_EIO;
}

enum quire_status file_store_persist(
    struct file_store *store, const struct quire_write *writes, size_t count)
{
    struct quire_buffer group = {0};
    uint8_t head[HEAD_SIZE] = {0};
    enum quire_status status = quire_buffer_append(&group, head, sizeof head);
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        status = append_write(&group, &writes[i]);
    }
    if (status == QUIRE_OK) {
        write_u32(group.data, group.size - HEAD_SIZE);
        crypto_generichash(
            group.data + 4, HASH_SIZE, group.data + HEAD_SIZE, group.size - HEAD_SIZE, NULL, 0);
        status = write_all(store->file, group.data, group.size);
    }
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        status = apply(store, &writes[i]);
    }
    quire_buffer_finish(&group);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------- */

enum quire_status file_store_open(const char *path, struct file_store **out_store)
{
    struct file_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return QUIRE_ENOMEM;
    }
    store->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum quire_status status = store->file < 0       ? QUIRE_EIO
        : flock(store->file, LOCK_EX | LOCK_NB) != 0 ? QUIRE_ELOCKED
                                                     : load(store);
    if (status != QUIRE_OK) {
        file_store_close(store);
        return status;
    }
    *out_store = store;
    return QUIRE_OK;
}

void file_store_close(struct file_store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < store->count; i++) {
        quire_buffer_finish(&store->records[i].key);
        quire_buffer_finish(&store->records[i].value);
    }
    free(store->records);
    if (store->file >= 0) {
        close(store->file); /* the lock goes with it */
    }
    free(store);
}

/* ---- the device's reader ---------------------------------------------------------------------- */

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    const struct record *record = find(context, key);
    return record == NULL ? QUIRE_ENOTFOUND
                          : quire_buffer_append(out_value, record->value.data, record->value.size);
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    const struct file_store *store = context;
    for (size_t i = lower_bound(store, prefix); i < store->count; i++) {
        struct quire_bytes key = quire_buffer_bytes(&store->records[i].key);
        if (key.size < prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0
            || !visit(visit_context, key, quire_buffer_bytes(&store->records[i].value))) {
            break;
        }
    }
    return QUIRE_OK;
}

struct quire_reader file_store_reader(struct file_store *store)
{
    return (struct quire_reader){.context = store, .get = get, .scan = scan};
}
