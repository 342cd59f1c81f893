/*
 * Opening, closing and appending.
 */
#include "store/store.h"
#include "store/inner.h"

#include "base/writer.h"
#include "store/record.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define TAIL_DEFAULT 65536
#define INDEX_PER_COMMIT 4096 /* entries that one commit moves to the disk: bounds its time */
#define SWEEP_MS 5000
#define RESERVE_MAP (16u * 1024 * 1024)
#define RESERVE_DISK (4u * 1024 * 1024)
#define MAP_SIZE_LEAST (1024 * 1024)

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static enum quire_status sync_parent(const char *path)
{
    char parent[QR_STORE_PATH_MAX + 8];
    int length = snprintf(parent, sizeof parent, "%s/..", path);
    if (length < 0 || (size_t)length >= sizeof parent) {
        return QUIRE_EINVALID;
    }
    int folder = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return QUIRE_EIO;
    }
    int failed = fsync(folder);
    close(folder);
    return failed == 0 ? QUIRE_OK : QUIRE_EIO;
}

static enum quire_status make_folder(const char *path)
{
    if (mkdir(path, 0700) == 0) {
        return sync_parent(path);
    }
    if (errno == EEXIST) {
        return QUIRE_OK;
    }
    return errno == ENOSPC || errno == EDQUOT ? QUIRE_EFULL : QUIRE_EIO;
}

static enum quire_status take_lock(struct qr_store *store, const char *path)
{
    char lock_path[QR_STORE_PATH_MAX + 16];
    int length = snprintf(lock_path, sizeof lock_path, "%s/store.lock", path);
    if (length < 0 || (size_t)length >= sizeof lock_path) {
        return QUIRE_EINVALID;
    }
    store->lock_file = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_file < 0) {
        return errno == ENOSPC || errno == EDQUOT ? QUIRE_EFULL : QUIRE_EIO;
    }
    if (flock(store->lock_file, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? QUIRE_ELOCKED : QUIRE_EIO;
    }
    return QUIRE_OK;
}

/* The last lsn, from the last two keys: were one to decay, appending must not stop for it. */
static int find_last(const struct qr_store *store, MDB_txn *txn, uint64_t *out_last)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    uint64_t last = 0;
    int code = mdb_cursor_open(txn, store->environment.log, &cursor);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = mdb_cursor_get(cursor, &key, NULL, MDB_LAST);
    for (int i = 0; i < 2 && code == MDB_SUCCESS; i++) {
        uint64_t lsn = key.mv_size == QR_STORED_LSN_SIZE ? qr_load_u64(key.mv_data) : 0;
        last = lsn + (uint64_t)i > last ? lsn + (uint64_t)i : last;
        code = mdb_cursor_get(cursor, &key, NULL, MDB_PREV);
    }
    mdb_cursor_close(cursor);
    *out_last = last;
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static enum quire_status read_meta(struct qr_store *store)
{
    MDB_txn *txn = store->environment.reader;
    uint64_t last = 0;
    int code = mdb_txn_renew(txn);
    if (code != MDB_SUCCESS) {
        return qr_environment_status(&store->environment, code);
    }
    code = qr_meta_get(txn, &store->environment, "log", store->log_id, sizeof store->log_id);
    if (code == MDB_NOTFOUND) {
        code = MDB_CORRUPTED;
    }
    if (code == MDB_SUCCESS) {
        code = find_last(store, txn, &last);
    }
    mdb_txn_reset(txn);
    store->last_lsn = last;
    return qr_environment_status(&store->environment, code);
}

enum quire_status qr_store_open(const struct qr_store_options *options, struct qr_store **out_store)
{
    if (sodium_init() < 0) {
        return QUIRE_EIO;
    }
    struct qr_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return QUIRE_ENOMEM;
    }
    uint64_t map_size = options->map_size < MAP_SIZE_LEAST ? MAP_SIZE_LEAST : options->map_size;
    uint8_t key[16];
    randombytes_buf(key, sizeof key);
    store->lock_file = -1;
    store->reader_growth_max = options->reader_growth_max;
    store->tail_max = options->tail_max == 0 ? TAIL_DEFAULT : options->tail_max;
    pthread_mutex_init(&store->writing, NULL);
    pthread_mutex_init(&store->state, NULL);

    enum quire_status status = qr_tail_init(&store->tail, key);
    if (status == QUIRE_OK) {
        status = make_folder(options->path);
    }
    if (status == QUIRE_OK) {
        status = take_lock(store, options->path);
    }
    if (status == QUIRE_OK) {
        status = qr_environment_open(
            &store->environment, options->path, map_size, options->map_size_max, options->log_id);
    }
    if (status == QUIRE_OK) {
        status = read_meta(store);
    }
    if (status == QUIRE_OK) {
        status = qr_store_rebuild(store);
    }
    if (status != QUIRE_OK) {
        if (options->out_missing_bytes != NULL) {
            *options->out_missing_bytes = store->environment.missing_bytes;
        }
        qr_environment_close(&store->environment);
        qr_store_close(store);
        return status;
    }
    *out_store = store;
    return QUIRE_OK;
}

