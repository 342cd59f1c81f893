/*
 * What the files of the store share among themselves.
 *
 * Locks, always taken in this order:
 *   writing  held for a whole write transaction and for growing the map: append, forget, close
 *   state    held for a read transaction and for any change of the tail, the map or the environment;
 *            never while the disk is waited for, so that the loop never waits for an fdatasync
 * The holder of `writing` may read the tail without `state`: only the holder of both changes it.
 */
#ifndef QR_STORE_INNER_H
#define QR_STORE_INNER_H

#include "store/environment.h"
#include "store/tail.h"
#include <pthread.h>
#include <stdatomic.h>

struct qr_store {
    pthread_mutex_t writing;
    pthread_mutex_t state;
    struct qr_environment environment;
    struct qr_tail tail;
    size_t tail_max;
    _Atomic uint64_t last_lsn; /* durable */
    uint64_t swept_ms;         /* when stale readers were looked for */
    bool suspect;              /* a commit failed half-way: the log may hold more than last_lsn */
    int lock_file;
    uint8_t log_id[16];
    _Atomic uint64_t damaged;
    uint64_t reader_growth_max;
    struct qr_store_lag {
        size_t transaction; /* that the oldest reader of another process looks at */
        uint64_t used_size; /* of the file when it was seen first */
        _Atomic uint64_t process, growth, ended;
    } lag;
    struct quire_buffer record; /* what read() returned last; the loop's */
};

/** Runs `work` in a write transaction and commits, growing the map as often as it must. Under
 * `writing`. On failure nothing has changed. */
QUIRE_CHECKED enum quire_status qr_store_write(struct qr_store *store,
    int (*work)(struct qr_store *store, MDB_txn *txn, void *context), void *context);

/** The work of forget, under `writing`. */
QUIRE_CHECKED enum quire_status qr_store_forget_locked(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn);

/** Fills the tail with what the log has beyond the index; forgets what is damaged there. */
QUIRE_CHECKED enum quire_status qr_store_rebuild(struct qr_store *store);

#endif
