/*
 * Types recorded editing histories (tools/bench/history.h, from stdin) into documents and compares
 * the end. A history without T is typed into one document. With T, each transaction is typed into a
 * replica that has merged exactly its parents; then all deltas meet in one document, and in others in
 * other orders, which all must hold the same to the last id; and the beginning is read beside the
 * naive reference of tests/graphs. A test per history.
 */
#define _POSIX_C_SOURCE 200809L
#include "history.h"
#include "kit/random.h"
#include "../graphs/reference.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- one after another -------------------------------------------------------------------- */

static struct quire_document *run_sequential(const struct history *history)
{
    struct quire_document *document;
    struct quire_stamp stamp = {{'s', 'e', 'q'}, 1};
    OK(quire_document_create(&document));
    double start = now();
    history_type(history, document, &stamp, 0, history->patch_count);
    double typed = now();
    struct quire_buffer delta = {0};
    size_t taken = 0;
    for (; quire_document_pending_size(document) > 0; taken++) {
        OK(quire_document_take_delta(document, 65536, &delta));
    }
    double cut = now();
    struct quire_buffer state = {0};
    OK(quire_document_encode(document, &state));
    double encoded = now();
    struct quire_document *copy;
    OK(quire_document_create(&copy));
    OK(quire_document_merge(copy, quire_buffer_bytes(&state)));
    double merged = now();
    struct quire_buffer again = {0};
    OK(quire_document_encode(copy, &again));
    need(quire_bytes_equal(quire_buffer_bytes(&state), quire_buffer_bytes(&again)),
        "a state was read as another one");
    printf("# %s: %zu patches, %.0f ns each; %zu deltas of %zu bytes in all, %.1f ms; "
           "state %zu bytes (text %zu), written in %.1f ms, merged in %.1f ms\n",
        history->name, history->patch_count, (typed - start) * 1e9 / (double)history->patch_count,
        taken, delta.size, (cut - typed) * 1e3, state.size, quire_document_text_size(document),
        (encoded - cut) * 1e3, (merged - encoded) * 1e3);
    quire_buffer_finish(&delta);
    quire_buffer_finish(&state);
    quire_buffer_finish(&again);
    quire_document_destroy(document);
    return copy;
}

/* ---- concurrently ------------------------------------------------------------------------- */

#define STATES_MAX 48 /* of replicas that are joined: each is as large as the whole */

static void need_same(
    const struct quire_document *a, const struct quire_document *b, const char *what)
{
    struct quire_buffer state_a = {0};
    struct quire_buffer state_b = {0};
    OK(quire_document_encode(a, &state_a));
    OK(quire_document_encode(b, &state_b));
    need(quire_bytes_equal(quire_buffer_bytes(&state_a), quire_buffer_bytes(&state_b)), what);
    quire_buffer_finish(&state_a);
    quire_buffer_finish(&state_b);
}

/** States join as deltas do. */
static void join_states(
    const struct quire_document *document, const struct replica *replicas, uint32_t agents)
{
    struct quire_document *joined;
    struct quire_buffer state = {0};
    uint32_t stride = agents / STATES_MAX + 1;
    OK(quire_document_create(&joined));
    for (uint32_t agent = agents; agent > 0; agent--) {
        if (replicas[agent - 1].document != NULL && agent % stride == 0) {
            quire_buffer_clear(&state);
            OK(quire_document_encode(replicas[agent - 1].document, &state));
            OK(quire_document_merge(joined, quire_buffer_bytes(&state)));
        }
    }
    quire_buffer_clear(&state);
    OK(quire_document_encode(document, &state));
    OK(quire_document_merge(joined, quire_buffer_bytes(&state)));
    need_same(document, joined, "states and deltas end differently");
    quire_buffer_finish(&state);
    quire_document_destroy(joined);
}

static size_t *array_of(size_t count)
{
    size_t *array = calloc(count + 1, sizeof *array);
    need(array != NULL, "no memory");
    return array;
}

/** All deltas, each after those that its author had merged: the newest that may come first (seed 0:
 * branch after branch), or any. */
