/*
 * The server's side of a sync: connections, users, their rosters and chains, as one state machine.
 * It stores nothing and sends nothing: events in, actions out. One hub per server process.
 *
 * Order: a record is acknowledged, and served to anyone, only after PERSISTED for its lsn.
 *        VERIFY may be answered in any order and at any time; PERSIST only in the order of lsn.
 * Memory: bounded by users with connections × their chains, and per connection by
 *        QR_HUB_UNSENT_MAX plus one frame under verification; a reader that stalls costs that much.
 * Threads: one hub on one thread.
 */
#ifndef QR_SYNC_HUB_H
#define QR_SYNC_HUB_H

#include "base/log.h"
#include "codec/frame.h"
#include "crypto/hash.h"

#define QR_HUB_UNSENT_MAX (1536 * 1024) /* bytes handed out in SEND and not yet SENT, of one connection */

struct qr_hub;

/** Every limit that an operator may set; qr_hub_limits_default fills in those of the protocol. */
struct qr_hub_limits {
    uint32_t connections;            /* at once; default 20,000 */
    uint32_t connections_per_user;   /* 40 */
    uint32_t users_loaded;           /* whose index is kept in memory while nobody is connected; 1,024 */
    uint32_t handshake_ms;           /* 10,000 */
    uint32_t idle_ms;                /* without a frame from the client; 90,000 */
    uint32_t stalled_ms;             /* with bytes unsent and none leaving; 60,000 */
    uint32_t pushes_per_second;      /* batches per user; 10 */
    uint32_t pushes_burst;           /* 200 */
    uint32_t push_bytes_per_second;  /* per user; 1 MiB */
    uint32_t push_bytes_burst;       /* 16 MiB */
    uint32_t subs_per_minute;        /* SUBs per user: each may read all of its log; 60 */
    uint32_t subs_burst;             /* 120 */
    uint32_t roster_appends_per_hour;/* per user; 60 */
    uint32_t auth_failures_per_hour; /* per user named; 20 */
    uint64_t user_bytes;             /* stored per user; 1 GiB */
    uint32_t credit;                 /* bytes of DELTA before the first CREDIT; 1 MiB, fewer in tests */
    uint8_t batch_version;           /* the greatest that is taken; 1 */
    bool open_registration;          /* unknown users may make an account; true */
};
void qr_hub_limits_default(struct qr_hub_limits *out_limits);

enum qr_hub_event_kind {
    QR_HUB_OPEN,           /* connection, entropy; bytes: the host name that the client asked for */
    QR_HUB_FRAME,          /* connection; bytes: one binary message */
    QR_HUB_CLOSED,         /* connection: gone */
    QR_HUB_SENT,           /* connection, size: so many bytes of SEND have left the queue */
    QR_HUB_VERIFIED,       /* token: of the VERIFY; size: how many jobs from the first on were valid */
    QR_HUB_PERSISTED,      /* lsn: durable up to here */
    QR_HUB_PERSIST_FAILED, /* lsn: nothing from here on is durable or will be, everything before it
                              was reported as PERSISTED; code: EFULL, EIO */
    QR_HUB_TICK,           /* at least once a second */
    QR_HUB_DRAIN,          /* going down: no new pushes, GOAWAY to all; closes as acks are out */
};

struct qr_hub_event {
    enum qr_hub_event_kind kind;
    uint64_t now_ms;  /* monotonic */
    uint64_t wall_ms; /* told to clients as a hint */
    uint64_t connection; /* the shell's name for it, never reused, from 1 */
    struct quire_bytes bytes;
    uint8_t entropy[QR_ENTROPY_SIZE]; /* OPEN */
    uint64_t token;
    uint64_t lsn;
    size_t size;
    enum quire_status code;
};

enum qr_hub_action_kind {
    QR_HUB_SEND,    /* connection, bytes */
    QR_HUB_CLOSE,   /* connection, code: WebSocket close code; after what was sent. CLOSED follows
                       from the shell unless it was fed already */
    QR_HUB_VERIFY,  /* token, jobs: all signatures of one push, or of one AUTH */
    QR_HUB_PERSIST, /* records: append to the log, in this order, durably; then PERSISTED */
    QR_HUB_FORGET,  /* user, lsn: a stored record is damaged: drop the user's index from lsn on; the
                       devices will send again what they hold. Done before the next step */
};

/** One signature to check: qr_verify(public_key, context, message, signature). */
struct qr_verify_job {
    uint8_t public_key[QR_KEY_SIZE];
    uint8_t signature[QR_SIGNATURE_SIZE];
    uint8_t message[QR_HASH_SIZE];
    uint8_t context; /* enum qr_context */
};

struct qr_hub_action {
    enum qr_hub_action_kind kind;
    uint64_t connection;
    uint64_t token;
    uint64_t lsn;
    uint16_t code;
    struct quire_bytes bytes;
    const struct qr_verify_job *jobs;
    size_t job_count;
    const struct qr_log_record *records;
    size_t record_count;
    uint8_t user[QR_USER_SIZE];
};

/** Borrowed from the hub until its next step or destroy. */
struct qr_hub_actions {
    const struct qr_hub_action *items;
    size_t count;
};

/** last_lsn: the last durable one of the log. log: names this store since its creation. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_hub_create(const struct qr_hub_limits *limits,
    const struct qr_log_reader *reader, const uint8_t log[QR_LOG_SIZE], uint64_t last_lsn,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_hub **out_hub);
void qr_hub_destroy(struct qr_hub *hub);

/** Feeds one event. ENOMEM: actions may have been lost; end the process and start again (nothing
 * that was acknowledged is lost). A reader that fails is no error of the step: the connection
 * concerned is told to come back later and the hub goes on. */
QUIRE_CHECKED enum quire_status qr_hub_step(struct qr_hub *hub, const struct qr_hub_event *event,
    struct qr_hub_actions *out_actions);

/** Counters since creation, for /healthz, metrics and tests. */
struct qr_hub_counters {
    uint64_t connections, connections_ready, users_loaded;
    uint64_t batches_accepted, batches_repeated, batches_rejected, bytes_accepted;
    uint64_t batches_sent, records_damaged, auth_failures, frames_malformed, rate_limited;
    uint64_t pending_verify, pending_persist;
};
void qr_hub_counters(const struct qr_hub *hub, struct qr_hub_counters *out_counters);

#endif
