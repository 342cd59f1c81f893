/*
 * Mallory's life in a run: what she draws, when she begins, how she is judged.
 */
#include "mallory.h"

#include "checkers/checkers.h"
#include "people/model.h"
#include "network/network.h"
#include "server/server.h"
#include "sync/device/state.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTES 8
#define APPEND_RETRY_MS 1000 /* shorter: the server looks into its log meanwhile */
#define MOMENT_MS 6000       /* mean time between two moments */

static const struct quire_bytes nothing = {NULL, 0};

/* What else could be lost, late or odd would blur the verdict; there are other runs for it. So all
 * options are 0 but those of people, and of a line and disks that are only slow. */
static struct options calm(const struct options *drawn)
{
    return (struct options){.users = drawn->users,
        .entries = 1 + drawn->entries % 5,
        .flush_ppm = drawn->flush_ppm,
        .save_later_ppm = drawn->save_later_ppm,
        .delete_ppm = drawn->delete_ppm,
        .delay_ms = drawn->delay_ms,
        .jitter_ms = drawn->jitter_ms % 300,
        .retransmit_ppm = drawn->retransmit_ppm,
        .bytes_per_ms = 2000,
        .stall_length_s = 1,
        .offline_length_s = 1,
        .server_down_s = 1,
        .server_disk_ms = 10,
        .server_memory = 1024,
        .pushes_per_second = 10,
        .pushes_burst = 200,
        .verify_ms = 1,
        .phone_down_s = 1,
        .phone_disk_ms = drawn->phone_disk_ms,
        .pause_length_s = 1,
        .flap_length_s = 1,
        .half_length_s = 1,
        .last_join = drawn->last_join,
        .heal_cuts = drawn->heal_cuts};
}

void mallory_prepare(struct options *options, uint64_t number, uint64_t seed)
{
    const struct strategy *strategy = &strategies[number - 1];
    struct prng prng;
    prng_seed(&prng, seed, 90);
    *options = calm(options);
    options->mallory = number;
    options->minutes = strategy->minutes == 0 ? MINUTES : strategy->minutes;
    options->users = strategy->needs_others ? 2 : strategy->needs_revocation ? 1 : options->users;
    options->phones =
        prng_range(&prng, strategy->needs_traitor || strategy->needs_late_phone ? 3 : 2, 4);
    if (options->phones < strategy->phones_least) {
        options->phones = strategy->phones_least;
    }
    options->acts_per_minute = prng_range(&prng, 4, 12);
    options->writing_s = prng_range(&prng, 20, 120);
    options->resting_s = prng_range(&prng, 10, 60);
    options->revokes = strategy->needs_revocation;
    options->later_ppm = options->credit_kib = 0; /* she knows of neither */
    options->last_join = options->last_join && !strategy->stays_apart;
    options->limit_chains = strategy->limit_chains;
    /* Some runs have phones that come and go, which gives her more doors. */
    bool quiet =
        strategy->needs_revocation || strategy->needs_late_phone || strategy->needs_traitor;
    if (!quiet && prng_chance(&prng, 400000)) {
        options->cut_mean_s = prng_range(&prng, 40, 200);
    }
}

void mallory_option_range(size_t index, uint64_t *out_least, uint64_t *out_most)
{
    options_range(index, out_least, out_most);
    if (strcmp(options_name(index), "mallory") == 0) {
        *out_most = strategy_count;
    }
}

static void moment(struct world *world, const struct event *event)
{
    struct mallory *mallory = world->mallory;
    if (world->healed || world->failed || event->ticket != mallory->turn
        || !mallory_is_evil(world)) {
        return;
    }
    if (mallory->strategy->moment != NULL) {
        mallory->strategy->moment(world);
    }
    world_later(world, world->now_ms + prng_about(&mallory->chance, MOMENT_MS), moment, 0,
        mallory->turn, 0, nothing);
}

static void begin(struct world *world, const struct event *event)
{
    struct mallory *mallory = world->mallory;
    if (event->ticket != mallory->turn || !mallory_is_evil(world)) {
        return;
    }
    TRACE(world, "Mallory begins; her targets are #", mallory->target);
    if (mallory->strategy->begin != NULL) {
        mallory->strategy->begin(world);
    }
    moment(world, event);
}

