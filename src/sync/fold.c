/*
 * The fold. Batches and changes are sorted once; then one entry after another is merged and given away.
 */
#include "sync/fold.h"
#include "crypto/sign.h"
#include <assert.h>
#include <quire/document.h>
#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

struct fold_dep {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
};

struct fold_batch {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    size_t first_dep, dep_count;
    size_t arrival; /* its number among those that were added */
    size_t rank;    /* its place in canonical order */
};

struct fold_change {
    uint8_t entry[QR_ENTRY_SIZE];
    size_t batch; /* as it was added; from begin on its rank */
    uint32_t index;
};

/** An array that grows. */
struct list {
    void *items;
    size_t count, capacity, item_size;
};

struct qr_fold {
    struct list batches; /* struct fold_batch; from begin on by (replica, seq) */
    struct list deps;    /* struct fold_dep */
    struct list changes; /* struct fold_change; from begin on by entry, then canonical order */
    size_t *by_rank;     /* index of the batch with that rank */
    size_t entry_count;
    size_t next;                     /* of changes */
    struct quire_document *document; /* of the entry at `next`, as far as it is merged; or NULL */
    size_t first;                    /* of the changes of that entry */
    size_t skipped;
    bool begun;
};

static bool grow(struct list *list, size_t extra)
{
    size_t capacity = list->capacity == 0 ? 16 : list->capacity;
    while (capacity < list->count + extra) {
        capacity *= 2;
    }
    if (capacity == list->capacity) {
        return true;
    }
    void *items = realloc(list->items, capacity * list->item_size);
    if (items == NULL) {
        return false;
    }
    list->items = items;
    list->capacity = capacity;
    return true;
}

static struct fold_batch *batches_of(const struct qr_fold *fold)
{
    return fold->batches.items;
}

static struct fold_change *changes_of(const struct qr_fold *fold)
{
    return fold->changes.items;
}

enum quire_status qr_fold_create(struct qr_fold **out_fold)
{
    struct qr_fold *fold = calloc(1, sizeof *fold);
    if (fold == NULL) {
        return QUIRE_ENOMEM;
    }
    fold->batches.item_size = sizeof(struct fold_batch);
    fold->deps.item_size = sizeof(struct fold_dep);
    fold->changes.item_size = sizeof(struct fold_change);
    *out_fold = fold;
    return QUIRE_OK;
}

void qr_fold_destroy(struct qr_fold *fold)
{
    if (fold != NULL) {
        free(fold->batches.items);
        free(fold->deps.items);
        free(fold->changes.items);
        free(fold->by_rank);
        quire_document_destroy(fold->document);
        free(fold);
    }
}

enum quire_status qr_fold_add(struct qr_fold *fold, const struct qr_batch *batch)
{
    assert(!fold->begun);
    if (batch->version > QR_BATCH_VERSION || batch->reserved) {
        return QUIRE_EUNSUPPORTED;
    }
    if (!grow(&fold->batches, 1) || !grow(&fold->deps, QR_DEPS_MAX)
        || !grow(&fold->changes, QR_CHANGES_MAX)) {
        return QUIRE_ENOMEM;
    }
    size_t arrival = fold->batches.count++;
    struct fold_batch *added = &batches_of(fold)[arrival];
    *added = (struct fold_batch){.seq = batch->seq,
        .first_dep = fold->deps.count,
        .dep_count = batch->dep_count,
        .arrival = arrival};
    memcpy(added->replica, batch->replica, QR_REPLICA_SIZE);
    for (size_t i = 0; i < batch->dep_count; i++) {
        struct fold_dep *dep = &((struct fold_dep *)fold->deps.items)[fold->deps.count++];
        memcpy(dep->replica, batch->deps[i].replica, QR_REPLICA_SIZE);
        dep->seq = batch->deps[i].seq;
    }
    for (size_t i = 0; i < batch->change_count; i++) {
        if (batch->changes[i].kind == QR_CHANGE_OPS) {
            struct fold_change *change = &changes_of(fold)[fold->changes.count++];
            *change = (struct fold_change){.batch = arrival, .index = (uint32_t)i};
            memcpy(change->entry, batch->changes[i].entry, QR_ENTRY_SIZE);
        }
    }
    return QUIRE_OK;
}

