/*
 * When people write, and how they get from one phone to several.
 */
#include "people.h"

#include "model.h"
#include "codec/frame.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TRY_AGAIN_MS 8000    /* mean time between two attempts to join */
#define ATTEMPT_MS 90000     /* an attempt to join that takes longer is given up */
#define PATIENCE_MS 300000   /* mean time that a person waits for a server to know a phone again */
#define LATE_START_MS 120000 /* the other phones come within this time */

static const struct quire_bytes nothing = {NULL, 0};

/* ---- writing --------------------------------------------------------------------------------- */

static void writes(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    struct options *options = &world->options;
    if (world->healed) {
        return;
    }
    uint64_t until = event->number;
    uint64_t next;
    if (world->now_ms < phone->paused_until_ms) {
        next = phone->paused_until_ms; /* it takes no input */
    } else if (world->now_ms < until) {
        if (world_operation(world)) {
            people_write(world, phone);
        }
        next = world->now_ms + prng_about(&world->rhythm, 60000 / options->acts_per_minute);
    } else {
        next = world->now_ms + prng_about(&world->rhythm, 1000 * options->resting_s);
        until = next + prng_about(&world->rhythm, 1000 * options->writing_s);
    }
    world_later(world, next, writes, phone->number, 0, until, nothing);
}

void people_clone_writes(struct world *world, struct phone *phone)
{
    world_later(world, world->now_ms + prng_about(&world->people, 1000 * world->options.resting_s),
        writes, phone->number, 0, 0, nothing);
}

/* ---- joining --------------------------------------------------------------------------------- */

static void device_name(const struct phone *phone, char out[64])
{
    /* Letters of the pool, so that a name in the clear would be seen as a leak. */
    size_t size = 0;
    for (uint32_t i = 0; i < 5; i++) {
        size += letter_write(POOL_FIRST + 4 * POOL_SIZE + i, (uint8_t *)out + size);
    }
    snprintf(out + size, 64 - size, " %u", phone->number);
}

void people_make_account(struct world *world, struct phone *phone)
{
    struct user *user = &world->model->users[phone->user];
    struct quire_device_options options = phone_options(world, phone);
    struct quire_device *device = NULL;
    struct quire_actions actions = {NULL, 0};
    char name[64];
    device_name(phone, name);
    enum quire_status status =
        quire_device_init(&options, quire_bytes_of_text(name), user->kit, &device, &actions);
    if (status != QUIRE_OK) {
        world_fail(world, "device", "phone %u cannot make an account: %s", phone->number,
            quire_status_text(status));
        return;
    }
    user->has_kit = true;
    phone_run(world, phone, device, &actions);
}

/* Its first phone died before anything of it was durable: there is no such account. */
static bool has_no_account(const struct world *world, uint32_t user)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        const struct phone *phone = &world->phones[i];
        if (phone->user == user
            && (phone->stage == PHONE_JOINED || phone->disk.durable.count > 0)) {
            return false;
        }
    }
    return true;
}

static struct phone *find_helper(struct world *world, uint32_t user)
{
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone->user == user && phone->stage == PHONE_JOINED && phone->device != NULL
            && world->now_ms >= phone->paused_until_ms && phone->state.connected && !phone->revoked
            && phone->helping == PHONES_MAX) {
            return phone;
        }
    }
    return NULL;
}

static void give_up(struct world *world, struct phone *phone)
{
    if (phone->stage == PHONE_JOINING) {
        TRACE(world, "phone # gives up joining", phone->number);
        phone_kill(world, phone, false);
        phone->stage = PHONE_BLANK;
        phone_start(world, phone); /* unless it was enrolled after all */
    }
    for (uint32_t i = 0; i < world->phone_count; i++) {
        if (world->phones[i].helping == phone->number) {
            world->phones[i].helping = PHONES_MAX;
            if (world->phones[i].device != NULL) {
                (void)phone_step(
                    world, &world->phones[i], (struct quire_event){.kind = QUIRE_EVENT_PAIR_CLOSE});
            }
        }
    }
}

static void begin_joining(struct world *world, struct phone *phone, struct quire_device *device)
{
    phone->stage = PHONE_JOINING;
    phone->trying_until_ms = world->now_ms + ATTEMPT_MS;
    phone_run(world, phone, device, NULL);
}

