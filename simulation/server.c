/*
 * Runs the hub and its disk. A commit is durable when it is done and not before; when the power
 * goes during a commit, chance decides whether it was done.
 */
#include "server.h"

#include "backend.h"
#include "checkers/checkers.h"
#include "mallory/mallory.h"
#include "crypto/sign.h"
#include "model.h"
#include "network.h"
#include "people.h"
#include "phone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 500
#define SLOW_MIN_MS 5000
#define SLOW_MAX_MS 60000
#define HOUR_MS 3600000u

static const struct quire_bytes nothing = {NULL, 0};

/* ---- the log --------------------------------------------------------------------------------- */

static uint64_t place_hash(const uint8_t writer[QR_WRITER_SIZE], uint64_t seq)
{
    return bytes_mix(seq, (struct quire_bytes){writer, QR_WRITER_SIZE});
}

static void places_add(struct server *server, size_t index)
{
    const struct qr_log_entry *entry = &server->log[index].entry;
    uint64_t at = place_hash(entry->writer, entry->seq);
    for (;; at++) {
        uint64_t *place = &server->places[at % server->places_size];
        if (*place == 0) {
            server->places_used++;
            *place = index + 1;
            return;
        }
        const struct qr_log_entry *other = &server->log[*place - 1].entry;
        if (other->seq == entry->seq && memcmp(other->writer, entry->writer, QR_WRITER_SIZE) == 0) {
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
    const uint8_t writer[QR_WRITER_SIZE], uint64_t seq)
{
    uint64_t at = place_hash(writer, seq);
    for (;; at++) {
        uint64_t place = server->places[at % server->places_size];
        if (place == 0) {
            return NULL;
        }
        const struct stored *stored = &server->log[place - 1];
        if (stored->entry.seq == seq && memcmp(stored->entry.writer, writer, QR_WRITER_SIZE) == 0
            && (user == NULL || memcmp(stored->user, user, QR_USER_SIZE) == 0)) {
            return stored;
        }
    }
}

static void log_cut(struct server *server, size_t count)
{
    for (size_t i = count; i < server->written; i++) {
        free(server->log[i].bytes);
    }
    server->written = count;
    if (server->durable > count) {
        server->durable = count;
        places_rebuild(server);
    }
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
           && memcmp(a->writer, b->writer, QR_WRITER_SIZE) == 0
           && memcmp(a->device, b->device, QR_DEVICE_SIZE) == 0
           && memcmp(a->hash, b->hash, QR_HASH_SIZE) == 0;
}

static enum quire_status visit_both(void *context, const struct qr_log_entry *entry)
{
    struct visit *visit = context;
    next_of_user(visit);
    if (visit->next == visit->world->server->durable
        || !same_entry(entry, &visit->world->server->log[visit->next].entry)) {
        world_fail(visit->world, "store", "the store has record %llu of a user where the log has %zu",
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

static enum quire_status backend_read(struct world *world, const struct stored *stored,
    struct quire_bytes *out_bytes)
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
        sometimes(world, SOMETIMES_server_record_damaged);
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

static void forget(struct world *world, const uint8_t user[QR_USER_SIZE], uint64_t lsn)
{
    struct server *server = world->server;
    sometimes(world, SOMETIMES_server_forgot);
    TRACE(world, "server forgets records from # on", lsn);
    for (size_t i = lsn == 0 ? 0 : lsn - 1; i < server->durable; i++) {
        if (memcmp(server->log[i].user, user, QR_USER_SIZE) == 0) {
            server->log[i].forgotten = true;
        }
    }
    if (server->backend != NULL) {
        backend_must(world, server_backend->forget(server->backend, user, lsn), "forget");
    }
    places_rebuild(server);
    model_server_lost(world, user, lsn);
    order_check_log(world);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void step(struct world *world, struct qr_hub_event event);

static void commit_later(struct world *world);

static void commit_done(struct world *world, const struct happening *happening)
{
    struct server *server = world->server;
    if (happening->ticket != server->life || server->hub == NULL) {
        return;
    }
    if (server_waits(world, happening)) {
        return;
    }
    server->commit_at_ms = 0;
    bool fails = !world->healed && world->options.server_fail_ppm > 0
                 && prng_chance(&world->disk_chance, world->options.server_fail_ppm);
    if (server->full || fails) {
        sometimes(world, fails ? SOMETIMES_server_write_failed : SOMETIMES_server_disk_full);
        TRACE(world, "server's disk is full or fails: records from # on are not kept", server->durable + 1);
        log_cut(server, server->durable);
        step(world, (struct qr_hub_event){.kind = QR_HUB_PERSIST_FAILED, .lsn = server->durable + 1,
                        .code = fails ? QUIRE_EIO : QUIRE_EFULL});
        return;
    }
    backend_append(world, server->durable, server->commit_to);
    for (; server->durable < server->commit_to; server->durable++) {
        if (server->log[server->durable].entry.kind == QR_LOG_BATCH) {
            places_add(server, server->durable);
        }
    }
    if (server->places_used * 2 > server->places_size) {
        places_rebuild(server);
    }
    TRACE(world, "server's log is durable up to #", server->durable);
    if (world->sometimes[SOMETIMES_server_forgot] > 0) {
        order_check_log(world); /* nothing that was on its way stands on what was forgotten */
    }
    commit_later(world);
    step(world, (struct qr_hub_event){.kind = QR_HUB_PERSISTED, .lsn = server->durable});
}

static void starts_again(struct world *world, const struct happening *happening)
{
    (void)happening;
    if (!server_up(world)) {
        server_start(world);
    }
}

void server_start_later(struct world *world, uint64_t after_ms)
{
    world_later(world, world->now_ms + after_ms, starts_again, 0, 0, 0, nothing);
}

static void dies_in_commit(struct world *world, const struct happening *happening)
{
    if (happening->ticket == world->server->life && world->server->kill_in_commit) {
        server_kill(world);
        server_start_later(world, prng_about(&world->disk_chance, 1000 * world->options.server_down_s));
    }
}

void server_kill_in_commit(struct world *world)
{
    struct server *server = world->server;
    server->kill_in_commit = true;
    if (server->commit_at_ms != 0) {
        world_later(world, world->now_ms, dies_in_commit, 0, server->life, 0, nothing);
    }
}

static void commit_later(struct world *world)
{
    struct server *server = world->server;
    if (server->commit_at_ms == 0 && server->written > server->durable) {
        server->commit_to = server->written;
        server->commit_at_ms =
            world->now_ms + prng_range(&world->disk_chance, 1, world->options.server_disk_ms);
        if (server->slow) {
            server->slow = false;
            sometimes(world, SOMETIMES_server_disk_slow);
            server->commit_at_ms += prng_range(&world->disk_chance, SLOW_MIN_MS, SLOW_MAX_MS);
        }
        if (server->kill_in_commit) {
            world_later(world, prng_range(&world->disk_chance, world->now_ms, server->commit_at_ms),
                dies_in_commit, 0, server->life, 0, nothing);
        }
        world_later(world, server->commit_at_ms, commit_done, 0, server->life, 0, nothing);
    }
}

static void persist(struct world *world, const struct qr_hub_action *action)
{
    struct server *server = world->server;
    for (size_t i = 0; i < action->record_count; i++) {
        const struct qr_log_record *record = &action->records[i];
        if (record->entry.lsn != server->written + 1 || record->entry.size != record->bytes.size) {
            world_fail(world, "acknowledged", "the hub wrote record %llu of %u bytes after %zu",
                (unsigned long long)record->entry.lsn, record->entry.size, server->written);
            return;
        }
        server->log = sim_grow(server->log, &server->capacity, server->written, sizeof *server->log);
        struct stored *stored = &server->log[server->written++];
        *stored = (struct stored){.entry = record->entry, .bytes = sim_copy(record->bytes)};
        memcpy(stored->user, record->user, QR_USER_SIZE);
        canary_check(world, "the server's log", record->bytes);
        if (world->mallory != NULL && record->entry.kind == QR_LOG_BATCH) {
            truth_stored(world, record->user, record->bytes);
        }
        if (record->entry.kind == QR_LOG_ROSTER) {
            people_saw_record(world, record->user, record->bytes);
        }
        TRACE(world, "server writes record #: kind #, seq #, # bytes", record->entry.lsn,
            record->entry.kind, record->entry.seq, record->bytes.size);
    }
    commit_later(world);
}

static void verified(struct world *world, const struct happening *happening)
{
    if (server_waits(world, happening)) {
        return;
    }
    if (happening->ticket == world->server->life && world->server->hub != NULL) {
        step(world, (struct qr_hub_event){.kind = QR_HUB_VERIFIED, .token = happening->number,
                        .size = happening->actor}); /* here: how many were valid */
    }
}

static void verify(struct world *world, const struct qr_hub_action *action)
{
    uint32_t valid = 0;
    for (; valid < action->job_count; valid++) {
        const struct qr_verify_job *job = &action->jobs[valid];
        struct quire_bytes message = {job->message, QR_HASH_SIZE};
        world->batches_verified++;
        if (!qr_verify(job->public_key, (enum qr_context)job->context, &message, 1,
                job->signature)) {
            break;
        }
    }
    world_later(world, world->now_ms + prng_range(&world->disk_chance, 0, world->options.verify_ms),
        verified, valid, world->server->life, action->token, nothing);
}

/* An intruder's line is as fast as can be. */
static void left_at_once(struct world *world, const struct happening *happening)
{
    if (server_up(world)) {
        server_sent(world, happening->number, happening->ticket);
    }
}

static void carry_out(struct world *world, const struct qr_hub_action *action)
{
    switch (action->kind) {
    case QR_HUB_SEND:
        canary_check(world, "a frame of the server", action->bytes);
        acknowledged_check_frame(world, action->connection, action->bytes);
        if (intruder_is(world, action->connection)) {
            intruder_hear(world, action->connection, action->bytes);
            world_later(world, world->now_ms + 1, left_at_once, 0, action->bytes.size,
                action->connection, nothing);
            break;
        }
        network_send_down(world, action->connection, action->bytes);
        memory_check_link(world, action->connection);
        break;
    case QR_HUB_CLOSE:
        TRACE(world, "server closes connection #: #", action->connection, action->code);
        if (intruder_is(world, action->connection)) {
            intruder_closed(world, action->connection);
            break;
        }
        network_close_by_server(world, action->connection);
        break;
    case QR_HUB_VERIFY:
        verify(world, action);
        break;
    case QR_HUB_PERSIST:
        persist(world, action);
        break;
    case QR_HUB_FORGET:
        forget(world, action->user, action->lsn);
        break;
    }
}

static void step(struct world *world, struct qr_hub_event event)
{
    struct server *server = world->server;
    event.now_ms = world->now_ms + server->monotonic_offset_ms;
    event.wall_ms = (uint64_t)server_wall_ms(world);
    if (event.kind == QR_HUB_OPEN) {
        world_entropy(world, event.entropy);
    }
    struct qr_hub_actions actions = {NULL, 0};
    enum quire_status status = qr_hub_step(server->hub, &event, &actions);
    if (status != QUIRE_OK) {
        world_fail(world, "memory", "the hub's step ends with: %s", quire_status_text(status));
        return;
    }
    for (size_t i = 0; i < actions.count && !world->failed; i++) {
        carry_out(world, &actions.items[i]);
    }
    memory_check_hub(world);
}

static void tick(struct world *world, const struct happening *happening)
{
    struct server *server = world->server;
    if (server_waits(world, happening)) {
        return;
    }
    if (happening->ticket == server->life && server->hub != NULL) {
        step(world, (struct qr_hub_event){.kind = QR_HUB_TICK});
        world_beat(world, world->now_ms + server->tick_ms, tick, server->life);
    }
}

void server_opened(struct world *world, uint64_t link)
{
    if (mallory_serves(world)) {
        mallory_opened(world, link);
        return;
    }
    step(world, (struct qr_hub_event){.kind = QR_HUB_OPEN, .connection = link,
                    .bytes = quire_bytes_of_text(SERVER_HOST)});
}

void server_frame(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    if (mallory_serves(world)) {
        mallory_frame(world, link, bytes);
        return;
    }
    if (world->mallory != NULL && !intruder_is(world, link)) {
        mallory_overhears(world, bytes);
    }
    canary_check(world, "a frame of a phone", bytes);
    step(world, (struct qr_hub_event){.kind = QR_HUB_FRAME, .connection = link, .bytes = bytes});
}

void server_closed(struct world *world, uint64_t link)
{
    if (mallory_serves(world)) {
        mallory_closed(world, link);
        return;
    }
    step(world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = link});
}

void server_sent(struct world *world, uint64_t link, uint64_t size)
{
    if (mallory_serves(world)) {
        return;
    }
    step(world, (struct qr_hub_event){.kind = QR_HUB_SENT, .connection = link,
                    .size = (size_t)size});
}

/* ---- life ------------------------------------------------------------------------------------ */

bool server_waits(struct world *world, const struct happening *happening)
{
    return world_wait(world, happening, world->server->paused_until_ms);
}

bool server_up(const struct world *world)
{
    return world->server->hub != NULL;
}

uint64_t server_life(const struct world *world)
{
    return world->server->life;
}

int64_t server_wall_ms(const struct world *world)
{
    return WALL_START_MS + (int64_t)world->now_ms + world->server->skew_ms;
}

void server_create(struct world *world)
{
    struct server *server = sim_alloc(sizeof *server);
    world->server = server;
    server->copy = SIZE_MAX;
    server->space = sim_alloc(sizeof *server->space);
    server->backend = server_backend == NULL ? NULL : server_backend->open(world);
    if (world->failed) {
        return;
    }
    server->tick_ms = TICK_MS;
    prng_bytes(&world->entropy, server->log_id, QR_LOG_SIZE);
    if (world->options.server_skew_ms > 0) {
        uint64_t skew = world->options.server_skew_ms;
        server->skew_ms = (int64_t)prng_below(&world->people, 2 * skew + 1) - (int64_t)skew;
    }
    places_rebuild(server);
    server_start(world);
    if (world->options.mallory != 0) {
        mallory_create(world);
    }
}

void server_destroy(struct world *world)
{
    struct server *server = world->server;
    if (server == NULL) {
        return;
    }
    qr_hub_destroy(server->hub);
    log_cut(server, 0);
    free(server->log);
    free(server->places);
    if (server->backend != NULL) {
        server_backend->close(server->backend);
    }
    free(server->space);
    free(server);
    world->server = NULL;
}

void server_start(struct world *world)
{
    struct server *server = world->server;
    assert(server->hub == NULL);
    server->life++;
    server->monotonic_offset_ms = prng_below(&world->disk_chance, 1000000000);
    struct qr_hub_limits limits;
    qr_hub_limits_default(&limits);
    limits.pushes_per_second = (uint32_t)world->options.pushes_per_second;
    limits.pushes_burst = (uint32_t)world->options.pushes_burst;
    limits.users_loaded = (uint32_t)world->options.server_memory;
    if (world->options.credit_kib > 0) {
        limits.credit = (uint32_t)(1024 * world->options.credit_kib);
    }
    if (world->options.later_ppm > 0) {
        limits.batch_version = LATER_VERSION; /* servers are upgraded first */
    }
    /* Devices that fail a lot are not attackers here, and an hour is longer than most runs. */
    limits.roster_appends_per_hour = 600;
    struct qr_log_reader reader = {.context = world, .each = log_each, .read = log_read};
    uint8_t entropy[QR_ENTROPY_SIZE];
    world_entropy(world, entropy);
    enum quire_status status = qr_hub_create(&limits, &reader, server->log_id, server->durable,
        entropy, &server->hub);
    if (status != QUIRE_OK) {
        world_fail(world, "memory", "the hub cannot begin: %s", quire_status_text(status));
        return;
    }
    TRACE(world, "server starts with # records", server->durable);
    order_check_log(world);
    world_beat(world, world->now_ms + TICK_MS, tick, server->life);
}

void server_kill(struct world *world)
{
    struct server *server = world->server;
    if (server->hub == NULL) {
        return;
    }
    sometimes(world, SOMETIMES_server_killed);
    if (server->commit_at_ms != 0) {
        sometimes(world, SOMETIMES_server_killed_during_commit);
        if (!server->full && prng_chance(&world->disk_chance, 500000)) {
            sometimes(world, SOMETIMES_server_kept_unreported_commit);
            backend_append(world, server->durable, server->commit_to);
            server->durable = server->commit_to;
        }
    }
    if (server->written > server->durable) {
        sometimes(world, SOMETIMES_server_lost_uncommitted);
    }
    TRACE(world, "server is killed; # of # records were durable", server->durable, server->written);
    server->commit_at_ms = 0;
    server->paused_until_ms = 0;
    server->kill_in_commit = false;
    log_cut(server, server->durable);
    places_rebuild(server);
    qr_hub_destroy(server->hub);
    if (server->backend != NULL) {
        backend_must(world, server_backend->killed(server->backend), "be opened after a kill");
    }
    server->hub = NULL;
    server->life++;
    network_server_died(world);
}

void server_drain(struct world *world)
{
    if (server_up(world)) {
        sometimes(world, SOMETIMES_server_drained);
        TRACE(world, "server goes down in order; # records", world->server->durable);
        step(world, (struct qr_hub_event){.kind = QR_HUB_DRAIN});
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
        sometimes(world, SOMETIMES_server_restored_losing_acknowledged);
    }
    log_cut(server, count);
    model_server_lost(world, NULL, count + 1);
}

void server_restore(struct world *world, bool new_log_id)
{
    struct server *server = world->server;
    if (server->copy > server->durable) {
        return; /* no copy, or all is in it */
    }
    uint64_t age_ms = world->now_ms - server->copy_at_ms;
    sometimes(world, SOMETIMES_server_restored);
    if (age_ms > 28u * 24 * HOUR_MS) {
        sometimes(world, SOMETIMES_server_restored_from_a_month_ago);
    } else if (age_ms > HOUR_MS) {
        sometimes(world, SOMETIMES_server_restored_from_hours_ago);
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
    sometimes(world, SOMETIMES_server_wiped);
    TRACE(world, "server begins again with nothing, it had # records", server->durable);
    lose_from(world, 0);
    if (server->backend != NULL) {
        backend_must(world, server_backend->wiped(server->backend), "begin with nothing");
    }
    server->copy = SIZE_MAX;
    prng_bytes(&world->entropy, server->log_id, QR_LOG_SIZE);
}
