/*
 * When faults come: each kind in its own rhythm, so that leaving one out changes none of the others.
 */
#ifndef SIMULATION_RHYTHM_H
#define SIMULATION_RHYTHM_H

#include "people/phone.h"

/** Asks for something after a time that is about the mean (0: never), or once in the middle part. */
void rhythm_again(struct world *world, uint64_t mean_s,
    void (*act)(struct world *, const struct event *), uint32_t actor);
void rhythm_once(
    struct world *world, void (*act)(struct world *, const struct event *), uint32_t actor);
/** The phone wants a connection again after a while. */
void rhythm_online_later(struct world *world, struct phone *phone, uint64_t after_ms);

#endif
