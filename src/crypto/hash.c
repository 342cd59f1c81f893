/*
 * BLAKE2b with contexts, over libsodium. The zero byte after the context ends it, so that no
 * context followed by data reads like a longer context.
 */
#include "crypto/hash.h"
#include "crypto/wipe.h"
#include <assert.h>
#include <sodium.h>

static_assert(sizeof(crypto_generichash_state) <= sizeof(struct qr_hasher), "the state fits");
static_assert(QR_HASH_SIZE >= crypto_generichash_BYTES_MIN, "libsodium can make our hashes");
static_assert(QR_KEY_SIZE <= crypto_generichash_KEYBYTES_MAX, "libsodium can take our keys");

static void add(crypto_generichash_state *state, const void *data, size_t size)
{
    if (size > 0) { /* data may be NULL otherwise */
        int failed = crypto_generichash_update(state, data, size);
        assert(!failed);
    }
}

static void begin(
    crypto_generichash_state *state, const uint8_t *key, size_t size, enum qr_context context)
{
    const char *text = qr_context_text(context);
    int failed = crypto_generichash_init(state, key, key == NULL ? 0 : QR_KEY_SIZE, size);
    assert(!failed);
    add(state, text, strlen(text) + 1);
}

void qr_hash(uint8_t out_hash[QR_HASH_SIZE], enum qr_context context,
    const struct quire_bytes *parts, size_t part_count)
{
    struct qr_hasher hasher;
    qr_hasher_init(&hasher, context);
    for (size_t i = 0; i < part_count; i++) {
        qr_hasher_add(&hasher, parts[i].data, parts[i].size);
    }
    qr_hasher_finish(&hasher, out_hash);
}

void qr_keyed_hash(uint8_t *out, size_t size, const uint8_t key[QR_KEY_SIZE],
    enum qr_context context, const struct quire_bytes *parts, size_t part_count)
{
    assert(key != NULL && size >= crypto_generichash_BYTES_MIN
        && size <= crypto_generichash_BYTES_MAX);
    crypto_generichash_state state;
    begin(&state, key, size, context);
    for (size_t i = 0; i < part_count; i++) {
        add(&state, parts[i].data, parts[i].size);
    }
    crypto_generichash_final(&state, out, size);
    qr_wipe(&state, sizeof state);
}

void qr_hasher_init(struct qr_hasher *hasher, enum qr_context context)
{
    begin((crypto_generichash_state *)(void *)hasher->opaque, NULL, QR_HASH_SIZE, context);
}

void qr_hasher_add(struct qr_hasher *hasher, const void *data, size_t size)
{
    add((crypto_generichash_state *)(void *)hasher->opaque, data, size);
}

void qr_hasher_finish(struct qr_hasher *hasher, uint8_t out_hash[QR_HASH_SIZE])
{
    crypto_generichash_final(
        (crypto_generichash_state *)(void *)hasher->opaque, out_hash, QR_HASH_SIZE);
}
