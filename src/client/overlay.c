/*
 * A sorted array: few rows are written in the life of a command that reads.
 */
#include "client/overlay.h"
#include "client/files.h"
#include <stdlib.h>
#include <string.h>

static void free_row(struct qr_client_overlay_row *row)
{
    if (row->value.data != NULL) {
        qr_client_wipe(row->value.data, row->value.capacity);
    }
    quire_buffer_finish(&row->key);
    quire_buffer_finish(&row->value);
    free(row);
}

void qr_client_overlay_finish(struct qr_client_overlay *overlay)
{
    for (size_t i = 0; i < overlay->count; i++) {
        free_row(overlay->rows[i]);
    }
    free(overlay->rows);
    *overlay = (struct qr_client_overlay){0};
}

int qr_client_overlay_compare(struct quire_bytes a, struct quire_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

size_t qr_client_overlay_from(const struct qr_client_overlay *overlay, struct quire_bytes key)
{
    size_t low = 0, high = overlay->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (qr_client_overlay_compare(quire_buffer_bytes(&overlay->rows[middle]->key), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct qr_client_overlay_row *qr_client_overlay_at(
    const struct qr_client_overlay *overlay, size_t index)
{
    return index < overlay->count ? overlay->rows[index] : NULL;
}

const struct qr_client_overlay_row *qr_client_overlay_find(
    const struct qr_client_overlay *overlay, struct quire_bytes key)
{
    const struct qr_client_overlay_row *row =
        qr_client_overlay_at(overlay, qr_client_overlay_from(overlay, key));
    return row != NULL && quire_bytes_equal(quire_buffer_bytes(&row->key), key) ? row : NULL;
}

static enum quire_status insert(
    struct qr_client_overlay *overlay, size_t index, struct qr_client_overlay_row *row)
{
    if (overlay->count == overlay->capacity) {
        size_t capacity = overlay->capacity == 0 ? 64 : overlay->capacity * 2;
        struct qr_client_overlay_row **rows = realloc(overlay->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            return QUIRE_ENOMEM;
        }
        overlay->rows = rows;
        overlay->capacity = capacity;
    }
    memmove(overlay->rows + index + 1, overlay->rows + index,
        (overlay->count - index) * sizeof *overlay->rows);
    overlay->rows[index] = row;
    overlay->count++;
    return QUIRE_OK;
}

static enum quire_status write_one(
    struct qr_client_overlay *overlay, const struct quire_write *write)
{
    struct qr_client_overlay_row *row = calloc(1, sizeof *row);
    if (row == NULL) {
        return QUIRE_ENOMEM;
    }
    row->erased = write->erase;
    enum quire_status status = quire_buffer_append(&row->key, write->key.data, write->key.size);
    if (status == QUIRE_OK && !write->erase && write->value.size > 0) {
        status = quire_buffer_append(&row->value, write->value.data, write->value.size);
    }
    if (status == QUIRE_OK) {
        size_t index = qr_client_overlay_from(overlay, write->key);
        if (qr_client_overlay_find(overlay, write->key) != NULL) {
            free_row(overlay->rows[index]);
            overlay->rows[index] = row;
            return QUIRE_OK;
        }
        status = insert(overlay, index, row);
    }
    if (status != QUIRE_OK) {
        free_row(row);
    }
    return status;
}

enum quire_status qr_client_overlay_write(
    struct qr_client_overlay *overlay, const struct quire_write *writes, size_t count)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; status == QUIRE_OK && i < count; i++) {
        status = write_one(overlay, &writes[i]);
    }
    return status;
}
