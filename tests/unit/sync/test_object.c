/*
 * Objects: protocol/vectors/history.json, and what else must hold of them.
 */
#include "../vectors.h"
#include "codec/packed.h"
#include "crypto/vault_inner.h"
#include "sync/object.h"

struct book {
    json_t *root;
    struct qr_vault *vault;
    uint8_t entry[QR_ENTRY_SIZE];
    uint32_t epoch;
};

static void read_exactly(const json_t *object, const char *key, uint8_t *out, size_t size)
{
    struct quire_buffer bytes = vector_bytes(object, key);
    cr_assert_eq(bytes.size, size, "%s", key);
    memcpy(out, bytes.data, size);
    quire_buffer_finish(&bytes);
}

static struct book open_book(void)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE];
    struct book book = {.root = vectors_load("history.json")};
    uint8_t user[QR_USER_SIZE], key[QR_KEY_SIZE];
    cr_assert(qr_crypto_init());
    read_exactly(book.root, "user", user, sizeof user);
    read_exactly(book.root, "key", key, sizeof key);
    read_exactly(book.root, "entry", book.entry, sizeof book.entry);
    book.epoch = (uint32_t)vector_number(book.root, "epoch");
    cr_assert_eq(qr_vault_create(entropy, &book.vault), QUIRE_OK);
    qr_vault_set_user(book.vault, user);
    cr_assert_eq(qr_vault_add_key(book.vault, book.epoch, key), QUIRE_OK);
    return book;
}

static void close_book(struct book *book)
{
    qr_vault_destroy(book->vault);
    json_decref(book->root);
}

static enum quire_status refusal_of(const json_t *vector)
{
    const char *text = vector_text(vector, "status");
    return strcmp(text, "crypto") == 0 ? QUIRE_ECRYPTO
        : strcmp(text, "no key") == 0  ? QUIRE_ENOTFOUND
                                       : vector_status(vector);
}

Test(object, valid_objects_hold_their_state_and_are_made_again_byte_for_byte)
{
    struct book book = open_book();
    const json_t *vector;
    size_t i, made = 0;
    json_array_foreach(json_object_get(book.root, "objects"), i, vector)
    {
        if (json_object_get(vector, "status") != NULL) {
            continue;
        }
        const char *name = vector_text(vector, "name");
        struct quire_buffer object = vector_bytes(vector, "object"), state = {0}, again = {0};
        uint8_t address[QR_HASH_SIZE];
        enum quire_status status =
            qr_object_open(book.vault, book.entry, quire_buffer_bytes(&object), &state);
        cr_assert_eq(status, QUIRE_OK, "%s: %s", name, quire_status_text(status));
        cr_assert(vector_is(vector, "state", state.data, state.size), "%s", name);
        qr_object_address(quire_buffer_bytes(&object), address);
        cr_assert(vector_is(vector, "address", address, sizeof address), "%s", name);
        cr_assert_eq(qr_object_make(book.vault, book.entry, book.epoch, quire_buffer_bytes(&state),
                         &again, address),
            QUIRE_OK);
        if (json_object_get(vector, "again") == NULL) { /* not of another program */
            cr_assert(vector_is(vector, "object", again.data, again.size), "%s", name);
            cr_assert(vector_is(vector, "address", address, sizeof address), "%s", name);
            made++;
        }
        quire_buffer_finish(&object);
        quire_buffer_finish(&state);
        quire_buffer_finish(&again);
    }
    cr_assert_geq(made, 5);
    close_book(&book);
}

Test(object, what_is_no_object_of_the_entry_is_refused_and_changes_nothing)
{
    struct book book = open_book();
    const json_t *vector;
    size_t i, refused = 0;
    json_array_foreach(json_object_get(book.root, "objects"), i, vector)
    {
        if (json_object_get(vector, "status") == NULL) {
            continue;
        }
        struct quire_buffer object = vector_bytes(vector, "object"), state = {0};
        cr_assert_eq(quire_buffer_append(&state, "before", 6), QUIRE_OK);
        enum quire_status status =
            qr_object_open(book.vault, book.entry, quire_buffer_bytes(&object), &state);
        cr_assert_eq(status, refusal_of(vector), "%s: %s", vector_text(vector, "name"),
            quire_status_text(status));
        cr_assert_eq(state.size, 6);
        quire_buffer_finish(&object);
        quire_buffer_finish(&state);
        refused++;
    }
    cr_assert_geq(refused, 15);
    close_book(&book);
}

