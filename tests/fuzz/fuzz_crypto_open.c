/*
 * Everything of crypto/ that reads bytes from outside. The first byte chooses what reads the rest.
 * No input gets past a tag by itself, so what stands behind one is read as plaintext too: a hostile
 * device of the same user may have sealed it.
 */
#include "crypto/padding.h"
#include "crypto/pair.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t fresh[QR_ENTROPY_SIZE] = {1}, user[QR_USER_SIZE] = {2}, device[QR_DEVICE_SIZE];
static const struct quire_bytes record_name = {device, sizeof device};
static const struct qr_change_place place = {.seq = 1, .kind = 1, .epoch = 1};

static struct qr_vault *make_vault(void)
{
    struct qr_vault *vault = NULL;
    if (qr_vault_create(fresh, &vault) != QUIRE_OK) {
        return NULL;
    }
    qr_vault_set_user(vault, user);
    if (qr_vault_new_epoch(vault, 1, fresh) != QUIRE_OK
        || qr_vault_new_epoch(vault, 2, fresh) != QUIRE_OK) {
        qr_vault_destroy(vault);
        return NULL;
    }
    return vault;
}

/* Fixed-size things are read from the input, zeros past its end. */
static void take(void *out, size_t size, struct quire_bytes *input)
{
    size_t there = input->size < size ? input->size : size;
    memset(out, 0, size);
    if (there > 0) {
        memcpy(out, input->data, there);
    }
    input->data += there;
    input->size -= there;
}

static void read_kit(struct quire_bytes input)
{
    struct qr_kit *kit = NULL, *again = NULL;
    char text[QR_KIT_TEXT_SIZE];
    if (qr_kit_parse(input, &kit) == QUIRE_OK) {
        qr_kit_text(kit, text);
        enum quire_status status = qr_kit_parse(quire_bytes_of_text(text), &again);
        assert(status == QUIRE_OK);
    }
    qr_kit_destroy(kit);
    qr_kit_destroy(again);
}

static void read_code(struct quire_bytes input)
{
    struct qr_pair *pair = NULL;
    if (qr_pair_parse(input, fresh, &pair) == QUIRE_OK) {
        char code[QR_PAIR_CODE_SIZE];
        qr_pair_code(pair, code);
    }
    qr_pair_destroy(pair);
}

static void read_pair_message(struct quire_bytes input, bool reply)
{
    struct qr_pair *pair = NULL;
    struct quire_buffer out = {0};
    enum quire_status status;
    if (reply) {
        status = qr_pair_parse(quire_bytes_of_text("0123-4567-89AB-CDEF-GHJK"), fresh, &pair);
    } else {
        status = qr_pair_create(fresh, &pair);
    }
    if (status == QUIRE_OK) {
        status =
            reply ? qr_pair_open_reply(pair, input, &out) : qr_pair_open_request(pair, input, &out);
        assert(status != QUIRE_OK && out.size == 0); /* a tag cannot be guessed */
    }
    qr_pair_destroy(pair);
}

static void read_change(struct qr_vault *vault, struct quire_bytes input)
{
    uint8_t nonce[QR_NONCE_SIZE];
    struct quire_buffer out = {0};
    take(nonce, sizeof nonce, &input);
    enum quire_status status = qr_vault_open_change(vault, &place, nonce, input, &out);
    assert(status != QUIRE_OK && out.size == 0);
    quire_buffer_finish(&out);
}

/* The input as what a change decrypts to: padding is read from a stranger too. */
static void read_padding(struct quire_bytes input)
{
    struct quire_bytes plaintext;
    if (qr_unpad(input, 64, &plaintext) == QUIRE_OK) {
        assert(plaintext.size + QR_PADDING_HEADER <= input.size);
        assert(qr_padded_size(plaintext.size, 64) == input.size);
    }
}

static void read_name(struct qr_vault *vault, struct quire_bytes input)
{
    uint8_t sealed[QR_NAME_SIZE];
    struct quire_buffer out = {0};
    take(sealed, sizeof sealed, &input);
    enum quire_status status = qr_vault_open_name(vault, 1, device, sealed, &out);
    assert(status != QUIRE_OK && out.size == 0);
    quire_buffer_finish(&out);
}

static void read_keys(struct qr_vault *vault, struct quire_bytes input)
{
    uint8_t seal[QR_SEAL_SIZE], wrap[QR_WRAP_SIZE], commitment[QR_HASH_SIZE];
    take(commitment, sizeof commitment, &input);
    take(seal, sizeof seal, &input);
    take(wrap, sizeof wrap, &input);
    bool opened = qr_vault_open_epoch(vault, 3, seal, commitment) == QUIRE_OK
        || qr_vault_unwrap_previous(vault, 2, wrap, commitment) == QUIRE_OK;
    assert(!opened && qr_vault_epoch(vault) == 2);
}

static void read_record(struct quire_bytes input)
{
    struct quire_buffer out = {0};
    enum quire_status status = qr_local_open(fresh, record_name, input, &out);
    assert(status != QUIRE_OK && out.size == 0);
    quire_buffer_finish(&out);
}

/* The input as what a vault's record decrypts to: what loads is what would be saved. */
static void read_vault(struct quire_bytes input)
{
    struct quire_buffer sealed = {0}, saved = {0};
    struct qr_vault *vault = NULL;
    if (qr_local_seal(fresh, record_name, input, fresh, &sealed) == QUIRE_OK
        && qr_vault_load(fresh, record_name, quire_buffer_bytes(&sealed), &vault) == QUIRE_OK
        && qr_vault_save(vault, fresh, record_name, fresh, &saved) == QUIRE_OK) {
        assert(quire_bytes_equal(quire_buffer_bytes(&sealed), quire_buffer_bytes(&saved)));
    }
    qr_vault_destroy(vault);
    quire_buffer_finish(&sealed);
    quire_buffer_finish(&saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || !qr_crypto_init()) {
        return 0;
    }
    struct qr_vault *vault = make_vault();
    if (vault == NULL) {
        return 0;
    }
    const struct quire_bytes input = {data + 1, size - 1};
    switch (data[0] % 10) {
    case 0: read_kit(input); break;
    case 1: read_code(input); break;
    case 2: read_pair_message(input, false); break;
    case 3: read_pair_message(input, true); break;
    case 4: read_change(vault, input); break;
    case 5: read_padding(input); break;
    case 6: read_name(vault, input); break;
    case 7: read_keys(vault, input); break;
    case 8: read_record(input); break;
    case 9: read_vault(input); break;
    default: break;
    }
    qr_vault_destroy(vault);
    return 0;
}
