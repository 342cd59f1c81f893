/*
 * Reads a delta or state (protocol/document.md). What is refused here has changed nothing, and no
 * count is believed before the bytes that are left could hold it.
 */
#include "base/reader.h"
#include "crdt/order.h"
#include "crdt/payload.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

/** Per replica of the payload, while it is read. */
struct progress {
    uint64_t next;     /* where the next run's gap counts from */
    uint64_t referred; /* the counter that was last referred to from another replica */
    bool used;         /* something names it */
};

struct decoder {
    const struct quire_document *document;
    struct qr_payload *payload;
    struct qr_reader reader;
    struct progress *progress;
    uint8_t parts;
    bool to_show; /* only what is shown is read, and the letters are not looked at */
};

static enum quire_status refused(bool condition)
{
    return condition ? QUIRE_EMALFORMED : QUIRE_OK;
}

/** A count, at least 1, of things that take at least `least` bytes each, and room for them. */
static enum quire_status read_count(struct decoder *decoder, size_t least, size_t most, size_t size,
    size_t *out_count, void *out_array)
{
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || count == 0 || count > qr_reader_left(&decoder->reader) / least) {
        return QUIRE_EMALFORMED;
    }
    if (count > most) {
        return QUIRE_ELIMIT;
    }
    void *array = qr_arena_take(decoder->payload->arena, (size_t)count, size);
    if (array == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(out_array, &array, sizeof array);
    *out_count = (size_t)count;
    return QUIRE_OK;
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0 - (value & 1));
}

static int64_t read_signed(struct qr_reader *reader)
{
    return (int64_t)unzigzag(qr_read_varint(reader));
}

/** An id from a place in the replica table and a counter; QR_ID_NONE: there is no such. */
static uint64_t id_at(struct decoder *decoder, uint64_t rank, uint64_t counter)
{
    if (rank >= decoder->payload->replica_count || counter == 0 || counter > QR_COUNTER_MAX
        || decoder->payload->replicas[rank].number == 0) {
        return QR_ID_NONE;
    }
    decoder->progress[rank].used = true;
    return qr_id(decoder->payload->replicas[rank].number, counter);
}

/** An ascending list of ids, by rank and counter. */
struct ascent {
    uint64_t rank;
    uint64_t counter; /* the next one is greater */
};

/** The list's next id; QR_ID_NONE: there is no such, or it does not ascend. */
static uint64_t read_next(struct decoder *decoder, struct ascent *ascent)
{
    uint64_t step = qr_read_varint(&decoder->reader);
    uint64_t counter = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || step > QR_REPLICAS_MAX || counter == 0
        || counter > QR_COUNTER_MAX) {
        return QR_ID_NONE;
    }
    ascent->rank += step;
    ascent->counter = step == 0 ? ascent->counter + counter : counter;
    return id_at(decoder, ascent->rank, ascent->counter);
}

static struct quire_bytes read_sized(struct qr_reader *reader)
{
    uint64_t size = qr_read_varint(reader);
    if (size > qr_reader_left(reader)) {
        reader->failed = true;
        size = 0;
    }
    return qr_read_bytes(reader, (size_t)size);
}

/* ---- replicas ----------------------------------------------------------------------------- */

static enum quire_status number_replica(struct decoder *decoder, size_t rank)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_payload_replica *replica = &payload->replicas[rank];
    const struct qr_replicas *known = &decoder->document->replicas;
    bool covered = replica->last >= replica->first;
    replica->number = qr_replicas_find(known, replica->name);
    uint64_t seen = replica->number == 0 ? 0 : known->at[replica->number].seen;
    if (covered && replica->first > seen + 1) {
        return QUIRE_EMALFORMED; /* a gap */
    }
    if (replica->number == 0 && covered) {
        replica->number = known->count + ++payload->new_replicas;
    }
    if (replica->number != 0) {
        payload->by_number[replica->number] = (uint32_t)rank;
    }
    decoder->progress[rank] = (struct progress){.next = replica->first, .used = covered};
    return known->count + payload->new_replicas > QR_REPLICAS_MAX ? QUIRE_ELIMIT : QUIRE_OK;
}

