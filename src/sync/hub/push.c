/*
 * PUSH: form and author are checked at once, signatures elsewhere (VERIFY), position and deps when
 * they come back, in the order of the pushes. What is accepted is persisted; what is durable is
 * acknowledged.
 */
#include "sync/hub/push.h"
#include "sync/hub/index.h"
#include "sync/hub/log.h"
#include "sync/hub/member.h"
#include "sync/hub/out.h"
#include "sync/hub/roster.h"
#include "base/limit.h"
#include "base/writer.h"
#include "sync/transcript.h"
#include <assert.h>
#include <stdlib.h>

#define RETRY_OUT_OF_ORDER_MS 1000
#define RETRY_REFUSED_MS 60000
#define RETRY_STORE_FULL_MS 30000
#define CHAINS_OF_ITS_OWN 5u /* chains that a device may have, however many its user has */
#define CHAINS_RESERVED (CHAINS_OF_ITS_OWN * QR_DEVICES_MAX)

static const struct quire_bytes nothing = {0};

void hub_push_destroy(struct qr_hub *hub, struct hub_push *push)
{
    HASH_DELETE(hh, hub->pushes, push);
    DL_DELETE(push->connection->pushes, push);
    push->connection->unverified -= push->frame.size;
    quire_buffer_finish(&push->frame);
    free(push->batches);
    free(push->hashes);
    free(push->signed_job);
    free(push);
}

/* ---- stage one: when the frame comes ---------------------------------------------------------- */

static struct hub_push *make_push(
    struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    struct hub_push *push = calloc(1, sizeof *push);
    size_t count = frame->push.batch_count;
    if (push == NULL) {
        return NULL;
    }
    push->batches = calloc(count, sizeof *push->batches);
    push->hashes = calloc(count, sizeof *push->hashes);
    push->signed_job = calloc(count, sizeof *push->signed_job);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += frame->push.batches[i].size;
    }
    if (push->batches == NULL || push->hashes == NULL || push->signed_job == NULL
        || quire_buffer_reserve(&push->frame, size) != QUIRE_OK) {
        quire_buffer_finish(&push->frame);
        free(push->batches);
        free(push->hashes);
        free(push->signed_job);
        free(push);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        struct quire_bytes batch = frame->push.batches[i];
        push->batches[i] = (struct quire_bytes){push->frame.data + push->frame.size, batch.size};
        enum quire_status appended = quire_buffer_append(&push->frame, batch.data, batch.size);
        assert(appended == QUIRE_OK); /* reserved above */
        (void)appended;
    }
    push->batch_count = count;
    push->token = hub->next_token++;
    push->connection = connection;
    HASH_ADD(hh, hub->pushes, token, sizeof push->token, push);
    if (push->hh.tbl == NULL) {
        quire_buffer_finish(&push->frame);
        free(push->batches);
        free(push->hashes);
        free(push->signed_job);
        free(push);
        return NULL;
    }
    DL_APPEND(connection->pushes, push);
    connection->unverified += push->frame.size;
    return push;
}

/* Why this author may not write this batch; 0 if it may, and what it signed, and the batch's hash. */
static uint32_t refuse_author(const struct qr_roster *roster, const struct qr_batch *batch,
    uint8_t out_signed[QR_HASH_SIZE], uint8_t out_hash[QR_HASH_SIZE])
{
    if (batch->roster_seq >= roster->count) {
        return QR_ERROR_STALE_ROSTER;
    }
    const struct qr_roster_device *device = qr_roster_find(roster, batch->device);
    bool unknown = device == NULL || device->added_seq > batch->roster_seq;
    if (unknown && !QR_FAILPOINT_ON(HUB_NO_AUTHOR)) {
        return QR_ERROR_AUTH;
    }
    qr_batch_signed(batch, roster->user, roster->entries[batch->roster_seq].hash, out_signed);
    qr_batch_hash(out_signed, batch->signature, out_hash);
    if (unknown && QR_FAILPOINT_ON(HUB_NO_AUTHOR)) {
        return 0;
    }
    if (!qr_roster_admits(roster, batch->device, batch->replica, batch->seq, out_hash)) {
        return QR_ERROR_REVOKED;
    }
    if (batch->epoch != roster->entries[batch->roster_seq].epoch) {
        return QR_ERROR_STALE_ROSTER;
    }
    return 0;
}

