/*
 * What the tests of crypto/ share: fixed bytes instead of random ones, and a vault to work with.
 */
#ifndef TEST_CRYPTO_SUPPORT_H
#define TEST_CRYPTO_SUPPORT_H

#include "crypto/pair.h"
#include "crypto/words.h"
#include <criterion/criterion.h>

/* 32 bytes that differ for every number. */
struct fresh {
    uint8_t bytes[QR_ENTROPY_SIZE];
};
static inline struct fresh fresh(uint64_t number)
{
    static const uint8_t none[QR_ENTROPY_SIZE];
    struct fresh out;
    qr_entropy_expand(out.bytes, none, number);
    return out;
}
#define FRESH(number) (fresh(number).bytes)

static inline struct quire_bytes text(const char *string)
{
    return quire_bytes_of_text(string);
}

static inline void assert_same(struct quire_bytes got, struct quire_bytes expected)
{
    cr_assert_eq(got.size, expected.size, "%zu bytes instead of %zu", got.size, expected.size);
    cr_assert(quire_bytes_equal(got, expected), "the bytes differ");
}

static inline void start(void)
{
    cr_assert(qr_crypto_init());
}

static const uint8_t a_user[QR_USER_SIZE] = "the user that everything is for";
static const uint8_t other_user[QR_USER_SIZE] = "another user of the same server";

/* A vault with a user and the keys of epochs 1 … epochs; the same number gives the same vault. */
static inline struct qr_vault *vault_with(uint64_t number, uint32_t epochs)
{
    struct qr_vault *vault = NULL;
    cr_assert_eq(qr_vault_create(FRESH(number), &vault), QUIRE_OK);
    qr_vault_set_user(vault, a_user);
    for (uint32_t epoch = 1; epoch <= epochs; epoch++) {
        cr_assert_eq(qr_vault_new_epoch(vault, epoch, FRESH(number + epoch)), QUIRE_OK);
    }
    return vault;
}

/* Gives `to` the key of `epoch` of `from`, as a roster record would. */
static inline void hand_over(const struct qr_vault *from, struct qr_vault *to, uint32_t epoch)
{
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(from, epoch, commitment), QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_epoch(from, epoch, qr_vault_public(to).box_public, FRESH(900 + epoch), seal),
        QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(to, epoch, seal, commitment), QUIRE_OK);
}

#endif
