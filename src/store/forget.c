/*
 * What is no longer in the index, and how the tail is rebuilt from the log without it.
 *
 * Table `forgotten`: key user 32 ‖ from 8, value until 8: records of the user with these lsn are not
 * to be indexed again. It is consulted when a tail is rebuilt, and emptied once the index on the
 * disk reaches to the end of the log.
 */
#include "store/store.h"
#include "store/inner.h"

#include "base/writer.h"
#include "store/record.h"
#include <stdlib.h>

struct forget {
    const uint8_t *user;
    uint64_t lsn;
};

static int remove_entries(struct qr_store *store, MDB_txn *txn, const struct forget *forget)
{
    MDB_cursor *cursor = NULL;
    uint8_t first[QR_INDEX_KEY_SIZE];
    int code = mdb_cursor_open(txn, store->environment.index, &cursor);
    if (code != MDB_SUCCESS) {
        return code;
    }
    qr_index_key(first, forget->user, forget->lsn);
    for (;;) {
        MDB_val key = {sizeof first, first};
        code = mdb_cursor_get(cursor, &key, NULL, MDB_SET_RANGE);
        if (code != MDB_SUCCESS || key.mv_size != QR_INDEX_KEY_SIZE
            || memcmp(key.mv_data, forget->user, QR_USER_SIZE) != 0) {
            break;
        }
        code = mdb_cursor_del(cursor, 0);
        if (code != MDB_SUCCESS) {
            break;
        }
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? MDB_SUCCESS : code;
}

static int do_forget(struct qr_store *store, MDB_txn *txn, void *context)
{
    const struct forget *forget = context;
    uint8_t from[QR_INDEX_KEY_SIZE];
    uint8_t until[QR_STORED_LSN_SIZE];
    int code = remove_entries(store, txn, forget);
    qr_index_key(from, forget->user, forget->lsn);
    qr_store_u64(until, store->last_lsn);
    MDB_val key = {sizeof from, from};
    MDB_val value = {sizeof until, until};
    return code != MDB_SUCCESS ? code : mdb_put(txn, store->environment.forgotten, &key, &value, 0);
}

enum quire_status qr_store_forget_locked(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    struct forget forget = {user, lsn};
    enum quire_status status = qr_store_write(store, do_forget, &forget);
    if (status == QUIRE_OK) {
        pthread_mutex_lock(&store->state);
        qr_tail_cut(&store->tail, user, lsn);
        pthread_mutex_unlock(&store->state);
    }
    return status;
}

enum quire_status qr_store_forget(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    pthread_mutex_lock(&store->writing);
    enum quire_status status = qr_store_forget_locked(store, user, lsn);
    pthread_mutex_unlock(&store->writing);
    return status;
}

/* ---- removing -------------------------------------------------------------------------------- */

struct removal {
    const uint8_t *user;
    const uint64_t *lsns;
    size_t count;
    uint64_t last; /* that is left */
};

/* The index must not claim to reach further than the log, or records that come there later would
 * not be rebuilt after a crash. */
static int bound_index(struct qr_store *store, MDB_txn *txn, struct removal *removal)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    uint8_t indexed[8];
    int code = mdb_cursor_open(txn, store->environment.log, &cursor);
    if (code != MDB_SUCCESS) {
        return code;
    }
    code = mdb_cursor_get(cursor, &key, NULL, MDB_LAST);
    removal->last =
        code == MDB_SUCCESS && key.mv_size == QR_STORED_LSN_SIZE ? qr_load_u64(key.mv_data) : 0;
    mdb_cursor_close(cursor);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) {
        return code;
    }
    code = qr_meta_get(txn, &store->environment, "indexed", indexed, sizeof indexed);
    if (code == MDB_SUCCESS && qr_load_u64(indexed) > removal->last) {
        qr_store_u64(indexed, removal->last);
        code = qr_meta_put(txn, &store->environment, "indexed", indexed, sizeof indexed);
    }
    return code;
}