static enum quire_status read_replica_columns(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        payload->replicas[rank].name = qr_read_bytes(reader, QUIRE_REPLICA_SIZE).data;
        if (reader->failed || (rank > 0 && memcmp(payload->replicas[rank - 1].name,
                payload->replicas[rank].name, QUIRE_REPLICA_SIZE) >= 0)) {
            return QUIRE_EMALFORMED;
        }
    }
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        uint64_t covered = qr_read_varint(reader);
        if (covered > QR_COUNTER_MAX || (payload->state && covered == 0)) {
            return QUIRE_EMALFORMED;
        }
        payload->replicas[rank].first = 1;
        payload->replicas[rank].last = covered;
    }
    for (size_t rank = 0; rank < payload->replica_count && !payload->state; rank++) {
        struct qr_payload_replica *replica = &payload->replicas[rank];
        if (replica->last > 0) {
            uint64_t first = qr_read_varint(reader);
            if (first == 0 || first > QR_COUNTER_MAX
                || replica->last > QR_COUNTER_MAX - first + 1) {
                return QUIRE_EMALFORMED;
            }
            replica->first = first;
            replica->last += first - 1;
        }
    }
    return refused(reader->failed);
}

static enum quire_status read_replicas(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed
        || count > qr_reader_left(&decoder->reader) / (QUIRE_REPLICA_SIZE + 1)) {
        return QUIRE_EMALFORMED;
    }
    if (count > QR_REPLICAS_MAX) {
        return QUIRE_ELIMIT;
    }
    size_t numbers = decoder->document->replicas.count + (size_t)count + 1;
    payload->replicas = qr_arena_take(payload->arena, (size_t)count, sizeof *payload->replicas);
    payload->by_number = qr_arena_take(payload->arena, numbers, sizeof *payload->by_number);
    decoder->progress = qr_arena_take(payload->arena, (size_t)count, sizeof *decoder->progress);
    if (payload->replicas == NULL || payload->by_number == NULL || decoder->progress == NULL) {
        return QUIRE_ENOMEM;
    }
    payload->replica_count = (size_t)count;
    payload->number_count = numbers;
    for (size_t i = 0; i < numbers; i++) {
        payload->by_number[i] = QR_NONE;
    }
    enum quire_status status = read_replica_columns(decoder);
    for (size_t rank = 0; rank < count && status == QUIRE_OK; rank++) {
        status = number_replica(decoder, rank);
    }
    return status;
}

/* ---- deletes and values --------------------------------------------------------------------- */

static enum quire_status read_deleted(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = read_count(decoder, 2, QR_REPLICAS_MAX, sizeof *payload->deleted,
        &payload->deleted_count, &payload->deleted);
    for (size_t i = 0; i < payload->deleted_count && status == QUIRE_OK; i++) {
        uint64_t rank = ascent.rank;
        payload->deleted[i] = read_next(decoder, &ascent);
        status = refused(payload->deleted[i] == QR_ID_NONE || (i > 0 && ascent.rank == rank));
    }
    return status;
}

/** A place before or after a character: 0 the start, 1 the end, else a replica and a counter. */
static bool read_place(struct decoder *decoder, uint64_t *out_place)
{
    uint64_t value = qr_read_varint(&decoder->reader);
    uint64_t id = QR_ID_NONE;
    if (value >= 2) {
        id = id_at(decoder, value / 2 - 1, qr_read_varint(&decoder->reader));
    }
    *out_place = qr_place(id, value % 2 == 1);
    return !decoder->reader.failed && (value < 2 || id != QR_ID_NONE);
}

/** What only later versions read has one form, so that it can be kept: places, and bytes. */
static enum quire_status read_unread(struct decoder *decoder, struct qr_put *put)
{
    if (put->field > QR_FIELD_LAST) {
        return QUIRE_EUNSUPPORTED;
    }
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || count > QR_PLACES_MAX) {
        return QUIRE_EMALFORMED;
    }
    put->place_count = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        if (!read_place(decoder, &put->places[i])) {
            return QUIRE_EMALFORMED;
        }
    }
    put->text = read_sized(&decoder->reader);
    return QUIRE_OK;
}