uint64_t qr_store_last_lsn(const struct qr_store *store)
{
    return store->last_lsn;
}

void qr_store_log_id(const struct qr_store *store, uint8_t out_log[16])
{
    memcpy(out_log, store->log_id, sizeof store->log_id);
}

/* ---- write transactions ---------------------------------------------------------------------- */

static enum quire_status grow(struct qr_store *store)
{
    pthread_mutex_lock(&store->state);
    enum quire_status status = qr_environment_grow(&store->environment);
    pthread_mutex_unlock(&store->state);
    return status;
}

/* LMDB refuses everything after it failed to write its meta page; the environment is opened again,
 * and since it is unknown which meta page the disk has, all records beyond last_lsn are removed. */
static enum quire_status revive(struct qr_store *store)
{
    pthread_mutex_lock(&store->state);
    enum quire_status status = qr_environment_reopen(&store->environment);
    pthread_mutex_unlock(&store->state);
    store->suspect = true;
    return status;
}

static bool gave_up(struct qr_store *store)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(store->environment.env, NULL, 0, &txn);
    if (code == MDB_SUCCESS) {
        mdb_txn_abort(txn);
    }
    return code == MDB_PANIC;
}

static int remove_unacknowledged(struct qr_store *store, MDB_txn *txn)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    int code = mdb_cursor_open(txn, store->environment.log, &cursor);
    if (code != MDB_SUCCESS) {
        return code;
    }
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_LAST)) == MDB_SUCCESS
        && qr_load_u64(key.mv_data) > store->last_lsn) {
        uint8_t indexed[QR_INDEX_KEY_SIZE];
        if (value.mv_size >= QR_STORED_HEADER_SIZE) {
            qr_index_key(
                indexed, (const uint8_t *)value.mv_data + QR_HASH_SIZE, qr_load_u64(key.mv_data));
            MDB_val index_key = {sizeof indexed, indexed};
            code = mdb_del(txn, store->environment.index, &index_key, NULL);
        }
        if (code == MDB_SUCCESS || code == MDB_NOTFOUND) {
            code = mdb_cursor_del(cursor, 0);
        }
        if (code != MDB_SUCCESS) {
            break;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static int write_once(struct qr_store *store,
    int (*work)(struct qr_store *store, MDB_txn *txn, void *context), void *context)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(store->environment.env, NULL, 0, &txn);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = store->suspect ? remove_unacknowledged(store, txn) : MDB_SUCCESS;
    if (code == MDB_SUCCESS) {
        code = work(store, txn, context);
    }
    if (code != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return code;
    }
    code = mdb_txn_commit(txn);
    if (code == MDB_SUCCESS) {
        store->suspect = false;
    }
    return code;
}

enum quire_status qr_store_write(struct qr_store *store,
    int (*work)(struct qr_store *store, MDB_txn *txn, void *context), void *context)
{
    if (store->environment.env == NULL) {
        enum quire_status status = revive(store);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    if (store
            ->suspect) { /* before pages are used again that a failed commit's roots may speak of */
        enum quire_status status = qr_environment_settle(&store->environment);
        if (status != QUIRE_OK) {
            return status;
        }
    }
    int code = write_once(store, work, context);
    while (code == MDB_MAP_FULL) {
        enum quire_status status = grow(store);
        if (status != QUIRE_OK) {
            return status;
        }
        code = write_once(store, work, context);
    }
    enum quire_status status = qr_environment_status(&store->environment, code);
    if (status != QUIRE_OK && gave_up(store)) {
        enum quire_status again = revive(store);
        (void)again; /* if it failed, reads fail and the next write tries again */
    }
    return status;
}

/* ---- appending ------------------------------------------------------------------------------- */

struct append {
    const struct qr_log_record *records;
    size_t record_count;
    size_t index_count; /* entries of the tail that this commit moves to the index */
};

static int put_records(struct qr_store *store, MDB_txn *txn, const struct append *append)
{
    MDB_cursor *cursor = NULL;
    int code = mdb_cursor_open(txn, store->environment.log, &cursor);
    for (size_t i = 0; code == MDB_SUCCESS && i < append->record_count; i++) {
        const struct qr_log_record *record = &append->records[i];
        uint8_t lsn[QR_STORED_LSN_SIZE];
        qr_store_u64(lsn, record->entry.lsn);
        MDB_val key = {sizeof lsn, lsn};
        MDB_val value = {QR_STORED_HEADER_SIZE + record->bytes.size, NULL};
        code = mdb_cursor_put(cursor, &key, &value, MDB_APPEND | MDB_RESERVE);
        if (code == MDB_SUCCESS) {
            qr_stored_write(value.mv_data, record);
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    return code;
}

static int put_index(struct qr_store *store, MDB_txn *txn, size_t count, uint64_t last_lsn)
{
    MDB_cursor *cursor = NULL;
    uint8_t indexed[8];
    size_t left = count;
    int code = mdb_cursor_open(txn, store->environment.index, &cursor);
    for (const struct qr_tail_user *user = store->tail.oldest;
         code == MDB_SUCCESS && user != NULL && left > 0; user = user->younger) {
        for (size_t i = 0; code == MDB_SUCCESS && i < user->count && left > 0; i++, left--) {
            const struct qr_log_entry *entry = &user->entries[user->first + i];
            uint8_t key_bytes[QR_INDEX_KEY_SIZE];
            uint8_t value_bytes[QR_INDEX_VALUE_SIZE];
            qr_index_key(key_bytes, user->user, entry->lsn);
            qr_index_value(value_bytes, key_bytes, entry);
            MDB_val key = {sizeof key_bytes, key_bytes};
            MDB_val value = {sizeof value_bytes, value_bytes};
            code = mdb_cursor_put(cursor, &key, &value, 0);
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    if (code == MDB_SUCCESS) {
        qr_store_u64(indexed, qr_tail_lowest(&store->tail, count, last_lsn + 1) - 1);
        code = qr_meta_put(txn, &store->environment, "indexed", indexed, sizeof indexed);
    }
    return code;
}

static int do_append(struct qr_store *store, MDB_txn *txn, void *context)
{
    const struct append *append = context;
    int code = put_records(store, txn, append);
    if (code == MDB_SUCCESS && append->index_count > 0) {
        code = put_index(
            store, txn, append->index_count, append->records[append->record_count - 1].entry.lsn);
    }
    return code;
}

/* The entries are in the tail before the commit, so that no memory is needed after it; the reader
 * looks no further than last_lsn. */
static enum quire_status add_to_tail(struct qr_store *store, const struct append *append)
{
    enum quire_status status = QUIRE_OK;
    size_t added = 0;
    pthread_mutex_lock(&store->state);
    while (status == QUIRE_OK && added < append->record_count) {
        const struct qr_log_record *record = &append->records[added];
        status = qr_tail_add(&store->tail, record->user, &record->entry);
        added += status == QUIRE_OK;
    }
    if (status != QUIRE_OK) {
        for (size_t i = 0; i < added; i++) {
            qr_tail_cut(&store->tail, append->records[i].user, append->records[0].entry.lsn);
        }
    }
    pthread_mutex_unlock(&store->state);
    return status;
}

static void finish_append(struct qr_store *store, const struct append *append, bool committed)
{
    pthread_mutex_lock(&store->state);
    if (committed) {
        qr_tail_drop(&store->tail, append->index_count);
        store->last_lsn += append->record_count;
    } else {
        for (size_t i = 0; i < append->record_count; i++) {
            qr_tail_cut(&store->tail, append->records[i].user, append->records[0].entry.lsn);
        }
    }
    pthread_mutex_unlock(&store->state);
}

static uint64_t used_size(const struct qr_store *store)
{
    MDB_envinfo info;
    MDB_stat tree;
    if (store->environment.env == NULL || mdb_env_info(store->environment.env, &info) != 0
        || mdb_env_stat(store->environment.env, &tree) != 0) {
        return 0;
    }
    return (uint64_t)(info.me_last_pgno + 1) * tree.ms_psize;
}

struct reader {
    long process;
    size_t transaction;
};

/* One line of LMDB's list: process, thread in hex, transaction or "-". */
static int note_reader(const char *line, void *context)
{
    struct reader *oldest = context;
    long process = 0;
    size_t thread = 0, transaction = 0;
    if (sscanf(line, "%ld %zx %zu", &process, &thread, &transaction) == 3 && process != getpid()
        && (oldest->process == 0 || transaction < oldest->transaction)) {
        *oldest = (struct reader){process, transaction};
    }
    return 0;
}

/* Readers hold back the reuse of pages, and the file grows: those that died with their process are
 * removed, and one that makes it grow too much is ended, as an operator would. */
static void sweep_readers(struct qr_store *store)
{
    struct qr_store_lag *lag = &store->lag;
    struct reader oldest = {0};
    int dead = 0;
    if (store->environment.env == NULL || now_ms() - store->swept_ms < SWEEP_MS) {
        return;
    }
    store->swept_ms = now_ms();
    (void)mdb_reader_check(store->environment.env, &dead);
    (void)mdb_reader_list(store->environment.env, note_reader, &oldest);
    uint64_t used = used_size(store);
    if ((uint64_t)oldest.process != lag->process || oldest.transaction != lag->transaction) {
        lag->process = (uint64_t)oldest.process;
        lag->transaction = oldest.transaction;
        lag->used_size = used;
    }
    lag->growth = oldest.process == 0 || used < lag->used_size ? 0 : used - lag->used_size;
    if (store->reader_growth_max > 0 && lag->growth > store->reader_growth_max
        && kill((pid_t)oldest.process, SIGTERM) == 0) {
        lag->ended++;
    }
}

/* Is there no room but the reserve? Batches are refused then, so that a device can still be
 * revoked. */
static bool is_reserve(const struct qr_store *store)
{
    uint64_t most = store->environment.map_size_max;
    uint64_t reserve = most / 16 < RESERVE_MAP ? most / 16 : RESERVE_MAP;
    struct statvfs disk;
    bool disk_low = false;
    if (statvfs(store->environment.folder, &disk) == 0) {
        uint64_t part = (uint64_t)disk.f_blocks * disk.f_frsize / 16;
        uint64_t kept = part < RESERVE_DISK ? part : RESERVE_DISK;
        disk_low = (uint64_t)disk.f_bavail * disk.f_frsize < kept;
    }
    return disk_low || used_size(store) + reserve > most;
}

static size_t index_share(const struct qr_store *store, size_t record_count)
{
    size_t most = record_count > INDEX_PER_COMMIT ? record_count : INDEX_PER_COMMIT;
    size_t share = 0;
    if (store->tail.entry_count <= store->tail_max) {
        return 0;
    }
    /* Whole users, until the tail is short enough. */
    for (const struct qr_tail_user *user = store->tail.oldest;
         user != NULL && store->tail.entry_count - share > store->tail_max; user = user->younger) {
        share += user->count;
    }
    return share < most ? share : most;
}

enum quire_status qr_store_append(
    struct qr_store *store, const struct qr_log_record *records, size_t record_count)
{
    if (record_count == 0) {
        return QUIRE_OK;
    }
    pthread_mutex_lock(&store->writing);
    for (size_t i = 0; i < record_count; i++) {
        assert(records[i].entry.lsn == store->last_lsn + 1 + i);
        assert(records[i].entry.size == records[i].bytes.size);
    }
    sweep_readers(store);
    struct append append = {records, record_count, 0};
    bool batches = false;
    for (size_t i = 0; i < record_count; i++) {
        batches |= records[i].entry.kind == QR_LOG_BATCH;
    }
    enum quire_status status =
        batches && is_reserve(store) ? QUIRE_EFULL : add_to_tail(store, &append);
    if (status == QUIRE_OK) {
        append.index_count = index_share(store, record_count);
        status = qr_store_write(store, do_append, &append);
        finish_append(store, &append, status == QUIRE_OK);
    }
    pthread_mutex_unlock(&store->writing);
    return status;
}

/* ---- closing --------------------------------------------------------------------------------- */

static int do_close(struct qr_store *store, MDB_txn *txn, void *context)
{
    (void)context;
    int code = put_index(store, txn, store->tail.entry_count, store->last_lsn);
    if (code == MDB_SUCCESS) {
        /* The index reaches to the end: no rebuilding will meet what was forgotten. */
        code = mdb_drop(txn, store->environment.forgotten, 0);
    }
    return code;
}

void qr_store_close(struct qr_store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->environment.env != NULL && store->tail.entry_count > 0) {
        pthread_mutex_lock(&store->writing);
        /* If this fails, the log has it all and the next opening rebuilds the tail. */
        enum quire_status ignored = qr_store_write(store, do_close, NULL);
        (void)ignored;
        pthread_mutex_unlock(&store->writing);
    }
    qr_environment_close(&store->environment);
    qr_tail_finish(&store->tail);
    if (store->lock_file >= 0) {
        close(store->lock_file);
    }
    quire_buffer_finish(&store->record);
    pthread_mutex_destroy(&store->writing);
    pthread_mutex_destroy(&store->state);
    free(store);
}

void qr_store_stats(struct qr_store *store, struct qr_store_stats *out_stats)
{
    struct qr_store_stats stats = {0};
    pthread_mutex_lock(&store->state);
    stats.tail_entries = store->tail.entry_count;
    stats.map_size = store->environment.map_size;
    stats.used_size = used_size(store);
    pthread_mutex_unlock(&store->state);
    stats.reader_growth = store->lag.growth;
    stats.reader_process = store->lag.process;
    stats.readers_ended = store->lag.ended;
    stats.damaged = store->damaged;
    *out_stats = stats;
}
