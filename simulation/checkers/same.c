/*
 * Claim: the same batches make the same entry, in whatever order they came and whatever limit was
 * reached on the way. Two phones with equal state digests hold the same batches; so they show the same.
 */
#include "checkers.h"

#include "people/model.h"

#include <string.h>

#define PERIOD_MS 20000 /* between two looks at a user's phones: each opens all entries */

/* Shows nothing but batches: no edit that is not sealed yet. */
static bool is_settled(const struct world *world, const struct phone *phone)
{
    return phone_counts(world, phone) && phone->state.unsealed_count == 0
        && phone->state.unread_count == 0 && world->model->open[phone->number].count == 0;
}

static void compare(struct world *world, struct phone *a, struct phone *b)
{
    for (uint32_t entry = 0; entry < world->model->users[a->user].entry_count && !world->failed;
         entry++) {
        uint8_t shown[2][32];
        converge_digest(world, a, entry, shown[0]);
        converge_digest(world, b, entry, shown[1]);
        if (memcmp(shown[0], shown[1], sizeof shown[0]) != 0) {
            world_fail(world, "same",
                "entry %u differs between phone %u and phone %u, which hold the "
                "same batches",
                entry, a->number, b->number);
        }
    }
}

static void state_changed(struct world *world, struct phone *phone)
{
    struct user *user = &world->model->users[phone->user];
    if (!options_lower_limits(&world->options) || world->now_ms < user->same_checked_ms + PERIOD_MS
        || !is_settled(world, phone)) {
        return;
    }
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        struct phone *other = &world->phones[i];
        if (other != phone && other->user == phone->user && is_settled(world, other)
            && strcmp(other->state.words, phone->state.words) == 0) {
            user->same_checked_ms = world->now_ms;
            mark(world, MARK_same_batches_compared);
            compare(world, phone, other);
        }
    }
}

const struct observer same_observer = {.phone_state = state_changed};
