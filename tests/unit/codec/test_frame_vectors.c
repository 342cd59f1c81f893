/*
 * protocol/vectors/frames.json: every frame is read as it means and written as it was.
 */
#include "codec/frame.h"
#include "match.h"

static struct qr_frame_space space;

static void match_positions(
    struct match *match, const struct qr_frame_position *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct match row = match_row(match, "positions", i, count);
        match_bytes(&row, "replica", positions[i].replica, QR_REPLICA_SIZE);
        match_number(&row, "seq", positions[i].seq);
        match_bytes(&row, "hash8", positions[i].hash_prefix, QR_HASH_PREFIX_SIZE);
        match_end(&row);
    }
    match_rows_end(match, "positions", count);
}

static void match_ranges(
    struct match *match, const struct qr_frame_range *ranges, size_t count, bool with_from)
{
    for (size_t i = 0; i < count; i++) {
        struct match row = match_row(match, "ranges", i, count);
        match_bytes(&row, "replica", ranges[i].replica, QR_REPLICA_SIZE);
        if (with_from) {
            match_number(&row, "from", ranges[i].from);
        } else {
            cr_assert_eq(ranges[i].from, 0);
        }
        match_number(&row, "to", ranges[i].to);
        match_end(&row);
    }
    match_rows_end(match, "ranges", count);
}

static void match_handshake(struct match *match, const struct qr_frame *frame)
{
    switch (frame->type) {
    case QR_FRAME_HELLO:
        match_text(match, "type", "HELLO");
        match_number(match, "min", frame->hello.min);
        match_number(match, "max", frame->hello.max);
        match_number(match, "features", frame->hello.features);
        match_bytes(match, "nonce", frame->hello.nonce, QR_FRAME_NONCE_SIZE);
        match_bytes(match, "user", frame->hello.user, QR_USER_SIZE);
        match_bytes(match, "device", frame->hello.device, QR_DEVICE_SIZE);
        match_number(match, "roster_count", frame->hello.roster_count);
        break;
    case QR_FRAME_CHALLENGE:
        match_text(match, "type", "CHALLENGE");
        match_number(match, "version", frame->challenge.version);
        match_number(match, "features", frame->challenge.features);
        match_bytes(match, "nonce", frame->challenge.nonce, QR_FRAME_NONCE_SIZE);
        match_number(match, "time_ms", frame->challenge.time_ms);
        match_number(match, "roster_count", frame->challenge.roster_count);
        match_bytes(match, "roster_head", frame->challenge.roster_head, QR_HASH_SIZE);
        match_bytes(match, "log", frame->challenge.log, QR_LOG_SIZE);
        break;
    case QR_FRAME_AUTH:
        match_text(match, "type", "AUTH");
        match_bytes(match, "signature", frame->auth.signature, QR_SIGNATURE_SIZE);
        match_items(match, "records", frame->auth.records, frame->auth.record_count);
        break;
    default:
        match_text(match, "type", "WELCOME");
        cr_assert_eq(frame->type, QR_FRAME_WELCOME);
        match_number(match, "roster_count", frame->welcome.roster_count);
        match_bytes(match, "roster_head", frame->welcome.roster_head, QR_HASH_SIZE);
        match_number(match, "session", frame->welcome.session);
    }
}

static void match_chains(struct match *match, const struct qr_frame *frame)
{
    switch (frame->type) {
    case QR_FRAME_SUB:
        match_text(match, "type", "SUB");
        match_number(match, "roster_count", frame->sub.roster_count);
        match_bytes(match, "manifest", frame->sub.manifest, QR_HASH_SIZE);
        match_positions(match, frame->sub.positions, frame->sub.position_count);
        break;
    case QR_FRAME_CAUGHT_UP:
        match_text(match, "type", "CAUGHT_UP");
        match_positions(match, frame->caught_up.positions, frame->caught_up.position_count);
        break;
    case QR_FRAME_WANT:
        match_text(match, "type", "WANT");
        match_ranges(match, frame->want.ranges, frame->want.range_count, true);
        break;
    case QR_FRAME_ACK:
        match_text(match, "type", "ACK");
        match_ranges(match, frame->ack.ranges, frame->ack.range_count, false);
        break;
    case QR_FRAME_DELTA:
        match_text(match, "type", "DELTA");
        match_items(match, "batches", frame->delta.batches, frame->delta.batch_count);
        break;
    default:
        match_text(match, "type", "PUSH");
        cr_assert_eq(frame->type, QR_FRAME_PUSH);
        match_items(match, "batches", frame->push.batches, frame->push.batch_count);
    }
}

static void match_roster(struct match *match, const struct qr_frame *frame)
{
    switch (frame->type) {
    case QR_FRAME_ROSTER_APPEND:
        match_text(match, "type", "ROSTER_APPEND");
        match_bytes(match, "prev_head", frame->roster_append.prev_head, QR_HASH_SIZE);
        match_items(
            match, "records", frame->roster_append.records, frame->roster_append.record_count);
        break;
    case QR_FRAME_ROSTER_RECORDS:
        match_text(match, "type", "ROSTER_RECORDS");
        match_number(match, "first_seq", frame->roster_records.first_seq);
        match_items(
            match, "records", frame->roster_records.records, frame->roster_records.record_count);
        break;
    case QR_FRAME_ROSTER_DONE:
        match_text(match, "type", "ROSTER_DONE");
        match_number(match, "roster_count", frame->roster_done.roster_count);
        match_bytes(match, "roster_head", frame->roster_done.roster_head, QR_HASH_SIZE);
        break;
    case QR_FRAME_CHAINS:
        match_text(match, "type", "CHAINS");
        match_bytes(match, "device", frame->chains.device, QR_DEVICE_SIZE);
        match_number(match, "last", frame->chains.last);
        match_data(match, "pins", frame->chains.pins);
        break;
    default:
        match_text(match, "type", "PAIR");
        cr_assert_eq(frame->type, QR_FRAME_PAIR);
        match_number(match, "step", frame->pair.step);
        match_bytes(match, "mailbox", frame->pair.mailbox, QR_FRAME_MAILBOX_SIZE);
        match_data(match, "data", frame->pair.data);
    }
}

