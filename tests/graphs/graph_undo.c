/*
 * What a device takes back and makes again, in a graph. Three things are held against it: what it wrote
 * are edits that the reference allows an undo; where nothing came from elsewhere meanwhile, the entry
 * shows what it did before the step, or after it; and, as for all edits, everybody ends in one state.
 */
#include "crdt/inner.h"
#include "graph_inner.h"
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE_MAX 20000 /* bytes: longer texts are not remembered */
#define UNDO_SIZE (UINT32_C(1) << 24)
#define UNDO_SIZE_BOUNDED 1500

/** All values of registers and sets, concurrent ones too, with their times. Their ids are not in it, nor what
 * ids decide: which is shown of those with one time. */
static uint64_t cells_of(const struct quire_document *document, uint64_t digest)
{
    for (size_t i = 0; i < document->cells.count; i++) {
        const struct qr_dot *dot = document->cells.dots[i];
        uint64_t one =
            graph_digest(dot->field, dot->bytes, (size_t)dot->name_size + dot->text_size);
        one = graph_digest(one, &dot->number, sizeof dot->number);
        digest += graph_digest(one, &dot->wall_ms, sizeof dot->wall_ms);
    }
    return digest;
}

/** What the entry shows, as far as an undo here takes it back; 0: it is not looked at. */
static uint64_t shown_by(struct graph *graph, const struct device *device)
{
    struct quire_buffer text = {0};
    if (quire_document_text_size(device->document) > TEXT_SIZE_MAX) {
        return 0;
    }
    graph_ok(graph, quire_document_text(device->document, &text), "text");
    uint64_t digest = graph_digest(0, text.data, text.size);
    quire_buffer_finish(&text);
    return cells_of(device->document, digest) | 1;
}

static void push(struct undoer *undoer, uint64_t *list, size_t *count, uint64_t text)
{
    if (*count == STEPS_MAX) {
        undoer->forgot = true;
        memmove(list, list + 1, (STEPS_MAX - 1) * sizeof *list);
        --*count;
    }
    list[(*count)++] = text;
}

void graph_undo_begin(struct graph *graph, struct device *device)
{
    quire_undo_destroy(device->undoer.undo);
    device->undoer = (struct undoer){.closed = true, .bounded = graph_pick(graph, 4) == 0};
    graph_ok(graph,
        quire_undo_create(
            device->undoer.bounded ? UNDO_SIZE_BOUNDED : UNDO_SIZE, &device->undoer.undo),
        "undo_create");
    if (graph->reference != NULL) {
        reference_forget_told(graph->reference, (unsigned)(device - graph->devices));
    }
}

void graph_undo_before(struct graph *graph, struct device *device, bool deletes)
{
    struct undoer *undoer = &device->undoer;
    bool noted = !deletes || graph->reference == NULL;
    if (!noted || graph_pick(graph, 5) == 0) {
        graph_ok(graph, quire_undo_close_step(undoer->undo), "close_step");
        undoer->closed = true;
    }
    graph_ok(
        graph, quire_undo_attach(undoer->undo, noted ? device->document : NULL), "undo_attach");
    undoer->before_count = quire_undo_count(undoer->undo);
    undoer->before = undoer->closed && !undoer->bounded ? shown_by(graph, device) : 0;
}

void graph_undo_after(struct graph *graph, struct device *device)
{
    struct undoer *undoer = &device->undoer;
    size_t count = quire_undo_count(undoer->undo);
    graph_need(graph,
        undoer->bounded || count == undoer->before_count
            || (undoer->closed && count == undoer->before_count + 1),
        "an edit is no step, or more than one");
    if (count > undoer->before_count) {
        push(undoer, undoer->done, &undoer->done_count, undoer->before);
        undoer->closed = false;
    }
    if (quire_undo_redo_count(undoer->undo) == 0) {
        undoer->undone_count = 0;
    }
    /* What others erase is heard of by who is attached. */
    graph_ok(graph, quire_undo_attach(undoer->undo, device->document), "undo_attach");
}

void graph_undo_news(struct device *device)
{
    memset(device->undoer.done, 0, device->undoer.done_count * sizeof(uint64_t));
    memset(device->undoer.undone, 0, device->undoer.undone_count * sizeof(uint64_t));
}

/* ---- learning what it did ------------------------------------------------------------------ */

