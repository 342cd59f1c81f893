/*
 * Text in FugueMax order, as runs.
 *
 * Each character has an id, a parent and a side. As the left child of P it stands before P, as a
 * right child after it; what it holds is read left children, itself, right children. Left children
 * of one parent are ordered by id; right children by what stood to their right when they were typed
 * (what stood further right comes first), then by id. This order is the same wherever and in
 * whatever order the characters arrive, and it never changes.
 *
 * An item is a run, live or dead throughout: ids ascend by one, each further character is the right child of
 * the one before and has the same right neighbour. Only an item's first character has left children, only its last
 * has right ones but its follower: items are split to keep this so. Neighbours that could be one item are
 * joined when they die: what was typed and erased again and again is one item.
 *
 * A character's turn says how often it died or came back: 0 as typed, 1 erased, 2 revived by an undo, and so
 * on; it is live while the turn is even. Turns join by the greater one, so that erasing and reviving commute,
 * and the same undo on two devices revives the same characters once (causal length, Yu and Rostad 2020).
 *
 * Where a new item stands follows from its parent and the sibling beside it: right after everything
 * that hangs on the one before, or right before all that hangs on the one behind. A character's depth
 * is how many characters it hangs on; an item's level is the depth of the highest character at whose
 * subtree the item stands first, or its own. So what hangs on a character of depth d ends before the
 * next item of level d or less, and the order tree finds that in O(log n).
 */
#ifndef QR_CRDT_TEXT_H
#define QR_CRDT_TEXT_H

#include "crdt/item.h"
#include "crdt/rope.h"
#include "crdt/replicas.h"
#include "crdt/tree.h"

/** Live items hold at most so many code points, so that finding one inside is bounded. */
#define QR_ITEM_LENGTH_MAX 1024

#define QR_TEXT_FOUND 8 /* replicas that are told apart there */

struct qr_text {
    struct qr_item *items; /* items[0] is the document's start */
    size_t item_count;
    size_t item_capacity;
    uint32_t
        free_item; /* the first that was joined to another, each names the next in `letters`; or QR_NONE */
    size_t free_count;
    struct qr_tree order;        /* as read; weighs visible code points */
    struct qr_tree ids;          /* by id */
    struct quire_buffer letters; /* UTF-8 of live items, and of some that died */
    size_t visible_size;         /* bytes of the live items */
    bool letters_later; /* live runs come with as many bytes as code points, which are not read */
    uint64_t steps;     /* taken among siblings and along spines; what tests of bounds look at */
    uint32_t
        found[QR_TEXT_FOUND]; /* by replica: an item where it wrote or was written at last, or 0 */
    uint32_t newest;          /* the item that was added last, or 0 */
    struct qr_rope *view;     /* borrowed: told of what appears and dies; NULL: no view */
};

QUIRE_CHECKED enum quire_status qr_text_init(struct qr_text *text);
void qr_text_finish(struct qr_text *text);

/** Room for so many more items and bytes of letters. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_text_reserve(struct qr_text *text, size_t items, size_t letters);

/** Room for so many more bytes of letters. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_text_grow_letters(struct qr_text *text, size_t letters);

static inline enum quire_status qr_text_reserve_letters(struct qr_text *text, size_t letters)
{
    bool room = letters <= text->letters.capacity - text->letters.size;
    return room ? QUIRE_OK : qr_text_grow_letters(text, letters);
}

/** The last item, by id, that begins at this id or before it. */
uint32_t qr_text_search(const struct qr_text *text, uint64_t id);

/** The item that holds an id, and how far in; QR_NONE: not a character of this text. */
uint32_t qr_text_find(const struct qr_text *text, uint64_t id, uint32_t *out_offset);

/** How many of the `length` ids from this one on are characters here, without a gap. */
uint64_t qr_text_known(const struct qr_text *text, uint64_t id, uint64_t length);

/** Letters of some characters of an item, borrowed until the text changes; empty: they are dead. */
struct quire_bytes qr_text_letters(
    const struct qr_text *text, uint32_t item, uint64_t id, uint32_t length);

/** Whether one of these characters, which are all known, has a lesser turn. */
bool qr_text_any_before(const struct qr_text *text, uint64_t id, uint64_t length, uint32_t turn);

/** A run on its way in or out. Parent and right neighbour are known. */
struct qr_run {
    uint64_t id;
    uint64_t parent;
    uint64_t right;
    uint32_t length; /* code points */
    uint32_t turn;   /* where a text takes it in; 0 without letters: 1 */
};

static inline bool qr_run_is_left(const struct qr_run *run)
{
    return run->parent != QR_ID_NONE && run->parent == run->right;
}

/** The items that so many new live code points take. Cutting others may add two more. */
static inline size_t qr_text_pieces(uint32_t length)
{
    return (length + QR_ITEM_LENGTH_MAX - 1) / QR_ITEM_LENGTH_MAX;
}

/** Adds letters for runs to come. Room was reserved. */
struct quire_bytes qr_text_add_letters(struct qr_text *text, struct quire_bytes letters);

/** Puts a new run where it belongs. Its letters are in the text's own; none: all of it is dead. Room
 * was reserved. */
void qr_text_integrate(struct qr_text *text, const struct qr_replicas *replicas,
    const struct qr_run *run, struct quire_bytes letters);

/** Gives live items their letters, which stand in the order of the text, where all runs came with
 * letters_later. */
void qr_text_deal(struct qr_text *text, struct quire_bytes letters);

/** Parent and right neighbour of a character typed before code point `position` by the replica whose last
 * counter is `last`: right after that, if it is a dead character there, else right after the visible one. */
void qr_text_neighbours(struct qr_text *text, size_t position, uint64_t last, uint64_t *out_parent,
    uint64_t *out_right);

/** The item that shows code point `position`, and how far in. */
uint32_t qr_text_at(struct qr_text *text, size_t position, uint32_t *out_offset);

/* Each of these adds at most two items; room was reserved, for letters too. The characters are known. */

/** Kills those of `length` characters from this id on that are live. */
void qr_text_kill(struct qr_text *text, uint64_t id, uint64_t length);

/** Revives those of them that are dead. The letters are those of all. */
void qr_text_revive(struct qr_text *text, uint64_t id, uint64_t length, struct quire_bytes letters);

/** Raises those of a lesser turn to this one. The letters are those of all; an odd turn needs none. */
void qr_text_raise(
    struct qr_text *text, uint64_t id, uint64_t length, uint32_t turn, struct quire_bytes letters);

/** Asserts what the items promise of each other (tests; O(n log n)). */
void qr_text_check(const struct qr_text *text);

/** Appends the live text. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_text_append(
    const struct qr_text *text, struct quire_buffer *out_text);

/** Appends its first `size` bytes, or all of it; may end within a code point. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_text_append_start(
    const struct qr_text *text, size_t size, struct quire_buffer *out_text);

/** Gives back the memory of dead letters once they are more than the live ones and 64 KiB; fails silently. */
void qr_text_compact(struct qr_text *text);

#endif