static void reject(struct qr_hub *hub, struct hub_connection *connection, enum qr_error_code code,
    uint32_t retry_ms, const struct qr_batch *batch, struct quire_bytes data)
{
    /* Without a cause: these are part of every sync that resumes somewhere. */
    hub->counters.batches_rejected++;
    hub_refuse(hub, connection,
        &(struct hub_refusal){.code = code,
            .retry_ms = retry_ms,
            .replica = batch->replica,
            .seq = batch->seq,
            .data = data});
}

/* Out of room: worth a line in the operator's log. */
static void reject_for_room(struct qr_hub *hub, struct hub_connection *connection,
    enum qr_error_code code, uint32_t retry_ms, const struct qr_batch *batch, const char *cause)
{
    hub->counters.batches_rejected++;
    hub_refuse(hub, connection,
        &(struct hub_refusal){.code = code,
            .retry_ms = retry_ms,
            .replica = batch->replica,
            .seq = batch->seq,
            .cause = cause});
}

static bool held(const struct hub_user *user, const struct qr_batch *batch)
{
    const struct hub_chain *chain = hub_chain_find(user, batch->replica);
    return chain != NULL && batch->seq <= chain->accepted;
}

/* Reads, hashes and makes the jobs. False: the connection was told why not, the push is dropped. */
static bool prepare(
    struct qr_hub *hub, struct hub_push *push, struct qr_verify_job *jobs, size_t *out_job_count)
{
    struct hub_connection *connection = push->connection;
    const struct qr_roster *roster = &connection->user->roster;
    size_t job_count = 0;
    memcpy(push->roster_head, qr_roster_head(roster), sizeof push->roster_head);
    for (size_t i = 0; i < push->batch_count; i++) {
        struct qr_batch batch;
        enum quire_status status = qr_batch_read_any(push->batches[i], &batch);
        if (status != QUIRE_OK) {
            hub->counters.frames_malformed++;
            hub_fatal(hub, connection, status == QUIRE_ELIMIT ? QR_ERROR_TOO_LARGE : QR_ERROR_PROTO,
                "a malformed batch");
            return false;
        }
        uint8_t signed_hash[QR_HASH_SIZE];
        bool later = batch.version > hub->limits.batch_version || batch.reserved;
        uint32_t refusal = later ? (uint32_t)QR_ERROR_UPGRADE_NEEDED
                                 : refuse_author(roster, &batch, signed_hash, push->hashes[i]);
        if (refusal != 0) {
            reject(hub, connection, (enum qr_error_code)refusal,
                refusal == QR_ERROR_STALE_ROSTER ? RETRY_OUT_OF_ORDER_MS : RETRY_REFUSED_MS, &batch,
                nothing);
            push->batch_count = i; /* what came before it may go on */
            break;
        }
        bool nobodys =
            QR_FAILPOINT_ON(HUB_NO_AUTHOR) && qr_roster_find(roster, batch.device) == NULL;
        if (!held(connection->user, &batch) && !nobodys) {
            struct qr_verify_job *job = &jobs[job_count++];
            job->context = QR_CONTEXT_BATCH_SIGN;
            memcpy(job->public_key, qr_roster_find(roster, batch.device)->sign_public, QR_KEY_SIZE);
            memcpy(job->signature, batch.signature, QR_SIGNATURE_SIZE);
            memcpy(job->message, signed_hash, QR_HASH_SIZE);
            push->signed_job[i] = true;
        }
    }
    *out_job_count = job_count;
    return true;
}

/* How many of the batches, from the first on, may come now; the one behind them is told to wait
 * until there is room for the rest. Taking a part is what keeps several devices going that all
 * have much to bring: a whole PUSH might never find the room. */
