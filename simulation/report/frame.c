/*
 * Decodes frames with the shipping codec.
 */
#include "frame.h"

#include "codec/frame.h"
#include "codec/roster.h"
#include "people/phone.h"
#include "sync/device/state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define REPLICAS_MAX 1024u
#define LISTED_MAX 12u /* positions and ranges of one frame */
#define WORDS_MAX 400u /* bytes of one batch's words */

struct replica {
    uint8_t id[QR_REPLICA_SIZE];
    uint32_t phone, ordinal; /* among the chains of its phone, from 1 */
};

struct frame_decoder {
    struct world *world;
    struct qr_frame_space space;
    struct qr_batch batch;
    struct replica replicas[REPLICAS_MAX]; /* in the order in which their first batch was sent */
    size_t replica_count;
    bool listed;
};

/* ---- whose chain ----------------------------------------------------------------------------- */

static const struct replica *replica_find(const struct frame_decoder *decoder, const uint8_t *id)
{
    for (size_t i = 0; i < decoder->replica_count; i++) {
        if (memcmp(decoder->replicas[i].id, id, QR_REPLICA_SIZE) == 0) {
            return &decoder->replicas[i];
        }
    }
    return NULL;
}

/* Who pushes a batch first wrote it, as far as the server can see. */
static void replica_learn(struct frame_decoder *decoder, const uint8_t *id, uint32_t phone)
{
    if (decoder->replica_count == REPLICAS_MAX || replica_find(decoder, id) != NULL) {
        return;
    }
    uint32_t ordinal = 1;
    for (size_t i = 0; i < decoder->replica_count; i++) {
        ordinal += decoder->replicas[i].phone == phone;
    }
    struct replica *replica = &decoder->replicas[decoder->replica_count++];
    *replica = (struct replica){.phone = phone, .ordinal = ordinal};
    memcpy(replica->id, id, QR_REPLICA_SIZE);
}

static void chain_name(
    const struct frame_decoder *decoder, const uint8_t *id, char *out, size_t size)
{
    const struct replica *replica = replica_find(decoder, id);
    if (replica == NULL) {
        snprintf(out, size, "chain %02x%02x", id[0], id[1]);
        return;
    }
    const char *name = decoder->world->phone_names[replica->phone];
    char number[24], more[24] = "";
    snprintf(number, sizeof number, "phone %" PRIu32, replica->phone);
    if (replica->ordinal > 1) {
        snprintf(more, sizeof more, " (chain %" PRIu32 ")", replica->ordinal);
    }
    snprintf(out, size, "%s%s", name != NULL ? name : number, more);
}

struct frame_decoder *frame_decoder_create(struct world *world)
{
    struct frame_decoder *decoder = sim_alloc(sizeof *decoder);
    const struct recording *recording = world->recording;
    decoder->world = world;
    for (size_t i = 0; i < recording->frame_count; i++) {
        const struct recorded_frame *recorded = &recording->frames[i];
        struct qr_frame frame;
        if (recorded->bytes == NULL || recorded->type != QR_FRAME_PUSH
            || qr_frame_read(
                   (struct quire_bytes){recorded->bytes, recorded->size}, &decoder->space, &frame)
                != QUIRE_OK) {
            continue;
        }
        for (size_t b = 0; b < frame.push.batch_count; b++) {
            if (qr_batch_read_any(frame.push.batches[b], &decoder->batch) == QUIRE_OK) {
                replica_learn(decoder, decoder->batch.replica, recorded->phone);
            }
        }
    }
    return decoder;
}

