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

/* bytes handed out in SEND and not yet SENT, of one connection */
#define QR_HUB_UNSENT_MAX (1536 * 1024)

struct qr_hub;

/** Every limit that an operator may set; qr_hub_limits_default fills in those of the protocol. A
 * rate is an amount over time and a burst, the amount at once. What a user may do is shared by its
 * devices; each device has a share of its own beside it (hub/member.h). */
struct qr_hub_limits {
    uint32_t connections;            /* at once; default 20,000 */
    uint32_t connections_per_user;   /* 40; the device with most connections loses its oldest */
    uint32_t connections_per_device; /* 8; the newest replaces the oldest */
    uint32_t users_loaded;          /* whose index stays in memory while none is connected; 1,024 */
    uint64_t users_loaded_bytes;    /* of memory for those; 256 MiB */
    uint32_t handshake_ms;          /* 10,000 */
    uint32_t idle_ms;               /* without a frame from the client; 90,000 */
    uint32_t stalled_ms;            /* with bytes unsent and none leaving; 60,000 */
    uint32_t mailbox_ms;            /* that a mailbox for pairing stays open; 900,000 */
    uint32_t pushes_per_second;     /* batches per user; 10 */
    uint32_t pushes_burst;          /* 200 */
    uint32_t push_bytes_per_second; /* per user; 1 MiB */
    uint32_t push_bytes_burst;      /* 16 MiB */
    uint32_t delta_bytes_per_second;  /* sent to one user; 16 MiB */
    uint32_t delta_bytes_burst;       /* 256 MiB */
    uint32_t subs_per_minute;         /* SUBs per user: each may read all of its log; 60 */
    uint32_t subs_burst;              /* 120 */
    uint32_t pings_per_second;        /* PING, CREDIT and skipped frames, of one connection; 400 */
    uint32_t pings_burst;             /* 4,000 */
    uint32_t roster_appends_per_hour; /* per device, refused ones included; 60 */
    uint32_t auth_failures_per_hour;  /* per user named; 20 */
    uint32_t stranger_jobs;     /* signatures of strangers' records under way at once; 8,192 */
    uint32_t accounts_per_hour; /* new ones from one address; 20 */
    uint32_t new_account_mib;   /* MiB a day that new accounts of one address may store; 512 */
    uint64_t user_bytes;        /* stored per user; 1 GiB */
    uint32_t credit;            /* bytes of DELTA before the first CREDIT; 1 MiB, fewer in tests */
    uint32_t slice;             /* index entries loaded, and KiB read, before the step ends and
                                        qr_hub_has_work says so; 0: all at once; 0 */
    uint8_t batch_version;      /* the greatest that is accepted; 1 */
    bool open_registration;     /* unknown users may make an account; true */
    /** Otherwise: may this one? NULL: none may. Returns at once. */
    bool (*may_register)(void *context, const uint8_t user[QR_USER_SIZE]);
    void *register_context;
    bool check_all; /* hub_check looks at everything after each step; for tests */
};
void qr_hub_limits_default(struct qr_hub_limits *out_limits);

enum qr_hub_event_kind {
    QR_HUB_OPEN,      /* connection, entropy; bytes: the host name that the client asked for;
                              address: where from, 0 for one that no limit counts */
    QR_HUB_FRAME,     /* connection; bytes: one binary message */
    QR_HUB_CLOSED,    /* connection: gone */
    QR_HUB_SENT,      /* connection, size: so many bytes of SEND have left the queue */
    QR_HUB_VERIFIED,  /* token: of the VERIFY; size: how many jobs from the first on were valid */
    QR_HUB_PERSISTED, /* lsn: durable up to here */
    QR_HUB_PERSIST_FAILED, /* lsn: nothing from here on is durable or will be, everything before it
                              was reported as PERSISTED; code: EFULL, EIO */
    QR_HUB_TICK,           /* at least once a second */
    QR_HUB_WORK,           /* qr_hub_has_work said so: the next slice of it */
    QR_HUB_DRAIN,          /* going down: no new pushes, GOAWAY to all; closes as acks are out */
};

struct qr_hub_event {
    enum qr_hub_event_kind kind;
    uint64_t now_ms;     /* monotonic */
    uint64_t wall_ms;    /* told to clients as a hint */
    uint64_t connection; /* the shell's name for it, never reused, from 1 */
    uint64_t address;
    struct quire_bytes bytes;
    uint8_t entropy[QR_ENTROPY_SIZE]; /* OPEN */
    uint64_t token;
    uint64_t lsn;
    size_t size;
    enum quire_status code;
};

enum qr_hub_action_kind {
    QR_HUB_SEND, /* connection, bytes; of an ERROR also code, cause, user, device: for one log line */
    QR_HUB_CLOSE,   /* connection, code: WebSocket close code; after what was sent. CLOSED follows
                       from the shell unless it was fed already */
    QR_HUB_VERIFY,  /* token, jobs: all signatures of one push, or of one AUTH; stranger: they wait
                       behind all others */
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
    bool stranger;
    const char *cause; /* NULL, or a few words for the operator, with static storage */
    struct quire_bytes bytes;
    const struct qr_verify_job *jobs;
    size_t job_count;
    const struct qr_log_record *records;
    size_t record_count;
    uint8_t user[QR_USER_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
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
QUIRE_CHECKED enum quire_status qr_hub_step(
    struct qr_hub *hub, const struct qr_hub_event *event, struct qr_hub_actions *out_actions);

/** Is there work that the last step left for QR_HUB_WORK: an index half loaded, a log half looked
 * through? The shell feeds it as soon as other connections had their turn. */
bool qr_hub_has_work(const struct qr_hub *hub);

/** What a shell may grant a connection while a message of it is not whole yet. */
struct qr_hub_allowance {
    bool member;        /* it has proved which device it is */
    size_t message_max; /* bytes of its next message, at most */
    uint64_t group;     /* member: the same number for all of one user, until it has left; else 0 */
};
/** All zeros for a connection that the hub does not know, or is closing. */
void qr_hub_allowance(
    const struct qr_hub *hub, uint64_t connection, struct qr_hub_allowance *out_allowance);

/** Counters since creation, for /healthz, metrics and tests. */
struct qr_hub_counters {
    uint64_t connections, connections_ready, users_loaded;
    uint64_t batches_accepted, batches_repeated, batches_rejected, bytes_accepted;
    uint64_t batches_sent, records_damaged, auth_failures, frames_malformed, rate_limited;
    uint64_t pending_verify, pending_persist, pending_stranger_jobs;
    uint64_t connections_replaced, accounts_made, accounts_refused, users_loaded_bytes;
};
void qr_hub_counters(const struct qr_hub *hub, struct qr_hub_counters *out_counters);

#endif
