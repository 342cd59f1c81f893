/*
 * What leaves a document: its state, and its pending edits as deltas of a bounded size.
 */
#include "crdt/inner.h"

#define HEAD_SIZE 32 /* bytes of a delta of one replica before its first step, about */

size_t quire_document_pending_size(const struct quire_document *document)
{
    const struct qr_pending *pending = &document->pending;
    const struct qr_typing *typing = &document->typing;
    size_t records = pending->count + 2 * typing->count;
    size_t content = pending->content_size + typing->content_size;
    /* What was erased just now is, as a rule, what was typed just before. */
    content -= typing->erased_size < content ? typing->erased_size : content;
    return records == 0 ? 0 : HEAD_SIZE + content + 6 * records;
}

enum quire_status quire_document_encode(
    const struct quire_document *document, struct quire_buffer *out_state)
{
    if (qr_document_is_encoded(document)) {
        return quire_buffer_append(
            out_state, document->encoded.state.data, document->encoded.state.size);
    }
    enum quire_status status = qr_document_settle(document);
    return status == QUIRE_OK ? qr_encode_state(document, out_state) : status;
}

enum quire_status quire_document_encode_pending(
    const struct quire_document *document, struct quire_buffer *out_delta)
{
    enum quire_status status = qr_document_settle(document);
    return status == QUIRE_OK ? qr_encode_delta(document, document->pending.steps, out_delta)
                              : status;
}

/** Searches for about as many steps as fit. Sizes grow with the steps, nearly evenly, so that a few
 * tries do; then the range between too few and too many is halved, which always ends. */
#define STEP_SIZE 16 /* bytes of a step that stands alone, about */
struct cut {
    size_t max_size;
    uint64_t fits; /* steps; so many take fits_size bytes */
    size_t fits_size;
    uint64_t too_many;
    unsigned tries;
};

/** The next number of steps to try, between those that fit and those that do not. */
static uint64_t next_try(const struct cut *cut, uint64_t tried, size_t tried_size)
{
    double share = (double)(cut->max_size - cut->fits_size) * 0.95
        / (double)(tried_size > cut->fits_size ? tried_size - cut->fits_size : 1);
    double more = (double)(tried - cut->fits) * share;
    uint64_t room = cut->too_many - cut->fits - 1;
    if (cut->tries > 8) {
        return cut->fits + (room + 1) / 2;
    }
    more = more < 1 ? 1 : more;
    return cut->fits + (more > (double)room ? room : (uint64_t)more);
}

/** Leaves in the buffer a delta that fits, of so many steps. */
static enum quire_status encode_fitting(const struct quire_document *document, size_t max_size,
    struct quire_buffer *out_delta, uint64_t *out_steps)
{
    const size_t start = out_delta->size;
    const uint64_t all = document->pending.steps;
    struct cut cut = {.max_size = max_size, .fits_size = HEAD_SIZE, .too_many = all + 1};
    size_t size = quire_document_pending_size(document);
    /* Where more than fits may be pending, a part that is sure to fit says first what a step takes. */
    bool all_may_fit = size <= max_size && all <= max_size / 2;
    uint64_t steps = all_may_fit || all <= max_size / STEP_SIZE ? all : max_size / STEP_SIZE;
    for (;; cut.tries++) {
        enum quire_status status = qr_encode_delta(document, steps, out_delta);
        if (status != QUIRE_OK) {
            out_delta->size = start;
            return status;
        }
        size = out_delta->size - start;
        if (size <= max_size
            && (steps == all || steps + 1 == cut.too_many || size >= max_size - max_size / 4)) {
            break;
        }
        out_delta->size = start;
        uint64_t tried = steps;
        if (size > max_size) {
            if (steps == 1) {
                return QUIRE_ELIMIT; /* one always fits, but in what was restored out of order */
            }
            cut.too_many = steps;
            steps = next_try(&cut, tried, size);
        } else {
            uint64_t before = cut.fits;
            size_t before_size = cut.fits_size;
            cut.fits = steps;
            cut.fits_size = size;
            /* As much more as the last steps took. */
            size_t grown = size > before_size ? size - before_size : 1;
            steps = next_try(&cut, tried + (tried - before), size + grown);
        }
    }
    /* Further back, where an overwritten value would be parted from the one that replaces it. */
    *out_steps = qr_pending_boundary(&document->pending, steps);
    if (*out_steps == steps) {
        return QUIRE_OK;
    }
    out_delta->size = start;
    return qr_encode_delta(document, *out_steps, out_delta);
}

enum quire_status quire_document_take_delta(
    struct quire_document *document, size_t max_size, struct quire_buffer *out_delta)
{
    struct qr_pending *pending = &document->pending;
    const size_t start = out_delta->size;
    uint64_t steps;
    if (max_size < QR_DELTA_MIN) {
        return QUIRE_EINVALID;
    }
    enum quire_status status = qr_document_settle(document);
    if (status != QUIRE_OK) {
        return status;
    }
    if (pending->count == 0) {
        return QUIRE_ESTATE;
    }
    status = encode_fitting(document, max_size, out_delta, &steps);
    if (status == QUIRE_OK) {
        qr_pending_drop(pending, &document->replicas, steps);
        size_t taken = out_delta->size - start;
        qr_pending_forget_content(pending, taken);
    }
    return status;
}
