/*
 * What the hub's files share: its users, their chains and log, its connections.
 *
 *   step.c       life, step, time, counters
 *   append.c     appending to a roster
 *   bucket.c     token buckets
 *   birth.c      what new accounts may take, by address
 *   check.c      the invariants
 *   member.c     what one device of a user may take
 *   out.c        the actions of a step
 *   user.c       users in memory: loaded, evicted
 *   index.c      a user's entries and chains
 *   log.c        accepted records: durable, or rolled back
 *   handshake.c  HELLO … WELCOME
 *   push.c       PUSH → verify → accept → persist → ACK
 *   roster.c     what a roster admits
 *   state.c      the states of a connection
 *   stream.c     SUB, WANT, DELTA, CAUGHT_UP, PRESENCE
 *   pair.c       mailboxes for pairing
 */
#ifndef QR_SYNC_HUB_STATE_H
#define QR_SYNC_HUB_STATE_H

#include "base/failpoint.h"
#include "codec/frame.h"
#include "crypto/pair.h"
#include "crypto/sign.h"
#include "sync/hub/birth.h"
#include "sync/hub/bucket.h"
#include "sync/hub/hub.h"
#include "sync/roster.h"
#include "sync/table.h"
#include <utlist.h>

#define HUB_ROSTER_CHAIN UINT16_MAX /* hub_entry.chain of a roster record */
#define HUB_UNSENT_LOW (128 * 1024) /* a DELTA is made only while less than this is unsent */
#define HUB_DELTA_MAX (32 * 1024)   /* bytes of batches in one DELTA: half a minute at 1 KB/s */
#define HUB_UNVERIFIED_MAX (2 * 1024 * 1024) /* bytes of pushes under verification, a connection */
#define HUB_CHAINS_MAX 8192 /* of a user in memory, those that a revocation shuts out included */
#define HUB_RECORDS_PER_SLICE 32 /* roster records checked at once, a signature each */
#define HUB_MAILBOXES_MAX 1024   /* mailboxes open at once */
#define HUB_MAILBOXES_PER_USER 2 /* a third closes the user's oldest */
#define HUB_HOUR_MS 3600000
#define HUB_MINUTE_MS 60000
#define HUB_AUTH_TOKEN (1ull << 63) /* token of an AUTH: this and the connection's id */

struct hub_connection;
struct hub_loading;

/** What a user's devices share, and each has a share of. */
enum hub_budget {
    HUB_BUDGET_PUSHES,
    HUB_BUDGET_PUSH_BYTES,
    HUB_BUDGET_DELTA_BYTES,
    HUB_BUDGET_SUBS,
    HUB_BUDGET_COUNT
};

/** What one device of a user has used up, or the root, which zeros name. */
struct hub_member {
    struct hub_member *next;
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t connection_count; /* ready ones */
    struct hub_bucket appends;
    struct hub_bucket shares[HUB_BUDGET_COUNT];
};

/** One record of a user's part of the log. Invariant: lsn ascends. */
struct hub_entry {
    uint64_t lsn;
    uint64_t seq;
    uint64_t origin; /* the connection that brought it; 0 after a restart */
    uint32_t size;
    uint16_t chain; /* index, or HUB_ROSTER_CHAIN */
    uint8_t hash[QR_HASH_SIZE];
};

