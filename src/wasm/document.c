/*
 * Documents for a host: stamps in two arguments, lists as rows, offsets in the host's units.
 */
#include "wasm/exports.h"
#include "wasm/rows.h"
#include <string.h>

static struct quire_stamp stamp_of(const uint8_t *replica, int64_t wall_ms)
{
    struct quire_stamp stamp = {.wall_ms = wall_ms};
    memcpy(stamp.replica, replica, QUIRE_REPLICA_SIZE);
    return stamp;
}

struct quire_document *quire_wasm_document_create(void)
{
    struct quire_document *document;
    return quire_document_create(&document) == QUIRE_OK ? document : NULL;
}

int quire_wasm_document_open(
    const uint8_t *state, size_t size, struct quire_document **out_document)
{
    struct quire_buffer copy = {0};
    enum quire_status status = quire_buffer_append(&copy, state, size);
    if (status == QUIRE_OK) {
        status = quire_document_open(&copy, out_document);
    }
    quire_buffer_finish(&copy); /* taken, if it was opened */
    return (int)status;
}

void quire_wasm_document_destroy(struct quire_document *document)
{
    quire_document_destroy(document);
}

/* ---- reading --------------------------------------------------------------------------------- */

size_t quire_wasm_document_text_length(const struct quire_document *document)
{
    return quire_document_text_length(document);
}

size_t quire_wasm_document_text_size(const struct quire_document *document)
{
    return quire_document_text_size(document);
}

int quire_wasm_document_text(const struct quire_document *document, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (int)quire_document_text(document, out);
}

int quire_wasm_document_deleted(const struct quire_document *document)
{
    return quire_document_deleted(document);
}

int quire_wasm_document_empty(const struct quire_document *document)
{
    return quire_document_empty(document);
}

int quire_wasm_document_offset(const struct quire_document *document, uint32_t from, uint32_t to,
    size_t offset, size_t *out_offset)
{
    if (from > QUIRE_UNIT_UTF16 || to > QUIRE_UNIT_UTF16) {
        return QUIRE_EINVALID;
    }
    return (int)quire_document_offset(
        document, (enum quire_unit)from, offset, (enum quire_unit)to, out_offset);
}

int quire_wasm_document_register(
    const struct quire_document *document, uint32_t field, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    enum quire_status status = field < QUIRE_REGISTER_COUNT ? QUIRE_OK : QUIRE_EINVALID;
    size_t count = status == QUIRE_OK ? quire_document_register_count(document, field) : 0;
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        struct quire_value value;
        status = quire_document_register(document, field, i, &value);
        if (status == QUIRE_OK) {
            rows_u64(&rows, (uint64_t)value.number);
            rows_u64(&rows, (uint64_t)value.wall_ms);
            rows_bytes(&rows, value.text);
        }
    }
    return (int)rows_end(&rows, status);
}

int quire_wasm_document_set(
    const struct quire_document *document, uint32_t set, struct quire_buffer *out)
{
    struct rows rows = rows_begin(out);
    enum quire_status status = set < QUIRE_SET_COUNT ? QUIRE_OK : QUIRE_EINVALID;
    size_t count = status == QUIRE_OK ? quire_document_set_count(document, set) : 0;
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        struct quire_element element;
        status = quire_document_set_element(document, set, i, &element);
        if (status == QUIRE_OK) {
            rows_u64(&rows, (uint64_t)element.value);
            rows_bytes(&rows, element.name);
        }
    }
    return (int)rows_end(&rows, status);
}

/* ---- editing --------------------------------------------------------------------------------- */

int quire_wasm_document_insert(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, size_t position, const uint8_t *text, size_t size)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_insert(document, &stamp, position, (struct quire_bytes){text, size});
}

int quire_wasm_document_erase(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, size_t position, size_t count)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_erase(document, &stamp, position, count);
}

