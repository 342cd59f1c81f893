/*
 * Frames: one msgpack array [type, …] per WebSocket binary message (protocol/frames.md).
 *
 * Reading: every frame from outside first passes qr_msgpack_check (depth, counts against the bytes
 * that are left, minimal integers, exact length, only nil/bool/uint/bin/str/array), then msgpack-c
 * unpacks it, into one allocation of 24 bytes per value that is freed before the read returns.
 * Byte ranges borrow from the frame's bytes. Arrays go to memory that the caller lends (struct
 * qr_frame_space). Rows come in any order, and a stranger may name a replica twice.
 *
 *   1 HELLO      [1, min, max, features, nonce, user, device, roster_count]
 *   2 CHALLENGE  [2, version, features, nonce, time_ms, roster_count, roster_head, log]
 *   3 AUTH       [3, signature, [record, …]]                    records the server said it lacks
 *   4 WELCOME    [4, roster_count, roster_head, session]
 *  10 SUB        [10, roster_count, manifest|nil, [[replica, seq, hash8], …]]
 *  11 WANT       [11, [[replica, from, to], …]]
 *  12 DELTA      [12, [batch, …]]
 *  13 CAUGHT_UP  [13, [[replica, seq, hash8], …]]
 *  20 PUSH       [20, [batch, …]]
 *  21 ACK        [21, [[replica, seq], …]]
 *  40 ROSTER_APPEND  [40, prev_head, [record, …]]
 *  41 ROSTER_RECORDS [41, first_seq, [record, …]]
 *  42 ROSTER_DONE    [42, roster_count, roster_head]
 *  43 CHAINS     [43, device, last, pins]                        a device's chains, as REVOKE pins them
 *  45 PAIR       [45, step, mailbox, data]                      steps: enum qr_pair_step
 *  50 CREDIT     [50, bytes]
 *  60 PING       [60, reply, token]
 *  61 GOAWAY     [61, reason, retry_ms]
 *  62 ERROR      [62, code, fatal, retry_ms, replica|nil, seq, data]
 *  63 PRESENCE   [63, others]                                   other devices connected now
 * 30–34 are reserved for blobs. An unknown type ≥ 128 is skipped; any other is EMALFORMED.
 */
#ifndef QR_CODEC_FRAME_H
#define QR_CODEC_FRAME_H

#include "codec/batch.h"

#define QR_PROTOCOL_VERSION 1
#define QR_FRAME_NONCE_SIZE 32
#define QR_LOG_SIZE 16
#define QR_HASH_PREFIX_SIZE 8
#define QR_FRAME_MAILBOX_SIZE 16
#define QR_PIN_SIZE 48 /* replica 8, seq 8, hash 32 */
#define QR_FRAME_ITEMS_MAX QR_MSGPACK_ARRAY_MAX

enum qr_frame_type {
    QR_FRAME_HELLO = 1,
    QR_FRAME_CHALLENGE = 2,
    QR_FRAME_AUTH = 3,
    QR_FRAME_WELCOME = 4,
    QR_FRAME_SUB = 10,
    QR_FRAME_WANT = 11,
    QR_FRAME_DELTA = 12,
    QR_FRAME_CAUGHT_UP = 13,
    QR_FRAME_PUSH = 20,
    QR_FRAME_ACK = 21,
    QR_FRAME_ROSTER_APPEND = 40,
    QR_FRAME_ROSTER_RECORDS = 41,
    QR_FRAME_ROSTER_DONE = 42,
    QR_FRAME_CHAINS = 43,
    QR_FRAME_PAIR = 45,
    QR_FRAME_CREDIT = 50,
    QR_FRAME_PING = 60,
    QR_FRAME_GOAWAY = 61,
    QR_FRAME_ERROR = 62,
    QR_FRAME_PRESENCE = 63,
    QR_FRAME_SKIP = 128, /* any unknown type ≥ 128 */
};

enum qr_error_code {
    QR_ERROR_PROTO = 1,
    QR_ERROR_VERSION = 2,
    QR_ERROR_AUTH = 3,
    QR_ERROR_REVOKED = 4,
    QR_ERROR_STALE_ROSTER = 5, /* the record or batch stands on another roster than the server's */
    QR_ERROR_GAP = 6,          /* data: u64 seq ‖ hash of the head that the server has */
    QR_ERROR_MISSING_DEPS = 7, /* data: the missing dependencies, 48 bytes each */
    QR_ERROR_FORK = 8,         /* data: the server's bytes of that batch */
    QR_ERROR_BAD_SIG = 9,
    QR_ERROR_TOO_LARGE = 10,
    QR_ERROR_RATE = 11,
    QR_ERROR_QUOTA = 12,
    QR_ERROR_BLOB_MISSING = 13,
    QR_ERROR_OVERLOADED = 14,
    QR_ERROR_MOVED = 15,
    QR_ERROR_UPGRADE_NEEDED = 16,
    QR_ERROR_UNKNOWN_USER = 17,   /* the server has nothing of this account */
    QR_ERROR_REGISTRATION = 18,   /* the server takes no new accounts, or not this one */
    QR_ERROR_UNKNOWN_DEVICE = 19, /* the device is not on the server's roster of the account */
    QR_ERROR_CHAINS = 20,         /* the account has no room for another chain */
    QR_ERROR_STORE_FULL = 21,     /* the server's disk or store is full */
    QR_ERROR_CODE_COUNT
};

