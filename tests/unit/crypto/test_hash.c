/*
 * Contexts, hashes, signatures, words.
 */
#include "support.h"
#include <sodium.h>

TestSuite(hash, .init = start);

Test(hash, no_context_is_a_prefix_of_another)
{
    for (int a = 0; a < QR_CONTEXT_COUNT; a++) {
        const char *text_a = qr_context_text((enum qr_context)a);
        cr_assert_not_null(text_a);
        cr_assert(strlen(text_a) > 8 && strlen(text_a) < 32);
        cr_assert_eq(strncmp(text_a, "quire/", 6), 0);
        for (int b = 0; b < QR_CONTEXT_COUNT; b++) {
            const char *text_b = qr_context_text((enum qr_context)b);
            cr_assert(a == b || strncmp(text_a, text_b, strlen(text_a)) != 0, "%s and %s", text_a,
                text_b);
        }
    }
}

Test(hash, pieces_give_the_same_as_the_whole)
{
    uint8_t data[1000], whole[QR_HASH_SIZE], pieces[QR_HASH_SIZE], in_parts[QR_HASH_SIZE];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    const struct quire_bytes one = {data, sizeof data};
    const struct quire_bytes parts[] = {{data, 1}, {NULL, 0}, {data + 1, 998}, {data + 999, 1}};
    qr_hash(whole, QR_CONTEXT_BATCH, &one, 1);
    qr_hash(in_parts, QR_CONTEXT_BATCH, parts, 4);
    struct qr_hasher hasher;
    qr_hasher_init(&hasher, QR_CONTEXT_BATCH);
    for (size_t i = 0; i < sizeof data; i += 8) {
        qr_hasher_add(&hasher, data + i, 8);
    }
    qr_hasher_add(&hasher, NULL, 0);
    qr_hasher_finish(&hasher, pieces);
    cr_assert_arr_eq(whole, pieces, QR_HASH_SIZE);
    cr_assert_arr_eq(whole, in_parts, QR_HASH_SIZE);
}

Test(hash, another_context_key_or_size_gives_another_hash)
{
    const struct quire_bytes part = text("the same bytes");
    uint8_t a[QR_HASH_SIZE], b[QR_HASH_SIZE];
    qr_hash(a, QR_CONTEXT_BATCH, &part, 1);
    qr_hash(b, QR_CONTEXT_ROSTER, &part, 1);
    cr_assert_arr_neq(a, b, QR_HASH_SIZE);
    qr_keyed_hash(b, QR_HASH_SIZE, FRESH(1), QR_CONTEXT_BATCH, &part, 1);
    cr_assert_arr_neq(a, b, QR_HASH_SIZE);
    qr_keyed_hash(a, QR_HASH_SIZE, FRESH(2), QR_CONTEXT_BATCH, &part, 1);
    cr_assert_arr_neq(a, b, QR_HASH_SIZE);
    qr_keyed_hash(a, 24, FRESH(1), QR_CONTEXT_BATCH, &part, 1);
    cr_assert_arr_neq(a, b, 24);
}

Test(hash, entropy_expands_differently_for_each_counter_and_in_place)
{
    struct fresh seed = fresh(5);
    uint8_t first[QR_ENTROPY_SIZE], second[QR_ENTROPY_SIZE];
    qr_entropy_expand(first, seed.bytes, 0);
    qr_entropy_expand(second, seed.bytes, 1);
    cr_assert_arr_neq(first, second, QR_ENTROPY_SIZE);
    qr_entropy_expand(seed.bytes, seed.bytes, 1);
    cr_assert_arr_eq(seed.bytes, second, QR_ENTROPY_SIZE);
}

Test(hash, words_name_six_bytes_and_every_word_is_its_own)
{
    char words[256][QR_WORDS_SIZE];
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t hash[QR_HASH_SIZE];
        memset(hash, (int)byte, sizeof hash);
        qr_words(hash, words[byte]);
        size_t size = strcspn(words[byte], " ");
        cr_assert(size >= 3 && size <= 7);
        cr_assert_eq(strlen(words[byte]), size * 6 + 5);
        for (unsigned other = 0; other < byte; other++) {
            cr_assert_neq(
                strncmp(words[byte], words[other], 3), 0, "%s %s", words[byte], words[other]);
        }
    }
    char some[QR_WORDS_SIZE];
    qr_words((const uint8_t[QR_HASH_SIZE]){0, 1, 2, 3, 4, 255}, some);
    cr_assert_str_eq(some, "acorn actor album almond amber zigzag");
}

TestSuite(sign, .init = start);

