/*
 * A lying server against a device: the batches that it sends.
 * Whatever it does, nothing is applied that no device of the user wrote, nothing of the user's is lost,
 * the alarm is the right one, and with an honest server all goes on.
 */
#include "base/writer.h"
#include "peer.h"
#include <criterion/criterion.h>

static const char *kept_text(struct world *world, size_t person)
{
    static char text[65536];
    strcpy(text, world_text(world, person, hostile_diary));
    return text;
}

/* ---- DELTA ------------------------------------------------------------------------------------ */

Test(liar, batches_in_a_wrong_order_are_put_right_by_subscribing_again)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer first = {0}, second = {0};
    forge_next(&forger, hostile_diary, "one ", &first);
    forge_next(&forger, hostile_diary, "two ", &second);
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    struct quire_bytes batches[] = {quire_buffer_bytes(&second), quire_buffer_bytes(&first)};
    liar_delta(&world, 0, batches, 1);
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    liar_wait(&world, 0, 1500);
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB));
    liar_delta(&world, 0, batches, 2); /* of these the second is good */
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    liar_delta(&world, 0, batches, 2);
    liar_delta(&world, 0, batches, 2); /* repeated: nothing happens */
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    cr_assert_eq(liar_alarms(&world, 0), 0);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    hostile_end(&world);
}

Test(liar, a_bit_flipped_anywhere_in_a_batch_changes_nothing)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer batch = {0};
    forge_next(&forger, hostile_diary, "true ", &batch);
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    uint64_t batches = world_state(&world, 0).batch_count;
    for (size_t i = 0; i < batch.size; i++) {
        struct quire_bytes bytes = quire_buffer_bytes(&batch);
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        liar_delta(&world, 0, &bytes, 1);
        batch.data[i] ^= (uint8_t)(1u << i % 8);
        cr_assert_eq(world_state(&world, 0).batch_count, batches, "byte %zu", i);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    cr_assert_gt(liar_alarm(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), batch.size / 2);
    struct quire_bytes cut = quire_buffer_bytes(&batch);
    for (cut.size = 1; cut.size < batch.size; cut.size++) {
        liar_delta(&world, 0, &cut, 1);
    }
    cr_assert_eq(world_state(&world, 0).batch_count, batches);
    liar_delta(&world, 0, &cut, 1); /* the whole, as it was */
    cr_assert_eq(world_state(&world, 0).batch_count, batches + 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "true"));
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(liar, what_is_before_the_first_lie_of_a_frame_is_taken)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer batches = {0};
    struct quire_bytes items[3];
    size_t ends[3];
    for (int i = 0; i < 3; i++) {
        forge_next(&forger, hostile_diary, i == 0 ? "one " : i == 1 ? "two " : "three ", &batches);
        ends[i] = batches.size;
    }
    for (int i = 0; i < 3; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        items[i] = (struct quire_bytes){batches.data + start, ends[i] - start};
    }
    batches.data[ends[2] - 1] ^= 1; /* the signature that vouches for the run */
    batches.data[ends[1] - 1] ^= 1;
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, 3);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    quire_buffer_finish(&batches);
    hostile_end(&world);
}

/* The run is vouched for by its last signature: the others must be in what that one signs, or this
 * device would hold a batch that no server takes from it. */
Test(liar, a_signature_damaged_in_the_middle_of_a_run_is_not_kept)
{
    static const char *const words[] = {"alpha ", "beta ", "gamma "};
    for (int damaged = 0; damaged < 3; damaged++) {
        struct world world;
        hostile_begin(&world);
        struct forger forger = peer_keys(&world, 1, 'f');
        struct quire_buffer batches = {0};
        struct quire_bytes items[3];
        size_t ends[4] = {0};
        for (int i = 0; i < 3; i++) {
            forge_next(&forger, hostile_diary, words[i], &batches);
            ends[i + 1] = batches.size;
        }
        for (int i = 0; i < 3; i++) {
            items[i] = (struct quire_bytes){batches.data + ends[i], ends[i + 1] - ends[i]};
        }
        uint8_t *bit = &batches.data[ends[damaged + 1] - 40];
        liar_accept(&world, 0);
        liar_want_nothing(&world, 0);
        uint64_t before = world_state(&world, 0).batch_count;
        *bit ^= 4;
        liar_delta(&world, 0, items, 3);
        cr_assert_eq(
            world_state(&world, 0).batch_count, before + (uint64_t)damaged, "of %d", damaged);
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), 1);
        cr_assert_null(strstr(world_text(&world, 0, hostile_diary), words[damaged]));
        liar_wait(&world, 0, 1500);
        cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_SUB), "asks for what is good");
        *bit ^= 4;
        liar_delta(&world, 0, items, 3);
        cr_assert_eq(world_state(&world, 0).batch_count, before + 3);
        cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), words[damaged]));
        quire_buffer_finish(&batches);
        hostile_end(&world); /* it brings them to an honest server that never had them */
    }
}

