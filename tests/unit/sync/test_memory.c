/*
 * Without memory: each allocation of a session fails once. A device or hub that had none ends and begins again
 * from what it had made durable; nothing crashes, nothing leaks, and nothing that was saved or
 * acknowledged is lost or comes twice.
 */
#include "harness.h"
#include "sync/device/state.h"
#include "kit/rounds.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4}, other[QUIRE_ENTRY_SIZE] = {5};

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static struct {
    bool inside;
    uint64_t count;   /* of allocations inside of the core */
    uint64_t fail_at; /* the how-manieth fails, from 1; 0 none */
    int64_t blocks;   /* allocated and not freed, by all of this program */
} watch;

static bool allowed(void)
{
    return !watch.inside || ++watch.count != watch.fail_at;
}

void *__wrap_malloc(size_t size)
{
    void *block = allowed() ? __real_malloc(size) : NULL;
    watch.blocks += block != NULL;
    return block;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *block = allowed() ? __real_calloc(count, size) : NULL;
    watch.blocks += block != NULL;
    return block;
}

void *__wrap_realloc(void *old, size_t size)
{
    void *block = allowed() ? __real_realloc(old, size) : NULL;
    watch.blocks += old == NULL && block != NULL;
    return block;
}

void __wrap_free(void *block)
{
    watch.blocks -= block != NULL;
    __real_free(block);
}

static void core(bool inside)
{
    watch.inside = inside;
}

/* ---- a session -------------------------------------------------------------------------------- */

static void write(
    struct world *world, size_t person, const uint8_t *entry, const char *text, bool seal)
{
    while (!(seal ? world_type : world_keep)(world, person, entry, text)) {
    }
}

static void both_online(struct world *world, uint64_t ms)
{
    world_connect(world, 0);
    world_connect(world, 1);
    world_run(world, ms);
}

/* Everything once: both write offline and online, one begins again, the server loses its last
 * records, a third device is enrolled and revoked. */
static void session(struct world *world)
{
    write(world, 0, diary, "[offline-0]", true);
    write(world, 1, diary, "[offline-1]", true);
    both_online(world, 500);
    write(world, 0, diary, "[online-0]", true);
    write(world, 1, other, "[online-1]", true);
    world_run(world, 500);
    write(world, 1, diary, "[kept-1]", false);
    world_restart(world, 1, false);
    both_online(world, 500);
    world_restart_hub(world,
        world->server.log.durable > 6 ? world->server.log.durable - 2 : world->server.log.durable);
    both_online(world, 500);
    world_step(world, 0, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    world_step(world, 1, (struct quire_event){.kind = QUIRE_EVENT_FLUSH});
    world_run(world, 500);
}

static void count_words(struct world *world, size_t person, const uint8_t *entry,
    const char *const *words, size_t count)
{
    const char *text = world_text(world, person, entry);
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(text, words[i]);
        cr_assert_not_null(found, "allocation %llu: %s is lost in \"%s\"",
            (unsigned long long)watch.fail_at, words[i], text);
        length += strlen(words[i]);
    }
    cr_assert_eq(
        strlen(text), length, "allocation %llu: \"%s\"", (unsigned long long)watch.fail_at, text);
}

/* One session in which the n-th allocation fails; 0: none. How many there were. */
static uint64_t run_session(uint64_t fail_at)
{
    static const char *const in_diary[] = {"[offline-0]", "[offline-1]", "[online-0]", "[kept-1]"};
    static const char *const in_other[] = {"[online-1]"};
    struct world world;
    int64_t blocks = watch.blocks;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_disconnect(&world, 0);
    world_disconnect(&world, 1);

    watch.count = 0;
    watch.fail_at = fail_at;
    world.core = core;
    session(&world);
    uint64_t count = watch.count;
    world.core = NULL;

    for (int i = 0; i < 3; i++) { /* a device that was told to come back later does so */
        both_online(&world, 2000);
    }
    for (size_t i = 0; i < 2; i++) {
        struct quire_device_state state = world_state(&world, i);
        count_words(&world, i, diary, in_diary, 4);
        count_words(&world, i, other, in_other, 1);
        cr_assert_eq(state.unacknowledged_count, 0, "allocation %llu", (unsigned long long)fail_at);
        cr_assert(state.caught_up, "allocation %llu", (unsigned long long)fail_at);
        cr_assert_eq(
            state.alarms[QUIRE_ALARM_FORK], 0, "allocation %llu", (unsigned long long)fail_at);
        cr_assert_eq(state.alarms[QUIRE_ALARM_BAD_SIGNATURE], 0);
        cr_assert_eq(state.alarms[QUIRE_ALARM_ROSTER], 0);
    }
    world_finish(&world);
    cr_assert_eq(watch.blocks, blocks, "allocation %llu leaks", (unsigned long long)fail_at);
    return count;
}

