/*
 * Carries out what the device asks for, and lets things go wrong round it.
 */
#include "phone.h"

#include "codec/frame.h"
#include "network/network.h"
#include "sync/device/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REDIAL_MIN_MS 500
#define REDIAL_MAX_MS 15000
#define LATE_TICKS_MAX 100u

static const struct quire_bytes nothing = {NULL, 0};

struct phone *phone_add(struct world *world, uint32_t user)
{
    assert(world->phone_count < PHONES_MAX);
    struct phone *phone = &world->phones[world->phone_count];
    *phone = (struct phone){.number = world->phone_count,
        .user = user,
        .helping = PHONES_MAX,
        .tick_at_ms = UINT64_MAX,
        .online = true};
    for (uint32_t i = 0; i < world->phone_count; i++) {
        phone->ordinal += world->phones[i].user == user;
    }
    world->phone_count++;
    world_entropy(world, phone->profile_key);
    uint64_t skew = world->options.skew_ms;
    phone->clock.skew_ms = (int64_t)prng_below(&world->people, 2 * skew + 1) - (int64_t)skew;
    phone->clock.frozen = prng_chance(&world->people, world->options.clock_frozen_ppm);
    phone->clock.frozen_at_ms = WALL_START_MS + phone->clock.skew_ms;
    return phone;
}

void phone_finish(struct phone *phone)
{
    quire_device_destroy(phone->device);
    disk_finish(&phone->disk);
    quire_buffer_finish(&phone->asked);
}

int64_t phone_wall_ms(const struct world *world, const struct phone *phone)
{
    return phone->clock.frozen ? phone->clock.frozen_at_ms
                               : WALL_START_MS + (int64_t)world->now_ms + phone->clock.skew_ms;
}

static uint64_t monotonic_ms(const struct world *world, const struct phone *phone)
{
    return world->now_ms + phone->monotonic_offset_ms;
}

static void random_bytes(struct world *world, const struct phone *phone, uint8_t out[32])
{
    world_entropy(world, out);
    if (phone->same_dice) {
        memcpy(out, phone->dice, sizeof phone->dice);
    }
}

struct quire_device_options phone_options(struct world *world, struct phone *phone)
{
    struct quire_device_options options = {
        .reader = disk_reader(&phone->disk),
        .wall_ms = phone_wall_ms(world, phone),
        .replica_record = {phone->replica_record, phone->replica_record_size},
    };
    memcpy(options.profile_key, phone->profile_key, sizeof options.profile_key);
    random_bytes(world, phone, options.entropy);
    return options;
}

/* ---- the disk -------------------------------------------------------------------------------- */

static void sync_later(struct world *world, struct phone *phone);

static bool waits(struct world *world, uint32_t number, const struct event *event)
{
    return world_wait(world, event, world->phones[number].paused_until_ms);
}

static void persisted(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (event->ticket != phone->life || waits(world, phone->number, event)) {
        return;
    }
    if (!world->healed && world->options.phone_fail_ppm > 0
        && prng_chance(&world->disk_chance, world->options.phone_fail_ppm)) {
        mark(world, MARK_phone_write_failed);
        TRACE(world, "phone # cannot write to its disk", phone->number);
        phone_kill(world, phone, false);
        OBSERVE(world, phone_disk_failed, phone);
        return;
    }
    phone->sync_at_ms = 0;
    uint64_t token = disk_sync(&phone->disk, event->number);
    OBSERVE(world, phone_synced, phone);
    sync_later(world, phone);
    if (token != 0) {
        (void)phone_step(
            world, phone, (struct quire_event){.kind = QUIRE_EVENT_PERSISTED, .token = token});
    }
}

static void sync_later(struct world *world, struct phone *phone)
{
    if (phone->sync_at_ms == 0 && phone->disk.waiting_count > 0) {
        phone->sync_at_ms =
            world->now_ms + prng_range(&world->disk_chance, 1, world->options.phone_disk_ms);
        world_later(world, phone->sync_at_ms, persisted, phone->number, phone->life,
            phone->disk.version, nothing);
    }
}

/* ---- the connection -------------------------------------------------------------------------- */

