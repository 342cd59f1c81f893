/*
 * Several ideas in one run, in an order that the seed draws: what one of them prepares, another may use.
 */
#include "ideas.h"

typedef bool frame_hook(struct world *world, struct session *session, struct qr_frame *frame);
typedef void moment_hook(struct world *world);

static frame_hook *const frames[] = {flip_frame, swap_frame, relabel_frame, reorder_frame,
    substitute_frame, pairing_frame, clock_frame, boast_frame, roster_hole_frame,
    guessed_code_frame};
static moment_hook *const moments[] = {replay_moment, forge_moment, foreign_moment, garbage_moment,
    ghost_moment, ghost_batch_moment, old_roster_moment, rollback_begin};

#define FRAMES (sizeof frames / sizeof *frames)
#define MOMENTS (sizeof moments / sizeof *moments)

bool mixed_frame(struct world *world, struct session *session, struct qr_frame *frame)
{
    /* Her mood lasts for a minute of the simulated clock. */
    uint64_t mood = world->now_ms / 60000 + world->seed;
    return !chance(world, 300000) || frames[mood % FRAMES](world, session, frame);
}

void mixed_moment(struct world *world)
{
    if (chance(world, 400000)) {
        moments[prng_below(&world->mallory->chance, MOMENTS)](world);
    }
}

void mixed_given(struct world *world, struct account *account, struct given *given)
{
    if (chance(world, 50000)) {
        drop_given(world, account, given);
    }
}
