/*
 * An entry's versions: its changes in all batches that are kept, merged again one after another.
 *
 * Changes go in the order of their authors' clocks as far as deps allow: those of one replica in its
 * order, and one whose deps are not merged yet is refused by the document, unchanged, and waits for
 * the others. The same batches give the same versions on every device.
 */
#include "crdt/written.h"
#include "sync/device/merge.h"
#include <stdlib.h>

struct delta {
    size_t offset, size; /* in the history's bytes */
};

/** What one batch did to the entry. */
struct step {
    uint8_t hash[QR_HASH_SIZE];
    uint8_t device[QR_DEVICE_SIZE];
    int64_t wall_ms;
    size_t next, end; /* of its deltas */
};

/** The steps of one replica, in its order. */
struct queue {
    uint8_t replica[QR_REPLICA_SIZE];
    size_t next, end;
    bool waits; /* refused, and nothing was merged since */
};

struct history {
    struct quire_device *device;
    const uint8_t *entry;
    struct quire_buffer bytes;
    struct delta *deltas;
    size_t delta_count, delta_capacity;
    struct step *steps;
    size_t step_count, step_capacity;
    struct queue *queues;
    size_t queue_count, queue_capacity;
    uint64_t unreadable;
    enum quire_status status;
};

/* The same items with room for one more; NULL: no memory, and they stay where they are. */
static void *with_room(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    size_t larger = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(items, larger * size);
    if (grown != NULL) {
        *capacity = larger;
    }
    return grown;
}

/* ---- gathering -------------------------------------------------------------------------------- */

static enum quire_status add_delta(
    struct history *history, const struct qr_batch *batch, size_t index)
{
    size_t before = history->bytes.size;
    struct delta *deltas =
        with_room(history->deltas, history->delta_count, &history->delta_capacity, sizeof *deltas);
    if (deltas == NULL) {
        return QUIRE_ENOMEM;
    }
    history->deltas = deltas;
    enum quire_status status = device_open_change(history->device, batch, index, &history->bytes);
    if (status == QUIRE_OK) {
        history->deltas[history->delta_count++] =
            (struct delta){before, history->bytes.size - before};
    }
    return status;
}

static enum quire_status add_step(
    struct history *history, const struct qr_batch *batch, const uint8_t *hash, size_t first)
{
    int64_t wall_ms = INT64_MIN;
    for (size_t i = first; i < history->delta_count; i++) {
        int64_t written = 0;
        struct quire_bytes bytes = {
            history->bytes.data + history->deltas[i].offset, history->deltas[i].size};
        if (qr_payload_written(bytes, &written) == QUIRE_OK && written > wall_ms) {
            wall_ms = written;
        }
    }
    if (wall_ms == INT64_MIN) {
        history->delta_count = first;
        return QUIRE_EMALFORMED;
    }
    bool another = history->queue_count == 0
        || memcmp(
               history->queues[history->queue_count - 1].replica, batch->replica, QR_REPLICA_SIZE)
            != 0;
    struct step *steps =
        with_room(history->steps, history->step_count, &history->step_capacity, sizeof *steps);
    if (steps == NULL) {
        return QUIRE_ENOMEM;
    }
    history->steps = steps;
    struct queue *queues =
        with_room(history->queues, history->queue_count, &history->queue_capacity, sizeof *queues);
    if (queues == NULL) {
        return QUIRE_ENOMEM;
    }
    history->queues = queues;
    if (another) {
        struct queue *queue = &history->queues[history->queue_count++];
        *queue = (struct queue){.next = history->step_count};
        memcpy(queue->replica, batch->replica, QR_REPLICA_SIZE);
    }
    struct step *step = &history->steps[history->step_count++];
    *step = (struct step){.wall_ms = wall_ms, .next = first, .end = history->delta_count};
    memcpy(step->hash, hash, QR_HASH_SIZE);
    memcpy(step->device, batch->device, QR_DEVICE_SIZE);
    history->queues[history->queue_count - 1].end = history->step_count;
    return QUIRE_OK;
}

