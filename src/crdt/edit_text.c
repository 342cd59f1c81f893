/*
 * Typing. A keystroke goes into the view and the last stroke; settling turns strokes into items.
 */
#include "crdt/undo.h"
#include "crdt/utf8.h"

/* ---- settling ----------------------------------------------------------------------------- */

void qr_edit_record_erased(
    struct quire_document *document, uint32_t item, uint64_t id, uint32_t length)
{
    uint64_t end = id + length;
    while (id < end) {
        uint64_t here = end - id;
        bool pending = qr_pending_part(&document->replicas, id, &here);
        if (pending) {
            qr_pending_forget_content(&document->pending,
                qr_text_letters(&document->text, item, id, (uint32_t)here).size);
        } else {
            qr_pending_push(&document->pending, QR_PENDING_ERASE, id, here);
        }
        id += here;
    }
}

void qr_edit_record_revived(
    struct quire_document *document, uint64_t id, uint32_t length, struct quire_bytes letters)
{
    uint64_t end = id + length;
    document->pending.content_size += letters.size;
    while (id < end) {
        uint64_t here = end - id;
        if (!qr_pending_part(&document->replicas, id, &here)) {
            qr_pending_push_turned(&document->pending, id, here, true);
        }
        id += here;
    }
}

enum quire_status qr_reserve_revived(struct quire_document *document,
    const struct quire_stamp *stamp, size_t pieces, size_t length, size_t size)
{
    /* What is pending of a piece is one range in it: two others may be around it. */
    enum quire_status status =
        qr_edit_begin(document, stamp, 1, 3 * pieces + length / QR_REVIVED_MAX);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&document->text, 2 * pieces + 1, size);
    }
    if (status == QUIRE_OK && document->typing.has_view) {
        status = qr_rope_reserve(&document->typing.view, size, pieces);
    }
    return status;
}

static enum quire_status settle_insertion(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_stroke *stroke)
{
    struct qr_text *text = &document->text;
    enum quire_status status = qr_edit_begin(document, stamp, stroke->length, 0);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(text, qr_text_pieces(stroke->length) + 2, 0);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, 1, 0);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    struct qr_run run = {.length = stroke->length};
    qr_text_neighbours(
        text, stroke->position, qr_edit_last(document, stamp), &run.parent, &run.right);
    run.id = qr_edit_tick(document, stamp, stroke->length);
    qr_text_integrate(text, &document->replicas, &run,
        (struct quire_bytes){text->letters.data + stroke->letters, stroke->size});
    document->pending.content_size += stroke->size;
    qr_undo_inserted(document, run.id, run.length);
    return QUIRE_OK;
}

