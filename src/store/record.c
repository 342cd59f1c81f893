/*
 * Framing of stored records.
 */
#include "store/record.h"

#include "base/reader.h"
#include "base/writer.h"
#include <assert.h>
#include <sodium.h>

static void hash_value(uint8_t out[QR_HASH_SIZE], uint64_t lsn, const uint8_t *rest, size_t size)
{
    static const char context[] = "quire/stored/1"; /* its final zero is part of it */
    uint8_t lsn_bytes[QR_STORED_LSN_SIZE];
    crypto_generichash_state state;
    qr_store_u64(lsn_bytes, lsn);
    int failed = crypto_generichash_init(&state, NULL, 0, QR_HASH_SIZE);
    failed |= crypto_generichash_update(&state, (const uint8_t *)context, sizeof context);
    failed |= crypto_generichash_update(&state, lsn_bytes, sizeof lsn_bytes);
    failed |= crypto_generichash_update(&state, rest, size);
    failed |= crypto_generichash_final(&state, out, QR_HASH_SIZE);
    assert(failed == 0);
}

static uint8_t *put(uint8_t *out, const void *data, size_t size)
{
    memcpy(out, data, size);
    return out + size;
}

void qr_stored_write(uint8_t *out, const struct qr_log_record *record)
{
    const struct qr_log_entry *entry = &record->entry;
    uint8_t *next = put(out + QR_HASH_SIZE, record->user, QR_USER_SIZE);
    qr_store_u64(next, entry->seq);
    next += 8;
    *next++ = entry->kind;
    next = put(next, entry->replica, QR_REPLICA_SIZE);
    next = put(next, entry->device, QR_DEVICE_SIZE);
    next = put(next, entry->hash, QR_HASH_SIZE);
    assert(next == out + QR_STORED_HEADER_SIZE);
    if (record->bytes.size > 0) {
        memcpy(next, record->bytes.data, record->bytes.size);
    }
    hash_value(out, entry->lsn, out + QR_HASH_SIZE,
        QR_STORED_HEADER_SIZE - QR_HASH_SIZE + record->bytes.size);
}

enum quire_status qr_stored_read(struct quire_bytes value, uint64_t lsn,
    struct qr_log_record *out_record, uint8_t out_claimed_user[QR_USER_SIZE])
{
    uint8_t hash[QR_HASH_SIZE];
    struct qr_log_record record = {.entry = {.lsn = lsn}};
    struct qr_reader reader = qr_reader_over(value);
    struct quire_bytes stored_hash = qr_read_bytes(&reader, QR_HASH_SIZE);
    qr_read_copy(&reader, record.user, QR_USER_SIZE);
    if (out_claimed_user != NULL) {
        memcpy(out_claimed_user, record.user, QR_USER_SIZE);
    }
    record.entry.seq = qr_read_u64(&reader);
    record.entry.kind = qr_read_u8(&reader);
    qr_read_copy(&reader, record.entry.replica, QR_REPLICA_SIZE);
    qr_read_copy(&reader, record.entry.device, QR_DEVICE_SIZE);
    qr_read_copy(&reader, record.entry.hash, QR_HASH_SIZE);
    record.bytes = qr_read_bytes(&reader, qr_reader_left(&reader));
    if (!qr_reader_done(&reader) || record.bytes.size > UINT32_MAX) {
        return QUIRE_ECORRUPT;
    }
    record.entry.size = (uint32_t)record.bytes.size;
    hash_value(hash, lsn, value.data + QR_HASH_SIZE, value.size - QR_HASH_SIZE);
#ifdef QR_FAILPOINT_NO_HASH /* a deliberate bug, which tests/crash must find */
    memcpy(hash, stored_hash.data, QR_HASH_SIZE);
#endif
    if (memcmp(hash, stored_hash.data, QR_HASH_SIZE) != 0) {
        return QUIRE_ECORRUPT;
    }
    *out_record = record;
    return QUIRE_OK;
}

void qr_index_key(uint8_t out[QR_INDEX_KEY_SIZE], const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    qr_store_u64(put(out, user, QR_USER_SIZE), lsn);
}

static void index_check(uint8_t out[8], const uint8_t key[QR_INDEX_KEY_SIZE], const uint8_t *value)
{
    static const uint8_t fixed[crypto_shorthash_KEYBYTES] = "quire/index/1";
    uint8_t both[QR_INDEX_KEY_SIZE + QR_INDEX_VALUE_SIZE - 8];
    memcpy(put(both, key, QR_INDEX_KEY_SIZE), value, QR_INDEX_VALUE_SIZE - 8);
    crypto_shorthash(out, both, sizeof both, fixed);
}

void qr_index_value(uint8_t out[QR_INDEX_VALUE_SIZE], const uint8_t key[QR_INDEX_KEY_SIZE],
    const struct qr_log_entry *entry)
{
    uint8_t *next = out;
    qr_store_u64(next, entry->seq);
    qr_store_u32(next + 8, entry->size);
    next[12] = entry->kind;
    next = put(next + 13, entry->replica, QR_REPLICA_SIZE);
    next = put(next, entry->device, QR_DEVICE_SIZE);
    next = put(next, entry->hash, QR_HASH_SIZE);
    index_check(next, key, out);
}

enum quire_status qr_index_read(
    const uint8_t key[QR_INDEX_KEY_SIZE], struct quire_bytes value, struct qr_log_entry *out_entry)
{
    uint8_t check[8];
    if (value.size != QR_INDEX_VALUE_SIZE) {
        return QUIRE_ECORRUPT;
    }
    index_check(check, key, value.data);
    if (memcmp(check, value.data + QR_INDEX_VALUE_SIZE - 8, 8) != 0) {
        return QUIRE_ECORRUPT;
    }
    struct qr_reader reader = qr_reader_over(value);
    struct qr_log_entry entry = {.lsn = qr_load_u64(key + QR_USER_SIZE)};
    entry.seq = qr_read_u64(&reader);
    entry.size = qr_read_u32(&reader);
    entry.kind = qr_read_u8(&reader);
    qr_read_copy(&reader, entry.replica, QR_REPLICA_SIZE);
    qr_read_copy(&reader, entry.device, QR_DEVICE_SIZE);
    qr_read_copy(&reader, entry.hash, QR_HASH_SIZE);
    *out_entry = entry;
    return QUIRE_OK;
}