static struct quire_document *merge_shuffled(const struct history *history, uint64_t seed)
{
    size_t count = history->transaction_count;
    size_t *waits = array_of(count); /* for so many parents */
    size_t *children = array_of(history->parent_count);
    size_t *first_child = array_of(count + 1);
    size_t *ready = array_of(count);
    size_t ready_count = 0;
    size_t merged = 0;
    struct kit_random random = {seed};
    struct quire_document *document;
    OK(quire_document_create(&document));
    for (size_t i = 0; i < history->parent_count; i++) {
        first_child[history->parents[i] + 1]++;
    }
    for (size_t i = 0; i < count; i++) {
        first_child[i + 1] += first_child[i];
    }
    for (size_t i = 0; i < count; i++) {
        const struct transaction *transaction = &history->transactions[i];
        waits[i] = transaction->parent_count;
        for (size_t j = 0; j < transaction->parent_count; j++) {
            children[first_child[history->parents[transaction->parent + j]]++] = i;
        }
        if (waits[i] == 0) {
            ready[ready_count++] = i;
        }
    }
    for (; ready_count > 0; merged++) { /* first_child[i] is where the children of i end now */
        size_t pick = seed == 0 ? ready_count - 1 : (size_t)kit_random_below(&random, ready_count);
        size_t index = ready[pick];
        ready[pick] = ready[--ready_count];
        if (history->transactions[index].delta_size > 0) {
            OK(quire_document_merge(document, history_delta(history, index)));
        }
        for (size_t i = index > 0 ? first_child[index - 1] : 0; i < first_child[index]; i++) {
            if (--waits[children[i]] == 0) {
                ready[ready_count++] = children[i];
            }
        }
    }
    need(merged == count, "a history without circles");
    free(waits);
    free(children);
    free(first_child);
    free(ready);
    return document;
}

/* ---- beside the naive reference ------------------------------------------------------------ */

/* that the reference may take, about: it reads all letters for each patch */
#define STEPS_MAX 200000000u
#define COMPARE_EVERY 16

struct naive {
    struct reference *reference;
    uint8_t names[REPLICAS_MAX][QUIRE_REPLICA_SIZE];
    unsigned name_count;
    struct clock *clocks; /* by transaction: what is known after it */
};

/** The replica's index; REPLICAS_MAX: there are too many. */
static unsigned replica_of(struct naive *naive, const uint8_t *name)
{
    unsigned index = 0;
    while (
        index < naive->name_count && memcmp(naive->names[index], name, QUIRE_REPLICA_SIZE) != 0) {
        index++;
    }
    if (index == naive->name_count && index < REPLICAS_MAX) {
        memcpy(naive->names[naive->name_count++], name, QUIRE_REPLICA_SIZE);
    }
    return index;
}

