/*
 * Writes a document's state, or a part of what is pending, as protocol/document.md says.
 * Equal states give equal bytes: sessions go by name, runs by session and counter but after what
 * they refer to, and neighbours that are one run are written as one.
 */
#include "base/writer.h"
#include "crdt/inner.h"
#include <stdlib.h>
#include <string.h>

/** What is to be written of a session. */
struct part {
    uint64_t first; /* counters covered; 0: none */
    uint64_t last;
    uint64_t deleted;
    uint32_t rank;    /* its place in the table */
    uint32_t next;    /* the first of its runs not yet written */
    uint32_t run_end; /* one past its last run */
    bool used;
};

struct range {
    uint64_t id;
    uint64_t length;
};

struct encoder {
    const struct quire_document *document;
    bool state;
    struct part *parts;  /* by session number */
    struct qr_run *runs; /* by session number and counter */
    size_t run_count;
    size_t run_capacity;
    uint32_t *order; /* of the runs, as written */
    size_t order_count;
    uint32_t *stack; /* of sessions */
    struct range *erased;
    size_t erased_count;
    uint64_t *removed;
    size_t removed_count;
    const struct qr_dot **dots;
    size_t dot_count;
    struct qr_writer writer;
};

static struct part *part_of(struct encoder *encoder, uint64_t id)
{
    return &encoder->parts[qr_id_session(id)];
}

static bool covers(struct encoder *encoder, uint64_t id)
{
    const struct part *part = part_of(encoder, id);
    return part->first != 0 && qr_id_counter(id) >= part->first && qr_id_counter(id) <= part->last;
}

/* ---- gathering ---------------------------------------------------------------------------- */

/** The pieces of text that the covered range of a session holds, one after another. */
struct walk {
    uint32_t item; /* QR_NONE: no more */
    uint64_t id;   /* where the piece begins */
    uint32_t length;
    uint64_t end; /* one past the range */
};

static void walk_clip(const struct qr_text *text, struct walk *walk)
{
    while (walk->item != QR_NONE) {
        const struct qr_item *item = &text->items[walk->item];
        uint64_t item_end = item->id + item->length;
        uint64_t from = item->id > walk->id ? item->id : walk->id;
        if (from >= walk->end) {
            walk->item = QR_NONE;
        } else if (from < item_end && walk->item != 0) {
            walk->id = from;
            walk->length = (uint32_t)((item_end < walk->end ? item_end : walk->end) - from);
            return;
        } else {
            walk->item = qr_tree_next(&text->ids, walk->item);
        }
    }
}

static struct walk walk_from(const struct qr_text *text, uint64_t id, uint64_t length)
{
    struct walk walk = {qr_text_search(text, id), id, 0, id + length};
    walk_clip(text, &walk);
    return walk;
}

static void walk_on(const struct qr_text *text, struct walk *walk)
{
    walk->id += walk->length;
    walk_clip(text, walk);
}

static enum quire_status add_run(struct encoder *encoder, const struct qr_run *run)
{
    if (encoder->run_count == encoder->run_capacity) {
        size_t capacity = encoder->run_capacity < 16 ? 16 : encoder->run_capacity * 2;
        struct qr_run *runs = realloc(encoder->runs, capacity * sizeof *runs);
        if (runs == NULL) {
            return QUIRE_ENOMEM;
        }
        encoder->runs = runs;
        encoder->run_capacity = capacity;
    }
    encoder->runs[encoder->run_count++] = *run;
    return QUIRE_OK;
}

/** The runs of a session's covered range. Pieces of one run, split here for whatever reason, are
 * joined again; a run ends where the wire would not hold its length. */
