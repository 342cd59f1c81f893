/*
 * Changes and names: open where they were sealed and nowhere else.
 */
#include "support.h"
#include "crypto/padding.h"
#include <stdlib.h>

TestSuite(content, .init = start);

static const struct qr_change_place a_place = {
    .replica = {1, 2, 3, 4, 5, 6, 7, 8},
    .seq = 0x0102030405060708,
    .index = 3,
    .kind = 1,
    .entry = {9, 9, 9},
    .epoch = 2,
};

struct sealed {
    uint8_t nonce[QR_NONCE_SIZE];
    struct quire_buffer text;
};

static struct sealed seal(const struct qr_vault *vault, const struct qr_change_place *place,
    struct quire_bytes plaintext, uint64_t number)
{
    struct sealed sealed = {0};
    cr_assert_eq(
        qr_vault_seal_change(vault, place, plaintext, FRESH(number), sealed.nonce, &sealed.text),
        QUIRE_OK);
    return sealed;
}

static enum quire_status open_at(
    const struct qr_vault *vault, const struct qr_change_place *place, const struct sealed *sealed)
{
    struct quire_buffer plaintext = {0};
    enum quire_status status = qr_vault_open_change(
        vault, place, sealed->nonce, quire_buffer_bytes(&sealed->text), &plaintext);
    cr_assert(status == QUIRE_OK || plaintext.size == 0);
    quire_buffer_finish(&plaintext);
    return status;
}

Test(content, what_was_sealed_opens_and_is_appended)
{
    struct qr_vault *vault = vault_with(1, 2), *other = vault_with(5, 0);
    uint8_t data[3000];
    hand_over(vault, other, 2);
    memset(data, 'x', sizeof data);
    for (size_t size = 0; size < sizeof data; size = size < 200 ? size + 1 : size + 97) {
        struct quire_buffer out = {0};
        struct sealed sealed = seal(vault, &a_place, (struct quire_bytes){data, size}, size);
        cr_assert_eq(sealed.text.size, qr_sealed_size(size));
        cr_assert_eq(quire_buffer_append(&out, "before", 6), QUIRE_OK);
        cr_assert_eq(qr_vault_open_change(
                         other, &a_place, sealed.nonce, quire_buffer_bytes(&sealed.text), &out),
            QUIRE_OK);
        cr_assert_eq(out.size, 6 + size);
        cr_assert_arr_eq(out.data, "before", 6);
        cr_assert(size == 0 || memcmp(out.data + 6, data, size) == 0);
        quire_buffer_finish(&out);
        quire_buffer_finish(&sealed.text);
    }
    qr_vault_destroy(vault);
    qr_vault_destroy(other);
}

Test(content, each_part_of_a_place_is_bound)
{
    struct qr_vault *vault = vault_with(1, 2);
    struct sealed sealed = seal(vault, &a_place, text("what was written"), 1);
    struct qr_change_place place = a_place;
    cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_OK);
    for (unsigned bit = 0; bit < QR_REPLICA_SIZE * 8; bit++) {
        place.replica[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "replica bit %u", bit);
        place = a_place;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        place.seq ^= (uint64_t)1 << bit;
        cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "seq bit %u", bit);
        place = a_place;
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        place.index ^= (uint32_t)1 << bit;
        cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "index bit %u", bit);
        place = a_place;
    }
    for (unsigned bit = 0; bit < 8; bit++) {
        place.kind ^= (uint8_t)(1 << bit);
        cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "kind bit %u", bit);
        place = a_place;
    }
    for (unsigned bit = 0; bit < QR_ENTRY_SIZE * 8; bit++) {
        place.entry[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "entry bit %u", bit);
        place = a_place;
    }
    place.epoch = 1;
    cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ECRYPTO, "another epoch's key");
    place.epoch = 3;
    cr_assert_eq(open_at(vault, &place, &sealed), QUIRE_ENOTFOUND, "a key that is not held");
    quire_buffer_finish(&sealed.text);
    qr_vault_destroy(vault);
}

