/*
 * protocol/vectors/crypto.json: our bytes are those of the protocol, and what it says is to be
 * refused is refused, for the reason it gives.
 */
#include "../vectors.h"
#include "crypto/padding.h"
#include "support.h"
#include <sodium.h>

TestSuite(vectors, .init = start);

static struct quire_buffer kept[1000];
static size_t kept_count;

/* Bytes of a vector, kept until that vector is done with. */
static struct quire_bytes bytes(const json_t *vector, const char *key)
{
    struct quire_buffer buffer = vector_bytes(vector, key);
    cr_assert_eq(quire_buffer_reserve(&buffer, 1), QUIRE_OK); /* never NULL */
    cr_assert_lt(kept_count, sizeof kept / sizeof *kept);
    kept[kept_count++] = buffer;
    return quire_buffer_bytes(&buffer);
}

static const uint8_t *fixed(const json_t *vector, const char *key, size_t size)
{
    struct quire_bytes found = bytes(vector, key);
    cr_assert_eq(found.size, size, "%s has %zu bytes", key, found.size);
    return found.data;
}

/* A 32-byte member. */
static const uint8_t *key_of(const json_t *vector, const char *key)
{
    return fixed(vector, key, QR_KEY_SIZE);
}

/* Which vector it is, for messages of failed assertions. */
static const char *why(const json_t *vector)
{
    const char *text = json_string_value(json_object_get(vector, "why"));
    return text == NULL ? "a valid one" : text;
}

static bool has(const json_t *vector, const char *key)
{
    return json_object_get(vector, key) != NULL;
}

static enum quire_status expected_status(const json_t *vector)
{
    if (!has(vector, "status")) {
        return QUIRE_OK;
    }
    return strcmp(vector_text(vector, "status"), "crypto") == 0 ? QUIRE_ECRYPTO
                                                                : vector_status(vector);
}

static void assert_is(const json_t *vector, const char *key, const void *data, size_t size)
{
    cr_assert(vector_is(vector, key, data, size), "another %s than in %s", key, why(vector));
}

/* What came out of reading: the vector's member, or nothing at all. */
static void assert_read(
    const json_t *vector, const char *key, enum quire_status status, struct quire_buffer *got)
{
    cr_assert_eq(status, expected_status(vector), "status %d: %s", status, why(vector));
    if (status == QUIRE_OK) {
        assert_is(vector, key, got->data, got->size);
    } else {
        cr_assert_eq(got->size, 0);
    }
    quire_buffer_finish(got);
}

static enum qr_context context_of(const json_t *vector)
{
    for (int context = 0; context < QR_CONTEXT_COUNT; context++) {
        if (strcmp(qr_context_text((enum qr_context)context), vector_text(vector, "context"))
            == 0) {
            return (enum qr_context)context;
        }
    }
    cr_assert_fail("no context %s", vector_text(vector, "context"));
    return QR_CONTEXT_COUNT;
}

static size_t parts_of(const json_t *vector, struct quire_bytes parts[4])
{
    const json_t *array = json_object_get(vector, "parts");
    size_t count = json_array_size(array);
    cr_assert_leq(count, 4);
    for (size_t i = 0; i < count; i++) {
        json_t *wrapped = json_pack("{sO}", "part", json_array_get(array, i));
        parts[i] = bytes(wrapped, "part");
        json_decref(wrapped);
    }
    return count;
}

/* Runs `check` on each vector of a group; there must be some. */
static void each(const char *group, void (*check)(const json_t *vector))
{
    json_t *root = vectors_load("crypto.json");
    const json_t *array = json_object_get(root, group);
    cr_assert_gt(json_array_size(array), 0, "no vectors %s", group);
    for (size_t i = 0; i < json_array_size(array); i++) {
        check(json_array_get(array, i));
        while (kept_count > 0) {
            quire_buffer_finish(&kept[--kept_count]);
        }
    }
    json_decref(root);
}

