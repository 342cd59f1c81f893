/*
 * Whether what a payload refers to exists: in the document, or earlier in the payload itself. So
 * nothing new ever refers in a circle, and an effect never comes without its cause. And whether its runs
 * are written in the one way there is.
 */
#include "crdt/order.h"
#include "crdt/payload.h"
#include <stdlib.h>
#include <string.h>

/** The payload's runs by id, to be searched. */
struct index {
    struct qr_run *runs;
    size_t count;
    struct qr_order_part *parts; /* by replica number */
    uint32_t *reached; /* by replica number: where those end that the payload has before a place */
};

static uint64_t seen_of(const struct quire_document *document, uint64_t id)
{
    uint32_t replica = qr_id_replica(id);
    return replica > 0 && replica <= document->replicas.count ? document->replicas.at[replica].seen
                                                              : 0;
}

uint64_t qr_payload_seen(
    const struct quire_document *document, const struct qr_payload *payload, uint64_t id)
{
    uint64_t seen = seen_of(document, id);
    uint32_t rank = payload->by_number[qr_id_replica(id)];
    uint64_t last = rank == QR_NONE ? 0 : payload->replicas[rank].last;
    return last > seen ? last : seen;
}

/** How many ids from this one on are characters of the runs that were reached, without a gap. What is
 * referred to is mostly near: the search goes back from there, in steps that double. */
static uint64_t promised(const struct index *index, uint64_t id)
{
    size_t low = index->parts[qr_id_replica(id)].next;
    size_t first = low; /* the last run that begins at or before the id is below high */
    size_t high = index->reached[qr_id_replica(id)];
    for (size_t step = 1; low < high; step *= 2) {
        size_t probe = step < high - low ? high - step : low;
        if (index->runs[probe].id <= id) {
            low = probe + 1;
            break;
        }
        high = probe;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (index->runs[middle].id <= id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == first || id - index->runs[low - 1].id >= index->runs[low - 1].length) {
        return 0;
    }
    return index->runs[low - 1].id + index->runs[low - 1].length - id;
}

/** How much of a range was seen before. */
static uint64_t seen_part(const struct quire_document *document, uint64_t id, uint64_t length)
{
    uint64_t seen = seen_of(document, id);
    uint64_t old = qr_id_counter(id) <= seen ? seen - qr_id_counter(id) + 1 : 0;
    return old < length ? old : length;
}

/** What was seen of a range is there: no letter was made of counters that were none. */
static bool was_there(const struct quire_document *document, uint64_t id, uint64_t length)
{
    uint64_t old = seen_part(document, id, length);
    return old == 0 || qr_text_known(&document->text, id, old) == old;
}

/** All of the range exists: what was seen in the document, the rest in the runs that were reached. */
static bool exists(
    const struct quire_document *document, const struct index *index, uint64_t id, uint64_t length)
{
    if (!was_there(document, id, length)) {
        return false;
    }
    uint64_t old = seen_part(document, id, length);
    id += old;
    length -= old;
    while (length > 0) {
        uint64_t here = promised(index, id);
        if (here == 0) {
            return false;
        }
        here = here < length ? here : length;
        id += here;
        length -= here;
    }
    return true;
}

/** A reference of a run behind those that were reached. A state holds all that its own runs refer to. */
static bool refers_well(const struct quire_document *document, const struct qr_payload *payload,
    const struct index *index, uint64_t id)
{
    return id == QR_ID_NONE
        || (payload->state ? promised(index, id) > 0 : exists(document, index, id, 1));
}

static bool all_seen(const struct quire_document *document, const struct qr_payload *payload,
    const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (qr_id_counter(ids[i]) > qr_payload_seen(document, payload, ids[i])) {
            return false;
        }
    }
    return true;
}

static bool all_exists(const struct quire_document *document, const struct qr_payload *payload,
    const struct index *index)
{
    for (size_t i = 0; i < payload->run_count; i++) {
        const struct qr_run *run = &payload->runs[i];
        if (!was_there(document, run->id, run->length)
            || !refers_well(document, payload, index, run->parent)
            || !refers_well(document, payload, index, run->right)) {
            return false;
        }
        index->reached[qr_id_replica(run->id)]++;
    }
    for (size_t i = 0; i < payload->erased_count; i++) {
        if (!exists(document, index, payload->erased[i].id, payload->erased[i].length)) {
            return false;
        }
    }
    for (size_t i = 0; i < payload->turned_count; i++) {
        if (!exists(document, index, payload->turned[i].id, payload->turned[i].length)) {
            return false;
        }
    }
    for (size_t i = 0; i < payload->put_count; i++) {
        const struct qr_put *put = &payload->puts[i];
        for (size_t place = 0; place < put->place_count; place++) {
            uint64_t id = qr_place_id(put->places[place]);
            if (id != QR_ID_NONE && !exists(document, index, id, 1)) {
                return false;
            }
        }
    }
    return all_seen(document, payload, payload->removed, payload->removed_count)
        && all_seen(document, payload, payload->deleted, payload->deleted_count);
}

