/*
 * Public keys for fuzzing, in place of libsodium's: as deterministic, as bound to message and key,
 * and a hundred times cheaper. Who knows a public key can forge, but a fuzzer does not think of
 * it; it gets ten times as many sessions instead. Hashes and ciphers are the real ones.
 */
#include <sodium.h>
#include <string.h>

int crypto_sign_seed_keypair(unsigned char *pk, unsigned char *sk, const unsigned char *seed)
{
    crypto_generichash(pk, 32, seed, 32, NULL, 0);
    memcpy(sk, seed, 32);
    memcpy(sk + 32, pk, 32);
    return 0;
}

int crypto_sign_detached(unsigned char *sig, unsigned long long *siglen_p, const unsigned char *m,
    unsigned long long mlen, const unsigned char *sk)
{
    if (siglen_p != NULL) {
        *siglen_p = crypto_sign_BYTES;
    }
    return crypto_generichash(sig, crypto_sign_BYTES, m, mlen, sk + 32, 32);
}

int crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m,
    unsigned long long mlen, const unsigned char *pk)
{
    unsigned char right[crypto_sign_BYTES];
    crypto_generichash(right, sizeof right, m, mlen, pk, 32);
    return memcmp(sig, right, sizeof right) == 0 ? 0 : -1;
}

/* The public half is the secret one with every bit turned over. */
int crypto_scalarmult_base(unsigned char *q, const unsigned char *n)
{
    for (size_t i = 0; i < 32; i++) {
        q[i] = (unsigned char)~n[i];
    }
    return 0;
}

/* The same for both: a hash of the two public halves, the lesser first. */
int crypto_scalarmult(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
    unsigned char both[64], own[32];
    crypto_scalarmult_base(own, n);
    int order = memcmp(own, p, 32);
    memcpy(both, order < 0 ? own : p, 32);
    memcpy(both + 32, order < 0 ? p : own, 32);
    return crypto_generichash(q, 32, both, sizeof both, NULL, 0);
}

int crypto_box_easy(unsigned char *c, const unsigned char *m, unsigned long long mlen,
    const unsigned char *n, const unsigned char *pk, const unsigned char *sk)
{
    unsigned char key[32];
    return crypto_scalarmult(key, sk, pk) != 0 ? -1 : crypto_secretbox_easy(c, m, mlen, n, key);
}

int crypto_box_seal_open(unsigned char *m, const unsigned char *c, unsigned long long clen,
    const unsigned char *pk, const unsigned char *sk)
{
    unsigned char key[32], nonce[crypto_box_NONCEBYTES], halves[64];
    if (clen < crypto_box_SEALBYTES || crypto_scalarmult(key, sk, c) != 0) {
        return -1;
    }
    memcpy(halves, c, 32);
    memcpy(halves + 32, pk, 32);
    crypto_generichash(nonce, sizeof nonce, halves, sizeof halves, NULL, 0);
    return crypto_secretbox_open_easy(m, c + 32, clen - 32, nonce, key);
}
