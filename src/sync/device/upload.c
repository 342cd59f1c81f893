/*
 * What goes up: whatever the server lacks, of any author, deps before effects; what is refused
 * waits with its reason and goes again.
 */
#include "sync/device/state.h"

static bool is_blocked(const struct quire_device *device, const struct device_chain *chain)
{
    return chain->refusal != 0 && device->now_ms < chain->blocked_until_ms;
}

static bool has_more(const struct quire_device *device, const struct device_chain *chain)
{
    uint64_t durable = QR_FAILPOINT_ON(SENT_BEFORE_DURABLE) ? chain->head : chain->durable;
    return chain->sent < durable && chain->sent + 1 != chain->broken && !is_blocked(device, chain);
}

void device_upload_reset(struct quire_device *device)
{
    device->got_want = false;
    device->upload_owed = true;
    device->inflight_count = 0;
    device->inflight_size = 0;
    for (size_t i = 0; i < device->chain_count; i++) {
        struct device_chain *chain = &device->chains[i];
        chain->sent = chain->broken > 0 ? chain->broken - 1 : chain->head;
    }
}

static void tell_uploaded(struct quire_device *device)
{
    if (!device->upload_owed || !device->got_want || device->inflight_count > 0) {
        return;
    }
    for (size_t i = 0; i < device->chain_count; i++) {
        if (device->chains[i].sent < device->chains[i].head) {
            return;
        }
    }
    device->upload_owed = false;
    device_notice(device, QUIRE_NOTICE_UPLOADED, 0);
}

void device_on_want(struct quire_device *device, const struct qr_frame *frame)
{
    for (size_t i = 0; i < frame->want.range_count; i++) {
        struct device_chain *chain = device_chain_find(device, frame->want.ranges[i].replica);
        if (chain != NULL && frame->want.ranges[i].from - 1 < chain->sent) {
            chain->sent = frame->want.ranges[i].from - 1;
        }
    }
    device->got_want = true;
    device_upload(device);
}

/* ---- PUSH ------------------------------------------------------------------------------------- */

/* The next batch of a chain cannot be read back. The chain stands still until somebody brings that batch;
 * it must not keep the others from going on. */
static void set_aside(struct quire_device *device, struct device_chain *chain)
{
    chain->broken = chain->sent + 1;
    chain->knows_before = device_chain_hash(device, chain, chain->sent, chain->before_broken) == QUIRE_OK;
    chain->refusal = QR_ERROR_GAP;
    chain->refused_seq = chain->broken;
    device_alarm(device, QUIRE_ALARM_DAMAGED);
    device_resubscribe_later(device);
}

/* Is it what was kept: any bit of it may have rotted, and a server would refuse it, and us. */
static bool is_whole(const struct quire_device *device, const struct qr_batch *batch,
    const uint8_t *kept_hash)
{
    uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
    if (batch->roster_seq >= device->roster.count) {
        return false;
    }
    qr_batch_signed(batch, device->roster.user, device->roster.entries[batch->roster_seq].hash,
        signed_hash);
    qr_batch_hash(signed_hash, batch->signature, hash);
    return memcmp(hash, kept_hash, sizeof hash) == 0;
}