static size_t within_rate(
    struct qr_hub *hub, struct hub_connection *connection, const struct qr_frame *frame)
{
    struct hub_user *user = connection->user;
    struct hub_member *member = connection->member;
    const struct qr_hub_limits *limits = &hub->limits;
    size_t count = frame->push.batch_count;
    size_t allowed = 0;
    uint32_t wait_ms = 0;
    while (allowed < count && !QR_FAILPOINT_ON(HUB_NO_RATE)) {
        struct hub_bucket before = user->budgets[HUB_BUDGET_PUSH_BYTES];
        struct hub_bucket share = member->shares[HUB_BUDGET_PUSH_BYTES];
        wait_ms = hub_budget_take(
            hub, user, member, HUB_BUDGET_PUSH_BYTES, frame->push.batches[allowed].size);
        if (wait_ms == 0) {
            wait_ms = hub_budget_take(hub, user, member, HUB_BUDGET_PUSHES, 1);
            if (wait_ms > 0) { /* its bytes were not used */
                user->budgets[HUB_BUDGET_PUSH_BYTES] = before;
                member->shares[HUB_BUDGET_PUSH_BYTES] = share;
            }
        }
        if (wait_ms > 0) {
            break;
        }
        allowed++;
    }
    if (allowed == count || QR_FAILPOINT_ON(HUB_NO_RATE)) {
        return count;
    }
    hub->counters.rate_limited++;
    struct qr_batch batch;
    if (qr_batch_read_any(frame->push.batches[allowed], &batch) != QUIRE_OK) {
        hub->counters.frames_malformed++;
        hub_fatal(hub, connection, QR_ERROR_PROTO, "a malformed batch");
        return 0;
    }
    struct hub_bucket later = user->budgets[HUB_BUDGET_PUSHES]; /* looked at without taking */
    uint32_t rest_ms = hub_bucket_take(&later, hub->now_ms, count - allowed,
        (struct hub_rate){limits->pushes_per_second, 1000, limits->pushes_burst});
    hub_refuse(hub, connection,
        &(struct hub_refusal){.code = QR_ERROR_RATE,
            .retry_ms = rest_ms > wait_ms ? rest_ms : wait_ms,
            .replica = batch.replica,
            .seq = batch.seq});
    return allowed;
}

void hub_on_push(struct qr_hub *hub, struct hub_connection *connection,
    const struct qr_frame *frame, struct quire_bytes bytes)
{
    (void)bytes;
    if (hub->draining) {
        return; /* GOAWAY was sent; the client still has it and brings it back */
    }
    if (connection->unverified > HUB_UNVERIFIED_MAX) {
        hub_fatal(hub, connection, QR_ERROR_RATE, "more than 2 MiB of batches under verification");
        return;
    }
    struct qr_frame taken = *frame;
    taken.push.batch_count = within_rate(hub, connection, frame);
    if (taken.push.batch_count == 0) {
        return;
    }
    struct hub_push *push = make_push(hub, connection, &taken);
    struct qr_verify_job *jobs = calloc(taken.push.batch_count, sizeof *jobs);
    size_t job_count = 0;
    if (push == NULL || jobs == NULL) {
        hub->out.failed = true;
    } else if (prepare(hub, push, jobs, &job_count)) {
        if (job_count > 0) {
            hub_verify(hub, push->token, jobs, job_count, false);
        } else {
            hub_on_push_verified(hub, push, 0);
        }
    } else {
        hub_push_destroy(hub, push);
    }
    free(jobs);
}

/* ---- stage two: signatures are known ---------------------------------------------------------- */

static void mark(
    struct qr_hub *hub, struct hub_connection *connection, uint16_t chain, uint64_t seq)
{
    for (size_t i = 0; i < connection->mark_count; i++) {
        if (connection->marks[i].chain == chain) {
            if (seq > connection->marks[i].upto) {
                connection->marks[i].upto = seq;
            }
            return;
        }
    }
    if (connection->mark_count == connection->mark_capacity) {
        size_t capacity = connection->mark_capacity == 0 ? 4 : connection->mark_capacity * 2;
        struct hub_mark *marks = realloc(connection->marks, capacity * sizeof *marks);
        if (marks == NULL) {
            hub->out.failed = true;
            return;
        }
        connection->marks = marks;
        connection->mark_capacity = capacity;
    }
    /* What is durable before it was acknowledged already, or is not asked for. */
    connection->marks[connection->mark_count++] = (struct hub_mark){chain, seq, seq - 1};
}

/* The server's bytes of a batch, as evidence of a fork; empty if they cannot be read. */
static struct quire_bytes evidence(
    struct qr_hub *hub, const struct hub_user *user, const struct hub_chain *chain, uint64_t seq)
{
    struct quire_bytes bytes = {0};
    if (seq >= 1 && seq <= chain->durable
        && hub->reader.read(hub->reader.context, hub_chain_entry(user, chain, seq)->lsn, &bytes)
            != QUIRE_OK) {
        bytes = nothing;
    }
    return bytes;
}

