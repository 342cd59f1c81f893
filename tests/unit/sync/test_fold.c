/*
 * The fold: the same states and addresses from the same batches, in every order in which they come and
 * however the work is cut into slices; and the same as a device's documents, merged batch by batch.
 */
#include "../vectors.h"
#include "crypto/vault_inner.h"
#include "kit/random.h"
#include "sync/fold.h"
#include "sync/object.h"
#include <criterion/criterion.h>
#include <quire/document.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS 4
#define REPLICAS 12 /* a writer that starts again is another one */
#define ENTRIES 4
#define BATCHES 120
#define EPOCH 1

/** A batch, without what the fold does not look at. */
struct made {
    size_t replica; /* 0 … REPLICAS − 1 */
    uint64_t seq;
    struct qr_dep deps[QR_DEPS_MAX];
    size_t dep_count;
    size_t entries[ENTRIES];
    struct quire_buffer deltas[ENTRIES];
    size_t change_count;
};

struct writer {
    size_t replica;
    bool has[BATCHES];
    struct quire_document *documents[ENTRIES];
};

/** A random history: who had which batches when it wrote. */
struct graph {
    struct kit_random random;
    uint8_t replicas[REPLICAS][QR_REPLICA_SIZE];
    uint64_t seqs[REPLICAS];
    size_t replica_count;
    uint8_t entries[ENTRIES][QR_ENTRY_SIZE];
    struct made batches[BATCHES]; /* in an order in which every dependency is before */
    size_t count;
    struct writer writers[WRITERS];
    bool hostile; /* some batches do not name all that they stand on */
    int64_t wall_ms;
};

/** What a fold gives, by entry; a size of 0: it has not changed. */
struct states {
    struct quire_buffer states[ENTRIES];
    uint8_t addresses[ENTRIES][QR_HASH_SIZE];
    size_t skipped;
};

static struct qr_vault *vault;

static void begin(void)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE], user[QR_USER_SIZE] = "a user";
    cr_assert(qr_crypto_init());
    cr_assert_eq(qr_vault_create(entropy, &vault), QUIRE_OK);
    qr_vault_set_user(vault, user);
    cr_assert_eq(qr_vault_new_epoch(vault, EPOCH, entropy), QUIRE_OK);
}

static void end(void)
{
    qr_vault_destroy(vault);
}

TestSuite(fold, .init = begin, .fini = end);

static uint64_t below(struct graph *graph, uint64_t limit)
{
    return kit_random_below(&graph->random, limit);
}

/* ---- random histories ------------------------------------------------------------------------- */

static void edit(struct graph *graph, struct writer *writer, size_t entry)
{
    struct quire_document *document = writer->documents[entry];
    struct quire_stamp stamp = {.wall_ms = graph->wall_ms++};
    memcpy(stamp.replica, graph->replicas[writer->replica], QR_REPLICA_SIZE);
    size_t length = quire_document_text_length(document);
    enum quire_status status = QUIRE_OK;
    char text[16];
    snprintf(text, sizeof text, "%u ", (unsigned)below(graph, 100000));
    switch (below(graph, 10)) {
    case 0:
    case 1:
        if (length > 0) {
            size_t at = below(graph, length);
            size_t most = length - at < 9 ? length - at : 9;
            status = quire_document_erase(document, &stamp, at, 1 + below(graph, most));
        }
        break;
    case 2:
        status = quire_document_set_register(
            document, &stamp, QUIRE_REGISTER_MOOD, &(struct quire_value){.number = 7});
        break;
    case 3:
        status = quire_document_add_element(
            document, &stamp, QUIRE_SET_TAGS, quire_bytes_of_text(text), 0);
        break;
    case 4:
        if (below(graph, 4) == 0) {
            status = quire_document_delete(document, &stamp);
        }
        break;
    default:
        status = quire_document_insert(
            document, &stamp, below(graph, length + 1), quire_bytes_of_text(text));
    }
    cr_assert_eq(status, QUIRE_OK, "%s", quire_status_text(status));
}

