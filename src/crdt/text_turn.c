/*
 * Characters that die and come back, and items that are joined then.
 */
#include "base/failpoint.h"
#include "crdt/text.h"
#include "crdt/text_inner.h"
#include "crdt/utf8.h"
#include <assert.h>
#include <string.h>

/* ---- joining ------------------------------------------------------------------------------- */

/** Whether b goes on with a in every respect, so that one item can hold both. */
static bool goes_on(const struct qr_text *text, uint32_t a, uint32_t b)
{
    const struct qr_item *first = &text->items[a];
    const struct qr_item *second = &text->items[b];
#ifdef QR_FAILPOINT_JOINS_ACROSS
    return a != 0 && first->turn == second->turn && qr_item_is_dead(first)
        && second->left_root == QR_NONE && first->right_root == b && second->before == QR_NONE
        && second->after == QR_NONE;
#endif
    if (a == 0 || first->id + first->length != second->id || second->parent != second->id - 1
        || first->right != second->right || first->turn != second->turn || first->right_root != b
        || second->before != QR_NONE || second->after != QR_NONE || second->left_root != QR_NONE) {
        return false;
    }
    if (qr_item_is_dead(first)) {
        return first->length <= QR_RUN_MAX - second->length;
    }
    return first->length + second->length <= QR_ITEM_LENGTH_MAX
        && first->letters + first->size == second->letters;
}

/** Joins b to a. The index of b is free then. */
static void join(struct qr_text *text, uint32_t a, uint32_t b)
{
    struct qr_item *first = &text->items[a];
    struct qr_item *second = &text->items[b];
    assert(qr_tree_next(&text->order, a) == b);
    first->length += second->length;
    first->size += second->size;
    first->right_root = second->right_root;
    qr_tree_remove(&text->order, b);
    qr_tree_remove(&text->ids, b);
    qr_tree_set_weight(&text->order, a, qr_item_weight(first));
    for (size_t i = 0; i < QR_TEXT_FOUND; i++) {
        text->found[i] = text->found[i] == b ? a : text->found[i];
    }
    text->newest = text->newest == b ? a : text->newest;
    *second = (struct qr_item){.letters = text->free_item};
    text->free_item = b;
    text->free_count++;
}

/** Joins an item to the one before it, if it goes on with that; returns the item that holds it. */
static uint32_t join_before(struct qr_text *text, uint32_t index)
{
    const struct qr_item *item = &text->items[index];
    uint32_t offset;
    if (item->parent == QR_ID_NONE || item->parent != item->id - 1 || item->left_root != QR_NONE) {
        return index;
    }
    uint32_t before = qr_text_find(text, item->parent, &offset);
    if (before == QR_NONE || !goes_on(text, before, index)) {
        return index;
    }
    join(text, before, index);
    return before;
}

static void join_after(struct qr_text *text, uint32_t index)
{
    uint32_t after = text->items[index].right_root;
    if (after != QR_NONE && goes_on(text, index, after)) {
        join(text, index, after);
    }
}

/* ---- turns --------------------------------------------------------------------------------- */

/** Letters of an item that comes back: where they were, if they still stand there, else new. */
static uint32_t store_letters(
    struct qr_text *text, const struct qr_item *item, struct quire_bytes letters)
{
    size_t end = (size_t)item->letters + letters.size;
    if (end <= text->letters.size
        && memcmp(text->letters.data + item->letters, letters.data, letters.size) == 0) {
        return item->letters;
    }
    return (uint32_t)(qr_text_add_letters(text, letters).data - text->letters.data);
}

/** Gives a whole item a greater turn; its letters, if that makes it live. */
static void set_turn(
    struct qr_text *text, uint32_t index, uint32_t turn, struct quire_bytes letters)
{
    struct qr_item *item = &text->items[index];
    bool was_dead = qr_item_is_dead(item);
    item->turn = turn;
    if (was_dead == qr_item_is_dead(item)) {
        return;
    }
    if (was_dead) {
        assert(letters.size > 0);
        item->letters = store_letters(text, item, letters);
        item->size = (uint32_t)letters.size;
        text->visible_size += letters.size;
    } else {
        text->visible_size -= item->size;
        item->size = 0;
    }
    qr_tree_set_weight(&text->order, index, qr_item_weight(item));
    if (text->view != NULL && was_dead) {
        qr_rope_insert(text->view, qr_tree_position(&text->order, index), letters, item->length);
    } else if (text->view != NULL) {
        qr_rope_erase(text->view, qr_tree_position(&text->order, index), item->length);
    }
}

