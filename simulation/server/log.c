/*
 * The log of the server and, where there is one, a store beside it that must say the same.
 */
#include "log.h"

#include "backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS 3600000u

/* ---- the log --------------------------------------------------------------------------------- */

static uint64_t place_hash(const uint8_t replica[QR_REPLICA_SIZE], uint64_t seq)
{
    return bytes_mix(seq, (struct quire_bytes){replica, QR_REPLICA_SIZE});
}

static void places_add(struct server *server, size_t index)
{
    const struct qr_log_entry *entry = &server->log[index].entry;
    uint64_t at = place_hash(entry->replica, entry->seq);
    for (;; at++) {
        uint64_t *place = &server->places[at % server->places_size];
        if (*place == 0) {
            server->places_used++;
            *place = index + 1;
            return;
        }
        const struct qr_log_entry *other = &server->log[*place - 1].entry;
        if (other->seq == entry->seq
            && memcmp(other->replica, entry->replica, QR_REPLICA_SIZE) == 0) {
            *place = index + 1;
            return;
        }
    }
}

static void places_rebuild(struct server *server)
{
    size_t size = 1024;
    while (size < 4 * (server->durable + 64)) {
        size *= 2;
    }
    free(server->places);
    server->places = sim_alloc(size * sizeof *server->places);
    server->places_size = size;
    server->places_used = 0;
    for (size_t i = 0; i < server->durable; i++) {
        if (!server->log[i].forgotten && server->log[i].entry.kind == QR_LOG_BATCH) {
            places_add(server, i);
        }
    }
}

const struct stored *server_find(const struct server *server, const uint8_t user[QR_USER_SIZE],
    const uint8_t replica[QR_REPLICA_SIZE], uint64_t seq)
{
    uint64_t at = place_hash(replica, seq);
    for (;; at++) {
        uint64_t place = server->places[at % server->places_size];
        if (place == 0) {
            return NULL;
        }
        const struct stored *stored = &server->log[place - 1];
        if (stored->entry.seq == seq && memcmp(stored->entry.replica, replica, QR_REPLICA_SIZE) == 0
            && (user == NULL || memcmp(stored->user, user, QR_USER_SIZE) == 0)) {
            return stored;
        }
    }
}

void server_log_cut(struct server *server, size_t count)
{
    for (size_t i = count; i < server->written; i++) {
        free(server->log[i].bytes);
        server->bytes -= server->log[i].entry.size;
    }
    server->written = count;
    if (server->durable > count) {
        server->durable = count;
        places_rebuild(server);
    }
}

void server_log_add(struct server *server, const struct qr_log_record *record)
{
    server->log = sim_grow(server->log, &server->capacity, server->written, sizeof *server->log);
    struct stored *stored = &server->log[server->written++];
    *stored = (struct stored){.entry = record->entry, .bytes = sim_copy(record->bytes)};
    memcpy(stored->user, record->user, QR_USER_SIZE);
    server->bytes += record->entry.size;
}

/* ---- the store beside it ---------------------------------------------------------------------- */

const struct backend *server_backend;

static void backend_must(struct world *world, enum quire_status status, const char *what)
{
    if (status != QUIRE_OK) {
        world_fail(world, "store", "the store cannot %s: %s", what, quire_status_text(status));
    }
}

static void backend_append(struct world *world, size_t from, size_t to)
{
    struct server *server = world->server;
    if (server->backend == NULL || from == to) {
        return;
    }
    struct qr_log_record *records = sim_alloc((to - from) * sizeof *records);
    for (size_t i = from; i < to; i++) {
        const struct stored *stored = &server->log[i];
        memcpy(records[i - from].user, stored->user, QR_USER_SIZE);
        records[i - from].entry = stored->entry;
        records[i - from].bytes = (struct quire_bytes){stored->bytes, stored->entry.size};
    }
    backend_must(world, server_backend->append(server->backend, records, to - from), "append");
    free(records);
}

void server_log_create(struct world *world)
{
    world->server->backend = server_backend == NULL ? NULL : server_backend->open(world);
    places_rebuild(world->server);
}

