/*
 * Pairing: two devices that share a code understand each other, and no stranger does.
 */
#include "crypto/aead.h"
#include "crypto/base32.h"
#include "crypto/padding.h"
#include "support.h"

TestSuite(pair, .init = start);

static struct qr_pair *old_device(uint64_t number)
{
    struct qr_pair *pair = NULL;
    cr_assert_eq(qr_pair_create(FRESH(number), &pair), QUIRE_OK);
    return pair;
}

static struct qr_pair *new_device(const struct qr_pair *old, uint64_t number)
{
    char code[QR_PAIR_CODE_SIZE];
    struct qr_pair *pair = NULL;
    qr_pair_code(old, code);
    cr_assert_eq(strlen(code), QR_PAIR_CODE_SIZE - 1);
    cr_assert_eq(qr_pair_parse(text(code), FRESH(number), &pair), QUIRE_OK);
    return pair;
}

static struct quire_buffer request_of(struct qr_pair *pair, const char *content)
{
    struct quire_buffer request = {0};
    cr_assert_eq(qr_pair_seal_request(pair, text(content), FRESH(60), &request), QUIRE_OK);
    return request;
}

static enum quire_status take_request(struct qr_pair *pair, const struct quire_buffer *request)
{
    struct quire_buffer content = {0};
    enum quire_status status = qr_pair_open_request(pair, quire_buffer_bytes(request), &content);
    cr_assert(status == QUIRE_OK || content.size == 0);
    quire_buffer_finish(&content);
    return status;
}

static enum quire_status take_reply(struct qr_pair *pair, const struct quire_buffer *reply)
{
    struct quire_buffer content = {0};
    enum quire_status status = qr_pair_open_reply(pair, quire_buffer_bytes(reply), &content);
    cr_assert(status == QUIRE_OK || content.size == 0);
    quire_buffer_finish(&content);
    return status;
}

Test(pair, two_devices_with_one_code_meet_and_understand_each_other)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    uint8_t mailbox[2][QR_MAILBOX_SIZE];
    struct quire_buffer reply = {0}, content = {0};
    qr_pair_mailbox(old, mailbox[0]);
    qr_pair_mailbox(new, mailbox[1]);
    cr_assert_arr_eq(mailbox[0], mailbox[1], QR_MAILBOX_SIZE);
    struct quire_buffer request = request_of(new, "my keys");
    cr_assert_eq(qr_pair_open_request(old, quire_buffer_bytes(&request), &content), QUIRE_OK);
    assert_same(quire_buffer_bytes(&content), text("my keys"));
    cr_assert_eq(qr_pair_seal_reply(old, text("your account"), FRESH(61), &reply), QUIRE_OK);
    quire_buffer_clear(&content);
    cr_assert_eq(qr_pair_open_reply(new, quire_buffer_bytes(&reply), &content), QUIRE_OK);
    assert_same(quire_buffer_bytes(&content), text("your account"));
    quire_buffer_finish(&request);
    quire_buffer_finish(&reply);
    quire_buffer_finish(&content);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
    qr_pair_destroy(NULL);
}

Test(pair, another_code_meets_elsewhere_and_opens_nothing)
{
    struct qr_pair *old = old_device(1), *other = old_device(2), *new = new_device(old, 3);
    struct qr_pair *stranger = new_device(other, 4);
    uint8_t mailbox[2][QR_MAILBOX_SIZE];
    qr_pair_mailbox(old, mailbox[0]);
    qr_pair_mailbox(stranger, mailbox[1]);
    cr_assert_arr_neq(mailbox[0], mailbox[1], QR_MAILBOX_SIZE);
    struct quire_buffer request = request_of(new, "x"), strange = request_of(stranger, "x"),
                        reply = {0};
    cr_assert_eq(take_request(old, &strange), QUIRE_ECRYPTO);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &reply), QUIRE_ESTATE);
    cr_assert_eq(take_request(other, &request), QUIRE_ECRYPTO);
    cr_assert_eq(take_request(old, &request), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &reply), QUIRE_OK);
    cr_assert_eq(take_reply(stranger, &reply), QUIRE_ECRYPTO);
    cr_assert_eq(take_reply(new, &reply), QUIRE_OK);
    quire_buffer_finish(&request);
    quire_buffer_finish(&strange);
    quire_buffer_finish(&reply);
    qr_pair_destroy(old);
    qr_pair_destroy(other);
    qr_pair_destroy(new);
    qr_pair_destroy(stranger);
}

Test(pair, a_reply_is_for_one_request_and_knowing_the_code_later_does_not_open_it)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2), *late = new_device(old, 3);
    struct quire_buffer request = request_of(new, "x"), reply = {0};
    cr_assert_eq(take_request(old, &request), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &reply), QUIRE_OK);
    cr_assert_eq(take_reply(late, &reply), QUIRE_ECRYPTO);
    cr_assert_eq(take_reply(new, &reply), QUIRE_OK);
    /* Sent back as if it were the other kind. */
    cr_assert_eq(take_request(old, &reply), QUIRE_ECRYPTO);
    cr_assert_eq(take_reply(new, &request), QUIRE_ECRYPTO);
    quire_buffer_finish(&request);
    quire_buffer_finish(&reply);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
    qr_pair_destroy(late);
}

