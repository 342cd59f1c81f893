/*
 * Types recorded editing histories into documents and compares the end. Reads stdin, line by line:
 *
 *   D name            a history begins
 *   T agent seq p…    a transaction: who (a number), the agent's op number, parent transactions
 *   P pos del hex     a patch of it: erase del code points at pos, then insert (hex of UTF-8, or -)
 *   E hex             the text that it ends with; the history is run now
 *
 * A history without T is typed into one document. With T, each transaction is typed into a replica
 * that has merged exactly its parents; then all deltas meet in one document. A test per history.
 */
#define _POSIX_C_SOURCE 200809L
#include <quire/document.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct patch {
    size_t position;
    size_t erased;
    size_t text; /* offset in history.bytes */
    size_t text_size;
};

struct transaction {
    uint32_t agent;
    uint32_t seq;
    size_t parent; /* the first in history.parents */
    size_t parent_count;
    size_t patch; /* the first in history.patches */
    size_t patch_count;
    size_t delta; /* offset in history.deltas */
    size_t delta_size;
    size_t mark; /* of a search */
};

struct history {
    char name[256];
    struct transaction *transactions;
    size_t transaction_count;
    size_t transaction_capacity;
    size_t *parents;
    size_t parent_count;
    size_t parent_capacity;
    struct patch *patches;
    size_t patch_count;
    size_t patch_capacity;
    struct quire_buffer bytes;
    struct quire_buffer deltas;
};

struct replica {
    struct quire_document *document;
    struct quire_stamp stamp;
    unsigned char *has; /* by transaction */
    size_t last;
};

static void need(bool condition, const char *what)
{
    if (!condition) {
        printf("Bail out! %s\n", what);
        exit(1);
    }
}

#define OK(call) need((call) == QUIRE_OK, #call)

static void *grown(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity < 64 ? 64 : *capacity * 2;
    array = realloc(array, *capacity * size);
    need(array != NULL, "no memory");
    return array;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void type_patches(struct quire_document *document, const struct quire_stamp *stamp,
    const struct history *history, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        const struct patch *patch = &history->patches[i];
        if (patch->erased > 0) {
            OK(quire_document_erase(document, stamp, patch->position, patch->erased));
        }
        if (patch->text_size > 0) {
            struct quire_bytes text = {history->bytes.data + patch->text, patch->text_size};
            OK(quire_document_insert(document, stamp, patch->position, text));
        }
    }
}

/* ---- one after another -------------------------------------------------------------------- */

