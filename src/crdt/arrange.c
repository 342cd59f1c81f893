/*
 * A state has its letters in the order of the text, so that the text can be shown without building
 * anything. To be merged they are wanted run by run: here the runs are put in the order of the text,
 * and the letters dealt out to them.
 */
#include "crdt/payload.h"
#include "crdt/utf8.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** Letters of one run that stand side by side in the text. */
struct fragment {
    const uint8_t *letters;
    uint32_t size;
    uint32_t next; /* of the same run, or QR_NONE */
};

/** A run of the payload, by its place. */
struct slot {
    uint64_t start;   /* of its characters among those of all runs */
    size_t stretch;   /* the stretch that holds `reached` */
    uint64_t reached; /* so many of its characters were met in the text */
    uint32_t first;   /* of its fragments */
    uint32_t last;
};

struct arrangement {
    struct qr_payload *payload;
    struct qr_replicas replicas; /* numbered by rank, from 1 */
    struct qr_text text;         /* all runs, as if they were dead */
    struct slot *slots;
    uint64_t *ends;   /* of the stretches, among all characters */
    uint32_t *places; /* of the runs by id: replica by replica, each by counter */
    uint32_t *starts; /* replica number → its first in places; one more at the end */
    struct fragment *fragments;
    size_t fragment_count;
    const uint8_t *next; /* letter of the text */
};

/** An id with the rank in the payload's table for a replica: there, ids are in order as numbers. */
static uint64_t ranked(const struct qr_payload *payload, uint64_t id)
{
    return id == QR_ID_NONE ? id
                            : qr_id(payload->by_number[qr_id_replica(id)] + 1, qr_id_counter(id));
}

static enum quire_status build_text(struct arrangement *arrangement)
{
    const struct qr_payload *payload = arrangement->payload;
    enum quire_status status = qr_text_init(&arrangement->text);
    if (status == QUIRE_OK) {
        status = qr_replicas_reserve(&arrangement->replicas, (uint32_t)payload->replica_count);
    }
    if (status == QUIRE_OK) {
        status = qr_text_reserve(&arrangement->text, 3 * payload->run_count, 0);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        qr_replicas_add(&arrangement->replicas, payload->replicas[rank].name);
    }
    for (size_t i = 0; i < payload->run_count; i++) {
        const struct qr_run *run = &payload->runs[i];
        struct qr_run dead = {.id = ranked(payload, run->id),
            .length = run->length,
            .parent = ranked(payload, run->parent),
            .right = ranked(payload, run->right)};
        qr_text_integrate(
            &arrangement->text, &arrangement->replicas, &dead, (struct quire_bytes){NULL, 0});
    }
    return QUIRE_OK;
}

static enum quire_status build_slots(struct arrangement *arrangement)
{
    const struct qr_payload *payload = arrangement->payload;
    size_t runs = payload->run_count;
    arrangement->slots = malloc(runs * sizeof *arrangement->slots);
    arrangement->ends = malloc(payload->liveness_count * sizeof *arrangement->ends);
    arrangement->places = malloc(runs * sizeof *arrangement->places);
    arrangement->starts = calloc(payload->replica_count + 2, sizeof *arrangement->starts);
    size_t most = arrangement->text.item_count + payload->liveness_count;
    arrangement->fragments = malloc(most * sizeof *arrangement->fragments);
    if (arrangement->slots == NULL || arrangement->ends == NULL || arrangement->places == NULL
        || arrangement->starts == NULL || arrangement->fragments == NULL) {
        return QUIRE_ENOMEM;
    }
    uint64_t end = 0;
    for (size_t i = 0; i < payload->liveness_count; i++) {
        arrangement->ends[i] = end += payload->liveness[i];
    }
    uint64_t start = 0;
    size_t stretch = 0;
    for (size_t i = 0; i < runs; i++) {
        while (arrangement->ends[stretch] <= start) {
            stretch++;
        }
        arrangement->slots[i] = (struct slot){start, stretch, 0, QR_NONE, QR_NONE};
        start += payload->runs[i].length;
        arrangement->starts[payload->by_number[qr_id_replica(payload->runs[i].id)] + 1]++;
    }
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        arrangement->starts[rank + 1] += arrangement->starts[rank];
    }
    for (size_t i = runs; i > 0; i--) { /* from the end: starts end up where they begin */
        uint32_t rank = payload->by_number[qr_id_replica(payload->runs[i - 1].id)];
        arrangement->places[--arrangement->starts[rank + 1]] = (uint32_t)(i - 1);
    }
    return QUIRE_OK;
}