static enum quire_status read_put(struct decoder *decoder, struct qr_put *put,
    struct ascent *ascent)
{
    struct qr_reader *reader = &decoder->reader;
    put->id = read_next(decoder, ascent);
    if (put->id == QR_ID_NONE) {
        return QUIRE_EMALFORMED;
    }
    put->wall_ms = (int64_t)(unzigzag(qr_read_varint(reader))
        + (uint64_t)decoder->payload->wall_ms);
    put->field = qr_read_u8(reader);
    enum quire_status status = QUIRE_OK;
    switch (put->field) {
    case QUIRE_REGISTER_TITLE:
        put->text = read_sized(reader);
        break;
    case QUIRE_REGISTER_DATE:
        put->number = read_signed(reader);
        break;
    case QUIRE_REGISTER_MOOD:
        put->number = (int64_t)qr_read_varint(reader);
        break;
    case QUIRE_REGISTER_COUNT + QUIRE_SET_TAGS:
        put->name = read_sized(reader);
        break;
    case QUIRE_REGISTER_COUNT + QUIRE_SET_EMOTIONS:
        put->name = read_sized(reader);
        put->number = (int64_t)qr_read_varint(reader);
        break;
    default:
        status = read_unread(decoder, put);
    }
    if (status != QUIRE_OK) {
        return status;
    }
    const struct qr_payload_replica *replica = &decoder->payload->replicas[ascent->rank];
    if (reader->failed || qr_put_check(put) != QUIRE_OK || ascent->counter < replica->first
        || ascent->counter > replica->last) {
        return QUIRE_EMALFORMED;
    }
    memcpy(put->replica, replica->name, sizeof put->replica);
    return QUIRE_OK;
}

static enum quire_status read_puts(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = read_count(decoder, 5, QR_DOTS_MAX, sizeof *payload->puts,
        &payload->put_count, &payload->puts);
    for (size_t i = 0; i < payload->put_count && status == QUIRE_OK; i++) {
        status = read_put(decoder, &payload->puts[i], &ascent);
    }
    return status;
}

/* ---- text --------------------------------------------------------------------------------- */

static enum quire_status read_letters(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    payload->letters = read_sized(&decoder->reader);
    if (decoder->to_show) {
        return refused(decoder->reader.failed);
    }
    return refused(decoder->reader.failed || payload->letters.size == 0
        || !qr_utf8_count(payload->letters, &payload->live));
}

/** Which replica each run is of; its place in the table goes into the id for now. */
static enum quire_status read_turns(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t before = UINT64_MAX;
    for (size_t done = 0; done < payload->run_count;) {
        uint64_t rank = qr_read_varint(&decoder->reader);
        uint64_t turn = qr_read_varint(&decoder->reader);
        if (decoder->reader.failed || rank == before || rank >= payload->replica_count
            || turn == 0 || turn > payload->run_count - done) {
            return QUIRE_EMALFORMED;
        }
        for (; turn > 0; turn--) {
            payload->runs[done++].id = rank;
        }
        before = rank;
    }
    return QUIRE_OK;
}

/** Lengths and sides, then the gaps, which make the ids. A left child has its parent for a right
 * neighbour; until that is read, any id stands for it. */
static enum quire_status read_extents(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    for (size_t i = 0; i < payload->run_count; i++) {
        uint64_t head = qr_read_varint(&decoder->reader);
        if (decoder->reader.failed || head < 2 || head >> 1 > QR_RUN_MAX) {
            return QUIRE_EMALFORMED;
        }
        payload->runs[i].length = (uint32_t)(head >> 1);
        payload->runs[i].right = head & 1 ? 1 : QR_ID_NONE;
    }
    for (size_t i = 0; i < payload->run_count; i++) {
        struct qr_run *run = &payload->runs[i];
        size_t rank = (size_t)run->id;
        uint64_t gap = qr_read_varint(&decoder->reader);
        uint64_t last = payload->replicas[rank].last;
        if (decoder->reader.failed || gap > QR_COUNTER_MAX) {
            return QUIRE_EMALFORMED;
        }
        uint64_t first = decoder->progress[rank].next + gap;
        if (first > last || run->length > last - first + 1) {
            return QUIRE_EMALFORMED;
        }
        decoder->progress[rank].next = first + run->length;
        run->id = id_at(decoder, rank, first);
    }
    return QUIRE_OK;
}

/** 0 none; odd: so far back in the run's own replica; even: another replica, and how far from the
 * counter that was referred to in it before. */
