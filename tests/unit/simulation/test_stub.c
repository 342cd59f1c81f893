/* The simulation's stand-in for libsodium, where the tests of crypto/ ask the real one too much. */
#include "support.h"
#include "crypto/sign.h"
#include <sodium.h>

TestSuite(stub, .init = start);

Test(stub, no_bit_of_key_message_or_signature_can_be_flipped)
{
    struct qr_vault *vault = vault_with(1, 0);
    uint8_t key[QR_KEY_SIZE], message[77], signature[QR_SIGNATURE_SIZE];
    memcpy(key, qr_vault_public(vault).sign_public, sizeof key);
    for (size_t i = 0; i < sizeof message; i++) {
        message[i] = (uint8_t)(i * 7);
    }
    const struct quire_bytes part = {message, sizeof message};
    qr_vault_sign(vault, QR_CONTEXT_AUTH, &part, 1, signature);
    cr_assert(qr_verify(key, QR_CONTEXT_AUTH, &part, 1, signature));
    cr_assert_not(qr_verify(key, QR_CONTEXT_BATCH, &part, 1, signature), "another context");
    struct {
        uint8_t *data;
        size_t size;
    } all[] = {{key, sizeof key}, {message, sizeof message}, {signature, sizeof signature}};
    for (size_t which = 0; which < 3; which++) {
        for (size_t bit = 0; bit < 8 * all[which].size; bit++) {
            all[which].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_not(
                qr_verify(key, QR_CONTEXT_AUTH, &part, 1, signature), "%zu, bit %zu", which, bit);
            all[which].data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    qr_vault_destroy(vault);
}

Test(stub, a_hash_is_the_same_in_pieces_and_another_for_each_bit_and_length)
{
    uint8_t data[613], whole[QR_HASH_SIZE],
        other[QR_HASH_SIZE]; /* more than the stub keeps waiting */
    const struct quire_bytes all = {data, sizeof data};
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7 + i / 64);
    }
    qr_hash(whole, QR_CONTEXT_BATCH, &all, 1);
    for (size_t piece = 1; piece < sizeof data; piece++) {
        struct qr_hasher hasher;
        qr_hasher_init(&hasher, QR_CONTEXT_BATCH);
        for (size_t at = 0; at < sizeof data; at += piece) {
            qr_hasher_add(&hasher, data + at, at + piece <= sizeof data ? piece : sizeof data - at);
        }
        qr_hasher_finish(&hasher, other);
        cr_assert_arr_eq(other, whole, sizeof other, "in pieces of %zu", piece);
    }
    memset(data, 0, sizeof data);
    qr_hash(whole, QR_CONTEXT_BATCH, &all, 1);
    for (size_t piece = 1; piece < sizeof data; piece++) {
        const struct quire_bytes shorter = {
            data, piece}; /* zeros only, so nothing but the length */
        qr_hash(other, QR_CONTEXT_BATCH, &shorter, 1);
        cr_assert_arr_neq(other, whole, sizeof other, "of %zu", piece);
    }
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        qr_hash(other, QR_CONTEXT_BATCH, &all, 1);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        for (size_t word = 0; word < QR_HASH_SIZE; word += 8) {
            cr_assert_arr_neq(other + word, whole + word, 8, "bit %zu leaves word %zu", bit, word);
        }
    }
}

Test(stub, ciphertext_shows_nothing_of_the_plaintext)
{
    uint8_t text[4096] = {0}, out[sizeof text + 16], again[sizeof text + 16];
    uint8_t nonce[24] = {1}, key[32] = {2};
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, NULL, text, sizeof text, NULL, 0, NULL, nonce, key);
    size_t ones = 0;
    for (size_t i = 0; i < sizeof text; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            ones += out[i] >> bit & 1;
        }
    }
    cr_assert(ones > 8 * sizeof text * 48 / 100 && ones < 8 * sizeof text * 52 / 100, "%zu", ones);
    nonce[0]++;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        again, NULL, text, sizeof text, NULL, 0, NULL, nonce, key);
    for (size_t i = 0; i + 8 <= sizeof text; i += 8) {
        cr_assert_arr_neq(again + i, out + i, 8, "a nonce matters at %zu", i);
        cr_assert(i == 0 || memcmp(out + i, out + i - 8, 8) != 0, "no repeats at %zu", i);
    }
}

Test(stub, an_epoch_key_opens_for_its_device_alone_and_no_bit_can_be_flipped)
{
    struct qr_vault *from = vault_with(1, 1), *to = vault_with(2, 0), *stranger = vault_with(3, 0);
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(from, 1, commitment), QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_epoch(from, 1, qr_vault_public(to).box_public, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(stranger, 1, seal, commitment), QUIRE_ECRYPTO);
    for (size_t bit = 0; bit < 8 * sizeof seal; bit++) {
        seal[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO, "bit %zu", bit);
        seal[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_OK);
    static const uint8_t zeros[QR_KEY_SIZE];
    cr_assert_eq(qr_vault_seal_epoch(from, 1, zeros, FRESH(9), seal), QUIRE_ECRYPTO);
    qr_vault_destroy(from);
    qr_vault_destroy(to);
    qr_vault_destroy(stranger);
}
