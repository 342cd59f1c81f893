/*
 * Whether what a payload refers to exists: in the document, or earlier in the payload itself. So
 * nothing ever refers in a circle, and an effect never comes without its cause.
 */
#include "crdt/payload.h"
#include <stdlib.h>

/** The payload's runs by id, to be searched. */
struct index {
    uint64_t id;
    uint32_t length;
    uint32_t place; /* in the payload's order */
};

static int compare_index(const void *a, const void *b)
{
    uint64_t left = ((const struct index *)a)->id;
    uint64_t right = ((const struct index *)b)->id;
    return left < right ? -1 : left > right;
}

static uint64_t seen_of(const struct quire_document *document, uint64_t id)
{
    uint32_t session = qr_id_session(id);
    return session > 0 && session <= document->sessions.count ? document->sessions.at[session].seen
                                                              : 0;
}

uint64_t qr_payload_seen(const struct quire_document *document, const struct qr_payload *payload,
    uint64_t id)
{
    uint64_t seen = seen_of(document, id);
    uint32_t rank = payload->by_number[qr_id_session(id)];
    uint64_t last = rank == QR_NONE ? 0 : payload->sessions[rank].last;
    return last > seen ? last : seen;
}

/** How many ids from this one on are characters of the runs before `place`, without a gap. */
static uint64_t promised(const struct index *index, size_t count, uint64_t id, size_t place)
{
    size_t low = 0; /* the last run that begins at or before the id is below high */
    size_t high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (index[middle].id <= id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || index[low - 1].place >= place
        || id - index[low - 1].id >= index[low - 1].length) {
        return 0;
    }
    return index[low - 1].id + index[low - 1].length - id;
}

/** All of the range exists: what was seen in the document, the rest in the runs before `place`. */
static bool exists(const struct quire_document *document, const struct index *index, size_t count,
    size_t place, uint64_t id, uint64_t length)
{
    uint64_t seen = seen_of(document, id);
    if (qr_id_counter(id) <= seen) {
        uint64_t old = seen - qr_id_counter(id) + 1;
        old = old < length ? old : length;
        if (qr_text_known(&document->text, id, old) != old) {
            return false;
        }
        id += old;
        length -= old;
    }
    while (length > 0) {
        uint64_t here = promised(index, count, id, place);
        if (here == 0) {
            return false;
        }
        here = here < length ? here : length;
        id += here;
        length -= here;
    }
    return true;
}

static bool all_exists(const struct quire_document *document, const struct qr_payload *payload,
    const struct index *index)
{
    size_t count = payload->run_count;
    for (size_t i = 0; i < count; i++) {
        const struct qr_run *run = &payload->runs[i];
        if (!exists(document, index, count, i + 1, run->id, run->length)
            || (run->parent != QR_ID_NONE && !exists(document, index, count, i, run->parent, 1))
            || (run->right != QR_ID_NONE && !exists(document, index, count, i, run->right, 1))) {
            return false;
        }
    }
    for (size_t i = 0; i < payload->erased_count; i++) {
        if (!exists(document, index, count, count, payload->erased[i].id,
                payload->erased[i].length)) {
            return false;
        }
    }
    for (size_t i = 0; i < payload->removed_count; i++) {
        uint64_t id = payload->removed[i];
        if (qr_id_counter(id) > qr_payload_seen(document, payload, id)) {
            return false;
        }
    }
    for (size_t i = 0; i < payload->deleted_count; i++) {
        uint64_t id = payload->deleted[i];
        if (qr_id_counter(id) > qr_payload_seen(document, payload, id)) {
            return false;
        }
    }
    return true;
}

/* ---- children ----------------------------------------------------------------------------- */

/** A character that a new run hangs on, and the side. */
struct parent {
    uint64_t id;
    bool left;
};

static int compare_parents(const void *a, const void *b)
{
    const struct parent *left = a;
    const struct parent *right = b;
    if (left->id != right->id) {
        return left->id < right->id ? -1 : 1;
    }
    return (int)left->left - (int)right->left;
}

/** A session types at most one left and one right child of a character, so there is a bound; beyond
 * it somebody only wants siblings to be searched. */
static enum quire_status check_children(const struct quire_document *document,
    const struct qr_payload *payload)
{
    struct parent *parents = calloc(payload->run_count + 1, sizeof *parents);
    if (parents == NULL) {
        return QUIRE_ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < payload->run_count; i++) {
        const struct qr_run *run = &payload->runs[i];
        if (qr_id_counter(run->id) > seen_of(document, run->id)) {
            bool left = run->parent != QR_ID_NONE && run->parent == run->right;
            parents[count++] = (struct parent){run->parent, left};
        }
    }
    qsort(parents, count, sizeof *parents, compare_parents);
    enum quire_status status = QUIRE_OK;
    for (size_t i = 0, end; i < count && status == QUIRE_OK; i = end) {
        for (end = i + 1; end < count && compare_parents(&parents[i], &parents[end]) == 0;) {
            end++;
        }
        bool here = qr_id_counter(parents[i].id) <= seen_of(document, parents[i].id);
        size_t before = here ? qr_text_children(&document->text, parents[i].id, parents[i].left) : 0;
        status = before + (end - i) > QR_CHILDREN_MAX ? QUIRE_ELIMIT : QUIRE_OK;
    }
    free(parents);
    return status;
}

enum quire_status qr_payload_check(const struct quire_document *document,
    const struct qr_payload *payload)
{
    struct index *index = calloc(payload->run_count + 1, sizeof *index);
    if (index == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < payload->run_count; i++) {
        index[i] = (struct index){payload->runs[i].id, payload->runs[i].length, (uint32_t)i};
    }
    qsort(index, payload->run_count, sizeof *index, compare_index);
    bool sound = all_exists(document, payload, index);
    free(index);
    return sound ? check_children(document, payload) : QUIRE_EMALFORMED;
}