static int do_remove(struct qr_store *store, MDB_txn *txn, void *context)
{
    struct removal *removal = context;
    const struct forget all = {removal->user, 0};
    uint8_t first[QR_INDEX_KEY_SIZE];
    MDB_cursor *cursor = NULL;
    MDB_val key;
    int code = MDB_SUCCESS;
    for (size_t i = 0; code == MDB_SUCCESS && i < removal->count; i++) {
        uint8_t lsn[QR_STORED_LSN_SIZE];
        qr_store_u64(lsn, removal->lsns[i]);
        key = (MDB_val){sizeof lsn, lsn};
        code = mdb_del(txn, store->environment.log, &key, NULL);
        code = code == MDB_NOTFOUND ? MDB_SUCCESS : code;
    }
    code = code == MDB_SUCCESS ? remove_entries(store, txn, &all) : code;
    if (code == MDB_SUCCESS) {
        code = mdb_cursor_open(txn, store->environment.forgotten, &cursor);
    }
    qr_index_key(first, removal->user, 0);
    for (key = (MDB_val){sizeof first, first}; code == MDB_SUCCESS
         && (code = mdb_cursor_get(cursor, &key, NULL, MDB_SET_RANGE)) == MDB_SUCCESS
         && key.mv_size == QR_INDEX_KEY_SIZE
         && memcmp(key.mv_data, removal->user, QR_USER_SIZE) == 0;
         key = (MDB_val){sizeof first, first}) {
        code = mdb_cursor_del(cursor, 0);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    code = code == MDB_NOTFOUND ? MDB_SUCCESS : code;
    return code == MDB_SUCCESS ? bound_index(store, txn, removal) : code;
}

static enum quire_status note_lsn(void *context, const struct qr_log_entry *entry)
{
    return quire_buffer_append(context, &entry->lsn, sizeof entry->lsn);
}

enum quire_status qr_store_remove(
    struct qr_store *store, const uint8_t user[QR_USER_SIZE], uint64_t *out_count)
{
    struct quire_buffer lsns = {0};
    const struct qr_log_reader reader = qr_store_reader(store);
    enum quire_status status = reader.each(reader.context, user, note_lsn, &lsns);
    struct removal removal = {.user = user, .count = lsns.size / sizeof(uint64_t)};
    uint64_t *list = calloc(removal.count + 1, sizeof *list);
    if (list == NULL) {
        status = QUIRE_ENOMEM;
    } else if (removal.count == 0 && status == QUIRE_OK) {
        status = QUIRE_ENOTFOUND;
    }
    if (status == QUIRE_OK) {
        memcpy(list, lsns.data, lsns.size);
        removal.lsns = list;
        pthread_mutex_lock(&store->writing);
        status = qr_store_write(store, do_remove, &removal);
        if (status == QUIRE_OK) {
            pthread_mutex_lock(&store->state);
            qr_tail_cut(&store->tail, user, 0);
            store->last_lsn = removal.last;
            pthread_mutex_unlock(&store->state);
            *out_count = removal.count;
        }
        pthread_mutex_unlock(&store->writing);
    }
    quire_buffer_finish(&lsns);
    free(list);
    return status;
}

/* ---- rebuilding ------------------------------------------------------------------------------ */

static bool is_forgotten(MDB_cursor *forgotten, const uint8_t *user, uint64_t lsn)
{
    uint8_t first[QR_INDEX_KEY_SIZE];
    qr_index_key(first, user, 0);
    MDB_val key = {sizeof first, first};
    MDB_val value;
    int code = mdb_cursor_get(forgotten, &key, &value, MDB_SET_RANGE);
    while (code == MDB_SUCCESS && key.mv_size == QR_INDEX_KEY_SIZE
        && memcmp(key.mv_data, user, QR_USER_SIZE) == 0) {
        uint64_t from = qr_load_u64((const uint8_t *)key.mv_data + QR_USER_SIZE);
        if (value.mv_size == QR_STORED_LSN_SIZE && from <= lsn
            && lsn <= qr_load_u64(value.mv_data)) {
            return true;
        }
        code = mdb_cursor_get(forgotten, &key, &value, MDB_NEXT);
    }
    return false;
}

/* A damaged record, noted as user ‖ lsn, to be forgotten once the read transaction is over. */
static enum quire_status note_damage(struct quire_buffer *damage, const uint8_t *user, uint64_t lsn)
{
    uint8_t note[QR_INDEX_KEY_SIZE];
    qr_index_key(note, user, lsn);
    return quire_buffer_append(damage, note, sizeof note);
}

static enum quire_status read_tail(struct qr_store *store, struct quire_buffer *damage)
{
    MDB_txn *txn = store->environment.reader;
    MDB_cursor *log = NULL;
    MDB_cursor *forgotten = NULL;
    uint8_t indexed[8];
    enum quire_status status = QUIRE_OK;
    int code = mdb_txn_renew(txn);
    if (code != MDB_SUCCESS) {
        return qr_environment_status(&store->environment, code);
    }
    code = qr_meta_get(txn, &store->environment, "indexed", indexed, sizeof indexed);
    if (code == MDB_SUCCESS) {
        code = mdb_cursor_open(txn, store->environment.log, &log);
    }
    if (code == MDB_SUCCESS) {
        code = mdb_cursor_open(txn, store->environment.forgotten, &forgotten);
    }
    if (code != MDB_SUCCESS) {
        goto out;
    }
    uint64_t previous = qr_load_u64(indexed);
    uint8_t first[QR_STORED_LSN_SIZE];
    qr_store_u64(first, previous + 1);
    MDB_val key = {sizeof first, first};
    MDB_val value;
    code = mdb_cursor_get(log, &key, &value, MDB_SET_RANGE);
    while (code == MDB_SUCCESS && status == QUIRE_OK) {
        struct qr_log_record record;
        uint8_t claimed[QR_USER_SIZE];
        uint64_t lsn = key.mv_size == QR_STORED_LSN_SIZE ? qr_load_u64(key.mv_data) : 0;
        if (lsn <= previous || lsn > store->last_lsn) {
            lsn = previous + 1; /* the key decayed; its hash will not hold at this place either */
        }
        previous = lsn;
        struct quire_bytes bytes = {value.mv_data, value.mv_size};
        if (qr_stored_read(bytes, lsn, &record, claimed) != QUIRE_OK) {
            if (!is_forgotten(forgotten, claimed, lsn)) {
                status = note_damage(damage, claimed, lsn);
            }
        } else if (!is_forgotten(forgotten, record.user, lsn)) {
            status = qr_tail_add(&store->tail, record.user, &record.entry);
        }
        code = mdb_cursor_get(log, &key, &value, MDB_NEXT);
    }
    code = code == MDB_NOTFOUND ? MDB_SUCCESS : code;
out:
    if (forgotten != NULL) {
        mdb_cursor_close(forgotten);
    }
    if (log != NULL) {
        mdb_cursor_close(log);
    }
    mdb_txn_reset(txn);
    return status != QUIRE_OK ? status : qr_environment_status(&store->environment, code);
}

enum quire_status qr_store_rebuild(struct qr_store *store)
{
    struct quire_buffer damage = {0};
    enum quire_status status = read_tail(store, &damage);
    for (size_t at = 0; status == QUIRE_OK && at < damage.size; at += QR_INDEX_KEY_SIZE) {
        const uint8_t *note = damage.data + at;
        store->damaged++;
        status = qr_store_forget_locked(store, note, qr_load_u64(note + QR_USER_SIZE));
    }
    quire_buffer_finish(&damage);
    return status;
}
