/*
 * Epoch keys: made once, sealed to the right device only, and always the one committed to.
 */
#include "support.h"
#include <sodium.h>

TestSuite(vault, .init = start);

static void flip(uint8_t *bytes, unsigned bit)
{
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* Two vaults hold the same key for an epoch. */
static bool same_key(const struct qr_vault *a, const struct qr_vault *b, uint32_t epoch)
{
    uint8_t commitment[2][QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(a, epoch, commitment[0]), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(b, epoch, commitment[1]), QUIRE_OK);
    return memcmp(commitment[0], commitment[1], QR_HASH_SIZE) == 0;
}

Test(vault, a_device_is_made_of_its_seed)
{
    struct qr_vault *a = vault_with(1, 0), *b = vault_with(1, 0), *c = vault_with(2, 0);
    struct qr_vault_public of_a = qr_vault_public(a), of_b = qr_vault_public(b);
    cr_assert_arr_eq(of_a.device, of_b.device, QR_DEVICE_SIZE);
    cr_assert_arr_neq(of_a.device, qr_vault_public(c).device, QR_DEVICE_SIZE);
    uint8_t device[QR_DEVICE_SIZE], swapped[QR_DEVICE_SIZE];
    qr_device_id(device, of_a.sign_public, of_a.box_public);
    qr_device_id(swapped, of_a.box_public, of_a.sign_public);
    cr_assert_arr_eq(device, of_a.device, QR_DEVICE_SIZE);
    cr_assert_arr_neq(swapped, device, QR_DEVICE_SIZE);
    /* Not the conversion of each other: what signs does not decrypt. */
    uint8_t converted[QR_KEY_SIZE];
    cr_assert_eq(crypto_sign_ed25519_pk_to_curve25519(converted, of_a.sign_public), 0);
    cr_assert_arr_neq(converted, of_a.box_public, QR_KEY_SIZE);
    qr_vault_destroy(a);
    qr_vault_destroy(b);
    qr_vault_destroy(c);
    qr_vault_destroy(NULL);
}

Test(vault, epochs_are_made_held_and_forgotten)
{
    struct qr_vault *vault = vault_with(1, 0);
    cr_assert_eq(qr_vault_epoch(vault), 0);
    cr_assert_not(qr_vault_has_epoch(vault, 0));
    cr_assert_eq(qr_vault_new_epoch(vault, 3, FRESH(10)), QUIRE_OK);
    cr_assert_eq(qr_vault_epoch(vault), 3);
    cr_assert_not(qr_vault_has_epoch(vault, 2));
    cr_assert_eq(qr_vault_new_epoch(vault, 3, FRESH(11)), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_new_epoch(vault, 0, FRESH(11)), QUIRE_ELIMIT);
    cr_assert_eq(qr_vault_new_epoch(vault, QR_EPOCHS_MAX + 1, FRESH(11)), QUIRE_ELIMIT);
    cr_assert_eq(qr_vault_new_epoch(vault, UINT32_MAX, FRESH(11)), QUIRE_ELIMIT);
    cr_assert_eq(qr_vault_new_epoch(vault, QR_EPOCHS_MAX, FRESH(11)), QUIRE_OK);
    cr_assert_eq(qr_vault_epoch(vault), QR_EPOCHS_MAX);
    cr_assert(qr_vault_has_epoch(vault, 3));
    qr_vault_forget_epoch(vault, QR_EPOCHS_MAX);
    qr_vault_forget_epoch(vault, QR_EPOCHS_MAX);
    qr_vault_forget_epoch(vault, 0);
    qr_vault_forget_epoch(vault, UINT32_MAX);
    cr_assert_eq(qr_vault_epoch(vault), 3);
    qr_vault_destroy(vault);
}

Test(vault, the_same_fresh_bytes_make_another_key_for_another_epoch_or_device)
{
    struct qr_vault *a = vault_with(1, 0), *b = vault_with(2, 0);
    uint8_t commitment[2][QR_HASH_SIZE];
    cr_assert_eq(qr_vault_new_epoch(a, 1, FRESH(10)), QUIRE_OK);
    cr_assert_eq(qr_vault_new_epoch(b, 1, FRESH(10)), QUIRE_OK);
    cr_assert_not(same_key(a, b, 1));
    cr_assert_eq(qr_vault_commitment(a, 1, commitment[0]), QUIRE_OK);
    cr_assert_eq(qr_vault_new_epoch(a, 2, FRESH(10)), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(a, 2, commitment[1]), QUIRE_OK);
    cr_assert_arr_neq(commitment[0], commitment[1], QR_HASH_SIZE);
    qr_vault_destroy(a);
    qr_vault_destroy(b);
}

Test(vault, without_a_user_nothing_is_bound)
{
    struct qr_vault *vault = NULL;
    uint8_t bytes[QR_NAME_SIZE] = {0};
    struct quire_buffer buffer = {0};
    const struct qr_change_place place = {.epoch = 1};
    const struct quire_bytes some = {bytes, sizeof bytes};
    cr_assert_eq(qr_vault_create(FRESH(1), &vault), QUIRE_OK);
    cr_assert_eq(qr_vault_new_epoch(vault, 1, FRESH(2)), QUIRE_OK);
    cr_assert_eq(qr_vault_new_epoch(vault, 2, FRESH(3)), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(vault, 1, bytes), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_open_epoch(vault, 1, bytes, bytes), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_wrap_previous(vault, 2, FRESH(4), bytes), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_unwrap_previous(vault, 2, bytes, bytes), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_seal_name(vault, 1, bytes, text("name"), FRESH(4), bytes), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_open_name(vault, 1, bytes, bytes, &buffer), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_seal_change(vault, &place, some, FRESH(4), bytes, &buffer), QUIRE_ESTATE);
    cr_assert_eq(qr_vault_open_change(vault, &place, bytes, some, &buffer), QUIRE_ESTATE);
    cr_assert_eq(buffer.size, 0);
    qr_vault_destroy(vault);
}

/* ---- seals ------------------------------------------------------------------------------------ */

Test(vault, a_sealed_epoch_opens_for_its_device_and_for_libsodium)
{
    struct qr_vault *from = vault_with(1, 2), *to = vault_with(2, 0), *stranger = vault_with(3, 0);
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(from, 2, commitment), QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_epoch(from, 2, qr_vault_public(to).box_public, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(stranger, 2, seal, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_epoch(stranger), 0);
    cr_assert_eq(qr_vault_open_epoch(to, 2, seal, commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(to, 2, seal, commitment), QUIRE_OK, "twice is harmless");
    cr_assert(same_key(from, to, 2));
    cr_assert_not(qr_vault_has_epoch(to, 1));

    uint8_t box_public[QR_KEY_SIZE], box_secret[QR_KEY_SIZE], key[QR_KEY_SIZE];
    crypto_box_seed_keypair(box_public, box_secret, FRESH(20));
    cr_assert_eq(qr_vault_seal_epoch(from, 2, box_public, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(crypto_box_seal_open(key, seal, sizeof seal, box_public, box_secret), 0);
    qr_vault_destroy(from);
    qr_vault_destroy(to);
    qr_vault_destroy(stranger);
}

Test(vault, a_seal_made_by_libsodium_opens)
{
    struct qr_vault *vault = vault_with(1, 0);
    const struct fresh key = fresh(50);
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    const uint8_t epoch[4] = {0, 0, 0, 6};
    const struct quire_bytes parts[] = {{a_user, QR_USER_SIZE}, {epoch, 4}};
    qr_keyed_hash(commitment, QR_HASH_SIZE, key.bytes, QR_CONTEXT_COMMITMENT, parts, 2);
    crypto_box_seal(seal, key.bytes, QR_KEY_SIZE, qr_vault_public(vault).box_public);
    cr_assert_eq(qr_vault_open_epoch(vault, 5, seal, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_open_epoch(vault, 6, seal, commitment), QUIRE_OK);
    qr_vault_destroy(vault);
}

Test(vault, no_bit_of_a_seal_or_its_commitment_can_be_flipped)
{
    struct qr_vault *from = vault_with(1, 1), *to = vault_with(2, 0);
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(from, 1, commitment), QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_epoch(from, 1, qr_vault_public(to).box_public, FRESH(9), seal), QUIRE_OK);
    for (unsigned bit = 0; bit < QR_SEAL_SIZE * 8; bit++) {
        flip(seal, bit);
        /* X25519 ignores the top bit of a public key, but the nonce is a hash of it. */
        cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO, "bit %u", bit);
        flip(seal, bit);
    }
    for (unsigned bit = 0; bit < QR_HASH_SIZE * 8; bit++) {
        flip(commitment, bit);
        cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO, "bit %u", bit);
        flip(commitment, bit);
    }
    cr_assert_eq(qr_vault_epoch(to), 0);
    cr_assert_eq(qr_vault_open_epoch(to, 2, seal, commitment), QUIRE_ECRYPTO, "another epoch");
    cr_assert_eq(qr_vault_open_epoch(to, 0, seal, commitment), QUIRE_ECRYPTO);
    memset(seal, 0, sizeof seal);
    cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO, "zeros");
    qr_vault_destroy(from);
    qr_vault_destroy(to);
}

Test(vault, a_commitment_is_to_key_user_and_epoch)
{
    struct qr_vault *from = vault_with(1, 1), *to = NULL;
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_create(FRESH(2), &to), QUIRE_OK);
    qr_vault_set_user(to, other_user);
    cr_assert_eq(qr_vault_commitment(from, 1, commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(from, 2, commitment), QUIRE_ENOTFOUND);
    cr_assert_eq(
        qr_vault_seal_epoch(from, 1, qr_vault_public(to).box_public, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO, "another user");
    qr_vault_destroy(from);
    qr_vault_destroy(to);
}

Test(vault, a_second_key_for_an_epoch_is_refused)
{
    struct qr_vault *from = vault_with(1, 1), *to = vault_with(2, 1);
    uint8_t seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE], before[QR_HASH_SIZE], after[QR_HASH_SIZE];
    cr_assert_eq(qr_vault_commitment(to, 1, before), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(from, 1, commitment), QUIRE_OK);
    cr_assert_eq(
        qr_vault_seal_epoch(from, 1, qr_vault_public(to).box_public, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_commitment(to, 1, after), QUIRE_OK);
    cr_assert_arr_eq(before, after, QR_HASH_SIZE);
    qr_vault_destroy(from);
    qr_vault_destroy(to);
}

Test(vault, sealing_to_a_degenerate_key_or_without_the_epoch_changes_nothing)
{
    struct qr_vault *vault = vault_with(1, 1);
    static const uint8_t zeros[QR_SEAL_SIZE], one[QR_KEY_SIZE] = {1};
    uint8_t seal[QR_SEAL_SIZE] = {0};
    cr_assert_eq(qr_vault_seal_epoch(vault, 1, zeros, FRESH(9), seal), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_seal_epoch(vault, 1, one, FRESH(9), seal), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_seal_epoch(vault, 2, qr_vault_public(vault).box_public, FRESH(9), seal),
        QUIRE_ENOTFOUND);
    cr_assert_arr_eq(seal, zeros, sizeof seal);
    qr_vault_destroy(vault);
}

Test(vault, the_same_fresh_bytes_seal_different_keys_with_different_ephemeral_keys)
{
    struct qr_vault *vault = vault_with(1, 2);
    uint8_t seal[2][QR_SEAL_SIZE];
    const uint8_t *box_public = qr_vault_public(vault).box_public;
    cr_assert_eq(qr_vault_seal_epoch(vault, 1, box_public, FRESH(9), seal[0]), QUIRE_OK);
    cr_assert_eq(qr_vault_seal_epoch(vault, 2, box_public, FRESH(9), seal[1]), QUIRE_OK);
    cr_assert_arr_neq(seal[0], seal[1], QR_KEY_SIZE);
    qr_vault_destroy(vault);
}

Test(vault, the_kit_recovers_an_epoch)
{
    struct qr_vault *from = vault_with(1, 1), *to = vault_with(2, 0);
    struct qr_kit *kit = NULL, *other = NULL;
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE], seal[QR_SEAL_SIZE], commitment[QR_HASH_SIZE];
    cr_assert_eq(qr_kit_create(FRESH(30), &kit), QUIRE_OK);
    cr_assert_eq(qr_kit_create(FRESH(31), &other), QUIRE_OK);
    qr_kit_public(kit, root, recovery);
    cr_assert_eq(qr_vault_commitment(from, 1, commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_seal_epoch(from, 1, recovery, FRESH(9), seal), QUIRE_OK);
    cr_assert_eq(qr_vault_open_epoch(to, 1, seal, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_recover_epoch(to, other, 1, seal, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_recover_epoch(to, kit, 1, seal, commitment), QUIRE_OK);
    cr_assert(same_key(from, to, 1));
    qr_kit_destroy(kit);
    qr_kit_destroy(other);
    qr_vault_destroy(from);
    qr_vault_destroy(to);
}

/* ---- wraps ------------------------------------------------------------------------------------ */

Test(vault, one_key_gives_all_of_history)
{
    struct qr_vault *from = vault_with(1, 40), *to = vault_with(2, 0);
    hand_over(from, to, 40);
    for (uint32_t epoch = 40; epoch > 1; epoch--) {
        uint8_t wrap[QR_WRAP_SIZE], commitment[QR_HASH_SIZE];
        cr_assert_eq(qr_vault_wrap_previous(from, epoch, FRESH(epoch), wrap), QUIRE_OK);
        cr_assert_eq(qr_vault_commitment(from, epoch - 1, commitment), QUIRE_OK);
        cr_assert_eq(qr_vault_unwrap_previous(to, epoch, wrap, commitment), QUIRE_OK);
        cr_assert(same_key(from, to, epoch - 1));
    }
    qr_vault_destroy(from);
    qr_vault_destroy(to);
}

Test(vault, no_bit_of_a_wrap_can_be_flipped_and_it_fits_one_place_only)
{
    struct qr_vault *from = vault_with(1, 3), *to = vault_with(2, 0), *foreign = NULL;
    uint8_t wrap[QR_WRAP_SIZE], commitment[QR_HASH_SIZE], other[QR_HASH_SIZE];
    hand_over(from, to, 3);
    cr_assert_eq(qr_vault_wrap_previous(from, 3, FRESH(9), wrap), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(from, 2, commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(from, 1, other), QUIRE_OK);
    for (unsigned bit = 0; bit < QR_WRAP_SIZE * 8; bit++) {
        flip(wrap, bit);
        cr_assert_eq(qr_vault_unwrap_previous(to, 3, wrap, commitment), QUIRE_ECRYPTO, "%u", bit);
        flip(wrap, bit);
    }
    cr_assert_eq(qr_vault_unwrap_previous(to, 3, wrap, other), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_unwrap_previous(to, 2, wrap, commitment), QUIRE_ENOTFOUND);
    cr_assert_eq(qr_vault_unwrap_previous(from, 2, wrap, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_unwrap_previous(from, 1, wrap, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_unwrap_previous(from, 0, wrap, commitment), QUIRE_ENOTFOUND);
    cr_assert_not(qr_vault_has_epoch(to, 2));

    /* The same keys under another user: only the associated data can tell. */
    cr_assert_eq(qr_vault_create(FRESH(1), &foreign), QUIRE_OK);
    for (uint32_t epoch = 2; epoch <= 3; epoch++) {
        const uint8_t number[4] = {0, 0, 0, (uint8_t)epoch};
        const struct fresh key = fresh(70 + epoch);
        const struct quire_bytes mine[] = {{a_user, QR_USER_SIZE}, {number, 4}};
        const struct quire_bytes theirs[] = {{other_user, QR_USER_SIZE}, {number, 4}};
        uint8_t seal[QR_SEAL_SIZE];
        struct qr_vault *vaults[] = {to, foreign};
        if (epoch == 2) {
            qr_vault_set_user(foreign, other_user);
        }
        qr_vault_forget_epoch(to, epoch);
        for (int i = 0; i < 2; i++) {
            qr_keyed_hash(commitment, QR_HASH_SIZE, key.bytes, QR_CONTEXT_COMMITMENT,
                i == 0 ? mine : theirs, 2);
            crypto_box_seal(seal, key.bytes, QR_KEY_SIZE, qr_vault_public(vaults[i]).box_public);
            cr_assert_eq(qr_vault_open_epoch(vaults[i], epoch, seal, commitment), QUIRE_OK);
        }
    }
    cr_assert_eq(qr_vault_wrap_previous(to, 3, FRESH(9), wrap), QUIRE_OK);
    cr_assert_eq(qr_vault_commitment(foreign, 2, commitment), QUIRE_OK);
    cr_assert_eq(qr_vault_unwrap_previous(foreign, 3, wrap, commitment), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_wrap_previous(foreign, 3, FRESH(9), wrap), QUIRE_OK);
    cr_assert_eq(qr_vault_unwrap_previous(foreign, 3, wrap, commitment), QUIRE_OK);
    qr_vault_destroy(from);
    qr_vault_destroy(to);
    qr_vault_destroy(foreign);
}

Test(vault, wrapping_needs_both_keys)
{
    struct qr_vault *vault = vault_with(1, 2);
    uint8_t wrap[QR_WRAP_SIZE];
    cr_assert_eq(qr_vault_wrap_previous(vault, 0, FRESH(9), wrap), QUIRE_ENOTFOUND);
    cr_assert_eq(qr_vault_wrap_previous(vault, 1, FRESH(9), wrap), QUIRE_ENOTFOUND);
    cr_assert_eq(qr_vault_wrap_previous(vault, 3, FRESH(9), wrap), QUIRE_ENOTFOUND);
    qr_vault_forget_epoch(vault, 1);
    cr_assert_eq(qr_vault_wrap_previous(vault, 2, FRESH(9), wrap), QUIRE_ENOTFOUND);
    qr_vault_destroy(vault);
}
