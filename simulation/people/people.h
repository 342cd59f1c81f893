/*
 * People: they write in bursts, correct themselves, move sentences, file and delete entries, add
 * and revoke phones.
 */
#ifndef SIMULATION_PEOPLE_H
#define SIMULATION_PEOPLE_H

#include "phone.h"

/** The accounts, their phones, and the first thing that each will do. */
void people_begin(struct world *world);
/** One edit by the person who holds this phone, saved or not. */
void people_write(struct world *world, struct phone *phone);
/** The same in that entry (number within the user), made when it is not there. */
void people_write_in(struct world *world, struct phone *phone, uint32_t entry);
/** SAVE of an entry (number within the user). */
void people_save(struct world *world, struct phone *phone, uint32_t entry);
/** SAVE of every entry that has edits not saved yet. */
void people_save_all(struct world *world, struct phone *phone);
/** The person of a phone that came later begins to write, too. */
void people_clone_writes(struct world *world, struct phone *phone);
/** A phone that has no profile tries to join, again and again, until it has. */
void people_join_later(struct world *world, struct phone *phone);
/* The same, one at a time and now; ESTATE of a phone that is not connected. */
void people_make_account(struct world *world, struct phone *phone);
void people_join_by_kit(struct world *world, struct phone *phone);
enum quire_status people_pair(struct world *world, struct phone *helper, struct phone *phone);
enum quire_status people_revoke_one(struct world *world, struct phone *by, struct phone *target);

/** One phone revokes another of its user, if that is possible now. */
void people_revoke(struct world *world, uint32_t user);
/** What devices tell their people. */
extern const struct observer people_observer;
/** Roster records that the server writes: does a device go with the one that enrolled it?
 * revoked_along.c. */
extern const struct observer revoked_along_observer;

#endif