Test(liar, batches_of_strangers_other_users_and_other_places_are_refused)
{
    static const uint8_t entropy[QR_ENTROPY_SIZE] = {5};
    struct world world;
    struct qr_vault *ghost;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f'), neighbour = peer_keys(&world, 2, 'n');
    struct quire_buffer bytes = {0};
    cr_assert_eq(qr_vault_create(entropy, &ghost), QUIRE_OK);
    struct plan plans[6];
    struct forger signers[6];
    for (size_t i = 0; i < 6; i++) {
        plans[i] = forge_plan(&forger, NULL, NULL);
        signers[i] = forger;
    }
    signers[0].vault = ghost; /* in another's name */
    signers[1].vault = ghost; /* in its own */
    memcpy(plans[1].device, qr_vault_public(ghost).device, QR_DEVICE_SIZE);
    plans[2] = forge_plan(&neighbour, NULL, NULL);
    signers[2] = neighbour;
    memcpy(plans[3].user, neighbour.roster->user, QR_USER_SIZE);
    plans[4].epoch = 2;
    plans[5].roster_seq = 1; /* before this device was there */
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    uint64_t batches = world_state(&world, 0).batch_count;
    for (size_t i = 0; i < 6; i++) {
        quire_buffer_clear(&bytes);
        forge_batch(&signers[i], &plans[i], &bytes, NULL);
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        liar_delta(&world, 0, &item, 1);
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_BAD_SIGNATURE), i + 1, "batch %zu", i);
        cr_assert_eq(world_state(&world, 0).batch_count, batches, "batch %zu", i);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    qr_vault_destroy(ghost);
    quire_buffer_finish(&bytes);
    hostile_end(&world);
}

Test(liar, a_ciphertext_moved_elsewhere_does_not_open)
{
    static const uint8_t other[QR_ENTRY_SIZE] = {7};
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    const char *before = kept_text(&world, 0);
    liar_accept(&world, 0);
    /* Sealed for another entry, replica, seq, index, kind, epoch; signed by a true device all the
     * same, as a thief of a session could have it signed. */
    for (size_t i = 0; i < 6; i++) {
        struct plan plan = forge_plan(&forger, hostile_diary, "moved");
        struct quire_buffer bytes = {0};
        plan.moved = true;
        plan.place =
            (struct qr_change_place){.seq = plan.seq, .kind = QR_CHANGE_OPS, .epoch = plan.epoch};
        memcpy(plan.place.replica, plan.replica, QR_REPLICA_SIZE);
        memcpy(plan.place.entry, hostile_diary, QR_ENTRY_SIZE);
        switch (i) {
        case 0: memcpy(plan.place.entry, other, QR_ENTRY_SIZE); break;
        case 1: plan.place.replica[0] ^= 1; break;
        case 2: plan.place.seq++; break;
        case 3: plan.place.index++; break;
        case 4: plan.place.kind = QR_CHANGE_CKPT; break;
        default:
            plan.moved = false;
            plan.padding = 1;
            break;
        }
        forge_batch(&forger, &plan, &bytes, forger.head);
        forger.seq++;
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        liar_delta(&world, 0, &item, 1);
        cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_UNREADABLE), i + 1);
        quire_buffer_finish(&bytes);
    }
    cr_assert_str_eq(world_text(&world, 0, hostile_diary), before);
    /* The chain goes on: what is unreadable blocks nothing. */
    struct quire_buffer last = {0};
    forge_next(&forger, hostile_diary, "readable ", &last);
    struct quire_bytes item = quire_buffer_bytes(&last);
    liar_delta(&world, 0, &item, 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "readable"));
    quire_buffer_finish(&last);
    hostile_end(&world);
}

