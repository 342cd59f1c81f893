/*
 * Types recorded editing histories (tools/bench/history.h, from stdin) into documents and compares
 * the end. A history without T is typed into one document. With T, each transaction is typed into a
 * replica that has merged exactly its parents; then all deltas meet in one document. A test per
 * history.
 */
#define _POSIX_C_SOURCE 200809L
#include "history.h"
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
        history->name, history->patch_count,
        (typed - start) * 1e9 / (double)history->patch_count, taken, delta.size,
        (cut - typed) * 1e3, state.size, quire_document_text_size(document),
        (encoded - cut) * 1e3, (merged - encoded) * 1e3);
    quire_buffer_finish(&delta);
    quire_buffer_finish(&state);
    quire_buffer_finish(&again);
    quire_document_destroy(document);
    return copy;
}

/* ---- concurrently ------------------------------------------------------------------------- */

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
    /* States join as deltas do, in any order. */
    struct quire_document *joined;
    OK(quire_document_create(&joined));
    struct quire_buffer state = {0};
    struct quire_buffer other = {0};
    for (uint32_t agent = agents; agent > 0; agent--) {
        if (replicas[agent - 1].document != NULL) {
            quire_buffer_clear(&state);
            OK(quire_document_encode(replicas[agent - 1].document, &state));
            OK(quire_document_merge(joined, quire_buffer_bytes(&state)));
        }
    }
    replicas_finish(replicas, agents);
    quire_buffer_clear(&state);
    OK(quire_document_encode(document, &state));
    OK(quire_document_merge(joined, quire_buffer_bytes(&state)));
    OK(quire_document_encode(joined, &other));
    need(quire_bytes_equal(quire_buffer_bytes(&state), quire_buffer_bytes(&other)),
        "states and deltas end differently");
    quire_buffer_finish(&state);
    quire_buffer_finish(&other);
    quire_document_destroy(joined);
    return document;
}

static bool run(struct history *history)
{
    struct quire_bytes expected = quire_buffer_bytes(&history->expected);
    struct quire_buffer text = {0};
    struct quire_document *document = history->transaction_count > 0 ? run_concurrent(history)
                                                                     : run_sequential(history);
    OK(quire_document_text(document, &text));
    bool same = quire_bytes_equal(quire_buffer_bytes(&text), expected);
    if (!same && text.size < 200) {
        printf("# expected %.*s\n# read     %.*s\n", (int)expected.size, (const char *)expected.data,
            (int)text.size, (char *)text.data);
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