void server_log_destroy(struct server *server)
{
    server_log_cut(server, 0);
    free(server->log);
    free(server->places);
    if (server->backend != NULL) {
        server_backend->close(server->backend);
    }
}

void server_log_commit(struct world *world, size_t count)
{
    struct server *server = world->server;
    backend_append(world, server->durable, count);
    for (; server->durable < count; server->durable++) {
        if (server->log[server->durable].entry.kind == QR_LOG_BATCH) {
            places_add(server, server->durable);
        }
    }
    if (server->places_used * 2 > server->places_size) {
        places_rebuild(server);
    }
}

struct visit { /* of the store's entries beside the log's */
    struct world *world;
    const uint8_t *user;
    size_t next;
    enum quire_status (*visit)(void *context, const struct qr_log_entry *entry);
    void *context;
};

static void next_of_user(struct visit *visit)
{
    const struct server *server = visit->world->server;
    while (visit->next < server->durable
        && (server->log[visit->next].forgotten
            || memcmp(server->log[visit->next].user, visit->user, QR_USER_SIZE) != 0)) {
        visit->next++;
    }
}

static bool same_entry(const struct qr_log_entry *a, const struct qr_log_entry *b)
{
    return a->lsn == b->lsn && a->seq == b->seq && a->size == b->size && a->kind == b->kind
        && memcmp(a->replica, b->replica, QR_REPLICA_SIZE) == 0
        && memcmp(a->device, b->device, QR_DEVICE_SIZE) == 0
        && memcmp(a->hash, b->hash, QR_HASH_SIZE) == 0;
}

static enum quire_status visit_both(void *context, const struct qr_log_entry *entry)
{
    struct visit *visit = context;
    next_of_user(visit);
    if (visit->next == visit->world->server->durable
        || !same_entry(entry, &visit->world->server->log[visit->next].entry)) {
        world_fail(visit->world, "store",
            "the store has record %llu of a user where the log has %zu",
            (unsigned long long)entry->lsn, visit->next + 1);
        return QUIRE_ECORRUPT;
    }
    visit->next++;
    return visit->visit(visit->context, entry);
}

static enum quire_status backend_each(struct world *world, const uint8_t *user,
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    struct visit both = {world, user, 0, visit, visit_context};
    struct qr_log_reader reader = server_backend->reader(world->server->backend);
    enum quire_status status = reader.each(reader.context, user, visit_both, &both);
    next_of_user(&both);
    if (status == QUIRE_OK && both.next < world->server->durable) {
        world_fail(world, "store", "the store lacks record %zu", both.next + 1);
    }
    return status;
}

static enum quire_status backend_read(
    struct world *world, const struct stored *stored, struct quire_bytes *out_bytes)
{
    struct qr_log_reader reader = server_backend->reader(world->server->backend);
    struct quire_bytes wanted = {stored->bytes, stored->entry.size};
    enum quire_status status = reader.read(reader.context, stored->entry.lsn, out_bytes);
    if (status != QUIRE_OK || !quire_bytes_equal(*out_bytes, wanted)) {
        world_fail(world, "store", "the store reads record %llu otherwise than it was written: %s",
            (unsigned long long)stored->entry.lsn, quire_status_text(status));
    }
    return status;
}

/* ---- what the hub is told of it --------------------------------------------------------------- */

static enum quire_status log_each(void *context, const uint8_t user[QR_USER_SIZE],
    enum quire_status (*visit)(void *visit_context, const struct qr_log_entry *entry),
    void *visit_context)
{
    const struct server *server = ((struct world *)context)->server;
    if (server->backend != NULL) {
        return backend_each(context, user, visit, visit_context);
    }
    for (size_t i = 0; i < server->durable; i++) {
        const struct stored *stored = &server->log[i];
        if (!stored->forgotten && memcmp(stored->user, user, QR_USER_SIZE) == 0) {
            enum quire_status status = visit(visit_context, &stored->entry);
            if (status != QUIRE_OK) {
                return status;
            }
        }
    }
    return QUIRE_OK;
}