/** Invariant: offsets[i] is the index in user->entries of seq i + 1. */
struct hub_chain {
    uint8_t replica[QR_REPLICA_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    uint32_t *offsets;
    size_t accepted; /* greatest seq accepted, durable or on its way */
    size_t capacity;
    size_t durable;
    uint64_t admitted; /* by the roster: what is above a revocation's pin is kept, and not served */
    uint64_t
        built; /* greatest seq that another device's batch depends on, of those from noted_from on */
    uint64_t noted_seq; /* the batch that noted_roster_seq is of; 0 none */
    uint32_t noted_roster_seq;
};

struct hub_user {
    UT_hash_handle hh;
    struct hub_user *next, *prev; /* idle users, oldest first */
    bool loading;                 /* its index is not whole yet: nothing else of it may be used */
    bool idle;
    uint64_t idle_bytes; /* of memory, while idle */
    bool gone;           /* out of the table; freed when nothing of it is pending */
    bool
        damaged; /* from damaged_lsn on; it is served to no device until it was dropped and loaded again */
    uint64_t damaged_lsn;
    uint8_t user[QR_USER_SIZE];
    struct qr_roster roster;
    struct hub_entry *entries;
    size_t entry_count, entry_capacity, durable_count;
    size_t noted_from; /* deps of the entries from here on are in their chains' `built` */
    size_t note_goal;  /* noted_from is wanted to be at most this */
    bool noting;       /* in the hub's list of users to look through */
    struct hub_user *next_noting;
    struct hub_chain *chains;
    uint16_t
        *chain_order; /* their indices, by replica as bytes: a SUB looks up a thousand of them */
    size_t chain_count, chain_capacity;
    uint64_t bytes;
    struct hub_connection *connections; /* those that became ready, until CLOSED; oldest first */
    uint32_t connection_count;          /* ready ones */
    struct hub_member *members;
    struct hub_bucket budgets[HUB_BUDGET_COUNT];
    struct hub_bucket failures;
    struct hub_birth birth; /* of an account that was made while this hub ran */
    uint64_t number;        /* of the user, in this hub; from 1 */
    bool dirty;             /* something became durable in this step */
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
    size_t valid;                      /* jobs known to be valid */
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
    HUB_LOADING,        /* HELLO came; the index of its user is being loaded */
    HUB_CHALLENGED,     /* CHALLENGE went */
    HUB_AUTHENTICATING, /* AUTH under verification */
    HUB_OFFERING,       /* AUTH holds; the records that it brings are under verification */
    HUB_READY,
    HUB_CLOSING, /* CLOSE was asked for; nothing more is heard or said */
    HUB_STATE_COUNT
};

/** HELLO to WELCOME. */
struct hub_handshake {
    uint8_t claimed_user[QR_USER_SIZE];
    struct quire_buffer hello; /* the frame, until CHALLENGE is made */
    uint32_t hello_count;      /* roster_count of HELLO */
    uint8_t auth_digest[QR_HASH_SIZE];
    uint32_t challenged_count;  /* roster_count of CHALLENGE */
    struct qr_verify_job *jobs; /* of the records it offers, until they are under verification */
    size_t job_count;           /* of those that are under verification */
    bool strangers_jobs;        /* they count in hub->counters.pending_stranger_jobs */
    bool revoked; /* the device was revoked: tell it so, once it has proved who it is */
    bool has_offer;
    struct qr_roster offered; /* the server's roster and the records of AUTH */
};

/** What the connection is owed: one position in its user's log, there is no queue. */
struct hub_reader {
    bool subscribed, caught_up;
    bool paused;       /* for the rate: a TICK goes on */
    size_t position;   /* next entry of the user to send */
    size_t filter_end; /* entries before this are held back by `filter` */
    uint64_t *filter;  /* per chain: the client has up to this seq; NULL when past filter_end */
    size_t filter_count;
    int64_t credit;
};

/** A mailbox that an old device waits at, or the new device that found one. */
struct hub_mailbox {
    struct hub_connection *next_waiting, *prev_waiting;
    bool waits;
    uint64_t opened_ms;
    uint8_t name[QR_MAILBOX_SIZE];
    uint64_t peer; /* connection id, 0 none */
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
    uint64_t address;                                   /* 0: no limit counts it */
    struct hub_bucket control;                          /* PING, CREDIT, skipped frames */
    struct hub_connection *next_loading, *prev_loading; /* in state LOADING */
    uint8_t device[QR_DEVICE_SIZE];
    struct hub_handshake handshake;
    struct hub_mailbox mailbox;

    /* ready */
    struct hub_user *user;
    struct hub_member *member;
    uint32_t roster_count; /* records that the client has */
    uint64_t append_lsn;   /* ROSTER_DONE is owed when this is durable; 0 none */
    struct hub_push *pushes;
    size_t unverified; /* bytes of them */
    struct hub_mark *marks;
    size_t mark_count, mark_capacity;
    struct hub_reader reader;
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
    bool draining;
    struct hub_user *users;
    struct hub_user *idle_users;
    uint32_t idle_count;
    uint64_t idle_bytes;            /* of memory, of the idle users */
    uint64_t last_user;             /* number */
    struct hub_user *noting;        /* users whose log is looked through */
    struct hub_loading *loads;      /* indexes that are being loaded */
    struct hub_connection *loading; /* connections that wait for one */
    uint32_t mailbox_count;
    struct hub_connection *waiting; /* at mailboxes, oldest first */
    struct hub_connection *connections;
    struct hub_births *births; /* NULL until the first new account */
    uint64_t full_until_ms;    /* the store was full: no batch is tried before */
    struct hub_push *pushes;
    struct hub_pending *pending; /* a ring, in order of lsn */
    size_t pending_first, pending_count, pending_capacity;
    struct hub_user *dirty;
    struct hub_out out;
    struct qr_hub_counters counters;
    struct qr_frame_space space;
};

/** The one place where a connection's state changes; asserts that the change is one of the table in
 * state.c, and keeps the counts of ready connections. */
void hub_set_state(
    struct qr_hub *hub, struct hub_connection *connection, enum hub_connection_state state);

#endif
