/*
 * Records under the profile's key, and the vault among them.
 */
#include "support.h"

TestSuite(rest, .init = start);

static enum quire_status open_local(
    uint64_t key, const char *name, const struct quire_buffer *sealed)
{
    struct quire_buffer out = {0};
    enum quire_status status =
        qr_local_open(FRESH(key), text(name), quire_buffer_bytes(sealed), &out);
    cr_assert(status == QUIRE_OK || out.size == 0);
    quire_buffer_finish(&out);
    return status;
}

Test(rest, a_record_opens_under_its_key_and_name_only)
{
    struct quire_buffer sealed = {0}, out = {0};
    cr_assert_eq(
        qr_local_seal(FRESH(1), text("outbox/1"), text("secret"), FRESH(2), &sealed), QUIRE_OK);
    cr_assert_eq(sealed.size, 6 + QR_LOCAL_OVERHEAD);
    cr_assert_eq(
        qr_local_open(FRESH(1), text("outbox/1"), quire_buffer_bytes(&sealed), &out), QUIRE_OK);
    assert_same(quire_buffer_bytes(&out), text("secret"));
    cr_assert_eq(open_local(2, "outbox/1", &sealed), QUIRE_ECRYPTO);
    cr_assert_eq(open_local(1, "outbox/2", &sealed), QUIRE_ECRYPTO);
    cr_assert_eq(open_local(1, "outbox/", &sealed), QUIRE_ECRYPTO);
    cr_assert_eq(open_local(1, "", &sealed), QUIRE_ECRYPTO);
    for (unsigned bit = 0; bit < sealed.size * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(open_local(1, "outbox/1", &sealed), QUIRE_ECRYPTO);
        sealed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    while (sealed.size-- > 0) {
        cr_assert_eq(open_local(1, "outbox/1", &sealed),
            sealed.size < QR_LOCAL_OVERHEAD ? QUIRE_EMALFORMED : QUIRE_ECRYPTO);
        if (sealed.size == 0) {
            break;
        }
    }
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&out);
}

Test(rest, nothing_at_all_can_be_kept_too)
{
    struct quire_buffer sealed = {0}, out = {0};
    const struct quire_bytes nothing = {NULL, 0};
    cr_assert_eq(qr_local_seal(FRESH(1), nothing, nothing, FRESH(2), &sealed), QUIRE_OK);
    cr_assert_eq(qr_local_open(FRESH(1), nothing, quire_buffer_bytes(&sealed), &out), QUIRE_OK);
    cr_assert_eq(out.size, 0);
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&out);
}

Test(rest, a_name_may_be_as_long_as_the_limit)
{
    static uint8_t name[QR_LOCAL_NAME_MAX + 1];
    struct quire_buffer sealed = {0}, out = {0};
    const struct quire_bytes longest = {name, QR_LOCAL_NAME_MAX}, longer = {name, sizeof name};
    cr_assert_eq(qr_local_seal(FRESH(1), longest, text("x"), FRESH(2), &sealed), QUIRE_OK);
    cr_assert_eq(qr_local_open(FRESH(1), longest, quire_buffer_bytes(&sealed), &out), QUIRE_OK);
    cr_assert_eq(qr_local_seal(FRESH(1), longer, text("x"), FRESH(2), &sealed), QUIRE_ELIMIT);
    cr_assert_eq(qr_local_open(FRESH(1), longer, quire_buffer_bytes(&sealed), &out), QUIRE_ELIMIT);
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&out);
}

