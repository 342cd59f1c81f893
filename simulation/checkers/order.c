/*
 * Claim: no effect without its cause. Each batch on a phone's disk stands on batches that are on
 * that disk too: the one before it in its chain, by hash, and its dependencies, by hash. In the
 * server's log all of these come before it.
 */
#include "checkers.h"

#include "codec/batch.h"
#include "server/server.h"

#include <stdlib.h>
#include <string.h>

struct held {
    uint8_t replica[QR_REPLICA_SIZE];
    uint64_t seq;
    uint8_t hash[QR_HASH_SIZE];
    size_t record;
};

static int compare(const void *a, const void *b)
{
    const struct held *x = a;
    const struct held *y = b;
    int order = memcmp(x->replica, y->replica, QR_REPLICA_SIZE);
    return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static bool holds(const struct held *held, size_t count, const uint8_t *replica, uint64_t seq,
    const uint8_t *hash)
{
    struct held key = {.seq = seq};
    memcpy(key.replica, replica, QR_REPLICA_SIZE);
    const struct held *found = bsearch(&key, held, count, sizeof *held, compare);
    return found != NULL && memcmp(found->hash, hash, QR_HASH_SIZE) == 0;
}

bool batch_on_disk(
    const struct record *record, struct qr_batch *out_batch, struct quire_bytes *out_bytes)
{
    /* A profile keeps a batch under 'b' ‖ replica ‖ number, with its hash before it. */
    if (record->key.size != 1 + QR_REPLICA_SIZE + 8 || record->key.data[0] != 'b'
        || record->value.size <= QR_HASH_SIZE) {
        return false;
    }
    *out_bytes =
        (struct quire_bytes){record->value.data + QR_HASH_SIZE, record->value.size - QR_HASH_SIZE};
    return qr_batch_read_any(*out_bytes, out_batch) == QUIRE_OK;
}

static size_t collect(const struct table *table, struct held *held, struct qr_batch *batch)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct quire_bytes bytes;
        if (batch_on_disk(&table->records[i], batch, &bytes)) {
            memcpy(held[count].replica, batch->replica, QR_REPLICA_SIZE);
            memcpy(held[count].hash, table->records[i].value.data, QR_HASH_SIZE);
            held[count].seq = batch->seq;
            held[count].record = i;
            count++;
        }
    }
    qsort(held, count, sizeof *held, compare);
    return count;
}

void order_check(struct world *world, struct phone *phone, const char *when)
{
    const struct table *table = &phone->disk.durable;
    struct qr_batch *batch = sim_room(sizeof *batch);
    struct held *held = sim_room(table->count * sizeof *held);
    size_t count = collect(table, held, batch);
    for (size_t i = 0; i < count && !world->failed; i++) {
        struct quire_bytes bytes;
        (void)batch_on_disk(&table->records[held[i].record], batch, &bytes);
        if (batch->seq > 1 && !holds(held, count, batch->replica, batch->seq - 1, batch->prev)) {
            world_fail(world, "order", "phone %u, %s: batch %llu is here without the one before",
                phone->number, when, (unsigned long long)batch->seq);
        }
        for (size_t d = 0; d < batch->dep_count && !world->failed; d++) {
            const struct qr_dep *dep = &batch->deps[d];
            if (!holds(held, count, dep->replica, dep->seq, dep->hash)) {
                world_fail(world, "order",
                    "phone %u, %s: batch %llu of a chain is here without "
                    "batch %llu of another that it stands on",
                    phone->number, when, (unsigned long long)batch->seq,
                    (unsigned long long)dep->seq);
            }
        }
    }
    free(held);
    free(batch);
}

static bool is_before(const struct server *server, const struct stored *effect,
    const uint8_t *replica, uint64_t seq, const uint8_t *hash)
{
    const struct stored *cause = server_find(server, effect->user, replica, seq);
    return cause != NULL && cause->entry.lsn < effect->entry.lsn
        && memcmp(cause->entry.hash, hash, QR_HASH_SIZE) == 0;
}

void order_check_log(struct world *world)
{
    const struct server *server = world->server;
    struct qr_batch *batch = sim_alloc(sizeof *batch);
    for (size_t i = 0; i < server->durable && !world->failed; i++) {
        const struct stored *stored = &server->log[i];
        struct quire_bytes bytes = {stored->bytes, stored->entry.size};
        if (stored->forgotten || stored->entry.kind != QR_LOG_BATCH
            || server_find(server, stored->user, stored->entry.replica, stored->entry.seq)
                != stored) {
            continue;
        }
        if (qr_batch_read_any(bytes, batch) != QUIRE_OK) {
            world_fail(world, "order", "record %zu of the server is no batch", i + 1);
            break;
        }
        if (batch->changes[0].kind == QR_CHANGE_HEADS) {
            mark(world, MARK_reader_said_what_it_has);
        }
        bool well = batch->seq == 1
            || is_before(server, stored, batch->replica, batch->seq - 1, batch->prev);
        for (size_t d = 0; d < batch->dep_count; d++) {
            const struct qr_dep *dep = &batch->deps[d];
            well = well && is_before(server, stored, dep->replica, dep->seq, dep->hash);
        }
        if (!well) {
            world_fail(
                world, "order", "record %zu of the server stands before what it depends on", i + 1);
        }
    }
    free(batch);
}

static void killed(struct world *world, struct phone *phone)
{
    order_check(world, phone, "after it was killed");
}

static void started(struct world *world, struct server *server)
{
    (void)server;
    order_check_log(world);
}

static void committed(struct world *world, struct server *server)
{
    (void)server;
    if (world->marks[MARK_server_forgot] > 0) {
        order_check_log(world); /* nothing that was on its way stands on what was forgotten */
    }
}

static void lost(struct world *world, const uint8_t *user, uint64_t lsn)
{
    (void)lsn;
    if (user != NULL) { /* else the server is down, and is looked at when it starts */
        order_check_log(world);
    }
}

const struct observer order_observer = {.phone_killed = killed,
    .server_started = started,
    .server_committed = committed,
    .server_lost = lost};
