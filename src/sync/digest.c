/*
 * The digest of what a document shows: shared by audits, tests and the simulation.
 */
#include "crypto/hash.h"
#include <quire/device.h>

enum quire_status quire_document_digest(
    const struct quire_document *document, uint8_t out_digest[32])
{
    struct quire_buffer canonical = {0};
    enum quire_status status = quire_document_canonical(document, &canonical);
    if (status == QUIRE_OK) {
        struct quire_bytes bytes = quire_buffer_bytes(&canonical);
        qr_hash(out_digest, QR_CONTEXT_DIGEST, &bytes, 1);
    }
    quire_buffer_finish(&canonical);
    return status;
}