Test(pair, no_bit_of_a_message_can_be_flipped)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    struct quire_buffer request = request_of(new, "x"), reply = {0};
    cr_assert_eq(take_request(old, &request), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &reply), QUIRE_OK);
    for (unsigned bit = 0; bit < request.size * 8; bit++) {
        request.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(take_request(old, &request), QUIRE_ECRYPTO, "bit %u", bit);
        request.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (unsigned bit = 0; bit < reply.size * 8; bit++) {
        reply.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_eq(take_reply(new, &reply), QUIRE_ECRYPTO, "bit %u", bit);
        reply.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = request.size; size > 0; size--) {
        request.size = reply.size = size - 1;
        cr_assert_neq(take_request(old, &request), QUIRE_OK);
        cr_assert_neq(take_reply(new, &reply), QUIRE_OK);
    }
    request.size = 0;
    static uint8_t zeros[20000];
    cr_assert_eq(quire_buffer_append(&request, zeros, sizeof zeros), QUIRE_OK);
    for (request.size = 0; request.size < sizeof zeros; request.size += 8) {
        cr_assert_neq(take_request(old, &request), QUIRE_OK);
        cr_assert_neq(take_reply(new, &request), QUIRE_OK);
    }
    quire_buffer_finish(&request);
    quire_buffer_finish(&reply);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
}

Test(pair, each_side_keeps_to_its_part)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    struct quire_buffer out = {0}, request = request_of(new, "x");
    cr_assert_eq(qr_pair_seal_request(old, text("x"), FRESH(1), &out), QUIRE_ESTATE);
    cr_assert_eq(qr_pair_seal_reply(old, text("x"), FRESH(1), &out), QUIRE_ESTATE);
    cr_assert_eq(qr_pair_seal_reply(new, text("x"), FRESH(1), &out), QUIRE_ESTATE);
    cr_assert_eq(take_request(new, &request), QUIRE_ESTATE);
    cr_assert_eq(take_reply(old, &request), QUIRE_ESTATE);
    cr_assert_eq(out.size, 0);
    quire_buffer_finish(&request);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
}

Test(pair, contents_up_to_the_limit_pass_and_one_byte_more_does_not)
{
    static const uint8_t data[QR_PAIR_REPLY_MAX + 1];
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    struct quire_buffer request = {0}, reply = {0}, content = {0};
    cr_assert_eq(qr_pair_seal_request(
                     new, (struct quire_bytes){data, QR_PAIR_REQUEST_MAX + 1}, FRESH(1), &request),
        QUIRE_ELIMIT);
    cr_assert_eq(qr_pair_seal_request(
                     new, (struct quire_bytes){data, QR_PAIR_REQUEST_MAX}, FRESH(1), &request),
        QUIRE_OK);
    cr_assert_eq(qr_pair_open_request(old, quire_buffer_bytes(&request), &content), QUIRE_OK);
    cr_assert_eq(content.size, QR_PAIR_REQUEST_MAX);
    quire_buffer_clear(&content);
    cr_assert_eq(qr_pair_seal_reply(
                     old, (struct quire_bytes){data, QR_PAIR_REPLY_MAX + 1}, FRESH(1), &reply),
        QUIRE_ELIMIT);
    cr_assert_eq(
        qr_pair_seal_reply(old, (struct quire_bytes){data, QR_PAIR_REPLY_MAX}, FRESH(1), &reply),
        QUIRE_OK);
    cr_assert_eq(qr_pair_open_reply(new, quire_buffer_bytes(&reply), &content), QUIRE_OK);
    cr_assert_eq(content.size, QR_PAIR_REPLY_MAX);
    cr_assert_eq(qr_pair_open_request(old, quire_buffer_bytes(&reply), &content), QUIRE_EMALFORMED);
    quire_buffer_finish(&request);
    quire_buffer_finish(&reply);
    quire_buffer_finish(&content);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
}

Test(pair, a_short_name_is_not_told_by_the_size_of_a_request)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    struct quire_buffer a = request_of(new, "A"),
                        b = request_of(new, "a much longer name of a device");
    cr_assert_eq(a.size, b.size);
    quire_buffer_finish(&a);
    quire_buffer_finish(&b);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
}