enum qr_pair_step {
    QR_PAIR_OPEN = 0,    /* old device → server: I wait at this mailbox; data empty */
    QR_PAIR_REQUEST = 1, /* new device → server → old device; data not empty */
    QR_PAIR_REPLY = 2,   /* old device → server → new device; data not empty */
    QR_PAIR_CLOSE = 3,   /* old device → server: no longer; server → either: no device is there;
                            data empty */
};

struct qr_frame_position { /* SUB, CAUGHT_UP: greatest batch held of a chain */
    const uint8_t *replica;
    uint64_t seq;               /* ≥ 1 */
    const uint8_t *hash_prefix; /* QR_HASH_PREFIX_SIZE */
};
struct qr_frame_range { /* WANT: from … to, both included; ACK: to */
    const uint8_t *replica;
    uint64_t from, to; /* 1 ≤ from ≤ to */
};

/** Memory for the arrays of one frame at a time. About 24 KB; no initialisation needed. */
struct qr_frame_space {
    union {
        struct qr_frame_position positions[QR_FRAME_ITEMS_MAX];
        struct qr_frame_range ranges[QR_FRAME_ITEMS_MAX];
        struct quire_bytes items[QR_FRAME_ITEMS_MAX];
    };
};

struct qr_frame {
    enum qr_frame_type type;
    union {
        struct {
            uint32_t min, max; /* 1 ≤ min ≤ max */
            uint32_t features, roster_count;
            const uint8_t *nonce, *user, *device;
        } hello;
        struct {
            uint32_t version, features, roster_count;
            uint64_t time_ms;
            const uint8_t *nonce, *roster_head, *log; /* 32, 32 (zeros: none), 16 bytes */
        } challenge;
        struct {
            const uint8_t *signature;
            const struct quire_bytes *records; /* at most QR_ROSTER_MAX bytes together */
            size_t record_count;
        } auth;
        struct {
            uint32_t roster_count;
            const uint8_t *roster_head;
            uint64_t session; /* names this connection in the server's log */
        } welcome;
        struct {
            uint32_t roster_count;
            const uint8_t *manifest; /* 32 bytes or NULL */
            const struct qr_frame_position *positions;
            size_t position_count;
        } sub;
        struct {
            const struct qr_frame_position *positions;
            size_t position_count;
        } caught_up;
        struct {
            const struct qr_frame_range *ranges;
            size_t range_count;
        } want, ack; /* ack: from is 0 and not on the wire */
        struct {
            const struct quire_bytes *batches;
            size_t batch_count; /* ≥ 1 */
        } delta, push;
        struct {
            const uint8_t *prev_head; /* hash of the last record the appender knows; zeros: none */
            const struct quire_bytes *records;
            size_t record_count; /* 1 … QR_APPEND_MAX */
        } roster_append;
        struct {
            uint32_t first_seq;
            const struct quire_bytes *records;
            size_t record_count;
        } roster_records;
        struct {
            uint32_t roster_count;
            const uint8_t *roster_head;
        } roster_done;
        struct {
            const uint8_t *device;
            uint64_t
                last; /* place in the server's log of its newest batch; 0: none, or a question */
            struct quire_bytes
                pins; /* QR_PIN_SIZE each, ascending by replica; empty in a question */
        } chains;
        struct {
            enum qr_pair_step step;
            const uint8_t *mailbox; /* 16 bytes */
            struct quire_bytes data;
        } pair;
        struct {
            uint64_t bytes; /* 1 … QR_CREDIT_MAX */
        } credit;
        struct {
            bool reply;
            uint64_t token;
        } ping;
        struct {
            uint32_t reason, retry_ms; /* enum qr_error_code or 0: going down for maintenance */
        } goaway;
        struct {
            uint32_t code; /* enum qr_error_code; an unknown one is passed on as it is */
            bool fatal;    /* the connection closes after it */
            uint32_t retry_ms;
            const uint8_t *replica;  /* NULL: not about a batch */
            uint64_t seq;            /* 0 if and only if replica is NULL */
            struct quire_bytes data; /* at most QR_BATCH_MAX */
        } error;
        struct {
            uint32_t others;
        } presence;
    };
};

/** Reads one frame; arrays are in `space`, byte ranges borrow from `bytes`. EMALFORMED: not a frame
 * or a field of the wrong type, size or range. ELIMIT: larger than a limit. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_frame_read(
    struct quire_bytes bytes, struct qr_frame_space *space, struct qr_frame *out_frame);

/** Appends one frame. ELIMIT: it would be larger than QR_FRAME_MAX, or a part of it than its limit.
 * EINVALID: reading would refuse it. ENOMEM. In each: the buffer's content has not changed. */
QUIRE_CHECKED enum quire_status qr_frame_write(
    const struct qr_frame *frame, struct quire_buffer *out_bytes);

/** The name of an error code in words ("missing_deps"), or "unknown". */
const char *qr_error_name(uint32_t code);

#endif