/** The run that holds a character, and where that begins. */
static uint32_t run_of(const struct arrangement *arrangement, uint64_t id)
{
    const struct qr_payload *payload = arrangement->payload;
    uint32_t replica = qr_id_replica(id);
    size_t low = arrangement->starts[replica];
    size_t high =
        replica < payload->replica_count ? arrangement->starts[replica + 1] : payload->run_count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        uint64_t there = payload->runs[arrangement->places[middle]].id;
        if (qr_id_counter(there) <= qr_id_counter(id)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return arrangement->places[low];
}

/** Deals the next letters of the text to the live ones of a run's next characters: those of a run
 * are read in their order. */
static void deal(struct arrangement *arrangement, struct slot *slot, uint64_t length)
{
    while (length > 0) {
        uint64_t at = slot->start + slot->reached;
        while (arrangement->ends[slot->stretch] <= at) {
            slot->stretch++;
        }
        uint64_t here = arrangement->ends[slot->stretch] - at;
        here = here < length ? here : length;
        if (slot->stretch % 2 == 0) {
            size_t size = qr_utf8_size(arrangement->next, (size_t)here);
            uint32_t index = (uint32_t)arrangement->fragment_count++;
            arrangement->fragments[index] =
                (struct fragment){arrangement->next, (uint32_t)size, QR_NONE};
            if (slot->first == QR_NONE) {
                slot->first = index;
            } else {
                arrangement->fragments[slot->last].next = index;
            }
            slot->last = index;
            arrangement->next += size;
        }
        slot->reached += here;
        length -= here;
    }
}

static void deal_all(struct arrangement *arrangement)
{
    const struct qr_text *text = &arrangement->text;
    struct qr_tree_walk walk = qr_tree_walk_from(&text->order, 0);
    for (qr_tree_walk_on(&text->order, &walk); walk.item != QR_NONE;
         qr_tree_walk_on(&text->order, &walk)) {
        uint64_t id = text->items[walk.item].id;
        uint64_t length = text->items[walk.item].length;
        while (length > 0) { /* an item may hold several runs, where pieces were joined */
            uint32_t place = run_of(arrangement, id);
            const struct qr_run *run = &arrangement->payload->runs[place];
            struct slot *slot = &arrangement->slots[place];
            assert(slot->reached == qr_id_counter(id) - qr_id_counter(run->id));
            uint64_t here = run->length - slot->reached;
            here = here < length ? here : length;
            deal(arrangement, slot, here);
            id += here;
            length -= here;
        }
    }
}

static enum quire_status collect(struct arrangement *arrangement)
{
    struct qr_payload *payload = arrangement->payload;
    uint8_t *letters = malloc(payload->letters.size);
    if (letters == NULL) {
        return QUIRE_ENOMEM;
    }
    size_t size = 0;
    for (size_t i = 0; i < payload->run_count; i++) {
        for (uint32_t at = arrangement->slots[i].first; at != QR_NONE;
             at = arrangement->fragments[at].next) {
            memcpy(letters + size, arrangement->fragments[at].letters,
                arrangement->fragments[at].size);
            size += arrangement->fragments[at].size;
        }
    }
    assert(size == payload->letters.size);
    payload->arranged = letters;
    payload->letters.data = letters;
    return QUIRE_OK;
}

enum quire_status qr_payload_arrange(struct qr_payload *payload)
{
    if (!payload->state || payload->letters.size == 0) {
        return QUIRE_OK;
    }
    struct arrangement arrangement = {.payload = payload, .next = payload->letters.data};
    enum quire_status status = build_text(&arrangement);
    if (status == QUIRE_OK) {
        status = build_slots(&arrangement);
    }
    if (status == QUIRE_OK) {
        deal_all(&arrangement);
        status = collect(&arrangement);
    }
    qr_text_finish(&arrangement.text);
    qr_replicas_finish(&arrangement.replicas);
    free(arrangement.slots);
    free(arrangement.ends);
    free(arrangement.places);
    free(arrangement.starts);
    free(arrangement.fragments);
    return status;
}