void mallory_create(struct world *world)
{
    struct mallory *mallory = sim_alloc(sizeof *mallory);
    uint8_t entropy[QR_ENTROPY_SIZE];
    world->mallory = mallory;
    mallory->strategy = &strategies[world->options.mallory - 1];
    world->server->front = mallory->strategy->through_hub ? NULL : &mallory_front;
    world->server->guest = &intruder_guest;
    mallory->truth = truth_create();
    mallory->traitor = PHONES_MAX;
    mallory->space = sim_alloc(sizeof *mallory->space);
    prng_seed(&mallory->chance, world->seed, 91);
    prng_bytes(&mallory->chance, entropy, sizeof entropy);
    if (qr_vault_create(entropy, &mallory->own) != QUIRE_OK) {
        abort();
    }
    prng_bytes(&mallory->chance, mallory->replica, sizeof mallory->replica);
    if (world->interpreter != NULL) {
        mallory->begin_ms = UINT64_MAX;
        return;
    }
    uint32_t phones = (uint32_t)world->options.phones;
    uint32_t all = (UINT32_C(1) << phones) - 1; /* of the first user */
    mallory->target = 1 + (uint32_t)prng_below(&mallory->chance, all);
    mallory->rate_ppm = prng_range(&mallory->chance, 10000, PER_MILLION);
    uint64_t length_ms = world->options.minutes * 60000;
    mallory->begin_ms = prng_range(&mallory->chance, length_ms / 6, length_ms / 2);
    if (mallory->strategy->needs_traitor) {
        mallory->traitor = (uint32_t)prng_range(&mallory->chance, 1, phones - 1);
        mallory->target = all & ~(UINT32_C(1) << mallory->traitor);
    }
    if (mallory->strategy->needs_late_phone) {
        mallory->begin_ms = 1;
    }
    world_later(world, mallory->begin_ms, begin, 0, 0, 0, nothing);
}

void mallory_destroy(struct world *world)
{
    struct mallory *mallory = world->mallory;
    if (mallory == NULL) {
        return;
    }
    for (size_t i = 0; i < mallory->account_count; i++) {
        archive_finish(&mallory->accounts[i]);
    }
    for (size_t i = 0; i < mallory->session_count; i++) {
        free(mallory->sessions[i]);
    }
    for (size_t i = 0; i < MALLORY_SCRATCH_MAX; i++) {
        quire_buffer_finish(&mallory->scratch[i]);
    }
    free(mallory->sessions);
    free(mallory->space);
    qr_vault_destroy(mallory->own);
    intruder_finish(mallory->intruder);
    truth_destroy(mallory->truth);
    free(mallory);
    world->mallory = NULL;
}

bool mallory_heals(const struct world *world)
{
    return world->mallory == NULL || !world->mallory->strategy->stays_apart
        || world->mallory->misdeeds == 0;
}

void mallory_repents(struct world *world)
{
    struct mallory *mallory = world->mallory;
    TRACE(world, "Mallory is honest from now on, after # misdeeds", mallory->misdeeds);
    if (mallory->intruder != NULL) {
        intruder_leave(world);
    }
    for (uint32_t i = 0; i < world->phone_count; i++) {
        world->phones[i].same_dice = false;
    }
    for (size_t i = 0; i < mallory->session_count; i++) {
        struct session *session = mallory->sessions[i];
        if (session != NULL && session->stage == SESSION_READY) {
            session->position = 0;
            session->caught_up = false;
        }
    }
    for (size_t i = 0; i < mallory->account_count; i++) {
        mallory_pump(world, &mallory->accounts[i]);
    }
}

void mallory_turn(struct world *world, uint64_t strategy, uint32_t target, uint32_t traitor)
{
    struct mallory *mallory = world->mallory;
    mallory->strategy = &strategies[strategy - 1];
    mallory->target = target;
    mallory->traitor = traitor;
    mallory->rate_ppm = PER_MILLION;
    mallory->begin_ms = world->now_ms;
    mallory->struck_once = mallory->has_cut = false;
    mallory->roster_cut = 0;
    mallory->strikes = mallory->misdeeds = 0;
    memset(mallory->alarms, 0, sizeof mallory->alarms);
    world_later(world, world->now_ms, begin, 0, ++mallory->turn, 0, nothing);
}

void mallory_turns_honest(struct world *world)
{
    world->mallory->begin_ms = UINT64_MAX;
    mallory_repents(world);
}

void mallory_breach(struct world *world, const char *format, ...)
{
    char text[256];
    va_list arguments;
    world->mallory->breaches++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!world->mallory->counting) {
        world_fail(world, "mallory", "%s", text);
    }
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static void check_alarm(struct world *world, const struct phone *phone, uint32_t alarm)
{
    struct mallory *mallory = world->mallory;
    const struct strategy *strategy = mallory->strategy;
    uint32_t allowed = mallory->misdeeds > 0 ? strategy->must | strategy->may : 0;
    if (world->marks[MARK_revoked] > 0) {
        allowed |= UINT32_C(1) << QUIRE_ALARM_REVOKED_WRITE;
    }
    mallory->alarms[alarm < QUIRE_ALARM_COUNT ? alarm : 0]++;
    if ((allowed & UINT32_C(1) << alarm) == 0 && !mallory->counting
        && world->interpreter == NULL) { /* a story says itself which ones it expects */
        world_fail(world, "alarms", "phone %u raises a false alarm: %s", phone->number,
            quire_alarm_text(alarm));
    }
}