Test(pair, codes_are_read_as_people_type_them_and_others_refused)
{
    struct qr_pair *a = NULL, *b = NULL;
    char code[QR_PAIR_CODE_SIZE];
    cr_assert_eq(qr_pair_parse(text("0123-4567-89AB-CDEF-GHJK"), FRESH(1), &a), QUIRE_OK);
    cr_assert_eq(qr_pair_parse(text(" oI23 4567 89ab cdefGHjk\n"), FRESH(1), &b), QUIRE_OK);
    uint8_t mailbox[2][QR_MAILBOX_SIZE];
    qr_pair_mailbox(a, mailbox[0]);
    qr_pair_mailbox(b, mailbox[1]);
    cr_assert_arr_eq(mailbox[0], mailbox[1], QR_MAILBOX_SIZE);
    qr_pair_code(b, code);
    cr_assert_str_eq(code, "0123-4567-89AB-CDEF-GHJK");
    static const char *const wrong[] = {"", "-", "0123-4567-89AB-CDEF-GHJ",
        "0123-4567-89AB-CDEF-GHJKM", "0123-4567-89AB-CDEF-GHJU", "0123-4567-89AB-CDEF-GHJ!",
        "0123-4567-89AB-CDEF-GHJ\xc3\xa9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct qr_pair *none = NULL;
        cr_assert_eq(qr_pair_parse(text(wrong[i]), FRESH(1), &none), QUIRE_EMALFORMED, "%zu", i);
        cr_assert_null(none);
    }
    qr_pair_destroy(a);
    qr_pair_destroy(b);
}

/* A message whose ephemeral key is zeros, for which every Diffie–Hellman gives zeros, from one who
 * knows the code. */
static struct quire_buffer forged(const char *code, enum qr_context context,
    const struct quire_bytes *bound, size_t bound_count, size_t in_aad, size_t content_size)
{
    static const uint8_t zeros[2000];
    uint8_t values[20], secret[QR_KEY_SIZE] = {0}, key[QR_KEY_SIZE], message[2000] = {0};
    struct qr_aad aad;
    struct quire_buffer out = {0};
    size_t size = qr_padded_size(content_size, 256);
    cr_assert(qr_base32_read(text(code), values, 20));
    qr_bits_join(secret, 13, values, 20);
    qr_keyed_hash(key, sizeof key, secret, context, bound, bound_count);
    qr_aad_init(&aad, context);
    for (size_t i = 0; i < in_aad; i++) {
        qr_aad_bytes(&aad, bound[i].data, bound[i].size);
    }
    qr_pad(message + 56, (struct quire_bytes){zeros, content_size}, 256);
    qr_aead_encrypt(message + 56, size, key, &aad, FRESH(1), message + 32);
    cr_assert_eq(quire_buffer_append(&out, message, 56 + size + QR_TAG_SIZE), QUIRE_OK);
    return out;
}

static const uint8_t zero_key[QR_KEY_SIZE];
static const struct quire_bytes zero = {zero_key, QR_KEY_SIZE};

Test(pair, an_ephemeral_key_that_makes_every_secret_the_same_is_refused)
{
    struct qr_pair *old = old_device(1), *new = new_device(old, 2);
    char code[QR_PAIR_CODE_SIZE];
    struct quire_buffer request = request_of(new, "x"), out = {0};
    qr_pair_code(old, code);
    const struct quire_bytes bound[] = {{request.data, QR_KEY_SIZE}, zero, zero};
    struct quire_buffer bad_reply = forged(code, QR_CONTEXT_PAIR_REPLY, bound, 3, 2, 1);
    cr_assert_eq(take_reply(new, &bad_reply), QUIRE_ECRYPTO);
    struct quire_buffer bad_request = forged(code, QR_CONTEXT_PAIR_REQUEST, &zero, 1, 1, 1);
    cr_assert_eq(take_request(old, &bad_request), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &out), QUIRE_ECRYPTO);
    cr_assert_eq(out.size, 0);
    cr_assert_eq(take_request(old, &request), QUIRE_OK);
    cr_assert_eq(qr_pair_seal_reply(old, text("y"), FRESH(61), &out), QUIRE_OK);
    quire_buffer_finish(&request);
    quire_buffer_finish(&bad_reply);
    quire_buffer_finish(&bad_request);
    quire_buffer_finish(&out);
    qr_pair_destroy(old);
    qr_pair_destroy(new);
}

Test(pair, content_above_the_limit_is_refused_from_one_who_knows_the_code_too)
{
    struct qr_pair *old = old_device(1);
    char code[QR_PAIR_CODE_SIZE];
    qr_pair_code(old, code);
    for (size_t size = QR_PAIR_REQUEST_MAX; size <= QR_PAIR_REQUEST_MAX + 100; size++) {
        struct quire_buffer request = forged(code, QR_CONTEXT_PAIR_REQUEST, &zero, 1, 1, size);
        cr_assert_eq(
            take_request(old, &request), size == QR_PAIR_REQUEST_MAX ? QUIRE_OK : QUIRE_EMALFORMED);
        quire_buffer_finish(&request);
    }
    qr_pair_destroy(old);
}