/* A vault of a device that holds one given key, as if a record had brought it. */
static struct qr_vault *vault_holding(
    const uint8_t user[QR_USER_SIZE], uint32_t epoch, const uint8_t key[QR_KEY_SIZE])
{
    struct qr_vault *vault = NULL;
    uint8_t number[4] = {0, 0, (uint8_t)(epoch >> 8), (uint8_t)epoch};
    uint8_t commitment[QR_HASH_SIZE], seal[QR_SEAL_SIZE];
    const struct quire_bytes parts[] = {{user, QR_USER_SIZE}, {number, 4}};
    cr_assert_eq(qr_vault_create(FRESH(1), &vault), QUIRE_OK);
    qr_vault_set_user(vault, user);
    qr_keyed_hash(commitment, QR_HASH_SIZE, key, QR_CONTEXT_COMMITMENT, parts, 2);
    cr_assert_eq(crypto_box_seal(seal, key, QR_KEY_SIZE, qr_vault_public(vault).box_public), 0);
    cr_assert_eq(qr_vault_open_epoch(vault, epoch, seal, commitment), QUIRE_OK);
    return vault;
}

/* ---- hashes, padding, words ------------------------------------------------------------------- */

Test(vectors, contexts_and_words_are_those_of_the_protocol)
{
    json_t *root = vectors_load("crypto.json");
    const json_t *contexts = json_object_get(root, "contexts");
    const json_t *words = json_object_get(root, "word_list");
    cr_assert_eq(json_array_size(contexts), QR_CONTEXT_COUNT);
    for (size_t i = 0; i < QR_CONTEXT_COUNT; i++) {
        cr_assert_str_eq(
            qr_context_text((enum qr_context)i), json_string_value(json_array_get(contexts, i)));
    }
    cr_assert_eq(json_array_size(words), 256);
    for (size_t i = 0; i < 256; i++) {
        uint8_t hash[QR_HASH_SIZE] = {(uint8_t)i};
        char six[QR_WORDS_SIZE];
        qr_words(hash, six);
        six[strcspn(six, " ")] = '\0';
        cr_assert_str_eq(six, json_string_value(json_array_get(words, i)));
    }
    json_decref(root);
}

static void check_hash(const json_t *vector)
{
    struct quire_bytes parts[4];
    uint8_t hash[64];
    size_t count = parts_of(vector, parts);
    if (has(vector, "key")) {
        size_t size = (size_t)vector_number(vector, "size");
        qr_keyed_hash(hash, size, key_of(vector, "key"), context_of(vector), parts, count);
        assert_is(vector, "hash", hash, size);
    } else {
        qr_hash(hash, context_of(vector), parts, count);
        assert_is(vector, "hash", hash, QR_HASH_SIZE);
    }
}

Test(vectors, hashes)
{
    each("hash", check_hash);
    each("keyed_hash", check_hash);
}

static void check_entropy(const json_t *vector)
{
    uint8_t out[QR_ENTROPY_SIZE];
    qr_entropy_expand(out, key_of(vector, "entropy"), vector_number(vector, "counter"));
    assert_is(vector, "out", out, sizeof out);
}

static void check_padme(const json_t *vector)
{
    cr_assert_eq(qr_padme((size_t)vector_number(vector, "size")), vector_number(vector, "padded"));
}

static void check_padding(const json_t *vector)
{
    struct quire_bytes padded = bytes(vector, "padded"), plaintext = {0};
    size_t minimum = (size_t)vector_number(vector, "minimum");
    cr_assert_eq(qr_unpad(padded, minimum, &plaintext), expected_status(vector), "%s", why(vector));
    if (!has(vector, "status")) {
        uint8_t again[1024];
        assert_is(vector, "plaintext", plaintext.data, plaintext.size);
        qr_pad(again, plaintext, minimum);
        assert_is(vector, "padded", again, qr_padded_size(plaintext.size, minimum));
    }
}

static void check_words(const json_t *vector)
{
    char six[QR_WORDS_SIZE];
    qr_words(key_of(vector, "hash"), six);
    cr_assert_str_eq(six, vector_text(vector, "words"));
}

Test(vectors, entropy_padding_and_words)
{
    each("entropy", check_entropy);
    each("padme", check_padme);
    each("padding", check_padding);
    each("words", check_words);
}

/* ---- keys and signatures ---------------------------------------------------------------------- */

static void check_device(const json_t *vector)
{
    struct qr_vault *vault = NULL;
    cr_assert_eq(qr_vault_create(key_of(vector, "seed"), &vault), QUIRE_OK);
    struct qr_vault_public keys = qr_vault_public(vault);
    assert_is(vector, "sign_public", keys.sign_public, QR_KEY_SIZE);
    assert_is(vector, "box_public", keys.box_public, QR_KEY_SIZE);
    assert_is(vector, "device", keys.device, QR_DEVICE_SIZE);
    qr_vault_destroy(vault);
}