Test(memory, any_allocation_of_a_session_may_fail)
{
    uint64_t count = run_session(0);
    cr_assert_gt(count, 500);
    for (uint64_t n = 1; n <= count + 50; n += KIT_FEWER) { /* beginning again allocates, too */
        run_session(n);
    }
}

/* ---- enrolling and revoking ------------------------------------------------------------------- */

static bool joined(const struct world *world, size_t person)
{
    return world->people[person].shell.device != NULL
        && world->people[person].shell.device->enrolment.role == ROLE_MEMBER;
}

static bool ready(const struct world *world, size_t person)
{
    const struct quire_device *device = world->people[person].shell.device;
    return device->link.state == LINK_READY && device->link.caught_up
        && device->append.kind == APPEND_NONE;
}

/* The old device shows a code, the new one takes it, until it has worked. */
static void pair(struct world *world, size_t old, size_t new)
{
    for (int tries = 0; tries < 10 && !joined(world, new); tries++) {
        world_drop(world, new);
        world_connect(world, old);
        world_run(world, 1000);
        if (!ready(world, old)) {
            continue;
        }
        world->people[old].shell.code[0] = 0;
        world_step(world, old, (struct quire_event){.kind = QUIRE_EVENT_PAIR_OPEN});
        world_run(world, 50);
        if (world->people[old].shell.code[0] != 0) {
            world_join(world, new, world->people[old].shell.code);
            world_connect(world, new);
            world_run(world, 1500);
        }
    }
    cr_assert(joined(world, new), "allocation %llu", (unsigned long long)watch.fail_at);
}

static void revoke(struct world *world, size_t by, const uint8_t *who)
{
    for (int tries = 0; tries < 10; tries++) {
        world_connect(world, by);
        world_run(world, 1500);
        if (!qr_roster_active(&world->people[by].shell.device->roster, who)) {
            return;
        }
        if (ready(world, by)) {
            struct quire_event event = {.kind = QUIRE_EVENT_REVOKE};
            memcpy(event.device, who, QUIRE_DEVICE_SIZE);
            world_step(world, by, event);
            world_run(world, 1500);
        }
    }
    cr_assert(false, "allocation %llu: never revoked", (unsigned long long)watch.fail_at);
}

static uint64_t run_roster(uint64_t fail_at)
{
    static const char *const words[] = {"[first]", "[before]", "[after]"};
    struct world world;
    uint8_t stolen[QUIRE_DEVICE_SIZE];
    int64_t blocks = watch.blocks;
    world_init(&world);
    world_account(&world, 0);
    write(&world, 0, diary, "[first]", true);
    world_pair(&world, 0, 1);
    write(&world, 1, diary, "[before]", true);
    world_run(&world, 2000);
    memcpy(stolen, world_state(&world, 1).device, sizeof stolen);
    world_drop(&world, 1);

    watch.count = 0;
    watch.fail_at = fail_at;
    world.core = core;
    revoke(&world, 0, stolen);
    pair(&world, 0, 2);
    write(&world, 0, diary, "[after]", true);
    world_run(&world, 1000);
    uint64_t count = watch.count;
    world.core = NULL;

    for (int i = 0; i < 3; i++) {
        world_connect(&world, 0);
        world_connect(&world, 2);
        world_run(&world, 2000);
    }
    for (size_t i = 0; i < 3; i += 2) {
        struct quire_device_state state = world_state(&world, i);
        count_words(&world, i, diary, words, 3);
        cr_assert_eq(state.unacknowledged_count, 0, "allocation %llu", (unsigned long long)fail_at);
        cr_assert_eq(state.epoch, 2, "allocation %llu", (unsigned long long)fail_at);
        cr_assert_eq(
            state.alarms[QUIRE_ALARM_ROSTER], 0, "allocation %llu", (unsigned long long)fail_at);
        cr_assert_eq(state.alarms[QUIRE_ALARM_UNREADABLE], 0);
        cr_assert_eq(state.alarms[QUIRE_ALARM_WITHHELD], 0);
    }
    world_finish(&world);
    cr_assert_eq(watch.blocks, blocks, "allocation %llu leaks", (unsigned long long)fail_at);
    return count;
}

Test(memory, any_allocation_of_enrolling_and_revoking_may_fail)
{
    uint64_t count = run_roster(0);
    cr_assert_gt(count, 200);
    for (uint64_t n = 1; n <= count + 50; n++) {
        run_roster(n);
    }
}

/* ---- history ---------------------------------------------------------------------------------- */

static bool count_version(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    cr_assert_eq(quire_document_text_length(document), 6 * version->number);
    ++*(size_t *)context;
    return true;
}

