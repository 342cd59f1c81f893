/*
 * Faults of time and place: machines that stand still, a world that sleeps for months, lines that
 * flap or carry one way only, slow disks. Beside process.c, which calls it.
 */
#ifndef SIMULATION_TIMING_FAULTS_H
#define SIMULATION_TIMING_FAULTS_H

#include "people/phone.h"

void timing_faults_begin(struct world *world);
/** Lines and disks are well again; pauses come to their own end, within PAUSE_MAX_MS. */
void timing_faults_end(struct world *world);

/** A process stands still until then, and what is meant for it waits in order; time goes on. */
void timing_pause_phone(struct world *world, struct phone *phone, uint64_t length_ms);
void timing_pause_server(struct world *world, uint64_t length_ms);

#endif
