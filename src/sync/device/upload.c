/*
 * Batches that the server lacks, of any author, are pushed, dependencies first. A refused batch waits with
 * its reason and is pushed again.
 */
#include "sync/device/upload.h"
#include "sync/device/actions.h"
#include "sync/device/chains.h"
#include "sync/device/connection.h"
#include "sync/device/records.h"
#include "sync/device/withheld.h"

#define RETRY_MAX_MS (60 * 60 * 1000) /* no refusal blocks a chain for longer */

static bool is_blocked(const struct quire_device *device, const struct device_chain *chain)
{
    return chain->link.refusal != 0 && device->step.now_ms < chain->link.blocked_until_ms;
}

static bool has_more(const struct quire_device *device, const struct device_chain *chain)
{
    uint64_t durable = QR_FAILPOINT_ON(SENT_BEFORE_DURABLE) ? chain->head : chain->disk.durable;
    return chain->link.sent < durable && chain->link.sent + 1 != chain->damage.seq
        && !is_blocked(device, chain);
}

void device_tell_uploaded(struct quire_device *device)
{
    if (!device->upload.owed || !device->upload.got_want || device->upload.inflight_count > 0) {
        return;
    }
    for (size_t i = 0; i < device->chains.count; i++) {
        if (device->chains.items[i].link.sent < device->chains.items[i].head) {
            return;
        }
    }
    device->upload.owed = false;
    device_notice(device, QUIRE_NOTICE_UPLOADED, 0);
}

void device_on_want(struct quire_device *device, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->want.range_count; i++) {
        struct device_chain *chain = device_chain_find(device, frame->want.ranges[i].replica);
        if (chain != NULL && frame->want.ranges[i].from - 1 < chain->link.sent) {
            chain->link.sent = frame->want.ranges[i].from - 1;
        }
    }
    device->upload.got_want = true;
    device_upload_more(device);
}

/* ---- PUSH ------------------------------------------------------------------------------------- */

/* The next batch of a chain cannot be read back. The chain stands still until another device brings that
 * batch; the other chains go on. */
static void set_aside(struct quire_device *device, struct device_chain *chain)
{
    chain->damage.seq = chain->link.sent + 1;
    chain->damage.knows_before =
        device_chain_hash(device, chain, chain->link.sent, chain->damage.before) == QUIRE_OK;
    chain->link.refusal = QR_ERROR_GAP;
    chain->link.refused_seq = chain->damage.seq;
    device_alarm(device, QUIRE_ALARM_DAMAGED);
    device_resubscribe_later(device);
}

/* Is it what was kept: any bit of it may have rotted, and a server would refuse it, and us. */
static bool is_whole(
    const struct quire_device *device, const struct qr_batch *batch, const uint8_t *kept_hash)
{
    uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
    if (batch->roster_seq >= device->roster.count) {
        return false;
    }
    qr_batch_signed(
        batch, device->roster.user, device->roster.entries[batch->roster_seq].hash, signed_hash);
    qr_batch_hash(signed_hash, batch->signature, hash);
    return memcmp(hash, kept_hash, sizeof hash) == 0;
}

/* Reads the next batch of a chain. False: not now. */
static bool read_next(struct quire_device *device, struct device_chain *chain,
    struct quire_buffer *out_value, struct qr_batch *out_batch)
{
    out_value->size = 0;
    enum quire_status status =
        device_read_batch(device, chain->replica, chain->link.sent + 1, out_value);
    if (status == QUIRE_OK) {
        struct quire_bytes bytes = {out_value->data + QR_HASH_SIZE, out_value->size - QR_HASH_SIZE};
        bool well = qr_batch_read_any(bytes, out_batch) == QUIRE_OK
            && out_batch->seq == chain->link.sent + 1
            && memcmp(out_batch->replica, chain->replica, QR_REPLICA_SIZE) == 0
            && is_whole(device, out_batch, out_value->data);
        status = well ? QUIRE_OK : QUIRE_ECORRUPT;
    }
    if (status == QUIRE_ECORRUPT || status == QUIRE_ENOTFOUND) {
        set_aside(device, chain);
        return false;
    }
    return device_ok(device, status);
}