static void dial(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (event->ticket != phone->life || waits(world, phone->number, event)) {
        return;
    }
    phone->dial_asked = false;
    if (phone->device != NULL && phone->online && phone->link == 0 && !phone->dialing) {
        phone->dialing = true;
        network_dial(world, phone->number, phone->life);
    }
}

static void dial_later(struct world *world, struct phone *phone)
{
    if (phone->device == NULL || !phone->online || phone->link != 0 || phone->dialing
        || phone->dial_asked) {
        return;
    }
    uint64_t at = world->now_ms + prng_range(&world->network_chance, REDIAL_MIN_MS, REDIAL_MAX_MS);
    phone->dial_asked = true;
    world_later(world, at < phone->dial_not_before_ms ? phone->dial_not_before_ms : at, dial,
        phone->number, phone->life, 0, nothing);
}

static bool connected(struct world *world, uint32_t number, uint64_t life, uint64_t link)
{
    struct phone *phone = &world->phones[number];
    if (life != phone->life || !phone->online) {
        if (life == phone->life) {
            phone->dialing = false;
        }
        return false;
    }
    phone->dialing = false;
    phone->link = link;
    mark(world, MARK_connected);
    return true;
}

static void feed_connected(struct world *world, uint32_t number)
{
    (void)phone_step(world, &world->phones[number],
        (struct quire_event){
            .kind = QUIRE_EVENT_CONNECTED, .bytes = quire_bytes_of_text(SERVER_HOST)});
}

static void disconnected(struct world *world, uint32_t number, uint64_t life, uint64_t link)
{
    struct phone *phone = &world->phones[number];
    if (life != phone->life) {
        return;
    }
    phone->dialing = false;
    if (phone->link == link) {
        phone->link = 0;
        TRACE(world, "phone # is disconnected from connection #", number, link);
        (void)phone_step(world, phone, (struct quire_event){.kind = QUIRE_EVENT_DISCONNECTED});
    }
    dial_later(world, phone);
}

static void hears_frame(
    struct world *world, uint32_t number, uint64_t life, struct quire_bytes bytes)
{
    struct phone *phone = &world->phones[number];
    if (life == phone->life) {
        phone->heard_at_ms = world->now_ms;
        (void)phone_step(
            world, phone, (struct quire_event){.kind = QUIRE_EVENT_FRAME, .bytes = bytes});
    }
}

static uint64_t no_dial_until_ms(const struct world *world, uint32_t number)
{
    return world->phones[number].no_dial_until_ms;
}

static bool is_later(const struct world *world, uint32_t number)
{
    return world->phones[number].later;
}

const struct network_phones phone_network = {.waits = waits,
    .connected = connected,
    .feed_connected = feed_connected,
    .disconnected = disconnected,
    .frame = hears_frame,
    .no_dial_until_ms = no_dial_until_ms,
    .is_later = is_later};

