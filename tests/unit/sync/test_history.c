/*
 * Versions of an entry: told from the batches that are kept.
 */
#include "harness.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t diary[QUIRE_ENTRY_SIZE] = {1, 2, 3, 4}, other[QUIRE_ENTRY_SIZE] = {5};

struct told {
    size_t count, stop_after; /* 0: never */
    struct {
        uint8_t id[QUIRE_VERSION_SIZE];
        uint8_t device[QUIRE_DEVICE_SIZE];
        uint8_t digest[32];
        int64_t wall_ms;
        char text[256];
    } versions[128];
    uint64_t unreadable;
};

static bool tell(
    void *context, const struct quire_version *version, const struct quire_document *document)
{
    struct told *told = context;
    struct quire_buffer text = {0};
    cr_assert_lt(told->count, 128);
    memcpy(told->versions[told->count].id, version->id, QUIRE_VERSION_SIZE);
    memcpy(told->versions[told->count].device, version->device, QUIRE_DEVICE_SIZE);
    told->versions[told->count].wall_ms = version->wall_ms;
    cr_assert_eq(quire_document_digest(document, told->versions[told->count].digest), QUIRE_OK);
    cr_assert_eq(quire_document_text(document, &text), QUIRE_OK);
    snprintf(told->versions[told->count].text, 256, "%.*s", (int)text.size,
        text.size > 0 ? (const char *)text.data : "");
    quire_buffer_finish(&text);
    told->count++;
    cr_assert_eq(version->number, told->count);
    return told->count != told->stop_after;
}

static struct told *history(
    struct world *world, size_t person, const uint8_t *entry, size_t stop_after)
{
    static struct told told[2];
    struct told *out = &told[person];
    *out = (struct told){.stop_after = stop_after};
    cr_assert_eq(quire_device_each_version(
                     world->people[person].shell.device, entry, tell, out, &out->unreadable),
        QUIRE_OK);
    return out;
}

Test(history, each_sealing_is_a_version_and_what_is_not_sealed_is_none)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    cr_assert_eq(history(&world, 0, diary, 0)->count, 0);
    world_type(&world, 0, diary, "One. ");
    world_type(&world, 0, other, "elsewhere");
    world.wall_ms += 60000;
    world_type(&world, 0, diary, "Two. ");
    world_keep(&world, 0, diary, "Three.");
    struct told *told = history(&world, 0, diary, 0);
    cr_assert_eq(told->count, 2);
    cr_assert_str_eq(told->versions[0].text, "One. ");
    cr_assert_str_eq(told->versions[1].text, "One. Two. ");
    cr_assert_eq(told->versions[1].wall_ms - told->versions[0].wall_ms, 60000);
    cr_assert_eq(told->unreadable, 0);
    world_restart(&world, 0, false);
    cr_assert_eq(history(&world, 0, diary, 0)->count, 2, "opening it again changes nothing");
    cr_assert_eq(history(&world, 0, diary, 1)->count, 1, "it ends when the visitor says so");
    world_finish(&world);
}

Test(history, two_devices_with_the_same_batches_tell_the_same_versions_whatever_their_clocks)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    struct kit_random random = {7};
    int64_t wall_ms = world.wall_ms;
    for (int turn = 0; turn < 60; turn++) {
        char text[16];
        size_t person = kit_random_below(&random, 2);
        /* The laptop's clock is an hour fast, and both jump: deps come before effects all the same. */
        world.wall_ms = wall_ms + turn * 1000 + (person == 1 ? 3600000 : 0)
            - (int64_t)kit_random_below(&random, 100000);
        if (kit_random_below(&random, 4) == 0) {
            world_disconnect(&world, person);
        }
        snprintf(text, sizeof text, "%d,", turn);
        world_type(&world, person, kit_random_below(&random, 8) == 0 ? other : diary, text);
        if (kit_random_below(&random, 2) == 0) {
            world_connect(&world, person);
            world_run(&world, 200);
        }
    }
    for (int i = 0; i < 3; i++) {
        world_connect(&world, 0);
        world_connect(&world, 1);
        world_run(&world, 5000);
    }
    struct told *mine = history(&world, 0, diary, 0), *theirs = history(&world, 1, diary, 0);
    cr_assert_gt(mine->count, 30);
    cr_assert_eq(mine->count, theirs->count);
    cr_assert_eq(mine->unreadable + theirs->unreadable, 0);
    size_t turns_of_replicas = 0;
    for (size_t i = 0; i < mine->count; i++) {
        cr_assert(memcmp(mine->versions[i].id, theirs->versions[i].id, QUIRE_VERSION_SIZE) == 0);
        cr_assert_str_eq(mine->versions[i].text, theirs->versions[i].text);
        turns_of_replicas += i > 0
            && memcmp(mine->versions[i].device, mine->versions[i - 1].device, QUIRE_DEVICE_SIZE)
                != 0;
    }
    cr_assert_gt(turns_of_replicas, 5, "both wrote, in turns");
    uint8_t digest[32];
    struct quire_document *document;
    cr_assert_eq(
        quire_device_document(world.people[0].shell.device, diary, false, &document), QUIRE_OK);
    cr_assert_eq(quire_document_digest(document, digest), QUIRE_OK);
    cr_assert(memcmp(digest, mine->versions[mine->count - 1].digest, sizeof digest) == 0,
        "the last version is what the entry shows");
    world_finish(&world);
}

