/*
 * Text in FugueMax order, as runs.
 */
#include "base/failpoint.h"
#include "crdt/siblings.h"
#include "crdt/text.h"
#include "crdt/text_inner.h"
#include "crdt/utf8.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** So far a spine is walked, child by child; further the order tree is asked. */
#define SPINE_STEPS_MAX 24

enum quire_status qr_text_init(struct qr_text *text)
{
    struct qr_text fresh = {0};
    enum quire_status status = QUIRE_ENOMEM;
    fresh.items = malloc(sizeof *fresh.items);
    if (fresh.items == NULL) {
        goto out;
    }
    fresh.item_capacity = 1;
    fresh.item_count = 1;
    fresh.free_item = QR_NONE;
    fresh.items[0] = (struct qr_item){.length = 1,
        .left_root = QR_NONE,
        .right_root = QR_NONE,
        .before = QR_NONE,
        .after = QR_NONE};
    status = qr_tree_init(&fresh.order, true);
    if (status == QUIRE_OK) {
        status = qr_tree_init(&fresh.ids, false);
    }
out:
    if (status == QUIRE_OK) {
        *text = fresh;
    } else {
        qr_text_finish(&fresh);
    }
    return status;
}

void qr_text_finish(struct qr_text *text)
{
    free(text->items);
    qr_tree_finish(&text->order);
    qr_tree_finish(&text->ids);
    quire_buffer_finish(&text->letters);
    *text = (struct qr_text){0};
}

enum quire_status qr_text_reserve(struct qr_text *text, size_t items, size_t letters)
{
    size_t needed = text->item_count - text->free_count + items;
    if (needed >= QR_NONE) {
        return QUIRE_ENOMEM; /* indices have 32 bits */
    }
    if (needed > text->item_capacity) {
        size_t capacity = text->item_capacity + text->item_capacity / 2;
        capacity = capacity > needed ? capacity : needed;
        struct qr_item *grown = realloc(text->items, capacity * sizeof *grown);
        if (grown == NULL) {
            return QUIRE_ENOMEM;
        }
        text->items = grown;
        text->item_capacity = capacity;
    }
    enum quire_status status = qr_tree_reserve(&text->order, needed, items);
    if (status == QUIRE_OK) {
        status = qr_tree_reserve(&text->ids, needed, items);
    }
    return status == QUIRE_OK ? qr_text_reserve_letters(text, letters) : status;
}

enum quire_status qr_text_grow_letters(struct qr_text *text, size_t letters)
{
    bool countable = letters <= UINT32_MAX - text->letters.size;
    return countable ? quire_buffer_reserve(&text->letters, letters) : QUIRE_ENOMEM;
}

uint32_t qr_text_search(const struct qr_text *text, uint64_t id)
{
    return qr_tree_search(&text->ids, id, &text->items[0].id, sizeof text->items[0]);
}

uint32_t qr_text_find(const struct qr_text *text, uint64_t id, uint32_t *out_offset)
{
    uint32_t item = text->found[qr_id_replica(id) % QR_TEXT_FOUND];
    if (id == QR_ID_NONE || id - text->items[item].id >= text->items[item].length) {
        item = qr_text_search(text, id);
    }
    if (id == QR_ID_NONE || id - text->items[item].id >= text->items[item].length) {
        return QR_NONE;
    }
    *out_offset = (uint32_t)(id - text->items[item].id);
    return item;
}

void qr_text_remember(struct qr_text *text, uint32_t item)
{
    text->found[qr_id_replica(text->items[item].id) % QR_TEXT_FOUND] = item;
}

uint64_t qr_text_known(const struct qr_text *text, uint64_t id, uint64_t length)
{
    uint32_t offset;
    uint64_t known = 0;
    uint32_t item = qr_text_find(text, id, &offset);
    while (item != QR_NONE && text->items[item].id == id + known - offset) {
        known += text->items[item].length - offset;
        offset = 0;
        if (known >= length) {
            return length;
        }
        item = qr_tree_next(&text->ids, item);
    }
    return known;
}

bool qr_text_any_before(const struct qr_text *text, uint64_t id, uint64_t length, uint32_t turn)
{
    uint32_t offset;
    uint32_t item = qr_text_find(text, id, &offset);
    while (item != QR_NONE && text->items[item].id < id + length) {
        if (text->items[item].turn < turn) {
            return true;
        }
        item = qr_tree_next(&text->ids, item);
    }
    return false;
}

