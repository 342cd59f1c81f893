/*
 * Reading: the index of one user from the disk and from the tail, and single records.
 *
 * A read transaction lasts for one look and pins no pages afterwards; what is handed out is a copy,
 * so that the map may grow meanwhile.
 */
#include "store/store.h"
#include "store/inner.h"

#include "base/writer.h"
#include "store/record.h"

#define CHUNK 128 /* entries collected under the lock before they are visited without it */

/** Reads one record inside an active read transaction. */
static enum quire_status look_up(
    struct qr_store *store, MDB_txn *txn, uint64_t lsn, struct qr_log_record *out_record)
{
    uint8_t lsn_bytes[QR_STORED_LSN_SIZE];
    qr_store_u64(lsn_bytes, lsn);
    MDB_val key = {sizeof lsn_bytes, lsn_bytes};
    MDB_val value;
    int code = mdb_get(txn, store->environment.log, &key, &value);
    if (code == MDB_NOTFOUND) {
        return QUIRE_ECORRUPT; /* it was durable */
    }
    if (code != MDB_SUCCESS) {
        return qr_environment_status(&store->environment, code);
    }
    return qr_stored_read(
        (struct quire_bytes){value.mv_data, value.mv_size}, lsn, out_record, NULL);
}

static enum quire_status begin(struct qr_store *store)
{
    if (store->environment.env == NULL) {
        return QUIRE_EIO;
    }
    return qr_environment_status(&store->environment, mdb_txn_renew(store->environment.reader));
}

bool qr_store_is_absent(struct qr_store *store, uint64_t lsn)
{
    uint8_t lsn_bytes[QR_STORED_LSN_SIZE];
    MDB_val value;
    qr_store_u64(lsn_bytes, lsn);
    MDB_val key = {sizeof lsn_bytes, lsn_bytes};
    pthread_mutex_lock(&store->state);
    bool absent = begin(store) == QUIRE_OK
        && mdb_get(store->environment.reader, store->environment.log, &key, &value) == MDB_NOTFOUND;
    if (store->environment.env != NULL) {
        mdb_txn_reset(store->environment.reader);
    }
    pthread_mutex_unlock(&store->state);
    return absent;
}

static enum quire_status read_record(void *context, uint64_t lsn, struct quire_bytes *out_bytes)
{
    struct qr_store *store = context;
    struct qr_log_record record;
    if (lsn == 0 || lsn > store->last_lsn) {
        return QUIRE_ENOTFOUND;
    }
    pthread_mutex_lock(&store->state);
    enum quire_status status = begin(store);
    if (status == QUIRE_OK) {
        status = look_up(store, store->environment.reader, lsn, &record);
        if (status == QUIRE_OK) {
            quire_buffer_clear(&store->record);
            status = quire_buffer_append(&store->record, record.bytes.data, record.bytes.size);
        }
        mdb_txn_reset(store->environment.reader);
    }
    pthread_mutex_unlock(&store->state);
    if (status == QUIRE_OK) {
        *out_bytes = quire_buffer_bytes(&store->record);
    } else if (status == QUIRE_ECORRUPT) {
        store->damaged++;
    }
    return status;
}

/* An entry of the index that decayed is taken from the log again, where its record has a hash. */
static enum quire_status mend(struct qr_store *store, MDB_txn *txn, const uint8_t *user,
    uint64_t lsn, struct qr_log_entry *out_entry)
{
    struct qr_log_record record;
    enum quire_status status = look_up(store, txn, lsn, &record);
    if (status == QUIRE_OK && memcmp(record.user, user, QR_USER_SIZE) != 0) {
        status = QUIRE_ECORRUPT;
    }
    if (status == QUIRE_OK) {
        *out_entry = record.entry;
    }
    return status;
}

/** Collects entries from the index, from lsn `next` on; stops quietly at what cannot be mended: the
 * reader sees a gap there. */
static enum quire_status collect_index(struct qr_store *store, const uint8_t *user, uint64_t next,
    struct qr_log_entry out_entries[CHUNK], size_t *out_count)
{
    MDB_txn *txn = store->environment.reader;
    MDB_cursor *cursor = NULL;
    uint8_t key_bytes[QR_INDEX_KEY_SIZE];
    size_t count = 0;
    qr_index_key(key_bytes, user, next);
    MDB_val key = {sizeof key_bytes, key_bytes};
    MDB_val value;
    int code = mdb_cursor_open(txn, store->environment.index, &cursor);
    if (code != MDB_SUCCESS) {
        return qr_environment_status(&store->environment, code);
    }
    code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (code == MDB_SUCCESS && count < CHUNK && key.mv_size == QR_INDEX_KEY_SIZE
        && memcmp(key.mv_data, user, QR_USER_SIZE) == 0) {
        uint64_t lsn = qr_load_u64((const uint8_t *)key.mv_data + QR_USER_SIZE);
        struct quire_bytes bytes = {value.mv_data, value.mv_size};
        struct qr_log_entry *entry = &out_entries[count];
        if (lsn > store->last_lsn) {
            break;
        }
        if (lsn < next) { /* a page points to the wrong entry; going on might never end */
            store->damaged++;
            break;
        }
        next = lsn + 1;
        if (qr_index_read(key.mv_data, bytes, entry) == QUIRE_OK) {
            count++;
        } else {
            store->damaged++;
            count += mend(store, txn, user, lsn, entry) == QUIRE_OK;
        }
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) {
        return qr_environment_status(&store->environment, code);
    }
    *out_count = count;
    return QUIRE_OK;
}

/** Adds entries of the tail after those that are collected; the tail may repeat what is in the
 * index already. */
static size_t collect_tail(const struct qr_store *store, const uint8_t *user, uint64_t next,
    struct qr_log_entry out_entries[CHUNK], size_t count)
{
    const struct qr_tail_user *tail = qr_tail_find(&store->tail, user);
    if (tail == NULL) {
        return count;
    }
    const struct qr_log_entry *entries = tail->entries + tail->first;
    if (count > 0) {
        next = out_entries[count - 1].lsn + 1;
    }
    size_t low = 0;
    size_t high = tail->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entries[middle].lsn < next) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    while (low < tail->count && count < CHUNK && entries[low].lsn <= store->last_lsn) {
        out_entries[count++] = entries[low++];
    }
    return count;
}

static enum quire_status some_entries(void *context, const uint8_t user[QR_USER_SIZE],
    uint64_t next, size_t most,
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    struct qr_store *store = context;
    struct qr_log_entry entries[CHUNK];
    for (;;) {
        size_t count = 0;
        pthread_mutex_lock(&store->state);
        enum quire_status status = begin(store);
        if (status == QUIRE_OK) {
            status = collect_index(store, user, next, entries, &count);
            if (status == QUIRE_OK && count < CHUNK) {
                count = collect_tail(store, user, next, entries, count);
            }
            mdb_txn_reset(store->environment.reader);
        }
        pthread_mutex_unlock(&store->state);
        size_t visited = count < most ? count : most;
        for (size_t i = 0; status == QUIRE_OK && i < visited; i++) {
            status = visit(visit_context, &entries[i]);
        }
        most -= visited;
        if (status != QUIRE_OK || count < CHUNK || most == 0) {
            return status;
        }
        next = entries[count - 1].lsn + 1;
    }
}

static enum quire_status each_entry(void *context, const uint8_t user[QR_USER_SIZE],
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    return some_entries(context, user, 0, SIZE_MAX, visit, visit_context);
}

struct qr_log_reader qr_store_reader(struct qr_store *store)
{
    return (struct qr_log_reader){
        .context = store, .each = each_entry, .read = read_record, .some = some_entries};
}