void frame_decoder_destroy(struct frame_decoder *decoder)
{
    free(decoder);
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void field(struct frame_decoder *decoder, FILE *out, const char *name, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

static void field(
    struct frame_decoder *decoder, FILE *out, const char *name, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fputs(decoder->listed ? ",[" : "[", out);
    decoder->listed = true;
    report_text(out, name);
    fputc(',', out);
    report_text(out, text);
    fputc(']', out);
}

static void hex(const uint8_t *bytes, size_t size, char *out)
{
    for (size_t i = 0; i < size; i++) {
        sprintf(out + 2 * i, "%02x", bytes[i]);
    }
}

static void short_id(
    struct frame_decoder *decoder, FILE *out, const char *name, const uint8_t *bytes)
{
    char text[20] = "";
    hex(bytes, 8, text);
    field(decoder, out, name, "%s…", text);
}

static void positions(
    struct frame_decoder *decoder, FILE *out, const struct qr_frame_position *list, size_t count)
{
    if (count == 0) {
        field(decoder, out, "holds", "nothing");
    }
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        char name[64];
        chain_name(decoder, list[i].replica, name, sizeof name);
        field(decoder, out, i == 0 ? "holds" : "", "%s up to batch %" PRIu64, name, list[i].seq);
    }
    if (count > LISTED_MAX) {
        field(decoder, out, "", "and %zu chains more", count - LISTED_MAX);
    }
}

static void ranges(struct frame_decoder *decoder, FILE *out, const char *what,
    const struct qr_frame_range *list, size_t count)
{
    for (size_t i = 0; i < count && i < LISTED_MAX; i++) {
        char name[64], from[32] = "up to ";
        chain_name(decoder, list[i].replica, name, sizeof name);
        if (list[i].from > 0) {
            snprintf(from, sizeof from, "%" PRIu64 " to ", list[i].from);
        }
        field(decoder, out, i == 0 ? what : "", "%s, batches %s%" PRIu64, name, from, list[i].to);
    }
    if (count == 0) {
        field(decoder, out, what, "nothing");
    } else if (count > LISTED_MAX) {
        field(decoder, out, "", "and %zu chains more", count - LISTED_MAX);
    }
}

static void error_fields(struct frame_decoder *decoder, const struct qr_frame *frame, FILE *out)
{
    field(decoder, out, "code", "%s", qr_error_name(frame->error.code));
    field(decoder, out, "in words", "%s", quire_error_text(frame->error.code));
    field(decoder, out, "closes the connection", "%s", frame->error.fatal ? "yes" : "no");
    if (frame->error.replica != NULL) {
        char name[64];
        chain_name(decoder, frame->error.replica, name, sizeof name);
        field(decoder, out, "about", "%s, batch %" PRIu64, name, frame->error.seq);
    }
    if (frame->error.retry_ms > 0) {
        field(decoder, out, "again after", "%" PRIu32 " ms", frame->error.retry_ms);
    }
}

static void fields(struct frame_decoder *decoder, const struct qr_frame *frame, FILE *out)
{
    static const char *const steps[] = {
        "the old device waits", "the new device asks", "the old device answers", "no longer"};
    switch (frame->type) {
    case QR_FRAME_HELLO:
        field(decoder, out, "versions", "%" PRIu32 " to %" PRIu32, frame->hello.min,
            frame->hello.max);
        short_id(decoder, out, "user", frame->hello.user);
        short_id(decoder, out, "device", frame->hello.device);
        field(decoder, out, "roster", "%" PRIu32 " records", frame->hello.roster_count);
        break;
    case QR_FRAME_CHALLENGE:
        field(decoder, out, "version", "%" PRIu32, frame->challenge.version);
        short_id(decoder, out, "nonce", frame->challenge.nonce);
        short_id(decoder, out, "log", frame->challenge.log);
        field(decoder, out, "roster", "%" PRIu32 " records", frame->challenge.roster_count);
        break;
    case QR_FRAME_AUTH:
        short_id(decoder, out, "signature", frame->auth.signature);
        field(decoder, out, "brings", "%zu roster records", frame->auth.record_count);
        break;
    case QR_FRAME_WELCOME:
        field(decoder, out, "roster", "%" PRIu32 " records", frame->welcome.roster_count);
        break;
    case QR_FRAME_SUB:
        field(decoder, out, "roster", "%" PRIu32 " records", frame->sub.roster_count);
        positions(decoder, out, frame->sub.positions, frame->sub.position_count);
        break;
    case QR_FRAME_CAUGHT_UP:
        positions(decoder, out, frame->caught_up.positions, frame->caught_up.position_count);
        break;
    case QR_FRAME_WANT:
        ranges(decoder, out, "wants", frame->want.ranges, frame->want.range_count);
        break;
    case QR_FRAME_ACK:
        ranges(decoder, out, "is durable", frame->ack.ranges, frame->ack.range_count);
        break;
    case QR_FRAME_PUSH:
    case QR_FRAME_DELTA: field(decoder, out, "batches", "%zu", frame->push.batch_count); break;
    case QR_FRAME_ROSTER_APPEND:
        field(decoder, out, "records", "%zu", frame->roster_append.record_count);
        break;
    case QR_FRAME_ROSTER_RECORDS:
        field(decoder, out, "records", "%zu from %" PRIu32 " on",
            frame->roster_records.record_count, frame->roster_records.first_seq);
        break;
    case QR_FRAME_ROSTER_DONE:
        field(decoder, out, "roster", "%" PRIu32 " records", frame->roster_done.roster_count);
        break;
    case QR_FRAME_CHAINS:
        short_id(decoder, out, "device", frame->chains.device);
        field(decoder, out, "chains", "%zu", frame->chains.pins.size / QR_PIN_SIZE);
        break;
    case QR_FRAME_PAIR:
        field(decoder, out, "step", "%s", steps[frame->pair.step & 3]);
        short_id(decoder, out, "mailbox", frame->pair.mailbox);
        field(decoder, out, "sealed", "%zu bytes", frame->pair.data.size);
        break;
    case QR_FRAME_CREDIT: field(decoder, out, "bytes", "%" PRIu64, frame->credit.bytes); break;
    case QR_FRAME_PING:
        field(decoder, out, "is", "%s", frame->ping.reply ? "an answer" : "a question");
        break;
    case QR_FRAME_GOAWAY:
        field(decoder, out, "reason", "%s",
            frame->goaway.reason == 0 ? "maintenance" : qr_error_name(frame->goaway.reason));
        field(decoder, out, "again after", "%" PRIu32 " ms", frame->goaway.retry_ms);
        break;
    case QR_FRAME_ERROR: error_fields(decoder, frame, out); break;
    case QR_FRAME_PRESENCE:
        field(decoder, out, "other devices", "%" PRIu32, frame->presence.others);
        break;
    default: field(decoder, out, "type", "not known to this version");
    }
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Bytes of the letter at `at`, 0: none that a person reads. */
static size_t letter_size(struct quire_bytes bytes, size_t at)
{
    uint8_t first = bytes.data[at];
    size_t more = first < 0x80 ? 0
        : first < 0xc2         ? SIZE_MAX
        : first < 0xe0         ? 1
        : first < 0xf0         ? 2
        : first < 0xf5         ? 3
                               : SIZE_MAX;
    if (more == SIZE_MAX || first < 0x20 || first == 0x7f || at + more >= bytes.size) {
        return 0;
    }
    for (size_t i = 1; i <= more; i++) {
        if ((bytes.data[at + i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return more + 1;
}

/* The runs of letters in an opened change: typed words, and now and then a stray
 * letter of an id. Letters of plane 15 and 16, which seeds use, become a small square. */
static void add_words(struct quire_bytes change, char *out, size_t size)
{
    size_t used = strlen(out);
    for (size_t at = 0; at < change.size && used + 16 < size;) {
        size_t end = at, letters = 0, length;
        while (end < change.size && (length = letter_size(change, end)) > 0) {
            end += length;
            letters++;
        }
        if (letters >= 3) {
            used += (size_t)snprintf(out + used, size - used, "%s", used > 0 ? " · " : "");
            for (size_t i = at; i < end && used + 8 < size; i += length) {
                length = letter_size(change, i);
                bool is_replaced = length == 4 && change.data[i] >= 0xf3;
                used +=
                    (size_t)snprintf(out + used, size - used, "%.*s", is_replaced ? 3 : (int)length,
                        is_replaced ? "▫" : (const char *)change.data + i);
            }
        }
        at = end + 1;
    }
}

static void words_of(struct frame_decoder *decoder, uint32_t user, char *out, size_t size)
{
    const struct qr_batch *batch = &decoder->batch;
    struct world *world = decoder->world;
    out[0] = 0;
    for (size_t c = 0; c < batch->change_count; c++) {
        const struct qr_change *change = &batch->changes[c];
        struct qr_change_place place = {
            .seq = batch->seq, .index = (uint32_t)c, .kind = change->kind, .epoch = batch->epoch};
        memcpy(place.replica, batch->replica, QR_REPLICA_SIZE);
        memcpy(place.entry, change->entry, QR_ENTRY_SIZE);
        enum quire_status status = QUIRE_ENOTFOUND;
        for (uint32_t i = 0; i < world->phone_count && status != QUIRE_OK; i++) {
            struct quire_buffer plaintext = {0};
            const struct phone *phone = &world->phones[i];
            if (phone->user == user && phone->device != NULL && phone->state.joined
                && change->kind == QR_CHANGE_OPS) {
                status = qr_vault_open_change(
                    phone->device->vault, &place, change->nonce, change->ciphertext, &plaintext);
            }
            if (status == QUIRE_OK) {
                add_words(quire_buffer_bytes(&plaintext), out, size);
            }
            quire_buffer_finish(&plaintext);
        }
    }
}

static void write_batch(
    struct frame_decoder *decoder, uint32_t user, struct quire_bytes bytes, FILE *out)
{
    struct qr_batch *batch = &decoder->batch;
    char name[64], words[WORDS_MAX];
    if (qr_batch_read_any(bytes, batch) != QUIRE_OK) {
        fputs(
            "{\"chain\":\"not a batch of this version\",\"seq\":0,\"size\":0,\"epoch\":0,\"changes\":0,"
            "\"cipher\":0,\"deps\":[],\"text\":\"\"}",
            out);
        return;
    }
    size_t cipher = 0;
    for (size_t c = 0; c < batch->change_count; c++) {
        cipher += batch->changes[c].ciphertext.size;
    }
    chain_name(decoder, batch->replica, name, sizeof name);
    fputs("{\"chain\":", out);
    report_text(out, name);
    fprintf(out,
        ",\"seq\":%" PRIu64 ",\"size\":%zu,\"epoch\":%" PRIu32 ",\"changes\":%zu,\"cipher\":%zu,"
        "\"deps\":[",
        batch->seq, bytes.size, batch->epoch, batch->change_count, cipher);
    for (size_t d = 0; d < batch->dep_count; d++) {
        char dep[96];
        chain_name(decoder, batch->deps[d].replica, name, sizeof name);
        snprintf(dep, sizeof dep, "%s %" PRIu64, name, batch->deps[d].seq);
        fputs(d == 0 ? "" : ",", out);
        report_text(out, dep);
    }
    words_of(decoder, user, words, sizeof words);
    fputs("],\"text\":", out);
    report_text(out, words);
    fputc('}', out);
}

void frame_decode(struct frame_decoder *decoder, const struct recorded_frame *recorded, FILE *out)
{
    struct qr_frame frame;
    struct quire_bytes bytes = {recorded->bytes, recorded->size};
    decoder->listed = false;
    if (recorded->bytes == NULL) {
        fputs("[[\"bytes\",\"not kept: there were too many\"]],[]", out);
        return;
    }
    fputc('[', out);
    if (qr_frame_read(bytes, &decoder->space, &frame) != QUIRE_OK) {
        field(decoder, out, "bytes", "no frame of this version of the protocol");
        fputs("],[]", out);
        return;
    }
    fields(decoder, &frame, out);
    fputs("],[", out);
    if (frame.type == QR_FRAME_PUSH || frame.type == QR_FRAME_DELTA) {
        for (size_t b = 0; b < frame.push.batch_count; b++) {
            fputs(b == 0 ? "" : ",", out);
            write_batch(
                decoder, decoder->world->phones[recorded->phone].user, frame.push.batches[b], out);
        }
    }
    fputc(']', out);
}
