/*
 * A world that a test brings to a limit: one device has written and is offline; at the end it writes again.
 */
#ifndef QR_TESTS_SYNC_LIMITS_H
#define QR_TESTS_SYNC_LIMITS_H

#include "peer.h"

extern const uint8_t limits_diary[QUIRE_ENTRY_SIZE];

void limits_begin(struct world *world);
/** A hub with other limits over the same log. */
void limits_set(struct world *world, const struct qr_hub_limits *limits);
/** The device writes and everything it wrote is acknowledged. Ends the world. */
void limits_end(struct world *world);
/** Lets time go by for the hub alone. */
void limits_wait(struct world *world, uint64_t ms);

#endif
