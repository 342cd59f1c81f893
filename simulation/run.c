/*
 * One run, from the first account to the verdict.
 */
#include "run.h"

#include "checkers/checkers.h"
#include "adversary/mallory.h"
#include "base/limit.h"
#include "people/model.h"
#include "network/network.h"
#include "people/people.h"
#include "people/phone.h"
#include "report/recording.h"
#include "server/server.h"
#include "faults/process.h"

#include <stdlib.h>
#include <string.h>

#define QUIET_WITHIN_MS (20u * 60 * 1000)
#define JOINING_MS (5u * 60 * 1000)
#define POLL_MS 1000
#define APART_MS (5u * 60 * 1000)
#define QUIET_POLLS 3

uint32_t qr_limits_lowered[QR_LIMIT_COUNT];

void run_lower_limits(const struct options *options)
{
    const uint64_t lowered[QR_LIMIT_COUNT] = {[QR_LIMIT_DEVICES] = options->limit_devices,
        [QR_LIMIT_RECORDS] = options->limit_records,
        [QR_LIMIT_CHAINS] = options->limit_chains,
        [QR_LIMIT_TEXT] = options->limit_text,
        [QR_LIMIT_ELEMENTS] = options->limit_elements};
    for (size_t i = 0; i < QR_LIMIT_COUNT; i++) {
        qr_limits_lowered[i] = (uint32_t)lowered[i];
    }
}

struct world *world_create(uint64_t seed, const struct options *options, bool tracing)
{
    struct world *world = sim_alloc(sizeof *world);
    world->seed = seed;
    world->options = *options;
    run_lower_limits(options);
    world->tracing = tracing;
    world->trace_hash = seed;
    prng_seed(&world->people, seed, 1);
    prng_seed(&world->network_chance, seed, 2);
    prng_seed(&world->disk_chance, seed, 3);
    prng_seed(&world->entropy, seed, 4);
    prng_seed(&world->rhythm, seed, 5);
    world->phones = sim_alloc(PHONES_MAX * sizeof *world->phones);
    world->network = network_create(&phone_network, &server_network);
    world->model = model_create();
    world_observe(world, &model_observer);
    if (options->mallory != 0) {
        world_observe(world, &mallory_observer);
    }
    static const struct observer *const observers[] = {&people_observer, &revoked_along_observer,
        &process_observer, &canary_observer, &acknowledged_observer, &memory_observer,
        &order_observer, &alarms_observer, &same_observer};
    for (size_t i = 0; i < sizeof observers / sizeof *observers; i++) {
        world_observe(world, observers[i]);
    }
    return world;
}

void run_begin(struct world *world)
{
    server_create(world);
    if (world->options.mallory != 0 && !world->failed) {
        mallory_create(world);
    }
}

void world_destroy(struct world *world)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        phone_finish(&world->phones[i]);
    }
    free(world->phones);
    mallory_destroy(world);
    server_destroy(world);
    network_destroy(world->network);
    model_destroy(world->model);
    recording_destroy(world->recording);
    world_forget_all(world);
    free(world);
}

/* Long enough, also for many phones to join, which they do one after another; and with a narrow rate
 * for every phone to bring a server that lost it all of its user's batches, which all count. */
static uint64_t quiet_within_ms(const struct world *world)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        uint64_t batches = world->phones[i].state.batch_count;
        most = batches > most ? batches : most;
    }
    uint64_t phones = world->options.phones;
    return QUIET_WITHIN_MS + (phones > 3 ? (phones - 3) * JOINING_MS : 0)
        + most * world->phone_count * 1000
        / (world->options.pushes_per_second + (world->options.pushes_per_second == 0));
}

uint64_t run_until_quiet_within(struct world *world, uint64_t within_ms)
{
    char reason[512] = "";
    uint64_t begin = world->now_ms;
    int quiet = 0;
    while (!world->failed) {
        world_run(world, world->now_ms + POLL_MS);
        if (world->failed) {
            break;
        }
        quiet = converge_reached(world, reason, sizeof reason) ? quiet + 1 : 0;
        if (quiet == QUIET_POLLS) {
            break;
        }
        if (world->now_ms - begin > within_ms) {
            char waits[1024];
            liveness_explain(world, waits, sizeof waits);
            world_fail(world, "converge", "after %llu s without faults, %s%s",
                (unsigned long long)(within_ms / 1000), reason, waits);
        }
    }
    return world->now_ms - begin;
}

static uint64_t run_until_quiet(struct world *world)
{
    return run_until_quiet_within(world, quiet_within_ms(world));
}

