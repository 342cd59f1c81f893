/*
 * Decodes the text of a delta or state: letters, runs, and which of their characters are live.
 */
#include "crdt/decoder.h"
#include "crdt/utf8.h"

enum quire_status qr_decode_letters(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    payload->letters = qr_decoder_sized(&decoder->reader);
    if (decoder->to_show) {
        return qr_refused(decoder->reader.failed);
    }
    return qr_refused(decoder->reader.failed || payload->letters.size == 0
        || !qr_utf8_count(payload->letters, &payload->live));
}

/** Which replica each run is of; its place in the table goes into the id for now. */
static enum quire_status read_turns(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    uint64_t before = UINT64_MAX;
    for (size_t done = 0; done < payload->run_count;) {
        uint64_t rank = qr_read_varint(&decoder->reader);
        uint64_t turn = qr_read_varint(&decoder->reader);
        if (decoder->reader.failed || rank == before || rank >= payload->replica_count || turn == 0
            || turn > payload->run_count - done) {
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
static enum quire_status read_extents(struct qr_decoder *decoder)
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
        run->id = qr_decoder_id(decoder, rank, first);
    }
    return QUIRE_OK;
}

/** 0 none; odd: so far back in the run's own replica; even: another replica, and how far from the
 * counter that was referred to in it before. */
static bool read_reference(struct qr_decoder *decoder, uint64_t from, uint64_t *out_id)
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
        uint64_t step = qr_unzigzag(qr_read_varint(&decoder->reader));
        if (rank >= decoder->payload->replica_count) {
            return false;
        }
        *out_id = qr_decoder_id(decoder, rank, decoder->progress[rank].referred + step);
        decoder->progress[rank].referred = qr_id_counter(*out_id);
        return *out_id != QR_ID_NONE && qr_id_replica(*out_id) != qr_id_replica(from);
    }
    return true;
}

static enum quire_status read_references(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    bool sound = true;
    for (size_t i = 0; i < payload->run_count && sound; i++) {
        struct qr_run *run = &payload->runs[i];
        bool left = run->right != QR_ID_NONE;
        sound =
            read_reference(decoder, run->id, &run->parent) && !(left && run->parent == QR_ID_NONE);
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
    return qr_refused(!sound || decoder->reader.failed);
}

static enum quire_status read_stretches(struct qr_decoder *decoder)
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
    return qr_refused(live != payload->live);
}

enum quire_status qr_decode_runs(struct qr_decoder *decoder)
{
    struct qr_payload *payload = decoder->payload;
    enum quire_status status =
        qr_decoder_count(decoder, 3, sizeof *payload->runs, &payload->run_count, &payload->runs);
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
