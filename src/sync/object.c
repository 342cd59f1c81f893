/*
 * Objects of states.
 */
#include "sync/object.h"
#include "codec/packed.h"

static void finish_secret(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

enum quire_status qr_object_make(const struct qr_vault *vault, const uint8_t entry[QR_ENTRY_SIZE],
    uint32_t epoch, struct quire_bytes state, struct quire_buffer *out_object,
    uint8_t out_address[QR_HASH_SIZE])
{
    struct quire_buffer text = {0};
    size_t start = out_object->size;
    enum quire_status status = qr_pack(state, &text);
    if (status == QUIRE_OK) {
        status = qr_vault_seal_object(vault, entry, epoch, quire_buffer_bytes(&text), out_object);
    }
    if (status == QUIRE_OK) {
        qr_object_address(
            (struct quire_bytes){out_object->data + start, out_object->size - start}, out_address);
    }
    finish_secret(&text);
    return status;
}

enum quire_status qr_object_open(const struct qr_vault *vault, const uint8_t entry[QR_ENTRY_SIZE],
    struct quire_bytes object, struct quire_buffer *out_state)
{
    struct quire_buffer text = {0};
    size_t start = out_state->size, used = 0;
    enum quire_status status = qr_vault_open_object(vault, entry, object, &text);
    if (status == QUIRE_OK) {
        status = qr_unpack(quire_buffer_bytes(&text), out_state, &used);
    }
    if (status == QUIRE_OK && qr_object_text_size(used) != text.size) {
        out_state->size = start;
        status = QUIRE_EMALFORMED;
    }
    finish_secret(&text);
    return status;
}
