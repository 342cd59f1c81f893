/*
 * The server: the shipping hub, a log on a disk that commits in groups, fills up and rots, and a
 * process that is killed, restarted, restored from an old copy or begun again with nothing.
 */
#ifndef SIMULATION_SERVER_H
#define SIMULATION_SERVER_H

#include "codec/frame.h"
#include "sync/hub/hub.h"
#include "world/world.h"

struct network_server;

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
    struct qr_hub *hub; /* NULL while it is down */
    const struct server_front *front; /* NULL: the hub itself serves */
    const struct server_guest *guest; /* NULL: none comes */
    uint64_t life;
    uint64_t monotonic_offset_ms;
    int64_t skew_ms;
    uint64_t tick_ms; /* between two looks at its clock */
    uint8_t log_id[QR_LOG_SIZE];

    struct stored *log; /* lsn − 1 is the index */
    size_t durable, written, capacity;
    uint64_t commit_at_ms; /* the group commit under way; 0: none */
    size_t commit_to;      /* records that are durable with it */
    bool full;             /* no commit works for now */
    bool slow;             /* the next commit takes many seconds */
    bool later;            /* of a later version: says frames that this one passes over */
    bool kill_in_commit;   /* the next commit is not seen to its end */
    uint64_t paused_until_ms; /* the process stands still */
    uint64_t copy_at_ms;
    size_t copy;           /* durable records in the old copy; SIZE_MAX: there is none */

    uint64_t *places; /* hash table: (user, replica, seq) → index + 1 of a durable record */
    size_t places_size;
    size_t places_used;

    void *backend; /* a store that must say the same as the log, or NULL: backend.h */

    struct qr_frame_space *space; /* for checkers: too much to begin with zeros for each frame */
};

void server_create(struct world *world);
void server_destroy(struct world *world);
void server_start(struct world *world);
/** It starts after a while, unless it is up by then. */
void server_start_later(struct world *world, uint64_t after_ms);
void server_kill(struct world *world);
/** Kills it while a commit is under way, now or at the next one; it starts again by itself. */
void server_kill_in_commit(struct world *world);
void server_drain(struct world *world);

/** Its end of the network. */
extern const struct network_server server_network;

/** True: the server stands still, and the happening comes again when it does not. */
bool server_waits(struct world *world, const struct happening *happening);
bool server_up(const struct world *world);
uint64_t server_life(const struct world *world);
int64_t server_wall_ms(const struct world *world);

void server_opened(struct world *world, uint64_t link);
void server_frame(struct world *world, uint64_t link, struct quire_bytes bytes);
void server_closed(struct world *world, uint64_t link);
void server_sent(struct world *world, uint64_t link, uint64_t size);

/** The durable batch at that place of that chain, or NULL; user NULL: whosever. */
const struct stored *server_find(const struct server *server, const uint8_t user[QR_USER_SIZE],
    const uint8_t replica[QR_REPLICA_SIZE], uint64_t seq);

/** While it is down: keep a copy; put it back; begin again with nothing. */
void server_copy(struct world *world);
void server_restore(struct world *world, bool new_log_id);
void server_wipe(struct world *world);

#endif
