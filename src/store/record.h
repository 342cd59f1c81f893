/*
 * What a record looks like in the log and in the index, and the two checks that keep flipped bits
 * from being served. Integers are big-endian.
 *
 *   log    key lsn 8 · value hash 32 ‖ user 32 ‖ seq 8 ‖ kind 1 ‖ replica 8 ‖ device 16 ‖ bh 32 ‖ bytes
 *          hash = BLAKE2b-256("quire/stored/1" ‖ 0 ‖ lsn ‖ all that follows the hash)
 *   index  key user 32 ‖ lsn 8 · value seq 8 ‖ size 4 ‖ kind 1 ‖ replica 8 ‖ device 16 ‖ bh 32 ‖ check 8
 *          check = SipHash-2-4(key ‖ all that comes before it), against decay, not against people
 */
#ifndef QR_STORE_RECORD_H
#define QR_STORE_RECORD_H

#include "base/log.h"

#define QR_STORED_LSN_SIZE 8
#define QR_STORED_HEADER_SIZE \
    (QR_HASH_SIZE + QR_USER_SIZE + 8 + 1 + QR_REPLICA_SIZE + QR_DEVICE_SIZE + QR_HASH_SIZE)
#define QR_INDEX_KEY_SIZE (QR_USER_SIZE + QR_STORED_LSN_SIZE)
#define QR_INDEX_VALUE_SIZE (8 + 4 + 1 + QR_REPLICA_SIZE + QR_DEVICE_SIZE + QR_HASH_SIZE + 8)

/** Writes the log's value of a record: QR_STORED_HEADER_SIZE + its bytes. */
void qr_stored_write(uint8_t *out, const struct qr_log_record *record);

/** Reads a value of the log found at lsn; out_record borrows from it. ECORRUPT: the hash does not
 * hold. out_claimed_user, if not NULL, gets the user that a damaged value speaks of, zeros if it is
 * too short to say. */
QUIRE_CHECKED enum quire_status qr_stored_read(struct quire_bytes value, uint64_t lsn,
    struct qr_log_record *out_record, uint8_t out_claimed_user[QR_USER_SIZE]);

void qr_index_key(uint8_t out[QR_INDEX_KEY_SIZE], const uint8_t user[QR_USER_SIZE], uint64_t lsn);
void qr_index_value(uint8_t out[QR_INDEX_VALUE_SIZE], const uint8_t key[QR_INDEX_KEY_SIZE],
    const struct qr_log_entry *entry);
/** ECORRUPT: the check does not hold. */
QUIRE_CHECKED enum quire_status qr_index_read(
    const uint8_t key[QR_INDEX_KEY_SIZE], struct quire_bytes value, struct qr_log_entry *out_entry);

#endif
