/*
 * What the protocol calls its frames.
 */
#ifndef SIMULATION_FRAME_NAMES_H
#define SIMULATION_FRAME_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct frame_name {
    const char *name;
    uint32_t type;
};
extern const struct frame_name frame_names[];
extern const size_t frame_name_count;

/** "unknown" if the protocol has none of that type. */
const char *frame_name(uint32_t type);

#endif
