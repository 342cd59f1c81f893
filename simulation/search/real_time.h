/*
 * How long runs take by the clocks of the machine, for summaries and for patience with runs that hang. No
 * world reads them.
 */
#ifndef SIMULATION_REAL_TIME_H
#define SIMULATION_REAL_TIME_H

#include <stdint.h>

/** Of a clock that never goes back. */
double real_seconds(void);
/** That a processor has spent on this process. */
uint64_t processor_us(void);

#endif
