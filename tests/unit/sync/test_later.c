/*
 * Batches that a later version of Quire wrote: taken in, kept, passed on, and read after an upgrade.
 */
#include "peer.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define LATER (QR_BATCH_VERSION + 1)

/** Two edits of one document: the second stands where the first one wrote. */
struct edits {
    struct quire_buffer first, second;
};

static struct edits make_edits(void)
{
    struct edits edits = {0};
    struct quire_document *document;
    struct quire_stamp stamp = {.replica = {7, 7, 7}, .wall_ms = 1700000000000};
    cr_assert_eq(quire_document_create(&document), QUIRE_OK);
    cr_assert_eq(
        quire_document_insert(document, &stamp, 0, quire_bytes_of_text("alpha omega")), QUIRE_OK);
    cr_assert_eq(quire_document_take_delta(document, 60 * 1024, &edits.first), QUIRE_OK);
    cr_assert_eq(
        quire_document_insert(document, &stamp, 6, quire_bytes_of_text("beta ")), QUIRE_OK);
    cr_assert_eq(quire_document_take_delta(document, 60 * 1024, &edits.second), QUIRE_OK);
    quire_document_destroy(document);
    return edits;
}

static void finish_edits(struct edits *edits)
{
    quire_buffer_finish(&edits->first);
    quire_buffer_finish(&edits->second);
}

/* Person 0 has subscribed to a liar, who will hand out what the device of person 1 seems to write. */
static struct forger begin(struct world *world, struct edits *out_edits)
{
    hostile_begin(world);
    *out_edits = make_edits();
    liar_accept(world, 0);
    liar_want_nothing(world, 0);
    return peer_keys(world, 1, 'f');
}

/* Person 0 gets the forger's next batch, from a liar. */
static void give(
    struct world *world, struct forger *forger, uint8_t version, struct quire_bytes delta)
{
    struct quire_buffer batch = {0};
    struct plan plan = forge_plan(forger, hostile_diary, NULL);
    plan.version = version;
    plan.delta = delta;
    forge_batch(forger, &plan, &batch, forger->head);
    forger->seq++;
    struct quire_bytes bytes = quire_buffer_bytes(&batch);
    liar_delta(world, 0, &bytes, 1);
    quire_buffer_finish(&batch);
}

static bool shows(struct world *world, const char *text)
{
    return strstr(world_text(world, 0, hostile_diary), text) != NULL;
}

/* The program ends, and one that knows a later version begins; its first steps. */
static void upgrade(struct world *world, size_t person)
{
    world_disconnect(world, person);
    world_restart(world, person, true);
    world->people[person].shell.device->format = LATER;
    for (int i = 0; i < 4; i++) {
        world_step(world, person, (struct quire_event){.kind = QUIRE_EVENT_TICK});
    }
}

/* Everybody is upgraded, the server too, which is honest from here on. */
static void end(struct world *world)
{
    world->server.limits.batch_version = LATER;
    world_restart_hub(world, world->server.log.count);
    upgrade(world, 0);
    upgrade(world, 1);
    hostile_end(world);
}

Test(later, a_batch_of_a_later_version_is_kept_unread_and_read_after_an_upgrade)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    uint64_t before = world_state(&world, 0).batch_count;
    give(&world, &forger, LATER, quire_buffer_bytes(&edits.first));
    cr_assert_eq(world_state(&world, 0).batch_count, before + 1, "kept");
    cr_assert_eq(world_state(&world, 0).unread_count, 1);
    cr_assert_eq(liar_alarms(&world, 0), 0);
    cr_assert(!shows(&world, "alpha"));
    give(&world, &forger, 1, quire_buffer_bytes(&edits.second));
    cr_assert_eq(world_state(&world, 0).batch_count, before + 2, "what is behind it is taken");
    cr_assert_eq(world_state(&world, 0).unread_count, 2, "and stands on what is unread");
    cr_assert_eq(liar_alarms(&world, 0), 0);

    world_restart(&world, 0, true); /* of the same version: still unread, and no busier for it */
    for (int i = 0; i < 4; i++) {
        world_step(&world, 0, (struct quire_event){.kind = QUIRE_EVENT_TICK});
    }
    cr_assert_eq(world_state(&world, 0).unread_count, 2);
    cr_assert_gt(quire_device_wake_ms(world.people[0].shell.device), world.now_ms);

    upgrade(&world, 0);
    cr_assert_eq(world_state(&world, 0).unread_count, 0);
    cr_assert(shows(&world, "alpha beta omega"));
    cr_assert_eq(liar_alarms(&world, 0), 0);
    world_restart(&world, 0, true);
    cr_assert_eq(world_state(&world, 0).unread_count, 0, "and it is kept so");
    cr_assert(shows(&world, "alpha beta omega"));
    finish_edits(&edits);
    end(&world);
}

Test(later, a_later_program_writes_what_an_earlier_one_can_read)
{
    struct world world;
    struct edits edits;
    (void)begin(&world, &edits);
    upgrade(&world, 0);
    world.server.limits.batch_version = QR_BATCH_VERSION;
    world_restart_hub(&world, world.server.log.count);
    world_type(&world, 0, hostile_diary, "for all ");
    world_connect(&world, 0);
    world_connect(&world, 1);
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 0).unacknowledged_count, 0, "the server is of this version");
    cr_assert_eq(world_state(&world, 1).unread_count, 0, "as is the other device");
    cr_assert(strstr(world_text(&world, 1, hostile_diary), "for all ") != NULL);
    finish_edits(&edits);
    hostile_end(&world);
}

