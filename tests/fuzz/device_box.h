/*
 * A device with its records in memory, for fuzzing: made from the same random bytes each time, so
 * that frames recorded once fit again.
 */
#ifndef QUIRE_FUZZ_DEVICE_BOX_H
#define QUIRE_FUZZ_DEVICE_BOX_H

#include "script.h"
#include <quire/device.h>

enum device_box_step {
    DEVICE_BOX_FRAME,
    DEVICE_BOX_CONNECT,
    DEVICE_BOX_DISCONNECT,
    DEVICE_BOX_TICK,  /* size of bytes: how many 100 ms */
    DEVICE_BOX_WRITE, /* types the bytes, as far as they are UTF-8, saves and seals */
    DEVICE_BOX_PAIR,
    DEVICE_BOX_RESTART, /* the process ends, and another opens the profile */
    DEVICE_BOX_FORGE,   /* for fuzz_liar; nothing here */
};

struct device_box;

/** A new account; `sent` (may be NULL) gets each message that the device sends. */
struct device_box *device_box_create(
    void (*sent)(void *context, struct quire_bytes message), void *context);
void device_box_destroy(struct device_box *box);
/** Borrowed until the next RESTART. */
const struct quire_device *device_box_device(const struct device_box *box);
void device_box_run(struct device_box *box, const struct script_step *step);

#endif
