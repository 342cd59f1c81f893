/*
 * A phone: one profile on one disk, the process that runs the shipping device on it, its clocks,
 * and its end of a connection. It can be killed, rebooted, put back to an old backup, cloned.
 */
#ifndef SIMULATION_PHONE_H
#define SIMULATION_PHONE_H

#include "disk/disk.h"
#include <quire/device.h>

struct network_phones;

struct clock_state {
    int64_t skew_ms;
    int64_t frozen_at_ms; /* what it always says, when frozen */
    bool frozen;
};

enum phone_stage {
    PHONE_BLANK,   /* no profile: wants to join */
    PHONE_JOINING, /* a device that has no user yet */
    PHONE_JOINED,
    PHONE_AWAY, /* not part of this run (yet) */
};

struct phone {
    uint32_t number, user, ordinal; /* ordinal: among those of the user */
    enum phone_stage stage;
    struct disk disk;
    uint8_t profile_key[QUIRE_PROFILE_KEY_SIZE];
    struct quire_device *device; /* NULL while the process does not run */
    uint64_t life;               /* changes with each start and end of the process */
    uint64_t monotonic_offset_ms;
    struct clock_state clock;

    uint8_t replica_record[QUIRE_REPLICA_RECORD_SIZE];
    size_t replica_record_size;

    bool online; /* wants a connection */
    bool dialing;
    uint64_t link; /* 0: none */
    uint64_t dial_not_before_ms;
    uint64_t no_dial_until_ms; /* no connection comes about before then */
    uint64_t paused_until_ms;  /* the process stands still */
    bool dial_asked;
    uint64_t tick_at_ms; /* the TICK that was asked for; UINT64_MAX: none */
    uint32_t late_ticks; /* in a row: TICKs that were wanted in the past */
    uint64_t sync_at_ms; /* disk: durable up to the newest write then */

    bool unknown;              /* it is a member, and the server says that it is none */
    bool revoked;              /* a user meant to revoke its device */
    struct quire_buffer asked; /* its last SUB */
    uint64_t asked_at_ms, heard_at_ms;
    bool apart;     /* not among those that are asked to converge now */
    bool newer;     /* its process is of a later version: see options.h */
    bool later;     /* … because a story says so */
    bool ahead;     /* its process writes batches of a later version */
    bool clone;     /* lives on a copied profile */
    bool same_dice; /* its random bytes are always `dice`: see adversary/subtle.c */
    uint8_t dice[32];
    uint32_t helping;         /* number of the phone that waits for our code, or PHONES_MAX */
    uint64_t trying_until_ms; /* joining: then it gives up and tries again */
    struct quire_device_state state; /* after the last step */
};

/** Another phone of that user, blank. */
struct phone *phone_add(struct world *world, uint32_t user);
void phone_finish(struct phone *phone);

int64_t phone_wall_ms(const struct world *world, const struct phone *phone);
/** The options of a call that opens or makes the device. */
struct quire_device_options phone_options(struct world *world, struct phone *phone);

/** The process begins on what the disk holds. A blank disk: it stays down. */
void phone_start(struct world *world, struct phone *phone);
/** The process is killed; some of the waiting writes may survive. reboot: the power was off. */
void phone_kill(struct world *world, struct phone *phone, bool reboot);
/** Its process is replaced by one of the last version. */
void phone_upgrade(struct world *world, struct phone *phone);
/** A device made by init, join or recover; `actions` may be NULL. */
void phone_run(struct world *world, struct phone *phone, struct quire_device *device,
    const struct quire_actions *actions);

/** Feeds an event; time and entropy are filled in. Returns the status of the step. */
enum quire_status phone_step(struct world *world, struct phone *phone, struct quire_event event);
/** Wants or does not want a connection from now on. */
void phone_set_online(struct world *world, struct phone *phone, bool online);

/** The phones' end of the network. */
extern const struct network_phones phone_network;

#endif
