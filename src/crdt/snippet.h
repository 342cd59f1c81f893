/*
 * The beginning of a text, for lists: without reading all of it.
 */
#ifndef QR_CRDT_SNIPPET_H
#define QR_CRDT_SNIPPET_H

#include <quire/document.h>

/** Appends the first `points` code points of the text, or all of it. ENOMEM. */
QUIRE_CHECKED enum quire_status qr_document_snippet(
    const struct quire_document *document, size_t points, struct quire_buffer *out_text);

#endif
