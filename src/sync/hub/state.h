/*
 * What the hub's files share: its users, their chains and log, its connections.
 *
 *   hub.c        life, step, time, counters
 *   bucket.c     token buckets
 *   out.c        the actions of a step
 *   user.c       a user's index: loaded, grown, rolled back, evicted
 *   handshake.c  HELLO … WELCOME
 *   push.c       PUSH → verify → accept → persist → ACK
 *   roster.c     appending to the roster
 *   stream.c     SUB, WANT, DELTA, CAUGHT_UP, PRESENCE
 *   pair.c       mailboxes for pairing
 */
#ifndef QR_SYNC_HUB_STATE_H
#define QR_SYNC_HUB_STATE_H

#include "base/failpoint.h"
#include "codec/frame.h"
#include "crypto/pair.h"
#include "crypto/sign.h"
#include "sync/hub/bucket.h"
#include "sync/hub/hub.h"
#include "sync/roster.h"
#include "sync/table.h"
#include <utlist.h>

#define HUB_ROSTER_CHAIN UINT16_MAX       /* hub_entry.chain of a roster record */
#define HUB_UNSENT_LOW (128 * 1024)       /* a DELTA is made only while less than this is unsent */
#define HUB_DELTA_MAX (32 * 1024)         /* bytes of batches in one DELTA: half a minute at 1 KB/s */
#define HUB_UNVERIFIED_MAX (2 * 1024 * 1024) /* bytes of pushes under verification, a connection */
#define HUB_PAIR_MAILBOXES 1024
#define HUB_LOOK_BACK_MAX 4096            /* batches read to see whether one stands on what is shut out */
#define HUB_HOUR_MS 3600000
#define HUB_MINUTE_MS 60000
#define HUB_AUTH_TOKEN (1ull << 63)       /* token of an AUTH: this and the connection's id */

struct hub_connection;

/** One record of a user's part of the log. Invariant: lsn ascends. */
struct hub_entry {
    uint64_t lsn;
    uint64_t seq;
    uint64_t origin; /* the connection that brought it; 0 after a restart */
    uint32_t size;
    uint16_t chain; /* index, or HUB_ROSTER_CHAIN */
    uint8_t hash[QR_HASH_SIZE];
};

/** Invariant: places[i] is the index in user->entries of seq i + 1. */
struct hub_chain {
    uint8_t replica[QR_REPLICA_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t *places;
    size_t accepted; /* greatest seq accepted, durable or on its way */
    size_t capacity;
    size_t durable;
    uint64_t admitted; /* by the roster: what is above a revocation's pin is kept, and not served */
    uint64_t built; /* greatest seq that another device's batch stands on, of those since loading */
    uint64_t noted_seq; /* the batch that noted_roster_seq is of; 0 none */
    uint32_t noted_roster_seq;
};

struct hub_user {
    UT_hash_handle hh;
    struct hub_user *next, *prev; /* idle users, oldest first */
    bool idle;
    bool gone; /* out of the table; freed when nothing of it is pending */
    bool damaged; /* from damaged_lsn on; nobody gets it before that is forgotten, and it is gone */
    uint64_t damaged_lsn;
    uint8_t user[QR_USER_SIZE];
    struct qr_roster roster;
    struct hub_entry *entries;
    size_t entry_count, entry_capacity, durable_count;
    size_t loaded_count; /* entries that were in the log when the user was loaded */
    struct hub_chain *chains;
    uint16_t *chain_order; /* their indices, by replica as bytes: a SUB looks up a thousand of them */
    size_t chain_count, chain_capacity;
    uint64_t bytes;
    struct hub_connection *connections; /* ready ones */
    uint32_t connection_count;
    struct hub_bucket pushes, push_bytes, subs, appends, failures;
    bool dirty; /* something became durable in this step */
    struct hub_user *next_dirty;
};

/** One PUSH under verification. */
struct hub_push {
    UT_hash_handle hh; /* by token */
    struct hub_push *next, *prev;
    uint64_t token;
    struct hub_connection *connection;
    struct quire_buffer frame;
    struct quire_bytes *batches; /* into frame */
    uint8_t (*hashes)[QR_HASH_SIZE];
    bool *signed_job; /* this batch has a job */
    size_t batch_count;
    uint8_t roster_head[QR_HASH_SIZE]; /* that authors and hashes were checked on */
    size_t valid; /* jobs known to be valid */
    bool verified;
};

/** An acknowledgement that a connection waits for. */
struct hub_mark {
    uint16_t chain;
    uint64_t upto;  /* asked for */
    uint64_t acked; /* told */
};

enum hub_connection_state {
    HUB_NEW,            /* nothing yet, or only pairing */
    HUB_CHALLENGED,     /* HELLO came, CHALLENGE went */
    HUB_AUTHENTICATING, /* AUTH under verification */
    HUB_READY,
    HUB_CLOSING, /* CLOSE was asked for; nothing more is heard or said */
};

struct hub_connection {
    UT_hash_handle hh;
    struct hub_connection *next, *prev; /* of the user */
    uint64_t id;
    enum hub_connection_state state;
    uint64_t opened_ms, heard_ms, sent_ms;
    size_t unsent;
    uint8_t host[QR_HOST_MAX];
    size_t host_size;
    uint8_t nonce[QR_FRAME_NONCE_SIZE];

