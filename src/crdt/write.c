/*
 * Writes down what an encoder gathered: protocol/document.md, field by field.
 */
#include "base/writer.h"
#include "crdt/encoder.h"
#include "crdt/payload.h"
#include <stdlib.h>

struct output {
    const struct qr_encoder *encoder;
    struct qr_writer writer;
    uint64_t *referred; /* by rank: the counter that was last referred to from another replica */
};

static const struct qr_part *part_of(const struct qr_encoder *encoder, uint64_t id)
{
    return &encoder->parts[qr_id_replica(id)];
}

static uint64_t ranked(const struct qr_encoder *encoder, uint64_t id)
{
    return qr_id(part_of(encoder, id)->rank, qr_id_counter(id));
}

static uint64_t zigzag(uint64_t value)
{
    return value << 1 ^ (0 - (value >> 63));
}

/** An id with the rank for a replica, after the one before in an ascending list (at first 0). */
static void write_next(struct qr_writer *writer, uint64_t before, uint64_t id)
{
    uint64_t step = qr_id_replica(id) - qr_id_replica(before);
    qr_write_varint(writer, step);
    qr_write_varint(writer, step == 0 ? id - before : qr_id_counter(id));
}

static void write_sized(struct qr_writer *writer, struct quire_bytes bytes)
{
    qr_write_varint(writer, bytes.size);
    qr_write_bytes(writer, bytes.data, bytes.size);
}

/* ---- replicas, deletes, values ------------------------------------------------------------- */

static void write_replicas(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    const struct qr_replicas *replicas = &encoder->document->replicas;
    uint32_t count = 0;
    for (uint32_t i = 0; i < replicas->count; i++) {
        count += encoder->parts[replicas->sorted[i]].used ? 1 : 0;
    }
    qr_write_varint(&output->writer, count);
    for (unsigned column = 0; column < 3; column++) {
        for (uint32_t i = 0; i < replicas->count; i++) {
            uint32_t number = replicas->sorted[i];
            const struct qr_part *part = &encoder->parts[number];
            uint64_t covered = part->first == 0 ? 0 : part->last - part->first + 1;
            if (!part->used) {
                continue;
            }
            if (column == 0) {
                qr_write_bytes(&output->writer, replicas->at[number].name, QUIRE_REPLICA_SIZE);
            } else if (column == 1) {
                qr_write_varint(&output->writer, covered);
            } else if (!encoder->state && covered > 0) {
                qr_write_varint(&output->writer, part->first);
            }
        }
    }
}

static uint32_t count_deleted(const struct qr_encoder *encoder)
{
    uint32_t count = 0;
    for (uint32_t number = 1; number <= encoder->document->replicas.count; number++) {
        count += encoder->parts[number].deleted > 0 ? 1 : 0;
    }
    return count;
}

static void write_deleted(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    const struct qr_replicas *replicas = &encoder->document->replicas;
    uint64_t before = 0;
    qr_write_varint(&output->writer, count_deleted(encoder));
    for (uint32_t i = 0; i < replicas->count; i++) {
        const struct qr_part *part = &encoder->parts[replicas->sorted[i]];
        if (part->deleted > 0) {
            uint64_t id = qr_id(part->rank, part->deleted);
            write_next(&output->writer, before, id);
            before = id;
        }
    }
}

/** What this version cannot read: places in the text, and bytes. */
static void write_unread(struct output *output, const struct qr_dot *dot)
{
    struct qr_writer *writer = &output->writer;
    qr_write_varint(writer, dot->place_count);
    for (size_t i = 0; i < dot->place_count; i++) {
        uint64_t id = qr_place_id(dot->places[i]);
        uint64_t after = qr_place_is_after(dot->places[i]) ? 1 : 0;
        if (id == QR_ID_NONE) {
            qr_write_varint(writer, after);
        } else {
            qr_write_varint(writer, 2 * (uint64_t)(part_of(output->encoder, id)->rank + 1) + after);
            qr_write_varint(writer, qr_id_counter(id));
        }
    }
    write_sized(writer, qr_dot_text(dot));
}

static void write_values(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    struct qr_writer *writer = &output->writer;
    uint64_t before = 0;
    qr_write_varint(writer, encoder->dot_count);
    for (size_t i = 0; i < encoder->dot_count; i++) {
        const struct qr_dot *dot = encoder->dots[i];
        write_next(writer, before, ranked(encoder, dot->id));
        before = ranked(encoder, dot->id);
        qr_write_varint(writer, zigzag((uint64_t)dot->wall_ms - (uint64_t)encoder->wall_ms));
        qr_write_u8(writer, dot->field);
        switch (dot->field) {
        case QUIRE_REGISTER_TITLE: write_sized(writer, qr_dot_text(dot)); break;
        case QUIRE_REGISTER_DATE: qr_write_varint(writer, zigzag((uint64_t)dot->number)); break;
        case QUIRE_REGISTER_MOOD: qr_write_varint(writer, (uint64_t)dot->number); break;
        case QUIRE_REGISTER_COUNT + QUIRE_SET_TAGS: write_sized(writer, qr_dot_name(dot)); break;
        case QUIRE_REGISTER_COUNT + QUIRE_SET_EMOTIONS:
            write_sized(writer, qr_dot_name(dot));
            qr_write_varint(writer, (uint64_t)dot->number);
            break;
        default: write_unread(output, dot);
        }
    }
}