static size_t find_batch(const struct graph *graph, const uint8_t *replica, uint64_t seq)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (graph->batches[i].seq == seq
            && memcmp(graph->replicas[graph->batches[i].replica], replica, QR_REPLICA_SIZE) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static int compare_deps(const void *a, const void *b)
{
    return memcmp(
        ((const struct qr_dep *)a)->replica, ((const struct qr_dep *)b)->replica, QR_REPLICA_SIZE);
}

/* The greatest seq of each other replica that the writer has. */
static void gather_deps(struct graph *graph, const struct writer *writer, struct made *made)
{
    uint64_t heads[REPLICAS] = {0};
    for (size_t i = 0; i < graph->count; i++) {
        if (writer->has[i] && graph->batches[i].seq > heads[graph->batches[i].replica]) {
            heads[graph->batches[i].replica] = graph->batches[i].seq;
        }
    }
    for (size_t i = 0; i < graph->replica_count; i++) {
        bool left_out = graph->hostile && below(graph, 3) == 0;
        if (heads[i] > 0 && i != writer->replica && !left_out) {
            struct qr_dep *dep = &made->deps[made->dep_count++];
            *dep = (struct qr_dep){.seq = heads[i]};
            memcpy(dep->replica, graph->replicas[i], QR_REPLICA_SIZE);
        }
    }
    qsort(made->deps, made->dep_count, sizeof *made->deps, compare_deps);
}

static void seal(struct graph *graph, struct writer *writer)
{
    struct made *made = &graph->batches[graph->count];
    *made = (struct made){.replica = writer->replica, .seq = graph->seqs[writer->replica] + 1};
    for (size_t entry = 0; entry < ENTRIES; entry++) {
        if (quire_document_pending_size(writer->documents[entry]) > 0) {
            cr_assert_eq(quire_document_take_delta(writer->documents[entry], 64 * 1024,
                             &made->deltas[made->change_count]),
                QUIRE_OK);
            made->entries[made->change_count++] = entry;
        }
    }
    if (made->change_count > 0) {
        gather_deps(graph, writer, made);
        graph->seqs[writer->replica]++;
        writer->has[graph->count++] = true;
    }
}

static void receive(struct graph *graph, struct writer *writer, const struct writer *from)
{
    for (size_t i = 0; i < graph->count; i++) {
        if (!from->has[i] || writer->has[i]) {
            continue;
        }
        writer->has[i] = true;
        for (size_t c = 0; c < graph->batches[i].change_count; c++) {
            enum quire_status status =
                quire_document_merge(writer->documents[graph->batches[i].entries[c]],
                    quire_buffer_bytes(&graph->batches[i].deltas[c]));
            cr_assert_eq(status, QUIRE_OK, "%s", quire_status_text(status));
        }
    }
}

static struct graph *make_graph(uint64_t seed, bool hostile)
{
    struct graph *graph = calloc(1, sizeof *graph);
    cr_assert_not_null(graph);
    graph->random.state = seed;
    graph->hostile = hostile;
    kit_random_fill(&graph->random, graph->replicas, sizeof graph->replicas);
    kit_random_fill(&graph->random, graph->entries, sizeof graph->entries);
    size_t count = 1 + below(graph, BATCHES);
    for (size_t i = 0; i < WRITERS; i++) {
        graph->writers[i].replica = graph->replica_count++;
        for (size_t entry = 0; entry < ENTRIES; entry++) {
            cr_assert_eq(quire_document_create(&graph->writers[i].documents[entry]), QUIRE_OK);
        }
    }
    while (graph->count < count) {
        struct writer *writer = &graph->writers[below(graph, WRITERS)];
        for (size_t edits = 1 + below(graph, 6); edits > 0; edits--) {
            edit(graph, writer, below(graph, ENTRIES));
        }
        seal(graph, writer);
        if (below(graph, 2) == 0) {
            receive(graph, &graph->writers[below(graph, WRITERS)],
                &graph->writers[below(graph, WRITERS)]);
        }
        if (below(graph, 12) == 0 && graph->replica_count < REPLICAS) {
            writer->replica = graph->replica_count++;
        }
    }
    return graph;
}

static void free_graph(struct graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        for (size_t c = 0; c < graph->batches[i].change_count; c++) {
            quire_buffer_finish(&graph->batches[i].deltas[c]);
        }
    }
    for (size_t i = 0; i < WRITERS; i++) {
        for (size_t entry = 0; entry < ENTRIES; entry++) {
            quire_document_destroy(graph->writers[i].documents[entry]);
        }
    }
    free(graph);
}

/* What a batch names, and the one before it. */
static void add_to_cut(const struct graph *graph, bool *cut, size_t batch)
{
    const struct made *made = &graph->batches[batch];
    if (cut[batch]) {
        return;
    }
    cut[batch] = true;
    if (made->seq > 1) {
        add_to_cut(graph, cut, find_batch(graph, graph->replicas[made->replica], made->seq - 1));
    }
    for (size_t i = 0; i < made->dep_count; i++) {
        add_to_cut(graph, cut, find_batch(graph, made->deps[i].replica, made->deps[i].seq));
    }
}