    /* handshake */
    uint8_t claimed_user[QR_USER_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint8_t auth_digest[QR_HASH_SIZE];
    uint32_t challenged_count; /* roster_count told in CHALLENGE */
    size_t auth_jobs;  /* signatures that must hold: its own, and of each record it offers */
    bool auth_revoked; /* the device was revoked: tell it so, once it has proved who it is */
    struct qr_roster offered; /* the server's roster and the records of AUTH */
    bool has_offer;

    /* ready */
    struct hub_user *user;
    uint32_t roster_count; /* records that the client has */
    uint64_t append_lsn;   /* ROSTER_DONE is owed when this is durable; 0 none */
    struct hub_push *pushes;
    size_t unverified; /* bytes of them */
    struct hub_mark *marks;
    size_t mark_count, mark_capacity;
    bool subscribed, caught_up;
    size_t position;   /* next entry of the user to send */
    size_t filter_end; /* entries before this are held back by `filter` */
    uint64_t *filter;  /* per chain: the client has up to this seq; NULL when past filter_end */
    size_t filter_count;
    int64_t credit;

    /* pairing */
    struct hub_connection *next_waiting, *prev_waiting; /* while it waits at a mailbox */
    bool waits_at_mailbox;
    uint8_t mailbox[QR_MAILBOX_SIZE];
    uint64_t pair_peer; /* connection id, 0 none */
};

/** A record on its way to being durable. */
struct hub_pending {
    uint64_t lsn;
    struct hub_user *user;
};

/** The actions of a step; pointers into `bytes` are set when the step ends, since it may move. */
struct hub_out {
    struct qr_hub_action *items;
    size_t count, capacity;
    struct qr_verify_job *jobs;
    size_t job_count, job_capacity;
    struct qr_log_record *records;
    size_t record_count, record_capacity;
    struct quire_buffer bytes;
    bool failed; /* out of memory */
};

struct qr_hub {
    struct qr_hub_limits limits;
    struct qr_log_reader reader;
    uint8_t log[QR_LOG_SIZE];
    uint8_t key[QR_KEY_SIZE]; /* of the table of users */
    uint64_t next_lsn, next_token;
    uint64_t now_ms, wall_ms;
    uint64_t ticked_ms;
    bool draining;
    struct hub_user *users;
    struct hub_user *idle_users;
    uint32_t idle_count;
    uint32_t mailbox_count;
    struct hub_connection *waiting; /* at mailboxes */
    struct hub_connection *connections;
    struct hub_push *pushes;
    struct hub_pending *pending; /* a ring, in order of lsn */
    size_t pending_first, pending_count, pending_capacity;
    struct hub_user *dirty;
    struct hub_out out;
    struct qr_hub_counters counters;
    struct qr_frame_space space;
};

#endif
