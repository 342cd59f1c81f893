/*
 * A document's life, and what can be read of it.
 */
#include "base/writer.h"
#include "crdt/snippet.h"
#include "crdt/undo.h"
#include "crdt/utf8.h"
#include <stdlib.h>

struct quire_document *qr_document_alloc(void)
{
    struct quire_document *document = calloc(1, sizeof *document);
    if (document != NULL) {
        document->self = document;
        qr_typing_init(&document->typing);
        document->wall_ms = INT64_MIN;
        document->pending.wall_ms = INT64_MIN;
    }
    return document;
}

enum quire_status quire_document_create(struct quire_document **out_document)
{
    struct quire_document *document = qr_document_alloc();
    if (document == NULL) {
        return QUIRE_ENOMEM;
    }
    enum quire_status status = qr_text_init(&document->text);
    if (status != QUIRE_OK) {
        free(document);
        return status;
    }
    *out_document = document;
    return QUIRE_OK;
}

void quire_document_destroy(struct quire_document *document)
{
    if (document != NULL) {
        if (document->undo != NULL) {
            document->undo->document = NULL;
        }
        qr_replicas_finish(&document->replicas);
        qr_text_finish(&document->text);
        qr_cells_finish(&document->cells);
        qr_pending_finish(&document->pending);
        qr_typing_finish(&document->typing);
        qr_arena_finish(&document->arena);
        quire_buffer_finish(&document->encoded.state);
        free(document);
    }
}

size_t quire_document_text_length(const struct quire_document *document)
{
    if (qr_document_is_encoded(document)) {
        return qr_utf8_points(document->encoded.text.data, document->encoded.text.size);
    }
    return document->typing.has_view ? document->typing.view.total.points
                                     : qr_tree_weight(&document->text.order);
}

size_t quire_document_text_size(const struct quire_document *document)
{
    if (qr_document_is_encoded(document)) {
        return document->encoded.text.size;
    }
    return document->typing.has_view ? document->typing.view.total.bytes
                                     : document->text.visible_size;
}

enum quire_status quire_document_text(
    const struct quire_document *document, struct quire_buffer *out_text)
{
    if (qr_document_is_encoded(document)) {
        return quire_buffer_append(
            out_text, document->encoded.text.data, document->encoded.text.size);
    }
    return document->typing.has_view ? qr_rope_append(&document->typing.view, out_text)
                                     : qr_text_append(&document->text, out_text);
}

enum quire_status qr_document_snippet(
    const struct quire_document *document, size_t points, struct quire_buffer *out_text)
{
    size_t at = out_text->size;
    size_t most = 4 * points;
    enum quire_status status = QUIRE_OK;
    if (qr_document_is_encoded(document)) {
        struct quire_bytes text = document->encoded.text;
        status = quire_buffer_append(out_text, text.data, text.size < most ? text.size : most);
    } else {
        status = qr_document_settle(document);
        if (status == QUIRE_OK) {
            status = qr_text_append_start(&document->text, most, out_text);
        }
    }
    if (out_text->size > at && qr_utf8_points(out_text->data + at, out_text->size - at) > points) {
        out_text->size = at + qr_utf8_size(out_text->data + at, points);
    }
    return status;
}

static size_t shown_count(const struct quire_document *document, unsigned field)
{
    return document->cells.shown_start[field + 1] - document->cells.shown_start[field];
}

static const struct qr_dot *shown(
    const struct quire_document *document, unsigned field, size_t index)
{
    return document->cells.shown[document->cells.shown_start[field] + index];
}

size_t quire_document_register_count(
    const struct quire_document *document, enum quire_register field)
{
    return (unsigned)field < QUIRE_REGISTER_COUNT ? shown_count(document, (unsigned)field) : 0;
}

enum quire_status quire_document_register(const struct quire_document *document,
    enum quire_register field, size_t index, struct quire_value *out_value)
{
    if (index >= quire_document_register_count(document, field)) {
        return QUIRE_ENOTFOUND;
    }
    const struct qr_dot *dot = shown(document, (unsigned)field, index);
    *out_value = (struct quire_value){qr_dot_text(dot), dot->number, dot->wall_ms};
    return QUIRE_OK;
}

size_t quire_document_set_count(const struct quire_document *document, enum quire_set set)
{
    return (unsigned)set < QUIRE_SET_COUNT ? shown_count(document, qr_field_of_set(set)) : 0;
}