/* Reads the next batch of a chain. False: not now. */
static bool read_next(struct quire_device *device, struct device_chain *chain,
    struct quire_buffer *out_value, struct qr_batch *out_batch)
{
    out_value->size = 0;
    enum quire_status status = device_get_batch(device, chain->replica, chain->sent + 1, out_value);
    if (status == QUIRE_OK) {
        struct quire_bytes bytes = {out_value->data + QR_HASH_SIZE, out_value->size - QR_HASH_SIZE};
        bool well = qr_batch_read_any(bytes, out_batch) == QUIRE_OK && out_batch->seq == chain->sent + 1 &&
            memcmp(out_batch->replica, chain->replica, QR_REPLICA_SIZE) == 0 &&
            is_whole(device, out_batch, out_value->data);
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
static struct device_chain *first_cause(struct quire_device *device, struct device_chain *chain,
    struct quire_buffer *out_batch)
{
    /* Each turn goes back along the DAG, so there are at most as many as chains. */
    for (size_t turn = 0; turn <= device->chain_count; turn++) {
        struct qr_batch batch;
        struct device_chain *cause = NULL;
        if (!has_more(device, chain) || !read_next(device, chain, out_batch, &batch)) {
            return NULL;
        }
        for (size_t i = 0; i < batch.dep_count && cause == NULL; i++) {
            struct device_chain *dep = device_chain_find(device, batch.deps[i].replica);
            if (dep != NULL && dep->sent < batch.deps[i].seq) {
                cause = dep;
            }
        }
        if (cause == NULL) {
            return chain;
        }
        chain = cause;
    }
    return NULL;
}

static struct device_chain *next_to_push(struct quire_device *device, struct quire_buffer *out_batch)
{
    for (size_t i = 0; i < device->chain_count; i++) {
        if (has_more(device, &device->chains[i])) {
            struct device_chain *chain = first_cause(device, &device->chains[i], out_batch);
            if (chain != NULL || device->failure != QUIRE_OK) {
                return chain;
            }
        }
    }
    return NULL;
}

static void add_inflight(struct quire_device *device, const struct device_chain *chain, size_t size)
{
    struct device_inflight *item = &device->inflight[device->inflight_count++];
    memcpy(item->replica, chain->replica, QR_REPLICA_SIZE);
    item->seq = chain->sent;
    item->size = size;
    device->inflight_size += size;
}

/* Forgets what is on its way of a chain: up to seq (acknowledged) or from seq on (refused). */
static void drop_inflight(struct quire_device *device, const uint8_t *replica, uint64_t from,
    uint64_t to)
{
    size_t kept = 0;
    for (size_t i = 0; i < device->inflight_count; i++) {
        struct device_inflight item = device->inflight[i];
        if (memcmp(item.replica, replica, QR_REPLICA_SIZE) == 0 && item.seq >= from && item.seq <= to) {
            device->inflight_size -= item.size;
        } else {
            device->inflight[kept++] = item;
        }
    }
    device->inflight_count = kept;
}

/* One PUSH of as much as may go now. False: nothing may. */
static bool push(struct quire_device *device)
{
    struct quire_buffer next = {0}, batches = {0};
    struct quire_bytes *items = device->space.items;
    struct qr_frame frame = {.type = QR_FRAME_PUSH};
    struct device_chain *chain;
    while (frame.push.batch_count < DEVICE_PUSH_COUNT && batches.size < DEVICE_PUSH_MAX &&
        device->inflight_count < DEVICE_INFLIGHT_COUNT &&
        device->inflight_size < QR_UNACKED_MAX - QR_BATCH_MAX &&
        (chain = next_to_push(device, &next)) != NULL) {
        size_t size = next.size - QR_HASH_SIZE;
        if (!device_ok(device, quire_buffer_append(&batches, next.data + QR_HASH_SIZE, size))) {
            break;
        }
        items[frame.push.batch_count++].size = size;
        chain->sent++;
        chain->refusal = 0;
        add_inflight(device, chain, size);
    }
    size_t offset = 0;
    for (size_t i = 0; i < frame.push.batch_count; i++) {
        items[i].data = batches.data + offset;
        offset += items[i].size;
    }
    frame.push.batches = items;
    if (frame.push.batch_count > 0) {
        device->answered_ms = device->now_ms;
        device_send(device, &frame);
    }
    quire_buffer_finish(&next);
    quire_buffer_finish(&batches);
    return frame.push.batch_count > 0;
}

void device_upload(struct quire_device *device)
{
    if (device->link != LINK_READY || !device->got_want) {
        return;
    }
    if (device->inflight_count > 0 &&
        device->now_ms >= device->answered_ms + DEVICE_UNANSWERED_MS) {
        /* An ERROR whose batch was acknowledged before it came says nothing of those behind it. */
        device->answered_ms = device->now_ms;
        device_subscribe(device);
        return;
    }
    while (device->failure == QUIRE_OK && push(device)) {
    }
    tell_uploaded(device);
}

/* ---- answers ---------------------------------------------------------------------------------- */

void device_is_on_server(struct quire_device *device, struct device_chain *chain, uint64_t seq)
{
    chain->sent = seq > chain->sent ? seq : chain->sent;
    if (chain->refusal != 0 && seq >= chain->refused_seq) {
        chain->refusal = 0;
    }
    if (seq > chain->acked) {
        chain->acked = seq;
        chain->acked_wall_ms = (uint64_t)device->wall_ms;
        if (memcmp(chain->replica, device->replica, QR_REPLICA_SIZE) == 0) {
            device_note_ack(device, seq);
        }
        if (chain->acked == chain->head) {
            device_put_chain(device, chain);
        }
    }
}

void device_on_ack(struct quire_device *device, const struct qr_frame *frame)
{
    device->answered_ms = device->now_ms;
    for (size_t i = 0; i < frame->ack.range_count; i++) {
        const struct qr_frame_range *range = &frame->ack.ranges[i];
        struct device_chain *chain = device_chain_find(device, range->replica);
        if (chain != NULL && range->to <= chain->head) {
            drop_inflight(device, range->replica, 0, range->to);
            device_is_on_server(device, chain, range->to);
        }
    }
    device_upload(device);
}

/* Nobody says what became of the batches behind a refused one in its PUSH, nor will anybody name
 * those in later ones if what is first there hangs on the refused one: all of them go again. */
static void send_rest_again(struct quire_device *device, const uint8_t *replica, uint64_t seq)
{
    size_t first = 0;
    while (first < device->inflight_count && (device->inflight[first].seq != seq ||
               memcmp(device->inflight[first].replica, replica, QR_REPLICA_SIZE) != 0)) {
        first++;
    }
    while (device->inflight_count > first) {
        struct device_inflight *item = &device->inflight[--device->inflight_count];
        struct device_chain *chain = device_chain_find(device, item->replica);
        if (chain != NULL && item->seq - 1 < chain->sent) {
            chain->sent = item->seq - 1;
        }
        device->inflight_size -= item->size;
    }
}

void device_on_batch_error(struct quire_device *device, const struct qr_frame *frame)
{
    struct device_chain *chain = device_chain_find(device, frame->error.replica);
    uint64_t seq = frame->error.seq;
    device->answered_ms = device->now_ms;
    if (frame->error.code == QR_ERROR_FORK) {
        device_put_evidence(device, frame->error.data);
        device_alarm(device, QUIRE_ALARM_FORK);
    }
    if (chain == NULL || seq > chain->head) {
        return;
    }
    bool follows = is_blocked(device, chain) && chain->refused_seq <= seq;
    send_rest_again(device, chain->replica, seq);
    drop_inflight(device, chain->replica, seq, UINT64_MAX);
    chain->sent = seq - 1 < chain->sent ? seq - 1 : chain->sent;
    if (follows) {
        return; /* what came after the batch that was refused first */
    }
    chain->refusal = frame->error.code;
    chain->refused_seq = seq;
    uint64_t wait_ms = frame->error.retry_ms < 200 ? 200 : frame->error.retry_ms;
    wait_ms = wait_ms < DEVICE_RETRY_MAX_MS ? wait_ms : DEVICE_RETRY_MAX_MS;
    chain->blocked_until_ms = device->now_ms + wait_ms;
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
    if (device->link != LINK_READY || !device->got_want) {
        return due;
    }
    if (device->inflight_count > 0) {
        due = device->answered_ms + DEVICE_UNANSWERED_MS;
    }
    for (size_t i = 0; i < device->chain_count; i++) {
        const struct device_chain *chain = &device->chains[i];
        /* One whose wait is over was tried in this step: it waits for another chain, or an ACK. */
        if (is_blocked(device, chain) && chain->sent < chain->durable &&
            chain->blocked_until_ms < due) {
            due = chain->blocked_until_ms;
        }
    }
    return due;
}

/* ---- CAUGHT_UP -------------------------------------------------------------------------------- */

/* What cannot be read here is no fork: the step fails. */
static bool is_fork(struct quire_device *device, const struct device_chain *chain,
    const struct qr_frame_position *position)
{
    uint8_t hash[QR_HASH_SIZE];
    return device_ok(device, device_chain_hash(device, chain, position->seq, hash)) &&
        memcmp(hash, position->hash_prefix, QR_HASH_PREFIX_SIZE) != 0;
}

static const struct qr_frame_position *find_position(const struct qr_frame *frame,
    const uint8_t *replica)
{
    for (size_t i = 0; i < frame->caught_up.position_count; i++) {
        if (memcmp(frame->caught_up.positions[i].replica, replica, QR_REPLICA_SIZE) == 0) {
            return &frame->caught_up.positions[i];
        }
    }
    return NULL;
}

/* What the server says it has of a chain is what it is known to have had, or more; less means that it
 * lost something, which WANT has asked for. */
static void compare_heads(struct quire_device *device, const struct qr_frame *frame)
{
    bool behind = false;
    for (size_t i = 0; i < device->chain_count; i++) {
        struct device_chain *chain = &device->chains[i];
        if (chain->head == 0) {
            continue;
        }
        const struct qr_frame_position *position = find_position(frame, chain->replica);
        uint64_t seq = position == NULL ? 0 : position->seq;
        /* One that has another branch has not lost this one: that is a fork, and said as such. */
        if (seq < chain->acked && (seq == 0 || !is_fork(device, chain, position))) {
            behind = true;
        }
        if (seq != chain->acked && seq <= chain->head) {
            chain->acked = seq;
            chain->acked_wall_ms = (uint64_t)device->wall_ms;
            if (memcmp(chain->replica, device->replica, QR_REPLICA_SIZE) == 0) {
                device_note_ack(device, seq);
            }
            device_put_chain(device, chain);
        }
    }
    if (behind && !QR_FAILPOINT_ON(NO_SERVER_MEMORY)) {
        device_alarm(device, QUIRE_ALARM_SERVER_BEHIND);
    }
}

/* A device that was just paired knows what the old one had: the server must have shown as much. */
static void compare_paired(struct quire_device *device)
{
    struct qr_reader reader = qr_reader_over(quire_buffer_bytes(&device->pair_heads));
    bool withheld = false;
    while (qr_reader_left(&reader) >= QR_REPLICA_SIZE + 8) {
        struct quire_bytes replica = qr_read_bytes(&reader, QR_REPLICA_SIZE);
        uint64_t seq = qr_read_u64(&reader);
        const struct device_chain *chain = device_chain_find(device, replica.data);
        withheld |= chain == NULL || chain->head < seq;
    }
    if (withheld && !QR_FAILPOINT_ON(NO_PAIRED_HEADS)) {
        device_alarm(device, QUIRE_ALARM_WITHHELD);
    }
    quire_buffer_clear(&device->pair_heads);
}

static bool is_shut_out(const struct quire_device *device, const uint8_t *replica)
{
    for (size_t i = 0; i < device->shut_out_count; i++) {
        if (memcmp(device->shut_out[i], replica, QR_REPLICA_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

void device_shut_out(struct quire_device *device, const uint8_t *replica)
{
    if (!is_shut_out(device, replica) && device->shut_out_count < DEVICE_SHUT_OUT_MAX) {
        memcpy(device->shut_out[device->shut_out_count++], replica, QR_REPLICA_SIZE);
    }
}

void device_on_caught_up(struct quire_device *device, const struct qr_frame *frame)
{
    bool agree = true;
    compare_heads(device, frame);
    for (size_t i = 0; i < frame->caught_up.position_count; i++) {
        const struct qr_frame_position *position = &frame->caught_up.positions[i];
        const struct device_chain *chain = device_chain_find(device, position->replica);
        if (chain == NULL || chain->head < position->seq) {
            /* What a revoked device wrote too late is not lacking: asking again brings it again. */
            agree &= is_shut_out(device, position->replica);
        } else if (is_fork(device, chain, position)) {
            device_alarm(device, QUIRE_ALARM_FORK);
        }
    }
    if (!agree && !QR_FAILPOINT_ON(NO_AGREEMENT)) {
        device_resubscribe_later(device);
        return;
    }
    compare_paired(device);
    device->caught_up = true;
    device->caught_up_wall_ms = device->wall_ms;
    device->resub_delay_ms = DEVICE_RESUB_FIRST_MS;
    device_put_state(device);
    device_heads_caught_up(device);
    device_notice(device, QUIRE_NOTICE_CAUGHT_UP, 0);
    tell_uploaded(device);
}