Test(memory, any_allocation_of_a_history_may_fail)
{
    struct world world;
    world_init(&world);
    watch.fail_at = 0;
    world_account(&world, 0);
    for (int i = 0; i < 40; i++) {
        world.wall_ms++; /* edits of one time are one version */
        write(&world, 0, diary, "[word]", true);
    }
    for (uint64_t n = 1;; n++) {
        size_t count = 0;
        uint64_t unreadable = 77;
        int64_t blocks = watch.blocks;
        watch.count = 0;
        watch.fail_at = n;
        core(true);
        enum quire_status status = quire_device_each_version(
            world.people[0].shell.device, diary, count_version, &count, &unreadable);
        core(false);
        cr_assert_eq(watch.blocks, blocks, "allocation %llu leaks", (unsigned long long)n);
        if (status == QUIRE_OK) {
            cr_assert_gt(n, 20, "a history allocates");
            cr_assert_eq(count, 40);
            cr_assert_eq(unreadable, 0);
            break;
        }
        cr_assert_eq(status, QUIRE_ENOMEM, "allocation %llu", (unsigned long long)n);
        cr_assert_eq(unreadable, 77, "outputs are untouched");
    }
    world_finish(&world);
}

/* ---- how a device comes to be ----------------------------------------------------------------- */

/* Which of the four ways; OK with a device, or ENOMEM and nothing. */
static enum quire_status begin(struct world *world, int way, struct quire_device **out_device)
{
    struct person *person = &world->people[way == 3 ? 0 : 1];
    struct quire_device_options options = world_options(world, person);
    struct quire_bytes name = quire_bytes_of_text("name");
    struct quire_actions actions;
    char kit[QUIRE_KIT_TEXT_SIZE];
    core(true);
    enum quire_status status = way == 0
        ? quire_device_init(&options, name, kit, out_device, &actions)
        : way == 1 ? quire_device_join(
              &options, name, quire_bytes_of_text("0123-4567-89AB-CDEF-GHJK"), out_device)
        : way == 2 ? quire_device_recover(
              &options, name, quire_bytes_of_text(world->people[0].kit), out_device)
                   : quire_device_open(&options, out_device);
    core(false);
    return status;
}

Test(memory, a_device_comes_to_be_whole_or_not_at_all)
{
    struct world world;
    world_init(&world);
    watch.fail_at = 0;
    world_account(&world, 0);
    write(&world, 0, diary, "[sealed]", true);
    write(&world, 0, diary, "[kept]", false);
    world_drop(&world, 0);
    for (int way = 0; way < 4; way++) {
        for (uint64_t n = 1;; n++) {
            struct quire_device *device = NULL;
            int64_t blocks = watch.blocks;
            watch.count = 0;
            watch.fail_at = n;
            enum quire_status status = begin(&world, way, &device);
            if (status == QUIRE_OK) {
                cr_assert_lt(watch.count, n);
                cr_assert_gt(n, 3, "way %d allocates", way);
                quire_device_destroy(device);
                break;
            }
            cr_assert_eq(status, QUIRE_ENOMEM, "way %d, allocation %llu: %s", way,
                (unsigned long long)n, quire_status_text(status));
            cr_assert_null(device);
            cr_assert_eq(
                watch.blocks, blocks, "way %d, allocation %llu leaks", way, (unsigned long long)n);
        }
    }
    world_finish(&world);
}

/* ---- searching -------------------------------------------------------------------------------- */

static bool count_hit(void *context, const struct quire_summary *summary)
{
    (void)summary;
    ++*(size_t *)context;
    return true;
}

Test(memory, any_allocation_of_a_search_may_fail)
{
    struct world world;
    world_init(&world);
    watch.fail_at = 0;
    world_account(&world, 0);
    char *text = calloc(1, 40001); /* too long to be indexed at once */
    memset(text, 'w', 40000);
    write(&world, 0, diary, text, true);
    write(&world, 0, other, "some words", true);
    free(text);
    world.core = core;
    for (uint64_t n = 1, indexed = 0;; n++) {
        size_t hits = 0;
        int64_t blocks = watch.blocks;
        watch.count = 0;
        watch.fail_at = n;
        if (!indexed) {
            uint64_t restarts = world.restarts;
            world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_INDEX});
            if (world.restarts == restarts) {
                cr_assert_gt(n, 10, "INDEX allocates");
                indexed = n;
                n = 0;
            }
            continue;
        }
        core(true);
        enum quire_status status = quire_device_search(
            world.people[0].shell.device, quire_bytes_of_text("some words"), count_hit, &hits);
        core(false);
        cr_assert_eq(watch.blocks, blocks, "allocation %llu leaks", (unsigned long long)n);
        if (status == QUIRE_OK) {
            cr_assert_gt(n, 4, "a search allocates");
            cr_assert_eq(hits, 1);
            break;
        }
        cr_assert_eq(status, QUIRE_ENOMEM, "allocation %llu", (unsigned long long)n);
    }
    world.core = NULL;
    world_finish(&world);
}
