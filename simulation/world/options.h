/*
 * What kind of world a seed makes: the options of one run, drawn anew for each seed (swarm testing:
 * most runs have only some of the faults, so that no fault hides another).
 */
#ifndef SIMULATION_OPTIONS_H
#define SIMULATION_OPTIONS_H

#include "codec/batch.h"
#include "prng.h"
#include <stdio.h>

#define USERS_MAX 4u
#define ENTRIES_MAX 128u      /* of each user */
#define PHONES_OF_USER_MAX 8u /* when it begins */
#define CLONES_MAX 8u
#define LATER_VERSION (QR_BATCH_VERSION + 1) /* of batches */

/*      name, unit and meaning; a mean of 0 means never */
#define OPTIONS(X) \
    X(minutes) /* simulated, before everything heals */ \
    X(users) \
    X(phones)          /* of each user */ \
    X(entries)         /* of each user, at first */ \
    X(acts_per_minute) /* of each person while writing */ \
    X(writing_s)       /* mean length of a time of writing */ \
    X(resting_s)       /* mean pause between two */ \
    X(text_length)     /* code points; beyond, people rather delete */ \
    X(flush_ppm)       /* of acts end in FLUSH */ \
    X(save_later_ppm)  /* of acts are not saved at once */ \
    X(delete_ppm)      /* of acts delete the entry */ \
    X(paste_ppm)       /* of acts put in thousands of letters at once */ \
    X(delay_ms)        /* one way, at least */ \
    X(jitter_ms)       /* more, at most */ \
    X(retransmit_ppm)  /* frames that come seconds late and hold up the others */ \
    X(drop_ppm)        /* frames that never come: below what WebSocket promises */ \
    X(duplicate_ppm)   /* frames that come twice: likewise */ \
    X(reorder_ppm)     /* frames that overtake: likewise */ \
    X(withhold_ppm)    /* PUSH and DELTA frames that lose one of their batches on the way */ \
    X(bytes_per_ms)    /* from the server to one phone */ \
    X(stall_mean_s)    /* one direction of one connection stands still */ \
    X(stall_length_s) \
    X(cut_mean_s)     /* a connection is lost, noticed late */ \
    X(offline_mean_s) /* a phone goes offline */ \
    X(offline_length_s) \
    X(server_crash_mean_s) \
    X(server_down_s) \
    X(server_drain_ppm)   /* of the server's ends are orderly */ \
    X(server_disk_ms)     /* one group commit, at most */ \
    X(server_full_mean_s) /* its disk is full for a while */ \
    X(server_rot_ppm)     /* of records read are found damaged */ \
    X(server_restores)    /* how often its log is put back to an old copy */ \
    X(server_wipes)       /* how often it begins again with nothing */ \
    X(server_memory)      /* users whose index is kept; small ones make it load again */ \
    X(pushes_per_second)  /* the server takes from one user … */ \
    X(pushes_burst)       /* … and at once */ \
    X(verify_ms)          /* to check the signatures of a push, at most */ \
    X(phone_crash_mean_s) \
    X(phone_down_s) \
    X(reboot_ppm)     /* of a phone's crashes take the replica record along */ \
    X(phone_disk_ms)  /* until a write is durable, at most */ \
    X(phone_restores) /* how often a profile is put back to an old copy */ \
    X(phone_clones)   /* how often a copy of a profile comes to life beside it */ \
    X(revokes) \
    X(recover_ppm) /* of joins use the recovery kit */ \
    X(skew_ms)     /* of wall clocks, at most, either way */ \
    X(clock_jump_mean_s) \
    X(clock_frozen_ppm)   /* of wall clocks stand still */ \
    X(last_join)          /* a new phone at the end must read everything from the server */ \
    X(lost_at_end)        /* phones that stay dead when all heals: the others must do without */ \
    X(heal_cuts)          /* connections begin anew when all heals */ \
    X(phone_pause_mean_s) /* a process stands still */ \
    X(server_pause_mean_s) \
    X(pause_length_s) \
    X(sleeps)      /* how often all machines sleep … */ \
    X(sleep_h)     /* … for so many hours */ \
    X(flap_mean_s) /* a phone is online and offline by the second */ \
    X(flap_length_s) \
    X(half_mean_s) /* one direction between a phone and the server is gone */ \
    X(half_length_s) \
    X(server_slow_mean_s) /* a commit takes many seconds */ \
    X(server_fail_ppm)    /* of commits fail */ \
    X(phone_fail_ppm)     /* of writes to a phone's disk fail, and end its process */ \
    X(server_skew_ms)     /* of its wall clock, at most, either way */ \
    X(newer_ppm)          /* of processes are of a version that writes what others keep unread */ \
    X(later_ppm)     /* of processes write batches of a version that earlier ones keep unread */ \
    X(credit_kib)    /* of DELTA before the first CREDIT; 0: as the protocol has it */ \
    X(unknown_ppm)   /* frames that another one follows, of a type that only newer ones know */ \
    X(limit_devices) /* lowered limits, as src/base/limit.h has them; 0: as shipped */ \
    X(limit_records) \
    X(limit_chains) \
    X(limit_text) \
    X(limit_elements) \
    X(limit_user_kib)  /* that the server stores for one user, until all heals; 0: as shipped */ \
    X(limit_appends)   /* roster appends of one device in an hour; 0: as for honest devices */ \
    X(limit_links)     /* connections of one user at once; 0: as shipped */ \
    X(limit_store_kib) /* that the server's disk has room for, until all heals; 0: for all */ \
    X(mallory)         /* the server is hostile: the number of a strategy (quire-sim attack) */

struct options {
#define FIELD(name) uint64_t name;
    OPTIONS(FIELD)
#undef FIELD
};

/** Draws all options; minutes are given. */
void options_draw(struct options *options, uint64_t seed, uint64_t minutes);
/** Lowers limits in so many worlds of a million; which and how far, the seed says. */
void options_draw_limits(struct options *options, uint64_t seed, uint64_t per_million);
/** Any limit is lower than it ships. */
bool options_lower_limits(const struct options *options);
/** A world in which nothing goes wrong by itself: what a story begins with. */
void options_calm(struct options *options);
/** Sets one by its name, to any value. False: there is none of that name. */
bool options_set(struct options *options, const char *name, uint64_t value);
/** Writes them in one line, name=value, leaving out what is 0. */
void options_print(const struct options *options, FILE *out);

/** The number of options, the name and the place of the index-th. */
size_t options_count(void);
const char *options_name(size_t index);
uint64_t *options_at(struct options *options, size_t index);
/** Between which values of the index-th there can be a world at all. */
void options_range(size_t index, uint64_t *out_least, uint64_t *out_most);

#endif
