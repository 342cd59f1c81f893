/*
 * What a server asks of a disk: one append-ordered log of records for all users, an index of each
 * user's part, and a few named values.
 *
 * The log is what commits and what an acknowledgement stands on. The index is derived from it: kept
 * in memory for the newest records, written in large batches now and then, rebuilt from the log's
 * tail when the store opens. Every record carries BLAKE2b-256 of its bytes (store's own framing),
 * checked each time it is read: flipped bits are never served.
 *
 * Damage: a record that does not match its hash is ECORRUPT when read, and the owner calls forget.
 *        Where the tail is damaged, opening the store forgets by itself, the user that the record
 *        speaks of from there on. If its name is what decayed, some other user's entries have a
 *        gap, which each() shows as it is.
 * Threads: append on one thread at a time (the committer's); each, read and forget on one other
 *        (the loop's); last_lsn, log_id and stats on any.
 */
#ifndef QR_STORE_STORE_H
#define QR_STORE_STORE_H

#include "base/log.h"

struct qr_store;

struct qr_store_options {
    const char *path;  /* a folder, made if it is not there, mode 0700 */
    uint64_t map_size; /* bytes at first; grows by doubling up to map_size_max */
    uint64_t map_size_max;
    uint8_t log_id[16];          /* random bytes for a new store's name */
    uint32_t tail_max;           /* index entries kept in memory, about; 0: 65,536 */
    uint64_t reader_growth_max;  /* bytes that the file may grow because another process reads it;
                                    then that process gets SIGTERM; 0: no limit */
    uint64_t *out_missing_bytes; /* NULL, or set if opening fails because the file was cut */
};

/** Opens or makes a store and takes its lock. ELOCKED: another process has it. ECORRUPT: not a
 * store. EUNSUPPORTED: a newer format. EIO, EFULL, ENOMEM. */
QUIRE_CHECKED enum quire_status qr_store_open(
    const struct qr_store_options *options, struct qr_store **out_store);
/** Writes the index out and closes; accepts NULL. */
void qr_store_close(struct qr_store *store);

/** The last durable lsn, 0 for an empty log; the store's name. */
uint64_t qr_store_last_lsn(const struct qr_store *store);
void qr_store_log_id(const struct qr_store *store, uint8_t out_log[16]);

/** Appends records in one durable transaction; their lsn must go on from the last. EFULL: the disk
 * or the map is full; nothing was written and what was there is safe. The last of the room, a
 * sixteenth and at most 16 MiB of the map, and as much and at most 4 MiB of the disk, is for groups
 * of roster records alone: a device can be revoked at a full store. EIO: likewise. */
QUIRE_CHECKED enum quire_status qr_store_append(
    struct qr_store *store, const struct qr_log_record *records, size_t record_count);

/** The functions of struct qr_log_reader, with the store as context. */
struct qr_log_reader qr_store_reader(struct qr_store *store);

/** Drops the user's index entries from lsn on, durably. Waits for an append under way. EFULL, EIO,
 * ENOMEM: nothing has changed. */
QUIRE_CHECKED enum quire_status qr_store_forget(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn);

/** Removes all records of a user, from the log too, durably: for a tool while no server runs. The
 * log has gaps then. out_count: how many records. ENOTFOUND: there is none. EFULL, EIO, ENOMEM:
 * nothing has changed. */
QUIRE_CHECKED enum quire_status qr_store_remove(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t *out_count);
/** Is there no record with this lsn, as after qr_store_remove? */
bool qr_store_is_absent(struct qr_store *store, uint64_t lsn);

struct qr_store_stats {
    uint64_t map_size;     /* bytes that the file may grow to before the map does */
    uint64_t used_size;    /* bytes of the file in use */
    uint64_t tail_entries; /* index entries in memory only */
    uint64_t damaged;      /* records found damaged since the store was opened */
    uint64_t
        reader_growth; /* bytes that the file grew since the oldest reader of another process began */
    uint64_t reader_process; /* its id, 0: there is none */
    uint64_t readers_ended;  /* processes that were ended for it */
};
void qr_store_stats(struct qr_store *store, struct qr_store_stats *out_stats);

#endif