void run_check_end(struct world *world)
{
    converge_check_end(world);
    complete_check_end(world);
    order_check_log(world);
    if (world->mallory != NULL) {
        mallory_check_end(world);
    }
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        struct phone *phone = &world->phones[i];
        if (phone_counts(world, phone)) {
            order_check(world, phone, "at the end");
            if (!world->failed && world->mallory == NULL) {
                acknowledged_check_end(world, phone);
            }
        }
    }
}

/* What an enrolled device does to its own people need not heal: only safety is demanded. */
static void check_apart(struct world *world)
{
    mallory_check_end(world);
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        if (phone_counts(world, &world->phones[i])) {
            order_check(world, &world->phones[i], "at the end");
        }
    }
}

/* What is on disk must be what was shown. */
static void start_all_again(struct world *world)
{
    TRACE(world, "all # phones start again from their disks", world->phone_count);
    for (uint32_t i = 0; i < world->phone_count && !world->failed; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->stage == PHONE_JOINED && phone->device != NULL) {
            phone_kill(world, phone, true);
            phone_start(world, phone);
        }
    }
}

static void join_last(struct world *world)
{
    struct phone *phone = phone_add(world, 0);
    TRACE(world, "phone # is new and reads everything", phone->number);
    people_join_later(world, phone);
    (void)run_until_quiet(world);
    if (!world->failed) {
        mark(world, MARK_last_phone_joined);
    }
}

static void mark_crowded(struct world *world)
{
    if (world->options.phones == 8) {
        mark(world, MARK_eight_phones);
    }
    if (world->options.users == USERS_MAX) {
        mark(world, MARK_four_users);
    }
}

/* Options come from a command line or a file, too. */
static void check_options(struct world *world)
{
    for (size_t i = 0; i < options_count(); i++) {
        uint64_t least, most, value = *options_at(&world->options, i);
        mallory_option_range(i, &least, &most);
        if (value < least || value > most) {
            world_fail(world, "options",
                "there is no world with %s=%llu: it is at least %llu and at most %llu",
                options_name(i), (unsigned long long)value, (unsigned long long)least,
                (unsigned long long)most);
        }
    }
}

static void live(struct world *world, struct run_result *out_result)
{
    check_options(world);
    if (!world->failed) {
        sealing_check(world);
    }
    if (world->failed) {
        return;
    }
    run_begin(world);
    people_begin(world);
    process_faults_begin(world);
    mark_crowded(world);
    while (!world->failed && world->now_ms < world->options.minutes * 60000 + world->skipped_ms) {
        world_run(world, world->options.minutes * 60000 + world->skipped_ms);
    }
    if (world->failed) {
        return;
    }
    process_faults_end(world);
    if (world->mallory != NULL) {
        mallory_repents(world);
        if (!mallory_heals(world)) {
            world_run(world, world->now_ms + APART_MS);
            check_apart(world);
            return;
        }
    }
    out_result->quiet_after_ms = run_until_quiet(world);
    if (!world->failed && world->options.last_join != 0) {
        join_last(world);
    }
    if (!world->failed) {
        run_check_end(world);
    }
    if (!world->failed) {
        start_all_again(world);
        converge_check_end(world);
        complete_check_end(world);
    }
}

void run_in(struct world *world, struct run_result *out_result)
{
    *out_result = (struct run_result){.seed = world->seed};
    live(world, out_result);
    out_result->trace_hash = world->trace_hash;
    out_result->steps = world->steps;
    out_result->operations = world->operations;
    out_result->acts = world->acts;
    out_result->simulated_ms = world->now_ms;
    out_result->frames = world->frames;
    out_result->bytes_scanned = world->bytes_scanned;
    out_result->batches = world->server == NULL ? 0 : world->server->durable;
    out_result->verified = world->batches_verified;
    memcpy(out_result->marks, world->marks, sizeof world->marks);
    out_result->failed = world->failed;
    if (world->mallory != NULL) {
        out_result->misdeeds = world->mallory->misdeeds;
        out_result->strikes = world->mallory->strikes;
        out_result->named = world->mallory->named;
    }
    memcpy(out_result->claim, world->failure_claim, sizeof out_result->claim);
    memcpy(out_result->text, world->failure_text, sizeof out_result->text);
}

void run_once(uint64_t seed, const struct options *options, bool tracing, FILE *report,
    struct run_result *out_result)
{
    run_without(seed, options, NULL, tracing, report, out_result);
}

void run_without(uint64_t seed, const struct options *options, const struct skips *skips,
    bool tracing, FILE *report, struct run_result *out_result)
{
    struct world *world = world_create(seed, options, tracing);
    world->skips = skips;
    run_in(world, out_result);
    if (world->failed && report != NULL) {
        trace_print_tail(world, report);
    }
    world_destroy(world);
}
