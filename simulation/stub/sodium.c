/*
 * A stand-in for libsodium, for quire-sim-stub alone: the functions that the core calls, made of
 * cheap 64-bit mixing. All that is deterministic stays so, and any changed bit of a message, tag,
 * signature, key or associated data is noticed; but nothing here is secret or hard to forge. With
 * it the simulation spends its time on the protocol instead of on curves.
 *
 * Linked in place of libsodium, never beside it: a function that is missing here is an error of
 * the linker. tests/tools/test_stub_crypto.py shows that no program that ships has any of it.
 */
#include "stub.h"

#include <assert.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TAG_SIZE 16u
#define P1 0x9e3779b185ebca87u
#define P2 0xc2b2ae3d27d4eb4fu
#define P3 0x165667b19e3779f9u

const char quire_stub_crypto[] = "quire-sim-stub: this is no cryptography";

/* ---- mixing ---------------------------------------------------------------------------------- */

#define WAITING_MAX 256u /* whole blocks */

/* Each lane is changed one-to-one by each word, so that one changed word always changes its lane,
 * and the end depends one-to-one on each lane. */
struct mixer {
    uint64_t lanes[4];
    uint64_t size;
    size_t waiting_size;
    uint8_t waiting[WAITING_MAX
        + 32]; /* most of what is mixed is short: it is mixed at the end, at once */
};
static_assert(sizeof(struct mixer) <= sizeof(crypto_generichash_state), "it lies in libsodium's");

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "else a seed is another run here");

static uint64_t load(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static void store(uint8_t *bytes, uint64_t word)
{
    memcpy(bytes, &word, sizeof word);
}

static uint64_t rotate(uint64_t word, int bits)
{
    return word << bits | word >> (64 - bits);
}

static uint64_t scramble(uint64_t word)
{
    word = (word ^ (word >> 32)) * P3;
    return word ^ (word >> 29);
}

static void blocks(struct mixer *mixer, const uint8_t *bytes, size_t count)
{
    uint64_t a = mixer->lanes[0], b = mixer->lanes[1], c = mixer->lanes[2], d = mixer->lanes[3];
    for (; count > 0; count--, bytes += 32) {
        a = rotate((a ^ load(bytes)) * P1, 29);
        b = rotate((b ^ load(bytes + 8)) * P1, 29);
        c = rotate((c ^ load(bytes + 16)) * P1, 29);
        d = rotate((d ^ load(bytes + 24)) * P1, 29);
    }
    mixer->lanes[0] = a, mixer->lanes[1] = b, mixer->lanes[2] = c, mixer->lanes[3] = d;
}

static void mixer_init(struct mixer *mixer, uint64_t purpose)
{
    mixer->lanes[0] = purpose * P1;
    mixer->lanes[1] = purpose + P2;
    mixer->lanes[2] = purpose ^ P3;
    mixer->lanes[3] = ~purpose;
    mixer->size = 0;
    mixer->waiting_size = 0;
}

static inline void mixer_add(struct mixer *mixer, const void *data, size_t size)
{
    const uint8_t *at = data;
    size_t waiting = mixer->waiting_size;
    if (size == 0) { /* then data may be NULL */
        return;
    }
    mixer->size += size;
    if (size <= WAITING_MAX - waiting) {
        memcpy(mixer->waiting + waiting, at, size);
        mixer->waiting_size = waiting + size;
        return;
    }
    size_t more = (32 - waiting % 32) % 32;
    memcpy(mixer->waiting + waiting, at, more);
    blocks(mixer, mixer->waiting, (waiting + more) / 32);
    at += more;
    size -= more;
    blocks(mixer, at, size / 32);
    memcpy(mixer->waiting, at + size / 32 * 32, size % 32);
    mixer->waiting_size = size % 32;
}

static inline void mixer_finish(struct mixer *mixer, uint8_t *out, size_t size)
{
    memset(mixer->waiting + mixer->waiting_size, 0, 32);
    blocks(mixer, mixer->waiting, mixer->waiting_size / 32 + 1);
    uint64_t first = scramble((mixer->lanes[0] ^ rotate(mixer->lanes[1], 17)) + mixer->size);
    uint64_t second = scramble((mixer->lanes[2] ^ rotate(mixer->lanes[3], 41)) + first) * P2;
    uint64_t both = first ^ rotate(second, 32);
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        store(out + i, scramble(both + (i + 1) * P2) ^ second);
    }
    if (i < size) {
        uint64_t word = scramble(both + (i + 1) * P2) ^ second;
        memcpy(out + i, &word, size - i);
    }
}

