/*
 * What an undo may do with text: erase what its own author typed, or had erased before, and revive letters
 * that its own author erased.
 */
#include "reference_inner.h"

static bool own_turned(
    const struct reference *reference, const struct clock *clock, uint64_t own, uint32_t node)
{
    for (uint32_t i = reference->nodes[node].turns; i != 0; i = reference->turns[i - 1].next) {
        const struct turn *turn = &reference->turns[i - 1];
        if (naive_is_own(own, turn->replica) && turn->turn % 2 != 0
            && naive_known(clock, turn->replica, turn->counter)) {
            return true;
        }
    }
    return false;
}

const char *reference_go_on(
    struct reference *reference, const struct author *author, uint64_t counter)
{
    uint32_t last = naive_find(reference, author->replica, counter - 1);
    if (last == NONE) {
        return "the counter of an undo goes on with what is no letter";
    }
    author->clock->seen[author->replica] = counter;
    return naive_go_on(reference, author, last) ? NULL : "no memory for the reference";
}

const char *reference_turned(struct reference *reference, const struct author *author, uint64_t own,
    uint32_t (*look_up)(void *context, unsigned replica, uint64_t counter, uint32_t *out_point),
    void *context)
{
    for (uint32_t node = START + 1; node < reference->node_count; node++) {
        const struct node *letter = &reference->nodes[node];
        if (!naive_knows(reference, author->clock, node)) {
            continue;
        }
        uint32_t point;
        uint32_t turn = look_up(context, letter->replica, letter->counter, &point);
        uint32_t before = naive_turn(reference, author->clock, node);
        if (turn == before) {
            continue;
        }
        bool erased_here = own_turned(reference, author->clock, own, node);
        if (turn % 2 != 0 && !naive_is_own(own, letter->replica) && !erased_here) {
            return "an undo erased what another device typed";
        }
        if (turn % 2 == 0 && !erased_here) {
            return "what was revived had not been erased here";
        }
        if (turn % 2 == 0 && point != letter->point) {
            return "another letter was revived than was erased";
        }
        if (turn < before) {
            return "an undo took a turn back";
        }
        if (!naive_set_turn(
                reference, author->replica, author->clock->seen[author->replica], node, turn)) {
            return "no memory for the reference";
        }
    }
    return NULL;
}