void phone_set_online(struct world *world, struct phone *phone, bool online)
{
    phone->online = online;
    TRACE(world, "phone # online: #", phone->number, online);
    if (online) {
        dial_later(world, phone);
    } else {
        mark(world, MARK_phone_offline);
        if (phone->link != 0) {
            network_cut(world, phone->link);
        }
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void tick(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (event->ticket == phone->life && event->at_ms == phone->tick_at_ms) {
        if (world->now_ms < phone->paused_until_ms) {
            phone->tick_at_ms = phone->paused_until_ms;
            (void)waits(world, phone->number, event);
            return;
        }
        phone->tick_at_ms = UINT64_MAX;
        (void)phone_step(world, phone, (struct quire_event){.kind = QUIRE_EVENT_TICK});
    }
}

static void tick_later(struct world *world, struct phone *phone)
{
    uint64_t wake = quire_device_wake_ms(phone->device);
    if (wake == UINT64_MAX) {
        phone->tick_at_ms = UINT64_MAX;
        return;
    }
    uint64_t at = wake <= phone->monotonic_offset_ms ? 0 : wake - phone->monotonic_offset_ms;
    if (at <= world->now_ms) {
        at = world->now_ms + 1; /* a device that asks for the past gets the next millisecond */
        if (++phone->late_ticks > LATE_TICKS_MAX) {
            world_fail(world, "bounded",
                "phone %u wants a TICK at once, again and again: it would "
                "keep a processor busy",
                phone->number);
        }
    } else {
        phone->late_ticks = 0;
    }
    if (at != phone->tick_at_ms) {
        phone->tick_at_ms = at;
        world_later(world, at, tick, phone->number, phone->life, 0, nothing);
    }
}

static void remember_asking(
    const struct world *world, struct phone *phone, struct quire_bytes bytes)
{
    if (bytes.size > 1 && bytes.data[1] == QR_FRAME_SUB) {
        quire_buffer_clear(&phone->asked);
        phone->asked_at_ms = world->now_ms;
        (void)!quire_buffer_append(&phone->asked, bytes.data, bytes.size);
    }
}

static void expose(struct world *world, const struct quire_write *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        OBSERVE(world, bytes_exposed, "a key of a profile", writes[i].key);
        if (!writes[i].erase) {
            OBSERVE(world, bytes_exposed, "a record of a profile", writes[i].value);
        }
    }
}

static void carry_out(struct world *world, struct phone *phone, const struct quire_action *action)
{
    switch (action->kind) {
    case QUIRE_ACTION_PERSIST:
        expose(world, action->writes, action->write_count);
        OBSERVE(world, phone_writes, phone, action->writes, action->write_count);
        disk_write(&phone->disk, action->token, action->writes, action->write_count);
        sync_later(world, phone);
        break;
    case QUIRE_ACTION_SEND:
        if (phone->link != 0) {
            remember_asking(world, phone, action->bytes);
            OBSERVE(world, phone_sends, phone, action->bytes);
            network_send_up(world, phone->link, action->bytes);
        }
        break;
    case QUIRE_ACTION_CLOSE:
        TRACE(world, "phone # closes its connection, again after # ms", phone->number,
            action->retry_ms);
        phone->dial_not_before_ms = world->now_ms + action->retry_ms;
        if (phone->link != 0) {
            network_close_by_phone(world, phone->link);
        }
        break;
    case QUIRE_ACTION_REPLICA:
        assert(action->bytes.size <= sizeof phone->replica_record);
        memcpy(phone->replica_record, action->bytes.data, action->bytes.size);
        phone->replica_record_size = action->bytes.size;
        OBSERVE(world, bytes_exposed, "the replica record", action->bytes);
        break;
    case QUIRE_ACTION_NOTICE:
        TRACE(world, "phone # notices #: #", phone->number, action->notice, action->code);
        OBSERVE(world, phone_notice, phone, action);
        break;
    }
}

static void look_at_state(struct world *world, struct phone *phone)
{
    uint32_t redos = phone->state.lost_op_count;
    uint64_t unread = phone->state.unread_count;
    quire_device_state(phone->device, &phone->state);
    const struct quire_device_state *state = &phone->state;
    if (state->lost_op_count > redos) {
        TRACE(world, "phone # has # records to make again", phone->number, state->lost_op_count);
        mark(world, MARK_record_made_again);
    }
    if (state->unread_count > unread) {
        mark(world, MARK_batch_of_later_version_unread);
    } else if (state->unread_count < unread && phone->ahead) {
        mark(world, MARK_batch_of_later_version_read_later);
    }
    if (state->joined) {
        if (phone->stage != PHONE_JOINED) {
            phone->stage = PHONE_JOINED;
            TRACE(world, "phone # has joined", phone->number);
        }
    }
    OBSERVE(world, phone_state, phone);
}

static void carry_out_all(
    struct world *world, struct phone *phone, const struct quire_actions *actions)
{
    for (size_t i = 0; i < actions->count && !world->failed; i++) {
        carry_out(world, phone, &actions->items[i]);
    }
}

enum quire_status phone_step(struct world *world, struct phone *phone, struct quire_event event)
{
    assert(phone->device != NULL);
    event.now_ms = monotonic_ms(world, phone);
    event.wall_ms = phone_wall_ms(world, phone);
    random_bytes(world, phone, event.entropy);
    struct quire_actions actions = {NULL, 0};
    enum quire_status status = quire_device_step(phone->device, &event, &actions);
    if (status != QUIRE_OK && status != QUIRE_ESTATE) {
        world_fail(world, "device", "phone %u: a step with event %d ends with: %s", phone->number,
            event.kind, quire_status_text(status));
        return status;
    }
    if (status == QUIRE_OK) {
        carry_out_all(world, phone, &actions);
        look_at_state(world, phone);
    }
    tick_later(world, phone);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------ */

void phone_run(struct world *world, struct phone *phone, struct quire_device *device,
    const struct quire_actions *actions)
{
    phone->device = device;
    phone->newer = phone->later
        || (world->options.newer_ppm > 0 && prng_chance(&world->people, world->options.newer_ppm));
    phone->ahead = world->options.later_ppm > 0
        && (world->healed || prng_chance(&world->people, world->options.later_ppm));
    device->format = phone->ahead || phone->later ? LATER_VERSION : QR_BATCH_VERSION;
    device->ops_version = phone->ahead ? LATER_VERSION : 0;
    if (world->options.credit_kib > 0) {
        device->receive.credit = 1024 * world->options.credit_kib;
    }
    phone->life++;
    phone->link = 0;
    phone->paused_until_ms = 0;
    phone->dialing = phone->dial_asked = false;
    phone->tick_at_ms = UINT64_MAX;
    phone->sync_at_ms = 0;
    phone->dial_not_before_ms = 0;
    phone->helping = PHONES_MAX;
    if (actions != NULL) {
        carry_out_all(world, phone, actions);
    }
    look_at_state(world, phone);
    tick_later(world, phone);
    dial_later(world, phone);
}

void phone_start(struct world *world, struct phone *phone)
{
    if (phone->device != NULL || phone->stage == PHONE_AWAY) {
        return;
    }
    /* The clock of a process may begin anywhere. */
    phone->monotonic_offset_ms = prng_below(&world->disk_chance, UINT64_C(1) << 40);
    struct quire_device_options options = phone_options(world, phone);
    struct quire_device *device = NULL;
    enum quire_status status = quire_device_open(&options, &device);
    if (status == QUIRE_ENOTFOUND) {
        phone->stage = PHONE_BLANK;
        return;
    }
    if (status != QUIRE_OK) {
        world_fail(world, "device", "phone %u cannot open its own profile: %s", phone->number,
            quire_status_text(status));
        return;
    }
    TRACE(world, "phone # starts on disk version #, replica record of # bytes", phone->number,
        phone->disk.durable_version, phone->replica_record_size);
    phone_run(world, phone, device, NULL);
}

void phone_upgrade(struct world *world, struct phone *phone)
{
    if (world->options.later_ppm == 0 || phone->device == NULL || phone->ahead) {
        return;
    }
    TRACE(world, "phone # is upgraded", phone->number);
    if (phone->stage == PHONE_JOINED) {
        phone_kill(world, phone, false);
        phone_start(world, phone);
    } else {
        phone->ahead = true;
        phone->device->format = phone->device->ops_version = LATER_VERSION;
    }
}

void phone_kill(struct world *world, struct phone *phone, bool reboot)
{
    if (phone->device == NULL) {
        return;
    }
    mark(world, MARK_phone_killed);
    size_t waiting = phone->disk.waiting_count;
    size_t survivors = prng_below(&world->disk_chance, waiting + 1);
    if (waiting > 0) {
        mark(world, MARK_phone_killed_while_writing_to_disk);
    }
    if (survivors < waiting) {
        mark(world, MARK_phone_lost_unsynced_writes);
    }
    TRACE(world, "phone # is killed, reboot: #; # of # writes survive", phone->number, reboot,
        survivors, waiting);
    disk_crash(&phone->disk, survivors);
    if (reboot) {
        mark(world, MARK_phone_rebooted);
        phone->replica_record_size = 0;
    }
    quire_device_destroy(phone->device);
    phone->device = NULL;
    phone->life++;
    if (phone->link != 0) {
        network_phone_died(world, phone->link, reboot);
        phone->link = 0;
    }
    phone->state.connected = phone->state.caught_up = false;
    OBSERVE(world, phone_killed, phone);
}