/* ---- text --------------------------------------------------------------------------------- */

static uint64_t letters_size(const struct qr_encoder *encoder)
{
    uint64_t size = 0;
    if (encoder->state) {
        return quire_document_text_size(encoder->document);
    }
    for (size_t i = 0; i < encoder->piece_count; i++) {
        size += encoder->pieces[i].size;
    }
    return size;
}

/** A state's letters as they are read, a delta's as its runs stand. */
static void write_letters(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    struct qr_writer *writer = &output->writer;
    qr_write_varint(writer, letters_size(encoder));
    if (encoder->state) {
        if (!writer->failed && quire_document_text(encoder->document, writer->buffer) != QUIRE_OK) {
            writer->failed = true;
        }
        return;
    }
    for (size_t i = 0; i < encoder->run_count; i++) {
        uint32_t run = encoder->order[i];
        for (uint32_t at = encoder->piece_of[run]; at < encoder->piece_of[run + 1]; at++) {
            qr_write_bytes(writer, encoder->pieces[at].letters, encoder->pieces[at].size);
        }
    }
}

static inline const struct qr_run *run_at(const struct qr_encoder *encoder, size_t place)
{
    return &encoder->runs[encoder->order[place]];
}

/** qr_write_varint for columns, whose numbers are small. */
static inline void write_small(struct qr_writer *writer, uint64_t value)
{
    struct quire_buffer *buffer = writer->buffer;
    if (value < 0x80 && buffer->size < buffer->capacity && !writer->failed) {
        buffer->data[buffer->size++] = (uint8_t)value;
    } else {
        qr_write_varint(writer, value);
    }
}

/** Whose runs they are: a replica and how many of it follow one another, in turn. */
static void write_turns(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    for (size_t i = 0, end; i < encoder->run_count; i = end) {
        uint32_t replica = qr_id_replica(run_at(encoder, i)->id);
        for (end = i + 1;
             end < encoder->run_count && qr_id_replica(run_at(encoder, end)->id) == replica;) {
            end++;
        }
        qr_write_varint(&output->writer, encoder->parts[replica].rank);
        qr_write_varint(&output->writer, end - i);
    }
}

/** 0 none; odd: so far back in the run's own replica; even: another replica, and how far from the
 * counter that was referred to in it before. */
static void write_reference(struct output *output, uint64_t from, uint64_t to)
{
    if (to == QR_ID_NONE) {
        write_small(&output->writer, 0);
    } else if (qr_id_replica(from) == qr_id_replica(to)) {
        write_small(&output->writer, 2 * (from - to) - 1);
    } else {
        uint32_t rank = part_of(output->encoder, to)->rank;
        qr_write_varint(&output->writer, 2 * (uint64_t)(rank + 1));
        qr_write_varint(&output->writer, zigzag(qr_id_counter(to) - output->referred[rank]));
        output->referred[rank] = qr_id_counter(to);
    }
}

/** Lengths of live and dead stretches in turn, over all runs in their order. */
static void write_stretches(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    bool live = true;
    uint64_t stretch = 0;
    for (size_t i = 0; i < encoder->run_count; i++) {
        uint32_t run = encoder->order[i];
        for (uint32_t at = encoder->piece_of[run]; at < encoder->piece_of[run + 1]; at++) {
            const struct qr_piece *piece = &encoder->pieces[at];
            if (live != (piece->size > 0)) {
                write_small(&output->writer, stretch);
                stretch = 0;
                live = !live;
            }
            stretch += piece->length;
        }
    }
    qr_write_varint(&output->writer, stretch);
}

static void write_runs(struct output *output, uint64_t *next)
{
    const struct qr_encoder *encoder = output->encoder;
    struct qr_writer *writer = &output->writer;
    size_t count = encoder->run_count;
    qr_write_varint(writer, count);
    write_turns(output);
    for (size_t i = 0; i < count; i++) {
        const struct qr_run *run = run_at(encoder, i);
        write_small(writer, (uint64_t)run->length << 1 | (qr_run_is_left(run) ? 1 : 0));
    }
    for (size_t i = 0; i < count; i++) {
        const struct qr_run *run = run_at(encoder, i);
        uint32_t replica = qr_id_replica(run->id);
        uint64_t from = next[replica] == 0 ? encoder->parts[replica].first : next[replica];
        write_small(writer, qr_id_counter(run->id) - from);
        next[replica] = qr_id_counter(run->id) + run->length;
    }
    for (size_t i = 0; i < count; i++) {
        write_reference(output, run_at(encoder, i)->id, run_at(encoder, i)->parent);
    }
    for (size_t i = 0; i < count; i++) {
        if (!qr_run_is_left(run_at(encoder, i))) {
            write_reference(output, run_at(encoder, i)->id, run_at(encoder, i)->right);
        }
    }
    write_stretches(output);
}