static void mix(uint8_t *out, size_t size, uint64_t purpose, const void *a, size_t a_size,
    const void *b, size_t b_size)
{
    struct mixer mixer;
    mixer_init(&mixer, purpose);
    mixer_add(&mixer, a, a_size);
    mixer_add(&mixer, b, b_size);
    mixer_finish(&mixer, out, size);
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

/* ---- hashes ---------------------------------------------------------------------------------- */

int crypto_generichash_init(crypto_generichash_state *state, const unsigned char *key,
    const size_t key_size, const size_t out_size)
{
    struct mixer *mixer = (struct mixer *)(void *)state;
    mixer_init(mixer, out_size << 8 | key_size); /* as with BLAKE2b, each size is another hash */
    if (key_size > 0) {
        mixer_add(mixer, key, key_size);
    }
    return 0;
}

int crypto_generichash_update(
    crypto_generichash_state *state, const unsigned char *in, unsigned long long size)
{
    mixer_add((struct mixer *)(void *)state, in, (size_t)size);
    return 0;
}

int crypto_generichash_final(
    crypto_generichash_state *state, unsigned char *out, const size_t out_size)
{
    mixer_finish((struct mixer *)(void *)state, out, out_size);
    return 0;
}

/* ---- ciphers --------------------------------------------------------------------------------- */

static void stream_xor(uint8_t *out, const uint8_t *in, size_t size, const uint8_t *nonce,
    size_t nonce_size, const uint8_t key[32])
{
    uint8_t seed[8];
    mix(seed, sizeof seed, 1, key, 32, nonce, nonce_size);
    uint64_t counter = load(seed);
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        store(out + i, load(in + i) ^ scramble(counter += P1));
    }
    if (i < size) {
        uint64_t last = scramble(counter + P1);
        for (; i < size; i++, last >>= 8) {
            out[i] = (uint8_t)(in[i] ^ last);
        }
    }
}

static void tag_of(uint8_t out[TAG_SIZE], const uint8_t *text, size_t size, const uint8_t *data,
    size_t data_size, const uint8_t *nonce, size_t nonce_size, const uint8_t key[32])
{
    struct mixer mixer;
    mixer_init(&mixer, 2 + ((uint64_t)data_size << 8)); /* where the data ends is part of it */
    mixer_add(&mixer, key, 32);
    mixer_add(&mixer, nonce, nonce_size);
    mixer_add(&mixer, data, data_size);
    mixer_add(&mixer, text, size);
    mixer_finish(&mixer, out, TAG_SIZE);
}

int crypto_aead_xchacha20poly1305_ietf_encrypt(unsigned char *out, unsigned long long *out_size,
    const unsigned char *in, unsigned long long size, const unsigned char *data,
    unsigned long long data_size, const unsigned char *none, const unsigned char *nonce,
    const unsigned char *key)
{
    (void)none;
    stream_xor(out, in, (size_t)size, nonce, 24, key);
    tag_of(out + size, out, (size_t)size, data, (size_t)data_size, nonce, 24, key);
    if (out_size != NULL) {
        *out_size = size + TAG_SIZE;
    }
    return 0;
}

int crypto_aead_xchacha20poly1305_ietf_decrypt(unsigned char *out, unsigned long long *out_size,
    unsigned char *none, const unsigned char *in, unsigned long long size,
    const unsigned char *data, unsigned long long data_size, const unsigned char *nonce,
    const unsigned char *key)
{
    uint8_t tag[TAG_SIZE];
    (void)none;
    if (size < TAG_SIZE) {
        return -1;
    }
    size_t length = (size_t)size - TAG_SIZE;
    tag_of(tag, in, length, data, (size_t)data_size, nonce, 24, key);
    if (memcmp(tag, in + length, TAG_SIZE) != 0) {
        memset(out, 0, length);
        return -1;
    }
    stream_xor(out, in, length, nonce, 24, key);
    if (out_size != NULL) {
        *out_size = length;
    }
    return 0;
}