/** Bytes that the first code points of an item take. */
static uint32_t size_of(const struct qr_text *text, const struct qr_item *item, uint32_t count)
{
    if (item->size <= item->length) {
        return item->size > 0 ? count : 0; /* one byte each, or dead */
    }
    return (uint32_t)qr_utf8_size(text->letters.data + item->letters, count);
}

struct quire_bytes qr_text_letters(
    const struct qr_text *text, uint32_t item, uint64_t id, uint32_t length)
{
    const struct qr_item *whole = &text->items[item];
    if (whole->size == 0) {
        return (struct quire_bytes){NULL, 0};
    }
    uint32_t offset = (uint32_t)(id - whole->id);
    uint32_t from = size_of(text, whole, offset);
    uint32_t to =
        offset + length == whole->length ? whole->size : size_of(text, whole, offset + length);
    return (struct quire_bytes){text->letters.data + whole->letters + from, to - from};
}

/** The index of a new item. Room was reserved. */
static uint32_t new_item(struct qr_text *text)
{
    uint32_t index = text->free_item;
    if (index == QR_NONE) {
        assert(text->item_count < text->item_capacity);
        return (uint32_t)text->item_count++;
    }
    text->free_item = text->items[index].letters;
    text->free_count--;
    return index;
}

uint32_t qr_text_split(struct qr_text *text, uint32_t index, uint32_t offset)
{
    uint32_t tail_index = new_item(text);
    struct qr_item *head = &text->items[index];
    struct qr_item *tail = &text->items[tail_index];
    uint32_t size = size_of(text, head, offset);
    *tail = *head;
    tail->id = head->id + offset;
    tail->parent = tail->id - 1;
    tail->length = head->length - offset;
    head->length = offset;
    head->size = size;
    tail->size -= size;
    tail->letters += size;
    tail->left_root = QR_NONE;
    tail->before = QR_NONE;
    tail->after = QR_NONE;
    tail->depth = head->depth + offset;
    head->right_root = tail_index;
    qr_text_remember(text, tail_index);
    qr_tree_set_weight(&text->order, index, qr_item_weight(head));
    qr_tree_insert_after(&text->order, index, tail_index, qr_item_weight(tail));
    qr_tree_set_level(&text->order, tail_index, tail->depth);
    qr_tree_insert_after(&text->ids, index, tail_index, 0);
    return tail_index;
}

/** Where a right neighbour stands: an item and how far in. */
struct place {
    uint32_t item; /* QR_NONE: the end */
    uint32_t offset;
};

static struct place place_of(const struct qr_text *text, uint64_t id)
{
    struct place place = {QR_NONE, 0};
    if (id != QR_ID_NONE) {
        place.item = qr_text_find(text, id, &place.offset);
        assert(place.item != QR_NONE);
    }
    return place;
}

static bool is_before(const struct qr_text *text, struct place a, struct place b)
{
    if (a.item == b.item) {
        return a.offset < b.offset;
    }
    if (a.item == QR_NONE || b.item == QR_NONE) {
        return b.item == QR_NONE;
    }
    return qr_tree_before(&text->order, a.item, b.item);
}

/** Among right children of one parent: what stood further right comes first, then the lesser id. */
static bool right_child_before(const struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_item *a, const struct qr_run *b)
{
#ifdef QR_FAILPOINT_ORDER_OF_FUGUE /* deliberate bugs in the rule of the order, which tests/graphs must find */
    return qr_replicas_id_before(replicas, a->id, b->id);
#endif
    if (a->right == b->right) {
        return QR_FAILPOINT_ON(TIE_BY_ARRIVAL) || qr_replicas_id_before(replicas, a->id, b->id);
    }
#ifdef QR_FAILPOINT_NEAREST_FIRST
    return is_before(text, place_of(text, a->right), place_of(text, b->right));
#endif
    return is_before(text, place_of(text, b->right), place_of(text, a->right));
}

