/*
 * Faults of time and place: machines that stand still, a world that sleeps for months, lines that
 * flap or carry one way only, slow disks. Beside process.c, which calls it.
 */
#ifndef SIMULATION_HARDSHIP_H
#define SIMULATION_HARDSHIP_H

#include "people/phone.h"

void hardship_begin(struct world *world);
/** Lines and disks are well again; pauses come to their own end, within PAUSE_MAX_MS. */
void hardship_end(struct world *world);

/** A process stands still until then, and what is meant for it waits in order; time goes on. */
void hardship_pause_phone(struct world *world, struct phone *phone, uint64_t length_ms);
void hardship_pause_server(struct world *world, uint64_t length_ms);

#endif
