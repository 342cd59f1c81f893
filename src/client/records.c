/*
 * LMDB in its safest mode: synced at each commit, no nested transactions; long ones only to read.
 */
#include "client/records.h"
#include "client/overlay.h"
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct qr_client_records {
    MDB_env *env;
    MDB_dbi dbi;
    size_t map_size, map_max;
    MDB_txn *scan_txn; /* of the scan that is going on, or `snapshot`; NULL otherwise */
    bool scanning;
    MDB_txn *batch;    /* of the batch that is open; NULL otherwise */
    bool cut;          /* the file is shorter than it says itself */
    MDB_txn *snapshot; /* to read only: all that is read is of one moment; else NULL */
    struct qr_client_overlay overlay; /* to read only: what was written, in memory */
    char *path;
};

#define BATCH_ROOM ((size_t)256 << 20) /* bytes of the map that a batch may well take */
#define ROOM ((uint64_t)1 << 20)       /* bytes that a transaction may well take on the disk */

/* A full disk shows itself as EIO when LMDB's own write came out short. */
static bool disk_is_full(const char *path)
{
    struct statvfs info;
    return statvfs(path, &info) == 0 && (uint64_t)info.f_bavail * info.f_frsize < ROOM;
}

static enum quire_status fail(
    const struct qr_client_records *records, int code, struct qr_client_error *error)
{
    if (code == MDB_MAP_FULL) {
        return qr_client_fail(error, QUIRE_EFULL,
            "The profile has reached its greatest size (%zu MiB). What was saved before is safe; "
            "this was not saved.",
            records->map_max >> 20);
    }
    enum quire_status status =
        code == EIO && disk_is_full(records->path) ? QUIRE_EFULL : qr_client_status_of_errno(code);
    if (status == QUIRE_EFULL) {
        return qr_client_fail(error, status,
            "The disk is full (%s). What was saved before is safe; this was not saved. "
            "Make room, then do it again.",
            records->path);
    }
    struct stat info;
    if (records->cut && stat(records->path, &info) == 0) {
        return qr_client_fail(error, QUIRE_ECORRUPT,
            "The records of the profile (%s) are cut short: the file has %lld bytes and should have more, as a copy "
            "that broke off. If there is a backup or the whole file elsewhere, put it back. Else move the folder away "
            "and join again: `quire pair` on another device and `quire join` here, or `quire recover` with the kit.",
            records->path, (long long)info.st_size);
    }
    if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID
        || code == MDB_VERSION_MISMATCH) {
        status = QUIRE_ECORRUPT;
    }
    if (code == EIO) {
        return qr_client_fail(error, status,
            "The disk failed, or it is full (%s). What was saved before is safe; this was not "
            "saved.",
            records->path);
    }
    return qr_client_fail(error, status,
        "The records of the profile (%s) cannot be used: %s. What was saved before was not "
        "touched.",
        records->path, mdb_strerror(code));
}

/* Shorter than it says itself: a copy that broke off. */
static bool file_is_cut(const char *path, const MDB_envinfo *info, MDB_env *env)
{
    struct stat file;
    MDB_stat tree;
    return stat(path, &file) != 0 || mdb_env_stat(env, &tree) != 0
        || (uint64_t)file.st_size / tree.ms_psize <= info->me_last_pgno;
}