Test(sign, a_signature_holds_for_its_key_context_and_parts_only)
{
    struct qr_vault *vault = vault_with(1, 0), *stranger = vault_with(2, 0);
    const uint8_t *key = qr_vault_public(vault).sign_public;
    const struct quire_bytes parts[] = {text("one"), text("two")};
    const struct quire_bytes joined = text("onetwo"), other = text("onetwp");
    uint8_t signature[QR_SIGNATURE_SIZE];
    qr_vault_sign(vault, QR_CONTEXT_BATCH_SIGN, parts, 2, signature);
    cr_assert(qr_verify(key, QR_CONTEXT_BATCH_SIGN, parts, 2, signature));
    cr_assert(qr_verify(key, QR_CONTEXT_BATCH_SIGN, &joined, 1, signature));
    cr_assert_not(qr_verify(key, QR_CONTEXT_BATCH_SIGN, &other, 1, signature));
    cr_assert_not(qr_verify(key, QR_CONTEXT_BATCH_SIGN, parts, 1, signature));
    cr_assert_not(qr_verify(key, QR_CONTEXT_ROSTER_SIGN, parts, 2, signature));
    cr_assert_not(qr_verify(
        qr_vault_public(stranger).sign_public, QR_CONTEXT_BATCH_SIGN, parts, 2, signature));
    qr_vault_destroy(vault);
    qr_vault_destroy(stranger);
}

Test(sign, no_bit_of_a_signature_can_be_flipped)
{
    struct qr_vault *vault = vault_with(1, 0);
    const uint8_t *key = qr_vault_public(vault).sign_public;
    const struct quire_bytes part = text("what is signed");
    uint8_t signature[QR_SIGNATURE_SIZE];
    qr_vault_sign(vault, QR_CONTEXT_AUTH, &part, 1, signature);
    for (unsigned bit = 0; bit < QR_SIGNATURE_SIZE * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not(qr_verify(key, QR_CONTEXT_AUTH, &part, 1, signature), "bit %u", bit);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert(qr_verify(key, QR_CONTEXT_AUTH, &part, 1, signature));
    qr_vault_destroy(vault);
}

Test(sign, a_signature_plus_the_group_order_is_refused)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c,
        0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct qr_vault *vault = vault_with(1, 0);
    const struct quire_bytes part = text("what is signed");
    uint8_t signature[QR_SIGNATURE_SIZE];
    qr_vault_sign(vault, QR_CONTEXT_AUTH, &part, 1, signature);
    sodium_add(signature + 32, order, 32);
    cr_assert_not(
        qr_verify(qr_vault_public(vault).sign_public, QR_CONTEXT_AUTH, &part, 1, signature));
    qr_vault_destroy(vault);
}

Test(sign, degenerate_keys_and_zeros_verify_nothing)
{
    static const uint8_t zeros[QR_SIGNATURE_SIZE], one[QR_SIGNATURE_SIZE] = {1};
    const struct quire_bytes part = text("anything");
    cr_assert_not(qr_verify(zeros, QR_CONTEXT_AUTH, &part, 1, zeros));
    cr_assert_not(qr_verify(one, QR_CONTEXT_AUTH, &part, 1, one));
    cr_assert_not(qr_verify(one, QR_CONTEXT_AUTH, &part, 1, zeros));
}

Test(sign, more_than_the_limit_is_never_signed_and_never_verifies)
{
    static const uint8_t data[QR_SIGNED_MAX + 1];
    struct qr_vault *vault = vault_with(1, 0);
    const uint8_t *key = qr_vault_public(vault).sign_public;
    struct quire_bytes most = {data, QR_SIGNED_MAX}, more = {data, QR_SIGNED_MAX + 1};
    uint8_t signature[QR_SIGNATURE_SIZE];
    qr_vault_sign(vault, QR_CONTEXT_AUTH, &most, 1, signature);
    cr_assert(qr_verify(key, QR_CONTEXT_AUTH, &most, 1, signature));
    cr_assert_not(qr_verify(key, QR_CONTEXT_AUTH, &more, 1, signature));

    /* Nor does a signature that another program made of more. */
    uint8_t seed[32], secret[64], sign_public[QR_KEY_SIZE], message[13 + QR_SIGNED_MAX + 1] = {0};
    qr_keyed_hash(seed, sizeof seed, FRESH(1), QR_CONTEXT_DEVICE_SIGN, NULL, 0);
    crypto_sign_seed_keypair(sign_public, secret, seed);
    cr_assert_arr_eq(sign_public, key, QR_KEY_SIZE);
    memcpy(message, "quire/auth/1", 12);
    crypto_sign_detached(signature, NULL, message, 13 + QR_SIGNED_MAX, secret);
    cr_assert(qr_verify(key, QR_CONTEXT_AUTH, &most, 1, signature));
    crypto_sign_detached(signature, NULL, message, 13 + QR_SIGNED_MAX + 1, secret);
    cr_assert_not(qr_verify(key, QR_CONTEXT_AUTH, &more, 1, signature));
    cr_assert_not(
        qr_verify(key, QR_CONTEXT_AUTH, &(struct quire_bytes){data, SIZE_MAX}, 1, signature));
    qr_vault_destroy(vault);
}
