/*
 * Text taken back: characters that were typed die, characters that were erased come back, with their ids.
 */
#include "crdt/undo.h"
#include "crdt/utf8.h"

/** Characters of one item, by the document's ids. */
struct piece {
    uint64_t id;
    uint32_t item; /* QR_NONE: the document has not seen them */
    uint32_t length;
    bool live;
};

/** The piece that a range of the undo's ids begins with; own and length then belong to the rest. */
static struct piece next_piece(const struct quire_undo *undo, uint64_t *own, uint64_t *length)
{
    const struct qr_text *text = &undo->document->text;
    uint32_t offset = 0;
    struct piece piece = {.id = qr_undo_id(undo, *own), .length = 1};
    piece.item = qr_text_find(text, piece.id, &offset);
    if (piece.item != QR_NONE) {
        const struct qr_item *item = &text->items[piece.item];
        uint64_t here = item->length - offset;
        piece.length = (uint32_t)(here < *length ? here : *length);
        piece.live = item->size > 0;
    }
    *own += piece.length;
    *length -= piece.length;
    return piece;
}

static void show_edits(struct quire_document *document, bool on)
{
    document->text.view = on && document->typing.has_view ? &document->typing.view : NULL;
}

/** The counter of a step that was taken back or made again. */
static void tick(struct quire_document *document, const struct quire_stamp *stamp)
{
    qr_edit_tick_erasure(document, stamp, 1, true);
}

/* ---- what was typed is erased -------------------------------------------------------------- */

static bool is_unsent(const struct quire_document *document, uint64_t id, uint32_t length)
{
    return qr_pending_has(&document->replicas, id)
        && qr_pending_has(&document->replicas, id + length - 1);
}

/** Counts, or erases, the pieces of a block of insertions. What another device erased gets a further turn:
 * if that device takes its erasure back, what its author took back stays erased. */
static size_t each_inserted(struct quire_undo *undo, const struct qr_change *changes, size_t count,
    bool erase, size_t *out_size)
{
    struct quire_document *document = undo->document;
    size_t pieces = 0;
    for (size_t i = count; i > 0; i--) {
        uint64_t own = changes[i - 1].id;
        uint64_t length = changes[i - 1].length;
        while (length > 0) {
            struct piece piece = next_piece(undo, &own, &length);
            if (piece.item == QR_NONE
                || (!piece.live && is_unsent(document, piece.id, piece.length))) {
                continue;
            }
            uint32_t turn = document->text.items[piece.item].turn;
            if (erase) {
                qr_edit_record_erased(document, piece.item, piece.id, piece.length);
                qr_undo_erased(document, piece.id, piece.length, turn + 1,
                    qr_text_letters(&document->text, piece.item, piece.id, piece.length));
                qr_text_raise(&document->text, piece.id, piece.length, turn + (piece.live ? 1 : 2),
                    (struct quire_bytes){NULL, 0});
            } else {
                *out_size += document->text.items[piece.item].size;
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
    size_t pieces = each_inserted(undo, changes, count, false, &size);
    if (pieces == 0) {
        return QUIRE_OK; /* gone already */
    }
    enum quire_status status = qr_edit_begin(document, stamp, 1, 3 * pieces);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&document->text, 2 * pieces + 1, 0);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, pieces, size);
    }
    if (status == QUIRE_OK) {
        show_edits(document, true);
        each_inserted(undo, changes, count, true, NULL);
        show_edits(document, false);
        tick(document, stamp);
    }
    return status;
}

/* ---- what was erased comes back ------------------------------------------------------------ */

/** What coming back needs room for. */
struct revival {
    size_t pieces, size, length;
};

/** Revives some characters of one item, which are dead. Room was reserved. */
static void revive(
    struct quire_document *document, uint64_t id, uint32_t length, struct quire_bytes letters)
{
    qr_edit_record_revived(document, id, length, letters);
    qr_text_revive(&document->text, id, length, letters);
    qr_undo_inserted(document, id, length);
}

/** Counts, or revives, the pieces of one erasure that are as it left them. */
static void each_erased(struct quire_undo *undo, const struct qr_step *step,
    const struct qr_change *change, struct revival *counts)
{
    struct quire_document *document = undo->document;
    const uint8_t *letters = qr_change_bytes(step, change);
    uint64_t own = change->id;
    uint64_t length = change->length;
    while (length > 0) {
        struct piece piece = next_piece(undo, &own, &length);
        struct quire_bytes part = {letters, qr_utf8_size(letters, piece.length)};
        letters += part.size;
        if (piece.item == QR_NONE || document->text.items[piece.item].turn != change->number
            || change->number == QR_TURN_MAX) {
            continue; /* it came back, or was erased again, since */
        }
        if (counts == NULL) {
            revive(document, piece.id, piece.length, part);
            continue;
        }
        counts->pieces++;
        counts->size += part.size;
        counts->length += piece.length;
    }
}

enum quire_status qr_undo_put_back(struct quire_undo *undo, const struct quire_stamp *stamp,
    const struct qr_step *step, size_t first)
{
    struct quire_document *document = undo->document;
    struct revival counts = {0};
    for (size_t i = first; i < step->count; i++) {
        each_erased(undo, step, &step->changes[i], &counts);
    }
    if (counts.pieces == 0) {
        return QUIRE_OK;
    }
    enum quire_status status =
        qr_reserve_revived(document, stamp, counts.pieces, counts.length, counts.size);
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, counts.pieces, 0);
    }
    if (status == QUIRE_OK) {
        show_edits(document, true);
        for (size_t i = first; i < step->count; i++) {
            each_erased(undo, step, &step->changes[i], NULL);
        }
        show_edits(document, false);
        tick(document, stamp);
    }
    return status;
}