/* The chain whose next batch must go before that of `chain`, or `chain` itself, or NULL if that
 * cannot go now. Its next batch is in out_batch. */
static struct device_chain *first_to_push(
    struct quire_device *device, struct device_chain *chain, struct quire_buffer *out_batch)
{
    /* Each turn goes back along the DAG, so there are at most as many as chains. */
    for (size_t turn = 0; turn <= device->chains.count; turn++) {
        struct qr_batch batch;
        struct device_chain *first = NULL;
        if (!has_more(device, chain) || !read_next(device, chain, out_batch, &batch)) {
            return NULL;
        }
        for (size_t i = 0; i < batch.dep_count && first == NULL; i++) {
            struct device_chain *dep = device_chain_find(device, batch.deps[i].replica);
            if (dep != NULL && dep->link.sent < batch.deps[i].seq) {
                first = dep;
            }
        }
        if (first == NULL) {
            return chain;
        }
        chain = first;
    }
    return NULL;
}

/* Some batch could go if the pace allowed it. */
static bool has_any(const struct quire_device *device)
{
    bool any = false;
    for (size_t i = 0; i < device->chains.count && !any; i++) {
        any = has_more(device, &device->chains.items[i]);
    }
    return any;
}

static struct device_chain *next_to_push(
    struct quire_device *device, struct quire_buffer *out_batch)
{
    for (size_t i = 0; i < device->chains.count; i++) {
        if (has_more(device, &device->chains.items[i])) {
            struct device_chain *chain = first_to_push(device, &device->chains.items[i], out_batch);
            if (chain != NULL || device->step.failure != QUIRE_OK) {
                return chain;
            }
        }
    }
    return NULL;
}

/* One PUSH of as much as may go now. False: nothing may. */
static bool push(struct quire_device *device)
{
    struct quire_buffer next = {0}, batches = {0};
    struct quire_bytes *items = device->space.items;
    struct qr_frame frame = {.type = QR_FRAME_PUSH};
    struct device_chain *chain;
    if (!device_upload_begin_push(&device->upload, device->step.now_ms)) {
        return false;
    }
    while (frame.push.batch_count < DEVICE_PUSH_COUNT && batches.size < DEVICE_PUSH_MAX
        && device_upload_has_room(&device->upload)
        && (chain = next_to_push(device, &next)) != NULL) {
        size_t size = next.size - QR_HASH_SIZE;
        if (!device_ok(device, quire_buffer_append(&batches, next.data + QR_HASH_SIZE, size))) {
            break;
        }
        items[frame.push.batch_count++].size = size;
        chain->link.sent++;
        chain->link.refusal = 0;
        device_upload_sent(&device->upload, chain->replica, chain->link.sent, size);
    }
    size_t offset = 0;
    for (size_t i = 0; i < frame.push.batch_count; i++) {
        items[i].data = batches.data + offset;
        offset += items[i].size;
    }
    frame.push.batches = items;
    if (frame.push.batch_count > 0) {
        device->upload.answered_ms = device->step.now_ms;
        device_send(device, &frame);
    }
    quire_buffer_finish(&next);
    quire_buffer_finish(&batches);
    return frame.push.batch_count > 0;
}

void device_upload_more(struct quire_device *device)
{
    if (device->link.state != LINK_READY || !device->upload.got_want) {
        return;
    }
    if (device->upload.inflight_count > 0
        && device->step.now_ms >= device->upload.answered_ms + DEVICE_UNANSWERED_MS) {
        /* An ERROR whose batch was acknowledged before it came says nothing of those behind it. */
        device->upload.answered_ms = device->step.now_ms;
        device_subscribe(device);
        return;
    }
    while (device->step.failure == QUIRE_OK && push(device)) {
    }
    device_tell_uploaded(device);
}

/* ---- answers ---------------------------------------------------------------------------------- */

void device_is_on_server(struct quire_device *device, struct device_chain *chain, uint64_t seq)
{
    chain->link.sent = seq > chain->link.sent ? seq : chain->link.sent;
    if (chain->link.refusal != 0 && seq >= chain->link.refused_seq) {
        chain->link.refusal = 0;
    }
    if (seq > chain->acked) {
        chain->acked = seq;
        chain->acked_wall_ms = (uint64_t)device->step.wall_ms;
        if (memcmp(chain->replica, device->replica.id, QR_REPLICA_SIZE) == 0) {
            device_note_ack(device, seq);
        }
        if (chain->acked == chain->head) {
            device_write_chain(device, chain);
        }
    }
}

