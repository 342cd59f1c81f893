/*
 * What an undo may do with text: take out what its own author typed, and put back, where they stood, letters
 * that its own author erased.
 */
#include "reference_inner.h"

static uint32_t find(const struct reference *reference, unsigned replica, uint64_t counter)
{
    uint32_t node = START + 1;
    while (node < reference->node_count
        && (reference->nodes[node].replica != replica || reference->nodes[node].counter != counter)) {
        node++;
    }
    return node < reference->node_count ? node : NONE;
}

/** The next letter of the flat order, from `at` on, that is known; `step` is 1 or -1. NONE: the end. */
static uint32_t known_from(const struct reference *reference, const struct clock *clock, size_t at,
    ptrdiff_t step)
{
    for (; at < reference->node_count - 1; at = (size_t)((ptrdiff_t)at + step)) {
        if (naive_knows(reference, clock, reference->order[at])) {
            return reference->order[at];
        }
    }
    return NONE;
}

static bool own_erased(const struct reference *reference, const struct clock *clock, uint64_t own,
    uint32_t node)
{
    for (uint32_t i = reference->nodes[node].erasures; i != 0; i = reference->erasures[i - 1].next) {
        const struct erasure *erasure = &reference->erasures[i - 1];
        if (naive_is_own(own, erasure->replica) && naive_known(clock, erasure->replica, erasure->counter)) {
            return true;
        }
    }
    return false;
}

void reference_told(struct reference *reference, unsigned device, uint64_t sender,
    const struct clock *from, const struct clock *to)
{
    for (size_t i = 0; i < reference->erasure_count; i++) {
        struct erasure *erasure = &reference->erasures[i];
        const struct node *node = &reference->nodes[erasure->node];
        /* What its sender typed may be pending there itself: then it is not named, but left out. */
        if (naive_is_between(from, to, erasure->replica, erasure->counter) && !naive_is_own(sender, node->replica)) {
            erasure->told |= UINT32_C(1) << device;
        }
    }
    naive_told_values(reference, device, sender, from, to);
}

void reference_forget_told(struct reference *reference, unsigned device)
{
    for (size_t i = 0; i < reference->erasure_count; i++) {
        reference->erasures[i].told &= ~(UINT32_C(1) << device);
    }
    naive_forget_told_values(reference, device);
}

static bool told_erased(const struct reference *reference, uint64_t own, unsigned device, uint32_t node)
{
    for (uint32_t i = reference->nodes[node].erasures; i != 0; i = reference->erasures[i - 1].next) {
        const struct erasure *erasure = &reference->erasures[i - 1];
        if (!naive_is_own(own, erasure->replica) && (erasure->told >> device & 1) != 0) {
            return true;
        }
    }
    return false;
}

const char *reference_revive(struct reference *reference, const struct author *author, uint64_t own,
    unsigned device, const struct revival *revival)
{
    const struct clock *clock = author->clock;
    if (!naive_flatten(reference)) {
        return "no memory for the reference";
    }
    uint32_t parent = revival->has_parent
        ? find(reference, revival->parent_replica, revival->parent_counter) : START;
    uint32_t right = revival->has_right
        ? find(reference, revival->right_replica, revival->right_counter) : NONE;
    if (parent == NONE || (revival->has_right && right == NONE)) {
        return "what was put back hangs on what is not known";
    }
    /* The letter before it, and what comes next there. */
    uint32_t left = !revival->left ? parent
        : reference->place[parent] == 0 ? NONE
                                        : known_from(reference, clock, reference->place[parent] - 1, -1);
    if (left == NONE || left == START
        || known_from(reference, clock, reference->place[left] + 1u, 1) != right) {
        return "what was put back stands where nothing was erased";
    }
    bool has_right_child = false;
    for (uint32_t i = reference->nodes[left].right_first; i != NONE; i = reference->nodes[i].sibling) {
        has_right_child = has_right_child || naive_knows(reference, clock, i);
    }
    if (has_right_child != revival->left) {
        return "what was put back hangs on the wrong side";
    }
    uint32_t old = left;
    for (size_t i = revival->count; i > 0; i--) {
        if (old == NONE || naive_is_live(reference, clock, old)
            || !own_erased(reference, clock, own, old)) {
            return "what was put back had not been erased here";
        }
        if (told_erased(reference, own, device, old)) {
            return "what another device erased too was put back";
        }
        uint32_t *point = &revival->points[i - 1];
        if (*point != 0 && *point != reference->nodes[old].point) {
            return "other letters were put back than were erased";
        }
        *point = reference->nodes[old].point;
        old = reference->place[old] == 0 ? NONE
                                         : known_from(reference, clock, reference->place[old] - 1u, -1);
    }
    author->clock->seen[author->replica] = revival->counter - 1;
    for (size_t i = 0; i < revival->count; i++) {
        left = naive_add(reference, author, left, right, revival->points[i]);
        if (left == NONE) {
            return "no memory for the reference";
        }
    }
    return NULL;
}

const char *reference_take_out(struct reference *reference, const struct author *author, uint64_t own,
    bool (*is_live)(void *context, unsigned replica, uint64_t counter), void *context)
{
    for (uint32_t node = START + 1; node < reference->node_count; node++) {
        const struct node *letter = &reference->nodes[node];
        if (!naive_knows(reference, author->clock, node) || !naive_is_live(reference, author->clock, node)
            || is_live(context, letter->replica, letter->counter)) {
            continue;
        }
        if (!naive_is_own(own, letter->replica)) {
            return "an undo erased what another device typed";
        }
        if (!naive_kill(reference, author->replica, author->clock->seen[author->replica], node)) {
            return "no memory for the reference";
        }
    }
    return NULL;
}
