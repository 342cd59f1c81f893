/*
 * Opening encrypted journals of jrnl, by OpenSSL. Version 1: AES-256-CBC under SHA-256 of the password, the
 * IV first. Version 2: a Fernet token (github.com/fernet/spec) under PBKDF2 with a salt that is the same
 * for all journals.
 */
#include "client/moving/jrnl_crypt.h"
#include "client/files.h"
#include "client/text.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16
#define ROUNDS 100000
#define FERNET_HEAD (1 + 8 + BLOCK) /* version, time, IV */
#define FERNET_MAC 32

static const uint8_t salt[16] = {
    0xf2, 0xd5, 0x71, 0x0e, 0xc1, 0x8d, 0x2e, 0xde, 0xdc, 0x8e, 0x36, 0x74, 0x89, 0x04, 0xce, 0xf8};

int qr_moving_jrnl_version(struct quire_bytes content)
{
    if (content.size >= 6 && memcmp(content.data, "gAAAAA", 6) == 0) {
        return 2;
    }
    if (content.size >= 6 && memcmp(content.data, "JRNLv3", 6) == 0) {
        return 3;
    }
    return content.size >= 2 * BLOCK && content.size % BLOCK == 0
        && !qr_client_text_valid(content, NULL);
}

/* Without padding: what stands behind the text is taken off by the caller. */
static enum quire_status decrypt(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv,
    struct quire_bytes content, struct quire_buffer *out_text)
{
    if (quire_buffer_reserve(out_text, content.size + BLOCK) != QUIRE_OK) {
        return QUIRE_ENOMEM;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0, rest = 0;
    bool good = context != NULL && EVP_DecryptInit_ex(context, cipher, NULL, key, iv) == 1
        && EVP_CIPHER_CTX_set_padding(context, 0) == 1
        && EVP_DecryptUpdate(context, out_text->data, &size, content.data, (int)content.size) == 1
        && EVP_DecryptFinal_ex(context, out_text->data + size, &rest) == 1;
    EVP_CIPHER_CTX_free(context);
    if (good) {
        out_text->size = (size_t)(size + rest);
    }
    return good ? QUIRE_OK : QUIRE_ECRYPTO;
}

/* PKCS#7, or the spaces that very old versions put there. False: neither, so the key is wrong. */
static bool take_padding(struct quire_buffer *text, bool spaces)
{
    uint8_t last = text->size > 0 ? text->data[text->size - 1] : 0;
    size_t count = 0;
    if (last >= 1 && last <= BLOCK) {
        while (count < last && text->data[text->size - 1 - count] == last) {
            count++;
        }
        if (count == last) {
            text->size -= count;
            return true;
        }
    }
    while (spaces && text->size > 0 && text->data[text->size - 1] == ' ') {
        text->size--;
    }
    return spaces;
}

static enum quire_status open_first(
    struct quire_bytes content, const char *password, struct quire_buffer *out_text)
{
    uint8_t key[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)password, strlen(password), key);
    struct quire_bytes rest = {content.data + BLOCK, content.size - BLOCK};
    enum quire_status status = decrypt(EVP_aes_256_cbc(), key, content.data, rest, out_text);
    qr_client_wipe(key, sizeof key);
    if (status == QUIRE_OK
        && (!take_padding(out_text, true)
            || !qr_client_text_valid(quire_buffer_bytes(out_text), NULL))) {
        status = QUIRE_ECRYPTO; /* this version has no other check */
    }
    return status;
}

static enum quire_status decode(struct quire_bytes text, struct quire_buffer *out_bytes)
{
    uint8_t *copy = malloc(text.size + 4);
    size_t size = 0;
    if (copy == NULL || quire_buffer_reserve(out_bytes, text.size + 4) != QUIRE_OK) {
        free(copy);
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < text.size; i++) { /* of the URL alphabet */
        uint8_t c = text.data[i];
        if (c > ' ') {
            copy[size++] = c == '-' ? '+' : c == '_' ? '/' : c;
        }
    }
    while (size > 0 && size % 4 != 0) {
        copy[size++] = '=';
    }
    int got = EVP_DecodeBlock(out_bytes->data, copy, (int)size);
    int padding = size > 0 ? (copy[size - 1] == '=') + (size > 1 && copy[size - 2] == '=') : 0;
    free(copy);
    if (got < padding) {
        return QUIRE_ECRYPTO;
    }
    out_bytes->size = (size_t)(got - padding);
    return QUIRE_OK;
}

static enum quire_status open_second(
    struct quire_bytes content, const char *password, struct quire_buffer *out_text)
{
    struct quire_buffer token = {0};
    uint8_t key[32], mac[EVP_MAX_MD_SIZE];
    unsigned mac_size = 0;
    enum quire_status status = decode(content, &token);
    if (status == QUIRE_OK && token.size < FERNET_HEAD + BLOCK + FERNET_MAC) {
        status = QUIRE_ECRYPTO;
    }
    if (status == QUIRE_OK
        && PKCS5_PBKDF2_HMAC(password, (int)strlen(password), salt, sizeof salt, ROUNDS,
               EVP_sha256(), sizeof key, key)
            != 1) {
        status = QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) { /* the first half of the key signs, the second encrypts */
        size_t signed_size = token.size - FERNET_MAC;
        HMAC(EVP_sha256(), key, 16, token.data, signed_size, mac, &mac_size);
        struct quire_bytes body = {token.data + FERNET_HEAD, signed_size - FERNET_HEAD};
        bool good = mac_size == FERNET_MAC && token.data[0] == 0x80 && body.size % BLOCK == 0
            && CRYPTO_memcmp(mac, token.data + signed_size, FERNET_MAC) == 0;
        status = !good ? QUIRE_ECRYPTO
                       : decrypt(EVP_aes_128_cbc(), key + 16, token.data + 1 + 8, body, out_text);
        if (status == QUIRE_OK && !take_padding(out_text, false)) {
            status = QUIRE_ECRYPTO;
        }
    }
    qr_client_wipe(key, sizeof key);
    quire_buffer_finish(&token);
    return status;
}

enum quire_status qr_moving_jrnl_open(
    int version, struct quire_bytes content, const char *password, struct quire_buffer *out_text)
{
    if (content.size > INT32_MAX / 2) {
        return QUIRE_ELIMIT;
    }
    return version == 1 ? open_first(content, password, out_text)
                        : open_second(content, password, out_text);
}