/* How far a list goes beyond what the phone has; 0: it has all of it. */
static uint64_t lacks(
    const struct phone *phone, const struct session *session, const struct named *named)
{
    for (size_t i = 0; i < named->count; i++) {
        const uint8_t *replica = named->chains[i].replica;
        const struct device_chain *chain = device_chain_find(phone->device, replica);
        const struct given *given = archive_find(session->account, replica, named->chains[i].seq);
        bool shut_out = given != NULL && !qr_roster_active(&phone->device->roster, given->device);
        if ((chain == NULL || chain->head < named->chains[i].seq) && !shut_out) {
            return named->chains[i].seq;
        }
    }
    return 0;
}

/* A device that says it has all must have what one of the last lists named. */
static void check_caught_up(struct world *world, const struct phone *phone)
{
    const struct session *session = mallory_session_of(world, phone->number);
    uint64_t seq = 0;
    for (size_t i = 0; session != NULL && i < session->named_count && i < NAMED_LISTS; i++) {
        seq = lacks(phone, session, &session->named[i]);
        if (seq == 0) {
            return;
        }
    }
    if (seq != 0) {
        mallory_breach(world,
            "phone %u says that it has everything, and lacks batch %llu of a "
            "chain that was named to it",
            phone->number, (unsigned long long)seq);
    }
}

static void noticed(struct world *world, struct phone *phone, const struct quire_action *notice)
{
    switch (notice->notice) {
    case QUIRE_NOTICE_CAUGHT_UP: check_caught_up(world, phone); break;
    case QUIRE_NOTICE_REFUSED: world->mallory->refused++; break;
    case QUIRE_NOTICE_ALARM: check_alarm(world, phone, notice->code); break;
    default: break;
    }
}

/* Records that phones append at an honest server are true. */
static void server_hears(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    struct qr_frame frame;
    if (link >= SERVER_GUEST_LINK || qr_frame_read(bytes, world->mallory->space, &frame) != QUIRE_OK
        || frame.type != QR_FRAME_ROSTER_APPEND) {
        return;
    }
    world->mallory->append_link = link;
    for (size_t i = 0; i < frame.roster_append.record_count; i++) {
        /* Of whose account: a record is taken by no other. */
        for (uint32_t user = 0; user < world->options.users; user++) {
            truth_record(world, user, frame.roster_append.records[i]);
        }
    }
}

/* What a device of hers uses up at an honest server must cost no other device. */
static void server_sends(struct world *world, uint64_t link, struct quire_bytes bytes)
{
    struct mallory *mallory = world->mallory;
    struct qr_frame frame;
    if (link >= SERVER_GUEST_LINK || bytes.size < 2 || bytes.data[1] != QR_FRAME_ERROR
        || world->network->links[link - 1].phone == mallory->traitor
        || qr_frame_read(bytes, mallory->space, &frame) != QUIRE_OK) {
        return;
    }
    if (frame.error.code == QR_ERROR_CHAINS) {
        mallory_breach(world, "phone %u gets no chain, since another device has them all",
            world->network->links[link - 1].phone);
    }
    if (frame.error.code == QR_ERROR_RATE && frame.error.replica == NULL
        && link == mallory->append_link && frame.error.retry_ms > APPEND_RETRY_MS) {
        mallory_breach(world,
            "phone %u may change the roster no more, since another device did too often",
            world->network->links[link - 1].phone);
    }
}

static void server_writes(struct world *world, const struct qr_log_record *record)
{
    if (record->entry.kind == QR_LOG_BATCH) {
        truth_stored(world, record->user, record->bytes);
    }
}

static void phone_sends(struct world *world, struct phone *phone, struct quire_bytes bytes)
{
    truth_check_secrets(world, phone, bytes);
}

const struct observer mallory_observer = {.phone_notice = noticed,
    .phone_writes = truth_check_writes,
    .phone_sends = phone_sends,
    .phone_state = truth_check_roster,
    .server_hears = server_hears,
    .server_sends = server_sends,
    .server_writes = server_writes};

void mallory_check_end(struct world *world)
{
    struct mallory *mallory = world->mallory;
    const struct strategy *strategy = mallory->strategy;
    uint64_t named = strategy->refused ? mallory->refused : 0;
    for (uint32_t i = 0; i < QUIRE_ALARM_COUNT; i++) {
        named += (strategy->must & UINT32_C(1) << i) != 0 ? mallory->alarms[i] : 0;
    }
    mallory->named = named;
    if (strategy->must == 0 && !strategy->refused) {
        mallory->strikes = 0; /* no device need notice */
    }
    if (mallory->strikes > 0 && named == 0) {
        world_fail(world, "mallory", "no device noticed %llu misdeeds (Mallory %s)",
            (unsigned long long)mallory->strikes, strategy->text);
    }
}