enum quire_status quire_document_set_element(const struct quire_document *document,
    enum quire_set set, size_t index, struct quire_element *out_element)
{
    if (index >= quire_document_set_count(document, set)) {
        return QUIRE_ENOTFOUND;
    }
    const struct qr_dot *dot = shown(document, qr_field_of_set(set), index);
    *out_element = (struct quire_element){qr_dot_name(dot), dot->number};
    return QUIRE_OK;
}

struct quire_bytes quire_document_journal(const struct quire_document *document)
{
    size_t first, points;
    size_t count =
        qr_cells_find(&document->cells, QR_FIELD_JOURNAL, (struct quire_bytes){0}, &first);
    for (size_t i = first; i < first + count; i++) {
        const struct qr_dot *dot = document->cells.dots[i];
        struct quire_bytes name = qr_dot_text(dot);
        if (dot->place_count == 0 && name.size > 0 && name.size <= QUIRE_JOURNAL_MAX
            && qr_utf8_count(name, &points)) {
            return name;
        }
    }
    return (struct quire_bytes){0};
}

bool quire_document_deleted(const struct quire_document *document)
{
    if (document->typing.count > 0) {
        return false; /* no delete has seen that yet */
    }
    for (uint32_t number = 1; number <= document->replicas.count; number++) {
        const struct qr_replica *replica = &document->replicas.at[number];
        if (replica->seen > replica->deleted) {
            return false;
        }
    }
    return document->replicas.count > 0;
}

bool quire_document_empty(const struct quire_document *document)
{
    return document->replicas.count == 0 && document->typing.count == 0;
}

static void write_sized(struct qr_writer *writer, struct quire_bytes bytes)
{
    qr_write_varint(writer, bytes.size);
    qr_write_bytes(writer, bytes.data, bytes.size);
}

/** Values of fields that only later versions read, by their ids: nothing else is known of them. */
static void write_unread(struct qr_writer *writer, const struct quire_document *document)
{
    const struct qr_cells *cells = &document->cells;
    qr_write_varint(writer, cells->count - cells->unread_start);
    for (size_t i = cells->unread_start; i < cells->count; i++) {
        const struct qr_dot *dot = cells->dots[i];
        qr_write_u8(writer, dot->field);
        qr_write_bytes(writer, dot->replica, sizeof dot->replica);
        qr_write_u64(writer, qr_id_counter(dot->id));
        qr_write_u64(writer, (uint64_t)dot->wall_ms);
        qr_write_varint(writer, dot->place_count);
        for (size_t place = 0; place < dot->place_count; place++) {
            static const uint8_t no_replica[QUIRE_REPLICA_SIZE];
            uint64_t id = qr_place_id(dot->places[place]);
            qr_write_u8(writer, qr_place_is_after(dot->places[place]) ? 1 : 0);
            qr_write_bytes(writer,
                id == QR_ID_NONE ? no_replica : document->replicas.at[qr_id_replica(id)].name,
                sizeof no_replica);
            qr_write_u64(writer, qr_id_counter(id));
        }
        write_sized(writer, qr_dot_text(dot));
    }
}

enum quire_status quire_document_canonical(
    const struct quire_document *document, struct quire_buffer *out_bytes)
{
    size_t start = out_bytes->size;
    struct qr_writer writer = qr_writer_onto(out_bytes);
    qr_write_u8(&writer, QR_DOCUMENT_VERSION);
    qr_write_u8(&writer, quire_document_deleted(document) ? 1 : 0);
    for (unsigned field = 0; field < QR_FIELD_COUNT; field++) {
        size_t count = shown_count(document, field);
        qr_write_varint(&writer, count);
        for (size_t i = 0; i < count; i++) {
            const struct qr_dot *dot = shown(document, field, i);
            write_sized(
                &writer, field < QUIRE_REGISTER_COUNT ? qr_dot_text(dot) : qr_dot_name(dot));
            qr_write_u64(&writer, (uint64_t)dot->number);
            if (field < QUIRE_REGISTER_COUNT) {
                qr_write_u64(&writer, (uint64_t)dot->wall_ms);
            }
        }
    }
    write_unread(&writer, document);
    qr_write_varint(&writer, quire_document_text_size(document));
    enum quire_status status = qr_writer_end(&writer);
    if (status == QUIRE_OK) {
        status = quire_document_text(document, out_bytes);
    }
    if (status != QUIRE_OK) {
        out_bytes->size = start;
    }
    return status;
}
