/*
 * The server's log in memory: what a hub under test has stored, and what of it is durable.
 */
#ifndef QR_TESTS_KIT_LOG_H
#define QR_TESTS_KIT_LOG_H

#include "base/log.h"

struct kit_log_record {
    uint8_t user[QR_USER_SIZE];
    struct qr_log_entry entry; /* its lsn is 0 once the hub gave the record up (FORGET) */
    struct quire_buffer bytes;
    bool damaged; /* reading it fails as ECORRUPT */
};

/** Zero-initialise. Invariant: record i has lsn i + 1; durable ≤ count. */
struct kit_log {
    struct kit_log_record *records;
    size_t count, capacity;
    size_t durable; /* a reader sees so many */
    uint64_t reads; /* of records, since the start */
};

void kit_log_finish(struct kit_log *log);
/** Appends a record whose lsn must be the next one; it is not durable yet. */
void kit_log_append(struct kit_log *log, const struct qr_log_record *record);
/** Drops all records but the first `count`, durable ones too. */
void kit_log_cut(struct kit_log *log, size_t count);
/** Hides the user's records from `lsn` on, as QR_HUB_FORGET asks. */
void kit_log_forget(struct kit_log *log, const uint8_t user[QR_USER_SIZE], uint64_t lsn);

/** What a hub reads the log by. Borrows the log. */
struct qr_log_reader kit_log_reader(struct kit_log *log);

#endif