static enum quire_status settle_erasure(struct quire_document *document,
    const struct quire_stamp *stamp, const struct qr_stroke *stroke)
{
    struct qr_text *text = &document->text;
    uint32_t offset;
    size_t pieces = 0;
    size_t size = 0;
    for (size_t passed = 0; passed < stroke->length; pieces++) {
        uint32_t item = qr_tree_at(&text->order, stroke->position + passed, &offset);
        passed += text->items[item].length - offset;
        size += text->items[item].size;
    }
    uint64_t ticks = qr_stroke_ticks(stroke);
    /* What is pending of a piece is one range in it: two others may be around it. */
    enum quire_status status = qr_edit_begin(document, stamp, ticks, 2 * pieces);
    if (status == QUIRE_OK) {
        status = qr_text_reserve(text, 2 + 1, 0);
    }
    if (status == QUIRE_OK) {
        status = qr_undo_reserve(document, pieces, size);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    for (uint32_t left = stroke->length; left > 0;) {
        uint32_t item = qr_text_at(text, stroke->position, &offset);
        uint64_t id = text->items[item].id + offset;
        uint32_t here = text->items[item].length - offset;
        here = here < left ? here : left;
        qr_edit_record_erased(document, item, id, here);
        qr_undo_erased(
            document, id, here, text->items[item].turn + 1, qr_text_letters(text, item, id, here));
        qr_text_kill(text, id, here);
        left -= here;
    }
    qr_edit_tick_erasure(document, stamp, ticks, (stroke->letters & QR_STROKE_GOES_ON) != 0);
    return QUIRE_OK;
}

uint64_t qr_edit_last(const struct quire_document *document, const struct quire_stamp *stamp)
{
    uint32_t replica = qr_replicas_find(&document->replicas, stamp->replica);
    return replica == 0 ? QR_ID_NONE : qr_id(replica, document->replicas.at[replica].seen);
}

void qr_edit_tick_erasure(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks, bool goes_on)
{
    uint32_t offset;
    uint64_t last = qr_edit_last(document, stamp);
    uint32_t item = goes_on ? qr_text_find(&document->text, last, &offset) : QR_NONE;
    struct qr_run run = {.parent = last, .length = (uint32_t)ticks};
    run.id = qr_edit_tick(document, stamp, ticks);
    if (item != QR_NONE && document->text.items[item].size == 0) {
        run.right = document->text.items[item].right;
        run.turn = document->text.items[item].turn;
        qr_text_integrate(
            &document->text, &document->replicas, &run, (struct quire_bytes){NULL, 0});
    }
}

/** Settles so many of the oldest strokes. */
static enum quire_status settle(struct quire_document *document, size_t count)
{
    struct qr_typing *typing = &document->typing;
    struct quire_stamp stamp = {.wall_ms = typing->wall_ms};
    memcpy(stamp.replica, typing->replica, sizeof stamp.replica);
    enum quire_status status = QUIRE_OK;
    while (count-- > 0 && status == QUIRE_OK) {
        struct qr_stroke stroke = typing->strokes[0];
        status = stroke.size > 0 ? settle_insertion(document, &stamp, &stroke)
                                 : settle_erasure(document, &stamp, &stroke);
        if (status == QUIRE_OK) {
            qr_typing_drop(typing);
        }
    }
    return status;
}

enum quire_status qr_document_settle(const struct quire_document *document)
{
    if (document->typing.count == 0) {
        return qr_document_wake(document->self);
    }
    enum quire_status status = settle(document->self, document->typing.count);
    if (status == QUIRE_OK) {
        qr_text_compact(&document->self->text);
    }
    return status;
}

/* ---- typing ------------------------------------------------------------------------------- */

enum quire_status qr_document_need_view(struct quire_document *document)
{
    struct qr_typing *typing = &document->typing;
    const struct qr_text *text = &document->text;
    if (typing->has_view) {
        return QUIRE_OK;
    }
    enum quire_status status = qr_rope_reserve(&typing->view, text->visible_size, 1);
    if (status != QUIRE_OK) {
        return status;
    }
    for (uint32_t i = qr_tree_next(&text->order, 0); i != QR_NONE;
         i = qr_tree_next(&text->order, i)) {
        const struct qr_item *item = &text->items[i];
        if (item->size > 0) {
            qr_rope_insert(&typing->view, typing->view.total.points,
                (struct quire_bytes){text->letters.data + item->letters, item->size}, item->length);
        }
    }
    typing->has_view = true;
    return QUIRE_OK;
}

/** For the first stroke of a replica. */
static enum quire_status prepare_anew(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks)
{
    struct qr_typing *typing = &document->typing;
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    uint32_t replica = qr_replicas_find(&document->replicas, stamp->replica);
    uint64_t ticks_max = QR_COUNTER_MAX;
    if (replica == 0) {
        status = qr_replicas_reserve(&document->replicas, 1);
    } else {
        ticks_max -= document->replicas.at[replica].seen;
        status = ticks > ticks_max ? QUIRE_ELIMIT : QUIRE_OK;
    }
    if (status == QUIRE_OK) {
        status = qr_document_need_view(document);
    }
    if (status == QUIRE_OK) {
        status = qr_typing_reserve(typing);
    }
    if (status == QUIRE_OK) {
        typing->ticks_max = ticks_max;
        memcpy(typing->replica, stamp->replica, sizeof typing->replica);
    }
    return status;
}

/** Makes sure that a stroke of so many counters can be noted now and settled later. */
static inline enum quire_status prepare(
    struct quire_document *document, const struct quire_stamp *stamp, uint64_t ticks)
{
    struct qr_typing *typing = &document->typing;
    if (!qr_typing_is_by(typing, stamp) || ticks > typing->ticks_max - typing->ticks) {
        return prepare_anew(document, stamp, ticks);
    }
    enum quire_status status = QUIRE_OK;
    if (typing->count >= QR_STROKES_MAX) {
        status = settle(document, QR_STROKES_BATCH);
    }
    return status == QUIRE_OK ? qr_typing_reserve(typing) : status;
}

/** Nothing fails from here on. */
static void note(struct qr_typing *typing, const struct quire_stamp *stamp, uint64_t ticks)
{
    typing->ticks += ticks;
    if (stamp->wall_ms > typing->wall_ms) {
        typing->wall_ms = stamp->wall_ms;
    }
}

/** The next letter of the last stroke, which is where nearly all are. False: it is another case. */
static inline bool type_on(struct quire_document *document, const struct quire_stamp *stamp,
    size_t position, const uint8_t *letter, size_t size)
{
    struct qr_typing *typing = &document->typing;
    struct quire_buffer *letters = &document->text.letters;
    if (!qr_typing_is_by(typing, stamp)) {
        return false;
    }
    struct qr_stroke *stroke = &typing->strokes[typing->count - 1];
    if (stroke->size == 0 || position != (size_t)stroke->position + stroke->length
        || stroke->length >= QR_STROKE_LENGTH_MAX || letters->capacity - letters->size < size
        || typing->view.total.bytes + size > QR_WRITTEN_TEXT_MAX
        || typing->ticks == typing->ticks_max
        || !qr_rope_type(&typing->view, position, letter, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        letters->data[letters->size + i] = letter[i];
    }
    letters->size += size;
    stroke->length++;
    stroke->size += (uint32_t)size;
    typing->content_size += size;
    note(typing, stamp, 1);
    return true;
}

/** Whether a text is one code point. */
static bool is_point(struct quire_bytes text)
{
    size_t count = 0;
    return text.size <= 4 && qr_utf8_count(text, &count) && count == 1;
}

static size_t length_of(const struct quire_document *document)
{
    return document->typing.has_view ? document->typing.view.total.points
                                     : quire_document_text_length(document);
}

static enum quire_status insert(struct quire_document *document, const struct quire_stamp *stamp,
    size_t position, struct quire_bytes text)
{
    struct qr_typing *typing = &document->typing;
    size_t length;
    if (text.size == 0 || position > length_of(document)) {
        return QUIRE_EINVALID;
    }
    size_t size = typing->has_view ? typing->view.total.bytes : quire_document_text_size(document);
    if (size > QR_WRITTEN_TEXT_MAX || text.size > QR_WRITTEN_TEXT_MAX - size) {
        return QUIRE_ELIMIT;
    }
    if (!qr_utf8_count(text, &length)) {
        return QUIRE_EINVALID;
    }
    enum quire_status status = prepare(document, stamp, length);
    if (status == QUIRE_OK) {
        status = qr_text_reserve_letters(&document->text, text.size);
    }
    if (status == QUIRE_OK) {
        status = qr_rope_reserve(&typing->view, text.size, 1);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    qr_rope_insert(&typing->view, position, text, length);
    struct qr_stroke stroke = {.position = (uint32_t)position,
        .length = (uint32_t)length,
        .size = (uint32_t)text.size,
        .letters = (uint32_t)document->text.letters.size};
    qr_text_add_letters(&document->text, text);
    qr_typing_insert(typing, &stroke);
    typing->content_size += text.size;
    note(typing, stamp, length);
    return QUIRE_OK;
}

enum quire_status quire_document_insert(struct quire_document *document,
    const struct quire_stamp *stamp, size_t position, struct quire_bytes text)
{
    if (text.size == 1 && text.data[0] < 0x80 && type_on(document, stamp, position, text.data, 1)) {
        return QUIRE_OK;
    }
    if (text.size > 1 && is_point(text)
        && type_on(document, stamp, position, text.data, text.size)) {
        return QUIRE_OK;
    }
    return insert(document, stamp, position, text);
}

/** Whether the character that the replica typed last is dead once a range is erased. What was typed last
 * is in the last stroke; without strokes, in the items. */
static bool kills_last(const struct quire_document *document, const struct quire_stamp *stamp,
    size_t position, size_t count)
{
    const struct qr_stroke *stroke = qr_typing_last(&document->typing);
    if (stroke != NULL && stroke->size == 0) {
        return (stroke->letters & QR_STROKE_GOES_ON) != 0;
    }
    size_t end;
    if (stroke != NULL) {
        end = (size_t)stroke->position + stroke->length;
    } else {
        uint32_t offset;
        uint32_t item = qr_text_find(&document->text, qr_edit_last(document, stamp), &offset);
        if (item == QR_NONE || document->text.items[item].size == 0) {
            return item != QR_NONE;
        }
        end = qr_tree_position(&document->text.order, item) + offset + 1;
    }
    return position < end && position + count >= end;
}

static enum quire_status erase(
    struct quire_document *document, const struct quire_stamp *stamp, size_t position, size_t count)
{
    struct qr_typing *typing = &document->typing;
    size_t length = length_of(document);
    if (count == 0 || position > length || count > length - position) {
        return QUIRE_EINVALID;
    }
    enum quire_status status = prepare(document, stamp, 1);
    if (status != QUIRE_OK) {
        return status;
    }
    bool goes_on = kills_last(document, stamp, position, count);
    size_t size = typing->view.total.bytes;
    if (count > 1
        || (!qr_rope_untype(&typing->view, position) && !qr_rope_delete(&typing->view, position))) {
        qr_rope_erase(&typing->view, position, count);
    }
    typing->erased_size += size - typing->view.total.bytes;
    qr_typing_erase(typing, position, count, goes_on);
    note(typing, stamp, 1);
    return QUIRE_OK;
}

/** Backspace after backspace, delete after delete. False: it is another case. */
static bool erase_on(
    struct quire_document *document, const struct quire_stamp *stamp, size_t position)
{
    struct qr_typing *typing = &document->typing;
    if (!qr_typing_is_by(typing, stamp)) {
        return false;
    }
    struct qr_stroke *stroke = &typing->strokes[typing->count - 1];
    if (stroke->size > 0 || typing->ticks == typing->ticks_max) {
        return false;
    }
    size_t size = typing->view.total.bytes;
    bool erased = position == stroke->position
        ? qr_rope_delete(&typing->view, position)
        : position + 1 == stroke->position && qr_rope_untype(&typing->view, position);
    if (!erased) {
        return false;
    }
    stroke->position = (uint32_t)position;
    stroke->length++;
    stroke->letters++;
    typing->erased_size += size - typing->view.total.bytes;
    note(typing, stamp, 1);
    return true;
}

enum quire_status quire_document_erase(
    struct quire_document *document, const struct quire_stamp *stamp, size_t position, size_t count)
{
    if (count == 1 && erase_on(document, stamp, position)) {
        return QUIRE_OK;
    }
    return erase(document, stamp, position, count);
}