/* Of the forger, in version 2: the content is clear text. */
static void give_clear(struct world *world, struct forger *forger, uint8_t kind)
{
    struct quire_buffer batch = {0};
    struct plan plan = forge_plan(forger, hostile_diary, NULL);
    plan.kind = kind;
    plan.clear = quire_bytes_of_text("neither a manifest nor a verdict");
    forge_batch(forger, &plan, &batch, forger->head);
    forger->seq++;
    struct quire_bytes bytes = quire_buffer_bytes(&batch);
    cr_assert_eq(bytes.data[0], 2);
    liar_delta(world, 0, &bytes, 1);
    quire_buffer_finish(&batch);
}

Test(later, manifests_and_verdicts_are_kept_and_change_no_document)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    uint64_t before = world_state(&world, 0).batch_count;
    give(&world, &forger, 0, quire_buffer_bytes(&edits.first));
    give_clear(&world, &forger, QR_CHANGE_MANIFEST);
    give_clear(&world, &forger, QR_CHANGE_VERDICT);
    give(&world, &forger, 0, quire_buffer_bytes(&edits.second));
    cr_assert_eq(world_state(&world, 0).batch_count, before + 4);
    cr_assert_eq(world_state(&world, 0).unread_count, 0);
    cr_assert_eq(liar_alarms(&world, 0), 0);
    cr_assert(shows(&world, "alpha beta omega"));
    world_disconnect(&world, 0);
    world_restart_hub(&world, world.server.log.count);
    world_connect(&world, 0);
    world_run(&world, 5000);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0, "an honest server stores them");
    finish_edits(&edits);
    hostile_end(&world);
}

Test(later, an_unread_batch_is_brought_to_a_server_that_never_had_it)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    give(&world, &forger, LATER, quire_buffer_bytes(&edits.first));
    world.server.limits.batch_version = LATER;
    world_restart_hub(&world, world.server.log.count);
    world_disconnect(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 5000);
    struct quire_device_state state = world_state(&world, 0);
    cr_assert(state.caught_up);
    cr_assert_eq(state.not_on_server_count, 0);
    cr_assert_eq(state.unread_count, 1);
    finish_edits(&edits);
    end(&world); /* where the other one, upgraded, reads it */
}

Test(later, a_server_of_an_earlier_version_refuses_it_and_nothing_else)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    world_type(&world, 0, hostile_diary, "mine ");
    give(&world, &forger, LATER, quire_buffer_bytes(&edits.first));
    world_disconnect(&world, 0);
    world_connect(&world, 0);
    world_run(&world, 5000);
    struct quire_device_state state = world_state(&world, 0);
    cr_assert(state.connected && state.caught_up);
    cr_assert_eq(state.unacknowledged_count, 0, "what the person wrote is there");
    cr_assert_eq(state.not_on_server_count, 1);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REJECTED], QR_ERROR_UPGRADE_NEEDED);
    finish_edits(&edits);
    end(&world);
}

Test(later, a_later_form_of_the_text_is_kept_unread)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    edits.first.data[0] = 2;
    give(&world, &forger, 1, quire_buffer_bytes(&edits.first));
    cr_assert_eq(world_state(&world, 0).unread_count, 1);
    cr_assert_eq(liar_alarms(&world, 0), 0);
    finish_edits(&edits);
    world_finish(&world);
}

Test(later, what_is_wrong_and_not_of_a_later_version_is_an_alarm)
{
    struct world world;
    struct edits edits;
    struct forger forger = begin(&world, &edits);
    struct forger other = peer_keys(&world, 1, 'g');
    give(&world, &forger, 1,
        quire_buffer_bytes(&edits.second)); /* it stands on nothing that is here */
    cr_assert_eq(world_state(&world, 0).alarms[QUIRE_ALARM_UNREADABLE], 1);
    cr_assert_eq(world_state(&world, 0).unread_count, 0);
    struct quire_buffer word = {0};
    struct quire_document *document;
    struct quire_stamp stamp = {.replica = {8}, .wall_ms = 1700000000000};
    cr_assert_eq(quire_document_create(&document), QUIRE_OK);
    cr_assert_eq(
        quire_document_insert(document, &stamp, 0, quire_bytes_of_text("gamma")), QUIRE_OK);
    cr_assert_eq(quire_document_take_delta(document, 60 * 1024, &word), QUIRE_OK);
    quire_document_destroy(document);
    give(&world, &other, LATER, quire_buffer_bytes(&word));
    give(&world, &forger, 1, quire_buffer_bytes(&edits.second)); /* perhaps it stands on that */
    cr_assert_eq(world_state(&world, 0).alarms[QUIRE_ALARM_UNREADABLE], 1);
    cr_assert_eq(world_state(&world, 0).unread_count, 2);
    upgrade(&world, 0);
    cr_assert(shows(&world, "gamma"));
    cr_assert_eq(world_state(&world, 0).unread_count, 0);
    cr_assert_eq(world_state(&world, 0).alarms[QUIRE_ALARM_UNREADABLE], 2, "it did not");
    quire_buffer_finish(&word);
    finish_edits(&edits);
    end(&world);
}
