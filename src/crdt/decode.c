/*
 * Reads a delta or state (protocol/document.md). What is refused here has changed nothing, and no
 * count is believed before the bytes that are left could hold it.
 */
#include "base/reader.h"
#include "crdt/payload.h"
#include "crdt/utf8.h"
#include <stdlib.h>
#include <string.h>

struct decoder {
    const struct quire_document *document;
    struct qr_payload *payload;
    struct qr_reader reader;
    uint64_t *next; /* per session of the payload: where the next run's gap counts from */
};

static enum quire_status refused(bool condition)
{
    return condition ? QUIRE_EMALFORMED : QUIRE_OK;
}

/** A count of things that take at least `least` bytes each, and room for them. */
static enum quire_status read_count(struct decoder *decoder, size_t least, size_t size,
    size_t *out_count, void *out_array)
{
    uint64_t count = qr_read_varint(&decoder->reader);
    if (decoder->reader.failed || count > qr_reader_left(&decoder->reader) / least) {
        return QUIRE_EMALFORMED;
    }
    void *array = calloc((size_t)count + 1, size);
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

/** An id from a place in the session table and a counter; QR_ID_NONE: there is no such. */
static uint64_t id_at(const struct decoder *decoder, uint64_t rank, uint64_t counter)
{
    if (rank >= decoder->payload->session_count || counter == 0 || counter > QR_COUNTER_MAX
        || decoder->payload->sessions[rank].number == 0) {
        return QR_ID_NONE;
    }
    return qr_id(decoder->payload->sessions[rank].number, counter);
}

static uint64_t read_id(struct decoder *decoder, uint64_t *out_rank)
{
    *out_rank = qr_read_varint(&decoder->reader);
    return id_at(decoder, *out_rank, qr_read_varint(&decoder->reader));
}

/* ---- sessions ----------------------------------------------------------------------------- */

static enum quire_status read_session(struct decoder *decoder, size_t rank)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_payload_session *session = &payload->sessions[rank];
    session->name = qr_read_bytes(&decoder->reader, QUIRE_SESSION_SIZE).data;
    uint64_t covered = qr_read_varint(&decoder->reader);
    session->first = covered > 0 && !payload->state ? qr_read_varint(&decoder->reader) : 1;
    if (decoder->reader.failed || session->first == 0 || session->first > QR_COUNTER_MAX
        || covered > QR_COUNTER_MAX - session->first + 1 || (payload->state && covered == 0)) {
        return QUIRE_EMALFORMED;
    }
    session->last = session->first + covered - 1;
    if (rank > 0 && memcmp(payload->sessions[rank - 1].name, session->name,
                        QUIRE_SESSION_SIZE) >= 0) {
        return QUIRE_EMALFORMED;
    }
    const struct qr_sessions *known = &decoder->document->sessions;
    session->number = qr_sessions_find(known, session->name);
    uint64_t seen = session->number == 0 ? 0 : known->at[session->number].seen;
    if (covered > 0 && session->first > seen + 1) {
        return QUIRE_EMALFORMED; /* a gap */
    }
    if (session->number == 0 && covered > 0) {
        session->number = known->count + ++payload->new_sessions;
    }
    decoder->next[rank] = session->first;
    return known->count + payload->new_sessions > QR_SESSIONS_MAX ? QUIRE_ELIMIT : QUIRE_OK;
}

static enum quire_status read_sessions(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    size_t count;
    enum quire_status status = read_count(decoder, QUIRE_SESSION_SIZE + 1,
        sizeof *payload->sessions, &count, &payload->sessions);
    if (status != QUIRE_OK) {
        return status;
    }
    if (count > QR_SESSIONS_MAX) {
        return QUIRE_ELIMIT;
    }
    payload->session_count = count;
    size_t numbers = decoder->document->sessions.count + count + 1;
    payload->by_number = malloc(numbers * sizeof *payload->by_number);
    decoder->next = calloc(count + 1, sizeof *decoder->next);
    if (payload->by_number == NULL || decoder->next == NULL) {
        return QUIRE_ENOMEM;
    }
    for (size_t i = 0; i < numbers; i++) {
        payload->by_number[i] = QR_NONE;
    }
    for (size_t rank = 0; rank < count && status == QUIRE_OK; rank++) {
        status = read_session(decoder, rank);
        if (status == QUIRE_OK && payload->sessions[rank].number != 0) {
            payload->by_number[payload->sessions[rank].number] = (uint32_t)rank;
        }
    }
    return status;
}