/* A chain's roster_seq never goes back. Only a batch that is behind the roster needs a look: at
 * what was noted of the batch before it, or, after a restart, at that batch. */
static bool roster_goes_back(struct qr_hub *hub, const struct hub_user *user,
    const struct hub_chain *chain, const struct qr_batch *batch)
{
    if (chain == NULL || batch->roster_seq + 1 >= user->roster.count) {
        return false;
    }
    if (chain->noted_seq == batch->seq - 1 && chain->noted_seq > 0) {
        return chain->noted_roster_seq > batch->roster_seq;
    }
    struct qr_batch before;
    struct quire_bytes bytes = evidence(hub, user, chain, batch->seq - 1);
    return bytes.size > 0 && qr_batch_read_any(bytes, &before) == QUIRE_OK
        && before.roster_seq > batch->roster_seq;
}

/* Every dependency must be here, with the hash that the batch names. True: all are. */
static bool deps_are_here(
    struct qr_hub *hub, struct hub_connection *connection, const struct qr_batch *batch)
{
    const struct hub_user *user = connection->user;
    uint8_t missing[QR_DEPS_MAX * QR_DEP_SIZE];
    size_t size = 0;
    for (size_t i = 0; i < batch->dep_count; i++) {
        const struct qr_dep *dep = &batch->deps[i];
        const struct hub_chain *chain = hub_chain_find(user, dep->replica);
        if (chain == NULL || dep->seq > chain->accepted || dep->seq > chain->admitted) {
            memcpy(missing + size, dep->replica, QR_REPLICA_SIZE);
            qr_store_u64(missing + size + QR_REPLICA_SIZE, dep->seq);
            memcpy(missing + size + QR_REPLICA_SIZE + 8, dep->hash, QR_HASH_SIZE);
            size += QR_DEP_SIZE;
        } else if (memcmp(hub_chain_entry(user, chain, dep->seq)->hash, dep->hash, QR_HASH_SIZE)
            != 0) {
            reject(hub, connection, QR_ERROR_FORK, RETRY_REFUSED_MS, batch,
                evidence(hub, user, chain, dep->seq));
            return false;
        }
    }
    if (size > 0) {
        reject(hub, connection, QR_ERROR_MISSING_DEPS, RETRY_OUT_OF_ORDER_MS, batch,
            (struct quire_bytes){missing, size});
    }
    return size == 0;
}

/* A batch whose seq the chain has: the same again, or a fork. */
static void repeat(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_chain *chain, const struct qr_batch *batch, const uint8_t *hash)
{
    const struct hub_user *user = connection->user;
    bool other = memcmp(hub_chain_entry(user, chain, batch->seq)->hash, hash, QR_HASH_SIZE) != 0;
    if (other && !QR_FAILPOINT_ON(HUB_NO_FORK_CHECK)) {
        reject(hub, connection, QR_ERROR_FORK, RETRY_REFUSED_MS, batch,
            evidence(hub, user, chain, batch->seq));
        return;
    }
    hub->counters.batches_repeated++;
    mark(hub, connection, (uint16_t)(chain - user->chains), batch->seq);
}

/* May the user open one more chain? Chains that a revocation shuts out from the first batch on do
 * not count; the last CHAINS_RESERVED are for devices that have few. */
static bool has_chain_room(const struct hub_user *user, const uint8_t *device)
{
    /* A revocation that the disk refuses shuts nothing out: count all until it is durable. */
    bool settled = hub_roster_durable(user) == user->roster.count;
    size_t count = 0, own = 0;
    for (size_t i = 0; i < user->chain_count; i++) {
        count += user->chains[i].admitted > 0 || !settled;
        own += user->chains[i].admitted > 0
            && memcmp(user->chains[i].device, device, QR_DEVICE_SIZE) == 0;
    }
    size_t most = QR_LIMIT(CHAINS, QR_CHAINS_MAX);
    size_t reserved = CHAINS_RESERVED < most / 2 ? CHAINS_RESERVED : most / 2;
    return count < most
        && (own < CHAINS_OF_ITS_OWN || count < most - reserved
            || QR_FAILPOINT_ON(HUB_NO_CHAIN_RESERVE));
}

