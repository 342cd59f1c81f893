/*
 * What an undo may do with registers and sets: take away what its own author put, and put back, with its
 * time, what its own author overwrote.
 */
#include "reference_inner.h"

void reference_told(struct reference *reference, unsigned device, uint64_t sender,
    const struct clock *from, const struct clock *to)
{
    for (size_t i = 0; i < reference->writing_count; i++) {
        struct writing *writing = &reference->writings[i];
        if (naive_is_between(from, to, writing->replica, writing->counter)) {
            writing->told |= UINT32_C(1) << device;
            writing->sender = sender;
        }
    }
}

void reference_forget_told(struct reference *reference, unsigned device)
{
    for (size_t i = 0; i < reference->writing_count; i++) {
        reference->writings[i].told &= ~(UINT32_C(1) << device);
    }
}

/** Whether one of `own` overwrote this put, or took it away. */
static bool own_overwrote(
    const struct reference *reference, const struct clock *clock, uint64_t own, size_t put)
{
    const struct writing *old = &reference->writings[put];
    for (size_t i = put + 1; i < reference->writing_count; i++) {
        const struct writing *writing = &reference->writings[i];
        if (naive_is_own(own, writing->replica) && naive_same_cell(old, writing)
            && naive_known(clock, writing->replica, writing->counter)
            && naive_known(&writing->saw, old->replica, old->counter)) {
            return true;
        }
    }
    for (size_t i = 0; i < reference->removal_count; i++) {
        const struct removal *removal = &reference->removals[i];
        if (removal->writing == put && naive_is_own(own, removal->replica)
            && naive_known(clock, removal->replica, removal->counter)) {
            return true;
        }
    }
    return false;
}

/** Whether another device overwrote it, too, and a delta told this one so. What its sender put itself may
 * be pending there: then it is not named, but left out. */
static bool told_overwritten(
    const struct reference *reference, uint64_t own, unsigned device, size_t put)
{
    const struct writing *old = &reference->writings[put];
    for (size_t i = put + 1; i < reference->writing_count; i++) {
        const struct writing *writing = &reference->writings[i];
        if (!naive_is_own(own, writing->replica) && (writing->told >> device & 1) != 0
            && !naive_is_own(writing->sender, old->replica) && naive_same_cell(old, writing)
            && naive_known(&writing->saw, old->replica, old->counter)
            && !naive_is_overwritten(reference, &writing->saw, old)) {
            return true;
        }
    }
    return false;
}

const char *reference_put_back(struct reference *reference, const struct author *author,
    uint64_t own, unsigned device, const struct put_back *value)
{
    struct writing back = {.replica = author->replica,
        .counter = value->counter,
        .field = value->field,
        .name = value->name,
        .puts = true,
        .value = value->value,
        .wall_ms = value->wall_ms};
    const char *wrong = "what was put back had not been overwritten here, or never stood there";
    for (size_t i = 0; wrong != NULL && i < reference->writing_count; i++) {
        const struct writing *old = &reference->writings[i];
        if (old->puts && naive_same_cell(old, &back) && old->value == back.value
            && old->wall_ms == back.wall_ms
            && naive_known(author->clock, old->replica, old->counter)
            && own_overwrote(reference, author->clock, own, i)) {
            wrong = told_overwritten(reference, own, device, i)
                ? "what another device overwrote too was put back"
                : NULL;
        }
    }
    if (wrong != NULL) {
        return wrong;
    }
    struct writing *writings = naive_grown(reference->writings, reference->writing_count,
        &reference->writing_capacity, sizeof *writings);
    if (writings == NULL) {
        return "no memory for the reference";
    }
    reference->writings = writings;
    writings[reference->writing_count++] = back;
    return NULL;
}

const char *reference_take_away(struct reference *reference, const struct author *author,
    uint64_t own, unsigned replica, uint64_t counter)
{
    if (!naive_is_own(own, replica)) {
        return "an undo took away what another device wrote";
    }
    size_t put = 0;
    while (put < reference->writing_count
        && (!reference->writings[put].puts || reference->writings[put].replica != replica
            || reference->writings[put].counter != counter)) {
        put++;
    }
    if (put == reference->writing_count) {
        return "an undo took away what is not known";
    }
    struct removal *removals = naive_grown(reference->removals, reference->removal_count,
        &reference->removal_capacity, sizeof *removals);
    if (removals == NULL) {
        return "no memory for the reference";
    }
    reference->removals = removals;
    removals[reference->removal_count++] =
        (struct removal){author->replica, author->clock->seen[author->replica], put};
    return NULL;
}
