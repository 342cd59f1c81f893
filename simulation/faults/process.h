/*
 * Faults of the processes and disks of phones and server. Faults of time and place are in timing.h.
 */
#ifndef SIMULATION_PROCESS_FAULTS_H
#define SIMULATION_PROCESS_FAULTS_H

#include "people/phone.h"

/** Starts a phone again whose disk failed. */
extern const struct observer process_observer;
/** Everything that can go wrong, each in its own time. */
void process_faults_begin(struct world *world);
/** All faults end: everybody is started and online, the server is up. */
void process_faults_end(struct world *world);
/** Keeps a copy of what is durable on the phone's disk. */
void process_back_up(struct world *world, struct phone *phone);
/** Puts the phone back to that copy; its process stays down. reboot: its power was off. */
void process_restore(struct world *world, struct phone *phone, bool reboot);
/** Its process ends, its disk is gone: no checker waits for it any more. */
void process_lose(struct world *world, struct phone *phone);
/** A copy of its disk comes to life as another phone. */
struct phone *process_clone(struct world *world, struct phone *phone);
/** The process begins again after a while; a phone without a profile goes on joining. */
void process_revive_later(struct world *world, struct phone *phone, uint64_t after_ms);

#endif
