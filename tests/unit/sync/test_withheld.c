/*
 * The omission rule: a device that was caught up long after our writes were acknowledged has seen them, or
 * the server kept them back. However long we write, whatever other devices had heard of before, and
 * whichever process of ours it is.
 */
#include "peer.h"
#include <criterion/criterion.h>

#define MINUTE_MS UINT64_C(60000)

static uint64_t withheld(struct world *world)
{
    return world_state(world, 0).alarms[QUIRE_ALARM_WITHHELD];
}

static const struct device_chain *own_chain(const struct world *world)
{
    const struct quire_device *device = world->people[0].shell.device;
    return device_chain_find(device, device->replica.id);
}

/* A minute in which we write, and the server says that it has it. */
static void write_for(struct world *world, int minutes)
{
    for (int i = 0; i < minutes; i++) {
        cr_assert(world_type(world, 0, hostile_diary, "more "));
        const struct device_chain *own = own_chain(world);
        struct qr_frame_range range = {.replica = own->replica, .to = own->head};
        struct qr_frame frame = {.type = QR_FRAME_ACK};
        frame.ack.ranges = &range;
        frame.ack.range_count = 1;
        liar_say(world, 0, &frame);
        world->wall_ms += (int64_t)MINUTE_MS;
    }
}

static struct qr_dep dep_of(const uint8_t *replica, uint64_t seq, const uint8_t *hash)
{
    struct qr_dep dep = {.seq = seq};
    memcpy(dep.replica, replica, QR_REPLICA_SIZE);
    memcpy(dep.hash, hash, QR_HASH_SIZE);
    return dep;
}

/* The next batch of the forger's chain, caught up then, with at most one cause. */
static void hear(
    struct world *world, struct forger *forger, uint64_t caught_up_at, const struct qr_dep *cause)
{
    struct plan plan = forge_plan(forger, hostile_diary, "theirs ");
    struct quire_buffer batch = {0};
    plan.caught_up_at = caught_up_at;
    if (cause != NULL) {
        plan.deps[plan.dep_count++] = *cause;
    }
    forge_batch(forger, &plan, &batch, forger->head);
    forger->seq++;
    uint64_t before = world_state(world, 0).batch_count;
    liar_delta(world, 0, &(struct quire_bytes){batch.data, batch.size}, 1);
    cr_assert_eq(world_state(world, 0).batch_count, before + 1);
    quire_buffer_finish(&batch);
}

static void hear_friend(struct world *world, struct forger *friend)
{
    const struct device_chain *own = own_chain(world);
    struct qr_dep cause = dep_of(own->replica, own->head, own->hash);
    hear(world, friend, (uint64_t)world->wall_ms, &cause);
}

static void begin(struct world *world)
{
    hostile_begin(world);
    liar_accept(world, 0);
    liar_want_nothing(world, 0);
}

/* When the friend was last heard, as `quire devices` shows it. */
static bool newest_of_others(void *context, const struct quire_device_info *info)
{
    int64_t *newest = context;
    *newest = !info->self && info->last_heard_ms > *newest ? info->last_heard_ms : *newest;
    return true;
}

static int64_t last_heard(struct world *world)
{
    int64_t newest = 0;
    cr_assert_eq(quire_device_each_device(world->people[0].shell.device, newest_of_others, &newest),
        QUIRE_OK);
    return newest;
}

Test(withheld, a_clock_that_is_years_ahead_was_heard_when_its_batch_came)
{
    struct world world;
    begin(&world);
    struct forger friend = peer_keys(&world, 1, 'f');
    const int64_t year_ms = INT64_C(365) * 24 * 60 * (int64_t)MINUTE_MS;
    write_for(&world, 1);
    hear_friend(&world, &friend);
    cr_assert_eq(last_heard(&world), world.wall_ms);
    hear(&world, &friend, (uint64_t)(world.wall_ms + 80 * year_ms), NULL);
    cr_assert_eq(last_heard(&world), world.wall_ms);
    world.wall_ms += 100 * (int64_t)MINUTE_MS;
    hear_friend(&world, &friend); /* its clock is right again */
    cr_assert_eq(last_heard(&world), world.wall_ms);
    /* Our own clock was ahead when the next came, and is set right. */
    int64_t right_ms = world.wall_ms;
    world.wall_ms += 80 * year_ms;
    hear_friend(&world, &friend);
    world.wall_ms = right_ms + (int64_t)MINUTE_MS;
    hear_friend(&world, &friend);
    cr_assert_eq(last_heard(&world), world.wall_ms);
    hostile_end(&world);
}