static enum quire_status gather_runs(struct encoder *encoder, uint32_t session)
{
    const struct qr_text *text = &encoder->document->text;
    struct part *part = &encoder->parts[session];
    enum quire_status status = QUIRE_OK;
    part->next = (uint32_t)encoder->run_count;
    uint64_t length = part->first == 0 ? 0 : part->last - part->first + 1;
    struct walk walk = walk_from(text, qr_id(session, part->first), length);
    for (; walk.item != QR_NONE && status == QUIRE_OK; walk_on(text, &walk)) {
        const struct qr_item *item = &text->items[walk.item];
        uint64_t parent = walk.id == item->id ? item->parent : walk.id - 1;
        struct qr_run *last = encoder->run_count > part->next
            ? &encoder->runs[encoder->run_count - 1] : NULL;
        if (last != NULL && last->id + last->length == walk.id && parent == walk.id - 1
            && last->right == item->right && last->length + walk.length <= QR_RUN_MAX) {
            last->length += walk.length;
            continue;
        }
        struct qr_run run = {.id = walk.id, .parent = parent, .right = item->right,
            .length = walk.length};
        part_of(encoder, run.parent)->used = true;
        part_of(encoder, run.right)->used = true;
        status = add_run(encoder, &run);
    }
    part->run_end = (uint32_t)encoder->run_count;
    return status;
}

static bool is_written(struct encoder *encoder, uint64_t id)
{
    const struct part *part = part_of(encoder, id);
    return part->next >= part->run_end || encoder->runs[part->next].id > id;
}

/** Puts the runs in order: session by session, but first what a run refers to. Who refers in a
 * circle does not exist, so a session is on the stack once at most. */
static void order_runs(struct encoder *encoder)
{
    const struct qr_sessions *sessions = &encoder->document->sessions;
    for (uint32_t i = 0; i < sessions->count; i++) {
        uint32_t depth = 0;
        encoder->stack[depth++] = sessions->sorted[i];
        while (depth > 0) {
            struct part *part = &encoder->parts[encoder->stack[depth - 1]];
            bool waits = depth > 1; /* for a run of its own only, then back to who asked */
            if (part->next >= part->run_end) {
                depth--;
                continue;
            }
            const struct qr_run *run = &encoder->runs[part->next];
            if (!is_written(encoder, run->parent)
                && qr_id_session(run->parent) != qr_id_session(run->id)) {
                encoder->stack[depth++] = qr_id_session(run->parent);
            } else if (!is_written(encoder, run->right)
                && qr_id_session(run->right) != qr_id_session(run->id)) {
                encoder->stack[depth++] = qr_id_session(run->right);
            } else {
                encoder->order[encoder->order_count++] = part->next++;
                depth -= waits ? 1 : 0;
            }
        }
    }
}

/** Takes what the first steps of the pending list say. */
static void gather_pending(struct encoder *encoder, uint64_t steps)
{
    const struct quire_document *document = encoder->document;
    for (size_t i = 0; i < document->pending.count && steps > 0; i++) {
        const struct qr_pending_record *record = &document->pending.records[i];
        struct part *part = part_of(encoder, record->id);
        uint64_t counter = qr_id_counter(record->id);
        uint64_t taken = 1;
        part->used = true;
        switch ((enum qr_pending_kind)record->kind) {
        case QR_PENDING_SPAN: {
            uint64_t first = document->sessions.at[qr_id_session(record->id)].pending_first;
            taken = record->length < steps ? record->length : steps;
            if (first != 0 && counter + taken > first && counter + taken - 1 > part->last) {
                part->first = first;
                part->last = counter + taken - 1;
            }
            break;
        }
        case QR_PENDING_ERASE:
            encoder->erased[encoder->erased_count++] = (struct range){record->id, record->length};
            break;
        case QR_PENDING_REMOVE:
            encoder->removed[encoder->removed_count++] = record->id;
            break;
        case QR_PENDING_DELETED:
            part->deleted = counter > part->deleted ? counter : part->deleted;
            break;
        }
        steps -= taken;
    }
}

static void gather_state(struct encoder *encoder)
{
    const struct qr_sessions *sessions = &encoder->document->sessions;
    for (uint32_t number = 1; number <= sessions->count; number++) {
        encoder->parts[number].used = true;
        encoder->parts[number].first = 1;
        encoder->parts[number].last = sessions->at[number].seen;
        encoder->parts[number].deleted = sessions->at[number].deleted;
    }
}

/* ---- sorting: by rank, which only the encoder knows, so ids are ranked, sorted, and read back -- */

