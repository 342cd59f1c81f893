/*
 * What the naive reference is made of: one list of letters in a tree, one of their turns, one of writings.
 */
#ifndef QR_TESTS_GRAPHS_REFERENCE_INNER_H
#define QR_TESTS_GRAPHS_REFERENCE_INNER_H

#include "reference.h"

#define NONE UINT32_MAX /* no node: as a right origin, the end of the text */
#define START 0u        /* the tree's root */

struct node {
    unsigned replica;
    uint64_t counter;
    uint32_t point;
    uint32_t right_origin; /* of a left child: its parent */
    uint32_t left_first;   /* children in their order, linked by sibling */
    uint32_t right_first;
    uint32_t sibling;
    uint32_t turns; /* index + 1 into turns, linked; 0: never erased */
};

/** An edit left a letter erased (odd) or revived (even); the greatest that is known counts. */
struct turn {
    unsigned replica;
    uint64_t counter;
    uint32_t next;
    uint32_t turn;
};

/** A put, a removal or a delete, and all that its author knew. */
struct writing {
    unsigned replica;
    uint64_t counter;
    unsigned field;
    char name;
    bool puts;
    int64_t value;
    int64_t wall_ms;
    struct clock saw;
    uint32_t told;   /* devices that a delta told of it, as bits, */
    uint64_t sender; /* and whose delta that was: its replicas, as bits */
};

/** An undo took away one put, and nothing else of what its author saw. */
struct removal {
    unsigned replica;
    uint64_t counter;
    size_t writing;
};

struct reference {
    uint8_t (*names)[QUIRE_REPLICA_SIZE];
    struct node *nodes;
    size_t node_count, node_capacity;
    uint32_t *order; /* all nodes but the start, as read */
    uint32_t *place; /* node → its index in order */
    uint32_t *stack;
    bool stale;
    struct turn *turns;
    size_t turn_count, turn_capacity;
    struct writing *writings;
    size_t writing_count, writing_capacity;
    struct removal *removals;
    size_t removal_count, removal_capacity;
    struct writing *deletes;
    size_t delete_count, delete_capacity;
    const struct writing **shown; /* scratch */
};

static inline bool naive_known(const struct clock *clock, unsigned replica, uint64_t counter)
{
    return counter <= clock->seen[replica];
}

/** Room for one more; NULL: no memory, and the list stands. */
void *naive_grown(void *list, size_t count, size_t *capacity, size_t size);
bool naive_knows(const struct reference *reference, const struct clock *clock, uint32_t node);
bool naive_is_live(const struct reference *reference, const struct clock *clock, uint32_t node);
/** Fills `order` and `place`. False: no memory. */
bool naive_flatten(struct reference *reference);
/** Adds one character between two neighbours; the order is flat. Returns it, or NONE: no memory. */
uint32_t naive_add(struct reference *reference, const struct author *author, uint32_t left_origin,
    uint32_t right_origin, uint32_t point);
uint32_t naive_turn(const struct reference *reference, const struct clock *clock, uint32_t node);
/** Notes that an edit gave a letter a turn. False: no memory. */
bool naive_set_turn(
    struct reference *reference, unsigned replica, uint64_t counter, uint32_t node, uint32_t turn);
/** The letter of a replica's counter, or NONE. */
uint32_t naive_find(const struct reference *reference, unsigned replica, uint64_t counter);
/** The author's counter, an erasure's, is a dead letter: the right child of its last one. False: no memory. */
bool naive_go_on(struct reference *reference, const struct author *author, uint32_t last);

static inline bool naive_is_own(uint64_t own, unsigned replica)
{
    return (own >> replica & 1) != 0;
}

/** Whether the counter is after the one clock and within the other. */
static inline bool naive_is_between(
    const struct clock *from, const struct clock *to, unsigned replica, uint64_t counter)
{
    return counter > from->seen[replica] && counter <= to->seen[replica];
}

/** Whether something that is known overwrote a put or took it away. */
bool naive_is_overwritten(
    const struct reference *reference, const struct clock *clock, const struct writing *put);
bool naive_same_cell(const struct writing *a, const struct writing *b);
/* Registers, sets and the delete; what is not the reference's, or NULL. */
const char *naive_compare_cells(
    struct reference *reference, const struct clock *clock, const struct quire_document *document);

#endif
