/*
 * Ed25519: one way to lay out what is signed, for signing and for checking.
 */
#include "crypto/sign.h"
#include "base/writer.h"
#include "crypto/keys.h"
#include <assert.h>
#include <sodium.h>

static_assert(crypto_sign_BYTES == QR_SIGNATURE_SIZE, "signatures are Ed25519's");
static_assert(crypto_sign_PUBLICKEYBYTES == QR_KEY_SIZE, "so are its keys");
static_assert(sizeof(((struct qr_keys *)0)->sign_secret) == crypto_sign_SECRETKEYBYTES, "both");
static_assert(crypto_box_PUBLICKEYBYTES == QR_KEY_SIZE && crypto_box_SECRETKEYBYTES == QR_KEY_SIZE,
    "boxes are X25519's");

struct message {
    uint8_t data[32 + QR_SIGNED_MAX]; /* context and its zero, then the parts */
    size_t size;
};

static bool message_make(struct message *message, enum qr_context context,
    const struct quire_bytes *parts, size_t part_count)
{
    const char *text = qr_context_text(context);
    size_t start = strlen(text) + 1;
    assert(start <= 32);
    memcpy(message->data, text, start);
    message->size = start;
    for (size_t i = 0; i < part_count; i++) {
        if (parts[i].size > start + QR_SIGNED_MAX - message->size) {
            return false;
        }
        if (parts[i].size > 0) {
            memcpy(message->data + message->size, parts[i].data, parts[i].size);
            message->size += parts[i].size;
        }
    }
    return true;
}

bool qr_crypto_init(void)
{
    return sodium_init() >= 0;
}

bool qr_verify(const uint8_t public_key[QR_KEY_SIZE], enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, const uint8_t signature[QR_SIGNATURE_SIZE])
{
    struct message message;
    return message_make(&message, context, parts, part_count)
        && crypto_sign_verify_detached(signature, message.data, message.size, public_key) == 0;
}

void qr_keys_sign(const struct qr_keys *keys, enum qr_context context,
    const struct quire_bytes *parts, size_t part_count, uint8_t out_signature[QR_SIGNATURE_SIZE])
{
    struct message message;
    bool fits = message_make(&message, context, parts, part_count);
    assert(fits);
    crypto_sign_detached(out_signature, NULL, message.data, message.size, keys->sign_secret);
}

void qr_keys_derive(struct qr_keys *out_keys, const uint8_t seed[QR_KEY_SIZE],
    enum qr_context sign_context, enum qr_context box_context)
{
    uint8_t sign_seed[crypto_sign_SEEDBYTES];
    uint8_t box_secret[QR_KEY_SIZE];
    qr_keyed_hash(sign_seed, sizeof sign_seed, seed, sign_context, NULL, 0);
    qr_keyed_hash(box_secret, sizeof box_secret, seed, box_context, NULL, 0);
    crypto_sign_seed_keypair(out_keys->sign_public, out_keys->sign_secret, sign_seed);
    memcpy(out_keys->box_secret, box_secret, QR_KEY_SIZE);
    crypto_scalarmult_base(out_keys->box_public, box_secret);
    qr_wipe(sign_seed, sizeof sign_seed);
    qr_wipe(box_secret, sizeof box_secret);
}

void qr_device_id(uint8_t out_device[QR_DEVICE_SIZE], const uint8_t sign_public[QR_KEY_SIZE],
    const uint8_t box_public[QR_KEY_SIZE])
{
    const struct quire_bytes parts[] = {{sign_public, QR_KEY_SIZE}, {box_public, QR_KEY_SIZE}};
    uint8_t hash[QR_HASH_SIZE];
    qr_hash(hash, QR_CONTEXT_DEVICE, parts, 2);
    memcpy(out_device, hash, QR_DEVICE_SIZE);
}

void qr_entropy_expand(
    uint8_t out[QR_ENTROPY_SIZE], const uint8_t entropy[QR_ENTROPY_SIZE], uint64_t counter)
{
    uint8_t bytes[8];
    qr_store_u64(bytes, counter);
    const struct quire_bytes part = {bytes, sizeof bytes};
    uint8_t expanded[QR_ENTROPY_SIZE]; /* out may be entropy itself */
    qr_keyed_hash(expanded, sizeof expanded, entropy, QR_CONTEXT_ENTROPY, &part, 1);
    memcpy(out, expanded, sizeof expanded);
    qr_wipe(expanded, sizeof expanded);
}
