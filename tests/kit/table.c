#include "kit/table.h"
#include "kit/need.h"
#include <stdlib.h>
#include <string.h>

static int compare(struct quire_bytes a, struct quire_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static void copy_into(struct quire_buffer *buffer, struct quire_bytes bytes)
{
    quire_buffer_clear(buffer);
    KIT_OK(quire_buffer_append(buffer, bytes.data, bytes.size));
}

size_t kit_table_lower_bound(const struct kit_table *table, struct quire_bytes key)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(quire_buffer_bytes(&table->records[middle].key), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct kit_record *kit_table_find(const struct kit_table *table, struct quire_bytes key)
{
    size_t i = kit_table_lower_bound(table, key);
    bool found = i < table->count && compare(quire_buffer_bytes(&table->records[i].key), key) == 0;
    return found ? &table->records[i] : NULL;
}

static void erase(struct kit_table *table, struct kit_record *record)
{
    size_t after = table->count - (size_t)(record - table->records) - 1;
    quire_buffer_finish(&record->key);
    quire_buffer_finish(&record->value);
    memmove(record, record + 1, after * sizeof *record);
    table->count--;
}

static struct kit_record *insert(struct kit_table *table, struct quire_bytes key)
{
    size_t i = kit_table_lower_bound(table, key);
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->records = realloc(table->records, table->capacity * sizeof *table->records);
        KIT_NEED(table->records != NULL);
    }
    struct kit_record *record = &table->records[i];
    memmove(record + 1, record, (table->count - i) * sizeof *record);
    table->count++;
    *record = (struct kit_record){0};
    copy_into(&record->key, key);
    return record;
}

void kit_table_write(struct kit_table *table, const struct quire_write *write)
{
    struct kit_record *record = kit_table_find(table, write->key);
    if (write->erase) {
        if (record != NULL) {
            erase(table, record);
        }
        return;
    }
    copy_into(&(record != NULL ? record : insert(table, write->key))->value, write->value);
}

void kit_table_finish(struct kit_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        quire_buffer_finish(&table->records[i].key);
        quire_buffer_finish(&table->records[i].value);
    }
    free(table->records);
    *table = (struct kit_table){0};
}

struct kit_table kit_table_copy(const struct kit_table *table)
{
    struct kit_table copy = {0};
    for (size_t i = 0; i < table->count; i++) {
        struct quire_write write = {.key = quire_buffer_bytes(&table->records[i].key),
            .value = quire_buffer_bytes(&table->records[i].value)};
        kit_table_write(&copy, &write);
    }
    return copy;
}

/* ---- the device's reader ---------------------------------------------------------------------- */

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    const struct kit_record *record = kit_table_find(context, key);
    return record == NULL ? QUIRE_ENOTFOUND
                          : quire_buffer_append(out_value, record->value.data, record->value.size);
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    const struct kit_table *table = context;
    for (size_t i = kit_table_lower_bound(table, prefix); i < table->count; i++) {
        struct quire_bytes key = quire_buffer_bytes(&table->records[i].key);
        if (key.size < prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0
            || !visit(visit_context, key, quire_buffer_bytes(&table->records[i].value))) {
            break;
        }
    }
    return QUIRE_OK;
}

struct quire_reader kit_table_reader(struct kit_table *table)
{
    return (struct quire_reader){.context = table, .get = get, .scan = scan};
}