static size_t points_of(struct quire_bytes text, uint32_t *out_points)
{
    static const uint8_t lead[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t count = 0;
    for (size_t i = 0; i < text.size; count++) {
        uint8_t byte = text.data[i];
        size_t width = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        out_points[count] = byte & lead[width];
        for (size_t j = 1; j < width; j++) {
            out_points[count] = out_points[count] << 6 | (text.data[i + j] & 0x3f);
        }
        i += width;
    }
    return count;
}

/** Types a transaction into the reference, in the text that its parents make. Returns what it read. */
static uint64_t type_naively(struct naive *naive, const struct history *history, size_t index,
    unsigned replica, uint64_t *letters)
{
    const struct transaction *transaction = &history->transactions[index];
    struct clock *clock = &naive->clocks[index];
    struct author author = {replica, clock, (int64_t)index};
    const int64_t mood = HISTORY_MOOD;
    bool visible = strncmp(history->name, "friendsforever", 14) != 0; /* as history_type */
    uint64_t steps = 0;
    for (size_t i = 0; i < transaction->parent_count; i++) {
        const struct clock *parent = &naive->clocks[history->parents[transaction->parent + i]];
        for (size_t j = 0; j < REPLICAS_MAX; j++) {
            clock->seen[j] = clock->seen[j] > parent->seen[j] ? clock->seen[j] : parent->seen[j];
        }
    }
    for (size_t i = transaction->patch; i < transaction->patch + transaction->patch_count; i++) {
        const struct patch *patch = &history->patches[i];
        uint32_t *points = calloc(patch->text_size + 1, sizeof *points);
        need(points != NULL, "no memory");
        size_t count = points_of(
            (struct quire_bytes){history->bytes.data + patch->text, patch->text_size}, points);
        need((patch->erased == 0 || !visible
                 || reference_write(naive->reference, &author, QUIRE_REGISTER_MOOD, 0, &mood))
                && (patch->erased == 0
                    || reference_erase(naive->reference, &author, patch->position, patch->erased))
                && (count == 0 || !visible
                    || reference_write(naive->reference, &author, QUIRE_REGISTER_MOOD, 0, &mood))
                && (count == 0
                    || reference_insert(naive->reference, &author, patch->position, points, count)),
            "no memory for the reference");
        free(points);
        *letters += count;
        steps += 2 * *letters;
    }
    return steps;
}

/** As much of a history's beginning as the reference can do in a second or two: how much that was. */
static size_t compare_naively(const struct history *history)
{
    struct naive *naive = calloc(1, sizeof *naive);
    need(naive != NULL, "no memory");
    naive->reference = reference_create(naive->names);
    naive->clocks = calloc(history->transaction_count, sizeof *naive->clocks);
    need(naive->reference != NULL && naive->clocks != NULL, "no memory");
    struct quire_document *document;
    OK(quire_document_create(&document));
    struct clock all = {{0}};
    uint64_t steps = 0;
    uint64_t letters = 0;
    size_t index = 0;
    char reason[100];
    for (; index < history->transaction_count && steps < STEPS_MAX; index++) {
        unsigned replica = replica_of(naive, history->transactions[index].replica);
        if (replica == REPLICAS_MAX) {
            break;
        }
        steps += type_naively(naive, history, index, replica, &letters);
        all.seen[replica] = naive->clocks[index].seen[replica];
        if (history->transactions[index].delta_size > 0) {
            OK(quire_document_merge(document, history_delta(history, index)));
        }
        if (index % COMPARE_EVERY == 0 || index + 1 == history->transaction_count) {
            steps += letters;
            need(
                reference_compare(naive->reference, &all, document, reason, sizeof reason), reason);
        }
    }
    need(reference_compare(naive->reference, &all, document, reason, sizeof reason), reason);
    reference_destroy(naive->reference);
    quire_document_destroy(document);
    free(naive->clocks);
    free(naive);
    return index;
}

static struct quire_document *run_concurrent(struct history *history)
{
    uint32_t agents;
    struct replica *replicas = history_type_all(history, &agents);
    struct quire_document *document;
    OK(quire_document_create(&document));
    for (size_t i = 0; i < history->transaction_count; i++) {
        if (history->transactions[i].delta_size > 0) {
            OK(quire_document_merge(document, history_delta(history, i)));
        }
    }
    join_states(document, replicas, agents);
    replicas_finish(replicas, agents);
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct quire_document *other = merge_shuffled(history, seed);
        need_same(document, other, "the same deltas in another order end in another state");
        quire_document_destroy(other);
    }
    size_t compared = compare_naively(history);
    if (history->transaction_count > 1000) {
        printf("# %s: %zu of %zu transactions beside the naive reference\n", history->name,
            compared, history->transaction_count);
    }
    return document;
}

/** Whether two texts are as long, and of a thousand letters 999 are in both. */
static bool alike(struct quire_bytes a, struct quire_bytes b)
{
    size_t counts[2][256] = {{0}};
    size_t apart = 0;
    for (size_t i = 0; i < a.size; i++) {
        counts[0][a.data[i]]++;
    }
    for (size_t i = 0; i < b.size; i++) {
        counts[1][b.data[i]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        apart += counts[0][i] > counts[1][i] ? counts[0][i] - counts[1][i] : 0;
    }
    printf("# %zu bytes for %zu, %zu of them others\n", a.size, b.size, apart);
    return a.size == b.size && apart <= a.size / 1000;
}

static bool run(struct history *history)
{
    struct quire_bytes expected = quire_buffer_bytes(&history->expected);
    struct quire_buffer text = {0};
    struct quire_document *document =
        history->transaction_count > 0 ? run_concurrent(history) : run_sequential(history);
    OK(quire_document_text(document, &text));
    bool same = history->other_order ? alike(quire_buffer_bytes(&text), expected)
                                     : quire_bytes_equal(quire_buffer_bytes(&text), expected);
    if (!same && text.size < 200) {
        printf("# expected %.*s\n# read     %.*s\n", (int)expected.size,
            (const char *)expected.data, (int)text.size, (char *)text.data);
    }
    quire_document_destroy(document);
    quire_buffer_finish(&text);
    return same;
}

int main(void)
{
    struct history history = {0};
    size_t count = 0;
    size_t failed = 0;
    while (history_read(&history, stdin)) {
        bool same = run(&history);
        printf("%s %zu - %s\n", same ? "ok" : "not ok", ++count, history.name);
        failed += same ? 0 : 1;
    }
    printf("1..%zu\n", count);
    history_finish(&history);
    return failed > 0 || count == 0;
}