Test(content, neither_another_key_nor_another_user_opens)
{
    struct qr_vault *vault = vault_with(1, 2), *other_key = vault_with(40, 2), *other = NULL;
    struct sealed sealed = seal(vault, &a_place, text("what was written"), 1);
    cr_assert_eq(open_at(other_key, &a_place, &sealed), QUIRE_ECRYPTO);

    /* The same seed and bytes, another user: the key differs too, so make it the same by hand. */
    struct quire_buffer saved = {0};
    cr_assert_eq(qr_vault_save(vault, FRESH(7), text("v"), FRESH(8), &saved), QUIRE_OK);
    struct quire_buffer plain = {0}, changed = {0};
    cr_assert_eq(qr_local_open(FRESH(7), text("v"), quire_buffer_bytes(&saved), &plain), QUIRE_OK);
    memcpy(plain.data + 1 + 32 + 1, other_user, QR_USER_SIZE);
    cr_assert_eq(qr_local_seal(FRESH(7), text("v"), quire_buffer_bytes(&plain), FRESH(9), &changed),
        QUIRE_OK);
    cr_assert_eq(
        qr_vault_load(FRESH(7), text("v"), quire_buffer_bytes(&changed), &other), QUIRE_OK);
    cr_assert_eq(open_at(other, &a_place, &sealed), QUIRE_ECRYPTO);
    quire_buffer_finish(&saved);
    quire_buffer_finish(&plain);
    quire_buffer_finish(&changed);
    quire_buffer_finish(&sealed.text);
    qr_vault_destroy(vault);
    qr_vault_destroy(other_key);
    qr_vault_destroy(other);
}

Test(content, no_bit_of_nonce_or_ciphertext_can_be_flipped)
{
    struct qr_vault *vault = vault_with(1, 2);
    struct sealed sealed = seal(vault, &a_place, text("what was written"), 1);
    for (unsigned bit = 0; bit < QR_NONCE_SIZE * 8; bit++) {
        sealed.nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_ECRYPTO);
        sealed.nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < sealed.text.size * 8; bit++) {
        sealed.text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_ECRYPTO);
        sealed.text.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_OK);
    quire_buffer_finish(&sealed.text);
    qr_vault_destroy(vault);
}

Test(content, truncated_extended_and_empty_ciphertexts_change_nothing)
{
    struct qr_vault *vault = vault_with(1, 2);
    struct sealed sealed = seal(vault, &a_place, text("what was written"), 1);
    size_t size = sealed.text.size;
    for (sealed.text.size = 0; sealed.text.size < size; sealed.text.size++) {
        cr_assert_neq(open_at(vault, &a_place, &sealed), QUIRE_OK);
    }
    cr_assert_eq(quire_buffer_append(&sealed.text, "\0", 1), QUIRE_OK);
    cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_ECRYPTO);
    memset(sealed.text.data, 0, sealed.text.size);
    memset(sealed.nonce, 0, sizeof sealed.nonce);
    cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_ECRYPTO);
    struct sealed none = {0};
    cr_assert_eq(open_at(vault, &a_place, &none), QUIRE_EMALFORMED);
    quire_buffer_finish(&sealed.text);
    qr_vault_destroy(vault);
}

Test(content, the_largest_plaintext_is_sealed_and_one_byte_more_is_not)
{
    struct qr_vault *vault = vault_with(1, 2);
    uint8_t *data = calloc(1, QR_PLAINTEXT_MAX + 1), nonce[QR_NONCE_SIZE];
    struct quire_buffer out = {0};
    cr_assert_eq(qr_vault_seal_change(vault, &a_place,
                     (struct quire_bytes){data, QR_PLAINTEXT_MAX + 1}, FRESH(1), nonce, &out),
        QUIRE_ELIMIT);
    cr_assert_eq(out.size, 0);
    struct sealed sealed = seal(vault, &a_place, (struct quire_bytes){data, QR_PLAINTEXT_MAX}, 1);
    cr_assert_eq(open_at(vault, &a_place, &sealed), QUIRE_OK);
    struct qr_change_place place = a_place;
    place.epoch = 3;
    cr_assert_eq(
        qr_vault_seal_change(vault, &place, text("x"), FRESH(1), nonce, &out), QUIRE_ENOTFOUND);
    quire_buffer_finish(&sealed.text);
    quire_buffer_finish(&out);
    free(data);
    qr_vault_destroy(vault);
}