static enum quire_status log_read(void *context, uint64_t lsn, struct quire_bytes *out_bytes)
{
    struct world *world = context;
    struct server *server = world->server;
    if (lsn == 0 || lsn > server->durable) {
        world_fail(world, "acknowledged", "the hub read record %llu, but only %zu are durable",
            (unsigned long long)lsn, server->durable);
        return QUIRE_ENOTFOUND;
    }
    struct stored *stored = &server->log[lsn - 1];
    if (!world->healed && prng_chance(&world->disk_chance, world->options.server_rot_ppm)) {
        mark(world, MARK_server_record_damaged);
        TRACE(world, "record # is damaged", lsn);
        stored->damaged = true;
    }
    if (stored->damaged) {
        return QUIRE_ECORRUPT;
    }
    if (server->backend != NULL) {
        return backend_read(world, stored, out_bytes);
    }
    *out_bytes = (struct quire_bytes){stored->bytes, stored->entry.size};
    return QUIRE_OK;
}

struct qr_log_reader server_log_reader(struct world *world)
{
    return (struct qr_log_reader){.context = world, .each = log_each, .read = log_read};
}

void server_log_forget(struct world *world, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    struct server *server = world->server;
    mark(world, MARK_server_forgot);
    TRACE(world, "server loses records from # on", lsn);
    for (size_t i = lsn == 0 ? 0 : lsn - 1; i < server->durable; i++) {
        if (memcmp(server->log[i].user, user, QR_USER_SIZE) == 0) {
            server->log[i].forgotten = true;
        }
    }
    if (server->backend != NULL) {
        backend_must(world, server_backend->forget(server->backend, user, lsn), "forget");
    }
    places_rebuild(server);
    OBSERVE(world, server_lost, user, lsn);
}

/* ---- kills and copies ------------------------------------------------------------------------- */

void server_log_killed(struct world *world)
{
    struct server *server = world->server;
    if (server->backend != NULL) {
        backend_must(world, server_backend->killed(server->backend), "be opened after a kill");
    }
}

void server_copy(struct world *world)
{
    struct server *server = world->server;
    server->copy = server->durable;
    server->copy_at_ms = world->now_ms;
    if (server->backend != NULL) {
        backend_must(world, server_backend->copied(server->backend), "be copied");
    }
    TRACE(world, "a copy of the server's log is kept: # records", server->copy);
}

static void lose_from(struct world *world, size_t count)
{
    struct server *server = world->server;
    assert(server->hub == NULL);
    if (count < server->durable) {
        mark(world, MARK_server_restored_losing_acknowledged);
    }
    server_log_cut(server, count);
    OBSERVE(world, server_lost, NULL, count + 1);
}

void server_restore(struct world *world, bool new_log_id)
{
    struct server *server = world->server;
    if (server->copy > server->durable) {
        return; /* no copy, or all is in it */
    }
    uint64_t age_ms = world->now_ms - server->copy_at_ms;
    mark(world, MARK_server_restored);
    if (age_ms > 28u * 24 * HOUR_MS) {
        mark(world, MARK_server_restored_from_a_month_ago);
    } else if (age_ms > HOUR_MS) {
        mark(world, MARK_server_restored_from_hours_ago);
    }
    TRACE(world, "server is restored from a copy of # records, it had #", server->copy,
        server->durable);
    lose_from(world, server->copy);
    if (server->backend != NULL) {
        backend_must(world, server_backend->restored(server->backend), "be opened from a copy");
    }
    if (new_log_id) {
        prng_bytes(&world->entropy, server->log_id, QR_LOG_SIZE);
    }
}

void server_wipe(struct world *world)
{
    struct server *server = world->server;
    mark(world, MARK_server_wiped);
    TRACE(world, "server begins again with nothing, it had # records", server->durable);
    lose_from(world, 0);
    if (server->backend != NULL) {
        backend_must(world, server_backend->wiped(server->backend), "begin with nothing");
    }
    server->copy = SIZE_MAX;
    prng_bytes(&world->entropy, server->log_id, QR_LOG_SIZE);
}
