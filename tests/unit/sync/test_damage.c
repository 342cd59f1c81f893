/*
 * A batch that a device cannot read back from its own disk: set aside, and mended by others.
 */
#include "harness.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4}, other[QUIRE_ENTRY_SIZE] = {5};

/* The batch of this number in that device's own chain. */
static struct quire_buffer *own_batch(struct world *world, size_t person, uint8_t seq)
{
    struct kit_table *table = &world->people[person].shell.table;
    uint8_t replica[QUIRE_REPLICA_SIZE], number[8] = {[7] = seq};
    struct quire_stamp stamp = quire_device_stamp(world->people[person].shell.device, 0);
    memcpy(replica, stamp.replica, sizeof replica);
    for (size_t i = 0; i < table->count; i++) {
        const struct quire_buffer *key = &table->records[i].key;
        if (key->size == 17 && key->data[0] == 'b' && memcmp(key->data + 1, replica, 8) == 0
            && memcmp(key->data + 9, number, 8) == 0) {
            return &table->records[i].value;
        }
    }
    cr_assert_fail("no batch %u", seq);
    return NULL;
}

static bool note_rejection(void *context, const struct quire_rejection *rejection)
{
    *(struct quire_rejection *)context = *rejection;
    return true;
}

static void online(struct world *world, size_t person, uint64_t ms)
{
    world_connect(world, person);
    world_run(world, ms);
}

static void damage(struct quire_buffer *value, int way)
{
    if (way == 0) {
        value->size = 20;
    } else if (way == 1) {
        value->data[32] ^= 0x40; /* its version */
    } else if (way == 2) {
        value->data[32 + 1 + 8 + 7] ^= 1; /* its number */
    } else {
        value->data[value->size - 70] ^= 2; /* what it says */
    }
}

Test(damage, a_batch_that_only_this_device_had_holds_up_its_chain_and_nothing_else)
{
    for (int way = 0; way < 4; way++) {
        struct world world;
        struct quire_rejection rejection = {0};
        world_init(&world);
        world_account(&world, 0);
        world_pair(&world, 0, 1);
        world_disconnect(&world, 0);
        world_disconnect(&world, 1);
        for (int i = 0; i < 3; i++) {
            world_type(&world, 0, diary, "mine ");
        }
        damage(own_batch(&world, 0, 2), way);
        world_type(&world, 1, other, "theirs");
        online(&world, 1, 3000);
        online(&world, 0, 10000);
        struct quire_device_state state = world_state(&world, 0);
        cr_assert(state.caught_up, "way %d", way);
        cr_assert_str_eq(world_text(&world, 0, other), "theirs", "what others wrote comes in");
        cr_assert_str_eq(
            world_text(&world, 0, diary), "mine mine mine ", "and nothing is lost here");
        cr_assert_eq(state.unacknowledged_count, 2, "the one before it went: %llu wait",
            (unsigned long long)state.unacknowledged_count);
        cr_assert_geq(state.not_on_server_count, 2);
        cr_assert_eq(state.alarms[QUIRE_ALARM_DAMAGED], 1);
        cr_assert_eq(state.alarms[QUIRE_ALARM_FORK], 0);
        quire_device_each_rejection(world.people[0].shell.device, note_rejection, &rejection);
        cr_assert_eq(rejection.seq, 2);
        cr_assert_str_eq(world_text(&world, 1, diary), "mine ");
        world_finish(&world);
    }
}

Test(damage, a_batch_that_another_device_has_is_mended_and_the_chain_goes_on)
{
    for (int way = 0; way < 4; way++) {
        struct world world;
        world_init(&world);
        world_account(&world, 0);
        world_pair(&world, 0, 1);
        size_t before = world.server.log.count;
        for (int i = 0; i < 4; i++) {
            world_type(&world, 0, diary, "mine ");
            world_run(&world, 2000);
        }
        world_disconnect(&world, 0);
        world_disconnect(&world, 1);
        world_type(&world, 0, diary, "alone ");
        struct quire_buffer whole = {0};
        struct quire_buffer *kept = own_batch(&world, 0, 2);
        cr_assert_eq(quire_buffer_append(&whole, kept->data, kept->size), QUIRE_OK);
        damage(kept, way);
        world_restart_hub(&world, before); /* it lost the chain */
        online(&world, 0, 10000);
        struct quire_device_state state = world_state(&world, 0);
        cr_assert_eq(state.alarms[QUIRE_ALARM_DAMAGED], 1);
        cr_assert_eq(state.unacknowledged_count, 4, "way %d", way);
        online(&world, 1, 5000); /* brings what it has */
        for (int i = 0; i < 3; i++) {
            online(&world, 0, 20000);
        }
        state = world_state(&world, 0);
        cr_assert_eq(state.unacknowledged_count, 0, "way %d: %llu wait", way,
            (unsigned long long)state.unacknowledged_count);
        kept = own_batch(&world, 0, 2);
        cr_assert(kept->size == whole.size && memcmp(kept->data, whole.data, whole.size) == 0);
        cr_assert_str_eq(world_text(&world, 1, diary), "mine mine mine mine alone ");
        cr_assert_eq(state.alarms[QUIRE_ALARM_FORK] + state.alarms[QUIRE_ALARM_BAD_SIGNATURE], 0);
        quire_buffer_finish(&whole);
        world_finish(&world);
    }
}
