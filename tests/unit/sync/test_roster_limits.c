/*
 * How many devices and records a roster may have, and that at each of these limits a device can still be
 * revoked and the recovery kit finds a way back.
 */
#include "base/writer.h"
#include "limits.h"
#include "sync/device/roster_sign.h"
#include "sync/hub/state.h"
#include <criterion/criterion.h>
#include <stdlib.h>

Test(limits, a_roster_has_twenty_active_devices)
{
    struct world world;
    limits_begin(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    world_connect(&world, 0);
    uint8_t name[QR_NAME_SIZE] = {0}, seal[QR_SEAL_SIZE] = {0}, entropy[QR_ENTROPY_SIZE] = {8};
    for (uint8_t i = 1; i <= QR_DEVICES_MAX; i++) {
        struct qr_vault *new;
        struct quire_buffer bytes = {0};
        entropy[1] = i;
        cr_assert_eq(qr_vault_create(entropy, &new), QUIRE_OK);
        struct qr_record record = {.kind = QR_RECORD_ADD};
        record.add.sign_public = qr_vault_public(new).sign_public;
        record.add.box_public = qr_vault_public(new).box_public;
        record.add.epoch = forger.roster->epoch;
        record.add.name = name;
        record.add.seal = seal;
        world_run(&world, 100); /* the device hears of the last one */
        forge_record(&forger, &record, &bytes);
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        uint8_t head[QR_HASH_SIZE];
        memcpy(head, qr_roster_head(forger.roster), sizeof head);
        cr_assert_eq(peer_append(&world, stranger, head, &item, 1),
            i < QR_DEVICES_MAX ? 0 : QR_ERROR_TOO_LARGE, "device %u", i + 1u);
        quire_buffer_finish(&bytes);
        qr_vault_destroy(new);
    }
    world_run(&world, 100);
    cr_assert_eq(forger.roster->active_count, QR_DEVICES_MAX);
    world_disconnect(&world, 0);
    limits_end(&world);
}

/* Fills the account with devices that wrote nothing; forged by person 0, which is not connected. */
static void enrol_up_to_twenty(struct world *world)
{
    struct forger forger = peer_keys(world, 0, 'f');
    struct stranger *stranger = peer_login(world, &forger);
    uint8_t name[QR_NAME_SIZE] = {0}, seal[QR_SEAL_SIZE] = {0}, entropy[QR_ENTROPY_SIZE] = {8};
    world_connect(world, 0);
    while (forger.roster->active_count < QR_DEVICES_MAX) {
        struct qr_vault *new;
        struct quire_buffer bytes = {0};
        entropy[1]++;
        cr_assert_eq(qr_vault_create(entropy, &new), QUIRE_OK);
        struct qr_record record = {.kind = QR_RECORD_ADD};
        record.add.sign_public = qr_vault_public(new).sign_public;
        record.add.box_public = qr_vault_public(new).box_public;
        record.add.epoch = forger.roster->epoch;
        record.add.name = name;
        record.add.seal = seal;
        forge_record(&forger, &record, &bytes);
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        uint8_t head[QR_HASH_SIZE];
        memcpy(head, qr_roster_head(forger.roster), sizeof head);
        cr_assert_eq(peer_append(world, stranger, head, &item, 1), 0);
        world_run(world, 100);
        quire_buffer_finish(&bytes);
        qr_vault_destroy(new);
    }
}

Test(limits, the_kit_replaces_the_least_recently_used_of_twenty_devices)
{
    struct world world;
    limits_begin(&world);
    enrol_up_to_twenty(&world);
    world_type(&world, 0, limits_diary, "kept");
    world_run(&world, 3000);
    const struct qr_roster *roster = &world.people[0].shell.device->roster;
    uint8_t first[QR_DEVICE_SIZE];
    memcpy(first, roster->devices[1].device, sizeof first); /* it wrote nothing, and came first */
    world_recover(&world, 2, world.people[0].kit);
    world_connect(&world, 2);
    world_run(&world, 3000);
    world_connect(&world, 2); /* as a member */
    world_run(&world, 3000);
    cr_assert(world_state(&world, 2).joined);
    cr_assert_str_eq(world_text(&world, 2, limits_diary), "mine kept");
    cr_assert_eq(roster->active_count, QR_DEVICES_MAX);
    cr_assert_not(qr_roster_active(roster, first));
    cr_assert(qr_roster_active(roster, world_state(&world, 2).device));
    cr_assert_not(world_state(&world, 0).revoked, "it wrote, so it was used");
    cr_assert_eq(world_state(&world, 0).epoch, world_state(&world, 2).epoch);
    limits_end(&world);
}

Test(limits, the_kit_can_revoke_every_other_device_in_the_same_append)
{
    struct world world;
    limits_begin(&world);
    enrol_up_to_twenty(&world);
    world_type(&world, 0, limits_diary, "kept");
    world_run(&world, 3000);
    struct quire_device_options options = world_options(&world, &world.people[2]);
    options.revoke_others = true;
    cr_assert_eq(quire_device_recover(&options, quire_bytes_of_text("new phone"),
                     quire_bytes_of_text(world.people[0].kit), &world.people[2].shell.device),
        QUIRE_OK);
    world_connect(&world, 2);
    world_run(&world, 3000);
    world_connect(&world, 2);
    world_run(&world, 3000);
    cr_assert(world_state(&world, 2).joined);
    cr_assert_str_eq(world_text(&world, 2, limits_diary), "mine kept");
    cr_assert_eq(world.people[2].shell.device->roster.active_count, 1);
    cr_assert(world_state(&world, 0).revoked);
    world_type(&world, 2, limits_diary, ", and written on");
    world_run(&world, 3000);
    cr_assert_eq(world_state(&world, 2).unacknowledged_count, 0);
    world_finish(&world);
}

Test(limits, a_full_roster_still_revokes_every_device_and_takes_the_kit)
{
    struct world world;
    struct qr_roster roster = {0};
    struct qr_kit *kit = NULL;
    limits_begin(&world);
    struct quire_device *device = world.people[0].shell.device;
    const struct quire_bytes name = quire_bytes_of_text("one of many");
    cr_assert_eq(qr_kit_parse(quire_bytes_of_text(world.people[0].kit), &kit), QUIRE_OK);
    cr_assert_eq(qr_roster_copy(&device->roster, &roster), QUIRE_OK);
    enum quire_status status = QUIRE_OK;
    for (uint32_t i = 0; status == QUIRE_OK;
         i++) { /* a device comes; when there are twenty, one leaves */
        struct qr_vault *new;
        uint8_t entropy[QR_ENTROPY_SIZE] = {9};
        qr_store_u32(entropy + 1, i);
        if (roster.active_count == QR_DEVICES_MAX) {
            cr_assert_eq(device_sign_revoke(
                             device, &roster, NULL, roster.devices[roster.device_count - 1].device),
                QUIRE_OK);
            cr_assert_eq(device_sign_epoch(device, &roster, NULL), QUIRE_OK);
        }
        cr_assert_eq(qr_vault_create(entropy, &new), QUIRE_OK);
        status = device_sign_add(device, &roster, NULL, qr_vault_public(new).sign_public,
            qr_vault_public(new).box_public, name);
        qr_vault_destroy(new);
    }
    cr_assert_eq(status, QUIRE_ELIMIT);
    cr_assert_geq(qr_roster_fullness(&roster), 99);
    for (size_t i = 0; i < roster.device_count; i++) {
        const uint8_t *other = roster.devices[i].device;
        if (roster.devices[i].revoked_seq == 0
            && memcmp(other, device_self(device), QR_DEVICE_SIZE) != 0) {
            cr_assert_eq(device_sign_revoke(device, &roster, NULL, other), QUIRE_OK);
            cr_assert_eq(device_sign_epoch(device, &roster, NULL), QUIRE_OK);
        }
    }
    cr_assert_eq(roster.active_count, 1);
    for (uint8_t i = 0; i < 10; i++) { /* the kit, again and again */
        struct qr_vault *new;
        uint8_t entropy[QR_ENTROPY_SIZE] = {10, i};
        cr_assert_eq(qr_vault_create(entropy, &new), QUIRE_OK);
        cr_assert_eq(device_sign_revoke(device, &roster, kit,
                         roster.devices[i == 0 ? 0 : roster.device_count - 1].device),
            QUIRE_OK);
        cr_assert_eq(device_sign_add(device, &roster, kit, qr_vault_public(new).sign_public,
                         qr_vault_public(new).box_public, name),
            QUIRE_OK);
        cr_assert_eq(device_sign_epoch(device, &roster, kit), QUIRE_OK);
        qr_vault_destroy(new);
    }
    qr_kit_destroy(kit);
    qr_roster_finish(&roster);
    limits_end(&world);
}

Test(limits, a_revocation_with_invented_pins_is_refused)
{
    struct world world;
    limits_begin(&world);
    enrol_up_to_twenty(&world);
    struct forger forger = peer_keys(&world, 0, 'f');
    struct stranger *stranger = peer_login(&world, &forger);
    for (size_t count = QR_UNKNOWN_PINS_MAX + 1; count >= QR_UNKNOWN_PINS_MAX; count--) {
        struct quire_buffer bytes = {0};
        struct qr_record record = {.kind = QR_RECORD_REVOKE};
        record.revoke.device = forger.roster->devices[1].device;
        for (size_t i = 0; i < count; i++) {
            struct qr_dep *pin = &record.revoke.pins[record.revoke.pin_count++];
            *pin = (struct qr_dep){.seq = 1, .replica = {(uint8_t)i}};
        }
        forge_record(&forger, &record, &bytes);
        struct quire_bytes item = quire_buffer_bytes(&bytes);
        uint8_t head[QR_HASH_SIZE];
        memcpy(head, qr_roster_head(forger.roster), sizeof head);
        cr_assert_eq(peer_append(&world, stranger, head, &item, 1),
            count > QR_UNKNOWN_PINS_MAX ? QR_ERROR_TOO_LARGE : 0, "%zu pins", count);
        quire_buffer_finish(&bytes);
    }
    limits_end(&world);
}

Test(limits, a_roster_of_any_history_ends_at_its_number_of_records)
{
    struct world world;
    struct qr_roster roster = {0};
    limits_begin(&world);
    const struct quire_device *device = world.people[0].shell.device;
    cr_assert_eq(qr_roster_copy(&device->roster, &roster), QUIRE_OK);
    struct forger forger = forger_of(device->vault, &roster, 'f');
    uint8_t name[QR_NAME_SIZE] = {0}, seal[QR_SEAL_SIZE] = {0}, entropy[QR_ENTROPY_SIZE] = {8};
    enum quire_status status = QUIRE_OK;
    for (uint32_t i = 0; status == QUIRE_OK; i++) { /* added and revoked, over and over */
        struct qr_vault *new;
        qr_store_u32(entropy + 1, i);
        cr_assert_eq(qr_vault_create(entropy, &new), QUIRE_OK);
        for (int step = 0; step < 2 && status == QUIRE_OK; step++) {
            struct quire_buffer bytes = {0};
            struct qr_record record = {.kind = step == 0 ? QR_RECORD_ADD : QR_RECORD_REVOKE};
            if (step == 0) {
                record.add.sign_public = qr_vault_public(new).sign_public;
                record.add.box_public = qr_vault_public(new).box_public;
                record.add.epoch = roster.epoch;
                record.add.name = name;
                record.add.seal = seal;
            } else {
                record.revoke.device = qr_vault_public(new).device;
            }
            if (roster.count < QR_RECORDS_MAX) {
                forge_record(&forger, &record, &bytes);
                status = qr_roster_append(&roster, quire_buffer_bytes(&bytes));
            } else {
                status = QUIRE_ELIMIT;
            }
            quire_buffer_finish(&bytes);
        }
        qr_vault_destroy(new);
    }
    cr_assert_eq(status, QUIRE_ELIMIT);
    cr_assert_geq(
        roster.count, QR_RECORDS_MAX - QR_ROOT_RECORDS_RESERVE - QR_REVOKE_RECORDS_RESERVE);
    cr_assert_leq(roster.device_count, QR_ROSTER_DEVICES_MAX);
    cr_assert_leq(roster.bytes.size, QR_ROSTER_MAX);
    qr_roster_finish(&roster);
    limits_end(&world);
}