static enum quire_status make(const char *path, size_t map_first, size_t map_max,
    struct qr_client_records **out_records, struct qr_client_error *error)
{
    struct qr_client_records *records = calloc(1, sizeof *records);
    if (records == NULL || (records->path = strdup(path)) == NULL) {
        free(records);
        return qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    records->map_max = map_max;
    records->map_size = map_first;
    *out_records = records;
    return QUIRE_OK;
}

static int open_environment(struct qr_client_records *records, unsigned flags)
{
    MDB_envinfo info;
    int code = mdb_env_create(&records->env);
    if (code == 0) {
        code = mdb_env_set_mapsize(records->env, records->map_size);
    }
    if (code == 0) {
        code = mdb_env_open(records->env, records->path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
    }
    if (code == 0) {
        code = mdb_env_info(records->env, &info);
    }
    if (code == 0 && file_is_cut(records->path, &info, records->env)) {
        records->cut = true;
        code = MDB_CORRUPTED; /* reading past its end would be a SIGBUS */
    }
    if (code == 0 && info.me_mapsize > records->map_size) {
        records->map_size =
            info.me_mapsize; /* a file that grew past map_first brings its own size */
    }
    return code;
}

enum quire_status qr_client_records_open(const char *path, size_t map_first, size_t map_max,
    struct qr_client_records **out_records, struct qr_client_error *error)
{
    struct qr_client_records *records = NULL;
    MDB_txn *txn = NULL;
    enum quire_status status = make(path, map_first, map_max, &records, error);
    if (status != QUIRE_OK) {
        return status;
    }
    int code = open_environment(records, 0);
    if (code == 0) {
        int dead = 0;
        code = mdb_reader_check(records->env, &dead);
    }
    if (code == 0) {
        code = mdb_txn_begin(records->env, NULL, 0, &txn);
    }
    if (code == 0) {
        code = mdb_dbi_open(txn, NULL, 0, &records->dbi);
        if (code == 0) {
            code = mdb_txn_commit(txn);
        } else {
            mdb_txn_abort(txn);
        }
    }
    if (code != 0) {
        status = fail(records, code, error);
        qr_client_records_close(records);
        return status;
    }
    *out_records = records;
    return QUIRE_OK;
}

/* A folder that cannot be written has no lock file to be had (LMDB itself does without one on a read-only
 * file system). Then only the owner of the folder writes, and this process has no way to hold him up. */
enum quire_status qr_client_records_open_to_read(
    const char *path, struct qr_client_records **out_records, struct qr_client_error *error)
{
    struct qr_client_records *records = NULL;
    enum quire_status status = make(path, QR_CLIENT_MAP_FIRST, 0, &records, error);
    if (status != QUIRE_OK) {
        return status;
    }
    int code = open_environment(records, MDB_RDONLY);
    if (code == EACCES || code == EPERM || code == EROFS) {
        mdb_env_close(records->env);
        records->env = NULL;
        code = open_environment(records, MDB_RDONLY | MDB_NOLOCK);
    }
    if (code == 0) {
        code = mdb_txn_begin(records->env, NULL, MDB_RDONLY, &records->snapshot);
    }
    if (code == MDB_MAP_RESIZED) { /* another process made it larger just now */
        code = mdb_env_set_mapsize(records->env, 0);
        if (code == 0) {
            code = mdb_txn_begin(records->env, NULL, MDB_RDONLY, &records->snapshot);
        }
    }
    if (code == 0) {
        code = mdb_dbi_open(records->snapshot, NULL, 0, &records->dbi);
    }
    if (code != 0) {
        status = fail(records, code, error);
        qr_client_records_close(records);
        return status;
    }
    records->scan_txn = records->snapshot;
    *out_records = records;
    return QUIRE_OK;
}

void qr_client_records_close(struct qr_client_records *records)
{
    if (records == NULL) {
        return;
    }
    mdb_txn_abort(records->batch); /* accepts NULL */
    mdb_txn_abort(records->snapshot);
    qr_client_overlay_finish(&records->overlay);
    mdb_env_close(records->env); /* accepts NULL */
    free(records->path);
    free(records);
}

static enum quire_status status_of(int code)
{
    if (code == MDB_NOTFOUND) {
        return QUIRE_ENOTFOUND;
    }
    return code == ENOMEM ? QUIRE_ENOMEM : QUIRE_EIO;
}

enum quire_status qr_client_records_empty(struct qr_client_records *records, bool *out_empty)
{
    MDB_txn *txn = NULL;
    MDB_stat info;
    int code = mdb_txn_begin(records->env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return status_of(code);
    }
    code = mdb_stat(txn, records->dbi, &info);
    mdb_txn_abort(txn);
    if (code != 0) {
        return status_of(code);
    }
    *out_empty = info.ms_entries == 0;
    return QUIRE_OK;
}

enum quire_status qr_client_records_copy(
    struct qr_client_records *records, int file, struct qr_client_error *error)
{
    int code = mdb_env_copyfd2(records->env, file, MDB_CP_COMPACT);
    return code == 0
        ? QUIRE_OK
        : qr_client_fail(error, qr_client_status_of_errno(code),
            "The records cannot be copied: %s. The profile was not touched.", mdb_strerror(code));
}

static MDB_val value_of(struct quire_bytes bytes)
{
    MDB_val value = {.mv_size = bytes.size};
    /* LMDB's type is not const, but it only reads from here. */
    memcpy(&value.mv_data, &bytes.data, sizeof value.mv_data);
    return value;
}

static enum quire_status get(void *context, struct quire_bytes key, struct quire_buffer *out_value)
{
    struct qr_client_records *records = context;
    MDB_txn *txn = records->scan_txn != NULL ? records->scan_txn : records->batch;
    int code = 0;
    const struct qr_client_overlay_row *row = qr_client_overlay_find(&records->overlay, key);
    if (row != NULL) {
        return row->erased ? QUIRE_ENOTFOUND
                           : quire_buffer_append(out_value, row->value.data, row->value.size);
    }
    if (txn == NULL) {
        code = mdb_txn_begin(records->env, NULL, MDB_RDONLY, &txn);
        if (code != 0) {
            return status_of(code);
        }
    }
    MDB_val name = value_of(key), value;
    code = mdb_get(txn, records->dbi, &name, &value);
    enum quire_status status =
        code != 0 ? status_of(code) : quire_buffer_append(out_value, value.mv_data, value.mv_size);
    if (txn != records->scan_txn && txn != records->batch) {
        mdb_txn_abort(txn);
    }
    return status;
}

static bool has_prefix(struct quire_bytes key, struct quire_bytes prefix)
{
    return key.size >= prefix.size
        && (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

/* Visits the rows of the overlay, from `next` on, that come before `key` (size 0: all that are left). A
 * row with that very key replaces the stored one: out_replaced. */
static bool visit_overlay(struct qr_client_records *records, struct quire_bytes prefix,
    struct quire_bytes key, size_t *next,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context, bool *out_replaced)
{
    const struct qr_client_overlay_row *row;
    *out_replaced = false;
    while (!*out_replaced && (row = qr_client_overlay_at(&records->overlay, *next)) != NULL
        && has_prefix(quire_buffer_bytes(&row->key), prefix)) {
        int order =
            key.size == 0 ? -1 : qr_client_overlay_compare(quire_buffer_bytes(&row->key), key);
        if (order > 0) {
            break;
        }
        *out_replaced = order == 0;
        ++*next;
        if (!row->erased
            && !visit(
                visit_context, quire_buffer_bytes(&row->key), quire_buffer_bytes(&row->value))) {
            return false;
        }
    }
    return true;
}

static enum quire_status scan(void *context, struct quire_bytes prefix,
    bool (*visit)(void *visit_context, struct quire_bytes key, struct quire_bytes value),
    void *visit_context)
{
    struct qr_client_records *records = context;
    MDB_txn *txn = records->snapshot;
    MDB_cursor *cursor = NULL;
    if (records->scanning) {
        return QUIRE_ESTATE; /* the contract: a visit does not scan */
    }
    txn = txn != NULL ? txn : records->batch;
    int code = txn != NULL ? 0 : mdb_txn_begin(records->env, NULL, MDB_RDONLY, &txn);
    if (code != 0) {
        return status_of(code);
    }
    records->scan_txn = txn;
    records->scanning = true;
    code = mdb_cursor_open(txn, records->dbi, &cursor);
    MDB_val key = value_of(prefix), value;
    size_t next = qr_client_overlay_from(&records->overlay, prefix);
    bool more = true, replaced = false;
    if (code == 0) {
        code = mdb_cursor_get(cursor, &key, &value, prefix.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    }
    while (
        code == 0 && more && has_prefix((struct quire_bytes){key.mv_data, key.mv_size}, prefix)) {
        struct quire_bytes name = {key.mv_data, key.mv_size};
        more = visit_overlay(records, prefix, name, &next, visit, visit_context, &replaced);
        if (more && !replaced) {
            more = visit(visit_context, name, (struct quire_bytes){value.mv_data, value.mv_size});
        }
        code = more ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : 0;
    }
    if (more && (code == 0 || code == MDB_NOTFOUND)) {
        more = visit_overlay(
            records, prefix, (struct quire_bytes){0}, &next, visit, visit_context, &replaced);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    records->scanning = false;
    records->scan_txn = records->snapshot;
    if (txn != records->snapshot && txn != records->batch) {
        mdb_txn_abort(txn);
    }
    return code == 0 || code == MDB_NOTFOUND ? QUIRE_OK : status_of(code);
}

struct quire_reader qr_client_records_reader(struct qr_client_records *records)
{
    return (struct quire_reader){records, get, scan};
}

static int write_in(
    struct qr_client_records *records, MDB_txn *txn, const struct quire_write *writes, size_t count)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++) {
        MDB_val key = value_of(writes[i].key), value = value_of(writes[i].value);
        if (writes[i].erase) {
            code = mdb_del(txn, records->dbi, &key, NULL);
            code = code == MDB_NOTFOUND ? 0 : code;
        } else {
            code = mdb_put(txn, records->dbi, &key, &value, 0);
        }
    }
    return code;
}

static int write_once(
    struct qr_client_records *records, const struct quire_write *writes, size_t count)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(records->env, NULL, 0, &txn);
    if (code != 0) {
        return code;
    }
    code = write_in(records, txn, writes, count);
    if (code != 0) {
        mdb_txn_abort(txn);
        return code;
    }
    return mdb_txn_commit(txn); /* frees txn on failure too */
}

static int grow(struct qr_client_records *records)
{
    size_t grown = records->map_size * 2;
    records->map_size = grown < records->map_max ? grown : records->map_max;
    return mdb_env_set_mapsize(records->env, records->map_size);
}

enum quire_status qr_client_records_write(struct qr_client_records *records,
    const struct quire_write *writes, size_t count, struct qr_client_error *error)
{
    if (records->snapshot != NULL) {
        return qr_client_overlay_write(&records->overlay, writes, count) == QUIRE_OK
            ? QUIRE_OK
            : qr_client_fail(error, QUIRE_ENOMEM, "There is not enough memory.");
    }
    if (records->batch != NULL) {
        int failed = write_in(records, records->batch, writes, count);
        if (failed != 0) {
            mdb_txn_abort(records->batch);
            records->batch = NULL;
        }
        return failed == 0 ? QUIRE_OK : fail(records, failed, error);
    }
    int code = write_once(records, writes, count);
    while (code == MDB_MAP_FULL && records->map_size < records->map_max) {
        code = grow(records);
        if (code == 0) {
            code = write_once(records, writes, count);
        }
    }
    return code == 0 ? QUIRE_OK : fail(records, code, error);
}

/* The map cannot grow while a batch is open, so it grows before. */
static int make_room(struct qr_client_records *records)
{
    MDB_envinfo info;
    MDB_stat tree;
    int code = mdb_env_info(records->env, &info);
    if (code == 0) {
        code = mdb_env_stat(records->env, &tree);
    }
    while (code == 0 && records->map_size < records->map_max
        && records->map_size - (info.me_last_pgno + 1) * tree.ms_psize < BATCH_ROOM) {
        code = grow(records);
    }
    return code;
}

enum quire_status qr_client_records_begin(
    struct qr_client_records *records, struct qr_client_error *error)
{
    if (records->batch != NULL || records->scan_txn != NULL) {
        return qr_client_fail(error, QUIRE_ESTATE, "A batch is open already.");
    }
    int code = make_room(records);
    if (code == 0) {
        code = mdb_txn_begin(records->env, NULL, 0, &records->batch);
    }
    return code == 0 ? QUIRE_OK : fail(records, code, error);
}

enum quire_status qr_client_records_commit(
    struct qr_client_records *records, struct qr_client_error *error)
{
    if (records->batch == NULL) {
        return qr_client_fail(error, QUIRE_ESTATE, "No batch is open.");
    }
    int code = mdb_txn_commit(records->batch); /* frees it on failure too */
    records->batch = NULL;
    return code == 0 ? QUIRE_OK : fail(records, code, error);
}