static void check_signature(const json_t *vector)
{
    struct quire_bytes parts[4];
    size_t count = parts_of(vector, parts);
    if (has(vector, "seed")) {
        struct qr_vault *vault = NULL;
        uint8_t signature[QR_SIGNATURE_SIZE];
        cr_assert_eq(qr_vault_create(key_of(vector, "seed"), &vault), QUIRE_OK);
        qr_vault_sign(vault, context_of(vector), parts, count, signature);
        assert_is(vector, "signature", signature, sizeof signature);
        qr_vault_destroy(vault);
    }
    bool holds = qr_verify(key_of(vector, "public"), context_of(vector), parts, count,
        fixed(vector, "signature", QR_SIGNATURE_SIZE));
    cr_assert_eq(holds ? QUIRE_OK : QUIRE_ECRYPTO, expected_status(vector), "%s", why(vector));
}

static void check_kit(const json_t *vector)
{
    struct qr_kit *kit = NULL, *of_seed = NULL;
    enum quire_status status = qr_kit_parse(text(vector_text(vector, "text")), &kit);
    cr_assert_eq(status, expected_status(vector), "%s", why(vector));
    if (status != QUIRE_OK) {
        cr_assert_null(kit);
        return;
    }
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE], salt[QR_KIT_SALT_SIZE];
    char written[QR_KIT_TEXT_SIZE];
    qr_kit_public(kit, root, recovery);
    assert_is(vector, "root", root, sizeof root);
    assert_is(vector, "recovery", recovery, sizeof recovery);
    qr_kit_salt(kit, salt);
    assert_is(vector, "salt", salt, sizeof salt);
    cr_assert_eq(qr_kit_create(key_of(vector, "seed"), &of_seed), QUIRE_OK);
    qr_kit_text(of_seed, written);
    cr_assert_str_eq(written, vector_text(vector, "written"));
    qr_kit_destroy(kit);
    qr_kit_destroy(of_seed);
}

Test(vectors, devices_signatures_and_kits)
{
    each("device", check_device);
    each("signature", check_signature);
    each("kit", check_kit);
}

/* ---- epoch keys ------------------------------------------------------------------------------- */

static void check_epoch_key(const json_t *vector)
{
    struct qr_vault *vault = NULL;
    uint32_t epoch = (uint32_t)vector_number(vector, "epoch");
    uint8_t commitment[2][QR_HASH_SIZE];
    struct qr_vault *holding = vault_holding(key_of(vector, "user"), epoch, key_of(vector, "key"));
    cr_assert_eq(qr_vault_create(key_of(vector, "seed"), &vault), QUIRE_OK);
    qr_vault_set_user(vault, key_of(vector, "user"));
    cr_assert_eq(qr_vault_new_epoch(vault, epoch, key_of(vector, "entropy")), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(vault, epoch, commitment[0]), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(holding, epoch, commitment[1]), QUIRE_OK);
    cr_assert_arr_eq(commitment[0], commitment[1], QR_HASH_SIZE);
    qr_vault_destroy(vault);
    qr_vault_destroy(holding);
}

static void check_commitment(const json_t *vector)
{
    uint8_t commitment[QR_HASH_SIZE];
    uint32_t epoch = (uint32_t)vector_number(vector, "epoch");
    struct qr_vault *vault = vault_holding(key_of(vector, "user"), epoch, key_of(vector, "key"));
    cr_assert_eq(qr_vault_commitment(vault, epoch, commitment), QUIRE_OK);
    assert_is(vector, "commitment", commitment, sizeof commitment);
    qr_vault_destroy(vault);
}

static void check_seal(const json_t *vector)
{
    bool by_kit = strcmp(vector_text(vector, "owner"), "kit") == 0;
    uint32_t epoch = (uint32_t)vector_number(vector, "epoch");
    struct qr_vault *vault = NULL;
    struct qr_kit *kit = NULL;
    uint8_t root[QR_KEY_SIZE], box_public[QR_KEY_SIZE];
    cr_assert_eq(qr_vault_create(key_of(vector, "seed"), &vault), QUIRE_OK);
    qr_vault_set_user(vault, key_of(vector, "user"));
    cr_assert_eq(qr_kit_create(key_of(vector, "seed"), &kit), QUIRE_OK);
    memcpy(box_public, qr_vault_public(vault).box_public, QR_KEY_SIZE);
    if (by_kit) {
        qr_kit_public(kit, root, box_public);
    }
    if (has(vector, "entropy")) {
        uint8_t seal[QR_SEAL_SIZE];
        struct qr_vault *from = vault_holding(key_of(vector, "user"), epoch, key_of(vector, "key"));
        cr_assert_eq(qr_vault_seal_epoch(from, epoch, box_public, key_of(vector, "entropy"), seal),
            QUIRE_OK);
        assert_is(vector, "seal", seal, sizeof seal);
        qr_vault_destroy(from);
    }
    const uint8_t *seal = fixed(vector, "seal", QR_SEAL_SIZE);
    const uint8_t *commitment = key_of(vector, "commitment");
    enum quire_status status = by_kit ? qr_vault_recover_epoch(vault, kit, epoch, seal, commitment)
                                      : qr_vault_open_epoch(vault, epoch, seal, commitment);
    cr_assert_eq(status, expected_status(vector), "%s", why(vector));
    cr_assert_eq(qr_vault_has_epoch(vault, epoch), status == QUIRE_OK);
    qr_vault_destroy(vault);
    qr_kit_destroy(kit);
}

