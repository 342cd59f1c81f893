/*
 * Pairing: two messages under a typed secret, the second also under a Diffie–Hellman of two
 * ephemeral keys, so that a code that leaks later does not open a reply that an attacker recorded.
 */
#include "crypto/pair.h"
#include "base/failpoint.h"
#include "crypto/aead.h"
#include "crypto/base32.h"
#include "crypto/padding.h"
#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#define CODE_VALUES 20
#define SECRET_SIZE 13 /* bytes that hold 100 bits; the last 4 bits are zero */
#define CONTENT_MINIMUM 256
#define HEADER_SIZE (QR_KEY_SIZE + QR_NONCE_SIZE)

struct qr_pair {
    uint8_t values[CODE_VALUES]; /* the secret as it is typed */
    uint8_t secret[QR_KEY_SIZE]; /* the same as a key: 100 bits, then zeros */
    uint8_t own_public[QR_KEY_SIZE];
    uint8_t own_secret[QR_KEY_SIZE];
    bool is_new;   /* this is the new device */
    bool has_peer; /* on the old device: a request was opened */
    uint8_t peer_public[QR_KEY_SIZE];
};

static enum quire_status create(const uint8_t values[CODE_VALUES], bool is_new,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_pair **out_pair)
{
    struct qr_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(pair->values, values, CODE_VALUES);
    qr_bits_join(pair->secret, SECRET_SIZE, values, CODE_VALUES);
    qr_entropy_expand(pair->own_secret, entropy, 1);
    crypto_scalarmult_base(pair->own_public, pair->own_secret);
    pair->is_new = is_new;
    *out_pair = pair;
    return QUIRE_OK;
}

enum quire_status qr_pair_create(const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_pair **out_pair)
{
    uint8_t secret[QR_ENTROPY_SIZE], values[CODE_VALUES];
    qr_entropy_expand(secret, entropy, 0);
    qr_bits_split(values, CODE_VALUES, secret, sizeof secret);
    enum quire_status status = create(values, false, entropy, out_pair);
    qr_wipe(secret, sizeof secret);
    qr_wipe(values, sizeof values);
    return status;
}

enum quire_status qr_pair_parse(
    struct quire_bytes code, const uint8_t entropy[QR_ENTROPY_SIZE], struct qr_pair **out_pair)
{
    uint8_t values[CODE_VALUES];
    enum quire_status status = QUIRE_EMALFORMED;
    if (qr_base32_read(code, values, CODE_VALUES)) {
        status = create(values, true, entropy, out_pair);
    }
    qr_wipe(values, sizeof values);
    return status;
}

void qr_pair_destroy(struct qr_pair *pair)
{
    if (pair != NULL) {
        qr_wipe(pair, sizeof *pair);
        free(pair);
    }
}

void qr_pair_code(const struct qr_pair *pair, char out_code[QR_PAIR_CODE_SIZE])
{
    qr_base32_write(out_code, pair->values, CODE_VALUES);
}

void qr_pair_mailbox(const struct qr_pair *pair, uint8_t out_mailbox[QR_MAILBOX_SIZE])
{
    qr_keyed_hash(out_mailbox, QR_MAILBOX_SIZE, pair->secret, QR_CONTEXT_PAIR_MAILBOX, NULL, 0);
}

/* ---- both messages: ephemeral public key ‖ nonce ‖ ciphertext --------------------------------- */

static enum quire_status seal_message(const struct qr_pair *pair, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, struct quire_bytes content, const uint8_t entropy[QR_ENTROPY_SIZE],
    struct quire_buffer *out_message)
{
    size_t padded_size = qr_padded_size(content.size, CONTENT_MINIMUM);
    size_t size = HEADER_SIZE + padded_size + QR_TAG_SIZE;
    enum quire_status status = quire_buffer_reserve(out_message, size);
    if (status != QUIRE_OK) {
        return status;
    }
    uint8_t *message = out_message->data + out_message->size;
    memcpy(message, pair->own_public, QR_KEY_SIZE);
    qr_pad(message + HEADER_SIZE, content, CONTENT_MINIMUM);
    qr_aead_encrypt(message + HEADER_SIZE, padded_size, key, aad, entropy, message + QR_KEY_SIZE);
    out_message->size += size;
    return QUIRE_OK;
}

/* Long enough to be one, and not longer than the longest that is ever made. */
static bool has_size_of_message(struct quire_bytes message, size_t content_max)
{
    size_t around = HEADER_SIZE + QR_TAG_SIZE;
    return message.size >= around + CONTENT_MINIMUM
        && message.size <= around + qr_padded_size(content_max, CONTENT_MINIMUM);
}

static enum quire_status open_message(struct quire_bytes message, const uint8_t key[QR_KEY_SIZE],
    const struct qr_aad *aad, size_t content_max, struct quire_buffer *out_content)
{
    size_t padded_size = message.size - HEADER_SIZE - QR_TAG_SIZE;
    uint8_t *text = malloc(padded_size);
    if (text == NULL) {
        return QUIRE_ENOMEM;
    }
    const struct quire_bytes ciphertext = {message.data + HEADER_SIZE, message.size - HEADER_SIZE};
    enum quire_status status = QUIRE_ECRYPTO;
    struct quire_bytes content;
    if (qr_aead_decrypt(text, ciphertext, key, aad, message.data + QR_KEY_SIZE)) {
        status = qr_unpad((struct quire_bytes){text, padded_size}, CONTENT_MINIMUM, &content);
    }
    if (status == QUIRE_OK && content.size > content_max) {
        status = QUIRE_EMALFORMED;
    }
    if (status == QUIRE_OK) {
        status = quire_buffer_append(out_content, content.data, content.size);
    }
    qr_wipe(text, padded_size);
    free(text);
    return status;
}