/** Hangs a new item among its siblings; tells the one before it and the one after. */
static void join_siblings(struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_run *run, uint32_t parent, uint32_t index, struct qr_beside *out_beside)
{
    bool left = qr_run_is_left(run);
    uint32_t *root = left ? &text->items[parent].left_root : &text->items[parent].right_root;
    uint32_t *links[QR_SIBLINGS_DEPTH_MAX + 2] = {root};
    uint32_t *link = root;
    uint32_t depth = 0;
    *out_beside = (struct qr_beside){QR_NONE, QR_NONE};
    for (; *link != QR_NONE; depth++) {
        struct qr_item *sibling = &text->items[*link];
        bool after = left ? qr_replicas_id_before(replicas, sibling->id, run->id)
                          : right_child_before(text, replicas, sibling, run);
        if (after) {
            out_beside->before = *link;
            link = &sibling->after;
        } else {
            out_beside->after = *link;
            link = &sibling->before;
        }
        assert(depth <= QR_SIBLINGS_DEPTH_MAX);
        links[depth + 1] = link;
    }
    *link = index;
    text->steps += depth;
    if (depth >= QR_SIBLINGS_DEPTH_MAX) {
        text->steps += qr_siblings_balance(text->items, links, depth);
    }
}

struct quire_bytes qr_text_add_letters(struct qr_text *text, struct quire_bytes letters)
{
    assert(letters.size <= text->letters.capacity - text->letters.size);
    uint8_t *added = NULL;
    if (letters.size > 0) {
        added = text->letters.data + text->letters.size;
        memcpy(added, letters.data, letters.size);
        text->letters.size += letters.size;
    }
    return (struct quire_bytes){added, letters.size};
}

/** Some characters of an item have appeared: the view shows them too. */
static void show(struct qr_text *text, uint32_t index, uint32_t offset, uint32_t length,
    struct quire_bytes letters)
{
    text->visible_size += letters.size;
    if (text->view != NULL && letters.size > 0) {
        qr_rope_insert(text->view, qr_tree_position(&text->order, index) + offset, letters, length);
    }
}

/** A run without letters is dead. */
static uint32_t turn_of(const struct qr_run *run, struct quire_bytes letters)
{
    return run->turn > 0 || letters.size > 0 ? run->turn : 1;
}

/** Adds to an item what follows its last character in every respect. */
static bool extend(
    struct qr_text *text, uint32_t index, const struct qr_run *run, struct quire_bytes letters)
{
    struct qr_item *item = &text->items[index];
    bool dead = letters.size == 0;
    if (index == 0 || run->parent != run->id - 1 || item->right != run->right
        || item->right_root != QR_NONE || item->turn != turn_of(run, letters)) {
        return false;
    }
    if (dead ? item->length > QR_RUN_MAX - run->length
             : item->length + run->length > QR_ITEM_LENGTH_MAX
                || (!text->letters_later
                    && text->letters.data + item->letters + item->size != letters.data)) {
        return false;
    }
    uint32_t offset = item->length;
    item->length += run->length;
    item->size += (uint32_t)letters.size;
    qr_tree_set_weight(&text->order, index, qr_item_weight(item));
    show(text, index, offset, run->length, letters);
    qr_text_remember(text, index);
    return true;
}

/** The item that comes before a new id: as a rule the one that came last. */
static uint32_t before_of(const struct qr_text *text, uint64_t id)
{
    if (text->items[text->newest].id < id) {
        uint32_t next = qr_tree_next(&text->ids, text->newest);
        if (next == QR_NONE || text->items[next].id > id) {
            return text->newest;
        }
    }
    return qr_text_search(text, id);
}

static uint32_t add_item(struct qr_text *text, const struct qr_run *run, struct quire_bytes letters)
{
    uint32_t index = new_item(text);
    text->items[index] = (struct qr_item){.id = run->id,
        .parent = run->parent,
        .right = run->right,
        .length = run->length,
        .size = (uint32_t)letters.size,
        .left_root = QR_NONE,
        .right_root = QR_NONE,
        .before = QR_NONE,
        .after = QR_NONE,
        .turn = turn_of(run, letters)};
    if (letters.size > 0 && !text->letters_later) {
        text->items[index].letters = (uint32_t)(letters.data - text->letters.data);
    }
    qr_tree_insert_after(&text->ids, before_of(text, run->id), index, 0);
    text->newest = index;
    qr_text_remember(text, index);
    return index;
}

