/*
 * Seals a profile's key by a passphrase, and opens it again.
 */
#include "client/keybox.h"
#include "client/files.h"
#include "client/text.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define TITLE "quire-key 2\n"
#define KIB_OF_MIB 1024

_Static_assert(crypto_pwhash_argon2id_SALTBYTES == 16, "the salt of struct qr_client_keybox");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24, "its nonce");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == 16, "its tag");

bool qr_client_keybox_is(struct quire_bytes text)
{
    static const char begin[] = "quire-key";
    return text.size >= sizeof begin - 1 && memcmp(text.data, begin, sizeof begin - 1) == 0;
}

/* ---- the text -------------------------------------------------------------------------------- */

/* What the seal covers: every line but the last. */
static int write_head(const struct qr_client_keybox *box, char *out, size_t size)
{
    char salt[2 * sizeof box->salt + 1], nonce[2 * sizeof box->nonce + 1];
    char check[2 * sizeof box->check + 1];
    sodium_bin2hex(salt, sizeof salt, box->salt, sizeof box->salt);
    sodium_bin2hex(nonce, sizeof nonce, box->nonce, sizeof box->nonce);
    sodium_bin2hex(check, sizeof check, box->check, sizeof box->check);
    return snprintf(out, size,
        TITLE "argon2id %" PRIu64 " %" PRIu64 "\nsalt %s\nnonce %s\ncheck %s\n", box->operations,
        box->memory_kib, salt, nonce, check);
}

enum quire_status qr_client_keybox_text(
    const struct qr_client_keybox *box, struct quire_buffer *out_text)
{
    char text[QR_CLIENT_KEYBOX_TEXT_MAX], sealed[2 * sizeof box->sealed + 1];
    int size = write_head(box, text, sizeof text);
    sodium_bin2hex(sealed, sizeof sealed, box->sealed, sizeof box->sealed);
    size += snprintf(text + size, sizeof text - (size_t)size, "key %s\n", sealed);
    return quire_buffer_append(out_text, text, (size_t)size);
}

/* "name HEX", of exactly that many bytes. */
static bool read_hex(const char *line, const char *name, uint8_t *out, size_t size)
{
    size_t name_size = strlen(name), got = 0;
    const char *end = NULL;
    return strncmp(line, name, name_size) == 0 && line[name_size] == ' '
        && strlen(line + name_size + 1) == 2 * size
        && sodium_hex2bin(out, size, line + name_size + 1, 2 * size, NULL, &got, &end) == 0
        && got == size && *end == 0;
}

static bool read_cost(const char *line, struct qr_client_keybox *box)
{
    char again[64];
    if (sscanf(line, "argon2id %" SCNu64 " %" SCNu64, &box->operations, &box->memory_kib) != 2) {
        return false;
    }
    snprintf(
        again, sizeof again, "argon2id %" PRIu64 " %" PRIu64, box->operations, box->memory_kib);
    return strcmp(line, again) == 0 && box->operations >= 1
        && box->operations <= QR_CLIENT_KEYBOX_OPERATIONS_MAX
        && box->memory_kib >= (uint64_t)QUIRE_PASSPHRASE_MEMORY_MIN * KIB_OF_MIB
        && box->memory_kib <= (uint64_t)QUIRE_PASSPHRASE_MEMORY_MAX * KIB_OF_MIB;
}