/* ---- signatures: of the message and the public key alone -------------------------------------- */

int crypto_sign_seed_keypair(
    unsigned char *public_key, unsigned char *secret_key, const unsigned char *seed)
{
    mix(public_key, 32, 3, seed, 32, NULL, 0);
    memcpy(secret_key, seed, 32);
    memcpy(secret_key + 32, public_key, 32);
    return 0;
}

int crypto_sign_detached(unsigned char *signature, unsigned long long *out_size,
    const unsigned char *message, unsigned long long size, const unsigned char *secret_key)
{
    mix(signature, crypto_sign_BYTES, 4, secret_key + 32, 32, message, (size_t)size);
    if (out_size != NULL) {
        *out_size = crypto_sign_BYTES;
    }
    return 0;
}

int crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *message,
    unsigned long long size, const unsigned char *public_key)
{
    uint8_t right[crypto_sign_BYTES];
    if (is_zero(public_key, 32)) { /* libsodium refuses keys of small order; this stands for them */
        return -1;
    }
    mix(right, sizeof right, 4, public_key, 32, message, (size_t)size);
    return memcmp(right, signature, sizeof right) == 0 ? 0 : -1;
}

/* ---- agreement: a mix of both public keys, the lesser first ------------------------------------ */

int crypto_scalarmult_base(unsigned char *public_key, const unsigned char *secret)
{
    mix(public_key, 32, 5, secret, 32, NULL, 0);
    return 0;
}

int crypto_scalarmult(
    unsigned char *shared, const unsigned char *secret, const unsigned char *public_key)
{
    uint8_t own[32];
    crypto_scalarmult_base(own, secret);
    if (is_zero(public_key, 32)) {
        return -1;
    }
    bool first = memcmp(own, public_key, sizeof own) < 0;
    mix(shared, 32, 6, first ? own : public_key, 32, first ? public_key : own, 32);
    return 0;
}

int crypto_box_easy(unsigned char *out, const unsigned char *message, unsigned long long size,
    const unsigned char *nonce, const unsigned char *public_key, const unsigned char *secret)
{
    uint8_t key[32];
    if (crypto_scalarmult(key, secret, public_key) != 0) {
        return -1;
    }
    stream_xor(out + TAG_SIZE, message, (size_t)size, nonce, crypto_box_NONCEBYTES, key);
    tag_of(out, out + TAG_SIZE, (size_t)size, NULL, 0, nonce, crypto_box_NONCEBYTES, key);
    return 0;
}

int crypto_box_seal_open(unsigned char *message, const unsigned char *in, unsigned long long size,
    const unsigned char *public_key, const unsigned char *secret)
{
    uint8_t key[32], nonce[crypto_box_NONCEBYTES], tag[TAG_SIZE];
    crypto_generichash_state state;
    if (size < crypto_box_SEALBYTES || crypto_scalarmult(key, secret, in) != 0) {
        return -1;
    }
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, in, 32);
    crypto_generichash_update(&state, public_key, 32);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    size_t length = (size_t)size - crypto_box_SEALBYTES;
    tag_of(tag, in + 32 + TAG_SIZE, length, NULL, 0, nonce, sizeof nonce, key);
    if (memcmp(tag, in + 32, TAG_SIZE) != 0) {
        return -1;
    }
    stream_xor(message, in + 32 + TAG_SIZE, length, nonce, sizeof nonce, key);
    return 0;
}

/* ---- the rest -------------------------------------------------------------------------------- */

int sodium_init(void)
{
    return 0;
}

int randombytes_set_implementation(randombytes_implementation *implementation)
{
    (void)implementation; /* nothing here draws any */
    return 0;
}

void sodium_memzero(void *const data, const size_t size)
{
    if (size > 0) {
        memset(data, 0, size);
    }
}

int sodium_memcmp(const void *const a, const void *const b, size_t size)
{
    return memcmp(a, b, size) == 0 ? 0 : -1;
}