void people_join_by_kit(struct world *world, struct phone *phone)
{
    struct user *user = &world->model->users[phone->user];
    struct quire_device_options options = phone_options(world, phone);
    struct quire_device *device = NULL;
    char name[64];
    device_name(phone, name);
    enum quire_status status = quire_device_recover(
        &options, quire_bytes_of_text(name), quire_bytes_of_text(user->kit), &device);
    if (status != QUIRE_OK) {
        world_fail(world, "device", "phone %u cannot recover by the kit: %s", phone->number,
            quire_status_text(status));
        return;
    }
    TRACE(world, "phone # joins by the kit", phone->number);
    mark(world, MARK_joined_by_kit);
    begin_joining(world, phone, device);
}

/* It has a profile, and the server does not know it: it is enrolled again as it is. */
static void rejoin(struct world *world, struct phone *phone, struct quire_bytes code)
{
    uint8_t entropy[QUIRE_ENTROPY_SIZE];
    if (phone->device == NULL || phone->state.connected || phone->state.revoked) {
        return;
    }
    phone_kill(world, phone, false); /* the person ends the app and takes another command */
    phone_start(world, phone);
    world_entropy(world, entropy);
    if (phone->device == NULL || world->failed) {
        return;
    }
    enum quire_status status = quire_device_rejoin(phone->device, code, entropy);
    if (status != QUIRE_OK) {
        world_fail(world, "device", "phone %u cannot be enrolled again: %s", phone->number,
            quire_status_text(status));
    }
    TRACE(world, "phone # is enrolled again by a code", phone->number);
    mark(world, MARK_rejoined);
}

static void has_code(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (phone->stage == PHONE_JOINED && phone->unknown) {
        rejoin(world, phone, (struct quire_bytes){event->bytes, event->size});
        return;
    }
    if (phone->stage != PHONE_BLANK || phone->device != NULL) {
        return;
    }
    struct quire_device_options options = phone_options(world, phone);
    struct quire_device *device = NULL;
    char name[64];
    device_name(phone, name);
    enum quire_status status = quire_device_join(&options, quire_bytes_of_text(name),
        (struct quire_bytes){event->bytes, event->size}, &device);
    if (status != QUIRE_OK) {
        world_fail(world, "device", "phone %u cannot join by a code: %s", phone->number,
            quire_status_text(status));
        return;
    }
    TRACE(world, "phone # joins by a code", phone->number);
    mark(world, MARK_joined_by_code);
    begin_joining(world, phone, device);
}

enum quire_status people_pair(struct world *world, struct phone *helper, struct phone *phone)
{
    TRACE(world, "phone # shows a code to phone #", helper->number, phone->number);
    helper->helping = phone->number;
    phone->trying_until_ms = world->now_ms + ATTEMPT_MS;
    return phone_step(world, helper, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
}

static void try_to_join(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    struct user *user = &world->model->users[phone->user];
    if (phone->stage == PHONE_JOINED || phone->stage == PHONE_AWAY) {
        return;
    }
    people_join_later(world, phone);
    if (world->now_ms >= phone->trying_until_ms) {
        give_up(world, phone);
    }
    if (phone->ordinal == 0 && phone->stage == PHONE_BLANK && has_no_account(world, phone->user)) {
        user->made = user->has_kit = false;
        people_make_account(world, phone);
        return;
    }
    if (phone->stage != PHONE_BLANK || world->now_ms < phone->trying_until_ms || !user->made) {
        return;
    }
    if (user->has_kit && (user->alone || prng_chance(&world->people, world->options.recover_ppm))) {
        people_join_by_kit(world, phone);
        return;
    }
    struct phone *helper = find_helper(world, phone->user);
    if (helper != NULL) {
        (void)people_pair(world, helper, phone);
    }
}

void people_join_later(struct world *world, struct phone *phone)
{
    world_later(world, world->now_ms + prng_about(&world->people, TRY_AGAIN_MS), try_to_join,
        phone->number, 0, 0, nothing);
}

/* The server knows none of the phones that are left: the kit enrols a new one, which helps them. */
static void take_new_phone(struct world *world, uint32_t number)
{
    struct user *user = &world->model->users[number];
    if (!user->has_kit || user->full || user->alone || world->phone_count + 2 > PHONES_MAX) {
        return;
    }
    user->alone = true;
    struct phone *phone = phone_add(world, number);
    TRACE(world, "phone # is new, since the server knows none of the others", phone->number);
    people_join_by_kit(world, phone);
    people_join_later(world, phone);
}

static void try_to_rejoin(struct world *world, const struct event *event)
{
    struct phone *phone = &world->phones[event->actor];
    if (phone->stage != PHONE_JOINED || phone->state.connected || phone->state.revoked
        || phone->revoked) {
        phone->unknown = false;
        return;
    }
    world_later(world, world->now_ms + prng_about(&world->people, TRY_AGAIN_MS), try_to_rejoin,
        phone->number, 0, 0, nothing);
    struct phone *helper = find_helper(world, phone->user);
    if (helper != NULL && helper != phone && world->now_ms >= phone->trying_until_ms) {
        give_up(world, phone);
        (void)people_pair(world, helper, phone);
    } else if (helper == NULL && world->healed) {
        take_new_phone(world, phone->user);
    }
}

/* The server that it was enrolled on forgot that, and so did or will everybody who knew. */
static void is_unknown(struct world *world, struct phone *phone)
{
    if (phone->stage == PHONE_JOINED && !phone->unknown) {
        phone->unknown = true;
        world_later(world, world->now_ms + prng_about(&world->people, PATIENCE_MS), try_to_rejoin,
            phone->number, 0, 0, nothing);
    }
}

/* ---- revoking -------------------------------------------------------------------------------- */

enum quire_status people_revoke_one(struct world *world, struct phone *by, struct phone *target)
{
    TRACE(world, "phone # revokes phone #", by->number, target->number);
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (memcmp(phone->state.device, target->state.device, QUIRE_DEVICE_SIZE) == 0) {
            model_revoked(world, phone, by); /* its clones, too */
        }
    }
    struct quire_event event = {.kind = QUIRE_EVENT_REVOKE};
    memcpy(event.device, target->state.device, QUIRE_DEVICE_SIZE);
    return phone_step(world, by, event);
}

