/*
 * The text of an older version of the same document comes back: by ids, so that it comes back once wherever
 * it is restored.
 */
#include "crdt/list.h"
#include "crdt/undo.h"
#include <stdlib.h>

/** Characters of one item, and their letters if they come back. */
struct piece {
    uint64_t id;
    uint32_t length;
    bool revived;
    struct quire_bytes letters; /* of the version, until that changes */
};

struct plan {
    struct piece *pieces;
    size_t count, capacity;
    size_t revived_size, revived_length, erased_size;
};

static enum quire_status add(struct plan *plan, const struct piece *piece, size_t erased_size)
{
    struct piece *pieces =
        qr_list_grown(plan->pieces, plan->count + 1, &plan->capacity, sizeof *pieces);
    if (pieces == NULL) {
        return QUIRE_ENOMEM;
    }
    plan->pieces = pieces;
    pieces[plan->count++] = *piece;
    plan->revived_size += piece->letters.size;
    plan->revived_length += piece->revived ? piece->length : 0;
    plan->erased_size += erased_size;
    return QUIRE_OK;
}

/** Compares the items of one replica, which has number `from` in the version, or 0: it wrote later. */
static enum quire_status plan_replica(struct plan *plan, const struct quire_document *document,
    uint32_t number, const struct quire_document *version, uint32_t from)
{
    const struct qr_text *text = &document->text;
    enum quire_status status = QUIRE_OK;
    uint64_t end = qr_id(number, document->replicas.at[number].seen) + 1;
    struct qr_tree_walk walk =
        qr_tree_walk_from(&text->ids, qr_text_search(text, qr_id(number, 1)));
    for (; walk.item != QR_NONE && text->items[walk.item].id < end && status == QUIRE_OK;
         qr_tree_walk_on(&text->ids, &walk)) {
        const struct qr_item *item = &text->items[walk.item];
        if (walk.item == 0 || qr_id_replica(item->id) != number) {
            continue;
        }
        for (uint32_t done = 0; done < item->length && status == QUIRE_OK;) {
            uint32_t offset = 0;
            uint64_t counter = qr_id_counter(item->id) + done;
            uint32_t then =
                from == 0 ? QR_NONE : qr_text_find(&version->text, qr_id(from, counter), &offset);
            uint32_t here = item->length - done;
            bool live = false;
            if (then != QR_NONE) {
                uint32_t rest = version->text.items[then].length - offset;
                here = here < rest ? here : rest;
                live = version->text.items[then].size > 0;
            }
            struct piece piece = {.id = item->id + done, .length = here, .revived = live};
            if (live && item->size == 0 && item->turn < QR_TURN_MAX) {
                piece.letters = qr_text_letters(&version->text, then, qr_id(from, counter), here);
                status = add(plan, &piece, 0);
            } else if (!live && item->size > 0) {
                status = add(plan, &piece, qr_text_letters(text, walk.item, piece.id, here).size);
            }
            done += here;
        }
    }
    return status;
}

/** Whether all that the version knows is known here; finds what differs. */
static enum quire_status plan_all(
    struct plan *plan, const struct quire_document *document, const struct quire_document *version)
{
    for (uint32_t from = 1; from <= version->replicas.count; from++) {
        const struct qr_replica *replica = &version->replicas.at[from];
        uint32_t number = qr_replicas_find(&document->replicas, replica->name);
        if (number == 0 || document->replicas.at[number].seen < replica->seen) {
            return QUIRE_EINVALID;
        }
    }
    enum quire_status status = QUIRE_OK;
    for (uint32_t number = 1; number <= document->replicas.count && status == QUIRE_OK; number++) {
        status = plan_replica(plan, document, number, version,
            qr_replicas_find(&version->replicas, document->replicas.at[number].name));
    }
    return status;
}

static void apply(const struct plan *plan, struct quire_document *document)
{
    struct qr_text *text = &document->text;
    text->view = document->typing.has_view ? &document->typing.view : NULL;
    for (size_t i = 0; i < plan->count; i++) {
        const struct piece *piece = &plan->pieces[i];
        uint32_t offset;
        uint32_t item = qr_text_find(text, piece->id, &offset);
        if (piece->revived) {
            qr_edit_record_revived(document, piece->id, piece->length, piece->letters);
            qr_text_revive(text, piece->id, piece->length, piece->letters);
            qr_undo_inserted(document, piece->id, piece->length);
        } else {
            qr_edit_record_erased(document, item, piece->id, piece->length);
            qr_undo_erased(document, piece->id, piece->length, text->items[item].turn + 1,
                qr_text_letters(text, item, piece->id, piece->length));
            qr_text_kill(text, piece->id, piece->length);
        }
    }
    text->view = NULL;
}

enum quire_status quire_document_restore_text(struct quire_document *document,
    const struct quire_stamp *stamp, const struct quire_document *version)
{
    struct plan plan = {0};
    enum quire_status status = document == version ? QUIRE_EINVALID : qr_document_settle(document);
    if (status == QUIRE_OK) {
        status = qr_document_settle(version);
    }
    if (status == QUIRE_OK) {
        status = plan_all(&plan, document, version);
    }
    if (status == QUIRE_OK && plan.count > 0) {
        status =
            qr_reserve_revived(document, stamp, plan.count, plan.revived_length, plan.revived_size);
        if (status == QUIRE_OK) {
            status = qr_undo_reserve(document, plan.count, plan.erased_size);
        }
        if (status == QUIRE_OK) {
            apply(&plan, document);
            qr_edit_tick_erasure(document, stamp, 1, true);
        }
    }
    free(plan.pieces);
    return status;
}