/* ---- text --------------------------------------------------------------------------------- */

/** 0 none; odd: so far back in the run's own session; even: another session and a counter. */
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
        *out_id = id_at(decoder, value / 2 - 1, qr_read_varint(&decoder->reader));
        return *out_id != QR_ID_NONE && qr_id_session(*out_id) != qr_id_session(from);
    }
    return true;
}

static enum quire_status read_runs(struct decoder *decoder, uint64_t *out_characters)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
    enum quire_status status = read_count(decoder, 3, sizeof *payload->runs, &payload->run_count,
        &payload->runs);
    if (status == QUIRE_OK && payload->run_count > QR_ITEMS_MAX) {
        status = QUIRE_ELIMIT;
    }
    uint64_t characters = 0;
    uint64_t rank = QR_NONE;
    for (size_t i = 0; i < payload->run_count && status == QUIRE_OK; i++) {
        struct qr_run *run = &payload->runs[i];
        uint64_t head = qr_read_varint(reader);
        bool left = head & 1;
        if (head & 2) {
            uint64_t other = qr_read_varint(reader);
            if (other == rank) {
                return QUIRE_EMALFORMED;
            }
            rank = other;
        }
        uint64_t length = head >> 2;
        uint64_t gap = qr_read_varint(reader);
        if (reader->failed || rank >= payload->session_count || length == 0
            || length > QR_RUN_MAX || gap > QR_COUNTER_MAX) {
            return QUIRE_EMALFORMED;
        }
        uint64_t first = decoder->next[rank] + gap;
        if (first > payload->sessions[rank].last
            || length > payload->sessions[rank].last - first + 1) {
            return QUIRE_EMALFORMED;
        }
        decoder->next[rank] = first + length;
        run->id = id_at(decoder, rank, first);
        run->length = (uint32_t)length;
        bool sound = run->id != QR_ID_NONE && read_reference(decoder, run->id, &run->parent);
        run->right = run->parent;
        if (sound && !left) {
            sound = read_reference(decoder, run->id, &run->right)
                && (run->right == QR_ID_NONE || run->right != run->parent);
        }
        sound = sound && !(left && run->parent == QR_ID_NONE);
        characters += length;
        status = refused(!sound || reader->failed);
    }
    *out_characters = characters;
    return status;
}

static enum quire_status read_letters(struct decoder *decoder, uint64_t characters)
{
    struct qr_payload *payload = decoder->payload;
    struct qr_reader *reader = &decoder->reader;
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
    payload->liveness = calloc(count + 1, sizeof *payload->liveness);
    if (payload->liveness == NULL) {
        return QUIRE_ENOMEM;
    }
    payload->liveness_count = count;
    uint64_t live = 0;
    for (size_t i = 0; i < count; i++) {
        payload->liveness[i] = qr_read_varint(reader);
        live += i % 2 == 0 ? payload->liveness[i] : 0;
    }
    uint64_t size = qr_read_varint(reader);
    if (reader->failed || size > qr_reader_left(reader)) {
        return QUIRE_EMALFORMED;
    }
    payload->letters = qr_read_bytes(reader, (size_t)size);
    size_t points;
    return refused(!qr_utf8_count(payload->letters, &points) || points != live);
}

/* ---- values and effects ------------------------------------------------------------------- */

static struct quire_bytes read_sized(struct qr_reader *reader)
{
    uint64_t size = qr_read_varint(reader);
    if (size > qr_reader_left(reader)) {
        reader->failed = true;
        size = 0;
    }
    return qr_read_bytes(reader, (size_t)size);
}

static enum quire_status read_put(struct decoder *decoder, struct qr_put *put, uint64_t *last)
{
    struct qr_reader *reader = &decoder->reader;
    uint64_t rank;
    put->id = read_id(decoder, &rank);
    put->wall_ms = (int64_t)(unzigzag(qr_read_varint(reader))
        + (uint64_t)decoder->payload->wall_ms);
    put->field = qr_read_u8(reader);
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
        return QUIRE_EMALFORMED;
    }
    if (reader->failed || put->id == QR_ID_NONE || qr_put_check(put) != QUIRE_OK) {
        return QUIRE_EMALFORMED;
    }
    const struct qr_payload_session *session = &decoder->payload->sessions[rank];
    uint64_t counter = qr_id_counter(put->id);
    uint64_t place = rank << 48 | counter;
    if (counter < session->first || counter > session->last || place <= *last) {
        return QUIRE_EMALFORMED;
    }
    *last = place;
    memcpy(put->session, session->name, sizeof put->session);
    return QUIRE_OK;
}

