/*
 * What goes wrong: each kind of fault in its own rhythm, until all heals.
 */
#include "process.h"

#include "rhythm.h"
#include "timing.h"
#include "people/model.h"
#include "network/network.h"
#include "people/people.h"
#include "server/server.h"

#include <string.h>

#define DRAIN_MS 10000
#define FULL_MAX_MS 60000
#define JUMP_MAX_MS UINT64_C(1577880000000) /* 50 years */
#define REMOVED_FOR_MS 5000

static const struct quire_bytes nothing = {NULL, 0};

/* ---- phones ---------------------------------------------------------------------------------- */

static void revive(struct world *world, struct phone *phone)
{
    phone_start(world, phone);
    if (phone->stage == PHONE_BLANK && phone->device == NULL) {
        people_join_later(world, phone);
    }
}

static void revived(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (phone->life == event->ticket) {
        revive(world, phone);
    }
}

void process_revive_later(struct world *world, struct phone *phone, uint64_t after_ms)
{
    world_later(world, world->now_ms + after_ms, revived, phone->number, phone->life, 0, nothing);
}

static void disk_failed(struct world *world, struct phone *phone)
{
    process_revive_later(
        world, phone, prng_about(&world->disk_chance, 1000 * world->options.phone_down_s));
}

const struct observer process_observer = {.phone_disk_failed = disk_failed};

static void crash(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.phone_crash_mean_s, crash, phone->number);
    if (!world_operation(world) || phone->device == NULL) {
        return;
    }
    phone_kill(world, phone, prng_chance(&world->disk_chance, world->options.reboot_ppm));
    process_revive_later(
        world, phone, prng_about(&world->people, 1000 * world->options.phone_down_s));
}

static void offline(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.offline_mean_s, offline, phone->number);
    if (!world_operation(world) || !phone->online) {
        return;
    }
    phone_set_online(world, phone, false);
    rhythm_online_later(
        world, phone, prng_about(&world->people, 1000 * world->options.offline_length_s));
}

static void cut(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.cut_mean_s, cut, phone->number);
    if (world_operation(world) && phone->link != 0) {
        network_cut(world, phone->link);
    }
}

static void stall(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.stall_mean_s, stall, phone->number);
    if (world_operation(world) && phone->link != 0) {
        /* Not as arguments: compilers differ in which one they draw first. */
        bool upwards = prng_chance(&world->network_chance, 500000);
        uint64_t length_ms =
            prng_about(&world->network_chance, 1000 * world->options.stall_length_s);
        network_stall(world, phone->link, upwards, length_ms);
    }
}

static void jump(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    rhythm_again(world, world->options.clock_jump_mean_s, jump, phone->number);
    if (!world_operation(world)) {
        return;
    }
    uint64_t most = prng_chance(&world->people, 500000) ? 3600000 : JUMP_MAX_MS;
    phone->clock.skew_ms = (int64_t)prng_below(&world->people, 2 * most + 1) - (int64_t)most;
    mark(world, MARK_clock_jumped);
}

void process_back_up(struct world *world, struct phone *phone)
{
    TRACE(world, "phone # is backed up at version #", phone->number, phone->disk.durable_version);
    disk_backup(&phone->disk);
}

static void backup(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (world_operation(world) && phone->stage == PHONE_JOINED && phone->disk.durable.count > 0) {
        process_back_up(world, phone);
    }
}

void process_restore(struct world *world, struct phone *phone, bool reboot)
{
    phone_kill(world, phone, reboot);
    mark(world, MARK_profile_restored);
    TRACE(world, "phone # is restored to version # from #", phone->number,
        phone->disk.backup_version, phone->disk.durable_version);
    disk_restore(&phone->disk);
    phone->state.roster_count = 0; /* known again when it starts */
    model_profile_restored(world, phone, phone->disk.backup_version);
    phone->life++; /* a revival that was on its way is void */
}

static void restore(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (!world_operation(world) || !phone->disk.has_backup || phone->stage != PHONE_JOINED) {
        return;
    }
    process_restore(world, phone, prng_chance(&world->disk_chance, world->options.reboot_ppm));
    process_revive_later(world, phone, REMOVED_FOR_MS);
}

void process_lose(struct world *world, struct phone *phone)
{
    TRACE(world, "phone # is lost", phone->number);
    phone_kill(world, phone, true);
    phone->stage = PHONE_AWAY;
    phone->life++; /* a revival that was on its way is void */
    model_profile_lost(world, phone);
}

struct phone *process_clone(struct world *world, struct phone *phone)
{
    struct phone *copy = phone_add(world, phone->user);
    TRACE(world, "phone # comes to life as a copy of phone #", copy->number, phone->number);
    mark(world, MARK_profile_cloned);
    copy->clone = true;
    copy->stage = PHONE_JOINED;
    copy->clock = phone->clock;
    memcpy(copy->profile_key, phone->profile_key, sizeof copy->profile_key);
    disk_clone(&phone->disk, &copy->disk);
    world->model->rolled_back[copy->number] = true;
    phone_start(world, copy);
    return copy;
}

static void clone(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (world_operation(world) && phone->stage == PHONE_JOINED && phone->disk.durable.count > 0
        && !phone->revoked && world->phone_count < PHONES_MAX) {
        people_clone_writes(world, process_clone(world, phone));
    }
}

