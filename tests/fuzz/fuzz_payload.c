/*
 * Drawn payloads are merged into a document as they come. What is refused changes nothing; what is taken
 * in can be written, opened encoded, merged again and read by other devices, and all end in the same.
 */
#include "drawer.h"

#define PAYLOADS_MAX 24

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct drawer drawer = {.next = data, .left = size};
    struct quire_document *document;
    OK(quire_document_create(&document));
    begin(&drawer, document);
    size_t taken = 0;
    for (size_t i = 0; i < PAYLOADS_MAX && drawer.left > 0; i++) {
        taken += merge_drawn(&drawer, document) ? 1 : 0;
    }
    if (taken > 0) {
        check_travels(document);
    }
    quire_document_destroy(document);
    return 0;
}