static enum quire_status read_puts(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t last = 0;
    enum quire_status status = read_count(decoder, 5, sizeof *payload->puts, &payload->put_count,
        &payload->puts);
    if (status == QUIRE_OK && payload->put_count > QR_DOTS_MAX) {
        status = QUIRE_ELIMIT;
    }
    for (size_t i = 0; i < payload->put_count && status == QUIRE_OK; i++) {
        status = read_put(decoder, &payload->puts[i], &last);
    }
    return status;
}

static enum quire_status read_erased(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t end = 0; /* of the range before */
    enum quire_status status = read_count(decoder, 3, sizeof *payload->erased,
        &payload->erased_count, &payload->erased);
    for (size_t i = 0; i < payload->erased_count && status == QUIRE_OK; i++) {
        uint64_t rank;
        uint64_t id = read_id(decoder, &rank);
        uint64_t length = qr_read_varint(&decoder->reader);
        uint64_t place = rank << 48 | qr_id_counter(id);
        bool sound = !decoder->reader.failed && id != QR_ID_NONE && length > 0
            && length <= QR_COUNTER_MAX - qr_id_counter(id) + 1 && (i == 0 || place > end);
        end = place + length;
        payload->erased[i] = (struct qr_range){id, length};
        status = refused(!sound);
    }
    return status;
}

/** Ids in ascending order of (session, counter), or of the session alone. */
static enum quire_status read_ids(struct decoder *decoder, bool one_each, size_t *out_count,
    uint64_t **out_ids)
{
    uint64_t last = 0;
    enum quire_status status = read_count(decoder, 2, sizeof **out_ids, out_count, out_ids);
    for (size_t i = 0; i < *out_count && status == QUIRE_OK; i++) {
        uint64_t rank;
        uint64_t id = read_id(decoder, &rank);
        uint64_t place = one_each ? rank + 1 : rank << 48 | qr_id_counter(id);
        status = refused(decoder->reader.failed || id == QR_ID_NONE || place <= last);
        (*out_ids)[i] = id;
        last = place;
    }
    return status;
}

static enum quire_status read_all(struct decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint8_t flags = qr_read_u8(&decoder->reader);
    payload->wall_ms = read_signed(&decoder->reader);
    if (decoder->reader.failed || flags > 1) {
        return QUIRE_EMALFORMED;
    }
    payload->state = flags == 1;
    uint64_t characters = 0;
    enum quire_status status = read_sessions(decoder);
    if (status == QUIRE_OK) {
        status = read_runs(decoder, &characters);
    }
    if (status == QUIRE_OK) {
        status = read_letters(decoder, characters);
    }
    if (status == QUIRE_OK) {
        status = read_puts(decoder);
    }
    if (status == QUIRE_OK && !payload->state) {
        status = read_erased(decoder);
    }
    if (status == QUIRE_OK && !payload->state) {
        status = read_ids(decoder, false, &payload->removed_count, &payload->removed);
    }
    if (status == QUIRE_OK) {
        status = read_ids(decoder, true, &payload->deleted_count, &payload->deleted);
    }
    return status != QUIRE_OK ? status : refused(!qr_reader_done(&decoder->reader));
}

void qr_payload_finish(struct qr_payload *payload)
{
    free(payload->sessions);
    free(payload->by_number);
    free(payload->runs);
    free(payload->liveness);
    free(payload->erased);
    free(payload->puts);
    free(payload->removed);
    free(payload->deleted);
    *payload = (struct qr_payload){0};
}

enum quire_status qr_payload_read(const struct quire_document *document, struct quire_bytes bytes,
    struct qr_payload *out_payload)
{
    if (bytes.size > QR_PAYLOAD_MAX) {
        return QUIRE_ELIMIT;
    }
    struct qr_payload payload = {0};
    struct decoder decoder = {.document = document, .payload = &payload,
        .reader = qr_reader_over(bytes)};
    uint8_t version = qr_read_u8(&decoder.reader);
    if (decoder.reader.failed || version == 0) {
        return QUIRE_EMALFORMED;
    }
    if (version > QR_DOCUMENT_VERSION) {
        return QUIRE_EUNSUPPORTED;
    }
    enum quire_status status = read_all(&decoder);
    free(decoder.next);
    if (status == QUIRE_OK) {
        status = qr_payload_check(document, &payload);
    }
    if (status == QUIRE_OK) {
        *out_payload = payload;
    } else {
        qr_payload_finish(&payload);
    }
    return status;
}