Test(rest, a_vault_comes_back_with_everything)
{
    struct qr_vault *vault = vault_with(1, 3), *again = NULL;
    struct quire_buffer sealed = {0};
    qr_vault_forget_epoch(vault, 2);
    cr_assert_eq(qr_vault_save(vault, FRESH(4), text("vault"), FRESH(5), &sealed), QUIRE_OK);
    cr_assert_eq(
        qr_vault_load(FRESH(5), text("vault"), quire_buffer_bytes(&sealed), &again), QUIRE_ECRYPTO);
    cr_assert_eq(
        qr_vault_load(FRESH(4), text("other"), quire_buffer_bytes(&sealed), &again), QUIRE_ECRYPTO);
    cr_assert_null(again);
    cr_assert_eq(
        qr_vault_load(FRESH(4), text("vault"), quire_buffer_bytes(&sealed), &again), QUIRE_OK);
    cr_assert_arr_eq(qr_vault_public(vault).device, qr_vault_public(again).device, QR_DEVICE_SIZE);
    cr_assert_not(qr_vault_has_epoch(again, 2));
    cr_assert_eq(qr_vault_epoch(again), 3);
    for (uint32_t epoch = 1; epoch <= 3; epoch += 2) {
        uint8_t commitment[2][QR_HASH_SIZE];
        cr_assert_eq(qr_vault_commitment(vault, epoch, commitment[0]), QUIRE_OK);
        cr_assert_eq(qr_vault_commitment(again, epoch, commitment[1]), QUIRE_OK);
        cr_assert_arr_eq(commitment[0], commitment[1], QR_HASH_SIZE);
    }
    uint8_t signature[2][QR_SIGNATURE_SIZE];
    const struct quire_bytes part = text("signed");
    qr_vault_sign(vault, QR_CONTEXT_AUTH, &part, 1, signature[0]);
    qr_vault_sign(again, QR_CONTEXT_AUTH, &part, 1, signature[1]);
    cr_assert_arr_eq(signature[0], signature[1], QR_SIGNATURE_SIZE);
    quire_buffer_finish(&sealed);
    qr_vault_destroy(vault);
    qr_vault_destroy(again);
}

/* Seals bytes as a vault's record and loads them. */
static enum quire_status load_bytes(const uint8_t *bytes, size_t size)
{
    struct quire_buffer sealed = {0};
    struct qr_vault *vault = NULL;
    cr_assert_eq(qr_local_seal(
                     FRESH(4), text("vault"), (struct quire_bytes){bytes, size}, FRESH(5), &sealed),
        QUIRE_OK);
    enum quire_status status =
        qr_vault_load(FRESH(4), text("vault"), quire_buffer_bytes(&sealed), &vault);
    cr_assert_eq(status == QUIRE_OK, vault != NULL);
    qr_vault_destroy(vault);
    quire_buffer_finish(&sealed);
    return status;
}

Test(rest, a_vault_record_of_another_shape_is_refused)
{
    struct qr_vault *vault = vault_with(1, 2);
    struct quire_buffer sealed = {0}, plain = {0};
    cr_assert_eq(qr_vault_save(vault, FRESH(4), text("vault"), FRESH(5), &sealed), QUIRE_OK);
    cr_assert_eq(
        qr_local_open(FRESH(4), text("vault"), quire_buffer_bytes(&sealed), &plain), QUIRE_OK);
    cr_assert_eq(plain.size, 1 + 32 + 1 + 32 + 4 + 2 * 36);
    cr_assert_eq(load_bytes(plain.data, plain.size), QUIRE_OK);
    for (size_t size = 0; size < plain.size; size++) {
        cr_assert_eq(load_bytes(plain.data, size), QUIRE_EMALFORMED, "%zu", size);
    }
    cr_assert_eq(quire_buffer_append(&plain, "", 1), QUIRE_OK);
    cr_assert_eq(load_bytes(plain.data, plain.size), QUIRE_EMALFORMED, "a byte more");
    plain.size--;
    static const struct {
        size_t at;
        uint8_t value;
        enum quire_status status;
    } wrong[] = {
        {0, 2, QUIRE_EUNSUPPORTED}, {33, 2, QUIRE_EMALFORMED}, /* neither with nor without a user */
        {33, 0, QUIRE_EMALFORMED},                             /* no user, yet its bytes */
        {66, 1, QUIRE_EMALFORMED},                             /* 16 million epochs */
        {69, 3, QUIRE_EMALFORMED},                             /* three, and only two are there */
        {69, 1, QUIRE_EMALFORMED},                             /* one, and two are there */
        {73, 0, QUIRE_EMALFORMED},                             /* epoch 0 */
        {73, 2, QUIRE_EMALFORMED},                             /* twice the same */
        {72, 4, QUIRE_EMALFORMED},          /* the greater one first, and above the limit */
        {70 + 36 + 2, 4, QUIRE_EMALFORMED}, /* one above the limit */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t right = plain.data[wrong[i].at];
        plain.data[wrong[i].at] = wrong[i].value;
        cr_assert_eq(load_bytes(plain.data, plain.size), wrong[i].status, "%zu", i);
        plain.data[wrong[i].at] = right;
    }
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&plain);
    qr_vault_destroy(vault);
}