/* ---- nonces ----------------------------------------------------------------------------------- */

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, QR_NONCE_SIZE);
}

Test(content, with_the_same_fresh_bytes_anything_else_that_differs_gives_another_nonce)
{
    enum { COUNT = 6 };
    struct qr_vault *vault = vault_with(1, 2);
    struct qr_change_place moved = a_place, elsewhere = a_place, before = a_place;
    moved.index++;
    elsewhere.entry[0]++;
    before.epoch--;
    struct sealed sealed[COUNT] = {
        seal(vault, &a_place, text("one"), 1),
        seal(vault, &a_place, text("two"), 1),
        seal(vault, &a_place, text("one"), 2),
        seal(vault, &moved, text("one"), 1),
        seal(vault, &elsewhere, text("one"), 1),
        seal(vault, &before, text("one"), 1),
    };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_assert_arr_neq(sealed[i].nonce, sealed[j].nonce, QR_NONCE_SIZE, "%zu %zu", i, j);
        }
        quire_buffer_finish(&sealed[i].text);
    }
    struct sealed again[2] = {
        seal(vault, &a_place, text("one"), 1), seal(vault, &a_place, text("one"), 1)};
    cr_assert_arr_eq(again[0].nonce, again[1].nonce, QR_NONCE_SIZE, "and it is deterministic");
    quire_buffer_finish(&again[0].text);
    quire_buffer_finish(&again[1].text);
    qr_vault_destroy(vault);
}

Test(content, no_nonce_repeats_even_when_the_fresh_bytes_never_change)
{
    enum { COUNT = 20000 };
    struct qr_vault *vault = vault_with(1, 2);
    uint8_t(*nonces)[QR_NONCE_SIZE] = calloc(COUNT, QR_NONCE_SIZE);
    struct quire_buffer out = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        struct qr_change_place place = a_place;
        uint32_t plaintext = i / 2; /* each plaintext at two places */
        place.index = i % 2;
        quire_buffer_clear(&out);
        cr_assert_eq(qr_vault_seal_change(vault, &place,
                         (struct quire_bytes){(uint8_t *)&plaintext, 4}, FRESH(1), nonces[i], &out),
            QUIRE_OK);
    }
    qsort(nonces, COUNT, QR_NONCE_SIZE, compare_nonces);
    for (size_t i = 1; i < COUNT; i++) {
        cr_assert_arr_neq(nonces[i - 1], nonces[i], QR_NONCE_SIZE);
    }
    quire_buffer_finish(&out);
    free(nonces);
    qr_vault_destroy(vault);
}

/* ---- padding ---------------------------------------------------------------------------------- */

Test(content, padme_costs_at_most_an_eighth_and_is_reached_once)
{
    size_t distinct = 0, last = 0;
    for (size_t size = 0; size < 100000; size++) {
        size_t padded = qr_padme(size);
        cr_assert(padded >= size && padded - size <= size * 12 / 100, "%zu", size);
        cr_assert_eq(qr_padme(padded), padded);
        cr_assert(padded >= last);
        distinct += padded != last;
        last = padded;
    }
    cr_assert_lt(distinct, 300, "few lengths are left to see: %zu", distinct);
}

