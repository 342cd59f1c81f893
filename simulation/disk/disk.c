/*
 * Two sorted tables, visible and durable, and the transactions between them.
 * A record's bytes never change once they are written, so that all of these share them.
 */
#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Before the bytes of a key, in the same piece of memory: who refers to it. */
struct shared {
    size_t references;
};

static struct record record_make(const struct quire_write *write)
{
    size_t value_size = write->erase ? 0 : write->value.size;
    struct shared *shared = sim_room(sizeof *shared + write->key.size + value_size);
    uint8_t *data = (uint8_t *)(shared + 1);
    shared->references = 1;
    memcpy(data, write->key.data, write->key.size);
    if (value_size > 0) {
        memcpy(data + write->key.size, write->value.data, value_size);
    }
    return (struct record){.key = {data, write->key.size},
        .value = {data + write->key.size, value_size},
        .erase = write->erase};
}

static struct shared *shared_of(const struct record *record)
{
    return (struct shared *)(uintptr_t)record->key.data - 1;
}

static void record_let_go(struct record *record)
{
    if (--shared_of(record)->references == 0) {
        free(shared_of(record));
    }
}

static int compare(struct quire_bytes a, struct quire_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size == 0 ? 0 : memcmp(a.data, b.data, size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* The first place whose key is not below `key`. */
static size_t place_of(const struct table *table, struct quire_bytes key)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(table->records[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void apply(struct table *table, const struct record *change)
{
    size_t place = place_of(table, change->key);
    bool found = place < table->count && compare(table->records[place].key, change->key) == 0;
    if (found) {
        record_let_go(&table->records[place]);
    }
    if (found && change->erase) {
        memmove(&table->records[place], &table->records[place + 1],
            (table->count - place - 1) * sizeof *table->records);
        table->count--;
    }
    if (change->erase) {
        return;
    }
    if (!found) {
        table->records =
            sim_grow(table->records, &table->capacity, table->count, sizeof *table->records);
        memmove(&table->records[place + 1], &table->records[place],
            (table->count - place) * sizeof *table->records);
        table->count++;
    }
    table->records[place] = *change;
    shared_of(change)->references++;
}

static void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        record_let_go(&table->records[i]);
    }
    free(table->records);
    *table = (struct table){0};
}

static void table_copy(struct table *to, const struct table *from)
{
    table_clear(to);
    if (from->count == 0) {
        return;
    }
    to->records = sim_room(from->count * sizeof *to->records);
    to->capacity = to->count = from->count;
    memcpy(to->records, from->records, from->count * sizeof *to->records);
    for (size_t i = 0; i < from->count; i++) {
        shared_of(&from->records[i])->references++;
    }
}

static void transaction_finish(struct transaction *transaction)
{
    for (size_t i = 0; i < transaction->count; i++) {
        record_let_go(&transaction->records[i]);
    }
    free(transaction->records);
}

void disk_finish(struct disk *disk)
{
    for (size_t i = 0; i < disk->waiting_count; i++) {
        transaction_finish(&disk->waiting[i]);
    }
    free(disk->waiting);
    table_clear(&disk->visible);
    table_clear(&disk->durable);
    table_clear(&disk->backup);
}

uint64_t disk_write(
    struct disk *disk, uint64_t token, const struct quire_write *writes, size_t count)
{
    struct transaction transaction = {
        .records = sim_room(count * sizeof *transaction.records),
        .count = count,
        .version = ++disk->version,
        .token = token,
    };
    for (size_t i = 0; i < count; i++) {
        transaction.records[i] = record_make(&writes[i]);
        apply(&disk->visible, &transaction.records[i]);
    }
    disk->waiting = sim_grow(
        disk->waiting, &disk->waiting_capacity, disk->waiting_count, sizeof *disk->waiting);
    disk->waiting[disk->waiting_count++] = transaction;
    return disk->version;
}

uint64_t disk_sync(struct disk *disk, uint64_t version)
{
    size_t done = 0;
    uint64_t token = 0;
    while (done < disk->waiting_count && disk->waiting[done].version <= version) {
        for (size_t i = 0; i < disk->waiting[done].count; i++) {
            apply(&disk->durable, &disk->waiting[done].records[i]);
        }
        disk->durable_version = disk->waiting[done].version;
        token = disk->waiting[done].token;
        transaction_finish(&disk->waiting[done]);
        done++;
    }
    disk->waiting_count -= done;
    memmove(disk->waiting, disk->waiting + done, disk->waiting_count * sizeof *disk->waiting);
    return token;
}

void disk_crash(struct disk *disk, size_t survivors)
{
    assert(survivors <= disk->waiting_count);
    if (survivors > 0) {
        disk_sync(disk, disk->waiting[survivors - 1].version);
    }
    if (disk->waiting_count == 0) {
        return; /* what was visible is durable: the two tables are equal */
    }
    for (size_t i = 0; i < disk->waiting_count; i++) {
        transaction_finish(&disk->waiting[i]);
    }
    disk->waiting_count = 0;
    table_copy(&disk->visible, &disk->durable);
}

void disk_backup(struct disk *disk)
{
    table_copy(&disk->backup, &disk->durable);
    disk->backup_version = disk->durable_version;
    disk->has_backup = true;
}

void disk_restore(struct disk *disk)
{
    assert(disk->waiting_count == 0 && disk->has_backup);
    table_copy(&disk->visible, &disk->backup);
    table_copy(&disk->durable, &disk->backup);
}

void disk_clone(const struct disk *disk, struct disk *out_disk)
{
    *out_disk = (struct disk){.version = disk->version, .durable_version = disk->version};
    table_copy(&out_disk->visible, &disk->durable);
    table_copy(&out_disk->durable, &disk->durable);
}

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    const struct table *table = &((struct disk *)context)->visible;
    size_t place = place_of(table, key);
    if (place == table->count || compare(table->records[place].key, key) != 0) {
        return QUIRE_ENOTFOUND;
    }
    struct quire_bytes value = table->records[place].value;
    return quire_buffer_append(out_value, value.data, value.size);
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    const struct table *table = &((struct disk *)context)->visible;
    for (size_t i = place_of(table, prefix); i < table->count; i++) {
        const struct record *record = &table->records[i];
        if (record->key.size < prefix.size
            || (prefix.size > 0 && memcmp(record->key.data, prefix.data, prefix.size) != 0)
            || !visit(visit_context, record->key, record->value)) {
            break;
        }
    }
    return QUIRE_OK;
}

struct quire_reader disk_reader(struct disk *disk)
{
    return (struct quire_reader){.context = disk, .get = get, .scan = scan};
}
