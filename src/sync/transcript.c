/*
 * What both ends hash and sign.
 */
#include "sync/transcript.h"
#include "base/failpoint.h"

void qr_batch_signed(const struct qr_batch *batch, const uint8_t user[QR_USER_SIZE],
    const uint8_t roster_hash[QR_HASH_SIZE], uint8_t out_signed[QR_HASH_SIZE])
{
    uint8_t content[QR_HASH_SIZE];
    struct qr_hasher hasher;
    qr_hasher_init(&hasher, QR_CONTEXT_BATCH_CONTENT);
    qr_hasher_add(&hasher, user, QR_USER_SIZE);
    qr_hasher_add(&hasher, roster_hash, QR_HASH_SIZE);
    qr_hasher_add(&hasher, batch->head.data, batch->head.size);
    for (size_t i = 0; i < batch->change_count; i++) {
        uint8_t change[QR_HASH_SIZE];
        qr_hash(change, QR_CONTEXT_CHANGE_HASH, &batch->changes[i].bytes, 1);
        qr_hasher_add(&hasher, change, sizeof change);
    }
    qr_hasher_finish(&hasher, content);
    qr_hash(out_signed, QR_CONTEXT_BATCH_SIGNED,
        (struct quire_bytes[]){{batch->prev, QR_HASH_SIZE}, {content, sizeof content}}, 2);
}

void qr_batch_hash(const uint8_t signed_hash[QR_HASH_SIZE],
    const uint8_t signature[QR_SIGNATURE_SIZE], uint8_t out_hash[QR_HASH_SIZE])
{
    qr_hash(out_hash, QR_CONTEXT_BATCH,
        (struct quire_bytes[]){{signed_hash, QR_HASH_SIZE}, {signature, QR_SIGNATURE_SIZE}},
        QR_FAILPOINT_ON(NO_SIGNATURE_IN_HASH) ? 1 : 2);
}

void qr_auth_digest(struct quire_bytes host, struct quire_bytes hello, struct quire_bytes challenge,
    uint8_t out_digest[QR_HASH_SIZE])
{
    static const uint8_t zero[1];
    uint8_t transcript[QR_HASH_SIZE];
    qr_hash(transcript, QR_CONTEXT_AUTH_TRANSCRIPT, (struct quire_bytes[]){hello, challenge}, 2);
    qr_hash(out_digest, QR_CONTEXT_AUTH,
        (struct quire_bytes[]){host, {zero, 1}, {transcript, sizeof transcript}}, 3);
}
