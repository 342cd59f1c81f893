/*
 * What leaves a document: its state, and its pending edits as deltas of a bounded size.
 */
#include "crdt/inner.h"

size_t quire_document_pending_size(const struct quire_document *document)
{
    const struct qr_pending *pending = &document->pending;
    return pending->count == 0 ? 0 : 32 + pending->content_size + 6 * pending->count;
}

enum quire_status quire_document_encode(const struct quire_document *document,
    struct quire_buffer *out_state)
{
    return qr_encode_state(document, out_state);
}

enum quire_status quire_document_encode_pending(const struct quire_document *document,
    struct quire_buffer *out_delta)
{
    return qr_encode_delta(document, qr_pending_steps(&document->pending), SIZE_MAX, out_delta);
}

enum quire_status quire_document_take_delta(struct quire_document *document, size_t max_size,
    struct quire_buffer *out_delta)
{
    struct qr_pending *pending = &document->pending;
    if (max_size < QR_DELTA_MIN) {
        return QUIRE_EINVALID;
    }
    if (pending->count == 0) {
        return QUIRE_ESTATE;
    }
    size_t start = out_delta->size;
    uint64_t steps = qr_pending_steps(pending);
    enum quire_status status = qr_encode_delta(document, steps, max_size, out_delta);
    if (status == QUIRE_ELIMIT) {
        /* Too much at once: the most steps that fit. One always does, whatever it is. */
        uint64_t low = 0;
        uint64_t high = steps;
        while (high - low > 1) {
            uint64_t middle = low + (high - low) / 2;
            status = qr_encode_delta(document, middle, max_size, out_delta);
            out_delta->size = start;
            if (status == QUIRE_OK) {
                low = middle;
            } else if (status == QUIRE_ELIMIT) {
                high = middle;
            } else {
                return status;
            }
        }
        steps = qr_pending_boundary(pending, low);
        status = qr_encode_delta(document, steps, max_size, out_delta);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    qr_pending_drop(pending, &document->sessions, steps);
    size_t taken = out_delta->size - start;
    pending->content_size -= taken < pending->content_size ? taken : pending->content_size;
    return QUIRE_OK;
}
