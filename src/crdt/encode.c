/*
 * Gathers a document's state, or a part of what is pending, to be written as protocol/document.md
 * says. Equal states give equal bytes: replicas go by name, runs in the order of order.h, and
 * neighbours that are one run are written as one.
 */
#include "crdt/encoder.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct qr_part *part_of(struct qr_encoder *encoder, uint64_t id)
{
    return &encoder->parts[qr_id_replica(id)];
}

static bool covers(struct qr_encoder *encoder, uint64_t id)
{
    const struct qr_part *part = part_of(encoder, id);
    return part->first != 0 && qr_id_counter(id) >= part->first && qr_id_counter(id) <= part->last;
}

/* ---- text --------------------------------------------------------------------------------- */

static enum quire_status add_piece(struct qr_encoder *encoder, bool first, uint32_t length,
    struct quire_bytes letters)
{
    struct qr_piece *last = first ? NULL : &encoder->pieces[encoder->piece_count - 1];
    bool dead = letters.size == 0;
    if (last != NULL && dead == (last->size == 0)
        && (dead || encoder->state || last->letters + last->size == letters.data)) {
        last->length += length;
        last->size += (uint32_t)letters.size;
        return QUIRE_OK;
    }
    if (encoder->piece_count == encoder->piece_capacity) {
        size_t capacity = encoder->piece_capacity < 16 ? 16 : encoder->piece_capacity * 2;
        struct qr_piece *pieces = realloc(encoder->pieces, capacity * sizeof *pieces);
        if (pieces == NULL) {
            return QUIRE_ENOMEM;
        }
        encoder->pieces = pieces;
        encoder->piece_capacity = capacity;
    }
    encoder->pieces[encoder->piece_count++] = (struct qr_piece){length,
        (uint32_t)letters.size, letters.data};
    return QUIRE_OK;
}

static enum quire_status add_run(struct qr_encoder *encoder, const struct qr_run *run)
{
    if (encoder->run_count + 1 >= encoder->run_capacity) {
        size_t capacity = encoder->run_capacity < 16 ? 16 : encoder->run_capacity * 2;
        struct qr_run *runs = realloc(encoder->runs, capacity * sizeof *runs);
        if (runs == NULL) {
            return QUIRE_ENOMEM;
        }
        encoder->runs = runs;
        uint32_t *piece_of = realloc(encoder->piece_of, capacity * sizeof *piece_of);
        if (piece_of == NULL) {
            return QUIRE_ENOMEM;
        }
        encoder->piece_of = piece_of;
        encoder->run_capacity = capacity;
    }
    encoder->piece_of[encoder->run_count] = (uint32_t)encoder->piece_count;
    encoder->runs[encoder->run_count++] = *run;
    return QUIRE_OK;
}

/** A piece of text in the covered range: part of the run before it, or a new run. Pieces of one run,
 * split here for whatever reason, are joined again; a run ends where the wire would not hold it. */