static void check_wrap(const json_t *vector)
{
    uint32_t epoch = (uint32_t)vector_number(vector, "epoch");
    const uint8_t *user = key_of(vector, "user"), *commitment = key_of(vector, "commitment");
    struct qr_vault *vault = vault_holding(user, epoch, key_of(vector, "key"));
    enum quire_status status =
        qr_vault_unwrap_previous(vault, epoch, fixed(vector, "wrap", QR_WRAP_SIZE), commitment);
    cr_assert_eq(status, expected_status(vector), "%s", why(vector));
    cr_assert_eq(qr_vault_has_epoch(vault, epoch - 1), status == QUIRE_OK);
    if (has(vector, "entropy")) {
        uint8_t wrap[QR_WRAP_SIZE];
        cr_assert_eq(
            qr_vault_wrap_previous(vault, epoch, key_of(vector, "entropy"), wrap), QUIRE_OK);
        assert_is(vector, "wrap", wrap, sizeof wrap);
    }
    qr_vault_destroy(vault);
}

Test(vectors, epoch_keys)
{
    each("epoch_key", check_epoch_key);
    each("commitment", check_commitment);
    each("seal", check_seal);
    each("wrap", check_wrap);
}

/* ---- content ---------------------------------------------------------------------------------- */

static void check_change(const json_t *vector)
{
    struct qr_change_place place = {
        .seq = vector_number(vector, "seq"),
        .index = (uint32_t)vector_number(vector, "index"),
        .kind = (uint8_t)vector_number(vector, "kind"),
        .epoch = (uint32_t)vector_number(vector, "epoch"),
    };
    memcpy(place.replica, fixed(vector, "replica", QR_REPLICA_SIZE), QR_REPLICA_SIZE);
    memcpy(place.entry, fixed(vector, "entry", QR_ENTRY_SIZE), QR_ENTRY_SIZE);
    struct qr_vault *vault =
        vault_holding(key_of(vector, "user"), place.epoch, key_of(vector, "epoch_key"));
    if (has(vector, "entropy")) {
        uint8_t nonce[QR_NONCE_SIZE];
        struct quire_buffer out = {0};
        cr_assert_eq(qr_vault_seal_change(vault, &place, bytes(vector, "plaintext"),
                         key_of(vector, "entropy"), nonce, &out),
            QUIRE_OK);
        assert_is(vector, "nonce", nonce, sizeof nonce);
        assert_is(vector, "ciphertext", out.data, out.size);
        quire_buffer_finish(&out);
    }
    struct quire_buffer out = {0};
    cr_assert_eq(quire_buffer_reserve(&out, 4096), QUIRE_OK);
    memset(out.data, 0, out.capacity);
    enum quire_status status = qr_vault_open_change(
        vault, &place, fixed(vector, "nonce", QR_NONCE_SIZE), bytes(vector, "ciphertext"), &out);
    cr_assert(status == QUIRE_OK || qr_is_zero(out.data, out.capacity), "what was refused is gone");
    assert_read(vector, "plaintext", status, &out);
    qr_vault_destroy(vault);
}

