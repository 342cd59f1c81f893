/*
 * The hooks of all strategies, one idea each.
 */
#ifndef SIMULATION_MALLORY_IDEAS_H
#define SIMULATION_MALLORY_IDEAS_H

#include "mallory.h"

/* withholding.c */
void drop_given(struct world *world, struct account *account, struct given *given);
bool drop_frame(struct world *world, struct session *session, struct qr_frame *frame);
void partition_given(struct world *world, struct account *account, struct given *given);
void rollback_begin(struct world *world);
bool rollback_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes);
bool old_log_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes);
void old_roster_moment(struct world *world);
bool old_roster_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool hide_revocation_heard(struct world *world, struct session *session,
    const struct qr_frame *frame, struct quire_bytes bytes);
bool late_writes_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes);
void late_writes_given(struct world *world, struct account *account, struct given *given);
bool boast_frame(struct world *world, struct session *session, struct qr_frame *frame);

/* altering.c */
bool flip_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool swap_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool relabel_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool reorder_frame(struct world *world, struct session *session, struct qr_frame *frame);
void replay_moment(struct world *world);
void forge_moment(struct world *world);
void foreign_moment(struct world *world);
void garbage_moment(struct world *world);

/* keys.c */
void ghost_moment(struct world *world);
void ghost_batch_moment(struct world *world);
bool substitute_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool roster_hole_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool guessed_code_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool pairing_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool downgrade_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool downgrade_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes);
bool clock_frame(struct world *world, struct session *session, struct qr_frame *frame);

/* traitors.c */
void equivocate_moment(struct world *world);
void twice_moment(struct world *world);
void other_branch_moment(struct world *world);
void equivocate_given(struct world *world, struct account *account, struct given *given);
void moved_moment(struct world *world);
void wrong_key_moment(struct world *world);

/* subtle.c */
void weigh_given(struct world *world, struct account *account, struct given *given);
void reuse_given(struct world *world, struct account *account, struct given *given);
bool reuse_frame(struct world *world, struct session *session, struct qr_frame *frame);
bool reuse_heard(struct world *world, struct session *session, const struct qr_frame *frame,
    struct quire_bytes bytes);
void dice_moment(struct world *world);
void poison_moment(struct world *world);

/* intruder.c */
void intrude_forge(struct world *world);
void intrude_ghost(struct world *world);
void intrude_chain(struct world *world);
void intrude_effect(struct world *world);
void intrude_twice(struct world *world);
void intrude_flood(struct world *world);
void intrude_appends(struct world *world);
void intrude_chains(struct world *world);
void intrude_pose(struct world *world);

/* mixed.c */
bool mixed_frame(struct world *world, struct session *session, struct qr_frame *frame);
void mixed_moment(struct world *world);
void mixed_given(struct world *world, struct account *account, struct given *given);

/* common.c */
/** A ready session of one of the targets, drawn; NULL. */
struct session *any_target(struct world *world);
/** The first user's, at which all is aimed; NULL before it came. */
struct account *main_account(struct world *world);
/** A batch of the account, drawn, that satisfies; NULL. */
const struct given *any_given(struct world *world, const struct account *account);
bool is_target(const struct world *world, uint32_t phone);
/** All sessions of targets are closed, so that they come again. */
void turn_away_targets(struct world *world);
const struct qr_vault *traitor_vault(struct world *world);
bool chance(struct world *world, uint64_t per_million);

#endif