static int compare_ranges(const void *a, const void *b)
{
    uint64_t left = ((const struct range *)a)->id;
    uint64_t right = ((const struct range *)b)->id;
    return left < right ? -1 : left > right;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static int compare_dots(const void *a, const void *b)
{
    const struct qr_dot *left = *(const struct qr_dot *const *)a;
    const struct qr_dot *right = *(const struct qr_dot *const *)b;
    int order = memcmp(left->session, right->session, sizeof left->session);
    return order != 0 ? order : left->id < right->id ? -1 : left->id > right->id;
}

static uint64_t ranked(struct encoder *encoder, uint64_t id)
{
    return qr_id(part_of(encoder, id)->rank, qr_id_counter(id));
}

static void sort_effects(struct encoder *encoder)
{
    for (size_t i = 0; i < encoder->erased_count; i++) {
        encoder->erased[i].id = ranked(encoder, encoder->erased[i].id);
    }
    for (size_t i = 0; i < encoder->removed_count; i++) {
        encoder->removed[i] = ranked(encoder, encoder->removed[i]);
    }
    if (encoder->erased_count > 0) {
        qsort(encoder->erased, encoder->erased_count, sizeof *encoder->erased, compare_ranges);
    }
    if (encoder->removed_count > 0) {
        qsort(encoder->removed, encoder->removed_count, sizeof *encoder->removed, compare_ids);
    }
    if (encoder->dot_count > 0) {
        qsort(encoder->dots, encoder->dot_count, sizeof *encoder->dots, compare_dots);
    }

    size_t count = 0; /* ranges that touch or overlap become one; what was said twice, once */
    for (size_t i = 0; i < encoder->erased_count; i++) {
        struct range next = encoder->erased[i];
        struct range *last = count > 0 ? &encoder->erased[count - 1] : NULL;
        if (last != NULL && next.id <= last->id + last->length) {
            uint64_t end = next.id + next.length;
            uint64_t last_end = last->id + last->length;
            last->length = (end > last_end ? end : last_end) - last->id;
        } else {
            encoder->erased[count++] = next;
        }
    }
    encoder->erased_count = count;
    count = 0;
    for (size_t i = 0; i < encoder->removed_count; i++) {
        if (count == 0 || encoder->removed[count - 1] != encoder->removed[i]) {
            encoder->removed[count++] = encoder->removed[i];
        }
    }
    encoder->removed_count = count;
}

/* ---- writing ------------------------------------------------------------------------------ */

static uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (0 - (value >> 63));
}

static void write_sessions(struct encoder *encoder)
{
    const struct qr_sessions *sessions = &encoder->document->sessions;
    uint32_t count = 0;
    for (uint32_t i = 0; i < sessions->count; i++) {
        struct part *part = &encoder->parts[sessions->sorted[i]];
        part->rank = count;
        count += part->used ? 1 : 0;
    }
    qr_write_varint(&encoder->writer, count);
    for (uint32_t i = 0; i < sessions->count; i++) {
        const struct part *part = &encoder->parts[sessions->sorted[i]];
        if (!part->used) {
            continue;
        }
        qr_write_bytes(&encoder->writer, sessions->at[sessions->sorted[i]].name,
            QUIRE_SESSION_SIZE);
        uint64_t covered = part->first == 0 ? 0 : part->last - part->first + 1;
        qr_write_varint(&encoder->writer, covered);
        if (!encoder->state && covered > 0) {
            qr_write_varint(&encoder->writer, part->first);
        }
    }
}

/** 0 none; odd: so far back in the run's own session; even: another session and a counter. */
static void write_reference(struct encoder *encoder, uint64_t from, uint64_t to)
{
    if (to == QR_ID_NONE) {
        qr_write_varint(&encoder->writer, 0);
    } else if (qr_id_session(from) == qr_id_session(to)) {
        qr_write_varint(&encoder->writer, 2 * (from - to) - 1);
    } else {
        qr_write_varint(&encoder->writer, 2 * (uint64_t)(part_of(encoder, to)->rank + 1));
        qr_write_varint(&encoder->writer, qr_id_counter(to));
    }
}

