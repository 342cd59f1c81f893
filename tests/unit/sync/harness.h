/*
 * A hub and devices in one process, joined by perfect or broken lines; disks are tables in memory.
 * For tests of single stories; the simulation makes them up by the thousand.
 */
#ifndef QR_TESTS_SYNC_HARNESS_H
#define QR_TESTS_SYNC_HARNESS_H

#include "crypto/sign.h"
#include "kit/device.h"
#include "kit/hub.h"
#include "kit/random.h"

#define WORLD_DEVICES 6
#define WORLD_STRANGERS 1100

struct message {
    struct message *next;
    struct quire_buffer bytes;
};

struct line {
    struct message *first, *last;
};

struct person {
    struct kit_device shell;
    char kit[QUIRE_KIT_TEXT_SIZE];
    uint64_t connection; /* 0: offline */
    struct line to_hub, to_device;
    uint64_t closed;
    uint32_t retry_ms; /* of the device's last CLOSE */
    uint64_t pushed;   /* bytes of PUSH frames that it sent */
};

/** A stranger who talks raw frames to the hub: peer.h. */
struct stranger {
    uint64_t connection;      /* 0: never open, or closed */
    struct line from_hub;     /* what it has not read yet */
    uint16_t closed;          /* WebSocket code, once the hub closed */
    struct quire_buffer last; /* the message that was read last */
};

struct world {
    struct kit_hub server; /* its hub is NULL while it is made anew */
    /** Told before and after each call into the core; may be NULL. With it ENOMEM is borne: a device
     * or hub without memory ends and begins again from what it had made durable. */
    void (*core)(bool inside);
    uint64_t restarts;
    bool hold_persisted; /* devices never hear that something is durable */
    struct person people[WORLD_DEVICES];
    struct stranger strangers[WORLD_STRANGERS];
    size_t stranger_count;
    uint64_t now_ms;
    int64_t wall_ms;
    uint64_t next_connection;
    uint64_t address; /* of every connection that is opened; 0: no limit counts it */
    struct kit_random random;
    struct quire_buffer seen; /* every byte that the hub got or stored */
};

void world_init(struct world *world);
void world_finish(struct world *world);
/** A new account for person i, or a second device of it, paired through person `old`. */
void world_account(struct world *world, size_t person);
void world_pair(struct world *world, size_t old, size_t new);
/** A new device by a code, not connected yet. */
void world_join(struct world *world, size_t person, const char *code);
/** A new device by the recovery kit. */
void world_recover(struct world *world, size_t person, const char *kit);
void world_connect(struct world *world, size_t person);
void world_disconnect(struct world *world, size_t person);
/** Ends the device's process. */
void world_drop(struct world *world, size_t person);
/** What its process begins with. */
struct quire_device_options world_options(struct world *world, struct person *person);
/** Closes and opens the device again, as a process that ended and began. */
void world_restart(struct world *world, size_t person, bool with_replica_record);
/** A new hub over the durable part of the log, cut to `keep` records. */
void world_restart_hub(struct world *world, size_t keep);
/** Carries messages to and fro, and lets time go by, until nothing moves for `idle_ms`. */
void world_run(struct world *world, uint64_t idle_ms);
/** Carries at most one message to and one from each person. False: there was none. */
bool world_carry(struct world *world);
void world_commit(struct world *world);
/** The disk refuses what hold_commits kept. */
void world_fail_commits(struct world *world);
/** Answers the VERIFY actions that hold_verify kept, in their order. */
void world_verify(struct world *world);
/** Opens a connection for a stranger who asks for `host`. */
struct stranger *world_stranger(struct world *world, const char *host);
void world_step(struct world *world, size_t person, struct quire_event event);
void world_hub_step(struct world *world, struct qr_hub_event event);
/** Types text at the end of an entry, saved and not sealed. False: there was no memory for it. */
bool world_keep(struct world *world, size_t person, const uint8_t *entry, const char *text);
/** The same, and sealed at once. */
bool world_type(struct world *world, size_t person, const uint8_t *entry, const char *text);
/** The entry's text on that device, in static storage until the next call. */
const char *world_text(struct world *world, size_t person, const uint8_t *entry);
struct quire_device_state world_state(struct world *world, size_t person);
void line_put(struct line *line, struct quire_bytes bytes);
/** The oldest message, or NULL; the caller frees it. */
struct message *line_take(struct line *line);
void line_clear(struct line *line);
void message_free(struct message *message);

#endif