Test(history, an_effect_whose_clock_is_earlier_than_its_deps_waits_for_it)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_type(&world, 0, diary, "cause ");
    world_connect(&world, 0);
    world_connect(&world, 1);
    world_run(&world, 5000);
    world.wall_ms -= 7200000;
    world_type(&world, 1, diary, "effect"); /* at the end of what it has seen */
    world_run(&world, 5000);
    struct told *told = history(&world, 0, diary, 0);
    cr_assert_eq(told->count, 2);
    cr_assert_str_eq(told->versions[0].text, "cause ");
    cr_assert_str_eq(told->versions[1].text, "cause effect");
    cr_assert_lt(told->versions[1].wall_ms, told->versions[0].wall_ms);
    world_finish(&world);
}

Test(history, what_cannot_be_read_is_counted_and_the_rest_is_told)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    world_connect(&world, 0);
    world_connect(&world, 1);
    world_type(&world, 0, diary, "first ");
    world_run(&world, 5000);
    world_type(&world, 1, other, "apart"); /* of the laptop, and whole */
    world_type(&world, 1, diary, "second ");
    world_run(&world, 5000);
    world_type(&world, 1, diary, "third ");
    world_run(&world, 5000);
    cr_assert_eq(history(&world, 0, diary, 0)->count, 3);
    struct kit_table *table = &world.people[0].shell.table;
    size_t last = 0, damaged = 0;
    for (size_t i = 0; i < table->count; i++) { /* the laptop's second batch: "second" */
        const struct quire_buffer *key = &table->records[i].key;
        uint8_t seq[8] = {0, 0, 0, 0, 0, 0, 0, 2};
        if (key->size == 17 && key->data[0] == 'b' && memcmp(key->data + 9, seq, 8) == 0) {
            last = table->records[i].value.size - 70; /* in its ciphertext, before the signature */
            table->records[i].value.data[last] ^= 1;
            damaged++;
        }
    }
    cr_assert_eq(damaged, 1);
    struct told *told = history(&world, 0, diary, 0);
    cr_assert_eq(told->count, 1, "what rests on it cannot be merged either");
    cr_assert_str_eq(told->versions[0].text, "first ");
    cr_assert_eq(told->unreadable, 2);
    cr_assert_eq(history(&world, 0, other, 0)->count, 1);
    world_finish(&world);
}

Test(history, what_was_written_apart_goes_by_the_clocks)
{
    struct world world;
    world_init(&world);
    world_account(&world, 0);
    world_pair(&world, 0, 1);
    for (int round = 0; round < 4; round++) {
        size_t early = (size_t)round / 2 % 2;
        world_disconnect(&world, 0);
        world_disconnect(&world, 1);
        world_type(&world, early, diary, "early ");
        world.wall_ms += 30000;
        world_type(&world, 1 - early, diary, "late ");
        world_connect(&world, 0);
        world_connect(&world, 1);
        world_run(&world, 5000);
    }
    struct told *told = history(&world, 0, diary, 0);
    cr_assert_eq(told->count, 8);
    for (size_t i = 1; i < told->count; i++) {
        cr_assert_geq(told->versions[i].wall_ms, told->versions[i - 1].wall_ms);
    }
    world_finish(&world);
}