static void write_runs(struct encoder *encoder)
{
    struct qr_writer *writer = &encoder->writer;
    uint32_t session = 0; /* of the run before */
    qr_write_varint(writer, encoder->order_count);
    for (size_t i = 0; i < encoder->order_count; i++) {
        const struct qr_run *run = &encoder->runs[encoder->order[i]];
        bool left = run->parent != QR_ID_NONE && run->parent == run->right;
        bool other = qr_id_session(run->id) != session;
        qr_write_varint(writer, (uint64_t)run->length << 2 | (other ? 2 : 0) | (left ? 1 : 0));
        struct part *part = part_of(encoder, run->id);
        session = qr_id_session(run->id);
        if (other) {
            qr_write_varint(writer, part->rank);
        }
        qr_write_varint(writer, qr_id_counter(run->id) - part->first);
        part->first = qr_id_counter(run->id) + run->length; /* the next gap counts from here */
        write_reference(encoder, run->id, run->parent);
        if (!left) {
            write_reference(encoder, run->id, run->right);
        }
    }
}

/** Lengths of live and dead stretches in turn, over all runs, then the letters of the live. */
static void write_letters(struct encoder *encoder)
{
    const struct qr_text *text = &encoder->document->text;
    struct qr_writer *writer = &encoder->writer;
    bool live = true;
    uint64_t stretch = 0;
    uint64_t size = 0;
    for (size_t i = 0; i < encoder->order_count; i++) {
        const struct qr_run *run = &encoder->runs[encoder->order[i]];
        struct walk walk = walk_from(text, run->id, run->length);
        for (; walk.item != QR_NONE; walk_on(text, &walk)) {
            struct quire_bytes letters = qr_text_letters(text, walk.item, walk.id, walk.length);
            if (live != (letters.size > 0)) {
                qr_write_varint(writer, stretch);
                stretch = 0;
                live = !live;
            }
            stretch += walk.length;
            size += letters.size;
        }
    }
    if (stretch > 0) {
        qr_write_varint(writer, stretch);
    }
    qr_write_varint(writer, size);
    for (size_t i = 0; i < encoder->order_count; i++) {
        const struct qr_run *run = &encoder->runs[encoder->order[i]];
        struct walk walk = walk_from(text, run->id, run->length);
        for (; walk.item != QR_NONE; walk_on(text, &walk)) {
            struct quire_bytes letters = qr_text_letters(text, walk.item, walk.id, walk.length);
            qr_write_bytes(writer, letters.data, letters.size);
        }
    }
}

static void write_sized(struct qr_writer *writer, struct quire_bytes bytes)
{
    qr_write_varint(writer, bytes.size);
    qr_write_bytes(writer, bytes.data, bytes.size);
}

static void write_dots(struct encoder *encoder, int64_t wall_ms)
{
    struct qr_writer *writer = &encoder->writer;
    qr_write_varint(writer, encoder->dot_count);
    for (size_t i = 0; i < encoder->dot_count; i++) {
        const struct qr_dot *dot = encoder->dots[i];
        qr_write_varint(writer, part_of(encoder, dot->id)->rank);
        qr_write_varint(writer, qr_id_counter(dot->id));
        qr_write_varint(writer, zigzag((uint64_t)dot->wall_ms - (uint64_t)wall_ms));
        qr_write_u8(writer, dot->field);
        switch (dot->field) {
        case QUIRE_REGISTER_TITLE:
            write_sized(writer, qr_dot_text(dot));
            break;
        case QUIRE_REGISTER_DATE:
            qr_write_varint(writer, zigzag((uint64_t)dot->number));
            break;
        case QUIRE_REGISTER_MOOD:
            qr_write_varint(writer, (uint64_t)dot->number);
            break;
        case QUIRE_REGISTER_COUNT + QUIRE_SET_TAGS:
            write_sized(writer, qr_dot_name(dot));
            break;
        default:
            write_sized(writer, qr_dot_name(dot));
            qr_write_varint(writer, (uint64_t)dot->number);
        }
    }
}

