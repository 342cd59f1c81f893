/*
 * Two sorted tables, visible and durable, and the transactions between them.
 */
#include "disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct quire_bytes copy_bytes(struct quire_bytes bytes)
{
    uint8_t *data = sim_alloc(bytes.size);
    if (bytes.size > 0) {
        memcpy(data, bytes.data, bytes.size);
    }
    return (struct quire_bytes){data, bytes.size};
}

static void free_bytes(struct quire_bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
    *bytes = (struct quire_bytes){NULL, 0};
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

static void apply(struct table *table, const struct quire_write *write)
{
    size_t place = place_of(table, write->key);
    bool found = place < table->count && compare(table->records[place].key, write->key) == 0;
    if (found && write->erase) {
        free_bytes(&table->records[place].key);
        free_bytes(&table->records[place].value);
        memmove(&table->records[place], &table->records[place + 1],
            (table->count - place - 1) * sizeof *table->records);
        table->count--;
    } else if (found) {
        free_bytes(&table->records[place].value);
        table->records[place].value = copy_bytes(write->value);
    } else if (!write->erase) {
        table->records = sim_grow(table->records, &table->capacity, table->count,
            sizeof *table->records);
        memmove(&table->records[place + 1], &table->records[place],
            (table->count - place) * sizeof *table->records);
        table->records[place] =
            (struct record){copy_bytes(write->key), copy_bytes(write->value)};
        table->count++;
    }
}

static void table_clear(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free_bytes(&table->records[i].key);
        free_bytes(&table->records[i].value);
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
    to->records = sim_alloc(from->count * sizeof *to->records);
    to->capacity = to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        to->records[i].key = copy_bytes(from->records[i].key);
        to->records[i].value = copy_bytes(from->records[i].value);
    }
}

static void transaction_finish(struct transaction *transaction)
{
    for (size_t i = 0; i < transaction->count; i++) {
        free_bytes(&transaction->writes[i].key);
        free_bytes(&transaction->writes[i].value);
    }
    free(transaction->writes);
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

uint64_t disk_write(struct disk *disk, uint64_t token, const struct quire_write *writes,
    size_t count)
{
    struct transaction transaction = {
        .writes = sim_alloc(count * sizeof *writes),
        .count = count,
        .version = ++disk->version,
        .token = token,
    };
    for (size_t i = 0; i < count; i++) {
        transaction.writes[i].key = copy_bytes(writes[i].key);
        transaction.writes[i].erase = writes[i].erase;
        if (!writes[i].erase) {
            transaction.writes[i].value = copy_bytes(writes[i].value);
        }
        apply(&disk->visible, &writes[i]);
    }
    disk->waiting = sim_grow(disk->waiting, &disk->waiting_capacity, disk->waiting_count,
        sizeof *disk->waiting);
    disk->waiting[disk->waiting_count++] = transaction;
    return disk->version;
}

uint64_t disk_sync(struct disk *disk, uint64_t version)
{
    size_t done = 0;
    uint64_t token = 0;
    while (done < disk->waiting_count && disk->waiting[done].version <= version) {
        for (size_t i = 0; i < disk->waiting[done].count; i++) {
            apply(&disk->durable, &disk->waiting[done].writes[i]);
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