/** The first item of all that hangs on this one and of itself. */
static uint32_t first_of(struct qr_text *text, uint32_t index)
{
    for (unsigned step = 0; step < SPINE_STEPS_MAX; step++) {
        uint32_t child = text->items[index].left_root;
        if (child == QR_NONE) {
            return index;
        }
        while (text->items[child].before != QR_NONE) {
            child = text->items[child].before;
            step++;
        }
        index = child;
        text->steps++;
    }
    return text->items[index].left_root == QR_NONE
        ? index
        : qr_tree_last_level(&text->order, index, text->items[index].depth);
}

/** The first item after all that hangs on this one; QR_NONE: the end. */
static uint32_t past(struct qr_text *text, uint32_t index)
{
    uint32_t last = index;
    for (unsigned step = 0; step < SPINE_STEPS_MAX; step++) {
        uint32_t child = text->items[last].right_root;
        if (child == QR_NONE) {
            return qr_tree_next(&text->order, last);
        }
        while (text->items[child].after != QR_NONE) {
            child = text->items[child].after;
            step++;
        }
        last = child;
        text->steps++;
    }
    return qr_tree_next_level(&text->order, index, text->items[index].depth);
}

static void integrate_left(struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_run *run, struct quire_bytes letters)
{
    uint32_t offset;
    uint32_t parent = qr_text_find(text, run->parent, &offset);
    assert(parent != QR_NONE);
    if (offset > 0) {
        parent = qr_text_split(text, parent, offset);
    }
    uint32_t index = add_item(text, run, letters);
    struct qr_beside beside;
    join_siblings(text, replicas, run, parent, index, &beside);
    struct qr_item *item = &text->items[index];
    uint64_t depth = item->depth = text->items[parent].depth + 1;

    uint32_t next = beside.after == QR_NONE ? parent : first_of(text, beside.after);
    qr_tree_insert_before(&text->order, next, index, qr_item_weight(item));
    uint64_t level = depth;
    if (beside.before
        == QR_NONE) { /* now it is the first of all that its parent was, or the child */
        level = text->order.level[next];
        uint64_t own = next == parent ? depth - 1 : depth;
        if (level < own) {
            qr_tree_set_level(&text->order, next, own);
        }
    }
    qr_tree_set_level(&text->order, index, level);
    show(text, index, 0, run->length, letters);
}

static void integrate_right(struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_run *run, struct quire_bytes letters)
{
    uint32_t offset = 0;
    uint32_t parent = run->parent == QR_ID_NONE ? 0 : qr_text_find(text, run->parent, &offset);
    assert(parent != QR_NONE);
    if (offset + 1 < text->items[parent].length) {
        qr_text_split(text, parent, offset + 1);
    } else if (extend(text, parent, run, letters)) {
        return;
    }
    uint32_t index = add_item(text, run, letters);
    struct qr_beside beside;
    join_siblings(text, replicas, run, parent, index, &beside);
    struct qr_item *item = &text->items[index];
    item->depth = text->items[parent].depth + text->items[parent].length;

    uint32_t next = beside.before == QR_NONE ? QR_NONE : past(text, beside.before);
    if (beside.before == QR_NONE) {
        qr_tree_insert_after(&text->order, parent, index, qr_item_weight(item));
    } else if (next != QR_NONE) {
        qr_tree_insert_before(&text->order, next, index, qr_item_weight(item));
    } else {
        qr_tree_insert_last(&text->order, index, qr_item_weight(item));
    }
    qr_tree_set_level(&text->order, index, item->depth);
    show(text, index, 0, run->length, letters);
}

void qr_text_integrate(struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_run *run, struct quire_bytes letters)
{
    struct qr_run piece = *run;
    uint32_t left = run->length;
    while (left > 0) {
        struct quire_bytes here = letters;
        piece.length = left;
        if (letters.size > 0 && left > QR_ITEM_LENGTH_MAX) {
            piece.length = QR_ITEM_LENGTH_MAX;
            here.size =
                text->letters_later ? piece.length : qr_utf8_size(letters.data, piece.length);
        }
        if (qr_run_is_left(&piece)) {
            integrate_left(text, replicas, &piece, here);
        } else {
            integrate_right(text, replicas, &piece, here);
        }
        left -= piece.length;
        if (!text->letters_later) {
            letters.data = left > 0 && letters.size > 0 ? letters.data + here.size : NULL;
        }
        letters.size -= here.size;
        piece.id += piece.length;
        piece.parent = piece.id - 1;
    }
}

