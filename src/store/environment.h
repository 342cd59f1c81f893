/*
 * The LMDB environment under a store: created whole or not at all, grown deliberately, opened again
 * after a failure that LMDB does not survive by itself.
 *
 * Only LMDB's synchronous mode is used: of its faster modes one loses acknowledged commits at a
 * power cut, one corrupts the file and one dies of SIGBUS on a full disk.
 *
 * Threads: none of its own. grow and reopen need that no transaction is active in the process.
 */
#ifndef QR_STORE_ENVIRONMENT_H
#define QR_STORE_ENVIRONMENT_H

#include <lmdb.h>
#include <quire/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QR_STORE_PATH_MAX 4096

struct qr_environment {
    MDB_env *env; /* NULL: a reopening failed; try again */
    MDB_dbi log, index, meta, forgotten;
    MDB_txn *reader; /* reset between uses */
    uint64_t map_size, map_size_max;
    uint64_t missing_bytes; /* of the file's end, if opening failed for that */
    char folder[QR_STORE_PATH_MAX];
};

/** Opens the environment in the folder, or creates it with this format and name; what can be read
 * then is durable. EFULL, EIO,
 * ENOMEM; ECORRUPT: not a store; EUNSUPPORTED: a newer format. */
QUIRE_CHECKED enum quire_status qr_environment_open(struct qr_environment *environment,
    const char *folder, uint64_t map_size, uint64_t map_size_max, const uint8_t log_id[16]);
void qr_environment_close(struct qr_environment *environment);
/** After LMDB gave up on itself. EIO and others: `env` is NULL. */
QUIRE_CHECKED enum quire_status qr_environment_reopen(struct qr_environment *environment);
/** Makes what is readable durable, which it need not be: its writer may have been killed meanwhile,
 * or been told of a failure that the kernel's cache knows nothing of. Needs no space. EIO. */
QUIRE_CHECKED enum quire_status qr_environment_settle(const struct qr_environment *environment);
/** Doubles the map. EFULL: it has its greatest size. */
QUIRE_CHECKED enum quire_status qr_environment_grow(struct qr_environment *environment);

/** What an LMDB code says to our callers. LMDB reports a full disk as EIO; the disk is asked. */
enum quire_status qr_environment_status(const struct qr_environment *environment, int code);

/** Gets or puts a named value of `meta`, 16 bytes at most; an LMDB code. */
QUIRE_CHECKED int qr_meta_get(MDB_txn *txn, const struct qr_environment *environment,
    const char *name, void *out, size_t size);
QUIRE_CHECKED int qr_meta_put(MDB_txn *txn, const struct qr_environment *environment,
    const char *name, const void *data, size_t size);

#endif