/* ---- form --------------------------------------------------------------------------------- */

/** Whether a run goes on with the one before it, so that they are one. */
static bool goes_on(const struct qr_run *run, const struct qr_run *before)
{
    return before->id + before->length == run->id && run->parent == run->id - 1
        && run->right == before->right && run->length <= QR_RUN_MAX - before->length;
}

/** Runs as long as they can be, in the order that a replica gives them. Uses up the index. */
static enum quire_status check_form(const struct qr_payload *payload, struct index *index)
{
    if (index->count < 2) {
        return QUIRE_OK;
    }
    for (size_t i = 1; i < index->count; i++) {
        if (goes_on(&index->runs[i], &index->runs[i - 1])) {
            return QUIRE_EMALFORMED;
        }
    }
    uint32_t *names = qr_arena_take(payload->arena, payload->replica_count, sizeof *names);
    uint32_t *stack = qr_arena_take(payload->arena, payload->replica_count + 1, sizeof *stack);
    uint32_t *order = qr_arena_take(payload->arena, index->count, sizeof *order);
    if (names == NULL || stack == NULL || order == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        names[rank] = payload->replicas[rank].number;
    }
    if (!qr_order_runs(
            index->runs, index->parts, names, (uint32_t)payload->replica_count, stack, order)) {
        return QUIRE_EMALFORMED;
    }
    for (size_t i = 0; i < index->count; i++) {
        if (index->runs[order[i]].id != payload->runs[i].id) {
            return QUIRE_EMALFORMED;
        }
    }
    return QUIRE_OK;
}

/** Sorts the runs by replica; those of each ascend already. */
static enum quire_status index_init(struct index *index, const struct qr_payload *payload)
{
    *index = (struct index){.count = payload->run_count};
    index->runs = qr_arena_take(payload->arena, index->count, sizeof *index->runs);
    index->parts = qr_arena_take(payload->arena, payload->number_count, sizeof *index->parts);
    index->reached = qr_arena_take(payload->arena, payload->number_count, sizeof *index->reached);
    if (index->runs == NULL || index->parts == NULL || index->reached == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < index->count; i++) {
        index->parts[qr_id_replica(payload->runs[i].id)].next++;
    }
    uint32_t start = 0;
    for (size_t number = 0; number < payload->number_count; number++) {
        struct qr_order_part *part = &index->parts[number];
        uint32_t count = part->next;
        part->next = part->end = index->reached[number] = start;
        start += count;
    }
    for (size_t i = 0; i < index->count; i++) {
        struct qr_order_part *part = &index->parts[qr_id_replica(payload->runs[i].id)];
        index->runs[part->end++] = payload->runs[i];
    }
    return QUIRE_OK;
}

/** Whether covered characters that have an even turn are live in the runs, and those that have an odd one
 * are dead. */
static bool turns_agree(const struct qr_payload *payload)
{
    struct qr_stretch stretch;
    uint64_t found = 0;
    for (struct qr_stretch_walk walk = qr_stretch_walk_from(payload);
         payload->turned_count > 0 && qr_stretch_walk_on(&walk, &stretch);) {
        if (stretch.turned && walk.liveness % 2 != stretch.run.turn % 2) {
            return false;
        }
        found += stretch.turned ? stretch.run.length : 0;
    }
    for (size_t i = 0; i < payload->turned_count; i++) {
        found -= payload->turned[i].covered ? payload->turned[i].length : 0;
    }
    return found == 0;
}

enum quire_status qr_payload_check(
    const struct quire_document *document, const struct qr_payload *payload)
{
    struct index index;
    struct qr_arena_mark mark = qr_arena_mark(payload->arena);
    enum quire_status status = index_init(&index, payload);
    if (status == QUIRE_OK) {
        status = all_exists(document, payload, &index) && turns_agree(payload)
            ? check_form(payload, &index)
            : QUIRE_EMALFORMED;
    }
    qr_arena_back(payload->arena, mark);
    return status;
}
