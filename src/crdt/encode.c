/*
 * Gathers a document's state, or a part of what is pending, to be written as protocol/document.md
 * says. Equal states give equal bytes: replicas go by name, runs in the order of order.h, and
 * neighbours that are one run are written as one.
 */
#include "crdt/encoder.h"
#include "crdt/list.h"
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

/* ---- turns -------------------------------------------------------------------------------- */

static enum quire_status add_turn(
    struct qr_encoder *encoder, uint64_t id, uint64_t length, uint32_t turn, bool covered)
{
    struct qr_encoder_turn *turns = qr_list_grown(
        encoder->turns, encoder->turn_count + 1, &encoder->turn_capacity, sizeof *turns);
    if (turns == NULL) {
        return QUIRE_ENOMEM;
    }
    encoder->turns = turns;
    turns[encoder->turn_count++] =
        (struct qr_encoder_turn){.id = id, .length = length, .turn = turn, .covered = covered};
    part_of(encoder, id)->used = true;
    return QUIRE_OK;
}

/** What became of characters that were sent before. Where the parity is another one by now, a later record
 * says so, or another device did. */
static enum quire_status gather_turns(
    struct qr_encoder *encoder, uint64_t id, uint64_t length, bool revived)
{
    const struct qr_text *text = &encoder->document->text;
    enum quire_status status = QUIRE_OK;
    uint32_t offset;
    uint32_t index = qr_text_find(text, id, &offset);
    while (length > 0 && status == QUIRE_OK) {
        assert(index != QR_NONE);
        const struct qr_item *item = &text->items[index];
        uint64_t here = item->length - offset < length ? item->length - offset : length;
        if (revived == (item->turn % 2 == 0) && item->turn > 0) {
            status = add_turn(encoder, id, here, item->turn, false);
        }
        offset = 0;
        id += here;
        length -= here;
        index = length > 0 ? qr_tree_next(&text->ids, index) : index;
    }
    return status;
}

/** Cuts from ranges that effects named what the payload covers after all: its runs say that. */
static enum quire_status drop_covered_turns(struct qr_encoder *encoder)
{
    enum quire_status status = QUIRE_OK;
    size_t count = encoder->turn_count;
    size_t kept = 0;
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        struct qr_encoder_turn turn = encoder->turns[i];
        const struct qr_part *part = part_of(encoder, turn.id);
        uint64_t first = qr_id_counter(turn.id);
        uint64_t end = first + turn.length;
        if (turn.turn == 1 || part->first == 0 || end <= part->first || first > part->last) {
            encoder->turns[kept++] = turn;
            continue;
        }
        if (first < part->first) {
            encoder->turns[kept] = turn;
            encoder->turns[kept++].length = part->first - first;
        }
        if (end > part->last + 1) {
            status = add_turn(encoder, turn.id + (part->last + 1 - first), end - part->last - 1,
                turn.turn, false);
        }
    }
    size_t added = encoder->turn_count - count;
    if (added > 0) {
        memmove(encoder->turns + kept, encoder->turns + count, added * sizeof *encoder->turns);
    }
    encoder->turn_count = kept + added;
    return status;
}

/* ---- text --------------------------------------------------------------------------------- */