Test(liar, two_batches_at_one_place_are_a_fork)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct plan other = forge_plan(&forger, hostile_diary, "two ");
    struct quire_buffer first = {0}, second = {0};
    forge_next(&forger, hostile_diary, "one ", &first);
    forge_batch(&forger, &other, &second, NULL);
    struct quire_bytes items[] = {quire_buffer_bytes(&first), quire_buffer_bytes(&second)};
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, 2);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_FORK), 1);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "one"));
    cr_assert_null(strstr(world_text(&world, 0, hostile_diary), "two"));
    liar_delta(&world, 0, items + 1, 1);
    cr_assert_eq(liar_alarm(&world, 0, QUIRE_ALARM_FORK), 2);
    quire_buffer_finish(&first);
    quire_buffer_finish(&second);
    hostile_end(&world);
}

Test(liar, chains_that_are_only_named_take_no_room)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    struct quire_buffer good = {0}, bad = {0};
    struct quire_bytes items[QR_FRAME_ITEMS_MAX];
    size_t ends[QR_CHAINS_MAX];
    for (size_t i = 0; i < QR_CHAINS_MAX - 10; i++) { /* without the batch before */
        struct plan plan = forge_plan(&forger, NULL, NULL);
        qr_store_u64(plan.replica, i + 1);
        plan.seq = 2;
        plan.prev[0] = 1;
        forge_batch(&forger, &plan, &bad, NULL);
        ends[i] = bad.size;
    }
    for (size_t i = 0; i < QR_CHAINS_MAX - 10; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        items[i] = (struct quire_bytes){bad.data + start, ends[i] - start};
    }
    forge_next(&forger, hostile_diary, "real ", &good);
    items[QR_CHAINS_MAX - 10] = quire_buffer_bytes(&good);
    liar_accept(&world, 0);
    liar_delta(&world, 0, items, QR_CHAINS_MAX - 9);
    cr_assert_not_null(strstr(world_text(&world, 0, hostile_diary), "real"));
    cr_assert_eq(world.people[0].shell.device->chains.count, world_state(&world, 0).chain_count);
    quire_buffer_finish(&good);
    quire_buffer_finish(&bad);
    hostile_end(&world);
}

Test(liar, a_batch_that_was_not_taken_counts_for_nothing)
{
    struct world world;
    hostile_begin(&world);
    struct quire_device *device = world.people[0].shell.device;
    /* The next of the device's own chain, with a signature that does not hold, twice in a frame. */
    struct forger forger = peer_keys(&world, 0, 'f');
    const struct device_chain *own = device_chain_find(device, device->replica.id);
    memcpy(forger.replica, own->replica, sizeof forger.replica);
    memcpy(forger.head, own->hash, sizeof forger.head);
    forger.seq = own->head;
    struct quire_buffer batch = {0};
    forge_next(&forger, hostile_diary, "ghost", &batch);
    batch.data[batch.size - 1] ^= 1;
    struct quire_bytes twice[] = {quire_buffer_bytes(&batch), quire_buffer_bytes(&batch)};
    liar_accept(&world, 0);
    liar_want_nothing(&world, 0);
    liar_delta(&world, 0, twice, 2);
    cr_assert_eq(world_state(&world, 0).not_on_server_count, 0);
    world_type(&world, 0, hostile_diary, "mine");
    cr_assert_not_null(liar_hear_of(&world, 0, QR_FRAME_PUSH));
    quire_buffer_finish(&batch);
    hostile_end(&world);
}

Test(liar, more_than_the_credit_ends_the_connection)
{
    struct world world;
    hostile_begin(&world);
    struct forger forger = peer_keys(&world, 1, 'f');
    liar_accept(&world, 0);
    world.hold_persisted = true; /* the device's disk is slow: it gives no credit back */
    size_t size = 0;
    while (world.people[0].connection != 0 && size < 4 * QR_CREDIT_INITIAL) {
        struct quire_buffer batch = {0};
        struct plan plan = forge_plan(&forger, hostile_diary, "large");
        plan.padding = 60000;
        forge_batch(&forger, &plan, &batch, forger.head);
        forger.seq++;
        struct quire_bytes item = quire_buffer_bytes(&batch);
        liar_delta(&world, 0, &item, 1);
        size += batch.size;
        quire_buffer_finish(&batch);
    }
    cr_assert_eq(world.people[0].connection, 0);
    cr_assert_eq(world.people[0].shell.last_code[QUIRE_NOTICE_REFUSED], QR_ERROR_PROTO);
    cr_assert_gt(size, QR_CREDIT_INITIAL);
    cr_assert_lt(size, QR_CREDIT_INITIAL + 62000);
    world.hold_persisted = false;
    world_restart(&world, 0, true);
    hostile_end(&world);
}
