/*
 * The words of a device's state are kept from one asking to the next, and are at each those that would be
 * made anew.
 */
#include "harness.h"
#include "sync/device/state.h"
#include <criterion/criterion.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {7};

/* Those of a process that begins now: it has kept none. */
static void words_of_new_process(
    struct world *world, size_t person, char out_words[QUIRE_WORDS_SIZE])
{
    struct quire_device_options options = world_options(world, &world->people[person]);
    struct quire_device *device = NULL;
    struct quire_device_state state;
    cr_assert_eq(quire_device_open(&options, &device), QUIRE_OK);
    quire_device_state(device, &state);
    memcpy(out_words, state.words, QUIRE_WORDS_SIZE);
    quire_device_destroy(device);
}

static void begin(struct world *world)
{
    world_init(world);
    world_account(world, 0);
    world_pair(world, 0, 1);
    world_type(world, 0, diary, "one ");
    world_run(world, 3000);
    world_type(world, 1, diary, "two ");
    world_run(world, 3000);
}

Test(words, are_those_of_a_new_process_after_each_edit)
{
    struct world world;
    begin(&world);
    char before[QUIRE_WORDS_SIZE] = "";
    for (size_t i = 0; i < 6; i++) {
        world_type(&world, i % 2, diary, "more ");
        world_run(&world, 3000);
        for (size_t person = 0; person < 2; person++) {
            char fresh[QUIRE_WORDS_SIZE];
            words_of_new_process(&world, person, fresh);
            cr_assert_str_eq(
                world_state(&world, person).words, fresh, "edit %zu, person %zu", i, person);
            cr_assert_str_eq(world_state(&world, person).words, fresh, "asked again");
        }
        cr_assert_str_neq(world_state(&world, 0).words, before, "edit %zu", i);
        strcpy(before, world_state(&world, 0).words);
    }
    world_finish(&world);
}

Test(words, are_others_when_any_head_is_another_or_gone_and_the_same_when_it_is_back)
{
    struct world world;
    begin(&world);
    struct quire_device *device = world.people[0].shell.device;
    char right[QUIRE_WORDS_SIZE];
    strcpy(right, world_state(&world, 0).words);
    cr_assert_eq(device->chains.count, 2);
    for (size_t i = 0; i < device->chains.count; i++) {
        struct device_chain *chain = &device->chains.items[i];
        uint64_t head = chain->head;
        chain->hash[QR_HASH_SIZE - 1] ^= 1;
        cr_assert_str_neq(world_state(&world, 0).words, right, "chain %zu", i);
        chain->hash[QR_HASH_SIZE - 1] ^= 1;
        cr_assert_str_eq(world_state(&world, 0).words, right);
        chain->head = 0;
        cr_assert_str_neq(world_state(&world, 0).words, right, "without chain %zu", i);
        chain->head = head;
        cr_assert_str_eq(world_state(&world, 0).words, right);
    }
    uint8_t *roster_head = device->roster.entries[device->roster.count - 1].hash;
    roster_head[0] ^= 1;
    cr_assert_str_neq(world_state(&world, 0).words, right, "another roster");
    roster_head[0] ^= 1;
    cr_assert_str_eq(world_state(&world, 0).words, right);
    world_finish(&world);
}
