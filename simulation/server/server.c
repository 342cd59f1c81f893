/*
 * Runs the hub, and commits what it writes. A commit is durable when it is done and not before; when the
 * power goes during a commit, chance decides whether it was done.
 */
#include "server.h"

#include "crypto/sign.h"
#include "network/network.h"

#include <assert.h>
#include <stdlib.h>

#define TICK_MS 500
#define SLOW_MIN_MS 5000
#define SLOW_MAX_MS 60000

static const struct quire_bytes nothing = {NULL, 0};

/* ---- steps ----------------------------------------------------------------------------------- */

static void step(struct world *world, struct qr_hub_event event);

static void commit_later(struct world *world);

static void commit_done(struct world *world, const struct event *event)
{
    struct server *server = world->server;
    if (event->ticket != server->life || server->hub == NULL) {
        return;
    }
    if (server_waits(world, event)) {
        return;
    }
    server->commit_at_ms = 0;
    bool fails = !world->healed && world->options.server_fail_ppm > 0
        && prng_chance(&world->disk_chance, world->options.server_fail_ppm);
    uint64_t room = 1024 * world->options.limit_store_kib;
    bool full = server->full || (room > 0 && !world->healed && server->bytes > room);
    if (full || fails) {
        mark(world, fails ? MARK_server_write_failed : MARK_server_disk_full);
        TRACE(world, "server's disk is full or fails: records from # on are not kept",
            server->durable + 1);
        server_log_cut(server, server->durable);
        step(world,
            (struct qr_hub_event){.kind = QR_HUB_PERSIST_FAILED,
                .lsn = server->durable + 1,
                .code = fails ? QUIRE_EIO : QUIRE_EFULL});
        return;
    }
    server_log_commit(world, server->commit_to);
    TRACE(world, "server's log is durable up to #", server->durable);
    OBSERVE(world, server_committed, server);
    commit_later(world);
    step(world, (struct qr_hub_event){.kind = QR_HUB_PERSISTED, .lsn = server->durable});
}

static void starts_again(struct world *world, const struct event *event)
{
    (void)event;
    if (!server_up(world)) {
        server_start(world);
    }
}

void server_start_later(struct world *world, uint64_t after_ms)
{
    world_later(world, world->now_ms + after_ms, starts_again, 0, 0, 0, nothing);
}

static void dies_in_commit(struct world *world, const struct event *event)
{
    if (event->ticket == world->server->life && world->server->kill_in_commit) {
        server_kill(world);
        server_start_later(
            world, prng_about(&world->disk_chance, 1000 * world->options.server_down_s));
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
            mark(world, MARK_server_disk_slow);
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
        server_log_add(server, record);
        OBSERVE(world, bytes_exposed, "the server's log", record->bytes);
        OBSERVE(world, server_writes, record);
        TRACE(world, "server writes record #: kind #, seq #, # bytes", record->entry.lsn,
            record->entry.kind, record->entry.seq, record->bytes.size);
    }
    commit_later(world);
}

static void verified(struct world *world, const struct event *event)
{
    if (server_waits(world, event)) {
        return;
    }
    if (event->ticket == world->server->life && world->server->hub != NULL) {
        step(world,
            (struct qr_hub_event){.kind = QR_HUB_VERIFIED,
                .token = event->number,
                .size = event->actor}); /* here: how many were valid */
    }
}

static void verify(struct world *world, const struct qr_hub_action *action)
{
    uint32_t valid = 0;
    for (; valid < action->job_count; valid++) {
        const struct qr_verify_job *job = &action->jobs[valid];
        struct quire_bytes message = {job->message, QR_HASH_SIZE};
        world->batches_verified++;
        if (!qr_verify(
                job->public_key, (enum qr_context)job->context, &message, 1, job->signature)) {
            break;
        }
    }
    world_later(world, world->now_ms + prng_range(&world->disk_chance, 0, world->options.verify_ms),
        verified, valid, world->server->life, action->token, nothing);
}

static void left_at_once(struct world *world, const struct event *event)
{
    if (server_up(world)) {
        server_sent(world, event->number, event->ticket);
    }
}

static bool is_guest(uint64_t link)
{
    return link >= SERVER_GUEST_LINK;
}

