/*
 * What the hub's files share: its users, their chains and log, its connections.
 *
 *   hub.c            life, step, time, counters
 *   hub_out.c        the actions of a step
 *   hub_user.c       a user's index: loaded, grown, rolled back, let go
 *   hub_handshake.c  HELLO … WELCOME
 *   hub_push.c       PUSH → verify → accept → persist → ACK
 *   hub_roster.c     appending to the roster
 *   hub_stream.c     SUB, WANT, DELTA, CAUGHT_UP, PRESENCE
 *   hub_pair.c       mailboxes for pairing
 */
#ifndef QR_SYNC_HUB_INTERNAL_H
#define QR_SYNC_HUB_INTERNAL_H

#include "base/failpoint.h"
#include "codec/frame.h"
#include "crypto/pair.h"
#include "crypto/sign.h"
#include "sync/hub.h"
#include "sync/roster.h"
#include "sync/table.h"
#include <utlist.h>

#define HUB_ROSTER_CHAIN UINT16_MAX       /* hub_entry.chain of a roster record */
#define HUB_UNSENT_LOW (128 * 1024)       /* a DELTA is made only while less than this is unsent */
#define HUB_DELTA_MAX (32 * 1024)         /* bytes of batches in one DELTA: half a minute at 1 KB/s */
#define HUB_CREDIT_MAX (16 * 1024 * 1024)
#define HUB_UNVERIFIED_MAX (2 * 1024 * 1024) /* bytes of pushes under verification, a connection */
#define HUB_PAIR_MAILBOXES 1024
#define HUB_LOOK_BACK_MAX 4096            /* batches read to see whether one stands on what is shut out */
#define HUB_HOUR_MS 3600000
#define HUB_MINUTE_MS 60000
#define HUB_HELLO_MAX 4096                /* bytes of a frame before authentication */
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

/** A limit of so many in an interval, with a burst. */
struct hub_bucket {
    uint64_t level;
    uint64_t filled_ms;
    bool filled; /* once; before, it is full */
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

/* ---- hub_out.c ------------------------------------------------------------------------------- */
void hub_out_clear(struct hub_out *out);
void hub_out_finish(struct hub_out *out);
QUIRE_CHECKED enum quire_status hub_out_end(struct hub_out *out, struct qr_hub_actions *out_actions);
void hub_send(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_close(struct qr_hub *hub, struct hub_connection *connection, uint16_t code);
/** ERROR about a batch (replica not NULL) or the connection; a fatal one closes it. */
void hub_error(struct qr_hub *hub, struct hub_connection *connection, enum qr_error_code code,
    bool fatal, uint32_t retry_ms, const uint8_t *replica, uint64_t seq, struct quire_bytes data);
void hub_fatal(struct qr_hub *hub, struct hub_connection *connection, enum qr_error_code code);
void hub_verify(struct qr_hub *hub, uint64_t token, const struct qr_verify_job *jobs, size_t count);
/** Copies the bytes; all records of a step go out as one PERSIST. */
void hub_persist(struct qr_hub *hub, const struct hub_user *user, const struct qr_log_entry *entry,
    struct quire_bytes bytes);
void hub_forget(struct qr_hub *hub, const struct hub_user *user, uint64_t lsn);

/* ---- hub_user.c ------------------------------------------------------------------------------ */
/** Finds or loads a user. ENOTFOUND: the log has nothing of it. */
QUIRE_CHECKED enum quire_status hub_user_get(struct qr_hub *hub, const uint8_t *user,
    struct hub_user **out_user);
/** A user that the log has nothing of yet. */
QUIRE_CHECKED enum quire_status hub_user_new(struct qr_hub *hub, const uint8_t *user,
    struct hub_user **out_user);
/** Lets a user without connections go to the idle ones, and the oldest idle one go. */
void hub_user_rest(struct qr_hub *hub, struct hub_user *user);
void hub_user_destroy(struct hub_user *user);
/** NULL: no such chain. */
struct hub_chain *hub_chain_find(const struct hub_user *user, const uint8_t *replica);
const struct hub_entry *hub_chain_entry(const struct hub_user *user, const struct hub_chain *chain,
    uint64_t seq);
/** Adds an entry that continues its chain (made when seq is 1) or the roster. ELIMIT: too many
 * chains. ENOMEM. */
QUIRE_CHECKED enum quire_status hub_user_add(struct hub_user *user, const struct qr_log_entry *entry,
    uint64_t origin);
/** Gives a record the next lsn, adds it and asks for it to be persisted. */
QUIRE_CHECKED enum quire_status hub_user_accept(struct qr_hub *hub, struct hub_user *user,
    struct qr_log_entry *entry, struct quire_bytes bytes, uint64_t origin);
void hub_persisted(struct qr_hub *hub, uint64_t lsn);
void hub_persist_failed(struct qr_hub *hub, uint64_t lsn, enum quire_status code);
/** A stored record is damaged: the user's log ends before it from now on. */
void hub_user_damaged(struct qr_hub *hub, struct hub_user *user, uint64_t lsn);
/** Takes `amount` (what is above the burst counts as the burst) from a bucket that gains `rate` in
 * an interval; the milliseconds to wait if it does not hold that much, else 0. */
uint32_t hub_bucket_take(struct hub_bucket *bucket, uint64_t now_ms, uint64_t amount, uint64_t rate,
    uint64_t interval_ms, uint64_t burst);

/* ---- the rest -------------------------------------------------------------------------------- */
void hub_on_hello(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame,
    struct quire_bytes bytes);
void hub_on_auth(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_on_auth_verified(struct qr_hub *hub, struct hub_connection *connection, bool valid);

void hub_on_push(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_on_push_verified(struct qr_hub *hub, struct hub_push *push, size_t valid);
void hub_push_destroy(struct qr_hub *hub, struct hub_push *push);
/** Tells a connection what has become durable of what it waits for. */
void hub_acknowledge(struct qr_hub *hub, struct hub_connection *connection);

void hub_on_roster_append(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame);
/** Persists the records of `roster` that the user's roster lacks and takes it over. */
QUIRE_CHECKED enum quire_status hub_roster_take(struct qr_hub *hub, struct hub_user *user,
    struct qr_roster *roster, uint64_t origin);
/** The roster changed: how much of each chain it admits. */
void hub_roster_settle(struct hub_user *user);
/** May the roster take over, as far as its revocations from record `from` on go: nobody has built on
 * what they shut out. ECONFLICT: somebody has. */
QUIRE_CHECKED enum quire_status hub_roster_admissible(struct qr_hub *hub, const struct hub_user *user,
    const struct qr_roster *roster, uint32_t from);
/** Sends the durable records from `from` on. */
void hub_send_roster(struct qr_hub *hub, struct hub_connection *connection, uint32_t from);
/** Records of the roster that are durable. */
uint32_t hub_roster_durable(const struct hub_user *user);

void hub_on_sub(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_stream(struct qr_hub *hub, struct hub_connection *connection);
void hub_presence(struct qr_hub *hub, struct hub_user *user);

void hub_on_pair(struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame);
void hub_pair_closed(struct qr_hub *hub, struct hub_connection *connection);

#endif