static bool read_reference(struct decoder *decoder, uint64_t from, uint64_t *out_id)
{
    uint64_t value = qr_read_varint(&decoder->reader);
    *out_id = QR_ID_NONE;
    if (value % 2 == 1) {
        uint64_t back = value / 2 + 1;
        if (back < qr_id_counter(from)) {
            *out_id = from - back;
        }
        return *out_id != QR_ID_NONE;
    }
    if (value > 0) {
        uint64_t rank = value / 2 - 1;
        uint64_t step = unzigzag(qr_read_varint(&decoder->reader));
        if (rank >= decoder->payload->replica_count) {
            return false;
        }
        *out_id = id_at(decoder, rank, decoder->progress[rank].referred + step);
        decoder->progress[rank].referred = qr_id_counter(*out_id);
        return *out_id != QR_ID_NONE && qr_id_replica(*out_id) != qr_id_replica(from);
    }
    return true;
}

static enum quire_status read_references(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    bool sound = true;
    for (size_t i = 0; i < payload->run_count && sound; i++) {
        struct qr_run *run = &payload->runs[i];
        bool left = run->right != QR_ID_NONE;
        sound = read_reference(decoder, run->id, &run->parent)
            && !(left && run->parent == QR_ID_NONE);
    }
    for (size_t i = 0; i < payload->run_count && sound; i++) {
        struct qr_run *run = &payload->runs[i];
        if (run->right != QR_ID_NONE) {
            run->right = run->parent;
        } else {
            sound = read_reference(decoder, run->id, &run->right)
                && (run->right == QR_ID_NONE || run->right != run->parent);
        }
    }
    return refused(!sound || decoder->reader.failed);
}

static enum quire_status read_stretches(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
    uint64_t characters = 0;
    for (size_t i = 0; i < payload->run_count; i++) {
        characters += payload->runs[i].length;
    }
    /* Counted first on a copy of the reader: the stretches end where they add up. */
    struct qr_reader ahead = *reader;
    size_t count = 0;
    uint64_t left = characters;
    for (; left > 0; count++) {
        uint64_t stretch = qr_read_varint(&ahead);
        if (ahead.failed || stretch > left || (stretch == 0 && count > 0)) {
            return QUIRE_EMALFORMED;
        }
        left -= stretch;
    }
    payload->liveness = qr_arena_take(payload->arena, count, sizeof *payload->liveness);
    if (payload->liveness == NULL) {
        return QUIRE_ENOMEM;
    }
    payload->liveness_count = count;
    uint64_t live = 0;
    for (size_t i = 0; i < count; i++) {
        payload->liveness[i] = qr_read_varint(reader);
        live += i % 2 == 0 ? payload->liveness[i] : 0;
    }
    return refused(live != payload->live);
}

static enum quire_status read_runs(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    enum quire_status status = read_count(decoder, 3, QR_ITEMS_MAX, sizeof *payload->runs,
        &payload->run_count, &payload->runs);
    if (status == QUIRE_OK) {
        status = read_turns(decoder);
    }
    if (status == QUIRE_OK) {
        status = read_extents(decoder);
    }
    if (status == QUIRE_OK) {
        status = read_references(decoder);
    }
    return status == QUIRE_OK ? read_stretches(decoder) : status;
}

/* ---- effects on what is not in the payload -------------------------------------------------- */

static enum quire_status read_erased(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = read_count(decoder, 3, SIZE_MAX, sizeof *payload->erased,
        &payload->erased_count, &payload->erased);
    for (size_t i = 0; i < payload->erased_count && status == QUIRE_OK; i++) {
        uint64_t id = read_next(decoder, &ascent);
        uint64_t length = qr_read_varint(&decoder->reader);
        status = refused(decoder->reader.failed || id == QR_ID_NONE || length == 0
            || length > QR_COUNTER_MAX - qr_id_counter(id) + 1);
        payload->erased[i] = (struct qr_range){id, length};
        ascent.counter += length; /* not the next one: that would touch */
    }
    return status;
}