/* Is there room for the batch: in the store, for the user, for a new chain, for a new account?
 * False: the connection was told what is full. */
static bool has_room(struct qr_hub *hub, struct hub_connection *connection,
    const struct hub_chain *chain, const struct qr_batch *batch, size_t size)
{
    struct hub_user *user = connection->user;
    uint32_t wait_ms = 0;
    if (hub->now_ms < hub->full_until_ms) {
        reject_for_room(
            hub, connection, QR_ERROR_STORE_FULL, RETRY_STORE_FULL_MS, batch, "the store is full");
    } else if (user->bytes + size > hub->limits.user_bytes) {
        reject_for_room(hub, connection, QR_ERROR_QUOTA, RETRY_REFUSED_MS, batch,
            "the account's bytes are used up");
    } else if (chain == NULL && !has_chain_room(user, batch->device)) {
        reject_for_room(hub, connection, QR_ERROR_CHAINS, RETRY_REFUSED_MS, batch,
            "the account has no room for another chain");
    } else if (hub->births != NULL
        && (wait_ms = hub_birth_take(
                hub->births, hub->now_ms, &user->birth, size, hub->limits.new_account_mib))
            > 0) {
        reject_for_room(hub, connection, QR_ERROR_RATE, wait_ms, batch,
            "new accounts of its address stored enough today");
    } else {
        return true;
    }
    return false;
}

static void append_batch(struct qr_hub *hub, struct hub_connection *connection,
    struct quire_bytes bytes, const struct qr_batch *batch, const uint8_t *hash)
{
    struct hub_user *user = connection->user;
    const struct hub_chain *chain = hub_chain_find(user, batch->replica);
    uint64_t head = chain == NULL ? 0 : chain->accepted;
    if (batch->seq <= head) {
        repeat(hub, connection, chain, batch, hash);
        return;
    }
    static const uint8_t none[QR_HASH_SIZE];
    const uint8_t *head_hash = head == 0 ? none : hub_chain_entry(user, chain, head)->hash;
    if (batch->seq != head + 1) {
        uint8_t data[8 + QR_HASH_SIZE];
        qr_store_u64(data, head);
        memcpy(data + 8, head_hash, QR_HASH_SIZE);
        reject(hub, connection, QR_ERROR_GAP, RETRY_OUT_OF_ORDER_MS, batch,
            (struct quire_bytes){data, sizeof data});
        return;
    }
    if (memcmp(batch->prev, head_hash, QR_HASH_SIZE) != 0
        || (chain != NULL && memcmp(chain->device, batch->device, QR_DEVICE_SIZE) != 0
            && !QR_FAILPOINT_ON(HUB_NO_OWNER))) {
        reject(hub, connection, QR_ERROR_FORK, RETRY_REFUSED_MS, batch,
            chain == NULL ? nothing : evidence(hub, user, chain, head));
        return;
    }
    if (roster_goes_back(hub, user, chain, batch)) {
        reject(hub, connection, QR_ERROR_STALE_ROSTER, RETRY_REFUSED_MS, batch, nothing);
        return;
    }
    bool unasked = QR_FAILPOINT_ON(HUB_NO_DEPS_CHECK) || QR_FAILPOINT_ON(HUB_NO_DEPENDENCIES);
    if (!unasked && !deps_are_here(hub, connection, batch)) {
        return;
    }
    if (!has_room(hub, connection, chain, batch, bytes.size)) {
        return;
    }
    struct qr_log_entry entry = {.kind = QR_LOG_BATCH, .seq = batch->seq};
    memcpy(entry.replica, batch->replica, QR_REPLICA_SIZE);
    memcpy(entry.device, batch->device, QR_DEVICE_SIZE);
    memcpy(entry.hash, hash, QR_HASH_SIZE);
    enum quire_status status = hub_user_accept(hub, user, &entry, bytes, connection->id);
    if (status == QUIRE_ELIMIT) {
        reject_for_room(hub, connection, QR_ERROR_CHAINS, RETRY_REFUSED_MS, batch,
            "the account has no room for another chain");
    } else if (status != QUIRE_OK) {
        hub->out.failed = true;
    } else {
        hub->counters.batches_accepted++;
        hub->counters.bytes_accepted += bytes.size;
        uint16_t index = user->entries[user->entry_count - 1].chain;
        user->chains[index].noted_seq = batch->seq;
        user->chains[index].noted_roster_seq = batch->roster_seq;
        hub_note_deps(user, batch);
        mark(hub, connection, index, batch->seq);
    }
}

