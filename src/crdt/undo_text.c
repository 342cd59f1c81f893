/*
 * Text taken back: letters that were typed die, letters that were erased are typed anew where they stood.
 */
#include "crdt/undo.h"
#include "crdt/utf8.h"
#include <stdlib.h>

/** Characters of one item, by the document's ids. */
struct piece {
    uint64_t own;    /* as the undo names the first */
    uint64_t id;
    uint32_t item;
    uint32_t length;
    bool live;
};

/** The piece that a range begins with, as far as the document has seen it; own and length then
 * belong to the rest. A range of unknown characters gives a piece of item QR_NONE. */
static struct piece next_piece(const struct quire_undo *undo, uint64_t *own, uint64_t *length,
    bool follow)
{
    const struct qr_text *text = &undo->document->text;
    struct piece piece = {.own = *own, .item = QR_NONE};
    uint64_t here = *length;
    uint64_t moved = follow ? qr_undo_moved(undo, *own, &here) : *own;
    uint32_t offset = 0;
    piece.id = qr_undo_id(undo, moved);
    piece.item = qr_text_find(text, piece.id, &offset);
    if (piece.item != QR_NONE) {
        const struct qr_item *item = &text->items[piece.item];
        here = here < item->length - offset ? here : item->length - offset;
        piece.live = item->size > 0;
    } else {
        here = 1;
    }
    piece.length = (uint32_t)here;
    *own += here;
    *length -= here;
    return piece;
}

static void show_edits(struct quire_document *document, bool on)
{
    document->text.view = on && document->typing.has_view ? &document->typing.view : NULL;
}

/* ---- what was typed is erased -------------------------------------------------------------- */

/** Counts, or erases, what of a block of insertions there is. */
static size_t each_inserted(struct quire_undo *undo, const struct qr_change *changes, size_t count,
    bool erase, size_t *out_size, bool *out_worth)
{
    struct quire_document *document = undo->document;
    size_t pieces = 0;
    for (size_t i = count; i > 0; i--) {
        uint64_t own = changes[i - 1].id;
        uint64_t length = changes[i - 1].length;
        while (length > 0) {
            struct piece piece = next_piece(undo, &own, &length, true);
            if (piece.item == QR_NONE) {
                continue;
            }
            if (erase) {
                qr_edit_record_erased(document, piece.item, piece.id, piece.length);
                qr_undo_erased(document, piece.id, piece.length,
                    qr_text_letters(&document->text, piece.item, piece.id, piece.length));
                qr_text_kill(&document->text, piece.id, piece.length);
            } else {
                *out_size += document->text.items[piece.item].size;
                *out_worth = *out_worth || piece.live
                    || !qr_pending_has(&document->replicas, piece.id + piece.length - 1);
            }
            pieces++;
        }
    }
    return pieces;
}

enum quire_status qr_undo_take_out(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct qr_change *changes, size_t count)
{
    struct quire_document *document = undo->document;
    size_t size = 0;
    bool worth = false;
    size_t pieces = each_inserted(undo, changes, count, false, &size, &worth);
    if (!worth) {
        return QUIRE_OK; /* gone already, and nobody else ever saw it */
    }
    enum quire_status status = qr_edit_begin(document, stamp, 1, 2 * pieces);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&document->text, 2 * pieces, 0);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, pieces, size);
    }
    if (status == QUIRE_OK) {
        show_edits(document, true);
        each_inserted(undo, changes, count, true, NULL, NULL);
        show_edits(document, false);
        qr_edit_tick(document, stamp, 1);
    }
    return status;
}

/* ---- what was erased is put back ----------------------------------------------------------- */

/** What is put back in one go: pieces that stand side by side. */
struct chunk {
    uint64_t after;      /* the last dead character: it goes right behind that */
    size_t first_piece;  /* in plan.pieces, up to the next chunk's */
    size_t bytes, size;  /* in plan.letters */
    uint32_t length;
};

struct plan {
    struct piece *pieces;
    struct chunk *chunks;
    size_t piece_count, chunk_count;
    size_t items;
    uint64_t length;
    struct quire_buffer letters;
};

/** Whether a piece stands right behind another, with nothing between, dead or alive: what is dead
 * there may come back as well. */
static bool follows(const struct qr_text *text, const struct piece *before, const struct piece *piece)
{
    const struct qr_item *item = &text->items[before->item];
    uint64_t end = before->id + before->length;
    if (before->item == piece->item) {
        return piece->id == end;
    }
    return end == item->id + item->length && piece->id == text->items[piece->item].id
        && qr_tree_next(&text->order, before->item) == piece->item;
}

