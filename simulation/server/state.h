/*
 * What the server is: its process, the records of its log, and who may stand in the hub's place.
 */
#ifndef SIMULATION_SERVER_STATE_H
#define SIMULATION_SERVER_STATE_H

#include "codec/frame.h"
#include "sync/hub/hub.h"
#include "world/world.h"

#define SERVER_GUEST_LINK (UINT64_C(1) << 40) /* connections of a guest: from here on */

struct stored {
    uint8_t user[QR_USER_SIZE];
    struct qr_log_entry entry;
    uint8_t *bytes; /* owned */
    bool damaged;
    bool forgotten; /* not in its user's index any more */
};

/** Stands in the hub's place; its functions are called in the place of the hub's steps. */
struct server_front {
    void (*opened)(struct world *world, uint64_t link);
    void (*frame)(struct world *world, uint64_t link, struct quire_bytes bytes);
    void (*closed)(struct world *world, uint64_t link);
};

/** Has connections to the hub that no network carries: as fast as can be. */
struct server_guest {
    void (*hear)(struct world *world, uint64_t link, struct quire_bytes bytes);
    void (*closed)(struct world *world, uint64_t link);
};

struct server {
    struct qr_hub *hub;               /* NULL while it is down */
    const struct server_front *front; /* NULL: the hub itself serves */
    const struct server_guest *guest; /* NULL: none comes */
    uint64_t life;
    uint64_t monotonic_offset_ms;
    int64_t skew_ms;
    uint64_t tick_ms; /* between two looks at its clock */
    uint8_t log_id[QR_LOG_SIZE];

    struct stored *log; /* lsn − 1 is the index */
    size_t durable, written, capacity;
    uint64_t bytes;           /* of what is written */
    uint64_t commit_at_ms;    /* the group commit under way; 0: none */
    size_t commit_to;         /* records that are durable with it */
    bool full;                /* no commit works for now */
    bool slow;                /* the next commit takes many seconds */
    bool later;               /* of a later version: says frames that this one passes over */
    bool kill_in_commit;      /* the next commit is not seen to its end */
    uint64_t paused_until_ms; /* the process stands still */
    uint64_t copy_at_ms;
    size_t copy; /* durable records in the old copy; SIZE_MAX: there is none */

    uint64_t *places; /* hash table: (user, replica, seq) → index + 1 of a durable record */
    size_t places_size;
    size_t places_used;

    void *backend; /* a store that must say the same as the log, or NULL: backend.h */

    struct qr_frame_space *space; /* for checkers: too much to begin with zeros for each frame */
};

#endif