/* ---- effects on what is not in the payload -------------------------------------------------- */

static void write_erased(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    uint64_t end = 0; /* of the range before */
    qr_write_varint(&output->writer, encoder->erased_count);
    for (size_t i = 0; i < encoder->erased_count; i++) {
        write_next(&output->writer, end, encoder->erased[i].id);
        qr_write_varint(&output->writer, encoder->erased[i].length);
        end = encoder->erased[i].id + encoder->erased[i].length;
    }
}

static void write_removed(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    uint64_t before = 0;
    qr_write_varint(&output->writer, encoder->removed_count);
    for (size_t i = 0; i < encoder->removed_count; i++) {
        write_next(&output->writer, before, encoder->removed[i]);
        before = encoder->removed[i];
    }
}

/** Letters of a range, which is live throughout; where `writer` is NULL they are only counted. */
static size_t write_revived(
    const struct qr_encoder *encoder, const struct qr_encoder_turn *turn, struct qr_writer *writer)
{
    const struct qr_text *text = &encoder->document->text;
    uint64_t id = turn->id;
    uint64_t left = turn->length;
    size_t size = 0;
    uint32_t offset;
    uint32_t item = qr_text_find(text, id, &offset);
    while (left > 0) {
        uint32_t here = text->items[item].length - offset;
        here = here < left ? here : (uint32_t)left;
        struct quire_bytes letters = qr_text_letters(text, item, id, here);
        if (writer != NULL) {
            qr_write_bytes(writer, letters.data, letters.size);
        }
        size += letters.size;
        offset = 0;
        id += here;
        left -= here;
        item = left > 0 ? qr_tree_next(&text->ids, item) : item;
    }
    return size;
}

static void write_turned(struct output *output)
{
    const struct qr_encoder *encoder = output->encoder;
    struct qr_writer *writer = &output->writer;
    uint64_t before = 0; /* the last character of the range before */
    size_t size = 0;
    qr_write_varint(writer, encoder->turn_count);
    for (size_t i = 0; i < encoder->turn_count; i++) {
        const struct qr_encoder_turn *turn = &encoder->turns[i];
        write_next(writer, before, turn->ranked);
        qr_write_varint(writer, turn->length);
        qr_write_varint(writer, turn->turn);
        before = turn->ranked + turn->length - 1;
        size += qr_encoder_turn_has_letters(turn) ? write_revived(encoder, turn, NULL) : 0;
    }
    qr_write_varint(writer, size);
    for (size_t i = 0; i < encoder->turn_count; i++) {
        if (qr_encoder_turn_has_letters(&encoder->turns[i])) {
            write_revived(encoder, &encoder->turns[i], writer);
        }
    }
}

enum quire_status qr_encoder_write(const struct qr_encoder *encoder, struct quire_buffer *out_bytes)
{
    size_t replicas = encoder->document->replicas.count + 1u;
    struct output output = {.encoder = encoder,
        .writer = qr_writer_onto(out_bytes),
        .referred = calloc(2 * replicas, sizeof *output.referred)};
    if (output.referred == NULL) {
        return QUIRE_ENOMEM;
    }
    uint8_t parts = (uint8_t)((encoder->state ? QR_PART_STATE : 0)
        | (count_deleted(encoder) > 0 ? QR_PART_DELETED : 0)
        | (encoder->dot_count > 0 ? QR_PART_VALUES : 0)
        | (letters_size(encoder) > 0 ? QR_PART_LETTERS : 0)
        | (encoder->run_count > 0 ? QR_PART_RUNS : 0)
        | (encoder->erased_count > 0 ? QR_PART_ERASED : 0)
        | (encoder->removed_count > 0 ? QR_PART_REMOVED : 0)
        | (encoder->turn_count > 0 ? QR_PART_TURNS : 0));
    qr_write_u8(&output.writer, QR_DOCUMENT_VERSION);
    qr_write_u8(&output.writer, parts);
    qr_write_varint(&output.writer, zigzag((uint64_t)encoder->wall_ms));
    write_replicas(&output);
    if (parts & QR_PART_DELETED) {
        write_deleted(&output);
    }
    if (parts & QR_PART_VALUES) {
        write_values(&output);
    }
    if (parts & QR_PART_LETTERS) {
        write_letters(&output);
    }
    if (parts & QR_PART_RUNS) {
        write_runs(&output, output.referred + replicas);
    }
    if (parts & QR_PART_ERASED) {
        write_erased(&output);
    }
    if (parts & QR_PART_REMOVED) {
        write_removed(&output);
    }
    if (parts & QR_PART_TURNS) {
        write_turned(&output);
    }
    free(output.referred);
    return qr_writer_end(&output.writer);
}