/* Up to three batches and all that they stand on, in addition to what is in the cut. */
static void draw_cut(struct graph *graph, bool *cut)
{
    for (size_t i = 1 + below(graph, 3); i > 0; i--) {
        add_to_cut(graph, cut, below(graph, graph->count));
    }
}

/* ---- folding ---------------------------------------------------------------------------------- */

struct folding {
    struct graph *graph;
    const struct states *settled;
    struct states *out;
    size_t entries_given;
    uint32_t fails_in; /* calls until the source fails once; 0: never */
};

static enum quire_status may_fail(struct folding *folding)
{
    return folding->fails_in > 0 && --folding->fails_in == 0 ? QUIRE_EIO : QUIRE_OK;
}

static size_t entry_index(const struct graph *graph, const uint8_t *entry)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (memcmp(graph->entries[i], entry, QR_ENTRY_SIZE) == 0) {
            return i;
        }
    }
    cr_assert_fail("no such entry");
    return 0;
}

static enum quire_status give_settled(
    void *context, const uint8_t *entry, struct quire_buffer *out_state)
{
    struct folding *folding = context;
    enum quire_status status = may_fail(folding);
    const struct quire_buffer *state = folding->settled == NULL
        ? NULL
        : &folding->settled->states[entry_index(folding->graph, entry)];
    if (status != QUIRE_OK) {
        return status;
    }
    return state == NULL || state->size == 0
        ? QUIRE_ENOTFOUND
        : quire_buffer_append(out_state, state->data, state->size);
}

static enum quire_status give_change(void *context, const uint8_t *replica, uint64_t seq,
    uint32_t index, struct quire_buffer *out_delta)
{
    struct folding *folding = context;
    enum quire_status status = may_fail(folding);
    if (status != QUIRE_OK) {
        return status;
    }
    const struct made *made = &folding->graph->batches[find_batch(folding->graph, replica, seq)];
    cr_assert_lt(index, made->change_count);
    return quire_buffer_append(out_delta, made->deltas[index].data, made->deltas[index].size);
}

static enum quire_status take_state(void *context, const uint8_t *entry, struct quire_bytes state)
{
    struct folding *folding = context;
    enum quire_status status = may_fail(folding);
    if (status != QUIRE_OK) {
        return status;
    }
    size_t index = entry_index(folding->graph, entry);
    struct quire_buffer object = {0};
    cr_assert_eq(folding->out->states[index].size, 0, "an entry twice");
    cr_assert_eq(
        quire_buffer_append(&folding->out->states[index], state.data, state.size), QUIRE_OK);
    cr_assert_eq(
        qr_object_make(vault, entry, EPOCH, state, &object, folding->out->addresses[index]),
        QUIRE_OK);
    quire_buffer_finish(&object);
    folding->entries_given++;
    return QUIRE_OK;
}

static void add_batch(struct qr_fold *fold, const struct graph *graph, const struct made *made)
{
    static const uint8_t bytes[QR_DEVICE_SIZE];
    struct qr_batch batch = {.version = 1,
        .replica = graph->replicas[made->replica],
        .seq = made->seq,
        .device = bytes,
        .dep_count = made->dep_count,
        .change_count = made->change_count};
    memcpy(batch.deps, made->deps, made->dep_count * sizeof *made->deps);
    for (size_t c = 0; c < made->change_count; c++) {
        batch.changes[c] =
            (struct qr_change){.kind = QR_CHANGE_OPS, .entry = graph->entries[made->entries[c]]};
    }
    cr_assert_eq(qr_fold_add(fold, &batch), QUIRE_OK);
}

/* How the work is done; none of it may make a difference. */
struct manner {
    bool shuffled;
    size_t slice; /* changes; 0: a random number, each time anew */
    bool failing;
};