Test(object, an_object_cut_short_or_with_a_byte_changed_is_refused)
{
    struct book book = open_book();
    struct quire_buffer object = {0}, state = {0};
    uint8_t address[QR_HASH_SIZE], other[QR_HASH_SIZE];
    cr_assert_eq(qr_object_make(book.vault, book.entry, book.epoch,
                     quire_bytes_of_text("what the entry is"), &object, address),
        QUIRE_OK);
    cr_assert_eq(object.size, QR_OBJECT_OVERHEAD + 256);
    for (size_t size = 0; size < object.size; size++) {
        struct quire_bytes cut = {object.data, size};
        cr_assert_neq(qr_object_open(book.vault, book.entry, cut, &state), QUIRE_OK);
    }
    for (size_t i = 0; i < object.size; i++) {
        object.data[i] ^= 0x40;
        cr_assert_neq(
            qr_object_open(book.vault, book.entry, quire_buffer_bytes(&object), &state), QUIRE_OK);
        qr_object_address(quire_buffer_bytes(&object), other);
        cr_assert_neq(memcmp(address, other, sizeof other), 0);
        object.data[i] ^= 0x40;
    }
    cr_assert_eq(state.size, 0);
    quire_buffer_finish(&object);
    quire_buffer_finish(&state);
    close_book(&book);
}

Test(object, a_state_another_entry_and_another_epoch_each_give_another_object)
{
    struct book book = open_book();
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {1};
    uint8_t addresses[4][QR_HASH_SIZE], entry[QR_ENTRY_SIZE] = {1, 2, 3};
    struct quire_buffer object = {0};
    struct quire_bytes state = quire_bytes_of_text("one state"),
                       other = quire_bytes_of_text("another");
    cr_assert_eq(qr_vault_new_epoch(book.vault, book.epoch + 1, entropy), QUIRE_OK);
    cr_assert_eq(
        qr_object_make(book.vault, book.entry, book.epoch, state, &object, addresses[0]), QUIRE_OK);
    cr_assert_eq(
        qr_object_make(book.vault, book.entry, book.epoch, other, &object, addresses[1]), QUIRE_OK);
    cr_assert_eq(
        qr_object_make(book.vault, entry, book.epoch, state, &object, addresses[2]), QUIRE_OK);
    cr_assert_eq(
        qr_object_make(book.vault, book.entry, book.epoch + 1, state, &object, addresses[3]),
        QUIRE_OK);
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < i; j++) {
            cr_assert_neq(memcmp(addresses[i], addresses[j], QR_HASH_SIZE), 0, "%zu %zu", i, j);
        }
    }
    cr_assert_eq(
        qr_object_make(book.vault, entry, 99, state, &object, addresses[0]), QUIRE_ENOTFOUND);
    quire_buffer_finish(&object);
    close_book(&book);
}

/* The largest, and one byte more. It takes a while to deflate what is all the same: it is not done twice. */
Test(object, a_state_above_64_mib_has_no_object)
{
    struct book book = open_book();
    struct quire_buffer state = {0}, text = {0};
    cr_assert_eq(quire_buffer_reserve(&state, QR_OBJECT_MAX + 1), QUIRE_OK);
    memset(state.data, 'a', QR_OBJECT_MAX + 1);
    cr_assert_eq(qr_pack((struct quire_bytes){state.data, QR_OBJECT_MAX + 1}, &text), QUIRE_ELIMIT);
    cr_assert_eq(text.size, 0);
    cr_assert_eq(qr_pack((struct quire_bytes){state.data, QR_OBJECT_MAX}, &text), QUIRE_OK);
    cr_assert_eq(
        text.size, QR_PACKED_HEADER + QR_OBJECT_MAX, "it would be more than 16 times smaller");
    quire_buffer_finish(&state);
    quire_buffer_finish(&text);
    close_book(&book);
}