static enum quire_status gather_piece(struct qr_encoder *encoder, size_t first_run,
    const struct qr_item *item, uint64_t id, uint32_t length)
{
    const struct qr_text *text = &encoder->document->text;
    uint64_t parent = id == item->id ? item->parent : id - 1;
    struct qr_run *last = encoder->run_count > first_run
        ? &encoder->runs[encoder->run_count - 1] : NULL;
    bool first = last == NULL || parent != id - 1 || last->id + last->length != id
        || last->right != item->right || last->length == QR_RUN_MAX;
    if (!first && length > QR_RUN_MAX - last->length) { /* full, wherever it was cut here */
        uint32_t room = QR_RUN_MAX - last->length;
        enum quire_status status = gather_piece(encoder, first_run, item, id, room);
        return status == QUIRE_OK
            ? gather_piece(encoder, first_run, item, id + room, length - room) : status;
    }
    if (!first) {
        last->length += length;
    } else {
        struct qr_run run = {.id = id, .parent = parent, .right = item->right, .length = length};
        part_of(encoder, run.parent)->used = true;
        part_of(encoder, run.right)->used = true;
        enum quire_status status = add_run(encoder, &run);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    struct quire_bytes letters = {NULL, 0};
    if (length == item->length && item->size > 0) {
        letters = (struct quire_bytes){text->letters.data + item->letters, item->size};
    } else if (length < item->length) {
        letters = qr_text_letters(text, (uint32_t)(item - text->items), id, length);
    }
    return add_piece(encoder, first, length, letters);
}

static enum quire_status gather_runs(struct qr_encoder *encoder, uint32_t replica)
{
    const struct qr_text *text = &encoder->document->text;
    const struct qr_part *part = &encoder->parts[replica];
    size_t first_run = encoder->run_count;
    enum quire_status status = QUIRE_OK;
    if (part->first > 0) {
        uint64_t first = qr_id(replica, part->first);
        uint64_t end = qr_id(replica, part->last) + 1;
        struct qr_tree_walk walk = qr_tree_walk_from(&text->ids,
            qr_text_search(text, first));
        for (; walk.item != QR_NONE && text->items[walk.item].id < end && status == QUIRE_OK;
             qr_tree_walk_on(&text->ids, &walk)) {
            const struct qr_item *item = &text->items[walk.item];
            uint64_t from = item->id > first ? item->id : first;
            uint64_t to = item->id + item->length < end ? item->id + item->length : end;
            if (from < to && walk.item != 0) {
                status = gather_piece(encoder, first_run, item, from, (uint32_t)(to - from));
            }
        }
    }
    encoder->run_parts[replica].next = (uint32_t)first_run;
    encoder->run_parts[replica].end = (uint32_t)encoder->run_count;
    return status;
}

static enum quire_status gather_text(struct qr_encoder *encoder)
{
    const struct qr_replicas *replicas = &encoder->document->replicas;
    enum quire_status status = QUIRE_OK;
    for (uint32_t number = 1; number <= replicas->count && status == QUIRE_OK; number++) {
        status = gather_runs(encoder, number);
    }
    encoder->order = calloc(encoder->run_count + 1, sizeof *encoder->order);
    if (status != QUIRE_OK || encoder->order == NULL) {
        return QUIRE_ENOMEM;
    }
    if (encoder->run_count > 0) {
        encoder->piece_of[encoder->run_count] = (uint32_t)encoder->piece_count;
        bool ordered = qr_order_runs(encoder->runs, encoder->run_parts, replicas->sorted,
            replicas->count, encoder->stack, encoder->order);
        assert(ordered);
    }
    return QUIRE_OK;
}

/* ---- what is covered ---------------------------------------------------------------------- */

/** Takes what the first steps of the pending list say. */
static void gather_pending(struct qr_encoder *encoder, uint64_t steps)
{
    const struct quire_document *document = encoder->document;
    for (size_t i = 0; i < document->pending.count && steps > 0; i++) {
        const struct qr_pending_record *record = &document->pending.records[i];
        struct qr_part *part = part_of(encoder, record->id);
        uint64_t counter = qr_id_counter(record->id);
        uint64_t taken = 1;
        part->used = true;
        switch ((enum qr_pending_kind)record->kind) {
        case QR_PENDING_SPAN: {
            uint64_t first = document->replicas.at[qr_id_replica(record->id)].pending_first;
            taken = record->length < steps ? record->length : steps;
            if (first != 0 && counter + taken > first && counter + taken - 1 > part->last) {
                part->first = first;
                part->last = counter + taken - 1;
            }
            break;
        }
        case QR_PENDING_ERASE:
            encoder->erased[encoder->erased_count++] =
                (struct qr_range){record->id, record->length};
            break;
        case QR_PENDING_REMOVE:
            encoder->removed[encoder->removed_count++] = record->id;
            break;
        case QR_PENDING_DELETED:
            part->deleted = counter > part->deleted ? counter : part->deleted;
            break;
        }
        steps -= taken;
    }
}

static void gather_state(struct qr_encoder *encoder)
{
    const struct qr_replicas *replicas = &encoder->document->replicas;
    for (uint32_t number = 1; number <= replicas->count; number++) {
        encoder->parts[number].used = true;
        encoder->parts[number].first = 1;
        encoder->parts[number].last = replicas->at[number].seen;
        encoder->parts[number].deleted = replicas->at[number].deleted;
    }
}

static void gather_dots(struct qr_encoder *encoder)
{
    const struct qr_cells *cells = &encoder->document->cells;
    for (size_t i = 0; i < cells->count; i++) {
        const struct qr_dot *dot = cells->dots[i];
        if (covers(encoder, dot->id)) {
            encoder->dots[encoder->dot_count++] = dot;
            for (size_t place = 0; place < dot->place_count; place++) {
                part_of(encoder, qr_place_id(dot->places[place]))->used = true;
            }
        }
    }
}

/* ---- sorting: by rank, which only the encoder knows ----------------------------------------- */

static void rank_replicas(struct qr_encoder *encoder)
{
    const struct qr_replicas *replicas = &encoder->document->replicas;
    uint32_t count = 0;
    for (uint32_t i = 0; i < replicas->count; i++) {
        struct qr_part *part = &encoder->parts[replicas->sorted[i]];
        part->rank = count;
        count += part->used ? 1 : 0;
    }
}

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const struct qr_range *)a)->id;
    uint64_t right = ((const struct qr_range *)b)->id;
    return left < right ? -1 : left > right;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static int compare_dots(const void *a, const void *b)
{
    const struct qr_dot *left = *(const struct qr_dot *const *)a;
    const struct qr_dot *right = *(const struct qr_dot *const *)b;
    int order = memcmp(left->replica, right->replica, sizeof left->replica);
    return order != 0 ? order : left->id < right->id ? -1 : left->id > right->id;
}

