/*
 * The two liars of the tests: a stranger who talks raw frames to the hub, with real keys or none,
 * and a server that talks raw frames to a device.
 */
#ifndef QR_TESTS_SYNC_PEER_H
#define QR_TESTS_SYNC_PEER_H

#include "forge.h"
#include "harness.h"
#include "sync/device/state.h"

#define PEER_HOST "localhost:7433"

/** Devices 0 and 1 of one user, both caught up; 2 is another user's. Only 0 is connected. */
void hostile_begin(struct world *world);
/** Both devices write and converge, whatever went before. Ends the world. */
void hostile_end(struct world *world);
extern const uint8_t hostile_diary[QUIRE_ENTRY_SIZE];

/* ---- to the hub ------------------------------------------------------------------------------- */

/** A forger with the keys and the roster of a person's device, who is better offline meanwhile. */
struct forger peer_keys(struct world *world, size_t person, uint8_t replica_name);
/** Writes a frame and feeds it to the hub. */
void peer_say(struct world *world, struct stranger *stranger, const struct qr_frame *frame);
void peer_say_bytes(struct world *world, struct stranger *stranger, struct quire_bytes bytes);
/** The next frame from the hub, in static storage until the next call; NULL: nothing. */
const struct qr_frame *peer_hear(struct world *world, struct stranger *stranger);
/** Reads until one of this type comes; NULL: none did. */
const struct qr_frame *peer_hear_of(
    struct world *world, struct stranger *stranger, enum qr_frame_type type);
/** HELLO as the forger's device, and the CHALLENGE to it; out_hello, out_challenge may be NULL. */
void peer_hello(struct world *world, struct stranger *stranger, const struct forger *forger,
    struct quire_buffer *out_hello, struct quire_buffer *out_challenge);
/** Opens a connection and authenticates on it. */
struct stranger *peer_login(struct world *world, const struct forger *forger);
/** Pushes one batch; the error code that answers, 0 for an ACK, -1 for silence. The frame is the
 * last that was heard. */
int peer_push(struct world *world, struct stranger *stranger, struct quire_bytes batch);
/** Forges a batch by plan and pushes it. */
int peer_push_plan(
    struct world *world, struct stranger *stranger, struct forger *forger, const struct plan *plan);
/** Appends records; the error code, 0 for ROSTER_DONE, -1 for silence. */
int peer_append(struct world *world, struct stranger *stranger, const uint8_t *prev,
    const struct quire_bytes *records, size_t count);
/** The last frame that peer_hear returned. */
const struct qr_frame *peer_last(void);

/* ---- to a device ------------------------------------------------------------------------------ */

/** Connects a person to a server of ours; what the device says stays in person->to_hub. */
void liar_connect(struct world *world, size_t person);
/** Feeds a frame to the device. */
void liar_say(struct world *world, size_t person, const struct qr_frame *frame);
/** The next frame from the device, in static storage until the next call; NULL: nothing. */
const struct qr_frame *liar_hear_of(struct world *world, size_t person, enum qr_frame_type type);
/** HELLO to CHALLENGE to AUTH to WELCOME, honestly, with the device's own roster, up to SUB. */
void liar_accept(struct world *world, size_t person);
/** Answers SUB with an empty WANT. */
void liar_want_nothing(struct world *world, size_t person);
void liar_delta(
    struct world *world, size_t person, const struct quire_bytes *batches, size_t count);
/** How often the device raised an alarm, or any. */
uint64_t liar_alarm(struct world *world, size_t person, enum quire_alarm_kind alarm);
uint64_t liar_alarms(struct world *world, size_t person);
/** Lets time go by, with a TICK whenever the device wants one. */
void liar_wait(struct world *world, size_t person, uint64_t ms);

#endif