/** Appends the pieces of one erasure to the plan. Where plan->pieces is NULL they are only counted. */
static enum quire_status plan_change(struct quire_undo *undo, struct plan *plan,
    const struct qr_change *change, const uint8_t *letters)
{
    const struct qr_text *text = &undo->document->text;
    uint64_t own = change->id;
    uint64_t length = change->length;
    while (length > 0) {
        struct piece piece = next_piece(undo, &own, &length, false);
        struct quire_bytes part = {letters, qr_utf8_size(letters, piece.length)};
        letters += part.size;
        if (piece.item == QR_NONE || piece.live) {
            continue;
        }
        if (plan->pieces == NULL) {
            plan->piece_count++;
            continue;
        }
        struct chunk *chunk = &plan->chunks[plan->chunk_count];
        if (plan->chunk_count == 0 || !follows(text, &plan->pieces[plan->piece_count - 1], &piece)) {
            plan->chunk_count++;
            *chunk = (struct chunk){.first_piece = plan->piece_count, .bytes = plan->letters.size};
        } else {
            chunk--;
        }
        enum quire_status status = quire_buffer_append(&plan->letters, part.data, part.size);
        if (status != QUIRE_OK) {
            return status;
        }
        chunk->after = piece.id + piece.length - 1;
#ifdef QR_FAILPOINT_BACK_IN_FRONT /* planted bugs, which tests/graphs must find */
        chunk->after = piece.id;
#endif
        chunk->size += part.size;
        chunk->length += piece.length;
        plan->length += piece.length;
        plan->pieces[plan->piece_count++] = piece;
    }
    return QUIRE_OK;
}

static enum quire_status plan_all(struct quire_undo *undo, struct plan *plan,
    const struct qr_step *step, size_t first)
{
    enum quire_status status = QUIRE_OK;
    for (size_t i = first; i < step->count && status == QUIRE_OK; i++) {
        status = plan_change(undo, plan, &step->changes[i], qr_change_bytes(step, &step->changes[i]));
    }
    return status;
}

static void put_chunk(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct plan *plan, const struct chunk *chunk, size_t piece_end)
{
    struct quire_document *document = undo->document;
    struct quire_bytes letters = qr_text_add_letters(&document->text,
        (struct quire_bytes){plan->letters.data + chunk->bytes, chunk->size});
    struct qr_run run = {.length = chunk->length};
    qr_text_place_after(&document->text, chunk->after, &run.parent, &run.right);
    run.id = qr_edit_tick(document, stamp, run.length);
    qr_text_integrate(&document->text, &document->replicas, &run, letters);
    document->pending.content_size += chunk->size;
    qr_undo_inserted(document, run.id, run.length);
    uint64_t own = qr_undo_own_id(undo, run.id);
    for (size_t i = chunk->first_piece; i < piece_end; i++) {
        qr_undo_move(undo, plan->pieces[i].own, own, plan->pieces[i].length);
        own += plan->pieces[i].length;
    }
}

/** Makes all that can fail sure. */
static enum quire_status prepare(struct quire_undo *undo, const struct quire_stamp *stamp,
    struct plan *plan)
{
    struct quire_document *document = undo->document;
    for (size_t i = 0; i < plan->chunk_count; i++) {
        plan->items += qr_text_pieces(plan->chunks[i].length) + 2;
    }
    enum quire_status status = qr_edit_begin(document, stamp, plan->length, 0);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&document->text, plan->items, plan->letters.size);
    }
    if (status == QUIRE_OK && document->typing.has_view) {
        status = qr_rope_reserve(&document->typing.view, plan->letters.size, plan->items);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, plan->chunk_count, 0);
    }
    return status == QUIRE_OK ? qr_undo_reserve_moves(undo, plan->piece_count) : status;
}

enum quire_status qr_undo_put_back(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct qr_step *step, size_t first)
{
    struct plan plan = {0};
    enum quire_status status = plan_all(undo, &plan, step, first);
    size_t count = plan.piece_count;
    if (status != QUIRE_OK || count == 0) {
        return status;
    }
    plan.pieces = calloc(count, sizeof *plan.pieces);
    plan.chunks = calloc(count, sizeof *plan.chunks);
    plan.piece_count = 0;
    status = plan.pieces == NULL || plan.chunks == NULL ? QUIRE_ENOMEM
        : plan_all(undo, &plan, step, first);
    if (status == QUIRE_OK) {
        status = prepare(undo, stamp, &plan);
    }
    if (status == QUIRE_OK) {
        show_edits(undo->document, true);
        for (size_t i = 0; i < plan.chunk_count; i++) {
            put_chunk(undo, stamp, &plan, &plan.chunks[i],
                i + 1 < plan.chunk_count ? plan.chunks[i + 1].first_piece : plan.piece_count);
        }
        show_edits(undo->document, false);
    }
    free(plan.pieces);
    free(plan.chunks);
    quire_buffer_finish(&plan.letters);
    return status;
}
