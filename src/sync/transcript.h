/*
 * What both ends hash and sign: a batch's place in its chain, and the opening of a connection.
 */
#ifndef QR_SYNC_TRANSCRIPT_H
#define QR_SYNC_TRANSCRIPT_H

#include "codec/batch.h"
#include "crypto/hash.h"

/** sh, what the author of a batch signs: user, the roster record it stands on, the batch before it, and
 * all of its bytes but the signature. */
void qr_batch_signed(const struct qr_batch *batch, const uint8_t user[QR_USER_SIZE],
    const uint8_t roster_hash[QR_HASH_SIZE], uint8_t out_signed[QR_HASH_SIZE]);

/** bh, the hash of a batch: what is signed, and the signature. */
void qr_batch_hash(const uint8_t signed_hash[QR_HASH_SIZE],
    const uint8_t signature[QR_SIGNATURE_SIZE], uint8_t out_hash[QR_HASH_SIZE]);

/** What AUTH signs: host name, HELLO and CHALLENGE as they went over the wire. */
void qr_auth_digest(struct quire_bytes host, struct quire_bytes hello, struct quire_bytes challenge,
    uint8_t out_digest[QR_HASH_SIZE]);

#endif