Test(content, only_the_one_padded_form_is_read)
{
    uint8_t padded[128];
    struct quire_bytes out = {0};
    qr_pad(padded, text("seven b"), 64);
    const struct quire_bytes right = {padded, 64};
    cr_assert_eq(qr_unpad(right, 64, &out), QUIRE_OK);
    assert_same(out, text("seven b"));
    struct quire_bytes untouched = out;

    padded[0] = 2;
    cr_assert_eq(qr_unpad(right, 64, &out), QUIRE_EUNSUPPORTED);
    padded[0] = 1;
    for (size_t i = 5 + 7; i < 64; i++) {
        padded[i] = 1;
        cr_assert_eq(qr_unpad(right, 64, &out), QUIRE_EMALFORMED, "byte %zu", i);
        padded[i] = 0;
    }
    static const uint8_t sizes[][4] = {{0, 0, 0, 6}, {0, 0, 0, 60}, {0, 0, 1, 7}, {1, 0, 0, 7},
        {255, 255, 255, 255}, {1, 0, 0, 0}, {1, 0, 0, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(padded + 1, sizes[i], 4);
        cr_assert_eq(qr_unpad(right, 64, &out), QUIRE_EMALFORMED, "size %zu", i);
    }
    qr_pad(padded, text("seven b"), 128); /* right, but for another minimum */
    cr_assert_eq(qr_unpad((struct quire_bytes){padded, 128}, 64, &out), QUIRE_EMALFORMED);
    for (size_t size = 0; size < 64; size++) {
        cr_assert_eq(qr_unpad((struct quire_bytes){padded, size}, 64, &out), QUIRE_EMALFORMED);
    }
    cr_assert(out.data == untouched.data && out.size == untouched.size);
}

/* ---- names ------------------------------------------------------------------------------------ */

Test(content, a_name_opens_for_its_device_epoch_and_user_only)
{
    struct qr_vault *vault = vault_with(1, 2), *other = vault_with(40, 2);
    const uint8_t device[QR_DEVICE_SIZE] = {7}, other_device[QR_DEVICE_SIZE] = {8};
    uint8_t sealed[QR_NAME_SIZE];
    struct quire_buffer name = {0};
    cr_assert_eq(
        qr_vault_seal_name(vault, 2, device, text("Anna’s phone"), FRESH(3), sealed), QUIRE_OK);
    cr_assert_eq(qr_vault_open_name(vault, 2, device, sealed, &name), QUIRE_OK);
    assert_same(quire_buffer_bytes(&name), text("Anna’s phone"));
    cr_assert_eq(qr_vault_open_name(vault, 2, other_device, sealed, &name), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_open_name(vault, 1, device, sealed, &name), QUIRE_ECRYPTO);
    cr_assert_eq(qr_vault_open_name(vault, 3, device, sealed, &name), QUIRE_ENOTFOUND);
    cr_assert_eq(qr_vault_open_name(other, 2, device, sealed, &name), QUIRE_ECRYPTO);
    for (unsigned bit = 0; bit < QR_NAME_SIZE * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(qr_vault_open_name(vault, 2, device, sealed, &name), QUIRE_ECRYPTO);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    memset(sealed, 0, sizeof sealed);
    cr_assert_eq(qr_vault_open_name(vault, 2, device, sealed, &name), QUIRE_ECRYPTO);
    assert_same(quire_buffer_bytes(&name), text("Anna’s phone"));
    quire_buffer_finish(&name);
    qr_vault_destroy(vault);
    qr_vault_destroy(other);
}

Test(content, names_of_every_size_up_to_the_limit_open)
{
    struct qr_vault *vault = vault_with(1, 1);
    const uint8_t device[QR_DEVICE_SIZE] = {7};
    uint8_t sealed[QR_NAME_SIZE], bytes[64];
    memset(bytes, 'n', sizeof bytes);
    for (size_t size = 0; size < 64; size++) {
        struct quire_buffer name = {0};
        const struct quire_bytes given = {bytes, size};
        cr_assert_eq(qr_vault_seal_name(vault, 1, device, given, FRESH(size), sealed), QUIRE_OK);
        cr_assert_eq(qr_vault_open_name(vault, 1, device, sealed, &name), QUIRE_OK);
        assert_same(quire_buffer_bytes(&name), given);
        quire_buffer_finish(&name);
    }
    cr_assert_eq(
        qr_vault_seal_name(vault, 1, device, (struct quire_bytes){bytes, 64}, FRESH(1), sealed),
        QUIRE_ELIMIT);
    cr_assert_eq(
        qr_vault_seal_name(vault, 2, device, text("n"), FRESH(1), sealed), QUIRE_ENOTFOUND);
    qr_vault_destroy(vault);
}
