/*
 * Group commit on a thread of its own: records that come while one group is written make up the
 * next one. The loop never waits for the disk.
 *
 * Order: groups are committed in the order of their records' lsn. After a failure nothing more is
 *        committed until the loop has taken the failure and with it told the hub; what was submitted
 *        meanwhile is dropped, since its lsn are void.
 * Threads: submit and take on the loop's thread; `ready` and `append` on the committer's.
 */
#ifndef QR_SERVER_COMMITTER_H
#define QR_SERVER_COMMITTER_H

#include "base/log.h"

struct qr_committer;

struct qr_committer_options {
    /** Appends a group durably: qr_store_append. */
    enum quire_status (*append)(void *context, const struct qr_log_record *records, size_t count);
    void *append_context;
    /** There is something to take; only says so. */
    void (*ready)(void *context);
    void *ready_context;
    uint32_t window_us; /* least time from the beginning of one commit to that of the next */
    uint64_t last_lsn;  /* durable at the start */
};

struct qr_committed {
    uint64_t durable_lsn; /* everything up to here is durable */
    bool failed;          /* and nothing from failed_lsn on: */
    uint64_t failed_lsn;
    enum quire_status status; /* why */
};

/** ENOMEM. */
QUIRE_CHECKED enum quire_status qr_committer_create(
    const struct qr_committer_options *options, struct qr_committer **out_committer);
/** Commits what was submitted, and stops. Accepts NULL. */
void qr_committer_destroy(struct qr_committer *committer);

/** Copies the records; their lsn go on from the last ones submitted. ENOMEM: nothing was taken. */
QUIRE_CHECKED enum quire_status qr_committer_submit(
    struct qr_committer *committer, const struct qr_log_record *records, size_t record_count);
/** What happened since the last call; false: nothing. Taking a failure makes ready for new
 * records, which begin with failed_lsn again. */
bool qr_committer_take(struct qr_committer *committer, struct qr_committed *out_committed);
/** Bytes submitted and not yet durable, for backpressure. */
size_t qr_committer_backlog(struct qr_committer *committer);

#endif
