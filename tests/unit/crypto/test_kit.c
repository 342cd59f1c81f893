/*
 * The recovery kit: what is written down is read again, and nothing else is.
 */
#include "support.h"
#include <ctype.h>

TestSuite(kit, .init = start);

static struct qr_kit *kit_of(uint64_t number)
{
    struct qr_kit *kit = NULL;
    cr_assert_eq(qr_kit_create(FRESH(number), &kit), QUIRE_OK);
    return kit;
}

static void assert_same_kit(const struct qr_kit *a, const struct qr_kit *b)
{
    uint8_t keys[4][QR_KEY_SIZE];
    qr_kit_public(a, keys[0], keys[1]);
    qr_kit_public(b, keys[2], keys[3]);
    cr_assert_arr_eq(keys[0], keys[2], QR_KEY_SIZE);
    cr_assert_arr_eq(keys[1], keys[3], QR_KEY_SIZE);
}

Test(kit, what_is_written_down_is_read_again)
{
    for (uint64_t number = 0; number < 100; number++) {
        struct qr_kit *kit = kit_of(number), *again = NULL;
        char characters[QR_KIT_TEXT_SIZE];
        qr_kit_text(kit, characters);
        cr_assert_eq(strlen(characters), QR_KIT_TEXT_SIZE - 1);
        cr_assert_eq(qr_kit_parse(text(characters), &again), QUIRE_OK);
        assert_same_kit(kit, again);
        qr_kit_destroy(kit);
        qr_kit_destroy(again);
    }
}

Test(kit, careless_writing_is_read)
{
    struct qr_kit *kit = kit_of(3), *again = NULL;
    char characters[QR_KIT_TEXT_SIZE], careless[4 * QR_KIT_TEXT_SIZE];
    qr_kit_text(kit, characters);
    size_t size = 0;
    for (size_t i = 0; characters[i] != '\0'; i++) {
        char c = characters[i];
        c = c == '-' ? '\n' : c == '0' ? "oO"[i % 2] : c == '1' ? "iIlL"[i % 4] : c;
        careless[size++] = i % 3 == 0 ? (char)tolower(c) : c;
        careless[size++] = ' ';
        careless[size++] = "-\t"[i % 2];
    }
    cr_assert_eq(qr_kit_parse((struct quire_bytes){(uint8_t *)careless, size}, &again), QUIRE_OK);
    assert_same_kit(kit, again);
    qr_kit_destroy(kit);
    qr_kit_destroy(again);
}

Test(kit, no_character_can_be_another)
{
    struct qr_kit *kit = kit_of(7), *again = NULL;
    char characters[QR_KIT_TEXT_SIZE];
    qr_kit_text(kit, characters);
    for (size_t i = 0; characters[i] != '\0'; i++) {
        const char right = characters[i];
        for (int c = 0; c < 256; c++) {
            int upper = c < 128 ? toupper(c) : c;
            bool same = upper == right || (right == '0' && upper == 'O')
                || (right == '1' && (upper == 'I' || upper == 'L'));
            bool skipped = c == '-' || (c < 128 && isspace(c));
            if (same || (right == '-' && skipped)) {
                continue;
            }
            characters[i] = (char)c;
            const struct quire_bytes bytes = {(uint8_t *)characters, QR_KIT_TEXT_SIZE - 1};
            cr_assert_eq(qr_kit_parse(bytes, &again), QUIRE_EMALFORMED, "%d at %zu", c, i);
        }
        characters[i] = right;
    }
    cr_assert_null(again);
    qr_kit_destroy(kit);
}

Test(kit, neighbours_swapped_are_noticed)
{
    struct qr_kit *kit = kit_of(7), *again = NULL;
    char characters[QR_KIT_TEXT_SIZE];
    qr_kit_text(kit, characters);
    for (size_t i = 0; characters[i + 1] != '\0'; i++) {
        char a = characters[i], b = characters[i + 1];
        if (a != b && a != '-' && b != '-') {
            characters[i] = b;
            characters[i + 1] = a;
            cr_assert_eq(qr_kit_parse(text(characters), &again), QUIRE_EMALFORMED);
            characters[i] = a;
            characters[i + 1] = b;
        }
    }
    qr_kit_destroy(kit);
}

Test(kit, too_few_or_too_many_characters_are_refused)
{
    struct qr_kit *kit = kit_of(7), *again = NULL;
    char characters[QR_KIT_TEXT_SIZE + 300] = {0};
    qr_kit_text(kit, characters);
    for (size_t size = 0; size < QR_KIT_TEXT_SIZE - 1; size++) {
        const struct quire_bytes bytes = {(uint8_t *)characters, size};
        cr_assert_eq(qr_kit_parse(bytes, &again), QUIRE_EMALFORMED);
    }
    cr_assert_eq(qr_kit_parse((struct quire_bytes){NULL, 0}, &again), QUIRE_EMALFORMED);
    characters[QR_KIT_TEXT_SIZE - 1] = '0';
    cr_assert_eq(qr_kit_parse(text(characters), &again), QUIRE_EMALFORMED);
    /* As many spaces as a person may put in, and one more. */
    memset(characters + QR_KIT_TEXT_SIZE - 1, ' ', 300);
    struct quire_bytes spaced = {(uint8_t *)characters, 256};
    cr_assert_eq(qr_kit_parse(spaced, &again), QUIRE_OK);
    qr_kit_destroy(again);
    again = NULL;
    spaced.size++;
    cr_assert_eq(qr_kit_parse(spaced, &again), QUIRE_EMALFORMED);
    cr_assert_null(again);
    qr_kit_destroy(kit);
}

Test(kit, the_root_signs_and_its_keys_are_not_those_of_a_device)
{
    struct qr_kit *kit = kit_of(9);
    struct qr_vault *vault = NULL;
    cr_assert_eq(qr_vault_create(FRESH(9), &vault), QUIRE_OK); /* of the very same bytes */
    uint8_t root[QR_KEY_SIZE], recovery[QR_KEY_SIZE], signature[QR_SIGNATURE_SIZE];
    const struct quire_bytes part = text("a record");
    qr_kit_public(kit, root, recovery);
    qr_kit_sign(kit, QR_CONTEXT_ROSTER_SIGN, &part, 1, signature);
    cr_assert(qr_verify(root, QR_CONTEXT_ROSTER_SIGN, &part, 1, signature));
    struct qr_vault_public device = qr_vault_public(vault);
    cr_assert_not(qr_verify(device.sign_public, QR_CONTEXT_ROSTER_SIGN, &part, 1, signature));
    cr_assert_arr_neq(recovery, device.box_public, QR_KEY_SIZE);
    qr_kit_destroy(kit);
    qr_kit_destroy(NULL);
    qr_vault_destroy(vault);
}
