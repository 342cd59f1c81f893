/*
 * The shipping store on files in memory, for quire-sim-store.
 */
#ifndef SIMULATION_STORE_BESIDE_H
#define SIMULATION_STORE_BESIDE_H

#include "backend.h"

extern const struct backend store_beside;

#endif