static void carry_out(struct world *world, const struct qr_hub_action *action)
{
    switch (action->kind) {
    case QR_HUB_SEND:
        OBSERVE(world, bytes_exposed, "a frame of the server", action->bytes);
        OBSERVE(world, server_sends, action->connection, action->bytes);
        if (is_guest(action->connection)) {
            world->server->guest->hear(world, action->connection, action->bytes);
            world_later(world, world->now_ms + 1, left_at_once, 0, action->bytes.size,
                action->connection, nothing);
            break;
        }
        network_send_down(world, action->connection, action->bytes);
        OBSERVE(world, server_sent, action->connection);
        break;
    case QR_HUB_CLOSE:
        TRACE(world, "server closes connection #: #", action->connection, action->code);
        if (is_guest(action->connection)) {
            world->server->guest->closed(world, action->connection);
            break;
        }
        network_close_by_server(world, action->connection);
        break;
    case QR_HUB_VERIFY: verify(world, action); break;
    case QR_HUB_PERSIST: persist(world, action); break;
    case QR_HUB_FORGET: server_log_forget(world, action->user, action->lsn); break;
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
    OBSERVE(world, server_stepped, server);
}

static void tick(struct world *world, const struct event *event)
{
    struct server *server = world->server;
    if (server_waits(world, event)) {
        return;
    }
    if (event->ticket == server->life && server->hub != NULL) {
        step(world, (struct qr_hub_event){.kind = QR_HUB_TICK});
        world_beat(world, world->now_ms + server->tick_ms, tick, server->life);
    }
}

void server_opened(struct world *world, uint64_t link)
{
    if (world->server->front != NULL) {
        world->server->front->opened(world, link);
        return;
    }
    step(world,
        (struct qr_hub_event){
            .kind = QR_HUB_OPEN, .connection = link, .bytes = quire_bytes_of_text(SERVER_HOST)});
}

void server_frame(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    if (world->server->front != NULL) {
        world->server->front->frame(world, link, bytes);
        return;
    }
    OBSERVE(world, server_hears, link, bytes);
    OBSERVE(world, bytes_exposed, "a frame of a phone", bytes);
    step(world, (struct qr_hub_event){.kind = QR_HUB_FRAME, .connection = link, .bytes = bytes});
}

void server_closed(struct world *world, uint64_t link)
{
    if (world->server->front != NULL) {
        world->server->front->closed(world, link);
        return;
    }
    step(world, (struct qr_hub_event){.kind = QR_HUB_CLOSED, .connection = link});
}

void server_sent(struct world *world, uint64_t link, uint64_t size)
{
    if (world->server->front != NULL) {
        return;
    }
    step(world,
        (struct qr_hub_event){.kind = QR_HUB_SENT, .connection = link, .size = (size_t)size});
}

/* ---- life ------------------------------------------------------------------------------------ */

bool server_waits(struct world *world, const struct event *event)
{
    return world_wait(world, event, world->server->paused_until_ms);
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

static bool is_later(const struct world *world)
{
    return world->server->later;
}

const struct network_server server_network = {.waits = server_waits,
    .is_up = server_up,
    .life = server_life,
    .opened = server_opened,
    .frame = server_frame,
    .closed = server_closed,
    .sent = server_sent,
    .is_later = is_later};

void server_create(struct world *world)
{
    struct server *server = sim_alloc(sizeof *server);
    world->server = server;
    server->copy = SIZE_MAX;
    server->space = sim_alloc(sizeof *server->space);
    server_log_create(world);
    if (world->failed) {
        return;
    }
    server->tick_ms = TICK_MS;
    prng_bytes(&world->entropy, server->log_id, QR_LOG_SIZE);
    if (world->options.server_skew_ms > 0) {
        uint64_t skew = world->options.server_skew_ms;
        server->skew_ms = (int64_t)prng_below(&world->people, 2 * skew + 1) - (int64_t)skew;
    }
    server_start(world);
}

void server_destroy(struct world *world)
{
    struct server *server = world->server;
    if (server == NULL) {
        return;
    }
    qr_hub_destroy(server->hub);
    server_log_destroy(server);
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
    limits.check_all = true; /* the invariants of the hub, after each step */
    limits.users_loaded = (uint32_t)world->options.server_memory;
    if (world->options.credit_kib > 0) {
        limits.credit = (uint32_t)(1024 * world->options.credit_kib);
    }
    if (world->options.later_ppm > 0) {
        limits.batch_version = LATER_VERSION; /* servers are upgraded first */
    }
    if (world->options.limit_user_kib > 0 && !world->healed) {
        limits.user_bytes = 1024 * world->options.limit_user_kib;
    }
    /* Devices that fail a lot are not attackers here, and an hour is longer than most runs. */
    if (world->options.mallory == 0) {
        limits.roster_appends_per_hour = 600;
    }
    if (world->options.limit_appends > 0) {
        limits.roster_appends_per_hour = (uint32_t)world->options.limit_appends;
    }
    if (world->options.limit_links > 0) {
        limits.connections_per_user = (uint32_t)world->options.limit_links;
    }
    struct qr_log_reader reader = server_log_reader(world);
    uint8_t entropy[QR_ENTROPY_SIZE];
    world_entropy(world, entropy);
    enum quire_status status =
        qr_hub_create(&limits, &reader, server->log_id, server->durable, entropy, &server->hub);
    if (status != QUIRE_OK) {
        world_fail(world, "memory", "the hub cannot begin: %s", quire_status_text(status));
        return;
    }
    TRACE(world, "server starts with # records", server->durable);
    OBSERVE(world, server_started, server);
    world_beat(world, world->now_ms + TICK_MS, tick, server->life);
}

void server_kill(struct world *world)
{
    struct server *server = world->server;
    if (server->hub == NULL) {
        return;
    }
    mark(world, MARK_server_killed);
    if (server->commit_at_ms != 0) {
        mark(world, MARK_server_killed_during_commit);
        if (!server->full && prng_chance(&world->disk_chance, 500000)) {
            mark(world, MARK_server_kept_unreported_commit);
            server_log_commit(world, server->commit_to);
        }
    }
    if (server->written > server->durable) {
        mark(world, MARK_server_lost_uncommitted);
    }
    TRACE(world, "server is killed; # of # records were durable", server->durable, server->written);
    server->commit_at_ms = 0;
    server->paused_until_ms = 0;
    server->kill_in_commit = false;
    server_log_cut(server, server->durable);
    qr_hub_destroy(server->hub);
    server_log_killed(world);
    server->hub = NULL;
    server->life++;
    network_server_died(world);
}

void server_drain(struct world *world)
{
    if (server_up(world)) {
        mark(world, MARK_server_drained);
        TRACE(world, "server goes down in order; # records", world->server->durable);
        step(world, (struct qr_hub_event){.kind = QR_HUB_DRAIN});
    }
}