static struct states fold(struct graph *graph, const bool *settled_cut,
    const struct states *settled, const bool *cut, struct manner manner)
{
    struct states out = {0};
    struct qr_fold *fold;
    size_t order[BATCHES], count = 0;
    bool done = false;
    for (size_t i = 0; i < graph->count; i++) {
        if (cut[i] && !(settled_cut != NULL && settled_cut[i])) {
            order[count++] = i;
        }
    }
    for (size_t i = count; manner.shuffled && i > 1; i--) {
        size_t other = below(graph, i), held = order[i - 1];
        order[i - 1] = order[other];
        order[other] = held;
    }
    cr_assert_eq(qr_fold_create(&fold), QUIRE_OK);
    for (size_t i = 0; i < count; i++) {
        add_batch(fold, graph, &graph->batches[order[i]]);
    }
    cr_assert_eq(qr_fold_begin(fold), QUIRE_OK);
    struct folding folding = {.graph = graph, .settled = settled, .out = &out};
    struct qr_fold_source source = {&folding, give_settled, give_change, take_state};
    while (!done) {
        folding.fails_in = manner.failing ? (uint32_t)below(graph, 12) : 0;
        enum quire_status status = qr_fold_step(
            fold, &source, manner.slice > 0 ? manner.slice : 1 + below(graph, 20), &done);
        cr_assert(status == QUIRE_OK || (manner.failing && status == QUIRE_EIO));
    }
    cr_assert_eq(folding.entries_given, qr_fold_entries(fold));
    out.skipped = qr_fold_skipped(fold);
    qr_fold_destroy(fold);
    return out;
}

static void free_states(struct states *states)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        quire_buffer_finish(&states->states[i]);
    }
}

static bool are_same(const struct states *a, const struct states *b)
{
    bool same = a->skipped == b->skipped;
    for (size_t i = 0; i < ENTRIES; i++) {
        bool equal =
            quire_bytes_equal(quire_buffer_bytes(&a->states[i]), quire_buffer_bytes(&b->states[i]));
        same &= equal && memcmp(a->addresses[i], b->addresses[i], QR_HASH_SIZE) == 0;
    }
    return same;
}

Test(fold, gives_the_same_addresses_in_every_order_of_arrival_and_any_slices, .timeout = 100)
{
    static const struct manner manners[] = {{false, 1, false}, {true, SIZE_MAX, false},
        {true, 1, false}, {true, 7, false}, {true, 0, false}, {true, 0, true}};
    size_t skipped = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct graph *graph = make_graph(seed, seed % 2 == 1);
        bool cut[BATCHES] = {false}, later[BATCHES];
        draw_cut(graph, cut);
        memcpy(later, cut, sizeof later);
        draw_cut(graph, later);
        struct states first = fold(graph, NULL, NULL, cut, (struct manner){false, SIZE_MAX, false});
        struct states second =
            fold(graph, cut, &first, later, (struct manner){false, SIZE_MAX, false});
        skipped += first.skipped + second.skipped;
        for (size_t i = 0; i < sizeof manners / sizeof *manners; i++) {
            struct states again = fold(graph, NULL, NULL, cut, manners[i]);
            cr_assert(are_same(&first, &again), "seed %d, manner %zu", (int)seed, i);
            free_states(&again);
            again = fold(graph, cut, &first, later, manners[i]);
            cr_assert(are_same(&second, &again), "seed %d, manner %zu, later", (int)seed, i);
            free_states(&again);
        }
        free_states(&first);
        free_states(&second);
        free_graph(graph);
    }
    cr_assert_gt(skipped, 20, "hostile authors are of no effect here: %zu", skipped);
}

Test(fold, on_a_settled_cut_ends_where_a_fold_from_the_beginning_does, .timeout = 100)
{
    for (uint64_t seed = 1000; seed < 1150; seed++) {
        struct graph *graph = make_graph(seed, false);
        bool cut[BATCHES] = {false}, later[BATCHES];
        struct manner manner = {true, 0, false};
        draw_cut(graph, cut);
        memcpy(later, cut, sizeof later);
        draw_cut(graph, later);
        struct states first = fold(graph, NULL, NULL, cut, manner);
        struct states second = fold(graph, cut, &first, later, manner);
        struct states whole = fold(graph, NULL, NULL, later, manner);
        cr_assert_eq(whole.skipped, 0);
        for (size_t i = 0; i < ENTRIES; i++) {
            const struct quire_buffer *state =
                second.states[i].size > 0 ? &second.states[i] : &first.states[i];
            cr_assert(
                quire_bytes_equal(quire_buffer_bytes(state), quire_buffer_bytes(&whole.states[i])),
                "seed %d, entry %zu", (int)seed, i);
        }
        free_states(&first);
        free_states(&second);
        free_states(&whole);
        free_graph(graph);
    }
}

/* A device merges batches as they come and holds edits of its own; the fold of what it has is the same
 * document but for those. */
