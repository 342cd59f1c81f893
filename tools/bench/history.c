/*
 * Recorded editing histories: reading them, and typing them as their authors did.
 */
#define _POSIX_C_SOURCE 200809L
#include "history.h"
#include <stdlib.h>
#include <string.h>

void need(bool condition, const char *what)
{
    if (!condition) {
        printf("Bail out! %s\n", what);
        exit(1);
    }
}

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

void history_type(const struct history *history, struct quire_document *document,
    const struct quire_stamp *stamp, size_t first, size_t count)
{
    /* Recorders place a letter right after the visible one. Quire goes on behind what the replica typed last,
     * if that was erased there; not after another edit. */
    bool visible =
        history->transaction_count > 0 && strncmp(history->name, "friendsforever", 14) != 0;
    for (size_t i = first; i < first + count; i++) {
        const struct patch *patch = &history->patches[i];
        struct quire_value mood = {.number = HISTORY_MOOD};
        if (visible && patch->erased > 0) {
            OK(quire_document_set_register(document, stamp, QUIRE_REGISTER_MOOD, &mood));
        }
        if (patch->erased > 0) {
            OK(quire_document_erase(document, stamp, patch->position, patch->erased));
        }
        if (visible && patch->text_size > 0) {
            OK(quire_document_set_register(document, stamp, QUIRE_REGISTER_MOOD, &mood));
        }
        if (patch->text_size > 0) {
            struct quire_bytes text = {history->bytes.data + patch->text, patch->text_size};
            OK(quire_document_insert(document, stamp, patch->position, text));
        }
    }
}

/* ---- concurrently ------------------------------------------------------------------------- */

struct quire_bytes history_delta(const struct history *history, size_t index)
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

static void reset(
    struct replica *replica, const struct history *history, const struct transaction *transaction)
{
    quire_document_destroy(replica->document);
    OK(quire_document_create(&replica->document));
    free(replica->has);
    replica->has = calloc(history->transaction_count, 1);
    need(replica->has != NULL, "no memory");
    replica->last = SIZE_MAX;
    for (unsigned i = 0; i < 4; i++) {
        replica->stamp.replica[i] = (uint8_t)(transaction->agent >> (24 - 8 * i));
        replica->stamp.replica[4 + i] = (uint8_t)(transaction->seq >> (24 - 8 * i));
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
        OK(quire_document_merge(replica->document, history_delta(history, lacks[i])));
        replica->has[lacks[i]] = 1;
    }
    free(lacks);
    replica->stamp.wall_ms = (int64_t)index;
    memcpy(transaction->replica, replica->stamp.replica, sizeof transaction->replica);
    history_type(
        history, replica->document, &replica->stamp, transaction->patch, transaction->patch_count);
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

struct replica *history_type_all(struct history *history, uint32_t *out_agents)
{
    uint32_t agents = 0;
    for (size_t i = 0; i < history->transaction_count; i++) {
        uint32_t agent = history->transactions[i].agent;
        agents = agent >= agents ? agent + 1 : agents;
        history->transactions[i].mark = 0;
    }
    quire_buffer_clear(&history->deltas);
    struct replica *replicas = calloc(agents, sizeof *replicas);
    need(replicas != NULL, "no memory");
    for (size_t i = 0; i < history->transaction_count; i++) {
        run_transaction(history, &replicas[history->transactions[i].agent], i);
    }
    *out_agents = agents;
    return replicas;
}

void replicas_finish(struct replica *replicas, uint32_t agents)
{
    for (uint32_t agent = 0; agent < agents; agent++) {
        free(replicas[agent].has);
        quire_document_destroy(replicas[agent].document);
    }
    free(replicas);
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
    *transaction =
        (struct transaction){.parent = history->parent_count, .patch = history->patch_count};
    transaction->agent = (uint32_t)strtoul(line, &line, 10);
    transaction->seq = (uint32_t)strtoul(line, &line, 10);
    for (char *end;; line = end) {
        size_t parent = strtoul(line, &end, 10);
        if (end == line) {
            break;
        }
        history->parents = grown(history->parents, history->parent_count, &history->parent_capacity,
            sizeof *history->parents);
        history->parents[history->parent_count++] = parent;
        transaction->parent_count++;
    }
}

static void read_patch(struct history *history, char *line)
{
    history->patches = grown(
        history->patches, history->patch_count, &history->patch_capacity, sizeof *history->patches);
    struct patch *patch = &history->patches[history->patch_count++];
    patch->position = strtoul(line, &line, 10);
    patch->erased = strtoul(line, &line, 10);
    patch->text = history->bytes.size;
    patch->text_size = read_hex(&history->bytes, line + strspn(line, " "));
    if (history->transaction_count > 0) {
        history->transactions[history->transaction_count - 1].patch_count++;
    }
}

bool history_read(struct history *history, FILE *file)
{
    while (getline(&history->line, &history->line_capacity, file) > 0) {
        char *line = history->line;
        line[strcspn(line, "\n")] = '\0';
        switch (line[0]) {
        case 'D':
            snprintf(history->name, sizeof history->name, "%s", line + 2);
            history->transaction_count = history->parent_count = history->patch_count = 0;
            quire_buffer_clear(&history->bytes);
            quire_buffer_clear(&history->deltas);
            quire_buffer_clear(&history->expected);
            break;
        case 'T': read_transaction(history, line + 1); break;
        case 'P': read_patch(history, line + 1); break;
        case 'E':
        case 'O':
            history->other_order = line[0] == 'O';
            read_hex(&history->expected, line + 2);
            return true;
        default: need(false, "a line that is no history");
        }
    }
    return false;
}

void history_finish(struct history *history)
{
    free(history->line);
    free(history->transactions);
    free(history->parents);
    free(history->patches);
    quire_buffer_finish(&history->bytes);
    quire_buffer_finish(&history->deltas);
    quire_buffer_finish(&history->expected);
}
