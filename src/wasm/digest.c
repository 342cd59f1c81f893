/*
 * A document's digest: the one function of documents that needs libsodium.
 */
#include "wasm/exports.h"
#include "wasm/rows.h"

int quire_wasm_document_digest(const struct quire_document *document, struct quire_buffer *out)
{
    uint8_t digest[32];
    struct rows rows = rows_begin(out);
    enum quire_status status = quire_document_digest(document, digest);
    if (status == QUIRE_OK) {
        rows_fixed(&rows, digest, sizeof digest);
    }
    return (int)rows_end(&rows, status);
}