Test(fold, is_the_document_of_a_device_that_merged_batch_by_batch, .timeout = 100)
{
    for (uint64_t seed = 2000; seed < 2150; seed++) {
        struct graph *graph = make_graph(seed, false);
        for (size_t w = 0; w < WRITERS; w++) {
            const struct writer *writer = &graph->writers[w];
            struct states states =
                fold(graph, NULL, NULL, writer->has, (struct manner){true, 0, false});
            for (size_t i = 0; i < ENTRIES; i++) {
                struct quire_buffer shown = {0};
                if (states.states[i].size > 0) {
                    cr_assert_eq(quire_document_encode(writer->documents[i], &shown), QUIRE_OK);
                    cr_assert(quire_bytes_equal(quire_buffer_bytes(&states.states[i]),
                                  quire_buffer_bytes(&shown)),
                        "seed %d, writer %zu, entry %zu", (int)seed, w, i);
                }
                quire_buffer_finish(&shown);
            }
            free_states(&states);
        }
        free_graph(graph);
    }
}

/* ---- canonical order -------------------------------------------------------------------------- */

/** The batches of a vector, and the order in which the fold asks for their changes. */
struct asked {
    uint8_t replicas[200][QR_REPLICA_SIZE];
    uint64_t seqs[200];
    size_t count;
    size_t order[200];
    size_t next;
};

static enum quire_status note_asked(void *context, const uint8_t *replica, uint64_t seq,
    uint32_t index, struct quire_buffer *out_delta)
{
    struct asked *asked = context;
    (void)index;
    (void)out_delta;
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->seqs[i] == seq && memcmp(asked->replicas[i], replica, QR_REPLICA_SIZE) == 0) {
            asked->order[asked->next++] = i;
            return QUIRE_ECRYPTO; /* skipped */
        }
    }
    return QUIRE_EIO;
}

static enum quire_status no_state(void *context, const uint8_t *entry, struct quire_buffer *out)
{
    (void)context;
    (void)entry;
    (void)out;
    return QUIRE_ENOTFOUND;
}

static enum quire_status take_any(void *context, const uint8_t *entry, struct quire_bytes state)
{
    (void)context;
    (void)entry;
    (void)state;
    return QUIRE_OK;
}

static void read_replica(const json_t *object, uint8_t out[QR_REPLICA_SIZE])
{
    struct quire_buffer bytes = vector_bytes(object, "replica");
    cr_assert_eq(bytes.size, QR_REPLICA_SIZE);
    memcpy(out, bytes.data, QR_REPLICA_SIZE);
    quire_buffer_finish(&bytes);
}

static void add_of_vector(struct qr_fold *fold, struct asked *asked, const json_t *vector)
{
    static const uint8_t entry[QR_ENTRY_SIZE] = "the only entry.";
    const json_t *deps = json_object_get(vector, "deps"), *dep;
    size_t i;
    struct qr_batch batch = {.version = 1,
        .replica = asked->replicas[asked->count],
        .seq = vector_number(vector, "seq"),
        .change_count = 1,
        .dep_count = json_array_size(deps)};
    read_replica(vector, asked->replicas[asked->count]);
    asked->seqs[asked->count++] = batch.seq;
    batch.changes[0] = (struct qr_change){.kind = QR_CHANGE_OPS, .entry = entry};
    json_array_foreach(deps, i, dep)
    {
        read_replica(dep, batch.deps[i].replica);
        batch.deps[i].seq = vector_number(dep, "seq");
    }
    cr_assert_eq(qr_fold_add(fold, &batch), QUIRE_OK);
}

Test(fold, canonical_order_is_that_of_the_vectors)
{
    json_t *root = vectors_load("history.json");
    const json_t *vector, *item;
    size_t i, place;
    json_array_foreach(json_object_get(root, "orders"), i, vector)
    {
        struct asked asked = {.count = 0};
        struct qr_fold *fold;
        bool done;
        cr_assert_eq(qr_fold_create(&fold), QUIRE_OK);
        json_array_foreach(json_object_get(vector, "batches"), place, item)
        {
            add_of_vector(fold, &asked, item);
        }
        cr_assert_eq(qr_fold_begin(fold), QUIRE_OK);
        struct qr_fold_source source = {&asked, no_state, note_asked, take_any};
        do {
            cr_assert_eq(qr_fold_step(fold, &source, 50, &done), QUIRE_OK);
        } while (!done);
        cr_assert_eq(asked.next, asked.count);
        json_array_foreach(json_object_get(vector, "order"), place, item)
        {
            cr_assert_eq(asked.order[place], (size_t)json_integer_value(item), "%s: place %zu",
                vector_text(vector, "name"), place);
        }
        qr_fold_destroy(fold);
    }
    cr_assert_gt(i, 4);
    json_decref(root);
}

