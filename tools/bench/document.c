/*
 * How long one document takes to type, to write, to merge and to read. Reads recorded histories
 * (history.h) from stdin; writes a line of JSON for each measure of each, times in milliseconds of
 * this process's CPU time: the least, the median, the greatest of the runs.
 *
 *   local     every patch typed into a new document; "each" is nanoseconds for a patch
 *   taken     then all of it taken as deltas, at most 64 KiB each
 *   encode    the whole state written, of a document whose items are there
 *   merge     that state into an empty document: it is checked, and rests
 *   load      the same, and the text of it
 *   ready     the same, and a letter typed into it and settled: then its items are there
 *   open      an encoded document from that state, and the text of it: nothing is built
 *   updates   every transaction's delta (a history without transactions: every patch's) merged one
 *             by one, and the text; "each" is nanoseconds for one
 *   typing    the slowest of 1,000 and of 100 patches, in nanoseconds of the clock on the wall
 */
#define _POSIX_C_SOURCE 200809L
#include "history.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RUNS_MAX 1000

struct bench {
    struct history *history;
    unsigned runs;
    const char *only;
    struct quire_buffer state;
    struct quire_buffer updates;
    size_t *update_sizes;
    size_t update_count;
};

static double clock_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double now(void)
{
    return clock_ms(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare_times(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static struct quire_document *new_document(void)
{
    struct quire_document *document;
    OK(quire_document_create(&document));
    return document;
}

static struct quire_document *type_all(const struct history *history)
{
    const struct quire_stamp stamp = {{'b', 'e', 'n', 'c', 'h'}, 1};
    struct quire_document *document = new_document();
    history_type(history, document, &stamp, 0, history->patch_count);
    return document;
}

static void read_text(struct bench *bench, const struct quire_document *document)
{
    struct quire_buffer text = {0};
    OK(quire_document_text(document, &text));
    /* Where two typed at one place, another order than the recorder's may be as good. */
    need(text.size == bench->history->expected.size, "another text than was recorded");
    quire_buffer_finish(&text);
}

/* ---- measures: each returns what one run took ---------------------------------------------- */

static double run_local(struct bench *bench)
{
    double start = now();
    struct quire_document *document = type_all(bench->history);
    double end = now();
    read_text(bench, document);
    quire_document_destroy(document);
    return end - start;
}

static double run_taken(struct bench *bench)
{
    struct quire_document *document = type_all(bench->history);
    struct quire_buffer delta = {0};
    double start = now();
    while (quire_document_pending_size(document) > 0) {
        quire_buffer_clear(&delta);
        OK(quire_document_take_delta(document, 65536, &delta));
    }
    double end = now();
    quire_buffer_finish(&delta);
    quire_document_destroy(document);
    return end - start;
}

static double run_encode(struct bench *bench)
{
    struct quire_document *document = new_document();
    OK(quire_document_merge(document, quire_buffer_bytes(&bench->state)));
    OK(quire_document_merge(document, quire_buffer_bytes(&bench->state))); /* the first one rests */
    struct quire_buffer state = {0};
    double start = now();
    OK(quire_document_encode(document, &state));
    double end = now();
    need(quire_bytes_equal(quire_buffer_bytes(&state), quire_buffer_bytes(&bench->state)),
        "a state was read as another one");
    quire_buffer_finish(&state);
    quire_document_destroy(document);
    return end - start;
}

static double run_merge(struct bench *bench)
{
    double start = now();
    struct quire_document *document = new_document();
    OK(quire_document_merge(document, quire_buffer_bytes(&bench->state)));
    double end = now();
    quire_document_destroy(document);
    return end - start;
}

static double run_load(struct bench *bench)
{
    double start = now();
    struct quire_document *document = new_document();
    OK(quire_document_merge(document, quire_buffer_bytes(&bench->state)));
    read_text(bench, document);
    double end = now();
    quire_document_destroy(document);
    return end - start;
}

static double run_ready(struct bench *bench)
{
    const struct quire_stamp stamp = {{'r', 'e', 'a', 'd', 'y'}, 1};
    double start = now();
    struct quire_document *document = new_document();
    OK(quire_document_merge(document, quire_buffer_bytes(&bench->state)));
    OK(quire_document_insert(document, &stamp, 0, quire_bytes_of_text("x")));
    need(quire_document_pending_size(document) > 0, "a letter was typed");
    double end = now();
    quire_document_destroy(document);
    return end - start;
}

static double run_open(struct bench *bench)
{
    struct quire_buffer state = {0};
    OK(quire_buffer_append(&state, bench->state.data, bench->state.size));
    double start = now();
    struct quire_document *document;
    OK(quire_document_open(&state, &document));
    read_text(bench, document);
    double end = now();
    quire_document_destroy(document);
    return end - start;
}

static double run_updates(struct bench *bench)
{
    double start = now();
    struct quire_document *document = new_document();
    size_t at = 0;
    for (size_t i = 0; i < bench->update_count; i++) {
        OK(quire_document_merge(
            document, (struct quire_bytes){bench->updates.data + at, bench->update_sizes[i]}));
        at += bench->update_sizes[i];
    }
    read_text(bench, document);
    double end = now();
    quire_document_destroy(document);
    return end - start;
}

/* ---- preparing ---------------------------------------------------------------------------- */

static void prepare_sequential(struct bench *bench)
{
    const struct history *history = bench->history;
    const struct quire_stamp stamp = {{'b', 'e', 'n', 'c', 'h'}, 1};
    struct quire_document *document = new_document();
    for (size_t i = 0; i < history->patch_count; i++) {
        size_t start = bench->updates.size;
        history_type(history, document, &stamp, i, 1);
        while (quire_document_pending_size(document) > 0) {
            OK(quire_document_take_delta(document, SIZE_MAX, &bench->updates));
        }
        bench->update_sizes[bench->update_count++] = bench->updates.size - start;
    }
    OK(quire_document_encode(document, &bench->state));
    quire_document_destroy(document);
}

static void prepare_concurrent(struct bench *bench)
{
    struct history *history = bench->history;
    uint32_t agents;
    struct replica *replicas = history_type_all(history, &agents);
    replicas_finish(replicas, agents);
    struct quire_document *document = new_document();
    for (size_t i = 0; i < history->transaction_count; i++) {
        struct quire_bytes delta = history_delta(history, i);
        if (delta.size > 0) {
            OK(quire_document_merge(document, delta));
            OK(quire_buffer_append(&bench->updates, delta.data, delta.size));
            bench->update_sizes[bench->update_count++] = delta.size;
        }
    }
    OK(quire_document_encode(document, &bench->state));
    quire_document_destroy(document);
}

static void prepare(struct bench *bench)
{
    const struct history *history = bench->history;
    bool concurrent = history->transaction_count > 0;
    quire_buffer_clear(&bench->state);
    quire_buffer_clear(&bench->updates);
    bench->update_count = 0;
    free(bench->update_sizes);
    bench->update_sizes =
        calloc(history->patch_count + history->transaction_count + 1, sizeof *bench->update_sizes);
    need(bench->update_sizes != NULL, "no memory");
    if (concurrent) {
        prepare_concurrent(bench);
    } else {
        prepare_sequential(bench);
    }
    printf("{\"trace\": \"%s\", \"patches\": %zu, \"updates\": %zu, \"update_bytes\": %zu, "
           "\"state_bytes\": %zu, \"text_bytes\": %zu}\n",
        history->name, history->patch_count, bench->update_count, bench->updates.size,
        bench->state.size, history->expected.size);
}

/* ---- the report ------------------------------------------------------------------------------ */

static bool wanted(const struct bench *bench, const char *name)
{
    return bench->only == NULL || strcmp(bench->only, name) == 0;
}

static void measure(
    struct bench *bench, const char *name, double (*run)(struct bench *bench), size_t count)
{
    double times[RUNS_MAX];
    if (!wanted(bench, name)) {
        return;
    }
    for (unsigned i = 0; i < bench->runs; i++) {
        times[i] = run(bench);
    }
    qsort(times, bench->runs, sizeof times[0], compare_times);
    double median = times[bench->runs / 2];
    printf("{\"trace\": \"%s\", \"measure\": \"%s\", \"runs\": %u, \"min_ms\": %.4f, "
           "\"median_ms\": %.4f, \"max_ms\": %.4f",
        bench->history->name, name, bench->runs, times[0], median, times[bench->runs - 1]);
    if (count > 0) {
        printf(", \"each_ns\": %.1f", median * 1e6 / (double)count);
    }
    printf("}\n");
    fflush(stdout);
}

static void measure_typing(struct bench *bench)
{
    const struct history *history = bench->history;
    const struct quire_stamp stamp = {{'b', 'e', 'n', 'c', 'h'}, 1};
    if (!wanted(bench, "typing") || history->patch_count == 0) {
        return;
    }
    double *times = calloc(history->patch_count, sizeof *times);
    need(times != NULL, "no memory");
    struct quire_document *document = new_document();
    for (size_t i = 0; i < history->patch_count; i++) {
        double start = clock_ms(CLOCK_MONOTONIC);
        history_type(history, document, &stamp, i, 1);
        times[i] = clock_ms(CLOCK_MONOTONIC) - start;
    }
    quire_document_destroy(document);
    qsort(times, history->patch_count, sizeof *times, compare_times);
    size_t last = history->patch_count - 1;
    printf("{\"trace\": \"%s\", \"measure\": \"typing\", \"p50_ns\": %.0f, \"p99_ns\": %.0f, "
           "\"p999_ns\": %.0f, \"max_ns\": %.0f}\n",
        history->name, times[last / 2] * 1e6, times[last - last / 100] * 1e6,
        times[last - last / 1000] * 1e6, times[last] * 1e6);
    free(times);
}

static int usage(const char *program)
{
    fprintf(stderr,
        "usage: %s [--runs N] [--only MEASURE] < HISTORIES\n"
        "Measures documents on recorded histories (tools/bench/lines.py TRACE.json.gz … writes\n"
        "them). MEASURE: local, taken, encode, merge, load, ready, open, updates, typing. N: ≤ %d.\n",
        program, RUNS_MAX);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"runs", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct history history = {0};
    struct bench bench = {.history = &history, .runs = 5};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r') {
            bench.runs = (unsigned)strtoul(optarg, NULL, 10);
        } else if (option == 'o') {
            bench.only = optarg;
        } else {
            return usage(argv[0]);
        }
    }
    if (optind < argc || bench.runs == 0 || bench.runs > RUNS_MAX) {
        return usage(argv[0]);
    }
    while (history_read(&history, stdin)) {
        prepare(&bench);
        if (history.transaction_count == 0) {
            measure(&bench, "local", run_local, history.patch_count);
            measure(&bench, "taken", run_taken, 0);
            measure_typing(&bench);
        }
        measure(&bench, "encode", run_encode, 0);
        measure(&bench, "merge", run_merge, 0);
        measure(&bench, "load", run_load, 0);
        measure(&bench, "ready", run_ready, 0);
        measure(&bench, "open", run_open, 0);
        measure(&bench, "updates", run_updates, bench.update_count);
    }
    history_finish(&history);
    quire_buffer_finish(&bench.state);
    quire_buffer_finish(&bench.updates);
    free(bench.update_sizes);
    return 0;
}