void qr_text_deal(struct qr_text *text, struct quire_bytes letters)
{
    uint32_t at = (uint32_t)(letters.data - text->letters.data);
    for (uint32_t i = qr_tree_next(&text->order, 0); i != QR_NONE;
         i = qr_tree_next(&text->order, i)) {
        struct qr_item *item = &text->items[i];
        if (item->size > 0) {
            item->letters = at;
            item->size = (uint32_t)qr_utf8_size(text->letters.data + at, item->length);
            at += item->size;
        }
    }
    text->visible_size = letters.size;
}

/** What a character typed right after one of an item's has as parent and right neighbour. */
static void neighbours_after(
    struct qr_text *text, uint32_t left, uint32_t offset, uint64_t *out_parent, uint64_t *out_right)
{
    const struct qr_item *item = &text->items[left];
    qr_text_remember(text, left);
    if (offset + 1 < item->length) { /* its follower is its right child */
        *out_parent = *out_right = item->id + offset + 1;
        return;
    }
    uint32_t next = qr_tree_next(&text->order, left);
    *out_right = next == QR_NONE ? QR_ID_NONE : text->items[next].id;
    bool has_right_child = item->right_root != QR_NONE;
#ifdef QR_FAILPOINT_ALWAYS_RIGHT /* a deliberate bug, which tests/graphs must find */
    has_right_child = false;
#endif
    if (has_right_child) {
        *out_parent = *out_right; /* which hangs on the left one, so hang on it */
        qr_text_remember(text, next);
    } else {
        *out_parent = left == 0 ? QR_ID_NONE : item->id + offset;
    }
}

void qr_text_neighbours(
    struct qr_text *text, size_t position, uint64_t last, uint64_t *out_parent, uint64_t *out_right)
{
    uint32_t offset =
        0; /* the last character is the end of an item that was written last: rarely searched for */
    uint32_t left = qr_text_find(text, last, &offset);
    if (left == QR_NONE || text->items[left].size > 0 || offset + 1 < text->items[left].length
        || qr_tree_position(&text->order, left) != position) {
        offset = 0;
        left = position == 0 ? 0 : qr_tree_at(&text->order, position - 1, &offset);
    }
    neighbours_after(text, left, offset, out_parent, out_right);
}

uint32_t qr_text_at(struct qr_text *text, size_t position, uint32_t *out_offset)
{
    uint32_t item = qr_tree_at(&text->order, position, out_offset);
    qr_text_remember(text, item);
    return item;
}

enum quire_status qr_text_append(const struct qr_text *text, struct quire_buffer *out_text)
{
    return qr_text_append_start(text, text->visible_size, out_text);
}

enum quire_status qr_text_append_start(
    const struct qr_text *text, size_t size, struct quire_buffer *out_text)
{
    size_t left = size < text->visible_size ? size : text->visible_size;
    enum quire_status status = quire_buffer_reserve(out_text, left);
    struct qr_tree_walk walk = qr_tree_walk_from(&text->order, 0);
    size_t from = 0; /* letters to be copied at once: those of a state stand as they are read */
    size_t to = 0;
    for (; status == QUIRE_OK && left > 0; qr_tree_walk_on(&text->order, &walk)) {
        const struct qr_item *item = &text->items[walk.item];
        if (item->size > 0) {
            if (item->letters != to && to > from) {
                status = quire_buffer_append(out_text, text->letters.data + from, to - from);
            }
            if (item->letters != to) {
                from = to = item->letters;
            }
            size_t part = item->size < left ? item->size : left;
            to += part;
            left -= part;
        }
    }
    if (status == QUIRE_OK && to > from) {
        status = quire_buffer_append(out_text, text->letters.data + from, to - from);
    }
    return status;
}

void qr_text_compact(struct qr_text *text)
{
    struct quire_buffer letters = {0};
    if (text->letters.size < 2 * text->visible_size + 65536
        || quire_buffer_reserve(&letters, text->visible_size) != QUIRE_OK) {
        return;
    }
    for (size_t i = 0; i < text->item_count; i++) {
        struct qr_item *item = &text->items[i];
        if (item->size > 0) {
            memcpy(letters.data + letters.size, text->letters.data + item->letters, item->size);
            item->letters = (uint32_t)letters.size;
            letters.size += item->size;
        }
    }
    quire_buffer_finish(&text->letters);
    text->letters = letters;
}