static void revoke(struct world *world, const struct event *event)
{
    if (world_operation(world)) {
        people_revoke(world, event->actor);
    }
}

/* ---- server ---------------------------------------------------------------------------------- */

static void server_again_later(struct world *world)
{
    server_start_later(world, prng_about(&world->people, 1000 * world->options.server_down_s));
}

static void server_ends(struct world *world, const struct event *event)
{
    if (server_up(world) && world->server->life == event->ticket) {
        server_kill(world);
        server_again_later(world);
    }
}

static void server_crash(struct world *world, const struct event *event)
{
    rhythm_again(world, world->options.server_crash_mean_s, server_crash, event->actor);
    if (!world_operation(world) || !server_up(world)) {
        return;
    }
    uint64_t grace = 0;
    if (prng_chance(&world->people, 300000)) {
        server_kill_in_commit(world);
        return;
    }
    if (prng_chance(&world->people, world->options.server_drain_ppm)) {
        server_drain(world);
        grace = DRAIN_MS;
    }
    world_later(world, world->now_ms + grace, server_ends, 0, world->server->life, 0, nothing);
}

static void has_space(struct world *world, const struct event *event)
{
    (void)event;
    world->server->full = false;
}

static void runs_full(struct world *world, const struct event *event)
{
    rhythm_again(world, world->options.server_full_mean_s, runs_full, event->actor);
    if (world_operation(world)) {
        world->server->full = true;
        world_later(world, world->now_ms + prng_range(&world->people, 1, FULL_MAX_MS), has_space, 0,
            0, 0, nothing);
    }
}

static void copies(struct world *world, const struct event *event)
{
    (void)event;
    if (world_operation(world)) {
        server_copy(world);
    }
}

static void server_restored(struct world *world, const struct event *event)
{
    (void)event;
    if (world_operation(world) && world->server->copy <= world->server->durable) {
        server_kill(world);
        server_restore(world, prng_chance(&world->people, 500000));
        server_again_later(world);
    }
}

static void server_wiped(struct world *world, const struct event *event)
{
    (void)event;
    if (world_operation(world)) {
        server_kill(world);
        server_wipe(world);
        server_again_later(world);
    }
}

/* ---- all of it ------------------------------------------------------------------------------- */

void process_faults_begin(struct world *world)
{
    struct options *options = &world->options;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        rhythm_again(world, options->phone_crash_mean_s, crash, i);
        rhythm_again(world, options->offline_mean_s, offline, i);
        rhythm_again(world, options->cut_mean_s, cut, i);
        rhythm_again(world, options->stall_mean_s, stall, i);
        rhythm_again(world, options->clock_jump_mean_s, jump, i);
    }
    for (uint64_t n = 0; n < options->phone_restores; n++) {
        uint32_t phone = (uint32_t)prng_below(&world->people, world->phone_count);
        rhythm_once(world, backup, phone);
        rhythm_once(world, restore, phone);
    }
    for (uint64_t n = 0; n < options->phone_clones; n++) {
        rhythm_once(world, clone, (uint32_t)prng_below(&world->people, world->phone_count));
    }
    for (uint64_t n = 0; n < options->revokes; n++) {
        rhythm_once(world, revoke, (uint32_t)prng_below(&world->people, options->users));
    }
    rhythm_again(world, options->server_crash_mean_s, server_crash, 0);
    rhythm_again(world, options->server_full_mean_s, runs_full, 0);
    for (uint64_t n = 0; n < options->server_restores; n++) {
        rhythm_once(world, copies, 0);
        rhythm_once(world, server_restored, 0);
    }
    for (uint64_t n = 0; n < options->server_wipes; n++) {
        rhythm_once(world, server_wiped, 0);
    }
    timing_faults_begin(world);
}

/* Another device of its user must be there, not revoked and with an account. */
static bool can_be_lost(const struct world *world, const struct phone *phone)
{
    for (uint32_t i = 0; i < world->phone_count && phone->stage == PHONE_JOINED; i++) {
        const struct phone *other = &world->phones[i];
        if (other != phone && other->user == phone->user && other->stage == PHONE_JOINED
            && !other->revoked
            && memcmp(other->state.device, phone->state.device, QUIRE_DEVICE_SIZE)) {
            return true;
        }
    }
    return false;
}

/* Some never come back. What they alone held is gone; no other device may wait for it. */
static void lose_some(struct world *world)
{
    for (uint64_t n = 0; n < world->options.lost_at_end; n++) {
        struct phone *phone = &world->phones[prng_below(&world->people, world->phone_count)];
        if (can_be_lost(world, phone)) {
            mark(world, MARK_phone_lost_at_end);
            process_lose(world, phone);
        }
    }
}

void process_faults_end(struct world *world)
{
    world->healed = true;
    TRACE(world, "all heals; # things happened", world->steps);
    world->server->full = world->server->kill_in_commit = false;
    timing_faults_end(world);
    lose_some(world);
    network_heal(world);
    if (world->options.limit_user_kib > 0) {
        server_kill(world); /* its operator starts it again with the limits that ship */
    }
    if (!server_up(world)) {
        server_start(world);
    }
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->stage == PHONE_AWAY) {
            continue;
        }
        if (!phone->online) {
            phone_set_online(world, phone, true);
        }
        if (phone->device == NULL) {
            revive(world, phone);
        }
        phone_upgrade(world, phone);
        people_save_all(world, phone);
    }
}