/* ---- what is refused -------------------------------------------------------------------------- */

static struct qr_batch plain_batch(const uint8_t *replica, uint64_t seq)
{
    return (struct qr_batch){.version = 1, .replica = replica, .seq = seq, .device = replica};
}

static enum quire_status begin_with(const struct qr_batch *batches, size_t count)
{
    struct qr_fold *fold;
    cr_assert_eq(qr_fold_create(&fold), QUIRE_OK);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(qr_fold_add(fold, &batches[i]), QUIRE_OK);
    }
    enum quire_status status = qr_fold_begin(fold);
    qr_fold_destroy(fold);
    return status;
}

Test(fold, a_cut_that_is_not_closed_is_refused)
{
    static const uint8_t a[QR_REPLICA_SIZE] = "replicaa", b[QR_REPLICA_SIZE] = "replicab";
    struct qr_batch batches[3] = {plain_batch(a, 4), plain_batch(a, 5), plain_batch(b, 2)};
    batches[2].dep_count = 1;
    memcpy(batches[2].deps[0].replica, a, sizeof a);
    batches[2].deps[0].seq = 3;
    cr_assert_eq(begin_with(batches, 0), QUIRE_OK);
    cr_assert_eq(begin_with(batches, 3), QUIRE_OK, "a dependency below the settled cut");
    batches[2].deps[0].seq = 5;
    cr_assert_eq(begin_with(batches, 3), QUIRE_OK);
    batches[2].deps[0].seq = 6;
    cr_assert_eq(begin_with(batches, 3), QUIRE_EMALFORMED, "a dependency that is not in the cut");
    batches[2].deps[0].seq = 5;
    batches[1].seq = 6;
    cr_assert_eq(begin_with(batches, 3), QUIRE_EMALFORMED, "a gap");
    batches[1].seq = 4;
    cr_assert_eq(begin_with(batches, 2), QUIRE_EMALFORMED, "twice");
    batches[1].seq = 5;
    batches[0].dep_count = 1;
    memcpy(batches[0].deps[0].replica, b, sizeof b);
    batches[0].deps[0].seq = 2;
    cr_assert_eq(begin_with(batches, 3), QUIRE_EMALFORMED, "a circle");
}

static enum quire_status later_change(
    void *context, const uint8_t *replica, uint64_t seq, uint32_t index, struct quire_buffer *out)
{
    (void)context;
    (void)replica;
    (void)seq;
    (void)index;
    (void)out;
    return QUIRE_EUNSUPPORTED;
}

static enum quire_status never(void *context, const uint8_t *entry, struct quire_bytes state)
{
    (void)context;
    (void)entry;
    (void)state;
    cr_assert_fail("a state that this device cannot know");
    return QUIRE_OK;
}

Test(fold, nothing_is_folded_of_what_a_later_version_wrote)
{
    static const uint8_t a[QR_REPLICA_SIZE] = "replicaa", entry[QR_ENTRY_SIZE] = {1};
    struct qr_batch batch = plain_batch(a, 1);
    struct qr_fold *fold;
    bool done;
    cr_assert_eq(qr_fold_create(&fold), QUIRE_OK);
    batch.version = QR_BATCH_VERSION + 1;
    cr_assert_eq(qr_fold_add(fold, &batch), QUIRE_EUNSUPPORTED);
    batch.version = 2;
    batch.reserved = true;
    cr_assert_eq(qr_fold_add(fold, &batch), QUIRE_EUNSUPPORTED);
    batch.version = 1;
    batch.reserved = false;
    batch.change_count = 1;
    batch.changes[0] = (struct qr_change){.kind = QR_CHANGE_OPS, .entry = entry};
    cr_assert_eq(qr_fold_add(fold, &batch), QUIRE_OK);
    cr_assert_eq(qr_fold_begin(fold), QUIRE_OK);
    struct qr_fold_source source = {NULL, no_state, later_change, never};
    cr_assert_eq(qr_fold_step(fold, &source, 10, &done), QUIRE_EUNSUPPORTED);
    qr_fold_destroy(fold);
}
