/*
 * All that Mallory can do, by number: add at the end, as seeds name them.
 */
#include "ideas.h"

#include <string.h>

#define BAD_SIGNATURE (1u << QUIRE_ALARM_BAD_SIGNATURE)
#define FORK (1u << QUIRE_ALARM_FORK)
#define ROSTER (1u << QUIRE_ALARM_ROSTER)
#define BEHIND (1u << QUIRE_ALARM_SERVER_BEHIND)
#define WITHHELD (1u << QUIRE_ALARM_WITHHELD)
#define UNREADABLE (1u << QUIRE_ALARM_UNREADABLE)
#define CLOCK (1u << QUIRE_ALARM_CLOCK)
#define REVOKED_WRITE (1u << QUIRE_ALARM_REVOKED_WRITE)

const struct strategy strategies[] = {
    {.name = "honest", .rows = "-", .text = "does nothing that an honest server does not"},
    {.name = "substitute", .rows = "1", .text = "puts a key of hers into a roster record",
        .frame = substitute_frame, .must = ROSTER},
    {.name = "pairing", .rows = "1", .text = "changes the messages of a pairing",
        .frame = pairing_frame, .needs_late_phone = true},
    {.name = "ghost", .rows = "2", .text = "adds a device of hers to the roster",
        .moment = ghost_moment, .must = ROSTER},
    {.name = "ghost-batch", .rows = "2", .text = "writes as a device that was never enrolled",
        .moment = ghost_batch_moment, .must = BAD_SIGNATURE},
    {.name = "late-writes", .rows = "3", .text = "passes on what a revoked device writes",
        .heard = late_writes_heard, .given = late_writes_given, .must = REVOKED_WRITE,
        .needs_revocation = true},
    {.name = "hide-revocation", .rows = "3", .text = "keeps a revocation from the others",
        .heard = hide_revocation_heard, .needs_revocation = true, .may = WITHHELD},
    {.name = "rollback", .rows = "4", .text = "goes back to an older log",
        .begin = rollback_begin, .heard = rollback_heard, .must = BEHIND, .may = WITHHELD},
    {.name = "old-roster", .rows = "4", .text = "goes back to an older roster",
        .moment = old_roster_moment, .frame = old_roster_frame, .must = ROSTER, .may = BEHIND | WITHHELD},
    {.name = "old-log", .rows = "5", .text = "shows an older log to a new device",
        .heard = old_log_heard, .must = WITHHELD, .may = BEHIND, .needs_late_phone = true},
    {.name = "partition", .rows = "6", .text = "shows two views that never meet, for half an hour",
        .given = partition_given, .must = WITHHELD, .may = BEHIND, .minutes = 40},
    {.name = "drop", .rows = "7", .text = "never passes on some batches", .given = drop_given,
        .frame = drop_frame, .may = WITHHELD},
    {.name = "boast", .rows = "7", .text = "names batches that do not exist", .frame = boast_frame},
    {.name = "reorder", .rows = "8", .text = "shuffles what it passes on", .frame = reorder_frame},
    {.name = "replay", .rows = "9, 18", .text = "gives everything again and again",
        .moment = replay_moment},
    {.name = "swap", .rows = "10", .text = "swaps contents between batches and users",
        .frame = swap_frame, .must = BAD_SIGNATURE | FORK, .needs_others = true},
    {.name = "moved", .rows = "10", .text = "with a traitor's keys, moves ciphertexts elsewhere",
        .moment = moved_moment, .must = UNREADABLE, .needs_traitor = true},
    {.name = "flip", .rows = "12", .text = "flips a bit of a batch",
        .frame = flip_frame, .may = BAD_SIGNATURE | FORK},
    {.name = "relabel", .rows = "12", .text = "passes off an old batch as the next one",
        .frame = relabel_frame, .may = BAD_SIGNATURE | FORK},
    {.name = "forge", .rows = "12, D3", .text = "writes in the name of an enrolled device",
        .moment = forge_moment, .must = BAD_SIGNATURE},
    {.name = "foreign", .rows = "D4", .text = "gives one user another's batches",
        .moment = foreign_moment, .must = BAD_SIGNATURE, .needs_others = true},
    {.name = "wrong-key", .rows = "13", .text = "with a traitor's keys, makes an epoch of two keys",
        .moment = wrong_key_moment, .must = ROSTER, .stays_apart = true, .needs_traitor = true},
    {.name = "downgrade", .rows = "15", .text = "answers with another version",
        .frame = downgrade_frame, .heard = downgrade_heard, .refused = true},
    {.name = "garbage", .rows = "24", .text = "sends what is no frame, and bombs",
        .moment = garbage_moment, .refused = true},
    {.name = "clock", .rows = "27", .text = "lies about the time", .frame = clock_frame, .must = CLOCK},
    {.name = "equivocate", .rows = "D1", .text = "with a traitor's keys, two batches at one place",
        .moment = equivocate_moment, .given = equivocate_given, .must = FORK, .may = WITHHELD | BEHIND,
        .stays_apart = true, .needs_traitor = true},
    {.name = "twice", .rows = "D1", .text = "with a traitor's keys, one place again with other content",
        .moment = twice_moment, .must = FORK, .may = WITHHELD | BEHIND, .needs_traitor = true, .stays_apart = true},
    {.name = "other-branch", .rows = "6, D1", .text = "with a traitor's keys, goes on from an unseen batch",
        .moment = other_branch_moment, .must = FORK, .may = WITHHELD | BEHIND, .needs_traitor = true,
        .stays_apart = true},
    {.name = "roster-hole", .rows = "2", .text = "leaves out a roster record", .frame = roster_hole_frame,
        .must = ROSTER, .needs_late_phone = true, .phones_least = 4},
    {.name = "guessed-code", .rows = "1", .text = "asks to be paired under a code of her own",
        .frame = guessed_code_frame, .needs_late_phone = true},
    {.name = "hub-forge", .rows = "D3", .text = "as a device, pushes in another's name",
        .moment = intrude_forge, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-ghost", .rows = "D3", .text = "as a device, pushes for one that was never enrolled",
        .moment = intrude_ghost, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-chain", .rows = "D3", .text = "as a device, goes on with another's chain",
        .moment = intrude_chain, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-effect", .rows = "D1", .text = "as a device, pushes effects without deps",
        .moment = intrude_effect, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-twice", .rows = "D1", .text = "as a device, pushes two batches at one place",
        .moment = intrude_twice, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-flood", .rows = "D2", .text = "as a device, pushes as much as a line takes",
        .moment = intrude_flood, .through_hub = true, .refused = true, .needs_traitor = true},
    {.name = "hub-pose", .rows = "D4", .text = "as a device, says that it is another user's",
        .moment = intrude_pose, .through_hub = true, .refused = true, .poses = true,
        .needs_traitor = true, .needs_others = true},
    {.name = "mixed", .rows = "M3", .text = "does many of these in turn", .frame = mixed_frame,
        .moment = mixed_moment, .given = mixed_given, .needs_others = true,
        .may = BAD_SIGNATURE | FORK | ROSTER | BEHIND | WITHHELD | UNREADABLE | CLOCK},
    {.name = "other-use", .rows = "16", .text = "tries each signature for every other purpose",
        .given = reuse_given, .frame = reuse_frame, .heard = reuse_heard},
    {.name = "same-dice", .rows = "17, D5", .text = "copies a running phone, and both get the same dice",
        .moment = dice_moment},
    {.name = "weigh", .rows = "22", .text = "only weighs what passes", .given = weigh_given},
    {.name = "end-of-time", .rows = "C2", .text = "an enrolled device stamps the largest time there is",
        .moment = poison_moment, .needs_traitor = true, .may = CLOCK | WITHHELD},
    {.name = "hub-appends", .rows = "D2", .text = "as a device, uses up the changes to the roster",
        .moment = intrude_appends, .through_hub = true, .refused = true, .needs_traitor = true,
        .needs_revocation = true},
    {.name = "hub-chains", .rows = "D2", .text = "as a device, opens all the chains that a user may have",
        .moment = intrude_chains, .through_hub = true, .refused = true, .needs_traitor = true,
        .needs_late_phone = true, .stays_apart = true, .limit_chains = 30}, /* her own phone gets none */
};
const size_t strategy_count = sizeof strategies / sizeof *strategies;

uint32_t strategy_by_name(const char *name)
{
    for (uint32_t i = 0; i < strategy_count; i++) {
        if (strcmp(strategies[i].name, name) == 0) {
            return i + 1;
        }
    }
    return 0;
}

bool strategy_fits_stories(uint32_t number)
{
    return number > STRATEGY_HONEST && number <= strategy_count && !strategies[number - 1].through_hub;
}
