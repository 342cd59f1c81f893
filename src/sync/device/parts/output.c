/*
 * The output of a step, collected and made ready for the host.
 */
#include "sync/device/parts/output.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

void device_output_clear(struct device_output *output)
{
    output->count = 0;
    output->write_count = 0;
    quire_buffer_clear(&output->bytes);
    output->failed = false;
}

void device_output_finish(struct device_output *output)
{
    free(output->items);
    free(output->writes);
    quire_buffer_finish(&output->bytes);
}

struct quire_bytes device_output_from(const struct device_output *output, size_t offset)
{
    return (struct quire_bytes){(const uint8_t *)(uintptr_t)offset, output->bytes.size - offset};
}

struct quire_bytes device_output_keep(struct device_output *output, struct quire_bytes bytes)
{
    size_t offset = output->bytes.size;
    if (quire_buffer_append(&output->bytes, bytes.data, bytes.size) != QUIRE_OK) {
        output->failed = true;
    }
    return (struct quire_bytes){(const uint8_t *)(uintptr_t)offset, bytes.size};
}

static struct quire_bytes settle(const struct device_output *output, struct quire_bytes kept)
{
    return (struct quire_bytes){output->bytes.data + (uintptr_t)kept.data, kept.size};
}

struct quire_action *device_output_add(struct device_output *output, enum quire_action_kind kind)
{
    if (output->count == output->capacity) {
        size_t capacity = output->capacity == 0 ? 16 : output->capacity * 2;
        struct quire_action *items = realloc(output->items, capacity * sizeof *items);
        if (items == NULL) {
            output->failed = true;
            return NULL;
        }
        output->items = items;
        output->capacity = capacity;
    }
    struct quire_action *action = &output->items[output->count++];
    *action = (struct quire_action){.kind = kind};
    return action;
}

void device_output_write(
    struct device_output *output, struct quire_bytes key, struct quire_bytes value, bool erase)
{
    if (output->write_count == output->write_capacity) {
        size_t capacity = output->write_capacity == 0 ? 16 : output->write_capacity * 2;
        struct quire_write *writes = realloc(output->writes, capacity * sizeof *writes);
        if (writes == NULL) {
            output->failed = true;
            return;
        }
        output->writes = writes;
        output->write_capacity = capacity;
    }
    output->writes[output->write_count++] =
        (struct quire_write){device_output_keep(output, key), value, erase};
}

enum quire_status device_output_end(
    struct device_output *output, uint64_t token, struct quire_actions *out_actions)
{
    if (output->write_count > 0 && !output->failed) {
        struct quire_action *last = device_output_add(output, QUIRE_ACTION_PERSIST);
        if (last != NULL) {
            memmove(output->items + 1, output->items, (output->count - 1) * sizeof *output->items);
            output->items[0] = (struct quire_action){.kind = QUIRE_ACTION_PERSIST, .token = token};
        }
    }
    if (output->failed) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < output->write_count; i++) {
        output->writes[i].key = settle(output, output->writes[i].key);
        output->writes[i].value = settle(output, output->writes[i].value);
    }
    for (size_t i = 0; i < output->count; i++) {
        struct quire_action *action = &output->items[i];
        if (action->kind == QUIRE_ACTION_PERSIST) {
            action->writes = output->writes;
            action->write_count = output->write_count;
        } else if (action->bytes.size > 0) {
            action->bytes = settle(output, action->bytes);
        }
    }
    *out_actions = (struct quire_actions){output->items, output->count};
    return QUIRE_OK;
}

void device_output_check(const struct device_output *output)
{
    assert(!output->failed);
    for (size_t i = 0; i < output->count; i++) {
        bool persists = output->items[i].kind == QUIRE_ACTION_PERSIST;
        assert(persists == (i == 0 && output->write_count > 0));
    }
}
