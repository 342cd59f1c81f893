/*
 * What Mallory was given: per account the roster and every batch, in order of arrival.
 */
#include "mallory.h"

#include "people/model.h"
#include "sync/transcript.h"

#include <stdlib.h>
#include <string.h>

struct account *archive_account(struct world *world, const uint8_t *user, bool create)
{
    struct mallory *mallory = world->mallory;
    for (size_t i = 0; i < mallory->account_count; i++) {
        if (memcmp(mallory->accounts[i].id, user, QR_USER_SIZE) == 0) {
            return &mallory->accounts[i];
        }
    }
    if (!create || mallory->account_count == USERS_MAX) {
        return NULL;
    }
    struct account *account = &mallory->accounts[mallory->account_count++];
    memcpy(account->id, user, QR_USER_SIZE);
    for (uint32_t i = 0; i < world->options.users; i++) {
        if (world->model->users[i].made
            && memcmp(world->model->users[i].id, user, QR_USER_SIZE) == 0) {
            account->user = i;
        }
    }
    return account;
}

const struct given *archive_find(
    const struct account *account, const uint8_t *replica, uint64_t seq)
{
    for (size_t i = account->count; i-- > 0;) {
        const struct given *given = &account->items[i];
        if (given->seq == seq && memcmp(given->replica, replica, QR_REPLICA_SIZE) == 0) {
            return given;
        }
    }
    return NULL;
}

uint64_t archive_head(
    const struct account *account, const uint8_t *replica, const uint8_t **out_hash)
{
    static const uint8_t none[QR_HASH_SIZE];
    for (size_t i = account->count; i-- > 0;) { /* chains grow: the last one is the head */
        const struct given *given = &account->items[i];
        if (memcmp(given->replica, replica, QR_REPLICA_SIZE) == 0) {
            if (out_hash != NULL) {
                *out_hash = given->hash;
            }
            return given->seq;
        }
    }
    if (out_hash != NULL) {
        *out_hash = none;
    }
    return 0;
}

void archive_signed(
    const struct account *account, const struct qr_batch *batch, uint8_t out_signed[QR_HASH_SIZE])
{
    static const uint8_t none[QR_HASH_SIZE];
    const struct qr_roster *roster = &account->roster;
    qr_batch_signed(batch, account->id,
        batch->roster_seq < roster->count ? roster->entries[batch->roster_seq].hash : none,
        out_signed);
}

void archive_hash(
    const struct account *account, const struct qr_batch *batch, uint8_t out_hash[QR_HASH_SIZE])
{
    uint8_t signed_hash[QR_HASH_SIZE];
    archive_signed(account, batch, signed_hash);
    qr_batch_hash(signed_hash, batch->signature, out_hash);
}

struct given *archive_put(
    struct world *world, struct account *account, const struct qr_batch *batch, uint32_t phone)
{
    account->items =
        sim_grow(account->items, &account->capacity, account->count, sizeof *account->items);
    struct given *given = &account->items[account->count++];
    *given = (struct given){.seq = batch->seq,
        .roster_seq = batch->roster_seq,
        .phone = phone,
        .at_ms = world->now_ms,
        .bytes = sim_alloc(batch->bytes.size),
        .size = batch->bytes.size};
    memcpy(given->replica, batch->replica, QR_REPLICA_SIZE);
    memcpy(given->device, batch->device, QR_DEVICE_SIZE);
    memcpy(given->bytes, batch->bytes.data, batch->bytes.size);
    archive_hash(account, batch, given->hash);
    return given;
}

bool archive_pins_are_current(const struct account *account, const struct qr_record *record)
{
    size_t chains = 0;
    for (size_t i = 0; i < account->count; i++) {
        const struct given *given = &account->items[i];
        chains +=
            given->seq == 1 && memcmp(given->device, record->revoke.device, QR_DEVICE_SIZE) == 0;
    }
    for (size_t i = 0; i < record->revoke.pin_count; i++) {
        const struct qr_dep *pin = &record->revoke.pins[i];
        if (archive_head(account, pin->replica, NULL) != pin->seq) {
            return false;
        }
    }
    return chains == record->revoke.pin_count;
}

void archive_finish(struct account *account)
{
    for (size_t i = 0; i < account->count; i++) {
        free(account->items[i].bytes);
    }
    free(account->items);
    qr_roster_finish(&account->roster);
}