static enum quire_status add_piece(
    struct qr_encoder *encoder, bool first, uint32_t length, struct quire_bytes letters)
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
    encoder->pieces[encoder->piece_count++] =
        (struct qr_piece){length, (uint32_t)letters.size, letters.data};
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
    struct qr_run *last =
        encoder->run_count > first_run ? &encoder->runs[encoder->run_count - 1] : NULL;
    bool first = last == NULL || parent != id - 1 || last->id + last->length != id
        || last->right != item->right || last->length == QR_RUN_MAX;
    if (!first && length > QR_RUN_MAX - last->length) { /* full, wherever it was cut here */
        uint32_t room = QR_RUN_MAX - last->length;
        enum quire_status status = gather_piece(encoder, first_run, item, id, room);
        return status == QUIRE_OK ? gather_piece(encoder, first_run, item, id + room, length - room)
                                  : status;
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
    if (item->turn > 1) {
        enum quire_status status = add_turn(encoder, id, length, item->turn, true);
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
        struct qr_tree_walk walk = qr_tree_walk_from(&text->ids, qr_text_search(text, first));
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
static enum quire_status gather_pending(struct qr_encoder *encoder, uint64_t steps)
{
    const struct quire_document *document = encoder->document;
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0; i < document->pending.count && steps > 0 && status == QUIRE_OK; i++) {
        const struct qr_pending_record *record = &document->pending.records[i];
        struct qr_part *part = part_of(encoder, record->id);
        uint64_t counter = qr_id_counter(record->id);
        uint64_t taken = 1;
        bool turned = record->kind == QR_PENDING_ERASE || record->kind == QR_PENDING_REVIVE;
        part->used = part->used || !turned;
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
        case QR_PENDING_REVIVE:
            status = gather_turns(
                encoder, record->id, record->length, record->kind == QR_PENDING_REVIVE);
            break;
        case QR_PENDING_REMOVE: encoder->removed[encoder->removed_count++] = record->id; break;
        case QR_PENDING_DELETED:
            part->deleted = counter > part->deleted ? counter : part->deleted;
            break;
        }
        steps -= taken;
    }
    return status;
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

static int compare_turns(const void *a, const void *b)
{
    uint64_t left = ((const struct qr_encoder_turn *)a)->ranked;
    uint64_t right = ((const struct qr_encoder_turn *)b)->ranked;
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

/** Ranges of one turn that touch or overlap become one; what was said twice, once. Those that were just
 * erased are written apart, without a turn. */
static enum quire_status join_turns(struct qr_encoder *encoder)
{
    size_t count = 0;
    for (size_t i = 0; i < encoder->turn_count; i++) {
        struct qr_encoder_turn next = encoder->turns[i];
        struct qr_encoder_turn *last = count > 0 ? &encoder->turns[count - 1] : NULL;
        if (last != NULL && next.ranked <= last->ranked + last->length && next.turn == last->turn
            && next.covered == last->covered) {
            uint64_t end = next.ranked + next.length;
            uint64_t last_end = last->ranked + last->length;
            last->length = (end > last_end ? end : last_end) - last->ranked;
        } else {
            encoder->turns[count++] = next;
        }
    }
    encoder->erased = calloc(count + 1, sizeof *encoder->erased);
    if (encoder->erased == NULL) {
        return QUIRE_ENOMEM;
    }
    encoder->turn_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct qr_encoder_turn *turn = &encoder->turns[i];
        if (turn->turn == 1) {
            encoder->erased[encoder->erased_count++] =
                (struct qr_range){turn->ranked, turn->length};
        } else {
            encoder->turns[encoder->turn_count++] = *turn;
        }
    }
    return QUIRE_OK;
}

static enum quire_status sort_effects(struct qr_encoder *encoder)
{
    for (size_t i = 0; i < encoder->turn_count; i++) {
        encoder->turns[i].ranked = ranked(encoder, encoder->turns[i].id);
    }
    for (size_t i = 0; i < encoder->removed_count; i++) {
        encoder->removed[i] = ranked(encoder, encoder->removed[i]);
    }
    if (encoder->turn_count > 0) {
        qsort(encoder->turns, encoder->turn_count, sizeof *encoder->turns, compare_turns);
    }
    if (encoder->removed_count > 0) {
        qsort(encoder->removed, encoder->removed_count, sizeof *encoder->removed, compare_ids);
    }
    if (encoder->dot_count > 0) {
        qsort(encoder->dots, encoder->dot_count, sizeof *encoder->dots, compare_dots);
    }
    size_t count = 0;
    for (size_t i = 0; i < encoder->removed_count; i++) {
        if (count == 0 || encoder->removed[count - 1] != encoder->removed[i]) {
            encoder->removed[count++] = encoder->removed[i];
        }
    }
    encoder->removed_count = count;
    return join_turns(encoder);
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum quire_status encode(struct qr_encoder *encoder, struct quire_buffer *out_bytes)
{
    enum quire_status status = gather_text(encoder);
    if (status == QUIRE_OK) {
        gather_dots(encoder);
        rank_replicas(encoder);
        status = sort_effects(encoder);
    }
    if (status == QUIRE_OK) {
        status = qr_encoder_write(encoder, out_bytes);
    }
    return status;
}

static enum quire_status encoder_init(
    struct qr_encoder *encoder, const struct quire_document *document)
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
    free(encoder->turns);
    free(encoder->removed);
    free(encoder->dots);
}

enum quire_status qr_encode_state(
    const struct quire_document *document, struct quire_buffer *out_bytes)
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

enum quire_status qr_encode_delta(
    const struct quire_document *document, uint64_t steps, struct quire_buffer *out_bytes)
{
    struct qr_encoder encoder;
    enum quire_status status = encoder_init(&encoder, document);
    if (status == QUIRE_OK) {
        encoder.removed = calloc(document->pending.count + 1, sizeof *encoder.removed);
        status = encoder.removed != NULL ? QUIRE_OK : QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) {
        encoder.wall_ms = document->pending.wall_ms;
        status = gather_pending(&encoder, steps);
    }
    if (status == QUIRE_OK) {
        status = drop_covered_turns(&encoder);
    }
    if (status == QUIRE_OK) {
        status = encode(&encoder, out_bytes);
    }
    encoder_finish(&encoder);
    return status;
}