static void check_name(const json_t *vector)
{
    uint32_t epoch = (uint32_t)vector_number(vector, "epoch");
    const uint8_t *device = fixed(vector, "device", QR_DEVICE_SIZE);
    struct qr_vault *vault =
        vault_holding(key_of(vector, "user"), epoch, key_of(vector, "epoch_key"));
    if (has(vector, "entropy")) {
        uint8_t sealed[QR_NAME_SIZE];
        cr_assert_eq(qr_vault_seal_name(vault, epoch, device, bytes(vector, "name"),
                         key_of(vector, "entropy"), sealed),
            QUIRE_OK);
        assert_is(vector, "sealed", sealed, sizeof sealed);
    }
    struct quire_buffer out = {0};
    enum quire_status status =
        qr_vault_open_name(vault, epoch, device, fixed(vector, "sealed", QR_NAME_SIZE), &out);
    assert_read(vector, "name", status, &out);
    qr_vault_destroy(vault);
}

static void check_local(const json_t *vector)
{
    const uint8_t *key = key_of(vector, "profile_key");
    struct quire_bytes name = bytes(vector, "name");
    if (has(vector, "entropy")) {
        struct quire_buffer out = {0};
        cr_assert_eq(
            qr_local_seal(key, name, bytes(vector, "plaintext"), key_of(vector, "entropy"), &out),
            QUIRE_OK);
        assert_is(vector, "sealed", out.data, out.size);
        quire_buffer_finish(&out);
    }
    struct quire_buffer out = {0};
    enum quire_status status = qr_local_open(key, name, bytes(vector, "sealed"), &out);
    assert_read(vector, "plaintext", status, &out);
}

Test(vectors, changes_names_and_records)
{
    each("change", check_change);
    each("name", check_name);
    each("local", check_local);
}

/* ---- pairing ---------------------------------------------------------------------------------- */

static void check_pairing(const json_t *vector)
{
    struct qr_pair *new = NULL, *old = NULL;
    uint8_t mailbox[2][QR_MAILBOX_SIZE];
    char code[QR_PAIR_CODE_SIZE];
    struct quire_buffer out = {0};
    cr_assert_eq(qr_pair_create(key_of(vector, "old_entropy"), &old), QUIRE_OK);
    qr_pair_code(old, code);
    cr_assert_str_eq(code, vector_text(vector, "code"));
    cr_assert_eq(
        qr_pair_parse(text(vector_text(vector, "code")), key_of(vector, "new_entropy"), &new),
        QUIRE_OK);
    qr_pair_mailbox(new, mailbox[0]);
    qr_pair_mailbox(old, mailbox[1]);
    assert_is(vector, "mailbox", mailbox[0], QR_MAILBOX_SIZE);
    assert_is(vector, "mailbox", mailbox[1], QR_MAILBOX_SIZE);

    cr_assert_eq(qr_pair_seal_request(new, bytes(vector, "request_content"),
                     key_of(vector, "request_entropy"), &out),
        QUIRE_OK);
    assert_is(vector, "request", out.data, out.size);
    quire_buffer_clear(&out);
    cr_assert_eq(qr_pair_open_request(old, bytes(vector, "request"), &out), QUIRE_OK);
    assert_is(vector, "request_content", out.data, out.size);

    quire_buffer_clear(&out);
    cr_assert_eq(qr_pair_seal_reply(
                     old, bytes(vector, "reply_content"), key_of(vector, "reply_entropy"), &out),
        QUIRE_OK);
    assert_is(vector, "reply", out.data, out.size);
    quire_buffer_clear(&out);
    cr_assert_eq(qr_pair_open_reply(new, bytes(vector, "reply"), &out), QUIRE_OK);
    assert_is(vector, "reply_content", out.data, out.size);
    quire_buffer_finish(&out);
    qr_pair_destroy(new);
    qr_pair_destroy(old);
}

static void check_pairing_message(const json_t *vector)
{
    struct qr_pair *pair = NULL;
    struct quire_buffer out = {0};
    enum quire_status status;
    if (strcmp(vector_text(vector, "kind"), "reply") == 0) {
        cr_assert_eq(
            qr_pair_parse(text(vector_text(vector, "code")), key_of(vector, "entropy"), &pair),
            QUIRE_OK);
        status = qr_pair_open_reply(pair, bytes(vector, "message"), &out);
    } else {
        cr_assert_eq(qr_pair_create(key_of(vector, "entropy"), &pair), QUIRE_OK);
        char code[QR_PAIR_CODE_SIZE];
        qr_pair_code(pair, code);
        cr_assert_str_eq(code, vector_text(vector, "code"));
        status = qr_pair_open_request(pair, bytes(vector, "message"), &out);
    }
    assert_read(vector, "content", status, &out);
    qr_pair_destroy(pair);
}

Test(vectors, pairing)
{
    each("pairing", check_pairing);
    each("pairing_message", check_pairing_message);
}