static void match_control(struct match *match, const struct qr_frame *frame)
{
    switch (frame->type) {
    case QR_FRAME_CREDIT:
        match_text(match, "type", "CREDIT");
        match_number(match, "bytes", frame->credit.bytes);
        break;
    case QR_FRAME_PING:
        match_text(match, "type", "PING");
        match_bool(match, "reply", frame->ping.reply);
        match_number(match, "token", frame->ping.token);
        break;
    case QR_FRAME_GOAWAY:
        match_text(match, "type", "GOAWAY");
        match_number(match, "reason", frame->goaway.reason);
        match_number(match, "retry_ms", frame->goaway.retry_ms);
        break;
    case QR_FRAME_ERROR:
        match_text(match, "type", "ERROR");
        match_number(match, "code", frame->error.code);
        match_bool(match, "fatal", frame->error.fatal);
        match_number(match, "retry_ms", frame->error.retry_ms);
        match_bytes(match, "replica", frame->error.replica, QR_REPLICA_SIZE);
        match_number(match, "seq", frame->error.seq);
        match_data(match, "data", frame->error.data);
        break;
    case QR_FRAME_PRESENCE:
        match_text(match, "type", "PRESENCE");
        match_number(match, "others", frame->presence.others);
        break;
    default: match_text(match, "type", "skip"); cr_assert_eq(frame->type, QR_FRAME_SKIP);
    }
}

static void match_frame(const json_t *meaning, const struct qr_frame *frame)
{
    struct match match = match_begin(meaning);
    if (frame->type < QR_FRAME_SUB) {
        match_handshake(&match, frame);
    } else if (frame->type < QR_FRAME_ROSTER_APPEND) {
        match_chains(&match, frame);
    } else if (frame->type < QR_FRAME_CREDIT) {
        match_roster(&match, frame);
    } else {
        match_control(&match, frame);
    }
    match_end(&match);
}

Test(frame_vectors, valid_frames_are_read_as_they_mean_and_written_as_they_were)
{
    json_t *root = vectors_load("frames.json");
    const json_t *vector;
    size_t i;
    size_t seen[QR_FRAME_SKIP + 1] = {0};
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        const char *name = vector_text(vector, "name");
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_frame frame;
        enum quire_status status = qr_frame_read(bytes, &space, &frame);
        cr_assert_eq(status, QUIRE_OK, "%s: %s", name, quire_status_text(status));
        match_frame(json_object_get(vector, "frame"), &frame);
        seen[frame.type]++;

        if (frame.type != QR_FRAME_SKIP) {
            struct quire_buffer written = {0};
            cr_assert_eq(quire_buffer_append(&written, "before", 6), QUIRE_OK);
            status = qr_frame_write(&frame, &written);
            cr_assert_eq(status, QUIRE_OK, "%s: %s", name, quire_status_text(status));
            cr_assert_eq(written.size, 6 + bytes.size, "%s", name);
            cr_assert_arr_eq(written.data, "before", 6);
            cr_assert_arr_eq(written.data + 6, bytes.data, bytes.size, "%s", name);
            quire_buffer_finish(&written);
        }
        free_copy(bytes);
    }
    size_t types = 0;
    for (size_t type = 0; type < QR_FRAME_SKIP; type++) {
        types += seen[type] > 0;
    }
    cr_assert_eq(types, 20, "vectors for %zu types", types);
    json_decref(root);
}

Test(frame_vectors, invalid_frames_are_refused_and_change_nothing)
{
    json_t *root = vectors_load("frames.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "invalid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        struct qr_frame frame, before;
        memset(&frame, 0xa5, sizeof frame);
        memcpy(&before, &frame, sizeof frame);
        enum quire_status status = qr_frame_read(bytes, &space, &frame);
        cr_assert_eq(status, vector_status(vector), "%s: %s", vector_text(vector, "name"),
            quire_status_text(status));
        cr_assert_arr_eq(&frame, &before, sizeof frame);
        free_copy(bytes);
    }
    cr_assert_gt(i, 90);
    json_decref(root);
}

Test(frame_vectors, a_frame_cut_short_anywhere_is_malformed)
{
    json_t *root = vectors_load("frames.json");
    const json_t *vector;
    size_t i;
    json_array_foreach(json_object_get(root, "valid"), i, vector)
    {
        struct quire_bytes bytes = vector_exact(vector);
        for (size_t size = 0; size < bytes.size && bytes.size < 600; size++) {
            struct quire_bytes cut = exact_copy((struct quire_bytes){bytes.data, size});
            struct qr_frame frame;
            enum quire_status status = qr_frame_read(cut, &space, &frame);
            /* a shorter frame may also be too short for the values that it begins with */
            cr_assert(status == QUIRE_EMALFORMED || status == QUIRE_ELIMIT, "%s at %zu",
                vector_text(vector, "name"), size);
            free_copy(cut);
        }
        free_copy(bytes);
    }
    json_decref(root);
}