static struct quire_document *run_sequential(const struct history *history)
{
    struct quire_document *document;
    struct quire_stamp stamp = {{'s', 'e', 'q'}, 1};
    OK(quire_document_create(&document));
    double start = now();
    type_patches(document, &stamp, history, 0, history->patch_count);
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

static struct quire_bytes delta_of(const struct history *history, size_t index)
{
    const struct transaction *from = &history->transactions[index];
    return (struct quire_bytes){history->deltas.data + from->delta, from->delta_size};
}

static int compare_sizes(const void *a, const void *b)
{
    size_t left = *(const size_t *)a;
    size_t right = *(const size_t *)b;
    return left < right ? -1 : left > right;
}

/** What the replica lacks of the parents and their past, in order. False: it holds something that
 * is not among them, its own last transaction. */
static bool missing(struct history *history, const struct replica *replica, size_t index,
    size_t **out_missing, size_t *out_count)
{
    size_t *found = malloc((history->transaction_count + 1) * sizeof *found);
    need(found != NULL, "no memory");
    size_t count = 0;
    size_t next = 0;
    bool past_last = replica->last == SIZE_MAX;
    size_t at = index;
    for (;;) {
        const struct transaction *transaction = &history->transactions[at];
        for (size_t i = 0; i < transaction->parent_count; i++) {
            size_t parent = history->parents[transaction->parent + i];
            past_last = past_last || parent == replica->last;
            if (!replica->has[parent] && history->transactions[parent].mark != index + 1) {
                history->transactions[parent].mark = index + 1;
                found[count++] = parent;
            }
        }
        if (next == count) {
            break;
        }
        at = found[next++];
    }
    qsort(found, count, sizeof *found, compare_sizes);
    *out_missing = found;
    *out_count = count;
    return past_last;
}

static void reset(struct replica *replica, const struct history *history,
    const struct transaction *transaction)
{
    quire_document_destroy(replica->document);
    OK(quire_document_create(&replica->document));
    free(replica->has);
    replica->has = calloc(history->transaction_count, 1);
    need(replica->has != NULL, "no memory");
    replica->last = SIZE_MAX;
    for (unsigned i = 0; i < 4; i++) {
        replica->stamp.session[i] = (uint8_t)(transaction->agent >> (24 - 8 * i));
        replica->stamp.session[4 + i] = (uint8_t)(transaction->seq >> (24 - 8 * i));
    }
}

static void run_transaction(struct history *history, struct replica *replica, size_t index)
{
    struct transaction *transaction = &history->transactions[index];
    size_t *lacks = NULL;
    size_t count = 0;
    if (replica->document == NULL || !missing(history, replica, index, &lacks, &count)) {
        free(lacks);
        for (size_t i = 0; i < history->transaction_count; i++) {
            history->transactions[i].mark = 0;
        }
        reset(replica, history, transaction);
        need(missing(history, replica, index, &lacks, &count), "a new replica holds nothing");
    }
    for (size_t i = 0; i < count; i++) {
        OK(quire_document_merge(replica->document, delta_of(history, lacks[i])));
        replica->has[lacks[i]] = 1;
    }
    free(lacks);
    replica->stamp.wall_ms = (int64_t)index;
    type_patches(replica->document, &replica->stamp, history, transaction->patch,
        transaction->patch_count);
    replica->has[index] = 1;
    replica->last = index;
    transaction->delta = history->deltas.size;
    while (quire_document_pending_size(replica->document) > 0) {
        size_t start = history->deltas.size;
        OK(quire_document_take_delta(replica->document, SIZE_MAX, &history->deltas));
        need(start == transaction->delta, "one delta takes all");
    }
    transaction->delta_size = history->deltas.size - transaction->delta;
}

static struct quire_document *run_concurrent(struct history *history)
{
    uint32_t agents = 0;
    for (size_t i = 0; i < history->transaction_count; i++) {
        uint32_t agent = history->transactions[i].agent;
        agents = agent >= agents ? agent + 1 : agents;
    }
    struct replica *replicas = calloc(agents, sizeof *replicas);
    need(replicas != NULL, "no memory");
    for (size_t i = 0; i < history->transaction_count; i++) {
        run_transaction(history, &replicas[history->transactions[i].agent], i);
    }
    struct quire_document *document;
    OK(quire_document_create(&document));
    for (size_t i = 0; i < history->transaction_count; i++) {
        if (history->transactions[i].delta_size > 0) {
            OK(quire_document_merge(document, delta_of(history, i)));
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
        free(replicas[agent - 1].has);
        quire_document_destroy(replicas[agent - 1].document);
    }
    free(replicas);
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

/* ---- reading ------------------------------------------------------------------------------ */

static int digit(int c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static size_t read_hex(struct quire_buffer *bytes, const char *hex)
{
    size_t start = bytes->size;
    for (; *hex > ' ' && *hex != '-'; hex += 2) {
        uint8_t byte = (uint8_t)(digit(hex[0]) << 4 | digit(hex[1]));
        OK(quire_buffer_append(bytes, &byte, 1));
    }
    return bytes->size - start;
}

static void read_transaction(struct history *history, char *line)
{
    history->transactions = grown(history->transactions, history->transaction_count,
        &history->transaction_capacity, sizeof *history->transactions);
    struct transaction *transaction = &history->transactions[history->transaction_count++];
    *transaction = (struct transaction){.parent = history->parent_count,
        .patch = history->patch_count};
    transaction->agent = (uint32_t)strtoul(line, &line, 10);
    transaction->seq = (uint32_t)strtoul(line, &line, 10);
    for (char *end; ; line = end) {
        size_t parent = strtoul(line, &end, 10);
        if (end == line) {
            break;
        }
        history->parents = grown(history->parents, history->parent_count,
            &history->parent_capacity, sizeof *history->parents);
        history->parents[history->parent_count++] = parent;
        transaction->parent_count++;
    }
}

static void read_patch(struct history *history, char *line)
{
    history->patches = grown(history->patches, history->patch_count, &history->patch_capacity,
        sizeof *history->patches);
    struct patch *patch = &history->patches[history->patch_count++];
    patch->position = strtoul(line, &line, 10);
    patch->erased = strtoul(line, &line, 10);
    patch->text = history->bytes.size;
    patch->text_size = read_hex(&history->bytes, line + strspn(line, " "));
    if (history->transaction_count > 0) {
        history->transactions[history->transaction_count - 1].patch_count++;
    }
}

static bool run(struct history *history, const char *hex)
{
    struct quire_buffer expected = {0};
    struct quire_buffer text = {0};
    read_hex(&expected, hex);
    struct quire_document *document = history->transaction_count > 0 ? run_concurrent(history)
                                                                     : run_sequential(history);
    OK(quire_document_text(document, &text));
    bool same = quire_bytes_equal(quire_buffer_bytes(&text), quire_buffer_bytes(&expected));
    if (!same && text.size < 200) {
        printf("# expected %.*s\n# read     %.*s\n", (int)expected.size, (char *)expected.data,
            (int)text.size, (char *)text.data);
    }
    quire_document_destroy(document);
    quire_buffer_finish(&expected);
    quire_buffer_finish(&text);
    return same;
}

int main(void)
{
    struct history history = {0};
    char *line = NULL;
    size_t capacity = 0;
    size_t count = 0;
    size_t failed = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        switch (line[0]) {
        case 'D':
            snprintf(history.name, sizeof history.name, "%s", line + 2);
            history.transaction_count = history.parent_count = history.patch_count = 0;
            quire_buffer_clear(&history.bytes);
            quire_buffer_clear(&history.deltas);
            break;
        case 'T':
            read_transaction(&history, line + 1);
            break;
        case 'P':
            read_patch(&history, line + 1);
            break;
        case 'E': {
            bool same = run(&history, line + 2);
            printf("%s %zu - %s\n", same ? "ok" : "not ok", ++count, history.name);
            failed += same ? 0 : 1;
            break;
        }
        default:
            need(false, "a line that is no history");
        }
    }
    printf("1..%zu\n", count);
    free(line);
    free(history.transactions);
    free(history.parents);
    free(history.patches);
    quire_buffer_finish(&history.bytes);
    quire_buffer_finish(&history.deltas);
    return failed > 0 || count == 0;
}
