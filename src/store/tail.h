/*
 * The index of the newest records, in memory: a list of entries per user, and the users in the
 * order in which their oldest entry came. Whole users leave it for the disk at once, since each
 * user's entries lie together there and a page is then written once for many.
 *
 * Invariant: every user in the tail has at least one entry; a user's entries ascend by lsn; only
 *            the first user of the order may be younger than the second (it is on its way out).
 * Threads:   none of its own; the store's locks guard it.
 */
#ifndef QR_STORE_TAIL_H
#define QR_STORE_TAIL_H

#include "base/log.h"

struct qr_tail_user {
    uint8_t user[QR_USER_SIZE];
    struct qr_log_entry *entries; /* first … first + count - 1 are in use */
    size_t first, count, capacity;
    struct qr_tail_user *older, *younger;
    struct qr_tail_user *bucket_next;
};

struct qr_tail {
    struct qr_tail_user **buckets; /* by keyed hash: users choose their own names */
    size_t bucket_count;           /* a power of two */
    struct qr_tail_user *oldest, *youngest;
    size_t user_count, entry_count;
    uint8_t key[16];
};

/** key: random, for the hash table. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_tail_init(struct qr_tail *tail, const uint8_t key[16]);
void qr_tail_finish(struct qr_tail *tail);

/** entry->lsn must be greater than that of every entry in the tail. ENOMEM: nothing changed. */
QUIRE_CHECKED enum quire_status qr_tail_add(
    struct qr_tail *tail, const uint8_t user[QR_USER_SIZE], const struct qr_log_entry *entry);
/** The user's entries, or NULL; until the tail changes. */
const struct qr_tail_user *qr_tail_find(
    const struct qr_tail *tail, const uint8_t user[QR_USER_SIZE]);
/** Drops the first count entries, user after user from the oldest one on. */
void qr_tail_drop(struct qr_tail *tail, size_t count);
/** Drops the user's entries from lsn on. */
void qr_tail_cut(struct qr_tail *tail, const uint8_t user[QR_USER_SIZE], uint64_t lsn);
/** The lowest lsn in the tail once the `dropped` first entries of the oldest users are gone, or
 * `otherwise` if none is left. */
uint64_t qr_tail_lowest(const struct qr_tail *tail, size_t dropped, uint64_t otherwise);

#endif