static unsigned replica_of(
    const struct graph *graph, const struct quire_document *document, uint64_t id)
{
    unsigned replica = 0;
    const uint8_t *name = document->replicas.at[qr_id_replica(id)].name;
    while (replica < graph->replica_count
        && memcmp(graph->names[replica], name, QUIRE_REPLICA_SIZE) != 0) {
        replica++;
    }
    return replica;
}

static uint64_t id_of(const struct graph *graph, const struct quire_document *document,
    unsigned replica, uint64_t counter)
{
    return qr_id(qr_replicas_find(&document->replicas, graph->names[replica]), counter);
}

static uint64_t seen(const struct graph *graph, const struct device *device)
{
    uint32_t number = qr_replicas_find(&device->document->replicas, graph->names[device->replica]);
    return number == 0 ? 0 : device->document->replicas.at[number].seen;
}

/** The letter, or 0 if it is dead. */
static uint32_t point_of(const struct quire_document *document, uint32_t item, uint64_t id)
{
    struct quire_bytes letter = qr_text_letters(&document->text, item, id, 1);
    static const uint8_t lead[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = letter.size == 0 ? 0 : letter.data[0] & lead[letter.size];
    for (size_t i = 1; i < letter.size; i++) {
        point = point << 6 | (letter.data[i] & 0x3f);
    }
    return point;
}

struct looked_up {
    const struct graph *graph;
    const struct quire_document *document;
};

static uint32_t look_up(void *context, unsigned replica, uint64_t counter, uint32_t *out_point)
{
    const struct looked_up *in = context;
    uint32_t offset;
    uint64_t id = id_of(in->graph, in->document, replica, counter);
    uint32_t index = qr_text_find(&in->document->text, id, &offset);
    *out_point = index == QR_NONE ? 0 : point_of(in->document, index, id);
    return index == QR_NONE ? UINT32_MAX : in->document->text.items[index].turn;
}

static void learn(struct graph *graph, struct device *device, uint64_t first, uint64_t last)
{
    struct author author = {device->replica, &device->clock, 0};
    const char *wrong = NULL;
    for (uint64_t counter = first; wrong == NULL && counter <= last; counter++) {
        uint32_t offset;
        bool letter = qr_text_find(&device->document->text,
                          id_of(graph, device->document, device->replica, counter), &offset)
            != QR_NONE;
        wrong = letter ? reference_go_on(graph->reference, &author, counter) : NULL;
    }
    device->clock.seen[device->replica] = last;
    if (wrong == NULL) {
        struct looked_up context = {graph, device->document};
        wrong = reference_turned(graph->reference, &author, device->own, look_up, &context);
    }
    if (wrong != NULL) {
        graph_fail(graph, wrong);
    }
}

/** The ids of the dots that there are. The caller's. */
static uint64_t *ids_of_dots(struct graph *graph, const struct quire_document *document)
{
    const struct qr_cells *cells = &document->cells;
    uint64_t *ids = calloc(cells->count + 1, sizeof *ids);
    graph_need(graph, ids != NULL, "no memory");
    for (size_t i = 0; ids != NULL && i < cells->count; i++) {
        ids[i] = cells->dots[i]->id;
    }
    return ids;
}

static bool is_among(const uint64_t *ids, size_t count, uint64_t id)
{
    size_t i = 0;
    while (i < count && ids[i] != id) {
        i++;
    }
    return i < count;
}

/** What became of values, from the dots that there were and those that there are. */
static void learn_values(
    struct graph *graph, struct device *device, const uint64_t *before, size_t before_count)
{
    const struct quire_document *document = device->document;
    const struct qr_cells *cells = &document->cells;
    struct author author = {device->replica, &device->clock, 0};
    size_t after_count = cells->count;
    uint64_t *after = ids_of_dots(graph, document);
    for (size_t i = 0; i < before_count && !graph->failed; i++) {
        if (!is_among(after, after_count, before[i])) {
            const char *wrong = reference_take_away(graph->reference, &author, device->own,
                replica_of(graph, document, before[i]), qr_id_counter(before[i]));
            graph_need(graph, wrong == NULL, wrong);
        }
    }
    for (size_t i = 0; i < after_count && !graph->failed; i++) {
        const struct qr_dot *dot = cells->dots[i];
        if (is_among(before, before_count, dot->id)) {
            continue;
        }
        bool title = dot->field == QUIRE_REGISTER_TITLE;
        struct put_back back = {.counter = qr_id_counter(dot->id),
            .field = dot->field,
            .value = title ? qr_dot_text(dot).data[0] : dot->number,
            .wall_ms = dot->wall_ms,
            .name = dot->name_size > 0 ? (char)dot->bytes[0] : '\0'};
        const char *wrong = reference_put_back(
            graph->reference, &author, device->own, (unsigned)(device - graph->devices), &back);
        graph_need(graph, wrong == NULL, wrong);
    }
    free(after);
}

/* ---- doing it ------------------------------------------------------------------------------ */

void graph_undo_replay(struct graph *graph, struct device *device, bool redo)
{
    struct undoer *undoer = &device->undoer;
    struct quire_stamp stamp = graph_stamp(graph, device);
    graph_ok(graph, quire_undo_attach(undoer->undo, device->document), "undo_attach");
    graph_ok(graph, qr_document_settle(device->document), "settle");
    if (graph->failed
        || (redo ? quire_undo_redo_count(undoer->undo) : quire_undo_count(undoer->undo)) == 0) {
        return;
    }
    graph_need(graph,
        undoer->bounded || undoer->forgot
            || (undoer->done_count == quire_undo_count(undoer->undo)
                && undoer->undone_count == quire_undo_redo_count(undoer->undo)),
        "more or fewer steps than were made");
    size_t back = redo ? quire_undo_count(undoer->undo) : quire_undo_redo_count(undoer->undo);
    uint64_t first = seen(graph, device) + 1;
    uint64_t text = undoer->bounded ? 0 : shown_by(graph, device);
    size_t dot_count = device->document->cells.count;
    uint64_t *dots = ids_of_dots(graph, device->document);
    graph_ok(graph,
        redo ? quire_undo_redo(undoer->undo, &stamp) : quire_undo_undo(undoer->undo, &stamp),
        redo ? "redo" : "undo");
    undoer->closed = true;
    graph->result->ops++;
    graph->result->undos++;
    if (graph->reference != NULL) {
        learn(graph, device, first, seen(graph, device));
        learn_values(graph, device, dots, dot_count);
    }
    free(dots);
    device->clock.seen[device->replica] = seen(graph, device);
    uint64_t *from = redo ? undoer->undone : undoer->done;
    size_t *from_count = redo ? &undoer->undone_count : &undoer->done_count;
    uint64_t expected = *from_count > 0 ? from[--*from_count] : 0;
    if ((redo ? quire_undo_count(undoer->undo) : quire_undo_redo_count(undoer->undo)) > back) {
        push(undoer, redo ? undoer->done : undoer->undone,
            redo ? &undoer->done_count : &undoer->undone_count, text);
    }
    if (expected != 0 && !graph->failed) {
        graph->result->returns++;
        graph_need(graph, shown_by(graph, device) == expected,
            redo ? "a step made again shows another entry than it did"
                 : "a step taken back shows another entry than was before it");
    }
    if (graph_pick(graph, graph->options->check_every) == 0) {
        graph_check(graph, device);
    }
}

void graph_undo_reopen(struct graph *graph, struct device *device)
{
    struct quire_buffer state = {0};
    struct quire_buffer pending = {0};
    size_t pending_size = quire_document_pending_size(device->document);
    graph_ok(graph, quire_document_encode(device->document, &state), "encode");
    graph_ok(graph, quire_document_encode_pending(device->document, &pending), "encode_pending");
    struct quire_document *document = NULL;
    if (graph_pick(graph, 2) == 0) {
        graph_ok(graph, quire_document_open(&state, &document), "open");
    } else {
        graph_ok(graph, quire_document_create(&document), "create");
        graph_ok(
            graph, quire_document_merge(document, quire_buffer_bytes(&state)), "merging a state");
    }
    if (pending_size > 0 && !graph->failed) {
        graph_ok(graph, quire_document_restore_pending(document, quire_buffer_bytes(&pending)),
            "restore_pending");
    }
    quire_document_destroy(device->document);
    device->document = document;
    device->undoer.closed = true;
    graph_ok(graph, quire_undo_attach(device->undoer.undo, document), "undo_attach");
    quire_buffer_finish(&state);
    quire_buffer_finish(&pending);
}
