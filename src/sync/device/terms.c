/*
 * Index terms of an entry, gathered from what it shows and written sealed.
 */
#include "sync/device/terms.h"
#include "sync/device/actions.h"
#include "sync/device/records.h"
#include "sync/search.h"

static enum quire_status gather(
    const struct quire_document *document, struct qr_search_words *words)
{
    struct quire_buffer text = {0};
    struct quire_value title;
    struct quire_element element;
    enum quire_status status =
        quire_buffer_append(&words->words, &(uint8_t){DEVICE_TERMS_VERSION}, 1);
    for (size_t i = 0; status == QUIRE_OK
         && quire_document_register(document, QUIRE_REGISTER_TITLE, i, &title) == QUIRE_OK;
         i++) {
        status = qr_search_add(words, title.text);
    }
    for (unsigned set = 0; set < QUIRE_SET_COUNT; set++) {
        for (size_t i = 0; status == QUIRE_OK
             && quire_document_set_element(document, (enum quire_set)set, i, &element) == QUIRE_OK;
             i++) {
            status = qr_search_add(words, element.name);
        }
    }
    if (status == QUIRE_OK) {
        status = quire_document_text(document, &text);
    }
    if (status == QUIRE_OK) {
        status = qr_search_add(words, quire_buffer_bytes(&text));
    }
    if (text.data != NULL) {
        qr_wipe(text.data, text.capacity);
    }
    quire_buffer_finish(&text);
    return status;
}

struct device_key device_terms_key(const struct quire_device *device, const uint8_t *entry)
{
    return device_key_number('f', entry, QR_ENTRY_SIZE, device->fold.version, 4);
}

void device_write_terms(struct quire_device *device, const struct device_entry *entry)
{
    struct qr_search_words words = {.fold = &device->fold};
    if (device_ok(device, gather(entry->document, &words))) {
        struct device_key key = device_terms_key(device, entry->entry);
        device_write_sealed(device, &key, quire_buffer_bytes(&words.words));
    }
    qr_search_finish(&words);
}

void device_write_no_terms(struct quire_device *device, const uint8_t *entry)
{
    struct device_key key = device_terms_key(device, entry);
    device_write_sealed(device, &key, (struct quire_bytes){&(uint8_t){DEVICE_TERMS_VERSION}, 1});
}

void device_erase_terms(struct quire_device *device, const uint8_t *entry)
{
    struct device_key key = device_terms_key(device, entry);
    device_erase(device, device_key_bytes(&key));
}