/* ---- canonical order -------------------------------------------------------------------------- */

static int compare_places(const uint8_t *a, uint64_t a_seq, const uint8_t *b, uint64_t b_seq)
{
    int order = memcmp(a, b, QR_REPLICA_SIZE);
    return order != 0 ? order : (a_seq > b_seq) - (a_seq < b_seq);
}

static int compare_batches(const void *a, const void *b)
{
    const struct fold_batch *left = a, *right = b;
    return compare_places(left->replica, left->seq, right->replica, right->seq);
}

static int compare_changes(const void *a, const void *b)
{
    const struct fold_change *left = a, *right = b;
    int order = memcmp(left->entry, right->entry, QR_ENTRY_SIZE);
    if (order == 0) {
        order = (left->batch > right->batch) - (left->batch < right->batch);
    }
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* The first batch at or behind a place, in the sorted list. */
static size_t lower_bound(const struct qr_fold *fold, const uint8_t *replica, uint64_t seq)
{
    size_t low = 0, high = fold->batches.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fold_batch *batch = &batches_of(fold)[middle];
        if (compare_places(batch->replica, batch->seq, replica, seq) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Where a dependency is. NONE: not among these, so it is below the settled cut; out_missing if it cannot be:
 * an earlier batch of its chain is here. */
static size_t find_dep(const struct qr_fold *fold, const struct fold_dep *dep, bool *out_missing)
{
    size_t place = lower_bound(fold, dep->replica, dep->seq);
    const struct fold_batch *batches = batches_of(fold);
    if (place < fold->batches.count
        && compare_places(batches[place].replica, batches[place].seq, dep->replica, dep->seq)
            == 0) {
        return place;
    }
    *out_missing |=
        place > 0 && memcmp(batches[place - 1].replica, dep->replica, QR_REPLICA_SIZE) == 0;
    return NONE;
}

/** What canonical order is made with: for each batch those that wait for it. */
struct order {
    size_t *waits;  /* of each batch: how many it waits for */
    size_t *starts; /* of each batch: where its followers start; one more at the end */
    size_t *followers;
    size_t *ready; /* a heap of batches by index: by (replica, seq), as they are sorted */
    size_t ready_count;
};

static void push_ready(struct order *order, size_t batch)
{
    size_t place = order->ready_count++;
    while (place > 0 && order->ready[(place - 1) / 2] > batch) {
        order->ready[place] = order->ready[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    order->ready[place] = batch;
}

static size_t pop_ready(struct order *order)
{
    size_t least = order->ready[0], last = order->ready[--order->ready_count], place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < order->ready_count && order->ready[child + 1] < order->ready[child]) {
            child++;
        }
        if (child >= order->ready_count || order->ready[child] >= last) {
            break;
        }
        order->ready[place] = order->ready[child];
        place = child;
    }
    order->ready[place] = last;
    return least;
}

/* Calls `visit` for each batch that this one waits for. False: one is missing. */
static bool each_cause(const struct qr_fold *fold, size_t index,
    void (*visit)(struct order *order, size_t cause, size_t batch), struct order *order)
{
    const struct fold_batch *batch = &batches_of(fold)[index];
    bool missing = false;
    if (index > 0 && memcmp(batch[-1].replica, batch->replica, QR_REPLICA_SIZE) == 0) {
        missing = batch[-1].seq + 1 != batch->seq; /* a gap, or the same twice */
        visit(order, index - 1, index);
    }
    for (size_t i = 0; i < batch->dep_count && !missing; i++) {
        const struct fold_dep *dep = &((struct fold_dep *)fold->deps.items)[batch->first_dep + i];
        size_t cause = find_dep(fold, dep, &missing);
        if (cause != NONE) {
            visit(order, cause, index);
        }
    }
    return !missing;
}

static void count_cause(struct order *order, size_t cause, size_t batch)
{
    order->waits[batch]++;
    order->starts[cause + 1]++;
}

static void note_follower(struct order *order, size_t cause, size_t batch)
{
    order->followers[order->starts[cause]++] = batch;
}

/* Gives each batch its rank. EMALFORMED: not closed, or a circle. */
static enum quire_status rank_all(struct qr_fold *fold, struct order *order)
{
    size_t count = fold->batches.count, rank = 0;
    for (size_t i = 0; i < count; i++) {
        if (!each_cause(fold, i, count_cause, order)) {
            return QUIRE_EMALFORMED;
        }
    }
    for (size_t i = 0; i < count; i++) {
        order->starts[i + 1] += order->starts[i];
    }
    for (size_t i = 0; i < count; i++) {
        (void)each_cause(fold, i, note_follower, order);
    }
    /* each start has moved to its end, which is where the next one's followers begin */
    for (size_t i = 0; i < count; i++) {
        if (order->waits[i] == 0) {
            push_ready(order, i);
        }
    }
    while (order->ready_count > 0) {
        size_t least = pop_ready(order);
        fold->by_rank[rank] = least;
        batches_of(fold)[least].rank = rank++;
        for (size_t i = least == 0 ? 0 : order->starts[least - 1]; i < order->starts[least]; i++) {
            if (--order->waits[order->followers[i]] == 0) {
                push_ready(order, order->followers[i]);
            }
        }
    }
    return rank == count ? QUIRE_OK : QUIRE_EMALFORMED;
}

static void sort_changes(struct qr_fold *fold, const size_t *rank_of_arrival)
{
    struct fold_change *changes = changes_of(fold);
    fold->entry_count = 0;
    for (size_t i = 0; i < fold->changes.count; i++) {
        changes[i].batch = rank_of_arrival[changes[i].batch];
    }
    if (fold->changes.count > 0) {
        qsort(changes, fold->changes.count, sizeof *changes, compare_changes);
    }
    for (size_t i = 0; i < fold->changes.count; i++) {
        fold->entry_count +=
            i == 0 || memcmp(changes[i - 1].entry, changes[i].entry, QR_ENTRY_SIZE) != 0;
    }
}

enum quire_status qr_fold_begin(struct qr_fold *fold)
{
    assert(!fold->begun);
    size_t count = fold->batches.count;
    struct order order = {.waits = calloc(count + 1, sizeof(size_t)),
        .starts = calloc(count + 1, sizeof(size_t)),
        .followers = calloc(count + fold->deps.count + 1, sizeof(size_t)),
        .ready = calloc(count + 1, sizeof(size_t))};
    size_t *rank_of_arrival = calloc(count + 1, sizeof(size_t));
    free(fold->by_rank);
    fold->by_rank = calloc(count + 1, sizeof(size_t));
    enum quire_status status = QUIRE_ENOMEM;
    if (order.waits != NULL && order.starts != NULL && order.followers != NULL
        && order.ready != NULL && rank_of_arrival != NULL && fold->by_rank != NULL) {
        if (count > 0) {
            qsort(fold->batches.items, count, sizeof(struct fold_batch), compare_batches);
        }
        status = rank_all(fold, &order);
    }
    if (status == QUIRE_OK) {
        for (size_t i = 0; i < count; i++) {
            const struct fold_batch *batch = &batches_of(fold)[i];
            rank_of_arrival[batch->arrival] = batch->rank;
        }
        sort_changes(fold, rank_of_arrival);
        fold->begun = true;
    }
    free(order.waits);
    free(order.starts);
    free(order.followers);
    free(order.ready);
    free(rank_of_arrival);
    return status;
}

/* ---- merging ---------------------------------------------------------------------------------- */

static void finish_secret(struct quire_buffer *buffer)
{
    if (buffer->data != NULL) {
        qr_wipe(buffer->data, buffer->capacity);
    }
    quire_buffer_finish(buffer);
}

/* The document that the entry's changes are merged into: its settled state, or an empty one. */
static enum quire_status open_document(
    struct qr_fold *fold, const struct qr_fold_source *source, const uint8_t *entry)
{
    struct quire_buffer state = {0};
    struct quire_document *document = NULL;
    enum quire_status status = quire_document_create(&document);
    if (status == QUIRE_OK) {
        status = source->settled(source->context, entry, &state);
        if (status == QUIRE_OK) {
            status = quire_document_merge(document, quire_buffer_bytes(&state));
        } else if (status == QUIRE_ENOTFOUND) {
            status = QUIRE_OK;
        }
    }
    finish_secret(&state);
    if (status != QUIRE_OK) {
        quire_document_destroy(document);
        return status;
    }
    fold->document = document;
    fold->first = fold->next;
    return QUIRE_OK;
}

/* Does every device find that this change cannot be merged here? */
static bool is_skipped(enum quire_status status)
{
    return status == QUIRE_ECRYPTO || status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT;
}

static enum quire_status merge_change(
    struct qr_fold *fold, const struct qr_fold_source *source, const struct fold_change *change)
{
    const struct fold_batch *batch = &batches_of(fold)[fold->by_rank[change->batch]];
    struct quire_buffer delta = {0};
    enum quire_status status =
        source->change(source->context, batch->replica, batch->seq, change->index, &delta);
    if (status == QUIRE_OK) {
        status = quire_document_merge(fold->document, quire_buffer_bytes(&delta));
    }
    finish_secret(&delta);
    if (is_skipped(status)) {
        fold->skipped++;
        status = QUIRE_OK;
    }
    return status;
}

static enum quire_status give_away(
    struct qr_fold *fold, const struct qr_fold_source *source, const uint8_t *entry)
{
    struct quire_buffer state = {0};
    enum quire_status status = quire_document_encode(fold->document, &state);
    if (status == QUIRE_OK) {
        status = source->folded(source->context, entry, quire_buffer_bytes(&state));
    }
    finish_secret(&state);
    if (status == QUIRE_OK) {
        quire_document_destroy(fold->document);
        fold->document = NULL;
    }
    return status;
}

enum quire_status qr_fold_step(
    struct qr_fold *fold, const struct qr_fold_source *source, size_t change_count, bool *out_done)
{
    assert(fold->begun);
    const struct fold_change *changes = changes_of(fold);
    size_t count = fold->changes.count;
    enum quire_status status = QUIRE_OK;
    while (
        status == QUIRE_OK && change_count > 0 && (fold->next < count || fold->document != NULL)) {
        bool ends = fold->document != NULL && fold->next > fold->first
            && (fold->next == count
                || memcmp(changes[fold->next - 1].entry, changes[fold->next].entry, QR_ENTRY_SIZE)
                    != 0);
        if (ends) {
            status = give_away(fold, source, changes[fold->next - 1].entry);
            continue;
        }
        if (fold->document == NULL) {
            status = open_document(fold, source, changes[fold->next].entry);
        }
        if (status == QUIRE_OK) {
            status = merge_change(fold, source, &changes[fold->next]);
        }
        if (status == QUIRE_OK) {
            fold->next++;
            change_count--;
        }
    }
    if (status == QUIRE_OK) {
        *out_done = fold->next == count && fold->document == NULL;
    }
    return status;
}

size_t qr_fold_skipped(const struct qr_fold *fold)
{
    return fold->skipped;
}

size_t qr_fold_changes(const struct qr_fold *fold)
{
    return fold->changes.count;
}

size_t qr_fold_entries(const struct qr_fold *fold)
{
    return fold->entry_count;
}