void device_on_ack(struct quire_device *device, const struct qr_frame *frame)
{
    device->upload.answered_ms = device->step.now_ms;
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        const struct qr_frame_range *range = &frame->ack.ranges[i];
        struct device_chain *chain = device_chain_find(device, range->replica);
        if (chain != NULL && range->to <= chain->head) {
            device_upload_drop(&device->upload, range->replica, 0, range->to);
            device_upload_acked(&device->upload);
            device_is_on_server(device, chain, range->to);
        }
    }
    device_upload_more(device);
}

/* The server does not report batches after a refused one, neither in its PUSH nor in later ones that
 * depend on it: resend them all. */
static void send_rest_again(struct quire_device *device, const uint8_t *replica, uint64_t seq)
{
    size_t first = device_upload_find(&device->upload, replica, seq);
    struct device_inflight item;
    while (device->upload.inflight_count > first && device_upload_pop(&device->upload, &item)) {
        struct device_chain *chain = device_chain_find(device, item.replica);
        if (chain != NULL && item.seq - 1 < chain->link.sent) {
            chain->link.sent = item.seq - 1;
        }
    }
}

void device_on_batch_error(struct quire_device *device, const struct qr_frame *frame)
{
    struct device_chain *chain = device_chain_find(device, frame->error.replica);
    uint64_t seq = frame->error.seq;
    device->upload.answered_ms = device->step.now_ms;
    if (frame->error.code == QR_ERROR_FORK) {
        device_write_evidence(device, frame->error.data);
        device_alarm(device, QUIRE_ALARM_FORK);
    }
    if (chain == NULL || seq > chain->head) {
        return;
    }
    uint64_t wait_ms = frame->error.retry_ms < 200 ? 200 : frame->error.retry_ms;
    wait_ms = wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
    bool follows = is_blocked(device, chain) && chain->link.refused_seq <= seq;
    if (frame->error.code == QR_ERROR_RATE) {
        device_upload_rated(&device->upload, chain->replica, seq, device->step.now_ms, wait_ms);
    }
    send_rest_again(device, chain->replica, seq);
    device_upload_drop(&device->upload, chain->replica, seq, UINT64_MAX);
    chain->link.sent = seq - 1 < chain->link.sent ? seq - 1 : chain->link.sent;
    if (follows) {
        return; /* what came after the batch that was refused first */
    }
    chain->link.refusal = frame->error.code;
    chain->link.refused_seq = seq;
    chain->link.blocked_until_ms = device->step.now_ms + wait_ms;
    if (frame->error.code == QR_ERROR_STALE_ROSTER) {
        device_close(device, (uint32_t)wait_ms); /* the next AUTH brings what the server lacks */
        return;
    }
    if (frame->error.code == QR_ERROR_GAP || frame->error.code == QR_ERROR_MISSING_DEPS) {
        device_resubscribe_later(device);
        return;
    }
    device_notice(device, QUIRE_NOTICE_REJECTED, frame->error.code);
}

uint64_t device_upload_due_ms(const struct quire_device *device)
{
    uint64_t due = UINT64_MAX;
    if (device->link.state != LINK_READY || !device->upload.got_want) {
        return due;
    }
    if (device->upload.inflight_count > 0) {
        due = device->upload.answered_ms + DEVICE_UNANSWERED_MS;
    }
    for (size_t i = 0; i < device->chains.count; i++) {
        const struct device_chain *chain = &device->chains.items[i];
        /* One whose wait is over was tried in this step: it waits for another chain, or an ACK. */
        if (is_blocked(device, chain) && chain->link.sent < chain->disk.durable
            && chain->link.blocked_until_ms < due) {
            due = chain->link.blocked_until_ms;
        }
    }
    uint64_t paced = device_upload_pace_ms(&device->upload, device->step.now_ms);
    if (paced > device->step.now_ms && has_any(device) && paced < due) {
        due = paced;
    }
    return due;
}