int quire_wasm_document_set_register(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t field, const uint8_t *text, size_t size, int64_t number)
{
    if (field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    struct quire_value value = {.text = {text, size}, .number = number};
    return (int)quire_document_set_register(document, &stamp, field, &value);
}

int quire_wasm_document_clear_register(
    struct quire_document *document, const uint8_t *replica, int64_t wall_ms, uint32_t field)
{
    if (field >= QUIRE_REGISTER_COUNT) {
        return QUIRE_EINVALID;
    }
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_clear_register(document, &stamp, field);
}

int quire_wasm_document_add_element(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t set, const uint8_t *name, size_t size, int64_t value)
{
    if (set >= QUIRE_SET_COUNT) {
        return QUIRE_EINVALID;
    }
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_add_element(
        document, &stamp, set, (struct quire_bytes){name, size}, value);
}

int quire_wasm_document_remove_element(struct quire_document *document, const uint8_t *replica,
    int64_t wall_ms, uint32_t set, const uint8_t *name, size_t size)
{
    if (set >= QUIRE_SET_COUNT) {
        return QUIRE_EINVALID;
    }
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_remove_element(
        document, &stamp, set, (struct quire_bytes){name, size});
}

int quire_wasm_document_delete(
    struct quire_document *document, const uint8_t *replica, int64_t wall_ms)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_document_delete(document, &stamp);
}

/* ---- deltas and states ----------------------------------------------------------------------- */

size_t quire_wasm_document_pending_size(const struct quire_document *document)
{
    return quire_document_pending_size(document);
}

int quire_wasm_document_encode_pending(
    const struct quire_document *document, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (int)quire_document_encode_pending(document, out);
}

int quire_wasm_document_take_delta(
    struct quire_document *document, size_t max_size, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (int)quire_document_take_delta(document, max_size, out);
}

int quire_wasm_document_restore_pending(
    struct quire_document *document, const uint8_t *delta, size_t size)
{
    return (int)quire_document_restore_pending(document, (struct quire_bytes){delta, size});
}

int quire_wasm_document_encode(const struct quire_document *document, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (int)quire_document_encode(document, out);
}

int quire_wasm_document_merge(struct quire_document *document, const uint8_t *bytes, size_t size)
{
    return (int)quire_document_merge(document, (struct quire_bytes){bytes, size});
}

int quire_wasm_document_canonical(const struct quire_document *document, struct quire_buffer *out)
{
    quire_buffer_clear(out);
    return (int)quire_document_canonical(document, out);
}

/* ---- anchors, undo --------------------------------------------------------------------------- */

int quire_wasm_document_anchor(
    const struct quire_document *document, size_t position, uint32_t side, struct quire_buffer *out)
{
    uint8_t anchor[QUIRE_ANCHOR_SIZE];
    struct rows rows = rows_begin(out);
    enum quire_status status =
        quire_document_anchor(document, position, (enum quire_side)side, anchor);
    if (status == QUIRE_OK) {
        rows_fixed(&rows, anchor, sizeof anchor);
    }
    return (int)rows_end(&rows, status);
}

int quire_wasm_document_resolve(
    const struct quire_document *document, const uint8_t *anchor, size_t *out_position)
{
    return (int)quire_document_resolve(document, anchor, out_position);
}

struct quire_undo *quire_wasm_undo_create(size_t size_max)
{
    struct quire_undo *undo;
    return quire_undo_create(size_max, &undo) == QUIRE_OK ? undo : NULL;
}

void quire_wasm_undo_destroy(struct quire_undo *undo)
{
    quire_undo_destroy(undo);
}

int quire_wasm_undo_attach(struct quire_undo *undo, struct quire_document *document)
{
    return (int)quire_undo_attach(undo, document);
}

int quire_wasm_undo_close_step(struct quire_undo *undo)
{
    return (int)quire_undo_close_step(undo);
}

int quire_wasm_undo_undo(struct quire_undo *undo, const uint8_t *replica, int64_t wall_ms)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_undo_undo(undo, &stamp);
}

int quire_wasm_undo_redo(struct quire_undo *undo, const uint8_t *replica, int64_t wall_ms)
{
    struct quire_stamp stamp = stamp_of(replica, wall_ms);
    return (int)quire_undo_redo(undo, &stamp);
}

size_t quire_wasm_undo_count(const struct quire_undo *undo)
{
    return quire_undo_count(undo);
}

size_t quire_wasm_undo_redo_count(const struct quire_undo *undo)
{
    return quire_undo_redo_count(undo);
}
