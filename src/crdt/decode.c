/*
 * Reads a delta or state (protocol/document.md). What is refused here has changed nothing, and no
 * count is believed before the bytes that are left could hold it.
 */
#include "crdt/decoder.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

enum quire_status qr_decoder_count(
    struct qr_decoder *decoder, size_t least, size_t size, size_t *out_count, void *out_array)
{
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || count == 0 || count > qr_reader_left(&decoder->reader) / least) {
        return QUIRE_EMALFORMED;
    }
    void *array = qr_arena_take(decoder->payload->arena, (size_t)count, size);
    if (array == NULL) {
        return QUIRE_ENOMEM;
    }
    memcpy(out_array, &array, sizeof array);
    *out_count = (size_t)count;
    return QUIRE_OK;
}

static int64_t read_signed(struct qr_reader *reader)
{
    return (int64_t)qr_unzigzag(qr_read_varint(reader));
}

uint64_t qr_decoder_id(struct qr_decoder *decoder, uint64_t rank, uint64_t counter)
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
static uint64_t read_next(struct qr_decoder *decoder, struct ascent *ascent)
{
    uint64_t step = qr_read_varint(&decoder->reader);
    uint64_t counter = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || step > QR_REPLICAS_MAX || counter == 0
        || counter > QR_COUNTER_MAX) {
        return QR_ID_NONE;
    }
    ascent->rank += step;
    ascent->counter = step == 0 ? ascent->counter + counter : counter;
    return qr_decoder_id(decoder, ascent->rank, ascent->counter);
}

/* ---- replicas ----------------------------------------------------------------------------- */

static enum quire_status number_replica(struct qr_decoder *decoder, size_t rank)
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
    decoder->progress[rank] = (struct qr_progress){.next = replica->first, .used = covered};
    return known->count + payload->new_replicas > QR_REPLICAS_MAX ? QUIRE_ENOMEM : QUIRE_OK;
}