static void accept(struct qr_hub *hub, struct hub_push *push)
{
    struct hub_connection *connection = push->connection;
    const struct qr_roster *roster = &connection->user->roster;
    bool changed = memcmp(push->roster_head, qr_roster_head(roster), QR_HASH_SIZE) != 0;
    size_t jobs = 0;
    for (size_t i = 0; i < push->batch_count; i++) {
        struct qr_batch batch;
        enum quire_status status = qr_batch_read_any(push->batches[i], &batch);
        assert(status == QUIRE_OK); /* prepare() read it */
        (void)status;
        if (push->signed_job[i] && jobs++ >= push->valid && !QR_FAILPOINT_ON(HUB_NO_SIGNATURE)) {
            reject(hub, connection, QR_ERROR_BAD_SIG, RETRY_REFUSED_MS, &batch, nothing);
            return;
        }
        /* The roster may have changed while the signature was checked: grown, or been rolled back
         * and grown differently, and the signed hash has the roster in it. */
        uint8_t signed_hash[QR_HASH_SIZE], hash[QR_HASH_SIZE];
        uint32_t refusal = changed ? refuse_author(roster, &batch, signed_hash, hash) : 0;
        if (refusal == 0 && changed && memcmp(hash, push->hashes[i], sizeof hash) != 0) {
            refusal = QR_ERROR_STALE_ROSTER;
        }
        if (refusal != 0) {
            reject(hub, connection, (enum qr_error_code)refusal, RETRY_REFUSED_MS, &batch, nothing);
            return;
        }
        if (!push->signed_job[i] && !held(connection->user, &batch)
            && !QR_FAILPOINT_ON(HUB_NO_AUTHOR)) {
            return; /* it was held, and the disk refused it since: the client was told */
        }
        append_batch(hub, connection, push->batches[i], &batch, push->hashes[i]);
    }
}

void hub_on_push_verified(struct qr_hub *hub, struct hub_push *push, size_t valid)
{
    struct hub_connection *connection = push->connection;
    push->valid = valid;
    push->verified = true;
    while (connection->pushes != NULL && connection->pushes->verified) {
        if (connection->state == HUB_READY) {
            accept(hub, connection->pushes);
        }
        hub_push_destroy(hub, connection->pushes);
    }
    hub_acknowledge(hub, connection);
}

void hub_acknowledge(struct qr_hub *hub, struct hub_connection *connection)
{
    struct hub_user *user = connection->user;
    struct qr_frame_range *ranges = hub->space.ranges;
    struct qr_frame frame = {.type = QR_FRAME_ACK};
    size_t kept = 0;
    if (user == NULL) {
        return;
    }
    for (size_t i = 0; i < connection->mark_count; i++) {
        struct hub_mark *waiting = &connection->marks[i];
        const struct hub_chain *chain = &user->chains[waiting->chain];
        uint64_t done = chain->durable < waiting->upto ? chain->durable : waiting->upto;
        if (done > waiting->acked && frame.ack.range_count < QR_FRAME_ITEMS_MAX) {
            ranges[frame.ack.range_count++] =
                (struct qr_frame_range){.replica = chain->replica, .to = done};
            waiting->acked = done;
        }
        if (waiting->acked < waiting->upto) {
            connection->marks[kept++] = *waiting;
        }
    }
    connection->mark_count = kept;
    if (frame.ack.range_count > 0) {
        frame.ack.ranges = ranges;
        hub_send(hub, connection, &frame);
    }
    if (connection->append_lsn != 0 && user->durable_count > 0
        && user->entries[user->durable_count - 1].lsn >= connection->append_lsn) {
        struct qr_frame done = {.type = QR_FRAME_ROSTER_DONE};
        done.roster_done.roster_count = hub_roster_durable(user);
        done.roster_done.roster_head = user->roster.entries[done.roster_done.roster_count - 1].hash;
        connection->append_lsn = 0;
        if (done.roster_done.roster_count > connection->roster_count) {
            connection->roster_count = done.roster_done.roster_count;
        }
        hub_send(hub, connection, &done);
    }
}