Test(withheld, who_writes_every_minute_still_notices_that_others_are_kept_from_it)
{
    struct world world;
    begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    uint64_t begin_ms = (uint64_t)world.wall_ms;
    write_for(&world, 40);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0);
    static const struct {
        uint64_t minutes, alarms;
    } rows[] = {{10, 0}, {20, 1}, {39, 2}};
    for (size_t i = 0; i < 3; i++) {
        if (i == 2) { /* another process that goes on with this chain knows it, too */
            world_restart(&world, 0, true);
            liar_accept(&world, 0);
        }
        hear(&world, &forger, begin_ms + rows[i].minutes * MINUTE_MS, NULL);
        cr_assert_eq(withheld(&world), rows[i].alarms, "row %zu", i);
    }
    hostile_end(&world);
}

/* What was acknowledged a day ago is known to a quarter of that. */
Test(withheld, who_writes_all_day_still_notices_what_others_missed_of_its_first_half)
{
    struct world world;
    begin(&world);
    struct forger early = peer_keys(&world, 1, 'e'), late = peer_keys(&world, 1, 'l');
    uint64_t begin_ms = (uint64_t)world.wall_ms;
    write_for(&world, 24 * 60);
    hear(&world, &early, begin_ms + 9 * MINUTE_MS, NULL);
    cr_assert_eq(withheld(&world), 0);
    hear(&world, &late, begin_ms + 12 * 60 * MINUTE_MS, NULL);
    cr_assert_eq(withheld(&world), 1);
    hostile_end(&world);
}

/* Four devices, two on either side: the others know an early batch of the nearer device, who has heard of
 * all that we wrote since. That is not to say that they have. */
Test(withheld, what_our_companion_knows_now_is_not_what_others_knew_of_it_then)
{
    struct world world;
    begin(&world);
    struct forger nearer = peer_keys(&world, 1, 'c'), other = peer_keys(&world, 1, 'o'),
                  honest = peer_keys(&world, 1, 'h');
    write_for(&world, 1);
    hear_friend(&world, &nearer);
    struct qr_dep early = dep_of(nearer.replica, nearer.seq, nearer.head), later = early;
    uint64_t begin_ms = (uint64_t)world.wall_ms;
    for (int i = 0; i < 40; i++) {
        write_for(&world, 1);
        hear_friend(&world, &nearer);
        later = i == 20 ? dep_of(nearer.replica, nearer.seq, nearer.head) : later;
    }
    hear(&world, &honest, begin_ms + 30 * MINUTE_MS, &later);
    cr_assert_eq(withheld(&world), 0);
    hear(&world, &other, begin_ms + 30 * MINUTE_MS, &early);
    cr_assert_eq(withheld(&world), 1);
    hostile_end(&world);
}

Test(withheld, what_others_knew_of_an_earlier_process_does_not_count_for_this_one)
{
    struct world world;
    begin(&world);
    struct forger friend = peer_keys(&world, 1, 'f');
    write_for(&world, 30);
    hear_friend(&world, &friend);
    world_restart(&world, 0, false);
    liar_accept(&world, 0);
    uint64_t begin_ms = (uint64_t)world.wall_ms;
    write_for(&world, 5);
    cr_assert_eq(own_chain(&world)->head, 5);
    hear(&world, &friend, begin_ms + 9 * MINUTE_MS, NULL);
    cr_assert_eq(withheld(&world), 0);
    hear(&world, &friend, begin_ms + 12 * MINUTE_MS, NULL);
    cr_assert_eq(withheld(&world), 1);
    hostile_end(&world);
}