static enum quire_status read_replica_columns(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
    for (size_t rank = 0; rank < payload->replica_count; rank++) {
        payload->replicas[rank].name = qr_read_bytes(reader, QUIRE_REPLICA_SIZE).data;
        if (reader->failed
            || (rank > 0
                && memcmp(payload->replicas[rank - 1].name, payload->replicas[rank].name,
                       QUIRE_REPLICA_SIZE)
                    >= 0)) {
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
    return qr_refused(reader->failed);
}

static enum quire_status read_replicas(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed
        || count > qr_reader_left(&decoder->reader) / (QUIRE_REPLICA_SIZE + 1)) {
        return QUIRE_EMALFORMED;
    }
    if (count > QR_REPLICAS_MAX) {
        return QUIRE_ENOMEM;
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

static enum quire_status read_deleted(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = qr_decoder_count(
        decoder, 2, sizeof *payload->deleted, &payload->deleted_count, &payload->deleted);
    for (size_t i = 0; i < payload->deleted_count && status == QUIRE_OK; i++) {
        uint64_t rank = ascent.rank;
        payload->deleted[i] = read_next(decoder, &ascent);
        status = qr_refused(payload->deleted[i] == QR_ID_NONE || (i > 0 && ascent.rank == rank));
    }
    return status;
}

/** A place before or after a character: 0 the start, 1 the end, else a replica and a counter. */
static bool read_place(struct qr_decoder *decoder, uint64_t *out_place)
{
    uint64_t value = qr_read_varint(&decoder->reader);
    uint64_t id = QR_ID_NONE;
    if (value >= 2) {
        id = qr_decoder_id(decoder, value / 2 - 1, qr_read_varint(&decoder->reader));
    }
    *out_place = qr_place(id, value % 2 == 1);
    return !decoder->reader.failed && (value < 2 || id != QR_ID_NONE);
}

/** What only later versions read has one form, so that it can be kept: places, and bytes. */
static enum quire_status read_unread(struct qr_decoder *decoder, struct qr_put *put)
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
    put->text = qr_decoder_sized(&decoder->reader);
    return QUIRE_OK;
}

static enum quire_status read_put(
    struct qr_decoder *decoder, struct qr_put *put, struct ascent *ascent)
{
    struct qr_reader *reader = &decoder->reader;
    put->id = read_next(decoder, ascent);
    if (put->id == QR_ID_NONE) {
        return QUIRE_EMALFORMED;
    }
    put->wall_ms =
        (int64_t)(qr_unzigzag(qr_read_varint(reader)) + (uint64_t)decoder->payload->wall_ms);
    put->field = qr_read_u8(reader);
    enum quire_status status = QUIRE_OK;
    switch (put->field) {
    case QUIRE_REGISTER_TITLE: put->text = qr_decoder_sized(reader); break;
    case QUIRE_REGISTER_DATE: put->number = read_signed(reader); break;
    case QUIRE_REGISTER_MOOD: put->number = (int64_t)qr_read_varint(reader); break;
    case QUIRE_REGISTER_COUNT + QUIRE_SET_TAGS: put->name = qr_decoder_sized(reader); break;
    case QUIRE_REGISTER_COUNT + QUIRE_SET_EMOTIONS:
        put->name = qr_decoder_sized(reader);
        put->number = (int64_t)qr_read_varint(reader);
        break;
    default: status = read_unread(decoder, put);
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

static enum quire_status read_puts(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status =
        qr_decoder_count(decoder, 5, sizeof *payload->puts, &payload->put_count, &payload->puts);
    for (size_t i = 0; i < payload->put_count && status == QUIRE_OK; i++) {
        status = read_put(decoder, &payload->puts[i], &ascent);
    }
    return status;
}

/* ---- effects on what is not in the payload -------------------------------------------------- */

static enum quire_status read_erased(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = qr_decoder_count(
        decoder, 3, sizeof *payload->erased, &payload->erased_count, &payload->erased);
    for (size_t i = 0; i < payload->erased_count && status == QUIRE_OK; i++) {
        uint64_t id = read_next(decoder, &ascent);
        uint64_t length = qr_read_varint(&decoder->reader);
        status = qr_refused(decoder->reader.failed || id == QR_ID_NONE || length == 0
            || length > QR_COUNTER_MAX - qr_id_counter(id) + 1);
        payload->erased[i] = (struct qr_range){id, length};
        ascent.counter += length; /* not the next one: that would touch */
    }
    return status;
}

static enum quire_status read_removed(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    enum quire_status status = qr_decoder_count(
        decoder, 2, sizeof *payload->removed, &payload->removed_count, &payload->removed);
    for (size_t i = 0; i < payload->removed_count && status == QUIRE_OK; i++) {
        payload->removed[i] = read_next(decoder, &ascent);
        status = qr_refused(payload->removed[i] == QR_ID_NONE);
    }
    return status;
}

/** Whether a range is in what its replica covers; *out_mixed: only a part of it is. */
static bool is_covered(
    const struct qr_payload_replica *replica, uint64_t first, uint64_t last, bool *out_mixed)
{
    bool begins = first >= replica->first && first <= replica->last;
    bool ends = last >= replica->first && last <= replica->last;
    *out_mixed = begins != ends
        || (!begins && first < replica->first && last > replica->last
            && replica->last >= replica->first);
    return begins;
}

static enum quire_status read_turned(
    struct qr_decoder *decoder, struct qr_turned *turned, struct ascent *ascent)
{
    turned->id = read_next(decoder, ascent);
    turned->length = qr_read_varint(&decoder->reader);
    uint64_t turn = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || turned->id == QR_ID_NONE || turned->length == 0
        || turned->length > QR_COUNTER_MAX - ascent->counter + 1 || turn < 2
        || turn > QR_TURN_MAX) {
        return QUIRE_EMALFORMED;
    }
    bool mixed;
    turned->turn = (uint32_t)turn;
    turned->covered = is_covered(&decoder->payload->replicas[ascent->rank], ascent->counter,
        ascent->counter + turned->length - 1, &mixed);
    ascent->counter += turned->length - 1;
    return qr_refused(mixed || (decoder->payload->state && !turned->covered));
}

static enum quire_status read_turns(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    struct ascent ascent = {0, 0};
    uint64_t revived = 0; /* code points */
    size_t count = 0;
    enum quire_status status = qr_decoder_count(
        decoder, 4, sizeof *payload->turned, &payload->turned_count, &payload->turned);
    for (size_t i = 0; i < payload->turned_count && status == QUIRE_OK; i++) {
        struct qr_turned *turned = &payload->turned[i];
        status = read_turned(decoder, turned, &ascent);
        revived += turned->covered || turned->turn % 2 != 0 ? 0 : turned->length;
        const struct qr_turned *before = i > 0 ? turned - 1 : NULL;
        if (before != NULL && before->id + before->length == turned->id
            && before->turn == turned->turn && before->covered == turned->covered) {
            status = QUIRE_EMALFORMED; /* these are one range */
        }
    }
    if (status == QUIRE_OK) {
        payload->revived = qr_decoder_sized(&decoder->reader);
        status = qr_refused(
            decoder->reader.failed || !qr_utf8_count(payload->revived, &count) || count != revived);
    }
    return status;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static enum quire_status read_head(struct qr_decoder *decoder)
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
    payload->wall_ms = read_signed(reader);
    payload->state = decoder->parts & QR_PART_STATE;
    bool effects = decoder->parts & (QR_PART_ERASED | QR_PART_REMOVED);
    bool text = (decoder->parts & QR_PART_RUNS) != 0;
    bool letters = (decoder->parts & QR_PART_LETTERS) != 0;
    return qr_refused(reader->failed || (payload->state && effects) || (letters && !text));
}

/** The parts in their order, up to the letters or to the end. */
static enum quire_status read_parts(struct qr_decoder *decoder)
{
    static const struct {
        enum qr_part_bit bit;
        enum quire_status (*read)(struct qr_decoder *decoder);
    } parts[] = {{QR_PART_DELETED, read_deleted}, {QR_PART_VALUES, read_puts},
        {QR_PART_LETTERS, qr_decode_letters}, {QR_PART_RUNS, qr_decode_runs},
        {QR_PART_ERASED, read_erased}, {QR_PART_REMOVED, read_removed},
        {QR_PART_TURNS, read_turns}};
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
static enum quire_status check_form(struct qr_decoder *decoder)
{
    for (size_t rank = 0; rank < decoder->payload->replica_count; rank++) {
        if (!decoder->progress[rank].used) {
            return QUIRE_EMALFORMED; /* nothing names it */
        }
    }
    return qr_refused(!qr_reader_done(&decoder->reader));
}

void qr_payload_finish(struct qr_payload *payload)
{
    free(payload->arranged);
    if (payload->arena != NULL) {
        qr_arena_back(payload->arena, (struct qr_arena_mark){0, NULL});
    }
    *payload = (struct qr_payload){0};
}

/** A state may be larger than a delta: it holds what many deltas brought. */
static bool is_too_large(struct quire_bytes bytes)
{
    bool state = bytes.size > 1 && (bytes.data[1] & QR_PART_STATE) != 0;
    return bytes.size > (state ? QR_STATE_MAX : QR_PAYLOAD_MAX);
}

enum quire_status qr_payload_read_shown(
    const struct quire_document *document, struct quire_bytes bytes, struct qr_payload *out_payload)
{
    if (is_too_large(bytes)) {
        return QUIRE_ELIMIT;
    }
    struct qr_payload payload = {.arena = &document->self->arena};
    struct qr_decoder decoder = {.document = document,
        .payload = &payload,
        .reader = qr_reader_over(bytes),
        .to_show = true};
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
    struct qr_decoder decoder = {
        .document = document, .payload = &payload, .reader = qr_reader_over(bytes)};
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