/* Batches come in order of their replicas and numbers. */
static bool look_at_batch(void *context, struct quire_bytes key, struct quire_bytes value)
{
    struct history *history = context;
    struct qr_batch batch;
    size_t first = history->delta_count;
    bool lost = false;
    (void)key;
    if (value.size <= QR_HASH_SIZE
        || qr_batch_read_any(
               (struct quire_bytes){value.data + QR_HASH_SIZE, value.size - QR_HASH_SIZE}, &batch)
            != QUIRE_OK) {
        return true; /* whose it was cannot be told any more */
    }
    for (size_t i = 0; i < batch.change_count && history->status == QUIRE_OK && !lost; i++) {
        const struct qr_change *change = &batch.changes[i];
        if (change->kind == QR_CHANGE_OPS
            && memcmp(change->entry, history->entry, QR_ENTRY_SIZE) == 0) {
            enum quire_status status = device_can_read(history->device, &batch)
                ? add_delta(history, &batch, i)
                : QUIRE_EUNSUPPORTED;
            lost = status != QUIRE_OK && status != QUIRE_ENOMEM;
            history->status = status == QUIRE_ENOMEM ? status : QUIRE_OK;
        }
    }
    if (history->status == QUIRE_OK && history->delta_count > first) {
        enum quire_status status = add_step(history, &batch, value.data, first);
        lost |= status == QUIRE_EMALFORMED;
        history->status = status == QUIRE_ENOMEM ? status : QUIRE_OK;
    }
    history->unreadable += lost;
    return history->status == QUIRE_OK;
}

/* ---- merging ---------------------------------------------------------------------------------- */

static struct queue *earliest(struct history *history)
{
    struct queue *best = NULL;
    for (size_t i = 0; i < history->queue_count; i++) {
        struct queue *queue = &history->queues[i];
        if (queue->next < queue->end && !queue->waits
            && (best == NULL
                || history->steps[queue->next].wall_ms < history->steps[best->next].wall_ms)) {
            best = queue;
        }
    }
    return best;
}

/* Merges what a step has left; OK when that was all of it. */
static enum quire_status merge_step(
    struct history *history, struct step *step, struct quire_document *document)
{
    enum quire_status status = QUIRE_OK;
    while (status == QUIRE_OK && step->next < step->end) {
        const struct delta *delta = &history->deltas[step->next];
        status = quire_document_merge(
            document, (struct quire_bytes){history->bytes.data + delta->offset, delta->size});
        step->next += status == QUIRE_OK;
    }
    return status;
}

static enum quire_status replay(struct history *history, struct quire_document *document,
    bool (*visit)(
        void *context, const struct quire_version *version, const struct quire_document *document),
    void *context)
{
    struct queue *queue;
    uint64_t number = 0;
    bool more = true;
    while (more && (queue = earliest(history)) != NULL) {
        struct step *step = &history->steps[queue->next];
        enum quire_status status = merge_step(history, step, document);
        if (status == QUIRE_ENOMEM) {
            return status;
        }
        if (status != QUIRE_OK) {
            queue->waits = true;
            continue;
        }
        queue->next++;
        for (size_t i = 0; i < history->queue_count; i++) {
            history->queues[i].waits = false;
        }
        if (queue->next < queue->end && history->steps[queue->next].wall_ms == step->wall_ms) {
            continue; /* one save in several batches: the rest of it follows */
        }
        struct quire_version version = {
            .id = step->hash, .device = step->device, .number = ++number, .wall_ms = step->wall_ms};
        more = visit(context, &version, document);
    }
    for (size_t i = 0; more && i < history->queue_count; i++) {
        history->unreadable += history->queues[i].end - history->queues[i].next;
    }
    return QUIRE_OK;
}

static void finish(struct history *history)
{
    if (history->bytes.data != NULL) {
        qr_wipe(history->bytes.data, history->bytes.capacity);
    }
    quire_buffer_finish(&history->bytes);
    free(history->deltas);
    free(history->steps);
    free(history->queues);
}

enum quire_status quire_device_each_version(struct quire_device *device,
    const uint8_t entry[QUIRE_ENTRY_SIZE],
    bool (*visit)(
        void *context, const struct quire_version *version, const struct quire_document *document),
    void *context, uint64_t *out_unreadable)
{
    struct history history = {.device = device, .entry = entry};
    struct quire_document *document = NULL;
    enum quire_status status = device->reader.scan(
        device->reader.context, quire_bytes_of_text("b"), look_at_batch, &history);
    status = status == QUIRE_OK ? history.status : status;
    if (status == QUIRE_OK) {
        status = quire_document_create(&document);
    }
    if (status == QUIRE_OK) {
        status = replay(&history, document, visit, context);
    }
    if (status == QUIRE_OK) {
        *out_unreadable = history.unreadable;
    }
    quire_document_destroy(document);
    finish(&history);
    return status;
}