/** The turn that a change gives to characters of this one; the same: it does not touch them. */
typedef uint32_t next_turn(uint32_t now, uint32_t least);

static uint32_t turn_of_killed(uint32_t now, uint32_t least)
{
    (void)least;
    return now % 2 == 0 ? now + 1 : now;
}

static uint32_t turn_of_revived(uint32_t now, uint32_t least)
{
    (void)least;
    return now % 2 != 0 && now < QR_TURN_MAX ? now + 1 : now;
}

static uint32_t turn_of_raised(uint32_t now, uint32_t least)
{
    least = least < QR_TURN_MAX ? least : QR_TURN_MAX;
#ifdef QR_FAILPOINT_LAST_TURN_WINS /* deliberate bugs, which tests/graphs must find */
    return least;
#endif
    return now > least ? now : least;
}

static void change(struct qr_text *text, uint64_t id, uint64_t length, struct quire_bytes letters,
    next_turn *next, uint32_t least)
{
    uint32_t offset;
    uint32_t index = qr_text_find(text, id, &offset);
    assert(index != QR_NONE);
    for (bool changed = false; length > 0;) {
        assert(index != QR_NONE);
        uint32_t here = text->items[index].length - offset;
        here = here < length ? here : (uint32_t)length;
        uint32_t turn = next(text->items[index].turn, least);
        struct quire_bytes part = {
            letters.data, letters.size > 0 ? qr_utf8_size(letters.data, here) : 0};
        bool changed_before = changed;
        changed = turn != text->items[index].turn;
        if (changed) {
            if (offset > 0) {
                index = qr_text_split(text, index, offset);
            }
            if (here < text->items[index].length) {
                qr_text_split(text, index, here);
            }
            set_turn(text, index, turn, part);
        }
        if (offset == 0
            && (changed || changed_before)) { /* what it was cut from does not go on with it */
            index = join_before(text, index);
        }
        offset = 0;
        if (part.size > 0) {
            letters.data += part.size;
            letters.size -= part.size;
        }
        length = QR_FAILPOINT_ON(ERASE_STOPS) ? 0 : length - here;
        if (length > 0) {
            index = qr_tree_next(&text->ids, index);
        }
    }
    join_after(text, index);
}

void qr_text_kill(struct qr_text *text, uint64_t id, uint64_t length)
{
    change(text, id, length, (struct quire_bytes){NULL, 0}, turn_of_killed, 0);
}

void qr_text_revive(struct qr_text *text, uint64_t id, uint64_t length, struct quire_bytes letters)
{
    change(text, id, length, letters, turn_of_revived, 0);
}

void qr_text_raise(
    struct qr_text *text, uint64_t id, uint64_t length, uint32_t turn, struct quire_bytes letters)
{
    change(text, id, length, letters, turn_of_raised, turn);
}

/* ---- invariants ---------------------------------------------------------------------------- */

void qr_text_check(const struct qr_text *text)
{
    size_t size = 0;
    size_t count = 1; /* the start */
    uint64_t end = 0;
    for (uint32_t i = qr_tree_next(&text->ids, 0); i != QR_NONE; i = qr_tree_next(&text->ids, i)) {
        const struct qr_item *item = &text->items[i];
        assert(item->length > 0 && item->id >= end); /* ids ascend and do not overlap */
        assert(
            qr_item_is_dead(item) == (item->size == 0)); /* dead without letters, live with some */
        assert(item->size == 0 || item->length <= QR_ITEM_LENGTH_MAX);
        assert(item->size == 0 || (size_t)item->letters + item->size <= text->letters.size);
        assert(item->size == 0
            || qr_utf8_size(text->letters.data + item->letters, item->length) == item->size);
        uint32_t next = item->right_root;
        assert(
            item->size > 0 || next == QR_NONE || !goes_on(text, i, next)); /* joined when it died */
        end = item->id + item->length;
        size += item->size;
        count++;
    }
    assert(size == text->visible_size);
    assert(count + text->free_count == text->item_count);
    for (uint32_t i = qr_tree_next(&text->order, 0); i != QR_NONE;
         i = qr_tree_next(&text->order, i)) {
        count--;
    }
    assert(count == 1); /* the two trees hold the same items */
}