/* ---- request ---------------------------------------------------------------------------------- */

static void bind_request(const struct qr_pair *pair, const uint8_t new_public[QR_KEY_SIZE],
    uint8_t out_key[QR_KEY_SIZE], struct qr_aad *out_aad)
{
    static const uint8_t no_secret[QR_KEY_SIZE];
    const struct quire_bytes part = {new_public, QR_KEY_SIZE};
    qr_keyed_hash(out_key, QR_KEY_SIZE, QR_FAILPOINT_ON(NO_PAIR_SECRET) ? no_secret : pair->secret,
        QR_CONTEXT_PAIR_REQUEST, &part, 1);
    qr_aad_init(out_aad, QR_CONTEXT_PAIR_REQUEST);
    qr_aad_bytes(out_aad, new_public, QR_KEY_SIZE);
}

enum quire_status qr_pair_seal_request(struct qr_pair *pair, struct quire_bytes content,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct quire_buffer *out_request)
{
    if (!pair->is_new) {
        return QUIRE_ESTATE;
    }
    if (content.size > QR_PAIR_REQUEST_MAX) {
        return QUIRE_ELIMIT;
    }
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    bind_request(pair, pair->own_public, key, &aad);
    enum quire_status status = seal_message(pair, key, &aad, content, entropy, out_request);
    qr_wipe(key, sizeof key);
    return status;
}

enum quire_status qr_pair_open_request(
    struct qr_pair *pair, struct quire_bytes request, struct quire_buffer *out_content)
{
    if (pair->is_new) {
        return QUIRE_ESTATE;
    }
    if (!has_size_of_message(request, QR_PAIR_REQUEST_MAX)) {
        return QUIRE_EMALFORMED;
    }
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    bind_request(pair, request.data, key, &aad);
    enum quire_status status = open_message(request, key, &aad, QR_PAIR_REQUEST_MAX, out_content);
    if (status == QUIRE_OK) {
        memcpy(pair->peer_public, request.data, QR_KEY_SIZE);
        pair->has_peer = true;
    }
    qr_wipe(key, sizeof key);
    return status;
}

/* ---- reply ------------------------------------------------------------------------------------ */

/* ECRYPTO: the peer's ephemeral key is one of the few that give every secret the same result. */
static enum quire_status bind_reply(const struct qr_pair *pair,
    const uint8_t peer_public[QR_KEY_SIZE], uint8_t out_key[QR_KEY_SIZE], struct qr_aad *out_aad)
{
    uint8_t shared[QR_KEY_SIZE];
    if (crypto_scalarmult(shared, pair->own_secret, peer_public) != 0) {
        qr_wipe(shared, sizeof shared);
        return QUIRE_ECRYPTO;
    }
    const uint8_t *new_public = pair->is_new ? pair->own_public : peer_public;
    const uint8_t *old_public = pair->is_new ? peer_public : pair->own_public;
    const struct quire_bytes parts[] = {
        {new_public, QR_KEY_SIZE}, {old_public, QR_KEY_SIZE}, {shared, QR_KEY_SIZE}};
    qr_keyed_hash(out_key, QR_KEY_SIZE, pair->secret, QR_CONTEXT_PAIR_REPLY, parts, 3);
    qr_aad_init(out_aad, QR_CONTEXT_PAIR_REPLY);
    qr_aad_bytes(out_aad, new_public, QR_KEY_SIZE);
    qr_aad_bytes(out_aad, old_public, QR_KEY_SIZE);
    qr_wipe(shared, sizeof shared);
    return QUIRE_OK;
}

enum quire_status qr_pair_seal_reply(struct qr_pair *pair, struct quire_bytes content,
    const uint8_t entropy[QR_ENTROPY_SIZE], struct quire_buffer *out_reply)
{
    if (pair->is_new || !pair->has_peer) {
        return QUIRE_ESTATE;
    }
    if (content.size > QR_PAIR_REPLY_MAX) {
        return QUIRE_ELIMIT;
    }
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    enum quire_status status = bind_reply(pair, pair->peer_public, key, &aad);
    if (status == QUIRE_OK) {
        status = seal_message(pair, key, &aad, content, entropy, out_reply);
        qr_wipe(key, sizeof key);
    }
    return status;
}

enum quire_status qr_pair_open_reply(
    struct qr_pair *pair, struct quire_bytes reply, struct quire_buffer *out_content)
{
    if (!pair->is_new) {
        return QUIRE_ESTATE;
    }
    if (!has_size_of_message(reply, QR_PAIR_REPLY_MAX)) {
        return QUIRE_EMALFORMED;
    }
    uint8_t key[QR_KEY_SIZE];
    struct qr_aad aad;
    enum quire_status status = bind_reply(pair, reply.data, key, &aad);
    if (status == QUIRE_OK) {
        status = open_message(reply, key, &aad, QR_PAIR_REPLY_MAX, out_content);
        qr_wipe(key, sizeof key);
    }
    return status;
}
