/*
 * The words that the hub and a store share: one append-ordered log for all users, and the index of
 * one user's part of it.
 */
#ifndef QR_BASE_LOG_H
#define QR_BASE_LOG_H

#include "base/ids.h"
#include <quire/bytes.h>

enum qr_log_kind {
    QR_LOG_ROSTER = 1,
    QR_LOG_BATCH = 2,
};

/** What the index says of a record; enough to run a user without reading bodies. */
struct qr_log_entry {
    uint64_t lsn;  /* place in the log, from 1, without gaps, never reused once durable */
    uint64_t seq;  /* in its chain, or in the roster */
    uint32_t size; /* bytes of the record */
    uint8_t kind;  /* enum qr_log_kind */
    uint8_t replica[QR_REPLICA_SIZE]; /* BATCH: its chain; ROSTER: zeros */
    uint8_t device[QR_DEVICE_SIZE];   /* BATCH: its author; ROSTER: zeros */
    uint8_t hash[QR_HASH_SIZE];       /* BATCH: bh; ROSTER: hash of the record */
};

/** A record on its way into the log. */
struct qr_log_record {
    uint8_t user[QR_USER_SIZE];
    struct qr_log_entry entry;
    struct quire_bytes bytes;
};

/** What the hub asks of a store while it runs; calls return at once (memory or mapped pages). */
struct qr_log_reader {
    void *context;
    /** Visits the user's entries in order of lsn, all that are durable. OK also if there are none. */
    enum quire_status (*each)(void *context, const uint8_t user[QR_USER_SIZE],
        enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
        void *visit_context);
    /** The bytes of a durable record, borrowed until the next call of the reader. Checked against
     * the hash stored with it: ECORRUPT. ENOTFOUND, EIO. */
    enum quire_status (*read)(void *context, uint64_t lsn, struct quire_bytes *out_bytes);
    /** May be NULL. Like each, from first_lsn on and at most `most` entries: a slice. */
    enum quire_status (*some)(void *context, const uint8_t user[QR_USER_SIZE], uint64_t first_lsn,
        size_t most,
        enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
        void *visit_context);
};

#endif