void people_revoke(struct world *world, uint32_t user)
{
    struct phone *by = find_helper(world, user);
    struct phone *target = NULL;
    for (uint32_t i = 0; i < world->phone_count; i++) {
        struct phone *phone = &world->phones[i];
        if (phone != by && phone->user == user && phone->stage == PHONE_JOINED && !phone->revoked
            && !phone->clone && phone->ordinal > 0) {
            target = phone; /* the last one */
        }
    }
    if (by == NULL || target == NULL || !by->state.caught_up
        || memcmp(by->state.device, target->state.device, QUIRE_DEVICE_SIZE) == 0) {
        return;
    }
    (void)people_revoke_one(world, by, target);
}

/* ---- being told ------------------------------------------------------------------------------ */

static void noticed(struct world *world, struct phone *phone, const struct quire_action *action)
{
    switch (action->notice) {
    case QUIRE_NOTICE_PAIR_CODE:
        if (phone->helping != PHONES_MAX) { /* a person reads and types it: a few seconds */
            world_later(world, world->now_ms + prng_range(&world->people, 2000, 15000), has_code,
                phone->helping, 0, 0, action->bytes);
        }
        break;
    case QUIRE_NOTICE_PAIRED: phone->helping = PHONES_MAX; break;
    case QUIRE_NOTICE_PAIR_FAILED:
        mark(world, MARK_pairing_failed);
        if (action->code == QUIRE_ELIMIT) { /* attempts that were given up left devices behind */
            mark(world, MARK_roster_full);
            world->model->users[phone->user].full = true;
        }
        phone->helping = PHONES_MAX;
        phone->trying_until_ms = world->now_ms;
        break;
    case QUIRE_NOTICE_DEVICE_REVOKED: mark(world, MARK_revoked); break;
    case QUIRE_NOTICE_REVOKE_FAILED: mark(world, MARK_revoke_failed); break;
    case QUIRE_NOTICE_UPLOADED: mark(world, MARK_uploaded); break;
    case QUIRE_NOTICE_REJECTED: mark(world, MARK_batch_rejected); break;
    case QUIRE_NOTICE_REFUSED:
        mark(world, MARK_refused_by_server);
        if (action->code == QR_ERROR_AUTH || action->code == QR_ERROR_UNKNOWN_USER
            || action->code == QR_ERROR_UNKNOWN_DEVICE) {
            is_unknown(world, phone);
        }
        break;
    default: break;
    }
}

const struct observer people_observer = {.phone_notice = noticed};

void people_begin(struct world *world)
{
    for (uint32_t user = 0; user < world->options.users; user++) {
        for (uint64_t i = 0; i < world->options.phones; i++) {
            struct phone *phone = phone_add(world, user);
            if (i == 0) {
                people_make_account(world, phone);
            } else {
                world_later(world, prng_below(&world->people, LATE_START_MS), try_to_join,
                    phone->number, 0, 0, nothing);
            }
            world_later(world, prng_below(&world->people, 1000 * world->options.resting_s), writes,
                phone->number, 0, 0, nothing);
        }
    }
}
