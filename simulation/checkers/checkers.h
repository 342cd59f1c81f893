/*
 * What must hold, one claim in each file beside this one. A checker that does not hold calls
 * world_fail with its name; none of them changes the world.
 */
#ifndef SIMULATION_CHECKERS_H
#define SIMULATION_CHECKERS_H

#include "codec/batch.h"
#include "people/phone.h"
#include "world/world.h"

/** acknowledged: what the hub acknowledges or serves is durable in its log, now. */
extern const struct observer acknowledged_observer;
/** acknowledged: at the end, every batch that a phone holds is in the log, bit by bit. */
void acknowledged_check_end(struct world *world, const struct phone *phone);

/** canary: nothing that a person typed is readable in exposed bytes. */
extern const struct observer canary_observer;

/** memory: what the hub keeps is bounded. */
extern const struct observer memory_observer;

/** alarms: none but those that this run's faults explain. Silent beside an adversary, who is judged by
 * her own, and in a story, which says itself what it expects. */
extern const struct observer alarms_observer;

/** order: what was killed, forgotten and restored left no effect without its cause. */
extern const struct observer order_observer;
/** order: each batch on a phone's disk stands on batches that are there too. */
void order_check(struct world *world, struct phone *phone, const char *when);

/** order: the same of the server's log. */
void order_check_log(struct world *world);
/** True if the record of a profile is a batch; out_bytes borrows from it. */
bool batch_on_disk(
    const struct record *record, struct qr_batch *out_batch, struct quire_bytes *out_bytes);

/** sealing: ciphertext opens at its own place and nowhere else. */
void sealing_check(struct world *world);

/** converge: everyone is quiet and in agreement; else out_reason says who waits for what. */
bool converge_reached(struct world *world, char *out_reason, size_t reason_size);
/** Who waits for what, one line each, for a person. */
void liveness_explain(struct world *world, char *out, size_t size);
/** same: phones that hold the same batches show the same entries, before all is quiet too. In worlds
 * with lowered limits, which is where an order of events could show. */
extern const struct observer same_observer;
/** What that phone shows of an entry, hashed; zeros: nothing. */
void converge_digest(struct world *world, struct phone *phone, uint32_t entry, uint8_t out[32]);
/** converge: all phones of a user show the same entries. */
void converge_check_end(struct world *world);
bool phone_counts(const struct world *world, const struct phone *phone);
/** The server does not know it, and the account has no room for it: only its user could help it, by
 * revoking another device. What is on it alone is safe there, and nowhere else. */
bool phone_is_shut_out(const struct world *world, const struct phone *phone);

/** complete: each edit that had to survive is there, and what was erased is gone. */
void complete_check_end(struct world *world);

#endif