static enum quire_status read_removed(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = read_count(decoder, 2, SIZE_MAX, sizeof *payload->removed,
        &payload->removed_count, &payload->removed);
    for (size_t i = 0; i < payload->removed_count && status == QUIRE_OK; i++) {
        payload->removed[i] = read_next(decoder, &ascent);
        status = refused(payload->removed[i] == QR_ID_NONE);
    }
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum quire_status read_head(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
    uint8_t version = qr_read_u8(reader);
    if (reader->failed || version == 0) {
        return QUIRE_EMALFORMED;
    }
    if (version > QR_DOCUMENT_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    decoder->parts = qr_read_u8(reader);
    if (decoder->parts > QR_PART_ALL) {
        return QUIRE_EUNSUPPORTED;
    }
    payload->wall_ms = read_signed(reader);
    payload->state = decoder->parts & QR_PART_STATE;
    bool effects = decoder->parts & (QR_PART_ERASED | QR_PART_REMOVED);
    bool text = (decoder->parts & QR_PART_RUNS) != 0;
    bool letters = (decoder->parts & QR_PART_LETTERS) != 0;
    return refused(reader->failed || (payload->state && effects) || (letters && !text));
}

/** The parts in their order, up to the letters or to the end. */
static enum quire_status read_parts(struct decoder *decoder)
{
    static const struct {
        enum qr_part_bit bit;
        enum quire_status (*read)(struct decoder *decoder);
    } parts[] = {{QR_PART_DELETED, read_deleted}, {QR_PART_VALUES, read_puts},
        {QR_PART_LETTERS, read_letters}, {QR_PART_RUNS, read_runs}, {QR_PART_ERASED, read_erased},
        {QR_PART_REMOVED, read_removed}};
    size_t count = decoder->to_show ? 3 : sizeof parts / sizeof *parts;
    enum quire_status status = read_head(decoder);
    if (status == QUIRE_OK) {
        status = read_replicas(decoder);
    }
    for (size_t i = 0; i < count && status == QUIRE_OK; i++) {
        if (decoder->parts & parts[i].bit) {
            status = parts[i].read(decoder);
        }
    }
    return status;
}

/** What a replica has no choice in, so that equal payloads have equal bytes. */
static enum quire_status check_form(struct decoder *decoder)
{
    for (size_t rank = 0; rank < decoder->payload->replica_count; rank++) {
        if (!decoder->progress[rank].used) {
            return QUIRE_EMALFORMED; /* nothing names it */
        }
    }
    return refused(!qr_reader_done(&decoder->reader));
}

void qr_payload_finish(struct qr_payload *payload)
{
    free(payload->arranged);
    if (payload->arena != NULL) {
        qr_arena_back(payload->arena, (struct qr_arena_mark){0, NULL});
    }
    *payload = (struct qr_payload){0};
}

/** A state may be larger than a delta, or what several wrote, each within limits, could not be kept. */
static bool is_too_large(struct quire_bytes bytes)
{
    bool state = bytes.size > 1 && (bytes.data[1] & QR_PART_STATE) != 0;
    return bytes.size > (state ? QR_STATE_MAX : QR_PAYLOAD_MAX);
}

enum quire_status qr_payload_read_shown(const struct quire_document *document,
    struct quire_bytes bytes, struct qr_payload *out_payload)
{
    if (is_too_large(bytes)) {
        return QUIRE_ELIMIT;
    }
    struct qr_payload payload = {.arena = &document->self->arena};
    struct decoder decoder = {.document = document, .payload = &payload,
        .reader = qr_reader_over(bytes), .to_show = true};
    enum quire_status status = read_parts(&decoder);
    if (status == QUIRE_OK && !payload.state) {
        status = QUIRE_EMALFORMED;
    }
    if (status == QUIRE_OK) {
        *out_payload = payload;
    } else {
        qr_payload_finish(&payload);
    }
    return status;
}

enum quire_status qr_payload_read(const struct quire_document *document, struct quire_bytes bytes,
    bool sound, struct qr_payload *out_payload)
{
    if (is_too_large(bytes)) {
        return QUIRE_ELIMIT;
    }
    struct qr_payload payload = {.arena = &document->self->arena};
    struct decoder decoder = {.document = document, .payload = &payload,
        .reader = qr_reader_over(bytes)};
    enum quire_status status = read_parts(&decoder);
    if (status == QUIRE_OK) {
        status = check_form(&decoder);
    }
    if (status == QUIRE_OK && !sound) {
        status = qr_payload_check(document, &payload);
    }
    if (status == QUIRE_OK) {
        *out_payload = payload;
    } else {
        qr_payload_finish(&payload);
    }
    return status;
}