static uint64_t ranked(struct qr_encoder *encoder, uint64_t id)
{
    return qr_id(part_of(encoder, id)->rank, qr_id_counter(id));
}

static void sort_effects(struct qr_encoder *encoder)
{
    for (size_t i = 0; i < encoder->erased_count; i++) {
        encoder->erased[i].id = ranked(encoder, encoder->erased[i].id);
    }
    for (size_t i = 0; i < encoder->removed_count; i++) {
        encoder->removed[i] = ranked(encoder, encoder->removed[i]);
    }
    if (encoder->erased_count > 0) {
        qsort(encoder->erased, encoder->erased_count, sizeof *encoder->erased, compare_ranges);
    }
    if (encoder->removed_count > 0) {
        qsort(encoder->removed, encoder->removed_count, sizeof *encoder->removed, compare_ids);
    }
    if (encoder->dot_count > 0) {
        qsort(encoder->dots, encoder->dot_count, sizeof *encoder->dots, compare_dots);
    }

    size_t count = 0; /* ranges that touch or overlap become one; what was said twice, once */
    for (size_t i = 0; i < encoder->erased_count; i++) {
        struct qr_range next = encoder->erased[i];
        struct qr_range *last = count > 0 ? &encoder->erased[count - 1] : NULL;
        if (last != NULL && next.id <= last->id + last->length) {
            uint64_t end = next.id + next.length;
            uint64_t last_end = last->id + last->length;
            last->length = (end > last_end ? end : last_end) - last->id;
        } else {
            encoder->erased[count++] = next;
        }
    }
    encoder->erased_count = count;
    count = 0;
    for (size_t i = 0; i < encoder->removed_count; i++) {
        if (count == 0 || encoder->removed[count - 1] != encoder->removed[i]) {
            encoder->removed[count++] = encoder->removed[i];
        }
    }
    encoder->removed_count = count;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum quire_status encode(struct qr_encoder *encoder, struct quire_buffer *out_bytes)
{
    enum quire_status status = gather_text(encoder);
    if (status == QUIRE_OK) {
        gather_dots(encoder);
        rank_replicas(encoder);
        sort_effects(encoder);
        status = qr_encoder_write(encoder, out_bytes);
    }
    return status;
}

static enum quire_status encoder_init(struct qr_encoder *encoder,
    const struct quire_document *document)
{
    size_t replicas = document->replicas.count + 1u;
    *encoder = (struct qr_encoder){.document = document};
    encoder->parts = calloc(replicas, sizeof *encoder->parts);
    encoder->run_parts = calloc(replicas, sizeof *encoder->run_parts);
    encoder->stack = calloc(replicas, sizeof *encoder->stack);
    encoder->dots = calloc(document->cells.count + 1, sizeof *encoder->dots);
    bool ready = encoder->parts != NULL && encoder->run_parts != NULL && encoder->stack != NULL
        && encoder->dots != NULL;
    return ready ? QUIRE_OK : QUIRE_ENOMEM;
}

static void encoder_finish(struct qr_encoder *encoder)
{
    free(encoder->parts);
    free(encoder->run_parts);
    free(encoder->runs);
    free(encoder->piece_of);
    free(encoder->pieces);
    free(encoder->order);
    free(encoder->stack);
    free(encoder->erased);
    free(encoder->removed);
    free(encoder->dots);
}

enum quire_status qr_encode_state(const struct quire_document *document,
    struct quire_buffer *out_bytes)
{
    struct qr_encoder encoder;
    enum quire_status status = encoder_init(&encoder, document);
    if (status == QUIRE_OK) {
        encoder.state = true;
        encoder.wall_ms = document->wall_ms;
        gather_state(&encoder);
        status = encode(&encoder, out_bytes);
    }
    encoder_finish(&encoder);
    return status;
}

enum quire_status qr_encode_delta(const struct quire_document *document, uint64_t steps,
    struct quire_buffer *out_bytes)
{
    struct qr_encoder encoder;
    enum quire_status status = encoder_init(&encoder, document);
    if (status == QUIRE_OK) {
        encoder.erased = calloc(document->pending.count + 1, sizeof *encoder.erased);
        encoder.removed = calloc(document->pending.count + 1, sizeof *encoder.removed);
        status = encoder.erased != NULL && encoder.removed != NULL ? QUIRE_OK : QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) {
        encoder.wall_ms = document->pending.wall_ms;
        gather_pending(&encoder, steps);
        status = encode(&encoder, out_bytes);
    }
    encoder_finish(&encoder);
    return status;
}
