/*
 * Signatures as devices make them: Ed25519 over context ‖ 0 ‖ message.
 */
#include "signed.h"

#include "base/writer.h"
#include <assert.h>
#include <sodium.h>

void signed_job(struct qr_verify_job *out_job, uint64_t number)
{
    uint8_t seed[crypto_sign_SEEDBYTES] = {7};
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t text[64];
    const char *context = qr_context_text(QR_CONTEXT_BATCH_SIGN);
    size_t size = strlen(context) + 1;
    int failed = sodium_init() < 0;
    qr_store_u64(seed, number);
    *out_job = (struct qr_verify_job){.context = QR_CONTEXT_BATCH_SIGN};
    qr_store_u64(out_job->message, number * 3);
    memcpy(text, context, size);
    memcpy(text + size, out_job->message, QR_HASH_SIZE);
    failed |= crypto_sign_seed_keypair(out_job->public_key, secret, seed);
    failed |= crypto_sign_detached(out_job->signature, NULL, text, size + QR_HASH_SIZE, secret);
    assert(failed == 0);
}