static void write_effects(struct encoder *encoder)
{
    struct qr_writer *writer = &encoder->writer;
    if (!encoder->state) {
        qr_write_varint(writer, encoder->erased_count);
        for (size_t i = 0; i < encoder->erased_count; i++) {
            qr_write_varint(writer, qr_id_session(encoder->erased[i].id));
            qr_write_varint(writer, qr_id_counter(encoder->erased[i].id));
            qr_write_varint(writer, encoder->erased[i].length);
        }
        qr_write_varint(writer, encoder->removed_count);
        for (size_t i = 0; i < encoder->removed_count; i++) {
            qr_write_varint(writer, qr_id_session(encoder->removed[i]));
            qr_write_varint(writer, qr_id_counter(encoder->removed[i]));
        }
    }
    const struct qr_sessions *sessions = &encoder->document->sessions;
    uint32_t count = 0;
    for (uint32_t number = 1; number <= sessions->count; number++) {
        count += encoder->parts[number].deleted > 0 ? 1 : 0;
    }
    qr_write_varint(writer, count);
    for (uint32_t i = 0; i < sessions->count; i++) {
        const struct part *part = &encoder->parts[sessions->sorted[i]];
        if (part->deleted > 0) {
            qr_write_varint(writer, part->rank);
            qr_write_varint(writer, part->deleted);
        }
    }
}

static enum quire_status encode(struct encoder *encoder, int64_t wall_ms,
    struct quire_buffer *out_bytes)
{
    const struct quire_document *document = encoder->document;
    enum quire_status status = QUIRE_OK;
    for (uint32_t number = 1; number <= document->sessions.count && status == QUIRE_OK; number++) {
        status = gather_runs(encoder, number);
    }
    encoder->order = calloc(encoder->run_count + 1, sizeof *encoder->order);
    if (status != QUIRE_OK || encoder->order == NULL) {
        return QUIRE_ENOMEM;
    }
    order_runs(encoder);
    for (size_t i = 0; i < document->cells.count; i++) {
        if (covers(encoder, document->cells.dots[i]->id)) {
            encoder->dots[encoder->dot_count++] = document->cells.dots[i];
        }
    }
    encoder->writer = qr_writer_onto(out_bytes);
    qr_write_u8(&encoder->writer, QR_DOCUMENT_VERSION);
    qr_write_u8(&encoder->writer, encoder->state ? 1 : 0);
    qr_write_varint(&encoder->writer, zigzag((uint64_t)wall_ms));
    write_sessions(encoder);
    sort_effects(encoder);
    write_runs(encoder);
    write_letters(encoder);
    write_dots(encoder, wall_ms);
    write_effects(encoder);
    return qr_writer_end(&encoder->writer);
}

static enum quire_status encoder_init(struct encoder *encoder,
    const struct quire_document *document)
{
    *encoder = (struct encoder){.document = document};
    encoder->parts = calloc(document->sessions.count + 1, sizeof *encoder->parts);
    encoder->stack = calloc(document->sessions.count + 1, sizeof *encoder->stack);
    encoder->dots = calloc(document->cells.count + 1, sizeof *encoder->dots);
    bool ready = encoder->parts != NULL && encoder->stack != NULL && encoder->dots != NULL;
    return ready ? QUIRE_OK : QUIRE_ENOMEM;
}

static void encoder_finish(struct encoder *encoder)
{
    free(encoder->parts);
    free(encoder->runs);
    free(encoder->order);
    free(encoder->stack);
    free(encoder->erased);
    free(encoder->removed);
    free(encoder->dots);
}

enum quire_status qr_encode_state(const struct quire_document *document,
    struct quire_buffer *out_bytes)
{
    struct encoder encoder;
    enum quire_status status = encoder_init(&encoder, document);
    if (status == QUIRE_OK) {
        encoder.state = true;
        gather_state(&encoder);
        status = encode(&encoder, document->wall_ms, out_bytes);
    }
    encoder_finish(&encoder);
    return status;
}

enum quire_status qr_encode_delta(const struct quire_document *document, uint64_t steps,
    struct quire_buffer *out_bytes)
{
    struct encoder encoder;
    enum quire_status status = encoder_init(&encoder, document);
    if (status == QUIRE_OK) {
        encoder.erased = calloc(document->pending.count + 1, sizeof *encoder.erased);
        encoder.removed = calloc(document->pending.count + 1, sizeof *encoder.removed);
        status = encoder.erased != NULL && encoder.removed != NULL ? QUIRE_OK : QUIRE_ENOMEM;
    }
    if (status == QUIRE_OK) {
        gather_pending(&encoder, steps);
        status = encode(&encoder, document->pending.wall_ms, out_bytes);
    }
    encoder_finish(&encoder);
    return status;
}