enum quire_status qr_client_keybox_parse(struct quire_bytes text, struct qr_client_keybox *out_box)
{
    char copy[QR_CLIENT_KEYBOX_TEXT_MAX + 1];
    char *lines[6] = {0}, *cursor = copy;
    struct qr_client_keybox box = {0};
    if (text.size > QR_CLIENT_KEYBOX_TEXT_MAX || memchr(text.data, 0, text.size) != NULL) {
        return QUIRE_EMALFORMED;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    for (size_t i = 0; i < 6; i++) {
        char *end = strchr(cursor, '\n');
        if (end == NULL) {
            return QUIRE_EMALFORMED;
        }
        *end = 0;
        lines[i] = cursor;
        cursor = end + 1;
    }
    bool good = *cursor == 0 && strncmp(lines[0], TITLE, strlen(TITLE) - 1) == 0
        && strlen(lines[0]) == strlen(TITLE) - 1 && read_cost(lines[1], &box)
        && read_hex(lines[2], "salt", box.salt, sizeof box.salt)
        && read_hex(lines[3], "nonce", box.nonce, sizeof box.nonce)
        && read_hex(lines[4], "check", box.check, sizeof box.check)
        && read_hex(lines[5], "key", box.sealed, sizeof box.sealed);
    if (!good) {
        return QUIRE_EMALFORMED;
    }
    *out_box = box;
    return QUIRE_OK;
}

/* ---- the passphrase -------------------------------------------------------------------------- */

enum quire_status qr_client_passphrase_check(const char *passphrase, struct qr_client_error *error)
{
    struct quire_bytes text = quire_bytes_of_text(passphrase);
    if (text.size > QUIRE_PASSPHRASE_MAX) {
        return qr_client_fail(error, QUIRE_EINVALID,
            "A passphrase has %d bytes at most. Nothing was changed.", QUIRE_PASSPHRASE_MAX);
    }
    if (!qr_client_text_valid(text, NULL)) {
        return qr_client_fail(error, QUIRE_EINVALID,
            "The passphrase is not UTF-8, so another keyboard could not type it. Nothing was "
            "changed.");
    }
    if (qr_client_text_length(text) < QUIRE_PASSPHRASE_MIN) {
        return qr_client_fail(error, QUIRE_EINVALID,
            "A passphrase has at least %d characters; five or more random words are a good one. "
            "Nothing was changed.",
            QUIRE_PASSPHRASE_MIN);
    }
    return QUIRE_OK;
}

/* NFC: a keyboard that sends é as two characters types the same passphrase. NULL: no memory. */
static char *normalise(const char *passphrase)
{
    utf8proc_uint8_t *text = NULL;
    utf8proc_ssize_t size = utf8proc_map((const utf8proc_uint8_t *)passphrase, 0, &text,
        UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (size == UTF8PROC_ERROR_NOMEM) {
        return NULL;
    }
    return size < 0 ? strdup(passphrase) : (char *)text; /* not UTF-8: it opens nothing */
}

static enum quire_status no_memory(uint64_t memory_kib, struct qr_client_error *error)
{
    return qr_client_fail(error, QUIRE_ENOMEM,
        "The passphrase needs %" PRIu64
        " MiB of free memory for a moment, and the machine does not give it. Nothing was changed; "
        "end other programs, then try again.",
        memory_kib / KIB_OF_MIB);
}

static enum quire_status derive(const struct qr_client_keybox *box, const char *passphrase,
    uint8_t out_key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES], struct qr_client_error *error)
{
    if (sodium_init() < 0) {
        return qr_client_fail(error, QUIRE_EIO, "The cryptographic library does not start.");
    }
    char *text = normalise(passphrase);
    if (text == NULL) {
        return no_memory(box->memory_kib, error);
    }
    int failed = crypto_pwhash(out_key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, text,
        strlen(text), box->salt, box->operations, (size_t)box->memory_kib * 1024,
        crypto_pwhash_ALG_ARGON2ID13);
    qr_client_wipe(text, strlen(text));
    free(text);
    return failed == 0 ? QUIRE_OK : no_memory(box->memory_kib, error);
}

void qr_client_keybox_check(
    const uint8_t key[QUIRE_PROFILE_KEY_SIZE], uint8_t out_check[QR_CLIENT_KEYBOX_CHECK])
{
    crypto_kdf_derive_from_key(out_check, QR_CLIENT_KEYBOX_CHECK, 2, "quireprf", key);
}

enum quire_status qr_client_keybox_seal(const uint8_t key[QUIRE_PROFILE_KEY_SIZE],
    const char *passphrase, uint32_t memory_mib, struct qr_client_keybox *out_box,
    struct qr_client_error *error)
{
    struct qr_client_keybox box = {
        .operations = QR_CLIENT_KEYBOX_OPERATIONS, .memory_kib = (uint64_t)memory_mib * KIB_OF_MIB};
    uint8_t wrapping[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    char head[QR_CLIENT_KEYBOX_TEXT_MAX];
    qr_client_keybox_check(key, box.check);
    enum quire_status status = qr_client_random(box.salt, sizeof box.salt, error);
    if (status == QUIRE_OK) {
        status = qr_client_random(box.nonce, sizeof box.nonce, error);
    }
    if (status == QUIRE_OK) {
        status = derive(&box, passphrase, wrapping, error);
    }
    if (status == QUIRE_OK) {
        int size = write_head(&box, head, sizeof head);
        crypto_aead_xchacha20poly1305_ietf_encrypt(box.sealed, NULL, key, QUIRE_PROFILE_KEY_SIZE,
            (const uint8_t *)head, (size_t)size, NULL, box.nonce, wrapping);
        *out_box = box;
    }
    qr_client_wipe(wrapping, sizeof wrapping);
    return status;
}

enum quire_status qr_client_keybox_open(const struct qr_client_keybox *box, const char *passphrase,
    uint8_t out_key[QUIRE_PROFILE_KEY_SIZE], struct qr_client_error *error)
{
    uint8_t wrapping[crypto_aead_xchacha20poly1305_ietf_KEYBYTES], key[QUIRE_PROFILE_KEY_SIZE];
    char head[QR_CLIENT_KEYBOX_TEXT_MAX];
    enum quire_status status = derive(box, passphrase, wrapping, error);
    if (status == QUIRE_OK) {
        int size = write_head(box, head, sizeof head);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(key, NULL, NULL, box->sealed,
                sizeof box->sealed, (const uint8_t *)head, (size_t)size, box->nonce, wrapping)
            != 0) {
            status = qr_client_fail(error, QUIRE_ECRYPTO,
                "That is not the passphrase (capitals count). Nothing was changed.");
        } else {
            memcpy(out_key, key, sizeof key);
        }
    }
    qr_client_wipe(wrapping, sizeof wrapping);
    qr_client_wipe(key, sizeof key);
    return status;
}
